"""The mailbox's daily mail is left alone, and no answer without a thread is lost: form, words and decision together.

``tests/messages/daily`` holds what an integration office gets in a week; ``tests/messages/unthreaded`` holds
answers to the invitation that nothing but their words tells from it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rsvp_mailer.decide import circumstances_of, decide
from rsvp_mailer.domain import Action, Kind, RawMail
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply

FOLDER = Path(__file__).parents[1] / "messages"
DAILY = sorted((FOLDER / "daily").glob("*.eml"))
UNTHREADED = sorted((FOLDER / "unthreaded").glob("*.eml"))
MOST_DAILY_HELD = 6  # of 80: a doubt costs a person a minute, and each more than that is one too many


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon()


def outcome(path, event, identity, lexicon):
    message = parse_message(RawMail(path.read_bytes()), event, identity)
    reading = read_reply(message, event, lexicon)
    return reading.kind, decide(reading, circumstances_of(message), None, event)


@pytest.mark.parametrize("path", DAILY, ids=lambda path: path.stem)
def test_daily_mail_is_never_taken_for_an_answer(path, event, identity, lexicon):
    _, decision = outcome(path, event, identity, lexicon)
    assert decision.action in {Action.IGNORE, Action.HOLD}


def test_almost_no_daily_mail_waits_for_a_person(event, identity, lexicon):
    held = [path.stem for path in DAILY if outcome(path, event, identity, lexicon)[1].action is Action.HOLD]
    assert len(DAILY) >= 60
    assert len(held) <= MOST_DAILY_HELD, held


@pytest.mark.parametrize("path", UNTHREADED, ids=lambda path: path.stem)
def test_an_answer_without_a_thread_is_never_thrown_away(path, event, identity, lexicon):
    kind, decision = outcome(path, event, identity, lexicon)
    assert kind in {Kind.RSVP, Kind.STECKBRIEF}
    assert decision.action is not Action.IGNORE
