"""Is the profile sheet (Steckbrief) among the attachments?

What may live here: recognising a returned sheet by its name, its form or the words beside it. Reading its fields
is another room's work. A sheet alone is no acceptance; whether the words beside it say more, the reading decides:
the rule is given to it in ``Message.kind_rule``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.domain import Attachment

_NAMED = re.compile(
    r"steck[ _-]?brief|profil[ _-]?(?:sheet|blatt|bogen)|fiche[ _-]?(?:de[ _-]?)?(?:profil|présentation)"
)
_SHEET_TYPES = frozenset(
    [
        "application/pdf",
        "application/msword",
        "application/vnd.oasis.opendocument.text",
        "application/rtf",
        "text/rtf",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/x-pdf",
    ]
)
_SHEET_ENDINGS = (".pdf", ".docx", ".doc", ".odt", ".rtf", ".pages")
_IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".heic", ".heif", ".tif", ".tiff", ".webp")
_SMALLEST_SCAN_BYTES = 15_000  # what is smaller is a logo of a signature
# Outlook numbers the pictures of a signature; a scanner's and a telephone's names look otherwise.
_DECORATION = re.compile(r"^(?:image\d{3}\.|outlook-)|logo|signatur|banner|icon|facebook|instagram|twitter|siegel")


def sheet_rule(attachments: Sequence[Attachment], subject: str, own_words: str) -> str:
    """``steckbrief.named`` (by file name), ``steckbrief.spoken_of`` (a document or scan, and the words say so)."""
    documents = [each for each in attachments if _is_document(each) or _is_scan(each)]
    if any(_NAMED.search(fold(each.name)) for each in documents):
        return "steckbrief.named"
    if not documents:
        return ""
    words = load_patterns().words
    written = fold(f"{subject}\n{own_words}"[:20_000])
    if words["relevance.sheet"].found_in(written) and not words["relevance.later"].found_in(written):
        return "steckbrief.spoken_of"
    return ""


def _is_document(attachment: Attachment) -> bool:
    return attachment.content_type in _SHEET_TYPES or attachment.name.lower().endswith(_SHEET_ENDINGS)


def _is_scan(attachment: Attachment) -> bool:
    name = attachment.name.lower()
    picture = attachment.content_type.startswith("image/") or name.endswith(_IMAGE_ENDINGS)
    return picture and attachment.size_bytes >= _SMALLEST_SCAN_BYTES and _DECORATION.search(name) is None
