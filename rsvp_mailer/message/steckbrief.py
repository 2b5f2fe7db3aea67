"""Is the profile sheet (Steckbrief) among the attachments?

What may live here: recognising a returned sheet by what is in it (our forms carry names of fields and a code, see
``steckbrief.form``), by its name, or by the words beside it. Reading its fields is another room's work. A sheet
alone is no acceptance; whether the words beside it say more, the reading decides: the rule is given to it in
``Message.kind_rule``.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from rsvp_mailer.domain import SheetFile
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.transfer import payload_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import Message as MimePart
    from zipfile import ZipInfo

    from rsvp_mailer.domain import Attachment

FORM = "steckbrief.form"

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

_MOST_SHEETS = 5
_LARGEST_BYTES = 15_000_000  # of one file that is looked into
_LARGEST_PART_BYTES = 4_000_000  # of one stream or packed file, unpacked
_MOST_STREAMS = 100
_FIELD = re.compile(rb"steckbrief_[a-z]")
_FIELD_ELSEHOW = re.compile(
    b"|".join(
        (
            re.escape("steckbrief_".encode("utf-16-be")),
            b"steckbrief_".hex().encode(),
            "steckbrief_".encode("utf-16-be").hex().encode(),
        )
    ),
    re.IGNORECASE,
)
_CODE = re.compile(rb"STECKBRIEF-[A-Z]{2,3}(?:-[A-Z]+)?-\d")
_OBJECT_STREAM = re.compile(rb"/ObjStm\b[^>]{0,300}>>\s{0,4}stream\r?\n?")
_TAG = re.compile(rb"<[^<>]{1,4000}>")
_BODIES = ("word/document.xml", "content.xml")  # of DOCX and ODT
_OF_PACKAGES = (BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class Returned:
    """The rule by which a sheet was recognised, "" where there is none, and the files that may be it."""

    rule: str = ""
    sheets: tuple[SheetFile, ...] = ()


def returned_sheets(
    files: Sequence[tuple[Attachment, MimePart]], subject: str, own_words: str, *, forwarded: bool
) -> Returned:
    """Look for returned sheets among files with their parts; never raises.

    ``steckbrief.form``: one of our forms, by its content and whatever its name; ``steckbrief.named``: by its file
    name; ``steckbrief.spoken_of``: a document or scan, and the words say so. Of forwarded mail only the first counts.
    """
    forms = [_file(each, part) for each, part in files if _may_be_form(each) and is_form(payload_of(part))]
    if forwarded:
        return Returned(FORM if forms else "", tuple(forms[:_MOST_SHEETS]))
    documents = [(each, part) for each, part in files if _is_document(each) or _is_scan(each)]
    named = [(each, part) for each, part in documents if _NAMED.search(fold(each.name))]
    if forms or named:
        others = [_file(each, part) for each, part in named]
        return Returned(FORM if forms else "steckbrief.named", _each_once([*forms, *others]))
    if documents and _spoken_of(subject, own_words):
        return Returned("steckbrief.spoken_of", _each_once([_file(each, part) for each, part in documents]))
    return Returned()


def _spoken_of(subject: str, own_words: str) -> bool:
    words = load_patterns().words
    written = fold(f"{subject}\n{own_words}"[:20_000])
    return bool(words["relevance.sheet"].found_in(written)) and not words["relevance.later"].found_in(written)


def _each_once(sheets: Sequence[SheetFile]) -> tuple[SheetFile, ...]:
    return tuple({each.octets: each for each in reversed(sheets)}.values())[::-1][:_MOST_SHEETS]


def _file(attachment: Attachment, part: MimePart) -> SheetFile:
    return SheetFile(attachment.name, attachment.content_type, payload_of(part))


def _is_document(attachment: Attachment) -> bool:
    return attachment.content_type in _SHEET_TYPES or attachment.name.lower().endswith(_SHEET_ENDINGS)


def _is_scan(attachment: Attachment) -> bool:
    name = attachment.name.lower()
    picture = attachment.content_type.startswith("image/") or name.endswith(_IMAGE_ENDINGS)
    return picture and attachment.size_bytes >= _SMALLEST_SCAN_BYTES and _DECORATION.search(name) is None


# --- by content --------------------------------------------------------------------------------------------------


def _may_be_form(attachment: Attachment) -> bool:
    pictures = ("image/", "audio/", "video/")
    return not attachment.content_type.startswith(pictures) and attachment.size_bytes <= _LARGEST_BYTES


def is_form(octets: bytes) -> bool:
    """Whether this is one of our forms: a PDF with its fields, a DOCX or ODT, or text with its code."""
    if b"%PDF-" in octets[:1024]:
        return _has_field(octets) or any(map(_has_field, _object_streams(octets)))
    if octets.startswith(b"PK"):
        return any(_has_field(body) or _has_code(_TAG.sub(b"", body)) for body in _bodies(octets))
    return len(octets) <= _LARGEST_PART_BYTES and _has_code(octets.replace(b"\0", b""))


def _has_field(octets: bytes) -> bool:
    return _FIELD.search(octets) is not None or _FIELD_ELSEHOW.search(octets) is not None


def _has_code(octets: bytes) -> bool:
    return _CODE.search(octets) is not None


def _object_streams(octets: bytes) -> Iterator[bytes]:
    """The objects that a PDF keeps packed (ISO 32000-1, 7.5.7), as far as the limits go."""
    for number, found in enumerate(_OBJECT_STREAM.finditer(octets)):
        if number == _MOST_STREAMS:
            return
        try:
            yield zlib.decompressobj().decompress(
                octets[found.end() : found.end() + _LARGEST_PART_BYTES], _LARGEST_PART_BYTES
            )
        except zlib.error:
            continue


def _bodies(octets: bytes) -> Iterator[bytes]:
    """The text of a packed document, as far as the limits go."""
    try:
        with ZipFile(BytesIO(octets)) as package:
            for name in set(_BODIES) & set(package.namelist()):
                yield _unpacked(octets, package.getinfo(name))
    except _OF_PACKAGES:
        return


def _unpacked(octets: bytes, info: ZipInfo) -> bytes:
    """The beginning of a packed file. By hand, because ``ZipFile`` unpacks as much as a file claims to hold."""
    of_name, of_extra = struct.unpack_from("<HH", octets, info.header_offset + 26)
    start = info.header_offset + 30 + of_name + of_extra
    packed = octets[start : start + info.compress_size]
    if info.compress_type == ZIP_STORED:
        return packed[:_LARGEST_PART_BYTES]
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _LARGEST_PART_BYTES)
