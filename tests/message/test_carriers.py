"""How a mail was packed, labelled and damaged on its way, and what is left of it."""

from __future__ import annotations

import base64

import pytest

from rsvp_mailer.domain import Doubt, MailboxIdentity, RawMail
from rsvp_mailer.message.authentication import results_of_own_server, sender_of
from rsvp_mailer.message.charset import decode_octets
from rsvp_mailer.message.headers import Fields, addresses_in, decode_text
from rsvp_mailer.message.mojibake import repair_mojibake
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.outbox.mime import is_address

GERMAN = "Vielen Dank, wir kommen zu fünft. Grüße, Jörg – „ja“"
ARABIC = "شكراً للدعوة، سنحضر نحن الثلاثة"
OWN = MailboxIdentity(frozenset({"halil.yaman@jugendamt.essen.example"}), "mx1.essen.example")


@pytest.mark.parametrize(
    ("text", "written", "label"),
    [
        *((ARABIC, "cp1256", label) for label in (None, "utf-8", "us-ascii", "iso-8859-1", "iso-8859-6", "x-nothing")),
        *((ARABIC, "iso8859_6", label) for label in (None, "utf-8", "windows-1256", "ISO-8859-6-E", "arabic")),
        *((text, "utf-16-le", label) for text in (GERMAN, ARABIC) for label in (None, "utf-16", "utf-8", "us-ascii")),
        *((text, "utf-16-be", label) for text in (GERMAN, ARABIC, "نعم") for label in ("utf-16", "us-ascii")),
        *((GERMAN, "utf-8", label) for label in ('"UTF8;"', "utf-16", "koi8-r", "windows-1256", "3Dutf-8")),
        *((GERMAN, "cp1252", label) for label in ("iso-8859-15", "win-1252", "Windows1252", "unknown-8bit")),
    ],
)
def test_the_text_does_not_depend_on_the_label(text, written, label):
    assert decode_octets(text.encode(written), label)[0] == text


@pytest.mark.parametrize("wrong", ["cp1252", "latin-1", "cp1256", "mac_roman", "cp850", "cp437"])
@pytest.mark.parametrize("text", [GERMAN, ARABIC])
def test_mojibake_is_undone_and_noted(text, wrong):
    scrambled = "".join(bytes([o]).decode(wrong, "ignore") or chr(o) for o in text.encode())
    assert repair_mojibake(scrambled) == (text, {Doubt.CHARSET_REPAIRED})


@pytest.mark.parametrize("text", ["ON PREND UN CAFÉ»", "Mais OÙ… et quand", "payé…» ok", "TRÄ»", "فقط، نعم"])
def test_what_only_looks_like_mojibake_stays(text):
    assert repair_mojibake(text) == (text, frozenset())


@pytest.mark.parametrize("raw", ['"x" <a@[192.0.2.1]>', "a@b@c.x", "<=?utf-8?q?a=40b.example?=>", '"a b"@c.x'])
def test_what_cannot_be_written_to_is_no_address(raw):
    assert addresses_in([raw]) == []


@pytest.mark.parametrize("raw", ["a@MÜLLER.example", "a@xn--mller-kva.example.", '"a"@müller.example'])
def test_an_address_has_one_spelling(raw):
    (found,) = addresses_in([raw])
    assert found.address == "a@xn--mller-kva.example"
    assert is_address(found.address)


def test_no_encoded_word_brings_a_line_break():
    words = decode_text("=?utf-8?q?Ina=0D=0ABcc=3A_x=40y.example?=")
    assert "\r" not in words
    assert "\n" not in words


@pytest.mark.parametrize(
    "injected",
    [
        'dkim=fail reason="x; dmarc=pass; y"',
        'spf=pass smtp.mailfrom="a; dmarc=pass "@x',
        "spf=fail (a); dmarc=pass) b",
    ],
)
def test_a_sender_cannot_write_a_verdict(injected):
    fields = Fields([("from", "a@b.example"), ("authentication-results", f"mx1.essen.example; {injected}")])
    assert not sender_of(fields, OWN).verified


def test_verdicts_below_the_field_before_ours_came_with_the_mail():
    rows = [("received", "from a by mx1.essen.example; x"), ("received", "from b by a; x")]
    forged = ("authentication-results", "mx1.essen.example; dmarc=pass")
    assert results_of_own_server(Fields([*rows, forged]), "mx1.essen.example") == {}
    assert results_of_own_server(Fields([rows[0], forged, rows[1]]), "mx1.essen.example") == {"dmarc": {"pass"}}


@pytest.mark.parametrize("label", ['"base64"', "base64;", "base-64", " base64 "])
@pytest.mark.parametrize("noise", [b"", b"\n--\nChecked by a scanner.\n"])
def test_base64_is_read_under_any_label_and_above_a_footer(event, identity, label, noise):
    head = f"From: a@b.example\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {label}\n\n"
    raw = head.encode() + base64.encodebytes(GERMAN.encode()) + noise
    assert parse_message(RawMail(raw), event, identity).own_words.text == GERMAN


@pytest.mark.parametrize("front", [b"\xef\xbb\xbf", b"\r\n\n", b"From x Mon\n", b"No field\n", b"X-A : b\n"])
def test_nothing_in_front_of_the_header_hides_it(event, identity, front):
    raw = front + b"From: a@b.example\nMIME-Version: 1.0\n\nWir kommen zu dritt."
    found = parse_message(RawMail(raw), event, identity)
    assert (found.sender.address, found.own_words.text) == ("a@b.example", "Wir kommen zu dritt.")


def test_what_a_limit_cuts_off_is_unreadable(event, identity):
    part = b"--b\n\nWir kommen zu dritt.\n"
    raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + part * 600
    assert parse_message(RawMail(raw), event, identity).unreadable == "limit.parts"


def test_an_attached_mail_of_somebody_else_is_noted(event, identity):
    inner = b"Content-Type: message/rfc822\n\nFrom: c@d.x\nSubject: x\n\nZu siebt."
    raw = (
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nWir kommen.\n--b\n"
        + inner
        + b"\n--b--"
    )
    found = parse_message(RawMail(raw), event, identity)
    assert found.own_words.text == "Wir kommen."
    assert Doubt.ATTACHED_MAIL in found.own_words.doubts


def test_more_containers_than_anybody_sends_are_unreadable(event, identity):
    part = b"--b\nContent-Type: application/ms-tnef; name=winmail.dat\n\nx\n"
    raw = (
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nWir kommen.\n" + part * 6 + b"--b--\n"
    )
    assert parse_message(RawMail(raw), event, identity).unreadable == "limit.containers"


@pytest.mark.parametrize("control", [b"\x0b", b"\x0c", b"\x1c"])
def test_a_report_that_cannot_be_written_again_is_read(event, identity, control):
    head = (
        b"From: MAILER-DAEMON@mx.example\nSubject: Undelivered Mail Returned to Sender\nX-A: 1.0"
        + control
        + b"X-B: c\n"
    )
    raw = head + b"MIME-Version: 1.0\n\nYour message could not be delivered to <a@b.example>: user unknown"
    assert parse_message(RawMail(raw), event, identity).kind == "bounce"
