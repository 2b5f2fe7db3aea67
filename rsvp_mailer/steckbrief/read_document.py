"""DOCX and ODT opened as what they are, packed XML: their paragraphs in order. Pure; hostile files raise ``Refused``.

Nothing is run, fetched or unpacked beyond the limits. XML with a document type is refused, so that no entity is ever
expanded.
"""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from typing import TYPE_CHECKING
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_BODY_BYTES = 8_000_000
MOST_PARTS = 1_000
MOST_PARAGRAPHS = 20_000
_ENCRYPTED = 0x1  # general purpose flag of a packed file
_BODY = {"word/document.xml": "docx", "content.xml": "odt"}
_PROGRAMS = re.compile(r"vbaproject\.bin$|^basic/|^scripts/|activex/", re.IGNORECASE)
_FILES_INSIDE = re.compile(r"^word/embeddings/|^object |^objectreplacements/.|oleobject\d*\.bin$", re.IGNORECASE)
_PICTURE = re.compile(r"^(?:word/media|Pictures)/.")
_REMOTE = re.compile(
    rb'Type="[^"]{0,200}/(?:attachedTemplate|oleObject|frame|subDocument)"[^>]{0,500}External|'
    rb'External"[^>]{0,500}Type="[^"]{0,200}/(?:attachedTemplate|oleObject|frame|subDocument)"'
)


class Refused(Exception):
    """A file that is kept and not opened; ``rule`` says why, ``unsafe`` whether it might do harm."""

    def __init__(self, rule: str, *, unsafe: bool = False) -> None:
        super().__init__(rule)
        self.rule = rule
        self.unsafe = unsafe


def paragraphs_of(octets: bytes) -> tuple[list[str], bool]:
    """The text of a DOCX or ODT, a paragraph each, in its order; and whether it holds pictures."""
    try:
        with ZipFile(BytesIO(octets)) as package:
            body = _body(package)
            pictures = any(_PICTURE.search(name) for name in package.namelist())
            return _Paragraphs(body[0]).read(body[1]), pictures
    except (BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError, OSError, OverflowError) as error:
        raise Refused("document.damaged") from error
    except expat.ExpatError as error:
        raise Refused("document.damaged") from error


def _body(package: ZipFile) -> tuple[str, bytes]:
    names = package.namelist()
    if len(names) > MOST_PARTS:
        raise Refused("document.too_many_parts", unsafe=True)
    if any(_PROGRAMS.search(name) for name in names):
        raise Refused("document.macros", unsafe=True)
    if any(_FILES_INSIDE.search(name) for name in names):
        raise Refused("document.embedded_files", unsafe=True)
    name = next((name for name in _BODY if name in names), None)
    if name is None:
        raise Refused("document.other_format")
    info = package.getinfo(name)
    if info.flag_bits & _ENCRYPTED or ("META-INF/manifest.xml" in names and _is_locked(package)):
        raise Refused("document.password")
    for relations in (each for each in names if each.endswith(".rels")):
        if _REMOTE.search(_bounded(package, relations)):
            raise Refused("document.remote_parts", unsafe=True)
    return _BODY[name], _bounded(package, name)


def _is_locked(package: ZipFile) -> bool:
    return b"encryption-data" in _bounded(package, "META-INF/manifest.xml")


def _bounded(package: ZipFile, name: str) -> bytes:
    """One packed file; no more of it is ever unpacked than the limit."""
    with package.open(name) as part:
        octets = part.read(LARGEST_BODY_BYTES + 1)
    if len(octets) > LARGEST_BODY_BYTES:
        raise Refused("document.too_large", unsafe=True)
    return octets


class _Paragraphs:
    """Listens to the XML of a body. Names of elements come as ``namespace name``; the last word counts."""

    def __init__(self, kind: str) -> None:
        self._found: list[str] = []
        self._open: list[list[str]] = []
        self._muted = 0
        self._taking = kind == "odt"
        self._start: Callable[[str, dict[str, str]], None] = self._start_odt if kind == "odt" else self._start_docx
        self._end: Callable[[str], None] = self._end_odt if kind == "odt" else self._end_docx

    def read(self, octets: bytes) -> list[str]:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = lambda name, attributes: self._start(name.rpartition(" ")[2], attributes)
        parser.EndElementHandler = lambda name: self._end(name.rpartition(" ")[2])
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.Parse(octets, True)
        return self._found

    def _text(self, text: str) -> None:
        if self._taking and not self._muted and self._open:
            self._open[-1].append(text)

    def _write(self, text: str) -> None:
        if not self._muted and self._open:
            self._open[-1].append(text)

    def _finish(self) -> None:
        if self._open:
            self._found.append("".join(self._open.pop()))
        if len(self._found) > MOST_PARAGRAPHS:
            raise Refused("document.too_large", unsafe=True)

    # --- WordprocessingML ----------------------------------------------------------------------------------------

    def _start_docx(self, name: str, attributes: dict[str, str]) -> None:
        del attributes
        match name:
            case "p":
                self._open.append([])
            case "t":
                self._taking = True
            case "br" | "cr":
                self._write("\n")
            case "tab":
                self._write(" ")
            case "showingPlcHdr":
                self._muted += 1  # until the control ends: what it shows are the word processor's words
                self._placeholder = True
            case "Fallback":
                self._muted += 1  # says the same again for old programs

    _placeholder = False

    def _end_docx(self, name: str) -> None:
        match name:
            case "p":
                self._finish()
            case "t":
                self._taking = False
            case "sdt" if self._placeholder:
                self._muted -= 1
                self._placeholder = False
            case "Fallback":
                self._muted -= 1

    # --- OpenDocument --------------------------------------------------------------------------------------------

    def _start_odt(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "p" | "h":
                self._open.append([])
            case "s":
                count = next((value for key, value in attributes.items() if key.endswith(" c")), "1")
                self._write(" " * min(int(count), 100) if count.isdecimal() else " ")
            case "tab":
                self._write(" ")
            case "line-break":
                self._write("\n")
            case "tracked-changes" | "annotation" | "note":
                self._muted += 1

    def _end_odt(self, name: str) -> None:
        match name:
            case "p" | "h":
                self._finish()
            case "tracked-changes" | "annotation" | "note":
                self._muted -= 1


def _refuse_document_type(*_: object) -> None:
    raise Refused("document.entities", unsafe=True)
