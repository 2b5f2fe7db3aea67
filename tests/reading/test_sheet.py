"""A returned Steckbrief with a word beside it is a Steckbrief; whatever may be an answer beside it is looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rsvp_mailer.domain import Kind, MailboxIdentity, OwnWords, RawMail
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply
from rsvp_mailer.settings import load_settings

MAIL = Path(__file__).parents[2] / "rsvp_mailer" / "demo" / "mails" / "10-27-1402-steckbrief-zurueck.eml"
EVENT = load_settings(None, {"RSVP_MAILER__DATABASE__URL": "sqlite:////nowhere/rsvp.db"}).events[0].event()
LEXICON = load_lexicon()


def read_beside_a_sheet(words):
    message = parse_message(RawMail(MAIL.read_bytes()), EVENT, MailboxIdentity(frozenset()))
    return read_reply(replace(message, own_words=OwnWords(words)), EVENT, LEXICON)


@pytest.mark.parametrize(
    "words",
    [
        "Guten Tag,\nanbei der ausgefüllte Steckbrief unseres Vereins.\nViele Grüße\nO. Brandt",
        "Den Steckbrief schicke ich gern.",
    ],
)
def test_a_sheet_with_a_word_about_itself_needs_nobody(words):
    reading = read_beside_a_sheet(words)
    assert (reading.kind, reading.attendance, reading.reasons) == (Kind.STECKBRIEF, None, ())


@pytest.mark.parametrize(
    "words",
    [
        "Anbei der Steckbrief. Wir lassen uns das nicht entgehen!",
        "Hier ist der Steckbrief. Bis Dienstag dann.",
        "Ist das der richtige Steckbrief?",
    ],
)
def test_what_may_be_more_than_a_sheet_is_held(words):
    assert read_beside_a_sheet(words).reasons


def test_a_yes_with_a_sheet_is_a_yes():
    reading = read_beside_a_sheet("Wir kommen zu dritt, der Steckbrief ist im Anhang.")
    assert (reading.kind, reading.attendance, reading.party_size) == (Kind.RSVP, "yes", 3)
