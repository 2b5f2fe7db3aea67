"""A mail's octets, and how they are parsed: once, by the standard library's ``compat32`` parser, which takes anything.

What may live here: changes without which the parser would take header fields for text (what programs on the way put
in front of or into the header section), and nothing that touches the body.
"""

from __future__ import annotations

import codecs
import re
from email.errors import MessageError
from email.parser import BytesParser
from email.policy import compat32
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message as MimePart

MOST_LINES = 1_000_000  # three times as many as 25 MB of base64 have; the parser keeps each as an object
MOST_BOUNDARY_LINES = 1_500_000  # the parser compares each line with every open boundary

_PARSER = BytesParser(policy=compat32)
_HEADER_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_MBOX_LINE = re.compile(rb">?From (?![ \t]*:)[^\r\n]*(?:\r\n|\r|\n|\Z)")
_LONGEST_HEADER_LOOK = 1_000_000
# A line of the header section that neither is a field nor goes on from one.
_ODD_LINE = re.compile(rb"^(?![!-9;-~]+:|[ \t\r\n])", re.MULTILINE)
_SPACED_NAME = re.compile(rb"([!-9;-~]{1,76})[ \t]+:")
# Fields that only a mail's own header section has, as against header lines that somebody quotes in a text.
_STRUCTURAL = re.compile(
    rb"(?:mime-version|content-type|content-transfer-encoding|message-id|received)\s*:", re.IGNORECASE
)
_MOST_ODD_LINES = 3


def prepared(raw: bytes) -> bytes:
    """The same mail, beginning with its header section, and each line of that a field."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16", "replace").encode()
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if raw[:1] in {b"\r", b"\n"}:
        raw = raw.lstrip(b"\r\n")
    if mbox := _MBOX_LINE.match(raw):
        raw = raw[mbox.end() :]
    if b"\r\r\n" in raw[:2000]:
        raw = raw.replace(b"\r\r\n", b"\r\n")
    end = _HEADER_END.search(raw, 0, _LONGEST_HEADER_LOOK)
    head = raw[: end.start()] if end else raw[:_LONGEST_HEADER_LOOK]
    straight = _straightened(head)
    return raw if straight is head else straight + raw[len(head) :]


def _straightened(head: bytes) -> bytes:
    if b"\x00" in head:
        head = head.replace(b"\x00", b"")
    if _ODD_LINE.search(head) is None:
        return head
    lines = head.split(b"\n")
    last = max((at for at, line in enumerate(lines) if _STRUCTURAL.match(line)), default=0)
    odd = [at for at, line in enumerate(lines[:last]) if _ODD_LINE.match(line)]
    for at in odd:
        if spaced := _SPACED_NAME.match(lines[at]):
            lines[at] = spaced[1] + b":" + lines[at][spaced.end() :]
        elif len(odd) <= _MOST_ODD_LINES:
            lines[at] = b"X-No-Field: " + lines[at]
    if spaced := _SPACED_NAME.match(lines[last]):
        lines[last] = spaced[1] + b":" + lines[last][spaced.end() :]
    return b"\n".join(lines)


def parsed(octets: bytes) -> MimePart:
    """The parser's own view of octets; raises what it raises."""
    return _PARSER.parse(BytesIO(octets))


def parse_octets(raw: bytes) -> tuple[MimePart, str]:
    """Parse the whole mail; where its nesting exhausts the parser, the header section with a fault. Never raises."""
    raw = prepared(raw)
    lines = max(raw.count(b"\n"), raw.count(b"\r"))
    if lines > MOST_LINES:
        return _header_section(raw), "limit.lines"
    boundaries = raw.lower().count(b"boundary")
    if boundaries < 20 or boundaries * lines <= MOST_BOUNDARY_LINES:
        try:
            return parsed(raw), ""
        except (MessageError, ValueError, LookupError, RecursionError, AttributeError, TypeError):
            return _header_section(raw), "damaged"
    return _header_section(raw), "limit.nesting"


def headers_only(raw: bytes) -> MimePart:
    """Parse the header section and leave the body out."""
    return _header_section(prepared(raw))


def _header_section(raw: bytes) -> MimePart:
    end = _HEADER_END.search(raw)
    part = _PARSER.parse(BytesIO(raw[: end.start()] if end else raw), headersonly=True)
    part.set_payload("")
    return part
