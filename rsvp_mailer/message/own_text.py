"""Our own text is known: the invitation and our confirmations, found again by word shingles.

What may live here: comparing words with the event's own texts, in any language, whatever re-wrapping, ``>`` or
emphasis a mail program has put between them. A shingle is a run of ``SHINGLE`` folded words.

A person may well write the event's title, date and place; only a long run, or a line made of nothing else within
such a run, is ours. Our confirmations are known by samples, and each invitee's has numbers of its own ("Personen
insgesamt: 4"): inside of a quoted mail any number stands for any other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import words_of, words_of_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

SHINGLE = 5
SHORTEST_RUN = 14  # words: longer than the event's title with its date
_ALL_COVERED = [True] * SHINGLE
_LINE_SHARE = 0.8
_MOST_WORDS = 40_000
_ANY_NUMBER = "0"


@lru_cache(maxsize=8)
def shingles_of(own_texts: tuple[str, ...], *, any_number: bool = False) -> frozenset[tuple[str, ...]]:
    """All shingles of our own texts; with ``any_number``, those of the texts without the value of their numbers."""
    found: set[tuple[str, ...]] = set()
    for text in own_texts:
        words = _without_values(words_of(text)) if any_number else words_of(text)
        found.update(tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1))
    return frozenset(found)


def _without_values(words: Sequence[str]) -> list[str]:
    return [_ANY_NUMBER if word.isdecimal() else word for word in words]


def cover_of_own_texts(lines: Sequence[str], own_texts: tuple[str, ...], *, any_number: bool = False) -> list[bool]:
    """For each line, whether it stems from one of our own texts, whatever its numbers with ``any_number``."""
    nothing = [False] * len(lines)
    known = shingles_of(own_texts, any_number=any_number)
    if not known:
        return nothing
    by_line = words_of_lines(lines)
    words = [word for found in by_line for word in found]
    if not SHORTEST_RUN <= len(words) <= _MOST_WORDS:
        return nothing
    covered = _covered(_without_values(words) if any_number else words, known)
    if not any(covered):
        return nothing
    result: list[bool] = []
    at = 0
    for count in map(len, by_line):
        result.append(count > 0 and sum(covered[at : at + count]) >= _LINE_SHARE * count)
        at += count
    return result


def _covered(words: Sequence[str], known: frozenset[tuple[str, ...]]) -> list[bool]:
    """Which words lie in a run of known shingles that is long enough."""
    covered = [False] * len(words)
    shifted = (words[at:] for at in range(SHINGLE))
    for at, shingle in enumerate(zip(*shifted, strict=False)):
        if shingle in known:
            covered[at : at + SHINGLE] = _ALL_COVERED
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and covered[end]:
            end += 1
        if 0 < end - start < SHORTEST_RUN:
            covered[start:end] = [False] * (end - start)
        start = end + 1
    return covered


def share_of_own_text(text: str, own_texts: tuple[str, ...]) -> int:
    """How many shingles of our own texts a text holds; a handful proves a quote of them."""
    known = shingles_of(own_texts)
    if not known:
        return 0
    words = words_of(text)[:3000]
    return sum(tuple(words[at : at + SHINGLE]) in known for at in range(len(words) - SHINGLE + 1))
