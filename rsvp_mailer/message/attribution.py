"""Attribution lines ("On ..., ... wrote:") in any language, in one line or wrapped over several.

What may live here: look-ups on lines, none of which cuts anything, each over a bounded number of characters.

An attribution needs a verb of writing or an address in angle brackets, beside a date, and a colon at its end, or
``>`` lines below. An address with a date and a time before a colon, in words that we do not know, is an uncertain
one. Mail programs that join lines put it behind the sender's last words: those are its head.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.header_block import DATE, TIME
from rsvp_mailer.message.lines import RULE_SIGNS, QuoteStart, next_text
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rsvp_mailer.message.lines import Line

_LONGEST = 8  # lines, empty ones between them included
_MOST_TEXT = 600  # characters
_BRACKETED = re.compile(r"<[^<>\s]{1,80}@[^<>\s]{1,120}>|\[mailto:|\(mailto:|<mailto:")
_ADDRESS_AT_EDGE = re.compile(r"^[^\s@]{1,80}@[^\s@]{1,120}[\s,]|[\s(\"'][^\s@]{1,80}@[^\s@]{1,120}\s?[:：]$")
_WORD = re.compile(r"\w+")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_SENTENCE_END = re.compile(r"(?<!\d)[.!?؟…]\s*$")
_GLUED = re.compile(r"[:：]\s{0,2}>")
_GLUED_TEXT = re.compile(r"^[^<>]{1,300}<[^<>@\s]{1,80}@[^<>\s]{1,120}>([^<>:：]{1,40}[^\d<>:：])[:：](?=[^\s\d>])")
# "Halil Yaman, 02.11.2017, 09:30:", where nothing but a name stands in front of the moment.
_NAME_AND_MOMENT = re.compile(
    r"(?:[^\W\d_a-zß-ÿ][\w.'’-]*,?\s){2,4},?\s?\(?\d[\d./,: -]{8,30}(?:Uhr|h|[AP]M)?\)?\s?[:：]$"
)
_PAGE = re.compile(r"<?https?://[^\s<>]{1,400}>?")
_RULED = re.compile(rf"[{RULE_SIGNS}]{{3,}}.*[{RULE_SIGNS}]{{3,}}$")
_FIRST_UNSPACED = 0x2E80  # the code point from which on scripts put no spaces between words
_LAST = ":：-–—="
_RULE = RULE_SIGNS + " \t"


@dataclass(frozen=True, slots=True)
class _Verbs:
    """Verbs of writing: single words; phrases, by the longest word of each; those of scripts without spaces."""

    single: frozenset[str]
    phrases: Mapping[str, Sequence[str]]
    unspaced: Sequence[str]


@cache
def _verbs() -> _Verbs:
    spelled = load_patterns().singles["quote.wrote"]
    unspaced = tuple(phrase for phrase in spelled if ord(phrase[0]) >= _FIRST_UNSPACED)
    single = frozenset(phrase for phrase in spelled.difference(unspaced) if phrase.isalpha())
    phrases: dict[str, list[str]] = {}
    for phrase in spelled.difference(unspaced, single):
        phrases.setdefault(max(_WORD.findall(phrase), key=len), []).append(phrase)
    return _Verbs(single, phrases, unspaced)


@cache
def _openings() -> re.Pattern[str]:
    """The words that open an attribution ("On", "Am", "Le"), as they are written, with a day close behind them."""
    words = sorted(load_patterns().spelled["quote.opening"], key=len, reverse=True)
    return re.compile(rf"(?<![\w'’])(?:{'|'.join(map(re.escape, words))})[\s,:](?=.{{0,15}}\d)")


def has_verb(text: str) -> bool:
    """Whether a verb of writing stands there ("wrote", "schrieb", "a écrit")."""
    folded = fold(text[:_MOST_TEXT])
    verbs, words = _verbs(), _WORD.findall(folded)
    if not verbs.single.isdisjoint(words):
        return True
    if any(_is_whole(folded, phrase) for word in words if word in verbs.phrases for phrase in verbs.phrases[word]):
        return True
    return not folded.isascii() and any(phrase in folded for phrase in verbs.unspaced)


def _is_whole(folded: str, phrase: str) -> bool:
    """Whether a phrase stands there as whole words."""
    at = folded.find(phrase)
    before, after = folded[max(at - 1, 0) : at], folded[at + len(phrase) : at + len(phrase) + 1]
    return at >= 0 and not (before.isalpha() or after.isalpha())


def attribution(lines: Sequence[Line], at: int) -> QuoteStart | None:
    """The attribution that begins at line ``at``, if any."""
    if not _can_open(lines, at):
        return None
    joined = ""
    for index in range(at, min(at + _LONGEST, len(lines))):
        piece = _piece(lines, at, index, joined)
        if piece is None:
            break
        joined = f"{joined} {piece}" if joined and piece else joined or piece
        if len(joined) > _MOST_TEXT:
            break
        if "://" in joined:
            joined = _PAGE.sub("", joined)  # a day or a verb in there says nothing
        if not piece or not joined:
            continue
        below = next_text(lines, index + 1)
        quoted_below = below < len(lines) and _is_deeper(lines[below], lines[at]) and not _is_open(joined)
        if ">" in piece and (glued := _GLUED.search(joined)):
            joined, quoted_below = joined[: glued.start() + 1], True
        elif ">" in piece and (glued := _GLUED_TEXT.search(joined)) and has_verb(glued[1]):
            return QuoteStart(index - at + 1, "quote.attribution", certain=False)
        complete = is_complete(joined)
        if complete or quoted_below:
            if any(_stands_alone(lines, begin, index, quoted_below=quoted_below) for begin in range(at + 1, index + 1)):
                return None
            return _with_head(joined, lines[at].text, index - at + 1, complete=complete, quoted_below=quoted_below)
        if _SENTENCE_END.search(piece) and not DATE.search(piece[-12:]):
            break
    return None


def _is_deeper(line: Line, than: Line) -> bool:
    return line.depth > than.depth or line.weak > than.weak


def _piece(lines: Sequence[Line], at: int, index: int, joined: str) -> str | None:
    """What a line adds to the attribution begun at ``at``; ``None`` where it does not belong to it."""
    line = lines[index]
    if index == at:
        return line.text
    if line.mark != lines[at].mark:
        return None
    if _is_open(joined):
        # The bracket around the address is not closed: a line "> wrote:" is its end and no quote.
        return "> " + line.text if line.depth > lines[at].depth else line.text
    if not line.text:
        below = next_text(lines, index)
        return "" if below < len(lines) and lines[below].text[:1] == "<" else None
    return line.text if line.depth == lines[at].depth else None


def _is_open(joined: str) -> bool:
    return "<" in joined and joined.count("<") > joined.count(">") and len(joined) - joined.rfind("<") < 120


def is_complete(joined: str) -> bool:
    """Whether a text ends as an attribution does: with a colon, or with the verb itself."""
    return joined.rstrip(_RULE)[-1:] in {":", "："} or _ends_with_verb(joined)


def _ends_with_verb(joined: str) -> bool:
    """Zoho's "---- On ... wrote ----" and others without a colon: nothing comes after the verb but a rule."""
    ruled = joined[-1] in _RULE and _RULED.match(joined) is not None
    if not ruled and ("@" not in joined or TIME.search(joined) is None):
        return False
    last = _WORD.findall(fold(joined.rstrip(_RULE))[-30:])
    return bool(last) and last[-1] in _verbs().single


def _can_open(lines: Sequence[Line], at: int) -> bool:
    """Whether a line can be the first of an attribution: it has a date, an address, or a verb of writing."""
    text = lines[at].text[:_MOST_TEXT]
    worded = _LETTER_OR_DIGIT.search(text) is not None
    if "@" in text or (worded and (DATE.search(text) or TIME.search(text))):
        return True
    following = lines[at + 1].text if at + 1 < len(lines) else ""
    if following.startswith("<") and "@" in following and len(text.split()) <= 6 and not _SENTENCE_END.search(text):
        return True
    return worded and (text[-1] in _LAST or bool(following)) and has_verb(text)


def _stands_alone(lines: Sequence[Line], at: int, end: int, *, quoted_below: bool) -> bool:
    """Whether the attribution is complete from ``at`` on, so that the line above is the person's own."""
    above = lines[at - 1].text
    joined = " ".join(line.text for line in lines[at : end + 1])
    opening = _openings().match(joined)
    if opening and has_verb(joined) and not _openings().search(above) and not _is_open(above):
        return _judge(joined, 1, complete=True, quoted_below=quoted_below) is not None
    if _is_open(above) or joined.startswith("<") or not DATE.search(joined[:80]):
        return False  # begins with the address that belongs to the name above, or goes on with the time
    if (_names_writer(above) and not _names_writer(joined)) or (_BRACKETED.search(above) and "@" not in joined):
        return False  # the line above says who wrote, this one only when
    return _judge(joined, 1, complete=True, quoted_below=quoted_below) is not None


def _names_writer(text: str) -> bool:
    return "@" in text or has_verb(text)


def _with_head(joined: str, first: str, count: int, *, complete: bool, quoted_below: bool) -> QuoteStart | None:
    """Judge a candidate without the sender's own words in front of it, if there are any."""
    start = _judge(joined, count, complete=complete, quoted_below=quoted_below)
    opening = _openings().search(joined.lstrip(_RULE)[: len(first)]) if start else None
    if start is None or opening is None or not opening.start():
        return start
    at = len(joined) - len(joined.lstrip(_RULE)) + opening.start()
    head, mark = joined[:at].rstrip(_RULE), joined[at:]
    if "@" in head or DATE.search(head) or TIME.search(head) or has_verb(head) or not has_verb(mark):
        return start
    alone = _judge(mark, count, complete=complete, quoted_below=quoted_below)
    return QuoteStart(alone.lines, alone.rule, alone.certain, head) if alone else start


def _judge(joined: str, count: int, *, complete: bool, quoted_below: bool) -> QuoteStart | None:
    """Weigh the signs of one candidate (all its lines in one)."""
    address = _BRACKETED.search(joined) is not None
    date = DATE.search(joined) is not None
    time = TIME.search(joined) is not None
    wrote = has_verb(joined)
    if wrote and (quoted_below and (date or time or address or complete)):
        return QuoteStart(count, "quote.attribution")
    if address and date and (complete or quoted_below):
        return QuoteStart(count, "quote.attribution")
    if wrote and complete and ((date and time) or (address and (date or time))):
        return QuoteStart(count, "quote.attribution")
    ends_with_verb = complete and _ends_with_verb(joined)
    # iNotes: -----"Name" <address> wrote: -----
    ruled = wrote and address and joined[-1] in _RULE and _RULED.match(joined) is not None
    if ruled or (quoted_below and complete and date and time) or (ends_with_verb and time):
        return QuoteStart(count, "quote.attribution")
    unknown = date and time and _ADDRESS_AT_EDGE.search(joined) is not None
    named = date and time and _NAME_AND_MOMENT.match(joined) is not None
    if complete and (unknown or named or ends_with_verb or (wrote and (date or address))) and len(joined) < 160:
        return QuoteStart(count, "quote.attribution", certain=False)
    return None
