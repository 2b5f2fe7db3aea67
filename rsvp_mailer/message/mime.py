"""From the parsed tree to body parts: which text is the mail's, what is attached, and what cannot be read.

What may live here: the structure of a mail (RFC 2045 to 2049), and limits. Nothing attached is opened here.

A ``Segment`` is a stretch of the body that is shown: a plain part, an HTML part, or both as alternatives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message as MimePart
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import Attachment, Doubt
from rsvp_mailer.message.charset import decode_octets
from rsvp_mailer.message.folding import clean
from rsvp_mailer.message.headers import LONGEST_VALUE, filename_of
from rsvp_mailer.message.text_part import LONGEST_TEXT_BYTES, Text, text_of_part
from rsvp_mailer.message.transfer import is_cut_off, payload_of
from rsvp_mailer.message.wire import parsed

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_PARTS = 500
DEEPEST_NESTING = 200
MOST_ATTACHED_TEXTS = 5
MOST_CONTAINERS = 5  # one in another: each is copied and parsed again

_BOUNDARY_LINE = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]{0,10}\r?\n(?=Content-)", re.MULTILINE | re.IGNORECASE)


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
    ``files``: what is attached, with its part, not decoded. ``attached_text``: text attachments, for mails whose
    body is empty. ``attached_mails``: whole mails among the attachments, parsed, or ``None`` for one in another
    program's format.
    """

    segments: list[Segment] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    files: list[tuple[Attachment, MimePart]] = field(default_factory=list)
    attached_text: list[str] = field(default_factory=list)
    others: list[tuple[str, MimePart]] = field(default_factory=list)
    doubts: set[Doubt] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    attached_mails: list[MimePart | None] = field(default_factory=list)
    parts: int = 0
    containers: int = 0
    text_bytes: int = 0

    def parts_of(self, *content_types: str) -> list[MimePart]:
        """Kept parts of these types, in the order of the mail."""
        return [part for kind, part in self.others if kind in content_types]

    def note(self, fault: str) -> None:
        """Remember what cannot be read, once."""
        if fault not in self.faults:
            self.faults.append(fault)


_KEPT = frozenset(
    {
        *("text/calendar", "application/ics", "message/delivery-status", "message/rfc822", "text/rfc822-headers"),
        *("message/disposition-notification", "message/feedback-report", "message/global-delivery-status"),
        *("message/global", "message/rfc822-headers", "message/global-headers"),
    }
)
_MAILS = frozenset({"message/rfc822", "message/global"})
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
# Text that programs write for programs.
_DATA = frozenset(
    f"text/{each}"
    for each in (
        *("rtf", "vcard", "x-vcard", "directory", "csv", "xml", "css", "javascript", "tab-separated-values", "sgml"),
        *("x-vcalendar", "x-patch", "x-diff", "x-log", "yaml", "json", "x-python", "vnd.android.intent"),
    )
)
_OTHER_RENDERINGS = frozenset({"text/watch-html", "text/x-amp-html"})  # of the same words, for watches and pages


def take_apart(root: MimePart, open_container: Callable[[MimePart, Body], MimePart | None]) -> Body:
    """Collect the body of a parsed mail. ``open_container`` gives the mail inside a signed one or winmail.dat."""
    body = Body()
    _walk(root, body, 0, open_container)
    return body


def _walk(part: MimePart, body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]) -> None:
    body.parts += 1
    if depth > DEEPEST_NESTING or body.parts > MOST_PARTS:
        body.note("limit.parts")
        return
    _shorten_fields(part)
    content_type = part.get_content_type()
    children = part.get_payload() if part.is_multipart() else None
    if content_type.startswith("multipart/") and isinstance(children, list):
        _note_damaged_end(part, children, body)
        _walk_multipart(content_type, children, body, depth, opener)
    elif content_type.startswith("multipart/"):
        _walk_unbounded(part, body, depth, opener)
    elif content_type in _OPAQUE or content_type in _TNEF or _is_container_name(part, content_type):
        _walk_container(part, body, depth, opener)
    elif _is_calendar_file(part, content_type):
        body.others.append(("text/calendar", part))
        body.attachments.append(Attachment(filename_of(part), content_type, _size(part)))
    elif content_type in _KEPT:
        body.others.append((content_type, part))
        if content_type in _MAILS:
            body.attached_mails.append(_mail_in(children))
        if not content_type.startswith("text/rfc822") and content_type != "message/delivery-status":
            body.attachments.append(Attachment(filename_of(part), content_type, _size(part)))
    elif content_type.startswith("text/") and content_type not in _DATA and not _is_attachment(part, depth):
        _add_text(part, content_type, body)
    else:
        _add_attachment(part, content_type, body)


def _walk_container(
    part: MimePart, body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]
) -> None:
    body.containers += 1
    if body.containers > MOST_CONTAINERS:
        body.note("limit.containers")
    elif (inner := opener(part, body)) is not None:
        _walk(inner, body, depth + 1, opener)


def _walk_multipart(
    content_type: str,
    children: list[Any],
    body: Body,
    depth: int,
    opener: Callable[[MimePart, Body], MimePart | None],
) -> None:
    if content_type == "multipart/encrypted":
        body.note("encrypted.pgp")
        return
    if content_type == "multipart/alternative":
        _walk_alternative(children, body, depth, opener)
        return
    for child in children:
        _walk(child, body, depth + 1, opener)


def _note_damaged_end(part: MimePart, children: list[Any], body: Body) -> None:
    """A multipart whose end line is missing: cut off on the way, or one that the parser did not know.

    The parser strips the spaces at the end of a boundary, which RFC 2046 forbids, and takes that end line for text.
    """
    last = children[-1] if children else None
    if not any(isinstance(each, CloseBoundaryNotFoundDefect) for each in part.defects) or last is None:
        return
    text, boundary = last.get_payload(), str(part.get_param("boundary", ""))
    if boundary != boundary.rstrip() and isinstance(text, str) and f"--{boundary}--" in text:
        last.set_payload(text.rpartition(f"--{boundary}--")[0])
    elif is_cut_off(last):
        body.doubts.add(Doubt.CHARACTERS_LOST)


def _walk_unbounded(
    part: MimePart, body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]
) -> None:
    """A multipart whose boundary is missing or wrong: guess it from its first line, else it is plain text."""
    octets = payload_of(part).strip()
    guessed = _BOUNDARY_LINE.search(octets[:2000])
    if guessed and depth < DEEPEST_NESTING // 4:
        head = b'Content-Type: multipart/mixed; boundary="' + guessed[1] + b'"\n\n'
        inner = parsed(head + octets)
        if inner.is_multipart():
            _walk(inner, body, depth + 1, opener)
            return
    if octets:
        text, doubts = decode_octets(octets[:LONGEST_TEXT_BYTES], None)
        if len(octets) > LONGEST_TEXT_BYTES:
            body.note("limit.text")
        body.doubts |= doubts
        body.segments.append(Segment(plain=clean(text)))


def _walk_alternative(
    children: list[Any], body: Body, depth: int, opener: Callable[[MimePart, Body], MimePart | None]
) -> None:
    """Join the plain and the HTML form into one segment; what else the alternatives hold is collected as well."""
    plain: str | None = None
    html: str | None = None
    for child in children:
        if child.get_content_type() in _OTHER_RENDERINGS:
            continue
        inner = Body(parts=body.parts, containers=body.containers, text_bytes=body.text_bytes)
        _walk(child, inner, depth + 1, opener)
        body.parts, body.containers, body.text_bytes = inner.parts, inner.containers, inner.text_bytes
        for segment in inner.segments:
            plain = _append(plain, segment.plain)
            html = _append(html, segment.html)
        body.attachments += inner.attachments
        body.attached_text += inner.attached_text
        body.attached_mails += inner.attached_mails
        body.others += inner.others
        body.doubts |= inner.doubts
        body.faults += inner.faults
    if plain is not None or html is not None:
        body.segments.append(Segment(plain, html))


def _append(before: str | None, text: str | None) -> str | None:
    if before is None or text is None:
        return before if text is None else text
    return f"{before}\n{text}"


def _shorten_fields(part: MimePart) -> None:
    """Cut the fields that name a part's form where they are absurdly long: each look at them parses them anew."""
    for name, value in part.raw_items():
        if len(value) > LONGEST_VALUE and name.lower() in {"content-type", "content-disposition"}:
            del part[name]
            part[name] = str(value)[:LONGEST_VALUE]


def _mail_in(children: object) -> MimePart | None:
    first = children[0] if isinstance(children, list) and children else None
    return first if isinstance(first, MimePart) else None


def _is_attachment(part: MimePart, depth: int) -> bool:
    """Whether a text part is a file; a name alone does not make one of the mail's only part."""
    if "content-disposition" not in part and "name" not in str(part.get("content-type", "")).lower():
        return False
    disposition = part.get_content_disposition()
    return disposition == "attachment" or (bool(filename_of(part)) and disposition != "inline" and depth > 0)


def _is_calendar_file(part: MimePart, content_type: str) -> bool:
    """A calendar part under another type, as webmail labels attachments."""
    if content_type == "text/x-vcalendar":
        return True
    return content_type in {"application/octet-stream", "text/plain"} and filename_of(part).lower().endswith(".ics")


def _is_container_name(part: MimePart, content_type: str) -> bool:
    return content_type.startswith("application/") and filename_of(part).lower() in {
        *("winmail.dat", "smime.p7m", "win.dat")
    }


def _size(part: MimePart) -> int:
    payload = part.get_payload()
    return len(payload) * 3 // 4 if isinstance(payload, str) else 0


def _add_attachment(part: MimePart, content_type: str, body: Body) -> None:
    name = filename_of(part)
    if content_type.startswith("text/plain"):
        text = _text_of(part, content_type, body)
        body.attachments.append(Attachment(name, content_type, text.size_bytes))
        body.files.append((body.attachments[-1], part))
        if len(body.attached_text) < MOST_ATTACHED_TEXTS:
            body.attached_text.append(text.plain or "")
        else:
            body.note("limit.attached_texts")
    elif content_type not in {"application/pgp-signature", "application/pkcs7-signature"}:
        encoded = str(part.get("content-transfer-encoding", "")).strip().lower() == "base64"
        size = _size(part) if encoded else len(payload_of(part))
        if name.lower().endswith((".eml", ".msg")):
            body.attached_mails.append(None)
        if content_type == "application/pgp-encrypted":
            body.note("encrypted.pgp")
        body.attachments.append(Attachment(name, content_type, size))
        body.files.append((body.attachments[-1], part))


def _add_text(part: MimePart, content_type: str, body: Body) -> None:
    text = _text_of(part, content_type, body)
    body.attachments += text.files
    body.segments.append(Segment(text.plain, text.html))


def _text_of(part: MimePart, content_type: str, body: Body) -> Text:
    text = text_of_part(part, content_type, LONGEST_TEXT_BYTES - body.text_bytes)
    body.doubts |= text.doubts
    body.text_bytes += 0 if text.is_cut else text.weight
    if text.is_cut:
        body.note("limit.text")
    return text
