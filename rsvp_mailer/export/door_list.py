"""The list at the door: everybody who comes or may come, alphabetical, a box to tick for each person.

Sorted by family name as the Unicode Collation Algorithm has it (umlauts beside their vowels, Arabic letters behind
Latin ones). A long list comes in volumes, one for each desk at the entrance: which is how such a list is used, and
keeps memory bounded.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import Attendance
from rsvp_mailer.export.columns import clean, shown_address
from rsvp_mailer.typesetting import pdf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rsvp_mailer.domain import Event
    from rsvp_mailer.export.wording import Wording
    from rsvp_mailer.store.register import Entry, Register

GUESTS_PER_VOLUME = 1000
WALK_INS = 12  # empty lines at the end
_MOST_BOXES = 16  # two lines of them; a larger party is counted by hand
_TEMPLATE = Path(__file__).with_name("door_list.typ")
_TITLES = re.compile(
    r"^(?:(?:frau|herrn?|hr|fr|familie|dr|prof|dipl|ing|mr|mrs|ms|mme|madame|monsieur|m)\b\.?[\s-]*)+", re.IGNORECASE
)
_BEHIND = re.compile(r"\s*(?:\(.*|,?\s+(?:e\.?\s?v\.?|g?gmbh|m\.?a\.?|ph\.?d\.?)\.?)\s*$", re.IGNORECASE)
# Words that a family name begins with; German "von" and "zu" are none of them, as in DIN 5007.
_LEADING = frozenset({"van", "de", "del", "di", "da", "el", "al", "bin", "ibn"})
_BETWEEN = _LEADING | {"der", "den", "la", "le"}


@dataclass(frozen=True, slots=True)
class Volume:
    """A stretch of the list. ``first``, ``last``: names it begins and ends with."""

    number: int
    of: int
    ids: Sequence[int]
    first: str
    last: str


def family_name(name: str) -> tuple[str, str, str]:
    """What stands before the family name, the family name, and what stands behind it; joined they are ``name``.

    "Dr. Anna von Berg" is found under "Berg", "Jan van Dijk" under "van Dijk", "Berg, Anna" under "Berg"; a name in
    another script than Latin under its first word, as such lists are kept.
    """
    name = " ".join(name.split())
    behind = _BEHIND.search(name)
    core = name[: behind.start()] if behind else name
    start = title.end() if (title := _TITLES.match(core)) else 0
    if start >= len(core):
        start = 0
    if "," in core[start:]:
        end = core.index(",", start)
        return name[:start], name[start:end], name[end:]
    words = core[start:].split(" ")
    if not _is_latin(core):
        return name[:start], words[0], name[start + len(words[0]) :]
    first = _first_of_family(words, given=1 if start == 0 else 0)
    start += len(" ".join(words[:first])) + (first > 0)
    return name[:start], name[start : len(core)], name[len(core) :]


def _first_of_family(words: Sequence[str], *, given: int) -> int:
    """Index of the word that a family name begins with, behind ``given`` words that are none."""
    found = at = len(words) - 1
    while at > given and words[at - 1].casefold() in _BETWEEN:
        at -= 1
        if words[at].casefold() in _LEADING:
            found = at
    return found


def _is_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return not letters or letters[0] < "\u0370"


def volumes(register: Register, event: str, *, most: int = GUESTS_PER_VOLUME) -> list[Volume]:
    """Who is on the list, sorted and cut into volumes; one, perhaps empty, at least."""
    coming = register.coming(event)
    keyed = sorted((_key(name, person), id_, name or shown_address(person)) for id_, name, person in coming)
    starts = [*range(0, len(keyed), most), len(keyed)] if keyed else [0, 0]
    return [
        Volume(
            number=number,
            of=len(starts) - 1,
            ids=array("q", (id_ for _, id_, _ in keyed[start:end])),
            first=keyed[start][2] if keyed else "",
            last=keyed[end - 1][2] if keyed else "",
        )
        for number, (start, end) in enumerate(pairwise(starts), 1)
    ]


def door_list(volume: Volume, entries: Iterable[Entry], event: Event, wording: Wording, *, as_of: str) -> bytes:
    """One volume as a tagged PDF. ``as_of``: day and time as people read them."""
    return pdf(
        _TEMPLATE,
        {
            "words": dict(wording.words),
            "language": wording.code,
            "title": clean(event.title),
            "as_of": as_of,
            "volume": volume.number,
            "volumes": volume.of,
            "first": clean(volume.first),
            "last": clean(volume.last),
            "walk_ins": WALK_INS,
            "guests": list(_lines(entries, wording)),
        },
    )


def _lines(entries: Iterable[Entry], wording: Wording) -> Iterator[dict[str, Any]]:
    letter = ""
    for entry in entries:
        name = clean(entry.answer.name) or shown_address(entry.person) or "?"
        before, family, behind = family_name(name) if entry.answer.name else ("", name, "")
        initial = _initial(family)
        yield {
            "letter": initial if initial != letter else "",
            "before": before,
            "family": family,
            "behind": behind,
            "people": [clean(each) for each in entry.answer.people],
            "persons": entry.persons,
            "boxes": entry.persons if entry.persons <= _MOST_BOXES else _MOST_BOXES // 2,
            "remarks": _remarks(entry, wording),
        }
        letter = initial


def _remarks(entry: Entry, wording: Wording) -> list[str]:
    answer = entry.answer
    remarks = [wording["maybe"]] if answer.attendance is Attendance.MAYBE else []
    if entry.size_open:
        remarks.append(wording["size_open"])
    if answer.arrival:
        remarks.append(f"{wording['arrives']} {answer.arrival}")
    if answer.departure:
        remarks.append(f"{wording['leaves']} {answer.departure}")
    if answer.interpreter:
        remarks.append(f"{wording['interpreting']}: {wording.listing(answer.interpreter)}")
    return remarks


@cache
def _collator() -> Any:  # noqa: ANN401 - the library has no types
    from pyuca import Collator  # noqa: PLC0415 - a large table, loaded where a list is made

    return Collator()


def _key(name: str, person: str) -> bytes:
    before, family, behind = family_name(name) if name.strip() else ("", shown_address(person), "")
    key = array("H", _collator().sort_key(f"{family}, {before} {behind}"))
    key.byteswap()  # big-endian octets compare as the numbers do; every machine this runs on is little-endian
    return key.tobytes()


def _initial(family: str) -> str:
    """The letter under which a name stands: without its marks."""
    first = next((character for character in family if character.isalnum()), "")
    return (unicodedata.normalize("NFD", first)[:1] if _is_latin(first) else first).upper()
