"""Mail inside of containers: S/MIME signed-data and winmail.dat. Opened where that is safe.

What may live here: turning one container part into the mail inside of it, or noting why nobody can read it by
machine. Nothing is decrypted, run or unpacked; no signature is checked, for who speaks is judged elsewhere.

S/MIME (RFC 8551) is read by asn1crypto. Of winmail.dat (MS-OXTNEF) only the plain body is taken, by its own
record: the one TNEF library there is loops over counts that a hostile file may choose freely.
"""

from __future__ import annotations

from email.message import Message as MimePart
from typing import TYPE_CHECKING

from asn1crypto import cms

from rsvp_mailer.domain import Attachment
from rsvp_mailer.message.charset import codec_of
from rsvp_mailer.message.headers import filename_of
from rsvp_mailer.message.transfer import payload_of
from rsvp_mailer.message.wire import parse_octets

if TYPE_CHECKING:
    from rsvp_mailer.message.mime import Body

LARGEST_CONTAINER_BYTES = 25_000_000
_TNEF_SIGNATURE = b"\x78\x9f\x3e\x22"
_TNEF_BODY = 0x800C
_TNEF_CODEPAGE = 0x9007
_TNEF_HEADER_BYTES = 9  # level, name, type, length; two octets of checksum follow the data
_MOST_RECORDS = 5_000


def open_container(part: MimePart, body: Body) -> MimePart | None:
    """The mail inside of a container part, or ``None`` with a fault noted in ``body``."""
    content_type = part.get_content_type()
    octets = payload_of(part)
    tnef = "tnef" in content_type or octets.startswith(_TNEF_SIGNATURE)
    inner = None
    if len(octets) <= LARGEST_CONTAINER_BYTES:
        inner = (_open_tnef(octets) if not body.segments else None) if tnef else _open_signed(octets)
    if inner is None:
        body.faults.append("container.tnef" if tnef else "encrypted.smime")
        body.attachments.append(Attachment(filename_of(part), content_type, len(octets)))
    return inner


def _open_signed(octets: bytes) -> MimePart | None:
    """The signed mail of an opaque signature; ``None`` for anything encrypted, compressed or damaged."""
    try:
        info = cms.ContentInfo.load(octets)
        if info["content_type"].native != "signed_data":
            return None
        content = info["content"]["encap_content_info"]["content"].native
    except (ValueError, TypeError, KeyError, LookupError, RecursionError, AttributeError, OverflowError):
        return None
    if not isinstance(content, bytes) or not content:
        return None
    inner, fault = parse_octets(content)
    return None if fault else inner


def _open_tnef(octets: bytes) -> MimePart | None:
    """The plain body of a winmail.dat as a part of its own; ``None`` where it has only RTF, or is damaged."""
    if not octets.startswith(_TNEF_SIGNATURE):
        return None
    codepage, text = "cp1252", b""
    for name, data in _tnef_records(octets):
        if name == _TNEF_CODEPAGE and len(data) >= 4:
            codepage = codec_of(f"cp{int.from_bytes(data[:4], 'little')}") or codepage
        elif name == _TNEF_BODY:
            text = data.rstrip(b"\x00")
    if not text.strip():
        return None
    part = MimePart()
    part["Content-Type"] = f"text/plain; charset={codepage}"
    part["Content-Transfer-Encoding"] = "8bit"
    part.set_payload(text.decode("ascii", "surrogateescape"))
    return part


def _tnef_records(octets: bytes) -> list[tuple[int, bytes]]:
    """Names and data of the records, as far as they are whole."""
    found: list[tuple[int, bytes]] = []
    at = 6
    while at + _TNEF_HEADER_BYTES <= len(octets) and len(found) < _MOST_RECORDS:
        name = int.from_bytes(octets[at + 1 : at + 3], "little")
        length = int.from_bytes(octets[at + 5 : at + 9], "little")
        data = octets[at + _TNEF_HEADER_BYTES : at + _TNEF_HEADER_BYTES + length]
        if len(data) < length:
            break
        found.append((name, data))
        at += _TNEF_HEADER_BYTES + length + 2
    return found
