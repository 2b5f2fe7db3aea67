"""The profile sheet that goes out with the first confirmation: checked and encoded once per process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.mime import Part, attached_part

if TYPE_CHECKING:
    from pathlib import Path

MAX_STECKBRIEF_BYTES = 150_000
_SPELLED_OUT = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}


def load_steckbrief(path: Path, max_bytes: int = MAX_STECKBRIEF_BYTES) -> Part:
    """The sheet as a MIME part. ``ConfigError`` where it is missing, larger than ``max_bytes``, or no sound PDF."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"steckbrief: {path} cannot be read ({error.strerror}); put the PDF there"]) from error
    if len(octets) > max_bytes:
        size = f"{len(octets):,} bytes, allowed are {max_bytes:,}"
        raise ConfigError([f"steckbrief: {path} is too large ({size}); every confirmation carries it: make it smaller"])
    _check_pdf(path, octets)
    return attached_part(octets, "application/pdf", _ascii_name(path))


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


def _ascii_name(path: Path) -> str:
    # Umlauts in parameters (RFC 2231) still puzzle some clients; a plain name puzzles none.
    plain = "".join(_SPELLED_OUT.get(letter, letter) for letter in path.name)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", plain)
