"""People, sentences about them, and remarks beside: whatever the combination, the size is right or a person looks.

No corpus can hold what these products reach: each of the lists may grow by a line that once was read wrongly.
"""

from __future__ import annotations

import itertools
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from reading_cases import EVENT

from rsvp_mailer.domain import Message, OwnWords, Tie
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply

LEXICON = load_lexicon()

COMBINATIONS = tomllib.loads((Path(__file__).parents[1] / "corpus" / "combinations.toml").read_text(encoding="utf-8"))


def _cases(language):
    for (people, size), sentence, remark in itertools.product(*COMBINATIONS[language].values()):
        text = f"{sentence.format(people)} {remark}".strip()
        yield text[0].upper() + text[1:], size


def _read(text):
    message = Message("<a@example.org>", "f", None, None, "Re: Einladung", OwnWords(text), tie=Tie.THREAD)
    return read_reply(message, EVENT, LEXICON)


@pytest.mark.parametrize("language", COMBINATIONS)
def test_a_size_is_right_or_a_person_looks(language):
    outcome = Counter()
    wrong = []
    for text, size in _cases(language):
        reading = _read(text)
        right = (reading.attendance, reading.party_size) == ("yes", size)
        outcome["held" if reading.reasons else "right" if right else "wrong"] += 1
        if not reading.reasons and not right:
            wrong.append((text, size, reading.attendance, reading.party_size))
    assert not wrong, f"{len(wrong)}: {wrong[:12]}"
    assert outcome["right"] >= outcome.total() / 4, "who holds everything is never wrong either"
