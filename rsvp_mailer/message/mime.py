"""From octets to body parts: which text is the mail's, what is attached, and what cannot be read.

What may live here: the structure of a mail (RFC 2045 to 2049), and limits. The octets are parsed once, by the
standard library's ``compat32`` parser, which takes anything. Nothing attached is opened here.

A ``Segment`` is a stretch of the body that is shown: a plain part, an HTML part, or both as alternatives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.errors import MessageError
from email.parser import BytesParser
from email.policy import compat32
from io import BytesIO
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import Attachment, Doubt
from rsvp_mailer.message.charset import decode_octets, meta_charset
from rsvp_mailer.message.folding import clean
from rsvp_mailer.message.headers import filename_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message as MimePart

MOST_PARTS = 500
DEEPEST_NESTING = 200
LONGEST_TEXT_BYTES = 5_000_000  # of one part; an answer stands long before that
MOST_BOUNDARY_LINES = 1_500_000  # the parser compares each line with every open boundary

_PARSER = BytesParser(policy=compat32)
_HEADER_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_BOUNDARY_LINE = re.compile(rb"^--([!-~]{1,200})\r?\n(?=Content-)", re.MULTILINE | re.IGNORECASE)
_MBOX_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|$)")
_FLOWED_LINE = re.compile(r"^(>*) ?(.*)$")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the body: its plain and its HTML form, at least one of them given."""

    plain: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Body:
    """All that the structure of a mail holds; filled by ``take_apart``.

    ``doubts``: what decoding cost. ``faults``: rule names of what cannot be read. ``others``: parts that one
    of the other rooms reads (calendar, delivery status, containers, attached mails), by content type.
    ``attached_text``: text attachments, for mails whose body is empty.
    """

    segments: list[Segment] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    attached_text: list[str] = field(default_factory=list)
    others: list[tuple[str, MimePart]] = field(default_factory=list)
    doubts: set[Doubt] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    parts: int = 0

    def parts_of(self, *content_types: str) -> list[MimePart]:
        """Kept parts of these types, in the order of the mail."""
        return [part for kind, part in self.others if kind in content_types]


_KEPT = frozenset(
    {
        *("text/calendar", "application/ics", "message/delivery-status", "message/rfc822", "text/rfc822-headers"),
        *("message/disposition-notification", "message/feedback-report", "message/global-delivery-status"),
        *("message/global", "message/rfc822-headers", "message/global-headers"),
    }
)
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


def parse_octets(raw: bytes) -> tuple[MimePart, str]:
    """Parse the whole mail; where its nesting exhausts the parser, the header section with a fault. Never raises."""
    if raw.startswith((b"From ", b">From ")):
        raw = _MBOX_LINE.sub(b"", raw, count=1)
    boundaries = raw.lower().count(b"boundary")
    if boundaries < 20 or boundaries * raw.count(b"\n") <= MOST_BOUNDARY_LINES:
        try:
            return _PARSER.parse(BytesIO(raw)), ""
        except (MessageError, ValueError, LookupError, RecursionError, AttributeError, TypeError):
            return headers_only(raw), "damaged"
    return headers_only(raw), "limit.nesting"


def headers_only(raw: bytes) -> MimePart:
    """Parse the header section and leave the body out."""
    end = _HEADER_END.search(raw)
    part = _PARSER.parse(BytesIO(raw[: end.start()] if end else raw), headersonly=True)
    part.set_payload("")
    return part


def take_apart(root: MimePart, open_container: Callable[[MimePart, Body], MimePart | None]) -> Body:
    """Collect the body of a parsed mail. ``open_container`` gives the mail inside a signed one or winmail.dat."""
    body = Body()
    _walk(root, body, 0, open_container)
    return body


def _walk(part: MimePart, body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]) -> None:
    body.parts += 1
    if depth > DEEPEST_NESTING or body.parts > MOST_PARTS:
        if "limit.parts" not in body.faults:
            body.faults.append("limit.parts")
        return
    content_type = part.get_content_type()
    children = part.get_payload() if part.is_multipart() else None
    if content_type.startswith("multipart/") and isinstance(children, list):
        _walk_multipart(content_type, children, body, depth, opener)
    elif content_type.startswith("multipart/"):
        _walk_unbounded(part, body, depth, opener)
    elif content_type in _OPAQUE or content_type in _TNEF or _is_container_name(part):
        inner = opener(part, body)
        if inner is not None:
            _walk(inner, body, depth + 1, opener)
    elif content_type in _KEPT:
        body.others.append((content_type, part))
        if not content_type.startswith("text/rfc822") and content_type != "message/delivery-status":
            body.attachments.append(Attachment(filename_of(part), content_type, _size(part)))
    elif content_type.startswith("text/") and not _is_attachment(part):
        _add_text(part, content_type, body)
    else:
        _add_attachment(part, content_type, body)


def _walk_multipart(
    content_type: str,
    children: list[Any],
    body: Body,
    depth: int,
    opener: Callable[[MimePart, Body], MimePart | None],
) -> None:
    if content_type == "multipart/encrypted":
        body.faults.append("encrypted.pgp")
        return
    if content_type == "multipart/alternative":
        _walk_alternative(children, body, depth, opener)
        return
    for child in children:
        _walk(child, body, depth + 1, opener)


def _walk_unbounded(
    part: MimePart, body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]
) -> None:
    """A multipart whose boundary is missing or wrong: guess it from its first line, else it is plain text."""
    octets = payload_of(part).strip()
    guessed = _BOUNDARY_LINE.search(octets[:2000])
    if guessed and depth < DEEPEST_NESTING // 4:
        head = b'Content-Type: multipart/mixed; boundary="' + guessed[1] + b'"\n\n'
        inner = _PARSER.parse(BytesIO(head + octets))
        if inner.is_multipart():
            _walk(inner, body, depth + 1, opener)
            return
    if octets:
        text, doubts = decode_octets(octets[:LONGEST_TEXT_BYTES], None)
        body.doubts |= doubts
        body.segments.append(Segment(plain=clean(text)))


def _walk_alternative(
    children: list[Any], body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]
) -> None:
    """Join the plain and the HTML form into one segment; what else the alternatives hold is collected as well."""
    plain: str | None = None
    html: str | None = None
    for child in children:
        inner = Body(parts=body.parts)
        _walk(child, inner, depth + 1, opener)
        body.parts = inner.parts
        for segment in inner.segments:
            plain = _append(plain, segment.plain)
            html = _append(html, segment.html)
        body.attachments += inner.attachments
        body.attached_text += inner.attached_text
        body.others += inner.others
        body.doubts |= inner.doubts
        body.faults += inner.faults
    if plain is not None or html is not None:
        body.segments.append(Segment(plain, html))


def _append(before: str | None, text: str | None) -> str | None:
    if before is None or text is None:
        return before if text is None else text
    return f"{before}\n{text}"


def _is_attachment(part: MimePart) -> bool:
    if "content-disposition" not in part and "name" not in str(part.get("content-type", "")).lower():
        return False
    disposition = part.get_content_disposition()
    return disposition == "attachment" or (bool(filename_of(part)) and disposition != "inline")


def _is_container_name(part: MimePart) -> bool:
    if not part.get_content_type().startswith("application/"):
        return False
    return filename_of(part).lower() in {"winmail.dat", "smime.p7m", "win.dat"}


def payload_of(part: MimePart) -> bytes:
    """The decoded octets of a part, damaged base64 included as far as it goes; never raises."""
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError):
        payload = None
    return payload if isinstance(payload, bytes) else b""


def _size(part: MimePart) -> int:
    payload = part.get_payload()
    return len(payload) * 3 // 4 if isinstance(payload, str) else 0


def _add_attachment(part: MimePart, content_type: str, body: Body) -> None:
    name = filename_of(part)
    if content_type.startswith("text/plain"):
        octets = payload_of(part)[:LONGEST_TEXT_BYTES]
        body.attached_text.append(clean(decode_octets(octets, _charset_of(part))[0]))
        body.attachments.append(Attachment(name, content_type, len(octets)))
    elif content_type not in {"application/pgp-signature", "application/pkcs7-signature"}:
        encoded = str(part.get("content-transfer-encoding", "")).strip().lower() == "base64"
        size = _size(part) if encoded else len(payload_of(part))
        body.attachments.append(Attachment(name, content_type, size))


def _charset_of(part: MimePart) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, IndexError, AttributeError):
        return None


def _add_text(part: MimePart, content_type: str, body: Body) -> None:
    octets = payload_of(part)[:LONGEST_TEXT_BYTES]
    is_html = content_type in {"text/html", "text/xhtml"} or (
        content_type != "text/plain" and octets[:200].lstrip().lower().startswith((b"<html", b"<!doctype html"))
    )
    charset = _charset_of(part)
    if is_html and not charset:
        charset = meta_charset(octets)
    text, doubts = decode_octets(octets, charset)
    body.doubts |= doubts
    if is_html:
        body.segments.append(Segment(html=text))
        return
    text = clean(text)
    if "format" in str(part.get("content-type", "")) and str(part.get_param("format", "")).lower() == "flowed":
        text = _unflow(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    body.segments.append(Segment(plain=text))


def _unflow(text: str, *, delete_space: bool) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676): a line that ends in a space goes on below."""
    out: list[str] = []
    pending: list[str] = []
    level = ""
    for line in text.split("\n"):
        quote, content = _FLOWED_LINE.match(line).groups()  # type: ignore[union-attr]  # matches every line
        if pending and quote != level:
            out.append(_join(level, pending))
            pending = []
        level = quote
        soft = content.endswith(" ") and content != "-- "
        pending.append(content[:-1] if soft and delete_space else content)
        if not soft:
            out.append(_join(level, pending))
            pending = []
    if pending:
        out.append(_join(level, pending))
    return "\n".join(out)


def _join(quote: str, pending: list[str]) -> str:
    line = "".join(pending)
    return f"{quote} {line}" if quote else line
