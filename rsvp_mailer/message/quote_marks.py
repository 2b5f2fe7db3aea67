"""Where a quoted mail begins: header blocks, attribution lines and separators, in any language.

What may live here: look-ups on lines, none of which cuts anything. Each answers *how many lines* from a given
one belong to the mark, 0 for none. All look at a bounded number of characters and lines.

A header block needs From beside two other roles, and something that only a program writes (an address, a time
of day, a separator above): people write letterheads too. An attribution needs a verb of writing or an address
in angle brackets, beside a date, and a colon at its end, or ``>`` lines below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.message.lines import Line

LONGEST_BLOCK = 40
_LONGEST_ATTRIBUTION = 5  # lines
_LABEL = re.compile(r"[*_|\s]{0,6}([^\s:：*_][^:：*]{0,28}?)\s?[*_]{0,3}\s?[:：]\s?[*_]{0,3}\s*(.*)", re.DOTALL)
_INLINE_LABEL = re.compile(r"(?:^|[\s*])([^\s:：*]{1,20}(?: [^\s:：*]{1,12})?)\s?\*{0,2}[:：]")
_DATE = re.compile(r"(?<!\d)(?:\d{4}(?!\d)|\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4})")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.h]\d{2}(?!\d)")
_BRACKETED = re.compile(r"<[^<>\s]{1,80}@[^<>\s]{1,120}>|\[mailto:|\(mailto:|<mailto:")
_RULE = re.compile(r"[-_=–—*~]{2,}")
_LONG_RULE = re.compile(r"[\s>]*[-_=–—*~]{5,}\s*")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?؟…]\s*$")
_GROUPWISE = re.compile(r"^.{3,200}?\d.{0,100}(?:>>>|:)\s*$")
_OLD_GMAIL = re.compile(r"^\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:\d\d \S")
_NOTES = re.compile(r"^.{2,80}---\s?\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.{0,40}---")


@dataclass(frozen=True, slots=True)
class QuoteStart:
    """A mark found: how many ``lines`` it takes, the rule, and whether only a program can have written it."""

    lines: int
    rule: str
    certain: bool = True


def quote_start(lines: Sequence[Line], at: int) -> QuoteStart | None:
    """The mark that begins at line ``at``, if any."""
    text = lines[at].text
    if not text:
        return None
    if separator := _separator(text):
        below = _next_text(lines, at + 1)
        block = header_block(lines, below, separated=True) if below < len(lines) else 0
        return QuoteStart(below + block - at if block else 1, separator)
    if block := header_block(lines, at):
        return QuoteStart(block, "quote.header_block")
    return _attribution(lines, at)


def _separator(text: str) -> str:
    """The rule for "-----Original Message-----" and its kin, or the empty string."""
    if len(text) > 200:
        return ""
    first = text.lstrip()[:1]
    ruled = first in "-_=–—*~" and _RULE.match(text.lstrip()) is not None
    bare = text.strip(" \t-_=–—*~>|[]") if ruled or text.endswith(":") else ""
    if not bare:
        return ""
    folded = fold(bare.rstrip(":： -_"))
    patterns = load_patterns()
    for kind, rule in (("quote.forwarded", "forward.separator"), ("quote.original", "quote.separator")):
        if folded in patterns.singles[kind] or (ruled and patterns.starts[kind].match(folded)):
            return rule
    return ""


def label_roles(text: str) -> tuple[frozenset[str], str] | None:
    """The roles and the value of a line "From: ...", or ``None``."""
    head = text[:60]
    if ":" not in head and "：" not in head:
        return None
    found = _LABEL.match(text[:300])
    if found is None:
        return None
    roles = load_patterns().labels.get(fold(found[1]))
    return (roles, found[2]) if roles else None


def header_block(lines: Sequence[Line], at: int, *, separated: bool = False) -> int:
    """How many lines from ``at`` are a quoted header block; 0 for none."""
    start = at
    if at < len(lines) and _LONG_RULE.fullmatch(lines[at].text[:200]):
        start = _next_text(lines, at + 1)
        separated = True
    if start >= len(lines) or (first := label_roles(lines[start].text)) is None:
        return 0
    if first[0] <= {"other"}:
        return 0
    if flat := _flat_block(lines[start].text):
        return start - at + flat
    seen: list[frozenset[str]] = []
    values: list[str] = []
    end = index = start
    continuation = 0
    while index < len(lines) and index - start < LONGEST_BLOCK:
        text = lines[index].text
        found = label_roles(text) if text else None
        if found:
            if len(found[0]) == 1 and found[0] in seen:
                break  # a second From or Subject is another block, or no block at all
            seen.append(found[0])
            values.append(found[1])
            end = index + 1
            continuation = 0
        elif text:
            continuation += 1
            if continuation > 8 or not (_continues(text) or continuation == 1) or not _label_follows(lines, index):
                break
            values.append(text)
        index += 1
    return end - at if _is_block(seen, " ".join(values)[:2000], separated=separated) else 0


def _continues(text: str) -> bool:
    return "@" in text or text.endswith((";", ",", ">")) or ";" in text


def _label_follows(lines: Sequence[Line], at: int) -> bool:
    """Whether a header label stands within the next few lines, so that this one is a folded value."""
    later = [line.text for line in lines[at + 1 : at + 9] if line.text]
    return any(label_roles(text) is not None for text in later)


def _is_block(seen: list[frozenset[str]], values: str, *, separated: bool) -> bool:
    if len(seen) < 2:
        return False
    roles = _distinct(seen)
    program = separated or "@" in values or _TIME.search(values) is not None
    if "from" in roles:
        return (len(roles) >= 3 and program) or (len(roles) == 2 and separated and "@" in values)
    return {"sent", "to", "subject"} <= roles and program and ("@" in values or separated)


def _distinct(seen: list[frozenset[str]]) -> set[str]:
    """Give each label one role, those with a single role first ("De" may be From, "A" may be To)."""
    roles: set[str] = set()
    for options in sorted(seen, key=len):
        free = options - roles - {"other"}
        if free:
            roles.add(min(free, key=("from", "sent", "to", "subject", "cc").index))
    return roles


def _flat_block(text: str) -> int:
    """1 where a whole block stands in one line, as flattened HTML has it."""
    labels = load_patterns().labels
    seen = [labels[name] for word in _INLINE_LABEL.findall(text[:800]) for name in _last_words(word) if name in labels]
    if len(seen) < 3:
        return 0
    roles = _distinct(seen)
    return int("from" in roles and len(roles) >= 3 and ("@" in text[:800] or _TIME.search(text[:800]) is not None))


def _last_words(word: str) -> list[str]:
    folded = fold(word)
    return list(dict.fromkeys((folded, folded.rpartition(" ")[2])))


@cache
def _verbs() -> tuple[frozenset[str], tuple[str, ...]]:
    """Verbs of writing: single words of spaced scripts, and what has to be looked for in the text itself."""
    phrases = load_patterns().singles["quote.wrote"]
    single = frozenset(phrase for phrase in phrases if phrase.isalpha() and ord(phrase[0]) < 0x2E80)
    return single, tuple(phrase for phrase in phrases if phrase not in single)


def _has_verb(text: str) -> bool:
    folded = fold(text[:600])
    single, other = _verbs()
    if not single.isdisjoint(_WORD.findall(folded)):
        return True
    return any(phrase in folded and _whole(folded, phrase) for phrase in other)


def _whole(folded: str, phrase: str) -> bool:
    """Whether a phrase of a spaced script stands there as whole words."""
    at = folded.find(phrase)
    before, after = folded[max(at - 1, 0) : at], folded[at + len(phrase) : at + len(phrase) + 1]
    return ord(phrase[0]) >= 0x2E80 or not (before.isalpha() or after.isalpha())


def _attribution(lines: Sequence[Line], at: int) -> QuoteStart | None:
    text = lines[at].text
    if not _opens_attribution(lines, at):
        return None
    joined = ""
    for index in range(at, min(at + _LONGEST_ATTRIBUTION, len(lines))):
        piece = lines[index].text
        if not piece or (index > at and lines[index].depth != lines[at].depth):
            break
        joined = f"{joined} {piece}" if joined else piece
        if len(joined) > 600:
            break
        count = index - at + 1
        below = _next_text(lines, index + 1)
        quoted_below = below < len(lines) and (
            lines[below].depth > lines[at].depth or lines[below].weak > lines[at].weak
        )
        complete = joined.rstrip("*_ \t")[-1:] in {":", "："} or _ends_with_verb(joined)
        if complete or quoted_below:
            if count > 1 and _stands_alone(lines, at + 1, index, quoted_below):
                return None
            return _judge(joined, count, complete=complete, quoted_below=quoted_below)
        if _SENTENCE_END.search(piece) and not _DATE.search(piece[-12:]):
            break
    return _groupwise_or_notes(text)


def _ends_with_verb(joined: str) -> bool:
    """Zoho's "---- On ... wrote ----" and others without a colon: an address, a time, and nothing after the verb."""
    if "@" not in joined or _TIME.search(joined) is None:
        return False
    last = _WORD.findall(fold(joined.rstrip("-_ "))[-30:])
    return bool(last) and last[-1] in _verbs()[0]


def _opens_attribution(lines: Sequence[Line], at: int) -> bool:
    """Whether a line can be the first of an attribution: it has a date, an address, or a verb of writing."""
    text = lines[at].text[:600]
    if "@" in text or _DATE.search(text) or _TIME.search(text):
        return True
    following = lines[at + 1].text if at + 1 < len(lines) else ""
    if following.startswith("<") and "@" in following and len(text.split()) <= 6 and not _SENTENCE_END.search(text):
        return True
    return (text.endswith((":", "：")) or bool(following)) and _has_verb(text)


def _stands_alone(lines: Sequence[Line], at: int, end: int, quoted_below: bool) -> bool:
    """Whether the attribution is complete from ``at`` on, so that the line above is the person's own."""
    joined = " ".join(line.text for line in lines[at : end + 1])
    if joined.startswith("<") or not _DATE.search(joined[:80]):
        return False  # begins with the address that belongs to the name above, or goes on with the time
    return _judge(joined, 1, complete=True, quoted_below=quoted_below) is not None


def _judge(joined: str, count: int, *, complete: bool, quoted_below: bool) -> QuoteStart | None:
    """Weigh the signs of one candidate (all its lines in one)."""
    address = _BRACKETED.search(joined) is not None
    date = _DATE.search(joined) is not None
    time = _TIME.search(joined) is not None
    wrote = _has_verb(joined)
    if wrote and (quoted_below and (date or time or address or complete)):
        return QuoteStart(count, "quote.attribution")
    if address and date and (complete or quoted_below):
        return QuoteStart(count, "quote.attribution")
    if wrote and complete and ((date and time) or (address and (date or time))):
        return QuoteStart(count, "quote.attribution")
    if wrote and complete and (date or address) and len(joined) < 160:
        return QuoteStart(count, "quote.attribution", certain=False)
    if (quoted_below and complete and date and time) or (complete and _ends_with_verb(joined)):
        return QuoteStart(count, "quote.attribution")
    return None


def _groupwise_or_notes(text: str) -> QuoteStart | None:
    if _NOTES.match(text[:300]) or _OLD_GMAIL.match(text[:100]):
        return QuoteStart(1, "quote.notes")
    return None


def groupwise(text: str, depth: int) -> bool:
    """GroupWise's ">>> Name 06.11.17 10:23 >>>", which looks like a line quoted three times."""
    return depth == 3 and _GROUPWISE.match(text[:400]) is not None and text.rstrip().endswith((">>>", "wrote:", ":"))


def looks_written_by_program(text: str) -> bool:
    """Whether a header line has what people do not type: an address or a time of day."""
    return "@" in text or _TIME.search(text[:300]) is not None


def _next_text(lines: Sequence[Line], at: int) -> int:
    """The index of the next line that is not empty, at most a few lines on; ``len(lines)`` for none."""
    for index in range(at, min(at + 6, len(lines))):
        if lines[index].text:
            return index
    return len(lines)
