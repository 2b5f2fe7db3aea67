"""Spellings made comparable: one form of a text for looking things up, never for showing.

What may live here: pure functions on strings, without knowledge of any language.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Direction marks that Outlook, Gmail and phones strew into header lines of right-to-left mails.
_DIRECTION = dict.fromkeys((0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
# Characters that nobody typed: byte order mark, soft hyphen, zero-width space, word joiner, line separators' kin.
_INVISIBLE = dict.fromkeys((0xFEFF, 0x00AD, 0x200B, 0x2060, 0x180E, 0x034F, 0x0000))
_SPACES = {0x00A0: " ", 0x202F: " ", 0x2007: " ", 0x2009: " ", 0x3000: " ", 0x2028: "\n", 0x2029: "\n", 0x0085: "\n"}
_TYPED = {**_DIRECTION, **_INVISIBLE, **_SPACES, 0x0B: "\n", 0x0C: "\n"}
_VOWEL_SIGNS = dict.fromkeys((*range(0x064B, 0x0653), 0x0670))  # Arabic, written or not as one likes
_APOSTROPHES = {0x2019: "'", 0x2018: "'", 0x02BC: "'", 0x200C: None, 0x0640: None, **_VOWEL_SIGNS}
# Folding keeps lines as they are: what separates lines elsewhere is a space here.
_FOLDED = {**_TYPED, **_APOSTROPHES, **dict.fromkeys((0x2028, 0x2029, 0x85, 0x0B, 0x0C), " ")}
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f]")
_PLAIN_OCTETS = bytes({*b"\t\n", *range(0x20, 0x7F), *range(0xA1, 0x100)} - {0xAD})
_UNTYPED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad" + "".join(map(chr, sorted(key for key in _TYPED if key > 0xAD))) + "]"
)
_VARIANT = re.compile(_UNTYPED.pattern[:-1] + "".join(map(chr, _APOSTROPHES)) + "]")
_EMPTY_LINES = re.compile(r"\n{5,}")
_WORD = re.compile(r"\w+")


def clean(text: str) -> str:
    r"""The text as typed: NFC, ``\n`` line ends, no invisible or direction marks, plain spaces.

    The zero-width (non-)joiner stays: Persian and Kurdish words and joined emoji need it.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n\n\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n\n\n", text)
    if not _is_odd(text, _UNTYPED):
        return text
    return unicodedata.normalize("NFC", _CONTROL.sub("", text.translate(_TYPED)))


def _is_odd(text: str, odd: re.Pattern[str]) -> bool:
    """Whether a text needs cleaning at all; most do not, and looking is much cheaper than doing."""
    try:
        return bool(text.encode("latin-1").translate(None, _PLAIN_OCTETS))
    except UnicodeEncodeError:
        return odd.search(text) is not None or not unicodedata.is_normalized("NFC", text)


def fold(text: str) -> str:
    """The text for look-up: NFC, case-folded, single spaces, plain apostrophes, no marks of emphasis."""
    return " ".join(_comparable(text).casefold().split())


def _comparable(text: str) -> str:
    if text.isascii() or not _is_odd(text, _VARIANT):
        return text
    return unicodedata.normalize("NFC", text.translate(_FOLDED))


def words_of_lines(lines: Iterable[str]) -> list[list[str]]:
    """``words_of`` for many lines, which are folded together. No line holds a line end of any kind."""
    text = _comparable("\n".join(lines))
    return [_WORD.findall(line) for line in text.casefold().split("\n")]


def words_of(text: str) -> list[str]:
    """The words of a text, folded; punctuation and quote marks vanish."""
    return _WORD.findall(fold(text))
