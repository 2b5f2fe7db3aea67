"""The fields of a filled-in PDF form, read with pypdf; hostile files raise ``Refused``.

A PDF may bring programs, other files and whole other forms along, none of which a Steckbrief needs: one that does is
kept and not opened. What looks at every object first is the same that later reads the fields, so that nothing can
hide from one and show itself to the other. Runs in a process of its own, with limits (``returned``).
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from rsvp_mailer.steckbrief.read_document import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PAGES = 20
MOST_OBJECTS = 20_000
LARGEST_STREAM_BYTES = 30_000_000  # unpacked
MOST_FILTERS = 2  # of one stream: more are a bomb in a bomb
LONGEST_VALUE = 20_000
_OF_READER = (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError)
# What a form that is merely filled in never holds (ISO 32000-1, 7.11.4, 12.6.4, 12.7.8).
_UNSAFE_KEYS = {
    "/JS": "pdf.javascript",
    "/JavaScript": "pdf.javascript",
    "/XFA": "pdf.xfa",
    "/EmbeddedFiles": "pdf.embedded_files",
    "/EF": "pdf.embedded_files",
    "/RichMediaContent": "pdf.embedded_files",
}
_DRAWN = frozenset({"/FreeText", "/Ink", "/Stamp", "/Text", "/Highlight", "/Line", "/PolyLine"})
_UNSAFE_NAMES = {
    "/JavaScript": "pdf.javascript",
    "/Launch": "pdf.launches_programs",
    "/SubmitForm": "pdf.sends_data",
    "/ImportData": "pdf.sends_data",
    "/GoToE": "pdf.embedded_files",
    "/EmbeddedFile": "pdf.embedded_files",
    "/FileAttachment": "pdf.embedded_files",
    "/RichMedia": "pdf.embedded_files",
    "/Movie": "pdf.embedded_files",
    "/Sound": "pdf.embedded_files",
}


def values_of(octets: bytes) -> tuple[dict[str, str], bool]:
    """Names of all fields and what stands in them; and whether something was written or drawn upon the pages.

    Ticked boxes say "yes", others "". Empty without a form.
    """
    try:
        reader = PdfReader(BytesIO(octets), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Refused("pdf.password")
        _look_through(reader)
        if len(reader.pages) > MOST_PAGES:
            raise Refused("pdf.too_many_pages", unsafe=True)
        return dict(_values(reader)), _is_drawn_upon(reader)
    except (DependencyError, FileNotDecryptedError) as error:
        raise Refused("pdf.password") from error
    except _OF_READER as error:
        raise Refused("pdf.damaged") from error


def _look_through(reader: PdfReader) -> None:
    """Every object that the file lists, whether or not anything refers to it."""
    numbers = {(generation, number) for generation, table in reader.xref.items() for number in table}
    numbers |= {(0, number) for number in reader.xref_objStm}
    if len(numbers) > MOST_OBJECTS:
        raise Refused("pdf.too_many_objects", unsafe=True)
    _look_at(reader.trailer)
    for generation, number in sorted(numbers):
        _look_at(IndirectObject(number, generation, reader).get_object())


def _look_at(found: Any, depth: int = 0) -> None:  # noqa: ANN401 - any object of a PDF
    if depth > 50:
        raise Refused("pdf.too_deep", unsafe=True)
    if isinstance(found, StreamObject):
        _look_at_stream(found)
    if isinstance(found, DictionaryObject):
        for key, value in found.items():
            if rule := _UNSAFE_KEYS.get(key):
                raise Refused(rule, unsafe=True)
            if key in {"/S", "/Subtype", "/Type"} and (rule := _UNSAFE_NAMES.get(str(value))):
                raise Refused(rule, unsafe=True)
            if not isinstance(value, IndirectObject):
                _look_at(value, depth + 1)
    elif isinstance(found, ArrayObject):
        for value in found:
            if not isinstance(value, IndirectObject):
                _look_at(value, depth + 1)


def _look_at_stream(stream: StreamObject) -> None:
    filters = stream.get("/Filter", [])
    names = [str(each) for each in filters] if isinstance(filters, ArrayObject) else [str(filters)]
    if len(names) > MOST_FILTERS:
        raise Refused("pdf.packed_too_deep", unsafe=True)
    if names and names[0] in {"/FlateDecode", "/Fl"}:
        octets = getattr(stream, "_data", b"")
        try:
            packed = zlib.decompressobj()
            size = len(packed.decompress(octets, LARGEST_STREAM_BYTES + 1))
        except zlib.error:
            return
        if size > LARGEST_STREAM_BYTES:
            raise Refused("pdf.packed_too_large", unsafe=True)


def _values(reader: PdfReader) -> Iterator[tuple[str, str]]:
    for name, field in (reader.get_fields() or {}).items():
        value = field.get("/V", "")
        if field.get("/FT") == "/Btn":
            yield name, "" if value in {"", "/Off", None} else "yes"
        elif not field.get("/Kids") or value:
            yield name, _text(value)


def _is_drawn_upon(reader: PdfReader) -> bool:
    notes = (each.get_object() for page in reader.pages for each in page.get("/Annots") or ())
    return any(isinstance(each, DictionaryObject) and each.get("/Subtype") in _DRAWN for each in notes)


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, StreamObject):
        value = value.get_data()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value) if isinstance(value, str) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()[:LONGEST_VALUE]
