"""Delivery reports: which mail of ours came back, from whom, and whether for good.

What may live here: reading reports with machine-readable parts (RFC 3464) and the prose of servers that write
none. A delayed mail is still on its way, so its ids are not reported as bounced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import unquote
from typing import TYPE_CHECKING, Any

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.headers import addresses_in, decode_text, fields_of, message_ids_in
from rsvp_mailer.message.mime import payload_of
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from email.message import Message as MimePart

    from rsvp_mailer.message.headers import Fields
    from rsvp_mailer.message.mime import Body

_LONGEST_REPORT = 50_000
_RECIPIENT_LINE = re.compile(r"(?:rfc822|unknown|utf-8)\s*;\s*<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?", re.IGNORECASE)
_BRACKETED = re.compile(r"<([^\s<>@]{1,64}@[^\s<>@]{1,255})>")
_BARE = re.compile(r"(?<![\w.+-])([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_ID_LINE = re.compile(r"^[> ]{0,6}message-id:\s*(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_SUBJECT_LINE = re.compile(r"^[> ]{0,6}subject:[ \t]*(.{1,500})", re.IGNORECASE | re.MULTILINE)
_QMAIL = "hi. this is the qmail-send program"
_DELAYED = ("delayed", "will be retried", "not yet been delivered", "delivery is delayed", "verzögert", "retry")


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report. ``message_ids`` and ``recipients`` are what it names; ``subject`` that of the original."""

    rule: str
    failed: bool
    message_ids: tuple[str, ...]
    recipients: tuple[str, ...]
    subject: str


def delivery_report(
    root: MimePart, fields: Fields, body: Body, text: str, *, subject: str, daemon: bool
) -> Report | None:
    """The delivery report that a mail is, or ``None``. ``text``: its whole visible text."""
    statuses = body.parts_of("message/delivery-status", "message/global-delivery-status")
    if statuses or _is_report(root):
        actions = [action for part in statuses for action in _values(part, "action")]
        failed = "failed" in actions or (not actions and not _speaks_of_delay(text))
        rule = "bounce.report" if failed else "bounce.delayed" if "delayed" in actions else "bounce.notice"
        return _report(rule, failed, fields, body, text)
    named = load_patterns().starts["automatic.bounce_subject"].match(fold(subject)) is not None
    marked = "x-failed-recipients" in fields
    sender = daemon or fields.first("return-path").strip() == "<>"
    if named + marked + sender == 0 or (named + marked + sender == 1 and not _worded(text)):
        return None
    failed = not (_speaks_of_delay(subject) or fold(text[:40]).startswith("this is a delivery delay"))
    return _report("bounce.wording" if failed else "bounce.delayed", failed, fields, body, text)


def _worded(text: str) -> bool:
    """Whether the prose of a server says that a mail did not arrive."""
    folded = fold(text[:5000])
    return load_patterns().words["automatic.bounce"].found_in(folded) is not None or _QMAIL in folded


def _speaks_of_delay(text: str) -> bool:
    folded = fold(text[:5000])
    return any(word in folded for word in _DELAYED)


def _is_report(root: MimePart) -> bool:
    if root.get_content_type() != "multipart/report":
        return False
    return str(root.get_param("report-type", "")).lower() in {"delivery-status", ""}


def _values(status: MimePart, name: str) -> list[str]:
    """The values of a field in all blocks of a delivery-status part (lower case, first word)."""
    blocks = status.get_payload()
    parts = blocks if isinstance(blocks, list) else [status]
    found = [
        str(value).strip().lower() for part in parts if not isinstance(part, str) for value in part.get_all(name, [])
    ]
    return [value.split()[0] for value in found if value]


def _report(rule: str, failed: bool, fields: Fields, body: Body, text: str) -> Report:
    ids, subject = _original(body, text)
    recipients = _recipients(body, fields, text, ids)
    if not ids:
        ids = [each for name in ("in-reply-to", "references") for each in message_ids_in(fields.first(name))][-1:]
    return Report(rule, failed, tuple(dict.fromkeys(ids)), tuple(dict.fromkeys(recipients)), subject)


def _original(body: Body, text: str) -> tuple[list[str], str]:
    """Message-ID and subject of the returned mail: attached, as headers only, or quoted in the prose."""
    for part in body.parts_of("message/rfc822", "message/global"):
        inner = part.get_payload()
        first: Any = inner[0] if isinstance(inner, list) and inner else None
        if first is not None:
            original = fields_of(first)
            return message_ids_in(original.first("message-id")), decode_text(original.first("subject"))
    headers = "".join(
        payload_of(part).decode("utf-8", "replace")
        for part in body.parts_of("text/rfc822-headers", "message/rfc822-headers")
    )
    source = (headers or text)[:_LONGEST_REPORT]
    ids = _ID_LINE.findall(source)
    subjects = _SUBJECT_LINE.findall(source)
    return ids[:1], decode_text(subjects[0]) if subjects else ""


def _recipients(body: Body, fields: Fields, text: str, ids: list[str]) -> list[str]:
    named = []
    for part in body.parts_of("message/delivery-status", "message/global-delivery-status"):
        blocks: Any = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if str(block.get("action", "failed")).strip().lower() in {"failed", ""}:
                values = [str(block.get(name, "")) for name in ("original-recipient", "final-recipient")]
                named += [found[1] for value in values if (found := _RECIPIENT_LINE.search(value[:600]))][:1]
    named = named or [each.address for each in addresses_in(fields.all("x-failed-recipients"))]
    if not named:
        named = _in_prose(text[:3000], ids)
    return [unquote(each).lower() for each in named]


def _in_prose(prose: str, ids: list[str]) -> list[str]:
    """Addresses that a server's prose names: those in angle brackets, else the first one; Message-IDs are none."""
    bracketed = [each for each in _BRACKETED.findall(prose) if f"<{each}>" not in ids]
    bare = [each for each in _BARE.findall(prose) if not each.lower().startswith(("postmaster@", "mailer-daemon@"))]
    return bracketed[:5] or bare[:1]
