"""Folded text as tokens and sentences, before any language is known.

What looks like a number but counts no people is set apart here by its form alone: dates, times, telephone
numbers, amounts, addresses of pages and mail. What only a language can tell (month names, "Zimmer 225",
"8 Jahre") is merged later, in ``vocabulary.py``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rsvp_mailer.reading.normalise import Folded

_SCAN = re.compile(
    r"""
    (?P<link>https?://\S+|www\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
  | (?P<phone>(?:\+|(?<![\d.,])0)\d[\d /()-]{4,30}\d | (?<!\d)\d{3,6}[ ]?[/-][ ]?\d{3,9}(?:-\d+)? | (?<!\d)\d{7,})
  | (?P<date>(?<!\d)(?:\d{1,2}\.[ ]?\d{1,2}\.(?:[ ]?\d{4}(?!\d)|\d\d(?![\d.:]))?|\d{4}-\d\d-\d\d(?!\d)
        |\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)))
  | (?P<amount>€[ ]?\d[\d.,]*|\d[\d.,]*[ ]?(?:€|euro\b|eur\b))
  | (?P<percent>\d[\d.,]*[ ]?%)
  | (?P<time>(?<!\d)(?:[01]?\d|2[0-4])
        (?:[ ]?(?:[:.]|h)[ ]?[0-5]\d(?:[ ]?(?:uhr|h|[ap]\.?m)\b)?|[ ]?(?:uhr|h|[ap]\.?m)\b)(?![\d]))
  | (?P<shortdate>(?<!\d)[0-3]?\d/[01]?\d(?![\d/]))
  | (?P<number>\d+(?:[.,]\d+)*)
  | (?P<word>[^\W\d_]+(?:-[^\W\d_]+)*)
  | (?P<line>[ ]*\n[ \n]*)
  | (?P<mark>[^\w\s]|_)
    """,
    re.VERBOSE,
)
# A break inside a line at least this long is a wrapped line, not the end of one (mail wraps at 72 to 78).
WRAPPED_LINE_CHARACTERS = 50
_STOPS = frozenset(".!?;")


@dataclass(slots=True)
class Token:
    """One word, number or mark. ``start``/``end`` count folded characters.

    ``kind``: the name of the form, or ``ordinal``. ``keys``: what patterns may call it (its word and classes).
    ``value``: the number it stands for. ``capital``: written with a capital. ``listed``: the language knows it,
    be it from a pattern.
    """

    kind: str
    word: str
    start: int
    end: int
    capital: bool = False
    value: int | None = None
    keys: tuple[str, ...] = ()
    classes: frozenset[str] = field(default_factory=frozenset)
    listed: bool = False


@dataclass(slots=True)
class Sentence:
    """Tokens up to a full stop or the end of a line. ``mark`` ends it; ``line``/``paragraph`` tell which."""

    tokens: list[Token]
    mark: str
    own_line: bool
    paragraph: int


def scan(folded: Folded) -> list[Token]:
    """All tokens, line breaks included."""
    tokens = []
    original = folded.original
    for match in _SCAN.finditer(folded.text):
        kind = match.lastgroup or "mark"
        if match.group() == "'":
            continue
        start, end = match.span()
        if kind in ("word", "mark", "line"):
            word = match.group()
            capital = kind == "word" and original[folded.origin(start)].isupper()
            tokens.append(Token(kind, word if kind != "line" else "\n" * word.count("\n"), start, end, capital))
        else:
            tokens.append(_number_token(kind, match.group(), start, end))
    return tokens


def _number_token(kind: str, text: str, start: int, end: int) -> Token:
    if kind == "time" and re.fullmatch(r"\d{1,2}\.\d\d", text):
        day, month = (int(part) for part in text.split("."))
        if 1 <= month <= 12 and day >= 1:
            kind = "shortdate"  # "14.11" without a final dot
    if kind == "shortdate":
        kind = "date"
    value = int(text) if kind == "number" and text.isdigit() and len(text) <= 4 else None
    return Token(kind, text, start, end, value=value)


def sentences(tokens: list[Token], abbreviations: frozenset[str], months: frozenset[str]) -> Iterator[Sentence]:
    """Cut at full stops, semicolons and real line ends; not after abbreviations and ordinals."""
    current: list[Token] = []
    paragraph = 0
    line_start = 0
    for index, token in enumerate(tokens):
        if token.kind == "line":
            wrapped = token.word == "\n" and _is_wrapped(tokens, index, token.start - line_start)
            line_start = token.end
            if not wrapped:
                if current:
                    yield Sentence(current, "\n", own_line=True, paragraph=paragraph)
                    current = []
                paragraph += token.word.count("\n") > 1
            continue
        if token.word == "." and current and _dot_belongs(tokens, index, abbreviations, months):
            continue
        smiley = token.kind == "mark" and _is_smiley(tokens, index)
        while smiley and current and current[-1].word in (":", "-"):
            current.pop()  # its eyes and nose
        if smiley or (token.kind == "mark" and token.word in _STOPS):
            if current:
                yield Sentence(current, token.word, own_line=False, paragraph=paragraph)
                current = []
            continue
        current.append(token)
    if current:
        yield Sentence(current, "", own_line=True, paragraph=paragraph)


def _is_smiley(tokens: list[Token], index: int) -> bool:
    """Whether an emoji, or the last sign of ":)", ends the words before it as a full stop does."""
    word, before = tokens[index].word, tokens[index - 1] if index else None
    typed = word == ")" and before is not None and before.word in (":", "-") and before.end == tokens[index].start
    return typed or unicodedata.category(word) == "So"


def _is_wrapped(tokens: list[Token], index: int, length: int) -> bool:
    if length < WRAPPED_LINE_CHARACTERS or index + 1 >= len(tokens) or _is_signature(tokens[index + 1 :]):
        return False
    return tokens[index + 1].kind in ("word", "number", "time", "date") and tokens[index - 1].word not in (":", ",")


def _is_signature(rest: list[Token]) -> bool:
    """Whether nothing but a name can follow: one to three words, the last of the text, without a full stop."""
    return len(rest) <= 3 and all(token.kind == "word" for token in rest)


def _is_pronoun(tokens: list[Token], index: int) -> bool:
    """Whether an I behind a small word is no initial: "my wife and I"."""
    before = tokens[index - 1] if index else None
    return tokens[index].word == "i" and before is not None and before.kind == "word" and not before.capital


def _dot_belongs(tokens: list[Token], index: int, abbreviations: frozenset[str], months: frozenset[str]) -> bool:
    """Whether a dot ends an abbreviation or an ordinal instead of a sentence."""
    before = tokens[index - 1]
    if before.end != tokens[index].start:
        return False
    following = next((t for t in tokens[index + 1 : index + 2] if t.kind != "line"), None)
    if before.kind == "word" and _is_pronoun(tokens, index - 1):
        return False
    if before.kind == "word":
        return before.word in abbreviations or (len(before.word) == 1 and following is not None)
    if before.kind == "number" and before.value is not None and before.value < 100 and following is not None:
        small = following.kind == "word" and not following.capital
        label = following.kind == "word" and (index < 2 or tokens[index - 2].kind == "line")
        if small or label or following.word in months:
            before.kind = "ordinal"
            return True
    return False
