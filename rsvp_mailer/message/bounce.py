"""Delivery reports: which mail of ours came back, from whom, and whether for good.

What may live here: reading reports with machine-readable parts (RFC 3464) and the prose of servers that write
none. A delayed mail is still on its way, so its ids are not reported as bounced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.utils import unquote
from typing import TYPE_CHECKING, Any

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.headers import addresses_in, decode_text, fields_of, message_ids_in
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.transfer import payload_of

if TYPE_CHECKING:
    from email.message import Message as MimePart

    from rsvp_mailer.message.headers import Fields
    from rsvp_mailer.message.mime import Body

_LONGEST_REPORT = 50_000
_RECIPIENT_LINE = re.compile(r"(?:rfc822|unknown|utf-8)\s*;\s*<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?", re.IGNORECASE)
_BRACKETED = re.compile(r"<([^\s<>@]{1,64}@[^\s<>@]{1,255})>")
_BARE = re.compile(r"(?<![\w.+-])([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")
_ID_LINE = re.compile(
    r"^[>|* \t]{0,8}(?:x-)?(?:original-)?message-id:\**\s*(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE
)
_ATTACHED = ("message/rfc822", "message/global")
_HEADERS = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "message/partial")
_SUBJECT_LINE = re.compile(r"^[>|* \t]{0,8}subject:[ \t]*(.{1,500})", re.IGNORECASE | re.MULTILINE)
_RETURNED_LINE = re.compile(r"^[>|* \t]{0,8}(?:from|return-path|received|message-id):", re.IGNORECASE | re.MULTILINE)
_TO_LINE = re.compile(r"^[>|* \t]{0,8}to:(.{1,500})", re.IGNORECASE | re.MULTILINE)
_QMAIL = "hi. this is the qmail-send program"
_TAG = re.compile(r"^(?:\s*(?:\[[^\]]{1,30}\]|\*{2,5}[^*]{1,20}\*{2,5})\s*){1,3}")
# An SMTP reply with a hint of its meaning, or an enhanced status code (RFC 3463) of class 4 or 5.
_SMTP_REPLY = re.compile(r"(?<![\d.:/-])(?:[45]\.\d{1,3}\.\d{1,3}|[45][0-7]\d[ -](?=[#<\"(A-Z5'u]))(?![\d.])")
_SYSTEM_NAME = re.compile(
    r"mailer[-_ ]?daemon|\bpostmaster\b|mail delivery (?:sub)?system|mail deliver system|mail delivery service"
    r"|microsoftexchange[0-9a-f]{16,}|^\W*(?:microsoft outlook|system ?administrator|mdaemon|mailserver)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report. ``message_ids`` and ``recipients`` are what it names; ``subject`` that of the original."""

    rule: str
    failed: bool
    message_ids: tuple[str, ...]
    recipients: tuple[str, ...]
    subject: str


def delivery_report(
    root: MimePart, fields: Fields, body: Body, text: str, *, subject: str, daemon: bool, robot: bool
) -> Report | None:
    """The delivery report that a mail is, or ``None``. ``text``: its whole visible text.

    ``daemon``: a mail server sent it; ``robot``: an address that nobody reads.
    """
    statuses = body.parts_of("message/delivery-status", "message/global-delivery-status")
    if statuses or _is_report(root):
        rule = _rule_of({action for part in statuses for action in _values(part, "action")}, subject, text)
        return _report(rule, root, fields, body, text)
    folded_subject = fold(_TAG.sub("", subject[:300]))
    if _is_prose_report(fields, body, text, folded_subject, daemon=daemon, robot=robot):
        delayed = _speaks_of_delay(folded_subject, fold(text[:5000]))
        return _report("bounce.delayed" if delayed else "bounce.wording", root, fields, body, text)
    return None


def _is_prose_report(fields: Fields, body: Body, text: str, subject: str, *, daemon: bool, robot: bool) -> bool:
    """Whether a server wrote the prose. People forward and cite reports: without a machine's mark nothing counts.

    Most mail is no report and has none of the marks, so the wording is looked at last. ``subject``: folded.
    """
    if (
        daemon
        or "x-failed-recipients" in fields
        or fields.first("return-path").strip() == "<>"
        or _SYSTEM_NAME.search(fields.first("from")[:300])
    ):
        return _is_named(subject) or _is_worded(text)
    if robot or fields.first("auto-submitted").strip().lower() not in {"", "no"}:
        return _shows_the_server(body, text) and (_is_named(subject) or _is_worded(text))
    if "in-reply-to" in fields or not _is_named(subject):
        return False
    return _shows_the_server(body, text, wholly=True) and _is_worded(text)


def _shows_the_server(body: Body, text: str, *, wholly: bool = False) -> bool:
    """Whether an SMTP reply or the returned mail stands in it; ``wholly``: both."""
    replied = _SMTP_REPLY.search(text[:5000]) is not None
    returned = bool(_ID_LINE.search(text[:_LONGEST_REPORT]) or body.parts_of(*_ATTACHED, *_HEADERS))
    return replied and returned if wholly else replied or returned


def _is_named(subject: str) -> bool:
    patterns = load_patterns()
    found = patterns.starts["automatic.bounce_subject"].match(subject)
    return found is not None or patterns.words["automatic.bounce"].found_in(subject) is not None


def _is_worded(text: str) -> bool:
    """Whether the prose of a server says that a mail did not arrive."""
    folded = fold(text[:5000])
    return load_patterns().words["automatic.bounce"].found_in(folded) is not None or _QMAIL in folded


def _rule_of(actions: set[str], subject: str, text: str) -> str:
    for beginning, rule in (("fail", "bounce.report"), ("delay", "bounce.delayed"), ("", "bounce.notice")):
        if any(action.startswith(beginning) for action in actions):
            return rule
    return "bounce.delayed" if _speaks_of_delay(fold(subject), fold(text[:5000])) else "bounce.report"


def _speaks_of_delay(subject: str, text: str) -> bool:
    """A delay is told in the subject, or in the prose below a subject that speaks of no failure."""
    delay = load_patterns().words["automatic.delay"]
    if delay.found_in(subject):
        return True
    return not _is_named(subject.replace("mail delivery", "")) and delay.found_in(text[:1500]) is not None


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


def _report(rule: str, root: MimePart, fields: Fields, body: Body, text: str) -> Report:
    ids, subject = _original(root, body, text)
    recipients = _recipients(body, fields, text, ids)
    if not ids:
        ids = [each for name in ("in-reply-to", "references") for each in message_ids_in(fields.first(name))][-1:]
    failed = rule in {"bounce.report", "bounce.wording"}
    return Report(rule, failed, tuple(dict.fromkeys(ids)), tuple(dict.fromkeys(recipients)), subject)


def _original(root: MimePart, body: Body, text: str) -> tuple[list[str], str]:
    """Message-ID and subject of the returned mail: attached, as headers only, or quoted in the prose."""
    for part in body.parts_of(*_ATTACHED):
        inner = part.get_payload()
        first: Any = inner[0] if isinstance(inner, list) and inner else None
        if first is not None:
            original = fields_of(first)
            if found := message_ids_in(original.first("message-id")):
                return found, decode_text(original.first("subject"))
    # Gateways damage headers, boundaries and types of what they return; below them all, the octets still tell.
    headers = [payload_of(part).decode("utf-8", "replace") for part in body.parts_of(*_HEADERS)]
    attached = [_octets_of(part) for part in body.parts_of(*_ATTACHED)]
    ids: list[str] = []
    subject = ""
    for source in (*headers, *attached, text, *body.attached_text, _octets_of(root).partition("\n\n")[2]):
        ids = ids or _ID_LINE.findall(source[:_LONGEST_REPORT])[:1]
        subject = subject or next(iter(_SUBJECT_LINE.findall(source[:_LONGEST_REPORT])), "")
        if ids and subject:
            break
    return ids, decode_text(subject)


def _octets_of(part: MimePart) -> str:
    try:
        return part.as_bytes().decode("utf-8", "replace")
    except (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""


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
    """Addresses that a server's prose names above the returned mail: those in angle brackets, else the first one.

    Message-IDs are none. Where the prose names nobody, the returned mail's To does.
    """
    header = _RETURNED_LINE.search(prose)
    above = prose[: header.start()] if header else prose
    bracketed = [each for each in _BRACKETED.findall(above) if f"<{each}>" not in ids]
    bare = [each for each in _BARE.findall(above) if not each.lower().startswith(("postmaster@", "mailer-daemon@"))]
    return bracketed[:5] or bare[:1] or [found for line in _TO_LINE.findall(prose)[:1] for found in _BARE.findall(line)]
