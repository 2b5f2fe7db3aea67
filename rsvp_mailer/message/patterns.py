"""What mail programs and people write around their own words, in every language we know: ``patterns/*.toml``.

What may live here: loading and checking of those files, and the sets that the rooms look words up in. No
language is preferred: a German mailbox gets Turkish Outlook headers too. Loading refuses unknown keys.

All phrases are plain text in any case; ``*`` in a phrase stands for up to four words.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.message.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parent / "patterns"

_SHAPE = {
    "labels": ("from", "sent", "to", "cc", "subject", "other"),
    "quote": ("wrote", "opening", "original", "forwarded", "see_below"),
    "cut": ("device", "device_words", "disclaimer", "advertising", "postscript"),
    "subject": ("reply", "forward"),
    "automatic": (
        *("subject", "weak_subject", "strong", "absence", "return", "substitute", "receipt", "personal"),
        *("bounce_subject", "bounce", "delay", "calendar"),
    ),
    "relevance": (
        *("occasion", "conference", "matter", "unattended", "institution", "answer", "coming", "answered"),
        *("business", "elsewhere", "spam", "district", "generic", "sheet", "clock", "later", "months"),
    ),
}


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases to be found anywhere in folded text: ``plain`` by substring, ``gapped`` by pattern.

    Each pattern stands beside its longest word, for a look whether it can match at all.
    """

    plain: tuple[str, ...]
    gapped: tuple[tuple[str, re.Pattern[str]], ...] = ()

    def found_in(self, folded: str) -> str | None:
        """The first phrase that occurs, or ``None``."""
        for phrase in self.plain:
            if phrase in folded:
                return phrase
        possible = (pattern for word, pattern in self.gapped if word in folded)
        return next((pattern.pattern for pattern in possible if pattern.search(folded)), None)

    def __bool__(self) -> bool:
        return bool(self.plain or self.gapped)

    def present_in(self, folded: str) -> Phrases:
        """Those of the phrases that occur."""
        gapped = tuple(each for each in self.gapped if each[0] in folded and each[1].search(folded))
        return Phrases(tuple(phrase for phrase in self.plain if phrase in folded), gapped)

    def place_in(self, folded: str) -> int:
        """Where the first phrase begins, or -1."""
        places = [folded.find(phrase) for phrase in self.plain]
        places += [found.start() for _, pattern in self.gapped if (found := pattern.search(folded))]
        return min((place for place in places if place >= 0), default=-1)

    def whole_in(self, folded: str, *, stems: bool = False) -> bool:
        """Whether a phrase occurs that begins and ends where words do; with ``stems`` it may end within a word."""
        plain = self.present_in(folded).plain
        end = "" if stems else r"(?!\w)"
        whole = any(re.search(rf"(?<!\w){re.escape(phrase)}{end}", folded) for phrase in plain)
        return whole or any(word in folded and pattern.search(folded) for word, pattern in self.gapped)

    def count_in(self, folded: str) -> int:
        """How many different phrases occur."""
        plain = sum(phrase in folded for phrase in self.plain)
        return plain + sum(word in folded and pattern.search(folded) is not None for word, pattern in self.gapped)


@dataclass(frozen=True, slots=True)
class Patterns:
    """The phrases of all languages together, folded; see the TOML files for what each key means.

    ``labels``: header label -> role (``from sent to cc subject other``). ``words``: phrases by
    ``"table.key"``. ``starts``: patterns anchored at the beginning, by the same names. ``months``: twelve
    tuples of names. ``spelled``: phrases as the files have them, where the case tells.
    """

    labels: Mapping[str, frozenset[str]]
    words: Mapping[str, Phrases]
    starts: Mapping[str, re.Pattern[str]]
    singles: Mapping[str, frozenset[str]]
    months: tuple[tuple[str, ...], ...]
    spelled: Mapping[str, tuple[str, ...]]


@cache
def load_patterns(folder: Path = FOLDER) -> Patterns:
    """Read every file of ``folder`` once; ``ConfigError`` lists all faults of all files."""
    faults: list[str] = []
    collected: dict[str, list[str]] = {f"{table}.{key}": [] for table, keys in _SHAPE.items() for key in keys}
    for path in sorted(folder.glob("*.toml")):
        _collect(path, collected, faults)
    if faults:
        raise ConfigError(faults)
    labels: dict[str, set[str]] = {}
    for role in _SHAPE["labels"]:
        for label in collected[f"labels.{role}"]:
            labels.setdefault(fold(label), set()).add(role)
    return Patterns(
        {label: frozenset(roles) for label, roles in labels.items()},
        {name: _phrases(values) for name, values in collected.items()},
        {name: _beginning(values) for name, values in collected.items()},
        {name: frozenset(fold(value) for value in values) for name, values in collected.items()},
        _months(collected["relevance.months"]),
        {name: tuple(dict.fromkeys(values)) for name, values in collected.items()},
    )


def _months(values: list[str]) -> tuple[tuple[str, ...], ...]:
    """Every language gives twelve entries from January on, spellings parted by a bar."""
    return tuple(tuple(name for entry in values[month::12] for name in fold(entry).split("|")) for month in range(12))


def _collect(path: Path, collected: dict[str, list[str]], faults: list[str]) -> None:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{path.name}: cannot be read ({error}); correct the file")
        return
    if tables.pop("language", None) != path.stem:
        faults.append(f'{path.name}: begins with language = "{path.stem}"; correct it')
    for table, entries in tables.items():
        for key, values in entries.items() if isinstance(entries, dict) else [("", [])]:
            name = f"{table}.{key}"
            if name not in collected or not all(isinstance(value, str) and value.strip() for value in values):
                faults.append(f"{path.name}: {name} is unknown, or no list of phrases; see en.toml for the shape")
            elif key == "months" and len(values) != 12:
                faults.append(f"{path.name}: {name} has {len(values)} entries; give the twelve from January on")
            else:
                collected[name] += values


def _phrases(values: Iterable[str]) -> Phrases:
    folded = dict.fromkeys(fold(value) for value in values)
    return Phrases(
        tuple(value for value in folded if "*" not in value),
        tuple((max(value.split(), key=len), re.compile(_gapped(value))) for value in folded if "*" in value),
    )


def _gapped(phrase: str) -> str:
    words = (r"(?:\S{1,30}\s){0,4}?" if word == "*" else re.escape(word) + r"\b\s?" for word in phrase.split())
    return r"\b" + "".join(words)


def _beginning(values: Iterable[str]) -> re.Pattern[str]:
    """Match any of the phrases at the beginning of folded text, at a word's end where the script has such ends."""
    folded = sorted({fold(value) for value in values}, key=len, reverse=True)
    if not folded:
        return re.compile(r"(?!)")
    spelled = (
        re.escape(value).replace(r"\*", ".{1,40}?") + (r"(?!\w)" if _ends_a_word(value[-1]) else "") for value in folded
    )
    return re.compile("|".join(spelled))


def _ends_a_word(letter: str) -> bool:
    """Whether the letter belongs to a script that puts spaces between words (not Thai, Chinese, Japanese, Korean)."""
    return letter.isalnum() and not ("\u0e00" <= letter <= "\u0eff" or letter >= "\u2e80")
