"""A whole mail for the eyes of a person: text, cleaned HTML, the names of what is attached.

Nothing is ever loaded from elsewhere: pictures, links, styles and everything that acts are taken out of HTML, and
attachments are named, not served.
"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, cast

import nh3
from markupsafe import Markup

if TYPE_CHECKING:
    from email.message import EmailMessage

MAX_SHOWN_CHARS = 200_000
_HEADERS = ("From", "To", "Cc", "Reply-To", "Date", "Subject")
_TAGS = {
    *("p", "div", "span", "br", "hr", "pre", "blockquote", "b", "i", "u", "s", "strong", "em", "small", "sub", "sup"),
    *("ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"),
}
_GONE_WITH_CONTENT = {"script", "style", "title", "head", "template", "iframe", "object", "svg", "math", "noscript"}


@dataclass(frozen=True, slots=True)
class Attached:
    """An attachment: as the sender named it. ``size_bytes``: decoded."""

    name: str
    content_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class WholeMail:
    """``html`` is empty where the mail has none; ``shortened``: more than can be read was left out."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: Markup
    attachments: tuple[Attached, ...]
    shortened: bool


def whole_mail(raw: bytes) -> WholeMail:
    """Read a mail leniently: whatever is damaged is shown as far as it goes."""
    mail = message_from_bytes(raw, policy=policy.default)
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attachments: list[Attached] = []
    for part in mail.walk():
        kind = part.get_content_type()
        if part.is_multipart():
            continue
        if kind in texts and part.get_content_disposition() != "attachment":
            texts[kind].append(_decoded(part))
        else:
            attachments.append(_attached(part))
    text, html = "\n\n".join(texts["text/plain"]), "\n".join(texts["text/html"])
    return WholeMail(
        headers=tuple((name, _header(mail, name)) for name in _HEADERS if _header(mail, name)),
        text=text[:MAX_SHOWN_CHARS].strip(),
        html=clean_html(html[:MAX_SHOWN_CHARS]),
        attachments=tuple(attachments),
        shortened=max(len(text), len(html)) > MAX_SHOWN_CHARS,
    )


def clean_html(html: str) -> Markup:
    """Words and their structure, and nothing else."""
    if not html.strip():
        return Markup()
    cleaned = nh3.clean(
        html, tags=_TAGS, attributes={"*": {"dir"}}, clean_content_tags=_GONE_WITH_CONTENT, link_rel=None
    )
    return Markup(cleaned)  # noqa: S704 - cleaned in the line above


def _decoded(part: EmailMessage) -> str:
    octets = cast("bytes", part.get_payload(decode=True)) or b""
    try:
        return octets.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", "replace")


def _header(mail: EmailMessage, name: str) -> str:
    """A header's words; the parser itself may stumble over a damaged one."""
    try:
        return " ".join(str(mail.get(name, "")).split())
    except (ValueError, TypeError, AttributeError, IndexError):
        return ""


def _attached(part: EmailMessage) -> Attached:
    try:
        name = part.get_filename() or ""
    except (ValueError, TypeError, AttributeError):
        name = ""
    octets = cast("bytes | None", part.get_payload(decode=True))
    return Attached(" ".join(name.split())[:200], part.get_content_type(), len(octets or b""))
