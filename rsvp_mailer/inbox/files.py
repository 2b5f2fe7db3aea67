"""Mail that lies in files: single messages, folders of them, mbox files and Maildirs, as ``explain`` reads them.

**Purpose.** To hand over the same ``RawMail`` as a mailbox does, without a time of arrival and without a place.
Nothing is changed, locked or marked.

**What counts as mail.** A file that is named is read as mail whatever its name. Within folders: ``.eml`` and
``.mbox`` files, anything that begins like an mbox, and files without a suffix that begin with a header field (MH,
Maildir). The rest, such as notes and expected values beside the mail, and hidden files, is passed over; ``.msg``
files of Outlook are reported, since somebody will miss them.

**Limits.** One message is in memory, and of one over ``max_message_bytes`` only its header section.

**Failures.** What cannot be read is one entry with ``error``, in its place in the order; nothing is raised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.domain import RawMail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import BufferedReader
    from pathlib import Path

_LINE_BYTES = 1_000_000  # longer lines are read in pieces
_HEADER_BYTES = 1_000_000  # as over IMAP: of a header section no more is taken
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0"  # what Outlook saves as .msg
_HEADER_FIELD = re.compile(rb"[!-9;-~]+:")
# "From sender date" (RFC 4155); Thunderbird writes "From - date", and since version 128 nothing but "From ".
_SEPARATOR = re.compile(rb"From (?:.*\d\d:\d\d.*\d{4}.*)?\r?\n")
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_QUOTED_SEPARATOR = re.compile(rb">+From ")


@dataclass(frozen=True, slots=True)
class FileMail:
    """One message of a file. ``index``: counted from 0, of an mbox; ``mail`` is ``None`` where ``error`` says why."""

    path: str
    index: int | None = None
    mail: RawMail | None = None
    error: str = ""


def read_files(paths: Iterable[Path], *, max_message_bytes: int = 25_000_000) -> Iterator[FileMail]:
    """Yield every message of the files and folders named, in their order; within a folder sorted by path."""
    for path in paths:
        yield from _read_path(path, max_message_bytes, named=True)


def _read_path(path: Path, limit: int, *, named: bool) -> Iterator[FileMail]:
    try:
        if path.is_dir():
            for child, is_mail in _children(path):
                yield from _read_path(child, limit, named=is_mail)
        else:
            with path.open("rb") as file:
                yield from _read_file(path, file, limit, named=named)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else error
        yield FileMail(str(path), error=f"cannot be read ({reason})")


def _children(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Files and folders below, and whether they are known to be mail; links to folders may lead in circles."""
    maildir = (folder / "cur").is_dir() and (folder / "new").is_dir()
    if maildir:
        delivered = [file for part in ("new", "cur") for file in _visible(folder / part) if file.is_file()]
        yield from ((file, True) for file in sorted(delivered, key=lambda file: file.name))
    part_of_maildir = folder.name in {"cur", "new"} and (folder.parent / "tmp").is_dir()
    for child in _visible(folder):
        if child.is_dir():
            if not child.is_symlink() and not (maildir and child.name in {"cur", "new", "tmp"}):
                yield child, False
        elif child.is_file():
            yield child, part_of_maildir


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _read_file(path: Path, file: BufferedReader, limit: int, *, named: bool) -> Iterator[FileMail]:
    if file.peek(3).startswith(_BYTE_ORDER_MARK):  # an editor's, not the mail's
        file.read(len(_BYTE_ORDER_MARK))
    start, suffix = file.peek(100), path.suffix.lower()
    if suffix == ".msg" or (named and start.startswith(_COMPOUND_FILE)):
        yield FileMail(str(path), error="is a message in Outlook's own format; save it as .eml")
    elif start.startswith(b"From ") and suffix != ".eml":
        for index, mail in enumerate(_read_mbox(file, limit)):
            yield FileMail(str(path), index, mail)
    elif suffix == ".mbox":
        if start:
            yield FileMail(str(path), error='is no mbox file: it does not begin with "From "')
    elif named or suffix == ".eml" or (not suffix and _HEADER_FIELD.match(start)):
        if start.startswith(b"From "):
            file.readline()
        yield FileMail(str(path), mail=_raw_mail(file.read(limit + 1), limit))


def _read_mbox(file: BufferedReader, limit: int) -> Iterator[RawMail]:
    """The messages of an mbox as they were before: without separators, and ``>From `` without its ``>`` (mboxrd)."""
    file.readline()
    lines: list[bytes] = []
    size, line_begins, after_blank = 0, True, False
    while piece := file.readline(_LINE_BYTES):
        if line_begins and after_blank and _SEPARATOR.fullmatch(piece):
            yield _raw_mail(_without_last_blank(lines), limit)
            lines, size, after_blank = [], 0, False
            continue
        if line_begins and _QUOTED_SEPARATOR.match(piece):
            piece = piece[1:]
        if size <= limit:  # one piece more than the limit, which tells that it was passed
            lines.append(piece)
        size += len(piece)
        after_blank = line_begins and piece in {b"\n", b"\r\n"}
        line_begins = piece.endswith(b"\n")
    yield _raw_mail(_without_last_blank(lines), limit)


def _without_last_blank(lines: list[bytes]) -> bytes:
    """The blank line before a separator belongs to the mbox."""
    return b"".join(lines[:-1] if lines and lines[-1] in {b"\n", b"\r\n"} else lines)


def _raw_mail(octets: bytes, limit: int) -> RawMail:
    if len(octets) <= limit:
        return RawMail(octets)
    end = _HEADER_END.search(octets, 0, _HEADER_BYTES)
    return RawMail(octets[: end.end() if end else _HEADER_BYTES], complete=False)
