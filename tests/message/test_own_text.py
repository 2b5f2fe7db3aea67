"""Quotes of our mails without marks: what they tell is no answer, whatever their numbers; what stands in them is."""

from __future__ import annotations

from dataclasses import replace
from email.message import EmailMessage

import pytest

from rsvp_mailer.domain import Doubt, RawMail
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
def parse(event, identity):
    knowing = replace(event, own_texts=(*event.own_texts, CONFIRMATION.format(number=3)))

    def own_words(text, subtype):
        mail = EmailMessage()
        mail["From"] = "Ruth Ahlers <ruth.ahlers@post.example>"
        mail["Subject"] = "AW: Ihre Zusage"
        mail.set_content(text, subtype=subtype)
        return parse_message(RawMail(mail.as_bytes()), knowing, identity).own_words

    return own_words


@pytest.fixture
def read(parse):
    return lambda text: parse(text, "plain")


@pytest.fixture
def read_html(parse):
    return lambda html: parse(html, "html")


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


def test_a_postscript_below_a_quote_without_marks_is_kept_and_doubted(read):
    own = read("Ich komme.\n\n" + BLOCK + CONFIRMATION.format(number=4) + "\nPS: Meine Tochter kommt auch.\n")
    assert own.text.split("\n")[-1] == "PS: Meine Tochter kommt auch."
    assert own.doubts == {Doubt.TEXT_AFTER_QUOTE}


def test_who_answers_between_the_lines_has_a_last_answer_below_them(read):
    quoted = CONFIRMATION.format(number=4).replace("Stimmt etwas", "Nein, drei.\n\nStimmt etwas")
    own = read("Antworten stehen unten:\n\n" + BLOCK + quoted + "\nDie Karte haben wir gefunden.\n")
    assert own.text.split("\n")[-2:] == ["Nein, drei.", "Die Karte haben wir gefunden."]


def test_left_over_quote_marks_are_no_answer(read):
    quoted = CONFIRMATION.format(number=4).replace("Stimmt etwas", ">\n>:\n\nStimmt etwas")
    own = read("Danke!\n\n" + BLOCK + quoted)
    assert (own.text, own.doubts) == ("Danke!", frozenset())


def test_colour_marks_no_answer_in_a_mail_that_is_coloured_itself(read_html):
    lines = "".join(f'<p style="color:#55606b">{line}</p>' for line in CONFIRMATION.format(number=4).splitlines())
    coloured = lines.replace("Stimmt etwas", 'Liebe Ruth,</p><p style="color:#55606b">Stimmt etwas')
    head = BLOCK.replace("<", "&lt;").replace("\n", "<br>")
    assert read_html(f"<p>Danke!</p><p>{head}</p>{coloured}").doubts == {Doubt.TEXT_AFTER_QUOTE}
    answer = '<p style="color:#c00000">Nein, drei.</p><p>Stimmt etwas'
    plain = lines.replace(' style="color:#55606b"', "").replace("<p>Stimmt etwas", answer)
    own = read_html(f"<p>Danke!</p><p>{head}</p>{plain}")
    assert (own.text.split("\n")[-1], own.doubts) == ("Nein, drei.", frozenset())
