"""The header section: fields as octets were served, turned into text, addresses, ids and instants.

What may live here: pure functions on header values; nothing about the body. RFC 5322 (fields), 2047 (encoded
words), 2231 (parameters). Every value is cut at ``LONGEST_VALUE`` characters before any pattern sees it.
"""

from __future__ import annotations

import binascii
import quopri
import re
import unicodedata
from base64 import b64decode
from datetime import UTC, datetime
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Address
from rsvp_mailer.message.charset import decode_octets
from rsvp_mailer.message.folding import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Set
    from email.message import Message as MimePart

LONGEST_VALUE = 20_000
# Within Q text some programs leave "?" as it is; at the end of a cut value the last two characters are missing.
_ENCODED_WORD = re.compile(
    r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]{0,9000}(?=\?=)|[^\n]{0,300}?)(?:\?=(?![0-9A-F]{2})|\?=|\??$)"
)
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t\r\n]{1,20}(?==\?)")
_FOLD = re.compile(r"[\r\n]+[ \t]*")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,900}>")
_SIMPLE = re.compile(
    r"\"?([A-Za-z0-9 .'-]{0,80})\"?[ ]?<([A-Za-z0-9.+_-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})>"
)
_ADDRESS = re.compile(r"[^\s@<>\"()\[\]\\,:;]{1,64}@[^\s@<>\"()\[\]\\,:;]{1,253}")
_QUOTED_ATOM = re.compile(r"\"([^\s@<>\"()\[\]\\,:;]{1,64})\"@")


class Fields:
    """All header fields: names lower case, values raw (undecoded, surrogates for 8-bit octets), topmost first."""

    __slots__ = ("_by_name", "rows")

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        self.rows = tuple(rows)
        self._by_name: dict[str, list[str]] = {}
        for name, value in self.rows:
            self._by_name.setdefault(name, []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value of a field, topmost first."""
        return self._by_name.get(name, [])

    def first(self, name: str) -> str:
        """The topmost value, or the empty string."""
        return self._by_name.get(name, [""])[0]

    def names(self) -> Set[str]:
        """The names of all fields that there are."""
        return self._by_name.keys()

    def __contains__(self, name: object) -> bool:
        return name in self._by_name


def fields_of(part: MimePart) -> Fields:
    """The fields of a parsed message or part."""
    return Fields((name.lower(), str(value)[:LONGEST_VALUE]) for name, value in part.raw_items())


def decode_text(raw: str) -> str:
    """An unstructured value as text: unfolded, encoded words decoded, 8-bit octets guessed, clean, one line."""
    value = _FOLD.sub(" ", raw[:LONGEST_VALUE])
    if "=?" in value:
        value = _decode_words(_BETWEEN_WORDS.sub("", value))
    elif not value.isascii():
        value = _decode_octets(value)
    return " ".join(clean(value).split())


def _decode_words(value: str) -> str:
    """Decode encoded words; neighbours of one charset are joined first, for some cut inside a character."""
    out: list[str] = []
    pending, charset, end = b"", "", 0
    for word in _ENCODED_WORD.finditer(value):
        name = word[1].partition("*")[0].lower()
        if pending and (word.start() > end or name != charset):
            out.append(decode_octets(pending, charset)[0])
            pending = b""
        out.append(_decode_octets(value[end : word.start()]))
        pending, charset, end = pending + _unpack(word[2], word[3]), name, word.end()
    if pending:
        out.append(decode_octets(pending, charset)[0])
    return "".join([*out, _decode_octets(value[end:])])


def _unpack(encoding: str, text: str) -> bytes:
    octets = text.encode("ascii", "surrogateescape") if _escapable(text) else text.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(octets, header=True)
    try:
        return b64decode(octets + b"=" * (-len(octets) % 4))
    except (binascii.Error, ValueError):
        return b""


def _escapable(text: str) -> bool:
    return all(ord(character) < 0x80 or 0xDC80 <= ord(character) <= 0xDCFF for character in text)


def _decode_octets(value: str) -> str:
    """Raw 8-bit octets in a header, which the parser keeps as surrogates."""
    if value.isascii():
        return value
    if not _escapable(value):
        return value.encode("utf-8", "replace").decode("utf-8")
    return decode_octets(value.encode("ascii", "surrogateescape"), None)[0]


def addresses_in(values: Iterable[str]) -> list[Address]:
    """The mailboxes of address fields, groups dissolved; whatever is no address is left out."""
    values = list(values)
    if len(values) == 1 and (simple := _SIMPLE.fullmatch(values[0])):
        return [Address(simple[2].lower(), simple[1].strip("' "))]
    plain = [_FOLD.sub(" ", value[:LONGEST_VALUE]) for value in values]
    if not plain:
        return []
    try:
        pairs = getaddresses(plain)
    except (ValueError, IndexError, TypeError, RecursionError):
        return []
    found = []
    for name, address in pairs:
        if spelled := _spelled(address):
            found.append(Address(spelled, decode_text(name).strip("\"' ")))
    return found


def _spelled(address: str) -> str:
    """The one spelling of an address, by which it is compared: lower case, the domain as DNS has it (RFC 5890).

    Empty for what cannot be written to; an address hidden in an encoded word (RFC 2047, 5) is no address.
    """
    octets_read = clean(_decode_octets(address[:1000])).lower().strip("<>")
    local, _, domain = _QUOTED_ATOM.sub(r"\1@", octets_read).rpartition("@")
    labels = unicodedata.normalize("NFKC", domain).rstrip(".").split(".")
    try:
        domain = ".".join(each if each.isascii() else "xn--" + each.encode("punycode").decode() for each in labels)
    except UnicodeError:
        return ""
    spelled = f"{local}@{domain}"
    return spelled if _ADDRESS.fullmatch(spelled) else ""


def message_ids_in(value: str) -> list[str]:
    """Message-IDs with their angle brackets, each once, in their order."""
    return list(dict.fromkeys(_MESSAGE_ID.findall(_FOLD.sub(" ", value))))


def instant_of(value: str) -> datetime | None:
    """A Date as an aware instant in UTC; ``None`` where it cannot be read. Without a zone it is taken as UTC."""
    try:
        instant = parsedate_to_datetime(value[:200])
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def arrival_of(fields: Fields) -> datetime | None:
    """When the topmost Received field says that the mail came in, else its Date."""
    for received in fields.all("received")[:1]:
        if instant := instant_of(received.rpartition(";")[2].strip()):
            return instant
    return instant_of(fields.first("date"))


def filename_of(part: MimePart) -> str:
    """The name of an attachment, decoded by RFC 2231 or 2047, without folders."""
    if not any("name" in str(part.get(name, "")).lower() for name in ("content-disposition", "content-type")):
        return ""
    try:
        raw = part.get_param("filename", None, "content-disposition")
        if raw is None:
            raw = part.get_param("name", None)
        name = collapse_rfc2231_value(raw) if raw else ""
    except (ValueError, TypeError, LookupError, IndexError, AttributeError):
        return ""
    return decode_text(str(name)).replace("\\", "/").rpartition("/")[2][:255]
