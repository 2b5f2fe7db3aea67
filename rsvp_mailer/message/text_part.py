"""One text part, decoded: its octets, its charset, the form that it is in.

What may live here: from a MIME part to plain text or HTML. Which parts are text, and which of them count, is
``mime``'s to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attachment, Doubt
from rsvp_mailer.message.charset import codec_of, decode_octets, meta_charset
from rsvp_mailer.message.folding import clean
from rsvp_mailer.message.text_forms import html_of_enriched, unflow, without_uuencoded
from rsvp_mailer.message.transfer import decoded

if TYPE_CHECKING:
    from email.message import Message as MimePart

LONGEST_TEXT_BYTES = 4_000_000  # of all parts together; of what is longer a person looks at the beginning
_SHOWN_OF_LONGER_BYTES = 10_000  # 500 parts may do this
_LEAST_WEIGHT = 40  # bytes that a line or tag counts for at least, on average: each becomes an object or several
_HTML = frozenset({"text/html", "text/xhtml"})
_ENRICHED = frozenset({"text/enriched", "text/richtext"})


@dataclass(frozen=True, slots=True)
class Text:
    """Either ``plain`` or ``html``; what decoding cost; files that stood in the text; whether the end is missing.

    ``weight``: the size, and more for text of nothing but short lines or tags; it is what limits count.
    """

    plain: str | None
    html: str | None
    doubts: frozenset[Doubt]
    files: tuple[Attachment, ...] = ()
    is_cut: bool = False
    size_bytes: int = 0
    weight: int = 0


def text_of_part(part: MimePart, content_type: str, most_bytes: int = LONGEST_TEXT_BYTES) -> Text:
    """Decode a text part, of one that weighs more than ``most_bytes`` only its beginning; never raises."""
    octets, lost = decoded(part)
    size, weight = len(octets), _weight(octets)
    is_cut = weight > most_bytes
    octets = octets[:_SHOWN_OF_LONGER_BYTES] if is_cut else octets
    is_html = content_type in _HTML
    charset = _charset_of(part)
    if (is_html or _begins_html(octets[:200].decode("latin-1"))) and not codec_of(charset):
        charset = meta_charset(octets) or charset
    text, doubts = decode_octets(octets, charset)
    if lost:
        doubts |= {Doubt.CHARACTERS_LOST}
    if is_html or _begins_html(text):
        return Text(None, text, doubts, is_cut=is_cut, size_bytes=size, weight=weight)
    if content_type in _ENRICHED:
        return Text(None, html_of_enriched(text), doubts, is_cut=is_cut, size_bytes=size, weight=weight)
    plain, files = _plain(clean(text), part)
    return Text(plain, None, doubts, files, is_cut, size, weight)


def _weight(octets: bytes) -> int:
    return max(len(octets), _LEAST_WEIGHT * (octets.count(b"\n") + octets.count(b"<")))


def _begins_html(text: str) -> bool:
    """Whether a whole page is there, whatever its label says; nobody begins a letter like that."""
    return text[:200].lstrip("\ufeff \t\r\n")[:14].lower().startswith(("<html", "<!doctype html"))


def _plain(text: str, part: MimePart) -> tuple[str, tuple[Attachment, ...]]:
    """A plain part as it is shown: soft line breaks joined, files that stand in it taken out."""
    if "format" in str(part.get("content-type", "")) and str(part.get_param("format", "")).lower() == "flowed":
        text = unflow(text, delete_space=str(part.get_param("delsp", "")).lower() == "yes")
    return without_uuencoded(text)


def _charset_of(part: MimePart) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, IndexError, AttributeError):
        return None
