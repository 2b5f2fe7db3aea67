"""What an invitee reads, and what no invitee's words can do to our mail."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsvp_mailer.domain import Address, Answer, Attendance, Correspondent, Tag

TOKEN = "0123456789abcdef0123456789abcdef"
YES = Answer(Attendance.YES, 3)
NO = Answer(Attendance.NO, 0)
MAYBE = Answer(Attendance.MAYBE, 2)


@pytest.fixture
def confirm(composer, invitee, now):
    def confirm(answer, before=None, to=invitee, *, first=False, sequence=0, token=TOKEN):
        return composer.confirmation(answer, before, to, token=token, now=now, sequence=sequence, first=first)

    return confirm


def plain(message):
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


class _Words(HTMLParser):
    def __init__(self):
        super().__init__()
        self.words, self._off = [], 0

    def handle_starttag(self, tag, attrs):
        self._off += tag in ("style", "title")
        self.words.append("" if tag in ("span", "bdi", "a") else " ")

    def handle_endtag(self, tag):
        self._off -= tag in ("style", "title")

    def handle_data(self, data):
        if not self._off:
            self.words.append(data)


def html_words(message):
    parser = _Words()
    parser.feed(message.get_body(("html",)).get_content())
    return " ".join("".join(parser.words).split())


# --- what is said ----------------------------------------------------------------------------------------------------


def test_a_yes_says_what_was_understood_and_how_to_correct_it(confirm, parsed):
    text = plain(parsed(confirm(replace(YES, arrival="17:45", interpreter=("ar",)))))
    for fact in (
        "Sie sind angemeldet: 3 Personen",
        "Guten Tag Mara Velić,",
        "Ihre Antwort: Zusage",
        "Personen insgesamt: 3",
        "Sie kommen um: 17:45 Uhr",
        "Dolmetschen für Arabisch",
        "Antworten Sie einfach auf\ndiese E-Mail",
        "Datum: Dienstag, 14. November 2017",
        "Uhrzeit: 17:00 bis 20:00 Uhr",
        "Ort: Kirche St. Gertrud, Gertrudissaal",
        "Adresse: Rottstraße 36, 45127 Essen",
        "Halil Yaman, Telefon 0201 88-0",
        "Art. 6 Abs. 1 lit. e DSGVO",
        "90 Tage",
    ):
        assert fact in text, fact


def test_one_person_is_one_person(confirm, parsed):
    assert "angemeldet: eine Person" in plain(parsed(confirm(Answer(Attendance.YES, 1))))
    assert "registered: one person" in plain(parsed(confirm(Answer(Attendance.YES, 1, "en"))))


def test_an_unknown_number_is_said_to_be_open(confirm, parsed):
    text = plain(parsed(confirm(Answer(Attendance.YES, None))))
    assert "Personen insgesamt: noch offen" in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("answer", "before", "headline"),
    [
        (YES, None, "Sie sind angemeldet: 3 Personen"),
        (NO, None, "Ihre Absage ist notiert"),
        (MAYBE, None, "Vorgemerkt: Sie kommen vielleicht, 2 Personen"),
        (YES, Answer(Attendance.YES, 5), "Sie sind angemeldet: 3 Personen"),
        (NO, YES, "Sie sind abgemeldet"),
        (NO, MAYBE, "Sie sind abgemeldet"),
        (NO, NO, "Ihre Absage ist notiert"),
        (MAYBE, YES, "Vorgemerkt: Sie kommen vielleicht, 2 Personen"),
        (YES, NO, "Sie sind angemeldet: 3 Personen"),
    ],
)
def test_the_first_line_is_the_result(confirm, parsed, answer, before, headline):
    assert plain(parsed(confirm(answer, before))).splitlines()[0] == headline


def test_a_change_names_the_answer_it_replaces(confirm, parsed):
    assert "Bisher: Zusage, 5 Personen" in plain(parsed(confirm(YES, Answer(Attendance.YES, 5))))
    assert "Bisher: Absage\n" in plain(parsed(confirm(YES, NO)))
    assert "Bisher: vielleicht, 2 Personen" in plain(parsed(confirm(NO, MAYBE)))


def test_the_same_answer_under_another_name_is_no_change(confirm, parsed):
    assert "Bisher" not in plain(
        parsed(confirm(replace(YES, name="M. Velić", language="de"), replace(YES, name="Mara")))
    )


def test_a_question_is_passed_on_and_a_need_noted(confirm, parsed):
    assert "Ihre Frage haben wir an das Team weitergegeben." in plain(
        parsed(confirm(replace(YES, tags=(Tag.QUESTION,))))
    )
    assert "Ihren Hinweis haben wir" in plain(parsed(confirm(replace(YES, tags=(Tag.DIET,)))))
    assert "weitergegeben" not in plain(parsed(confirm(YES)))


def test_there_is_no_confirmation_of_nothing(confirm):
    with pytest.raises(ValueError, match="no answer"):
        confirm(Answer(None, None))


def test_the_one_question_asks_for_the_number_and_claims_nothing(composer, invitee, now, parsed):
    text = plain(parsed(composer.question(invitee, Answer(Attendance.YES, None), token=TOKEN, now=now)))
    assert text.startswith("Mit wie vielen Personen kommen Sie?")
    assert "angemeldet" not in text
    assert "Kalenderdatei" not in text


def test_thanks_for_a_sheet_says_that_it_is_no_registration(composer, invitee, now, parsed):
    text = plain(parsed(composer.thanks(invitee, language="en", token=TOKEN, now=now)))
    assert text.startswith("Your profile sheet has arrived")
    assert "noch keine Anmeldung" in " ".join(text.split())


@pytest.mark.parametrize(
    ("language", "tags"), [("de", "de"), ("en", "en, de"), ("tr", "de, en"), ("und", "de, en"), ("../de", "de, en")]
)
def test_the_senders_language_comes_first_and_german_is_always_there(confirm, parsed, language, tags):
    message = parsed(confirm(replace(YES, language=language)))
    assert message["Content-Language"] == tags
    text = plain(message)
    positions = {"de": text.find("Sie sind angemeldet"), "en": text.find("You are registered")}
    order = [code for code, at in sorted(positions.items(), key=lambda item: item[1]) if at >= 0]
    assert order == tags.split(", ")


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize(("answer", "before"), [(YES, None), (NO, None), (MAYBE, None), (YES, NO), (NO, YES)])
def test_text_and_html_say_the_same(confirm, parsed, language, answer, before):
    message = parsed(
        confirm(replace(answer, language=language, arrival="17:45", tags=(Tag.QUESTION,)), before, first=True)
    )
    text = re.sub(r"[=:\s]+|https://\S+", " ", plain(message))
    assert sorted(text.split()) == sorted(re.sub(r"[=:\s]+", " ", html_words(message)).split())


def test_html_carries_its_languages_and_needs_nothing_from_elsewhere(confirm, parsed):
    html = parsed(confirm(replace(YES, language="en"))).get_body(("html",)).get_content()
    assert '<html lang="en" dir="ltr"' in html
    assert re.search(r'<td class="section further" dir="ltr" lang="de"|lang="de" dir="ltr"', html)
    assert not re.search(r"<img|<script|src=|url\(", html)


# --- form ------------------------------------------------------------------------------------------------------------


def test_headers(confirm, parsed):
    message = parsed(confirm(YES))
    assert message["From"].addresses[0].display_name == "Jugendamt Essen, Integrationskonferenz"
    assert message["From"].addresses[0].addr_spec == "halil.yaman@jugendamt.essen.example"
    assert message["To"] == "mara.velic@example.org"
    assert message["Subject"] == "Re: Einladung Integrationskonferenz 14.11.2017"
    assert message["Message-ID"] == f"<{TOKEN}.rsvp@jugendamt.essen.example>"
    assert message["In-Reply-To"] == "<reply-1@example.org>"
    assert message["References"] == "<einladung-2017-11-14@jugendamt.essen.example> <reply-1@example.org>"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["MIME-Version"] == "1.0"
    assert message["Date"].datetime.isoformat() == "2017-11-06T08:00:00+01:00"
    assert not message["Reply-To"]
    assert len(message.keys()) == len(set(message.keys()))


def test_a_mail_is_the_same_octets_for_the_same_arguments(confirm):
    assert confirm(YES, first=True).octets == confirm(YES, first=True).octets


def test_the_steckbrief_comes_first_time_only_and_is_one_object(confirm, parsed, composer):
    first, again = confirm(NO, first=True), confirm(YES)
    names = [part.get_filename() for part in parsed(first).iter_attachments()]
    assert names == ["steckbrief-de.pdf", "steckbrief-de-einfach.pdf"]
    assert next(iter(parsed(first).iter_attachments())).get_content().startswith(b"%PDF")
    assert "Steckbrief" in plain(parsed(first))
    assert again.attachment == b""
    assert "Steckbrief" not in plain(parsed(again))
    assert confirm(MAYBE, first=True).attachment is first.attachment


def test_an_answer_without_thread_has_no_thread_headers(confirm, parsed):
    message = parsed(confirm(YES, to=Correspondent(Address("tel@example.org"))))
    assert message["In-Reply-To"] is None
    assert message["References"] is None
    assert message["Subject"] == "Ihre Zusage: 1. Integrationskonferenz im Stadtbezirk I"


def test_long_threads_keep_the_first_and_the_newest(confirm, parsed, invitee):
    chain = tuple(f"<{number}.{'x' * 200}@example.org>" for number in range(300))
    mail = confirm(YES, to=replace(invitee, references=chain))
    kept = parsed(mail)["References"].split()
    assert kept[0] == chain[0]
    assert kept[-2:] == [chain[-1], "<reply-1@example.org>"]
    assert len(kept) <= 20
    assert max(map(len, mail.octets.split(b"\r\n"))) <= 998


# --- promise 6: echoes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    [
        "Zusage https://boese.example",
        "Gewinn unter www.boese",
        "Jetzt boese.example/kaufen",
        "ＢＯＥＳＥ．ｅｘａｍｐｌｅ",
        "x" * 121,
        "schreib an a@b",
        "",
        "Re:",
    ],
)
def test_a_subject_that_may_not_be_echoed_gives_way_to_ours(confirm, parsed, invitee, subject):
    message = parsed(confirm(YES, to=replace(invitee, subject=subject)))
    assert message["Subject"] == "Ihre Zusage: 1. Integrationskonferenz im Stadtbezirk I"
    assert message["In-Reply-To"] == "<reply-1@example.org>"


def test_words_of_strangers_are_not_echoed(confirm, parsed, invitee):
    message = parsed(confirm(YES, to=replace(invitee, in_thread=False)))
    assert message["Subject"].startswith("Ihre Zusage")
    assert "Velić" not in plain(message)
    assert "Velić" in plain(parsed(confirm(YES, to=replace(invitee, in_thread=False, verified=True))))


@pytest.mark.parametrize("name", ["Besuchen Sie boese.example", "http://x", "+++ ***", "n" * 61, "a@b.example"])
def test_a_name_that_advertises_is_no_greeting(confirm, parsed, invitee, name):
    message = parsed(confirm(YES, to=replace(invitee, address=replace(invitee.address, name=name))))
    assert "Guten Tag,\n" in plain(message)
    assert name not in html_words(message)


def test_a_name_cannot_write_html(confirm, parsed, invitee):
    to = replace(invitee, address=replace(invitee.address, name="<b>Mara</b> & Co"))
    html = parsed(confirm(YES, to=to)).get_body(("html",)).get_content()
    assert "&lt;b&gt;Mara&lt;/b&gt; &amp; Co" in html
    assert "<b>" not in html


def test_one_re_is_enough(confirm, parsed, invitee):
    message = parsed(confirm(YES, to=replace(invitee, subject="Re: AW: Re[2]: WG: Einladung")))
    assert message["Subject"] == "Re: WG: Einladung"


@pytest.mark.parametrize("recipient", ["a@b\r\nBcc: c@d.example", "a b@c.example", "a@b,c@d", "<a@b>", "a@b>\n", "a"])
def test_a_recipient_that_could_write_headers_is_refused(confirm, invitee, recipient):
    with pytest.raises(ValueError, match="address"):
        confirm(YES, to=replace(invitee, address=Address(recipient)))


_EXPECTED_HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Auto-Response-Suppress", "Content-Language", "MIME-Version", "Content-Type",
}  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    subject=st.text(max_size=200),
    name=st.text(max_size=80),
    identifier=st.text(max_size=60),
    language=st.text(max_size=4),
)
def test_no_words_of_a_sender_can_break_a_mail(composer, parsed, now, subject, name, identifier, language):
    to = Correspondent(
        Address("x@example.org", name), subject, f"<{identifier}>", (identifier, f"<{identifier}@x>"), True
    )
    answer = Answer(Attendance.YES, 2, language)
    mail = composer.confirmation(answer, None, to, token=TOKEN, now=now, sequence=0, first=True)
    assert mail.octets.isascii()
    assert mail.octets.count(b"\r\n") == mail.octets.count(b"\n") == mail.octets.count(b"\r")
    assert max(map(len, mail.octets.split(b"\r\n"))) <= 998
    message = parsed(mail)
    assert set(message.keys()) <= _EXPECTED_HEADERS
    assert not message.defects
    types = [part.get_content_type() for part in message.walk()]
    assert types[1:5] == ["multipart/alternative", "text/plain", "text/html", "text/calendar"]
    assert types[5] == "application/pdf"


def test_an_address_outside_ascii_is_written_as_it_is(confirm, invitee):
    mail = confirm(YES, to=replace(invitee, address=Address("zoë@bücher.example")))
    assert "To: zoë@bücher.example\r\n".encode() in mail.head


def test_own_texts_cover_what_is_sent(composer, confirm, parsed, invitee):
    """A quoted confirmation consists of lines that own_texts knows, but for name and numbers."""
    known = {line for text in composer.own_texts() for line in text.splitlines() if len(line) > 30}
    sent = plain(parsed(confirm(replace(YES, language="en"), first=True)))
    lines = [line for line in sent.splitlines() if len(line) > 30 and not line.startswith("===")]
    assert len(lines) > 15
    assert [line for line in lines if line not in known and "3 " not in line] == []
