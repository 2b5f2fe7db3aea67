"""Whether words that look like a signature or a disclaimer say something: "mit 3 Personen" below "--".

What may live here: looking at single lines and sentences that a rule is about to cut. What is said there raises
a doubt; nothing is read here.

Nouns name offices and slogans ("Referat Veranstaltungen"), so that words with a capital count at a sentence's
beginning only, or beside a small number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_WORDS = 12  # of a sentence; disclaimers speak in longer ones
_SMALL_NUMBER = re.compile(r"(?<![\w.,:/+-])\d{1,2}(?![\w:/-]|[.,]\d)")
_COUNTED = re.compile(r"\d{1,2}\s[^\W\d]+[.!]?$")
_CONTACT = re.compile(r"@|://|www\.|(?:\d[\s()/.-]{0,3}){5}")
_SENTENCE = re.compile(r"(?<=[.!?;…؟。])\s+")
_SHORTEST_LOWER = 4  # letters; shorter words without a capital stand in names too ("von", "de la")
_LONGEST_NAME = 6  # words
_FEW_LINES = 3
_LONGEST_LOOK = 3_000  # characters


def sentences_of(text: str) -> list[str]:
    """The first sentences of a line or paragraph, as they are written."""
    return _SENTENCE.split(text[:_LONGEST_LOOK])


def is_postscript(text: str) -> bool:
    """Whether a line begins a postscript."""
    return bool(text) and load_patterns().starts["cut.postscript"].match(fold(text[:40])) is not None


def tells(sentence: str) -> bool:
    """Whether a sentence may say who comes: it speaks of people, numbers or coming, and gives no address."""
    words = sentence.split()
    if not 0 < len(words) <= _MOST_WORDS or _CONTACT.search(sentence):
        return False
    if _COUNTED.match(sentence):
        return True
    personal = load_patterns().words["automatic.personal"]
    if _SMALL_NUMBER.search(sentence) and personal.found_in(fold(sentence)):
        return True
    spoken = [word for word in words if not word[0].isupper()]
    coming = load_patterns().words["relevance.coming"]
    return personal.whole_in(fold(" ".join((words[0], *spoken[spoken[:1] == words[:1] :])))) or coming.whole_in(
        fold(" ".join(spoken)), stems=True
    )


def may_be_answer(block: Sequence[str], *, marked: bool) -> bool:
    """Whether a block below "--" may be no signature: a line tells something, or nothing names or locates anybody.

    ``marked``: a client, and not only two dashes, says that it is one.
    """
    if any(tells(sentence) for line in block for sentence in sentences_of(line)):
        return True
    return (
        not marked
        and 0 < len(block) <= _FEW_LINES
        and not any(_is_name(line) or _CONTACT.search(line) for line in block)
    )


def _is_name(line: str) -> bool:
    """Whether a line may be somebody's or a street's name; scripts without capitals cannot tell."""
    words = line.split()
    if len(words) > _LONGEST_NAME or line[-1] in "!?" or words[0][0].isdigit():
        return False
    return not words[0][0].islower() and not any(
        word[0].islower() and len(word) >= _SHORTEST_LOWER for word in words[1:]
    )
