"""The profile sheet that goes out with the first confirmation: checked and encoded once per process.

What a person gets: the form in their language, to be filled in on a computer or printed, and the German one beside
it, for whoever helps them reads German. German speakers get the one in simple language beside. To languages written
from right to left the Word file goes along, because hardly any PDF program joins Arabic letters that are typed; on
request it goes to everybody.

An office with a form of its own names one PDF file instead of the folder: it goes to all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.mime import Part, attached_part, side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_STECKBRIEF_BYTES = 150_000  # of one file, and of all that one mail carries
_PDF = "application/pdf"
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "prs", "ckb"})
_SIMPLE = "de-einfach"
_SPELLED_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}


class Forms:
    """The encoded forms. ``ConfigError`` where one is missing, too large, or no sound file."""

    def __init__(self, path: Path, max_bytes: int = MAX_STECKBRIEF_BYTES) -> None:
        self._max_bytes = max_bytes
        self._files: dict[tuple[str, str], Part] = {}
        self._bundles: dict[tuple[tuple[str, str], ...], Part] = {}
        found = sorted(path.glob("steckbrief-*.*")) if path.is_dir() else [path]
        for file in found:
            self._files[file.stem.removeprefix("steckbrief-"), file.suffix] = self._load(file)
        if path.is_dir() and ("de", ".pdf") not in self._files:
            raise ConfigError([f"steckbrief: {path} holds no steckbrief-de.pdf; build the form, or name a PDF file"])
        self._single = None if path.is_dir() else next(iter(self._files))
        for language in {"de", *(code for code, _ in self._files)}:
            self.part(language, on_request=True)  # so that what is too large together is said now

    def part(self, language: str, *, on_request: bool = False) -> Part:
        """What is attached for a language (reading guide's code), as one piece, the same object each time."""
        chosen = tuple(key for key in self._chosen(language, on_request=on_request) if key in self._files)
        if chosen not in self._bundles:
            self._bundles[chosen] = self._bundle(chosen)
        return self._bundles[chosen]

    def _chosen(self, language: str, *, on_request: bool) -> Sequence[tuple[str, str]]:
        if self._single is not None:
            return [self._single]
        own = language if (language, ".pdf") in self._files else "en"
        if language == "de":
            own, beside = "de", _SIMPLE
        else:
            beside = "de"
        word = [(own, ".docx")] if on_request or language in _RIGHT_TO_LEFT else []
        return [(own, ".pdf"), *word, (beside, ".pdf")]

    def _bundle(self, chosen: Sequence[tuple[str, str]]) -> Part:
        parts = [self._files[key] for key in chosen]
        total = sum(len(part.body) for part in parts) * 3 // 4
        if total > self._max_bytes:
            names = " and ".join(f"steckbrief-{code}{ending}" for code, ending in chosen)
            size = f"{total:,} bytes, allowed are {self._max_bytes:,}"
            raise ConfigError([f"steckbrief: {names} together are too large ({size}) for one mail: make them smaller"])
        return side_by_side(parts)

    def _load(self, path: Path) -> Part:
        try:
            octets = path.read_bytes()
        except OSError as error:
            fault = f"steckbrief: {path} cannot be read ({error.strerror}); put the form there"
            raise ConfigError([fault]) from error
        if len(octets) > self._max_bytes:
            size = f"{len(octets):,} bytes, allowed are {self._max_bytes:,}"
            fault = f"steckbrief: {path} is too large ({size}); every confirmation carries it: make it smaller"
            raise ConfigError([fault])
        if path.suffix == ".docx":
            _check_word(path, octets)
            return attached_part(octets, _WORD, _ascii_name(path))
        _check_pdf(path, octets)
        return attached_part(octets, _PDF, _ascii_name(path))


def _check_pdf(path: Path, octets: bytes) -> None:
    from io import BytesIO  # noqa: PLC0415 - with pypdf 0.2 s that only processes which send mail need

    from pypdf import PdfReader  # noqa: PLC0415
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        readable = octets.startswith(b"%PDF-") and len(PdfReader(BytesIO(octets), strict=True).pages) > 0
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError([f"steckbrief: {path} is damaged ({type(error).__name__}); export it anew"]) from error
    if not readable:
        raise ConfigError([f"steckbrief: {path} is no PDF with pages; export it anew"])


def _check_word(path: Path, octets: bytes) -> None:
    from io import BytesIO  # noqa: PLC0415
    from zipfile import BadZipFile, ZipFile  # noqa: PLC0415

    try:
        with ZipFile(BytesIO(octets)) as package:
            damaged = package.testzip() or ("word/document.xml" not in package.namelist() and "word/document.xml")
    except (BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise ConfigError([f"steckbrief: {path} is damaged ({type(error).__name__}); build it anew"]) from error
    if damaged:
        raise ConfigError([f"steckbrief: {path} is damaged ({damaged}); build it anew"])


def _ascii_name(path: Path) -> str:
    # Umlauts in parameters (RFC 2231) still puzzle some clients; a plain name puzzles none.
    plain = "".join(_SPELLED_OUT.get(letter, letter) for letter in path.name)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
