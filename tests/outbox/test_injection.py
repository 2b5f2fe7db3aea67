"""Nothing that an incoming mail says begins a header of ours: from its octets to the octets of our confirmation."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest

from rsvp_mailer.domain import Answer, Attendance, MailboxIdentity, RawMail
from rsvp_mailer.intake import _correspondent
from rsvp_mailer.message.parse import parse_message

TOKEN = "0123456789abcdef0123456789abcdef"
OURS = b"<einladung-2017-11-14@jugendamt.essen.example>"
ATTACK = b"Bcc: opfer@anderswo.example"
BREAKS = [
    *(b"\r\n", b"\n", b"\r", b"\r\n ", b"\n\t", b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x00\r\n", b"\r\r\n"),
    *("\u2028".encode(), "\u2029".encode(), "\x85".encode(), b"=0D=0A", b"%0d%0a", b"\\r\\n"),
    *(b"=?utf-8?q?=0D=0A?=", b"=?utf-8?b?DQo=?=", b"=?utf-16?b?//4NAAoA?=", b"=?utf-7?q?+AA0ACg-?="),
]
FIELDS = {
    "name": b'From: "Mara%bVelic" <mara.velic@example.org>\r\n',
    "bare_name": b"From: Mara%bVelic <mara.velic@example.org>\r\n",
    "encoded_name": b"From: =?utf-8?q?Mara%bVelic?= <mara.velic@example.org>\r\n",
    "address": b"From: Mara <mara.velic%b@example.org>\r\n",
    "subject": b"Subject: AW: Einladung%b\r\n",
    "encoded_subject": b"Subject: =?utf-8?q?Einladung%b?=\r\n",
    "message_id": b"Message-ID: <reply-1%b@example.org>\r\n",
    "message_id_after": b"Message-ID: <reply-1@example.org>%b\r\n",
    "references": b"References: " + OURS + b" <x%b@example.org>\r\n",
    "in_reply_to": b"In-Reply-To: <x%b@example.org> " + OURS + b"\r\n",
}
COMMON = {
    "name": b"From: Mara Velic <mara.velic@example.org>\r\n",
    "subject": b"Subject: AW: Einladung\r\n",
    "message_id": b"Message-ID: <reply-1@example.org>\r\n",
    "in_reply_to": b"In-Reply-To: " + OURS + b"\r\n",
}
HEADERS = {
    *("from", "to", "subject", "date", "message-id", "in-reply-to", "references", "auto-submitted"),
    *("x-auto-response-suppress", "content-language", "mime-version", "content-type"),
}


def incoming(field: str, line_break: bytes) -> bytes:
    spelled = FIELDS[field].replace(b"%b", line_break + ATTACK + line_break)
    others = [line for line in COMMON.values() if line.split(b":")[0] != spelled.split(b":")[0]]
    return b"".join(others) + spelled + b"MIME-Version: 1.0\r\n\r\nWir kommen zu dritt."


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("line_break", BREAKS)
def test_no_field_of_an_incoming_mail_begins_a_header_of_ours(event, composer, now, field, line_break):
    identity = MailboxIdentity(frozenset({"halil.yaman@jugendamt.essen.example"}))
    message = parse_message(RawMail(incoming(field, line_break)), event, identity)
    if message.sender is None:
        assert FIELDS[field].startswith(b"From")
        return  # nobody to write to
    answer = Answer(Attendance.YES, 3, name=message.sender.name)
    mail = composer.confirmation(answer, None, _correspondent(message), token=TOKEN, now=now, sequence=0, first=True)
    head = mail.octets.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", head)
    assert not re.search(rb"^bcc", head, re.IGNORECASE | re.MULTILINE)
    names = [line.split(b":")[0].decode().lower() for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}]
    assert len(names) == len(set(names))
    assert set(names) <= HEADERS
    read = message_from_bytes(mail.octets, policy=policy.default)
    assert read["Bcc"] is None
    assert [each.addr_spec for each in read["To"].addresses] == ["mara.velic@example.org"]
    assert mail.recipient == "mara.velic@example.org"
