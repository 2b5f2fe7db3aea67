"""Does a mail concern our event? ``Tie`` with the rule that says so.

What may live here: proofs in both directions, from thread, subject, own words and quoted text. A proof that a
mail is about *something else* is only looked for where nothing ties it to the event, or only the date does;
thrown away is lost, so everything in between stays ``Tie.NONE`` and the reading decides.

| tie | rule | proof |
|---|---|---|
| THREAD | ``thread.invitation``, ``thread.token`` | answers the invitation or a mail of ours |
| NAMED | ``named.title``, ``named.occasion``, ``named.place``, ``named.sheet``, ``named.date`` | by these words |
| NAMED | ``named.quote`` | quotes our text |
| OTHER | ``other.newsletter``, ``other.spam`` | sent to many, or trying to sell |
| OTHER | ``other.matter`` | the subject names another matter |
| OTHER | ``other.business`` | about the event, but from its caterer, its hall or the press |
| OTHER | ``other.place`` | the writer comes to the office |
| NONE | ``none.answered`` | speaks of an answer given before |
| OTHER | ``other.district`` | the same kind of event elsewhere |
| OTHER | ``other.thread`` | a reply with another subject, whose quote shows nothing of ours |
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Tie
from rsvp_mailer.message.folding import fold, words_of
from rsvp_mailer.message.own_text import share_of_own_text
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.domain import Event, MailboxIdentity

_QUOTE_SHINGLES = 8  # of our own text: more than a title that is named in passing
_TELLING_QUOTE = 6  # words: a thread that can be seen to be about something else
_LONGEST_LOOK = 20_000
_FEW_WORDS = 12
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}
# Greek and Latin letters, Arabic-Indic and Persian digits are all \d and \w to Python.
_PREFIX = re.compile(
    r"^\s*(?:\[[^\]]{1,40}\]\s*)?([^\W\d_]{1,12}(?: [^\W\d_]{1,12})?)\s?(?:\[\d+\]|\(\d+\))?\s?[:：]\s*"
)


@dataclass(frozen=True, slots=True)
class Tied:
    """The tie, by which rule, and the tokens of our own Message-IDs that the mail answers."""

    tie: Tie
    rule: str
    tokens: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def _token_pattern(domain: str) -> re.Pattern[str]:
    return re.compile(rf"<([0-9a-f]{{32}})\.rsvp@{re.escape(domain)}>", re.IGNORECASE)


def tokens_in(references: Sequence[str], identity: MailboxIdentity) -> tuple[str, ...]:
    """The random parts of Message-IDs of our own making."""
    pattern = _token_pattern(identity.message_id_domain)
    found = (pattern.fullmatch(each) for each in references)
    return tuple(dict.fromkeys(each[1].lower() for each in found if each))


def split_subject(subject: str) -> tuple[str, bool, bool]:
    """The subject without prefixes; whether the outermost says *reply*; whether it says *forwarded*."""
    singles = load_patterns().singles
    rest, reply, forward = subject, False, False
    for _ in range(8):
        found = _PREFIX.match(rest[:80])
        if found is None:
            break
        prefix = fold(found[1])
        if prefix in singles["subject.reply"]:
            reply = reply or not forward
        elif prefix in singles["subject.forward"]:
            forward = forward or not reply
        else:
            break
        rest = rest[found.end() :]
    return rest.strip(), reply, forward


def thread_tie(references: Sequence[str], event: Event, identity: MailboxIdentity) -> Tied | None:
    """The tie by Message-IDs, the surest there is."""
    tokens = tokens_in(references, identity)
    if tokens:
        return Tied(Tie.THREAD, "thread.token", tokens)
    known = {each.lower() for each in event.message_ids}
    if any(each.lower() in known for each in references):
        return Tied(Tie.THREAD, "thread.invitation")
    return None


def word_tie(  # noqa: PLR0911 - one return a rule, in the order of the table
    subject: str, own: str, quoted: str, event: Event, *, replies_elsewhere: bool, newsletter: bool
) -> Tied:
    """The tie by words. ``replies_elsewhere``: In-Reply-To names a mail that is none of ours."""
    bare, reply, _ = split_subject(subject)
    own, quoted = own[:_LONGEST_LOOK], quoted[:_LONGEST_LOOK]
    written = fold(f"{bare}\n{own}")
    if rule := _other_district(written, event):
        return Tied(Tie.OTHER, rule)
    named = _named(written, event)
    if (
        named in {"", "named.date", "named.sheet"}
        and quoted
        and share_of_own_text(quoted, event.own_texts) >= _QUOTE_SHINGLES
    ):
        named = "named.quote"
    if newsletter and named != "named.quote":
        return Tied(Tie.OTHER, "other.newsletter")
    if named not in {"", "named.date", "named.quote"} and _is_business(written):
        return Tied(Tie.OTHER, "other.business")
    if named and named != "named.date":
        return Tied(Tie.NAMED, named)
    if rule := _other_matter(fold(bare), fold(own), event):
        return Tied(Tie.OTHER, rule)
    if named:
        return Tied(Tie.NAMED, named)
    if quoted and (quoted_rule := _named(fold(quoted), event)) and quoted_rule != "named.date":
        return Tied(Tie.NAMED, "named.quote")
    if reply and replies_elsewhere and len(quoted.split()) >= _TELLING_QUOTE and _is_specific(bare):
        return Tied(Tie.OTHER, "other.thread")
    return _without_proof(fold(own))


def _without_proof(own: str) -> Tied:
    """Nothing names the event: ``none.answered`` speaks of an answer given before, which may be one to us."""
    words = load_patterns().words
    if words["relevance.answered"].found_in(own):
        return Tied(Tie.NONE, "none.answered")
    return Tied(Tie.OTHER, "other.place") if words["relevance.elsewhere"].found_in(own) else Tied(Tie.NONE, "")


def _is_business(written: str) -> bool:
    """Whether a mail that names the event comes from its caterer, its hall or the press, and nobody's coming."""
    words = load_patterns().words
    return words["relevance.business"].count_in(written) > 1 and not words["relevance.coming"].found_in(written)


@lru_cache(maxsize=16)
def _names_of(event: Event) -> tuple[str, tuple[str, ...], re.Pattern[str]]:
    """What names the event: its title; its long words with its place and street; its date in any usual form."""
    title = fold(event.title)
    day = event.starts_at
    long_words = [word for word in words_of(event.title) if len(word) >= 14]
    street = fold(event.street_address.split(",")[0])
    place = [word for part in (event.place, street) for word in _place_names(part)]
    months = "|".join(map(re.escape, load_patterns().months[day.month - 1]))
    year = rf"(?:\D{{0,3}}(?:20)?{day.year % 100:02d})?"
    date = re.compile(
        rf"(?<![\d.]){day.day}\.? ?/?-?(?:{day.month:02d}|{day.month})(?!\d)\.?{year}"
        rf"|(?<!\d){day.year}-{day.month:02d}-{day.day:02d}"
        rf"|(?<!\d){day.day}(?:\.|th|er|ê|ی|ەی|م)? ?(?:de |of |ی |î )?(?:{months})"
        rf"|(?:{months})\w{{0,3}} {day.day}(?!\d)"
    )
    return title, tuple(dict.fromkeys([*long_words, *place])), date


def _place_names(part: str) -> list[str]:
    """Names that are worth a proof: "st. gertrud", "gertrudissaal", "rottstraße" - not "kirche", not a number."""
    folded = fold(part)
    names = list(re.findall(r"[^\W\d_]{9,}", folded))
    names += [f"st. {found}" for found in re.findall(r"st\.? ?([^\W\d_]{4,})", folded)]
    return names


def names_event(text: str, event: Event) -> bool:
    """Whether a text names the event by title, place, kind or day."""
    return bool(_named(fold(text[:_LONGEST_LOOK]), event))


def _named(folded: str, event: Event) -> str:
    title, names, date = _names_of(event)
    if title and title in folded:
        return "named.title"
    if any(name in folded for name in names):
        return "named.title" if names and names[0] in folded else "named.place"
    words = load_patterns().words
    if words["relevance.occasion"].found_in(folded):
        return "named.occasion"
    if words["relevance.sheet"].found_in(folded):
        return "named.sheet"
    return "named.date" if date.search(folded.translate(_DIGITS)) else ""


_DIGITS = {ord(digit): str(value) for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹") for value, digit in enumerate(digits)}
_DISTRICT = re.compile(r"\b(?:stadt)?bezirks? ((?:x|ix|iv|v?i{0,3})\b|\d{1,2}\b)")


def _other_district(folded: str, event: Event) -> str:
    """Whether the mail names only districts that are not the event's, on another day."""
    ours = {_district_number(each) for each in _DISTRICT.findall(fold(event.title))}
    named = {_district_number(each) for each in _DISTRICT.findall(folded) if each}
    if not ours or not named or named & ours:
        return ""
    _, _, date = _names_of(event)
    return "" if date.search(folded) else "other.district"


def _district_number(spelled: str) -> int:
    return int(spelled) if spelled.isdigit() else _ROMAN.get(spelled, 0)


def _other_matter(subject: str, own: str, event: Event) -> str:
    """Whether the subject names a matter of its own, and does not at the same time answer an invitation.

    Whoever speaks below of coming to a conference or on our day writes about that, be the subject an old one; so
    does who only says that he comes, below a matter that nobody comes to (an invoice, a password).
    An institution ("Kita Regenbogen") may be the sender: it counts only where nothing in the text speaks of coming.
    """
    patterns = load_patterns()
    if patterns.words["relevance.spam"].found_in(f"{subject}\n{own[:5000]}"):
        return "other.spam"
    words = words_of(subject)
    spaced = f" {' '.join(words)} "
    matters = _matters_in(words)
    named = any(f" {each} " in spaced for each in patterns.singles["relevance.institution"])
    if not (matters or named):
        return ""
    answers = any(f" {word} " in spaced for word in patterns.singles["relevance.answer"]) or _comes_to_us(own, event)
    if matters and not answers and not (matters <= patterns.singles["relevance.unattended"] and _only_comes(own)):
        return "other.matter"
    if named and not answers and not patterns.words["automatic.personal"].found_in(own[:5000]):
        return "other.matter"
    return ""


def _comes_to_us(own: str, event: Event) -> bool:
    conference = load_patterns().words["relevance.conference"].found_in(own) is not None
    return _comes_here(own) and (
        conference or re.search(rf"(?<![\d.]){event.starts_at.day}(?:\.|th)?(?![\d.:])", own) is not None
    )


def _comes_here(own: str) -> bool:
    words = load_patterns().words
    return words["relevance.coming"].found_in(own) is not None and not words["relevance.elsewhere"].found_in(own)


def _only_comes(own: str) -> bool:
    """Whether few words speak of coming, and name neither another matter nor a time of day."""
    words = words_of(own)
    return len(words) <= _FEW_WORDS and _comes_here(own) and not _matters_in(words) and not _names_a_time(words)


def _names_a_time(words: Sequence[str]) -> bool:
    clock = load_patterns().singles["relevance.clock"]
    return any(
        (one.isdigit() and (other in clock or other.isdigit())) or (other.isdigit() and one in clock)
        for one, other in pairwise(words)
    )


def _matters_in(words: Sequence[str]) -> set[str]:
    """The matters that words name, also as a part of German compounds: "Heizungswartung", "Mietrechnung"."""
    spaced = f" {' '.join(words)} "
    single, several = _matters()
    compounds = {
        part
        for word in words
        if len(word) > 8 and (word.startswith(_parts_of_compounds()) or word.endswith(_parts_of_compounds()))
        for part in _parts_of_compounds()
        if word.startswith(part) or word.endswith(part)
    }
    return compounds.union(single.intersection(words), (each for each in several if f" {each} " in spaced))


@cache
def _matters() -> tuple[frozenset[str], tuple[str, ...]]:
    """The matters, with their hyphens parted as in a subject's words: those of one word, those of several."""
    parted = [" ".join(words_of(each)) for each in load_patterns().singles["relevance.matter"]]
    return frozenset(each for each in parted if " " not in each), tuple(each for each in parted if " " in each)


@cache
def _parts_of_compounds() -> tuple[str, ...]:
    return tuple(each for each in load_patterns().singles["relevance.matter"] if len(each) >= 6)


def _is_specific(subject: str) -> bool:
    """Whether a subject names a matter at all: a word that is no greeting, no answer and no kind of event."""
    generic = load_patterns().singles["relevance.generic"]
    return any(len(word) > 3 and not word.isdigit() and word not in generic for word in words_of(subject))
