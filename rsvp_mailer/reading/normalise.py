"""One spelling for what people type in many: the folded text, with a way back to the original characters.

Folding is shared by replies and lexicon files, so a wording may be written in either in any spelling:
case, umlauts (``ü`` = ``ue``), accents, Arabic, Persian and Kurdish letter variants, vowel signs, the
zero-width non-joiner, digits of every script, gender marks (``Kolleg*innen``).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

# Letters whose base form Unicode does not know; everything else is decomposed and loses its marks.
_FOLDS = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "ı": "i", "đ": "d",
    # Arabic, Persian and Sorani: one form for each letter people confuse or lack on their keyboard.
    "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ی", "ي": "ی", "ې": "ی", "ك": "ک", "ة": "ه", "ە": "ه",
    "ھ": "ه", "ہ": "ه", "ۀ": "ه", "ۆ": "و", "ۇ": "و", "ؤ": "و", "ڵ": "ل", "ڕ": "ر", "ڤ": "ف", "ـ": "",
    "\u200c": "", "\u200d": "", "\u200b": "", "\u2060": "", "\ufeff": "", "\u200e": "", "\u200f": "", "\u00ad": "",
    "\u202a": "", "\u202b": "", "\u202c": "", "\u2066": "", "\u2067": "", "\u2068": "", "\u2069": "",
    "\ufe0e": "", "\ufe0f": "", "\u20e3": "",
    "’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-",
    "،": ",", "؛": ";", "؟": "?", "۔": ".", "٫": ",", "…": ".", "\u00a0": " ", "\u202f": " ", "\t": " ", "＋": "+",
}  # fmt: skip
_MANY = re.compile(r"[^\x00-\x7f]+")
_GENDER_MARK = re.compile(r"(?<=\w)[*_:/](?=in(?:nen)?\b)")


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` folded; ``starts``/``origins`` map its characters back, piece by piece."""

    text: str
    original: str
    starts: tuple[int, ...]
    origins: tuple[int, ...]

    def origin(self, index: int) -> int:
        """The place in the original of the folded character ``index``."""
        piece = bisect_right(self.starts, index) - 1
        last = self.origins[piece + 1] - 1 if piece + 1 < len(self.origins) else len(self.original)
        return min(self.origins[piece] + index - self.starts[piece], max(last, self.origins[piece]))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original characters ``[start, end)`` behind folded ones; never ends inside a character."""
        if end <= start:
            return self.origin(start), self.origin(start)
        return self.origin(start), self.origin(end - 1) + 1


def fold(text: str) -> Folded:
    """Fold ``text`` (any Unicode); its length may change, the map knows where."""
    lowered = text.lower()
    if len(lowered) != len(text):  # the Turkish dotted capital grows; keep its length
        lowered = "".join(c if len(low := c.lower()) != 1 else low for c in text)
    pieces: list[str] = []
    starts, origins = [0], [0]
    done = length = 0
    for match in _MANY.finditer(lowered):
        pieces.append(lowered[done : match.start()])
        length += match.start() - done
        for offset, character in enumerate(match.group(), match.start()):
            folded = _fold_character(character)
            starts.append(length)
            origins.append(offset)
            pieces.append(folded)
            length += len(folded)
        starts.append(length)
        origins.append(match.end())
        done = match.end()
    pieces.append(lowered[done:])
    return _without_gender_marks(Folded("".join(pieces), text, tuple(starts), tuple(origins)))


def fold_words(text: str) -> str:
    """Folded text alone, for lexicon entries; loading folds some ten thousand of them."""
    lowered = text.lower()
    if not lowered.isascii():
        lowered = _MANY.sub(lambda m: "".join(map(_fold_character, m.group())), lowered)
    return lowered


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    known = _FOLDS.get(character)
    if known is not None:
        return known
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return _FOLDS.get(plain, plain.lower())


def _without_gender_marks(folded: Folded) -> Folded:
    """``Kolleg*innen`` and ``Kolleg_innen`` read like ``Kolleginnen``."""
    text = folded.text
    marks = [m.start() for m in _GENDER_MARK.finditer(text)]
    if not marks:
        return folded
    pieces, starts, origins = [], list[int](), list[int]()
    length = 0
    for begin, end in zip([0, *(m + 1 for m in marks)], [*marks, len(text)], strict=True):
        inner = [s for s in folded.starts if begin < s < end]
        for place in (begin, *inner):
            starts.append(length + place - begin)
            origins.append(folded.origin(place))
        pieces.append(text[begin:end])
        length += end - begin
    return Folded("".join(pieces), folded.original, tuple(starts), tuple(origins))
