"""Our confirmations are known by samples; a quote of one that tells other numbers is still ours, and no answer."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest

from rsvp_mailer.domain import RawMail
from rsvp_mailer.message.parse import parse_message

CONFIRMATION = """Sie sind angemeldet: {number} Personen

Guten Tag,

vielen Dank für Ihre Zusage. Wir freuen uns auf Sie! So haben wir Ihre Antwort verstanden:

Ihre Antwort: Zusage
Personen insgesamt: {number}

Stimmt etwas nicht, oder ändert sich etwas? Antworten Sie einfach auf diese E-Mail, in Ihren eigenen Worten.

Anlass: 1. Integrationskonferenz im Stadtbezirk I
Uhrzeit: 17:00 bis 20:00 Uhr
"""
BLOCK = """Von: Jugendamt Essen <halil.yaman@jugendamt.essen.example>
Gesendet: Montag, 6. November 2017 09:30
An: Ruth Ahlers
Betreff: Ihre Zusage

"""


@pytest.fixture
def read(event, identity):
    knowing = replace(event, own_texts=(*event.own_texts, CONFIRMATION.format(number=3)))

    def words_of(text):
        mail = EmailMessage()
        mail["From"] = "Ruth Ahlers <ruth.ahlers@post.example>"
        mail["Subject"] = "AW: Ihre Zusage"
        mail.set_content(text)
        return parse_message(RawMail(mail.as_bytes()), knowing, identity).own_words

    return words_of


@pytest.mark.parametrize("number", ["2", "3", "14"])
def test_the_number_of_a_quoted_confirmation_is_no_answer(read, number):
    own = read("Danke, bis dahin!\n\nRuth Ahlers\n\n" + BLOCK + CONFIRMATION.format(number=number))
    assert own.text == "Danke, bis dahin!\n\nRuth Ahlers"
    assert own.doubts == frozenset()


def test_words_between_the_lines_of_a_quoted_confirmation_are_an_answer(read):
    quoted = CONFIRMATION.format(number=4).replace("Stimmt etwas", "Nein, nur noch zwei.\n\nStimmt etwas")
    own = read("Danke!\n\n" + BLOCK + quoted)
    assert own.text.split("\n")[-1] == "Nein, nur noch zwei."
    assert own.doubts


def test_a_number_that_the_sender_states_alone_stays(read):
    assert read("Personen insgesamt: 5").text == "Personen insgesamt: 5"
