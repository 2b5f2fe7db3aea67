"""Hostile sizes: bounded memory and time, nothing unpacked, and what a limit leaves out is left to a person."""

from __future__ import annotations

import base64
import gzip
import io
import time
import tracemalloc
import zipfile

import pytest

from rsvp_mailer.domain import RawMail
from rsvp_mailer.message.parse import parse_message

TOP = b"From: Ina Pohl <ina.pohl@post.example>\r\nSubject: Zusage\r\nMIME-Version: 1.0\r\n"
MIXED = TOP + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
WORDS = b"--b\r\n\r\nWir kommen zu dritt.\r\n"
MOST_MEMORY = 200_000_000
MOST_SECONDS = 20  # while memory is traced, which takes five times as long


def attached(octets: bytes, name: str) -> bytes:
    head = f'--b\r\nContent-Type: application/octet-stream; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    return MIXED + WORDS + head.encode() + base64.encodebytes(octets) + b"--b--\r\n"


def text(octets: bytes, *, encoding: bytes = b"8bit", subtype: bytes = b"plain") -> bytes:
    head = b"Content-Type: text/" + subtype + b"; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding + b"\r\n"
    return head + b"\r\n" + octets


def nested(levels: int) -> bytes:
    down = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (each, each) for each in range(levels)
    )
    up = b"".join(b"--b%d--\r\n" % each for each in reversed(range(levels)))
    return TOP + down + b"Content-Type: text/plain\r\n\r\nWir kommen zu dritt.\r\n" + up


def zip_bomb(inside: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(inside, b"<" * 300_000_000)
    return packed.getvalue()


def people(field: bytes, count: int) -> bytes:
    return field + b": " + b",\r\n ".join(b'"Gast" <gast%d@verein.example>' % each for each in range(count)) + b"\r\n"


PAGE = b"<p>Wir <b>kommen</b> " + b"gerne " * 40 + b"zu dritt.</p>\n"
HOSTILE = {
    "attachment_of_25_mb": (lambda: attached(bytes(18_000_000), "saal.jpg"), None),
    "base64_text_of_25_mb": (
        lambda: TOP + text(base64.encodebytes(b"Wir kommen zu dritt.\n" * 880_000), encoding=b"base64"),
        "limit.text",
    ),
    "text_of_25_mb": (lambda: TOP + text(b"Wir kommen zu dritt, und zwar gerne. Danke!\r\n" * 550_000), "limit.text"),
    "quoted_printable_of_20_mb": (
        lambda: TOP + text(b"Gr=C3=BC=C3=9Fe und bis bald=\r\n" * 700_000, encoding=b"quoted-printable"),
        "limit.text",
    ),
    "lines_without_words": (lambda: MIXED + b"\n" * 20_000_000, "limit.lines"),
    "carriage_returns": (lambda: MIXED + b"\r" * 20_000_000, "limit.lines"),
    "parts": (lambda: MIXED + WORDS * 10_000 + b"--b--\r\n", "limit.parts"),
    "long_parts": (
        lambda: MIXED + (b"--b\r\n" + text(PAGE * 12_000, subtype=b"html")) * 6 + b"--b--\r\n",
        "limit.text",
    ),
    "levels": (lambda: nested(200), None),
    "more_levels": (lambda: nested(5_000), "limit.nesting"),
    "html_of_3_mb": (lambda: TOP + text(PAGE * 11_000, subtype=b"html"), None),
    "paragraphs": (lambda: TOP + text(b"<p>x" * 750_000, subtype=b"html"), "limit.text"),
    "short_lines": (lambda: TOP + text(b"x\n" * 900_000), "limit.text"),
    "html_of_20_mb": (lambda: TOP + text(PAGE * 75_000, subtype=b"html"), "limit.text"),
    "content_type_of_690_kb": (
        lambda: (
            TOP
            + b"Content-Type: text/plain; "
            + b"; ".join(b"a%d*0=x" % each for each in range(57_000))
            + b"\r\n\r\nOk."
        ),
        None,
    ),
    "recipients": (lambda: TOP + people(b"To", 20_000) + people(b"Cc", 20_000) + b"\r\nWir kommen.", None),
    "received": (
        lambda: TOP + b"Received: from a by b; Mon, 06 Nov 2017 10:12:00 +0100\r\n" * 20_000 + b"\r\nOk.",
        None,
    ),
    "tnef_of_zeros": (lambda: attached(b"\x78\x9f\x3e\x22" + bytes(9_000_000), "winmail.dat"), None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_size_costs_little_memory_and_time(event, identity, name):
    make, unreadable = HOSTILE[name]
    mail = RawMail(make())
    parse_message(RawMail(TOP + b"\r\nWarm."), event, identity)
    tracemalloc.start()
    try:
        start = time.process_time()
        message = parse_message(mail, event, identity)
        assert time.process_time() - start < MOST_SECONDS
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert message.unreadable == unreadable


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("steckbrief.docx", lambda: zip_bomb("word/document.xml")),
        ("steckbrief.odt", lambda: zip_bomb("content.xml")),
        ("bilder.zip", lambda: zip_bomb("a.txt")),
        ("antwort.txt.gz", lambda: gzip.compress(bytes(300_000_000), 1)),
    ],
)
def test_nothing_compressed_is_unpacked_but_the_beginning_of_what_may_be_a_sheet(event, identity, name, make):
    mail = RawMail(attached(make(), name))
    tracemalloc.start()
    message = parse_message(mail, event, identity)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(mail.raw) + 20_000_000
    assert message.own_words.text == "Wir kommen zu dritt."
    assert [each.name for each in message.attachments] == [name]
