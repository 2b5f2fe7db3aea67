"""Puts a mail together as octets: headers, encodings, parts.

The standard library's ``EmailMessage`` copies and re-encodes a 100 KB attachment for every mail, which costs more
than all the rest of the way. Here the attachment is encoded once, and each mail is written around it.

All octets are 7-bit with CRLF line ends and lines under 998 octets (RFC 5322, 2.1.1), whatever is put in. The one
exception: a recipient's address outside ASCII, which needs a server with SMTPUTF8 anyway (RFC 6532).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from rsvp_mailer.domain import OutgoingMail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from rsvp_mailer.outbox.sender import Sender

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_ADDRESS = re.compile(r'[^\s<>()\[\],;:\\"\x00-\x1f\x7f]{1,255}@[^\s<>()\[\],;:\\"@\x00-\x1f\x7f]{1,255}')
_MIXED = b"=_rsvp_mailer_mixed"  # the same in every mail, so that several attachments can be encoded as one piece
_MAX_REFERENCES = 20  # the first and the newest; enough for every client to find the thread
_NOT_ASCII = bytes(range(128, 256))


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of the MIME tree, encoded: header lines and body, each line ending with CRLF."""

    header: bytes
    body: bytes

    @property
    def octets(self) -> bytes:
        """As it stands between two boundaries."""
        return self.header + b"\r\n" + self.body


def is_address(address: str) -> bool:
    """Whether an address can be written into headers and SMTP commands as it is, and can hold nothing else."""
    return _ADDRESS.fullmatch(address) is not None


def one_line(words: str) -> str:
    """Words without line breaks, control characters, half surrogates and runs of white space."""
    return " ".join(_CONTROLS.sub(" ", words).split())


def text_part(text: str, subtype: str) -> Part:
    """Body text in UTF-8, in the shorter of the two encodings: quoting costs 2 octets each, base64 a third of all."""
    octets = text.replace("\n", "\r\n").encode()
    not_ascii = len(octets) - len(octets.translate(None, _NOT_ASCII))
    if not_ascii * 6 > len(octets):
        encoding, body = "base64", base64_lines(octets)
    else:
        encoding, body = "quoted-printable", binascii.b2a_qp(octets, istext=True)
        body = body.replace(b"=\n", b"=\r\n")  # b2a_qp ends its soft breaks the Unix way
    header = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return Part(header.encode(), body)


def attached_part(octets: bytes, content_type: str, name: str) -> Part:
    """An attachment in base64; ``name`` is ASCII."""
    header = (
        f'Content-Type: {content_type};\r\n name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment;\r\n filename="{name}"\r\n'
    )
    return Part(header.encode("ascii"), base64_lines(octets))


def inline_part(octets: bytes, content_type: str, name: str, content_id: str) -> Part:
    """A picture that the HTML shows (``cid:``, RFC 2392), in base64; ``name`` and ``content_id`` are ASCII."""
    header = (
        f'Content-Type: {content_type}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-ID: <{content_id}>\r\nContent-Disposition: inline; filename="{name}"\r\n'
    )
    return Part(header.encode("ascii"), base64_lines(octets))


def _with_pictures(html: Part, pictures: Sequence[Part], boundary: bytes) -> Part:
    """The HTML and what it shows, as multipart/related (RFC 2387); the HTML alone where it shows nothing."""
    if not pictures:
        return html
    header = b'Content-Type: multipart/related; type="text/html"; boundary="' + boundary + b'"\r\n'
    body = b"".join(b"--" + boundary + b"\r\n" + part.octets + b"\r\n" for part in (html, *pictures))
    return Part(header, body + b"--" + boundary + b"--\r\n")


def side_by_side(parts: Sequence[Part]) -> Part:
    """Several attachments as one piece, to be the ``large`` one of a mail."""
    first, *others = parts
    return Part(first.header, first.body + b"".join(b"\r\n--" + _MIXED + b"\r\n" + part.octets for part in others))


def base64_lines(octets: bytes) -> bytes:
    """Base64 in lines of 76 characters, CRLF line ends."""
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


@lru_cache(512)
def header_line(name: str, words: str) -> bytes:
    """A header of free words, encoded and folded (RFC 2047); nothing in them can begin another header."""
    words = one_line(words)
    value = Header(words, "us-ascii" if words.isascii() else "utf-8", header_name=name, maxlinelen=76)
    return f"{name}: ".encode() + value.encode(linesep="\r\n").encode("ascii") + b"\r\n"


@lru_cache(8)
def _from_line(name: str, address: str) -> bytes:
    if not name:
        return f"From: {address}\r\n".encode()
    if name.isascii():
        quoted = '"' + re.sub(r'(["\\])', r"\\\1", one_line(name)) + '"'
        return f"From: {quoted}\r\n <{address}>\r\n".encode()
    return header_line("From", name).removesuffix(b"\r\n") + f"\r\n <{address}>\r\n".encode()


def thread_lines(message_id: str | None, references: Sequence[str]) -> bytes:
    """In-Reply-To and References (RFC 5322, 3.6.4): one identifier a line, unusable ones left out."""
    if message_id is None or not _MESSAGE_ID.fullmatch(message_id):
        return b""
    known = [r for r in dict.fromkeys(references) if r != message_id and _MESSAGE_ID.fullmatch(r)]
    if len(known) >= _MAX_REFERENCES:
        known = [known[0], *known[-(_MAX_REFERENCES - 2) :]]
    chain = "\r\n ".join([*known, message_id])
    return f"In-Reply-To: {message_id}\r\nReferences: {chain}\r\n".encode("ascii")


def write_mail(
    *,
    sender: Sender,
    recipient: str,
    subject: str,
    token: str,
    now: datetime,
    text: str,
    html: str,
    languages: Iterable[str],
    automatic: str,
    thread: bytes = b"",
    pictures: Sequence[Part] = (),
    attached: Iterable[Part] = (),
    large: Part | None = None,
) -> OutgoingMail:
    """The finished mail, cut around ``large``, its last attachment (or several: ``side_by_side``).

    ``automatic``: the value of Auto-Submitted (RFC 3834).
    ``pictures``: shown by the HTML (``inline_part``). ``ValueError`` for an address that is none.
    """
    if not is_address(recipient):
        msg = "the recipient's address cannot be written into a header"
        raise ValueError(msg)
    message_id = f"<{token}.rsvp@{sender.message_id_domain}>"
    # "=_" can occur neither in quoted-printable nor in base64, so that no body can contain a boundary.
    outer, inner = _MIXED, f"=_{token}_a".encode()
    head = b"".join(
        (
            _from_line(sender.name, sender.address),
            f"To: {recipient}\r\n".encode(),
            header_line("Subject", subject),
            f"Date: {format_datetime(now)}\r\nMessage-ID: {message_id}\r\n".encode(),
            thread,
            f"Auto-Submitted: {automatic}\r\nX-Auto-Response-Suppress: All\r\n".encode(),
            f"Content-Language: {', '.join(languages)}\r\nMIME-Version: 1.0\r\n".encode(),
            b'Content-Type: multipart/mixed; boundary="' + outer + b'"\r\n\r\n--' + outer,
            b'\r\nContent-Type: multipart/alternative; boundary="' + inner + b'"\r\n\r\n--' + inner + b"\r\n",
            text_part(text, "plain").octets,
            b"\r\n--" + inner + b"\r\n",
            _with_pictures(text_part(html, "html"), pictures, f"=_{token}_r".encode()).octets,
            b"\r\n--" + inner + b"--\r\n",
            *(b"\r\n--" + outer + b"\r\n" + part.octets for part in attached),
        )
    )
    close = b"\r\n--" + outer + b"--\r\n"
    if large is None:
        return OutgoingMail(recipient, message_id, token, subject, head + close)
    head += b"\r\n--" + outer + b"\r\n" + large.header + b"\r\n"
    return OutgoingMail(recipient, message_id, token, subject, head, large.body, close)
