"""What IMAP servers answer, taken apart: FETCH rows, refusals, folder lists (RFC 3501, RFC 9051, RFC 5530).

Rules for this file: pure, no connection, nothing imported that has one. Answers are data of somebody else's
program: rows come in any order, unasked rows stand between, fields are missing, and nothing of that may confuse
one message with another. A row counts by the UID that it names, never by its position.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_DATE = re.compile(rb'\bINTERNALDATE "([^"]*)"')
_LITERAL_BODY = re.compile(rb"\bBODY\[[^\]]*\](?:<\d+>)? \{\d+\}$")
_QUOTED_BODY = re.compile(rb'\bBODY\[[^\]]*\](?:<\d+>)? ("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True, slots=True)
class Row:
    """What one FETCH row says of one message; ``None`` where it does not say.

    ``octets``: the one body section that was asked for, exactly as served.
    """

    uid: int
    size_bytes: int | None = None
    arrived_at: datetime | None = None
    octets: bytes | None = None


def read_rows(data: Iterable[bytes | tuple[bytes, bytes] | None]) -> dict[int, Row]:
    """What ``imaplib`` returns for a FETCH, by UID; rows without a UID are nobody's and left out.

    ``data``: a row without a literal is one ``bytes``; one with literals is a tuple (text up to the literal,
    literal) for each of them, and then the ``bytes`` after the last. Two rows of one message complete each other.
    """
    rows: dict[int, Row] = {}
    parts: list[tuple[bytes, bytes]] = []
    for item in data:
        if isinstance(item, tuple):
            parts.append(item)
        elif item is not None:
            if row := _read_row(parts, item):
                rows[row.uid] = _join(rows[row.uid], row) if row.uid in rows else row
            parts = []
    return rows


def _join(old: Row, new: Row) -> Row:
    return Row(
        new.uid,
        old.size_bytes if new.size_bytes is None else new.size_bytes,
        old.arrived_at if new.arrived_at is None else new.arrived_at,
        old.octets if new.octets is None else new.octets,
    )


def _read_row(parts: Sequence[tuple[bytes, bytes]], rest: bytes) -> Row | None:
    text = b" ".join([*(before for before, _ in parts), rest])
    uid = _UID.search(_QUOTED.sub(b'""', text))
    if uid is None:
        return None
    size = _SIZE.search(text)
    date = _DATE.search(text)
    octets = next((literal for before, literal in parts if _LITERAL_BODY.search(before)), None)
    if octets is None and (quoted := _QUOTED_BODY.search(text)):
        octets = re.sub(rb"\\(.)", rb"\1", quoted[1][1:-1])
    return Row(int(uid[1]), int(size[1]) if size else None, read_internaldate(date[1]) if date else None, octets)


def read_internaldate(text: bytes) -> datetime | None:
    """An INTERNALDATE (``14-Nov-2017 17:00:00 +0100``) as an aware time, or ``None`` if it is none."""
    try:
        value = parsedate_to_datetime(text.decode("ascii").strip())
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def uid_set(uids: Sequence[int]) -> str:
    """Spell ascending UIDs as a sequence set that holds exactly them: ``1:3,7``."""
    runs: list[list[int]] = []
    for uid in uids:
        if runs and uid == runs[-1][1] + 1:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(f"{first}:{last}" if last > first else f"{first}" for first, last in runs)


def read_summary(header: bytes) -> tuple[str, str]:
    """Sender and subject of a header section, decoded, each on one line."""
    fields = message_from_bytes(header)
    name, address = parseaddr(str(fields["From"] or ""))
    sender = f"{_decoded(name)} <{address}>" if name else address
    return on_one_line(sender), on_one_line(_decoded(fields["Subject"] or ""))


def _decoded(value: str | Header) -> str:
    """Encoded words (RFC 2047) as text; as they stand where they cannot be decoded."""
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, ValueError, LookupError):
        return str(value)


def on_one_line(text: str) -> str:
    """Without line breaks, and without characters that would move a terminal's cursor."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


class Refusal(StrEnum):
    """What a refused login calls for."""

    CREDENTIALS = "credentials"
    WAIT = "wait"
    ENCRYPT = "encrypt"


_WAIT_CODES = re.compile(r"\[(?:UNAVAILABLE|LIMIT|INUSE|SERVERBUG)\b", re.IGNORECASE)
_REFUSED_CODES = re.compile(
    r"\[(?:AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED|CONTACTADMIN|NOPERM|WEBALERT)\b", re.IGNORECASE
)
_WAIT_WORDS = re.compile(
    r"too many (?:simultaneous |concurrent |open )?(?:connections|sessions|processes)|maximum number|temporar|"
    r"try again|unavailable|overload|busy|internal (?:server )?error|time-?out|timed out",
    re.IGNORECASE,
)
_CREDENTIAL_WORDS = re.compile(r"credential|password|invalid|attempts|locked|disabled", re.IGNORECASE)


def classify_refusal(answer: str) -> Refusal:
    """What the answer to a LOGIN that is not OK means.

    Codes of RFC 5530 decide. Without one the words do, and in doubt the credentials are at fault: taking a
    refusal for an outage would knock at the door until the account is locked.
    """
    if re.search(r"\[PRIVACYREQUIRED\b", answer, re.IGNORECASE):
        return Refusal.ENCRYPT
    if _WAIT_CODES.search(answer):
        return Refusal.WAIT
    if _REFUSED_CODES.search(answer) or _CREDENTIAL_WORDS.search(answer):
        return Refusal.CREDENTIALS
    return Refusal.WAIT if _WAIT_WORDS.search(answer) else Refusal.CREDENTIALS


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder as LIST names it; ``separator`` is empty where there is no hierarchy."""

    name: str
    separator: str = ""
    selectable: bool = True


def find_folder(wanted: str, folders: Iterable[Folder]) -> str | None:
    """The server's name of the folder that the settings call ``wanted``, or ``None``.

    People write ``Konferenz/Erledigt`` whatever separator the server uses, and leave out a namespace ``INBOX.``
    that their mail program does not show either. An exact match wins; capitals count, except in INBOX.
    """
    candidates = [folder for folder in folders if folder.selectable]
    for same in (_same_name, _same_path, _same_below_inbox):
        for folder in candidates:
            if same(wanted, folder):
                return folder.name
    return None


def _same_name(wanted: str, folder: Folder) -> bool:
    return folder.name == wanted or folder.name.upper() == wanted.upper() == "INBOX"


def _same_path(wanted: str, folder: Folder) -> bool:
    return _path(wanted, "/") == _path(folder.name, folder.separator)


def _same_below_inbox(wanted: str, folder: Folder) -> bool:
    first, *below = _path(folder.name, folder.separator)
    return first.upper() == "INBOX" and below in (_path(wanted, "/"), _path(wanted, folder.separator))


def _path(name: str, separator: str) -> list[str]:
    name = unicodedata.normalize("NFC", name)
    return name.split(separator) if separator else [name]
