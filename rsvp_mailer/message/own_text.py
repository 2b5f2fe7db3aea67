"""Our own text is known: the invitation and our confirmations, found again by word shingles.

What may live here: comparing words with the event's own texts, in any language, whatever re-wrapping, ``>`` or
emphasis a mail program has put between them. A shingle is a run of ``SHINGLE`` folded words.

A person may well write the event's title, date and place; only a long run, or a line made of nothing else within
such a run, is ours. Our confirmations are known by samples, and each invitee's has numbers of its own ("Personen
insgesamt: 4"): inside of a quoted mail any number stands for any other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import words_of, words_of_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHINGLE = 5
SHORTEST_RUN = 14  # words: longer than the event's title with its date
_RUN = re.compile(rb"\x01+")
_GAP = re.compile(rb"(?<=\x01)\x00(?=\x01)")
_UMLAUTS = tuple(zip("äöüáàâéèêíîóôúûçñ", "aouaaaeeeiioouucn", strict=True))
_LINE_SHARE = 0.8
_DAMAGE = re.compile(r"[?\ufffd]+(?=\w)|(?<=\w)\ufffd+")
_LEAST_DAMAGE = 3  # places
_FOREIGN = re.compile(r"[^\W\x00-\x7f]+")
_LONGEST_GREETING = 7  # words
_GREETING_ENDS = (",", "!", "،")
_MOST_WORDS = 40_000
_LONGEST_LOOK = 20_000  # characters
_ANY_NUMBER = "0"


@lru_cache(maxsize=8)
def shingles_of(own_texts: tuple[str, ...], *, any_number: bool = False) -> frozenset[tuple[str, ...]]:
    """All shingles of our own texts; with ``any_number``, those of the texts without the value of their numbers."""
    found: set[tuple[str, ...]] = set()
    for text in own_texts:
        words = words_of(_plain_letters(text))
        words = _without_values(words) if any_number else words
        found.update(_shingles(words))
    return frozenset(found)


def _shingles(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[at:] for at in range(SHINGLE)), strict=False)


@lru_cache(maxsize=8)
def _worn(own_texts: tuple[str, ...]) -> tuple[str, ...]:
    """Our texts as they look when a program has put one sign for all letters beyond ASCII."""
    return tuple(_FOREIGN.sub("q", text) for text in own_texts)


@lru_cache(maxsize=8)
def _lines_and_greetings(own_texts: tuple[str, ...]) -> tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]:
    """The words of each line of ours that has several, and those of our greetings ("Guten Tag,")."""
    lines = {line.strip() for text in own_texts for line in text.split("\n") if line.strip()}
    wordy = {line: tuple(_without_values(words_of(_plain_letters(line)))) for line in lines}
    greetings = {words for line, words in wordy.items() if line.endswith(_GREETING_ENDS) and 0 < len(words) <= 3}
    return frozenset(words for words in wordy.values() if len(words) > 1), frozenset(greetings)


def is_line_of_ours(line: str, own_texts: tuple[str, ...]) -> bool:
    """Whether a line is one of ours whatever stands around it, or our greeting with somebody's name."""
    lines, greetings = _lines_and_greetings(own_texts)
    words = tuple(_without_values(words_of(_plain_letters(line[:300]))))
    if words in lines:
        return True
    greets = line.rstrip().endswith(_GREETING_ENDS) and len(words) <= _LONGEST_GREETING
    return greets and any(words[:count] in greetings for count in (1, 2, 3))


def _plain_letters(text: str) -> str:
    """The text without the spellings that some programs and keyboards give umlauts: "für", "fuer" and "fur" agree."""
    plain = text.casefold().replace("ae", "a").replace("oe", "o").replace("ue", "u").replace("ss", "s")
    for letter, bare in () if plain.isascii() else _UMLAUTS:  # much faster than to translate
        plain = plain.replace(letter, bare)
    return plain


def _without_values(words: Sequence[str]) -> list[str]:
    return [_ANY_NUMBER if word.isdecimal() else word for word in words]


def cover_of_own_texts(lines: Sequence[str], own_texts: tuple[str, ...], *, any_number: bool = False) -> list[bool]:
    """For each line, whether it stems from one of our own texts, whatever its numbers with ``any_number``."""
    nothing = [False] * len(lines)
    if len(_DAMAGE.findall("\n".join(lines)[:_LONGEST_LOOK])) >= _LEAST_DAMAGE:
        lines = [_DAMAGE.sub("q", line) for line in lines]
        own_texts = _worn(own_texts)
    known = shingles_of(own_texts, any_number=any_number)
    if not known:
        return nothing
    by_line = words_of_lines(_plain_letters("\n".join(lines)).split("\n"))
    words = [word for found in by_line for word in found]
    if not SHORTEST_RUN <= len(words) <= _MOST_WORDS:
        return nothing
    covered = _covered(_without_values(words) if any_number else words, known)
    if not any(covered):
        return nothing
    result: list[bool] = []
    at = 0
    for count in map(len, by_line):
        result.append(_is_ours(words[at : at + count], covered[at : at + count]))
        at += count
    return result


def _is_ours(words: Sequence[str], covered: bytearray) -> bool:
    """Whether a line is ours but for one word: two words, or a number, are somebody's answer in or beside our line."""
    if not words or sum(covered) < _LINE_SHARE * len(words):
        return False
    others = [word for word, ours in zip(words, covered, strict=True) if not ours]
    return len(others) < 2 and not any(map(str.isdecimal, others))


def _covered(words: Sequence[str], known: frozenset[tuple[str, ...]]) -> bytearray:
    """Which words (1) lie in a run of known shingles that is long enough."""
    covered = bytearray(len(words))
    for run in _RUN.finditer(bytes(map(known.__contains__, _shingles(words)))):
        end = run.end() + SHINGLE - 1
        covered[run.start() : end] = b"\x01" * (end - run.start())
    for gap in _GAP.finditer(bytes(covered)):  # a word that a program has damaged; a number is nobody's damage
        covered[gap.start()] = not words[gap.start()].isdecimal()
    for run in _RUN.finditer(bytes(covered)):
        if len(run[0]) < SHORTEST_RUN:
            covered[run.start() : run.end()] = bytes(len(run[0]))
    return covered


def share_of_own_text(text: str, own_texts: tuple[str, ...]) -> int:
    """How many shingles of our own texts a text holds; a handful proves a quote of them."""
    known = shingles_of(own_texts)
    if not known:
        return 0
    words = words_of(_plain_letters(text))[:3000]
    return sum(map(known.__contains__, _shingles(words)))
