"""Octets to text, whatever a mail program claims about them, and what it cost.

What may live here: pure functions from octets and a label to text and doubts. A repair is
``Doubt.CHARSET_REPAIRED``, a loss ``Doubt.CHARACTERS_LOST``: neither passes in silence.

The order of trust: a byte order mark; valid UTF-8 with a multi-octet sequence (no other charset produces it by
accident); the declared charset, where ISO 8859-1 and ASCII mean Windows-1252 (WHATWG Encoding Standard); then
what the octets look like.
"""

from __future__ import annotations

import codecs
import re
from functools import cache

from rsvp_mailer.domain import Doubt

# Labels seen in mail that Python's codecs do not know, and those that WHATWG maps to another charset.
_ALIASES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "646": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "x-ansi": "cp1252",
    "ansi": "cp1252",
    "x-cp1252": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-6-i": "iso8859_6",
    "iso-8859-6-e": "iso8859_6",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "asmo-708": "iso8859_6",
    "dos-720": "cp720",
    "dos-862": "cp862",
    "x-mac-arabic": "mac_arabic",
    "x-mac-farsi": "mac_farsi",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "x-mac-turkish": "mac_turkish",
    "x-windows-1256": "cp1256",
    "x-cp1256": "cp1256",
    "x-windows-1252": "cp1252",
    "x-windows-1251": "cp1251",
    "x-cp1251": "cp1251",
    "x-sjis": "cp932",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "big5": "big5hkscs",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "unicode": "utf-16",
    "x-unicode": "utf-16",
    "utf-8859-1": "utf-8",
    "iso-utf-8": "utf-8",
    "cp-850": "cp850",
    "x-unknown": "",
    "unknown-8bit": "",
    "unknown": "",
    "8bit": "",
    "binary": "",
    "x-user-defined": "",
    "default": "",
    "none": "",
    "us-ascii utf-8": "utf-8",
}
_NO_TEXT_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_NONE: frozenset[Doubt] = frozenset()
_REPAIRED = frozenset({Doubt.CHARSET_REPAIRED})
_LOST = frozenset({Doubt.CHARACTERS_LOST})
_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w.:-]{2,40})", re.IGNORECASE)
# UTF-8 read as Windows-1252: a lead octet seen as a letter, then a continuation octet seen as anything above 0x7f.
_MOJIBAKE = re.compile(
    "[\u00c2-\u00f4][\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
    "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
)


def decode_octets(octets: bytes, declared: str | None) -> tuple[str, frozenset[Doubt]]:
    """The text of a body part, with ``CHARSET_REPAIRED`` or ``CHARACTERS_LOST`` where either was needed."""
    if octets.isascii() and b"\x1b" not in octets:
        return _from_ascii(octets, declared)
    codec = codec_of(declared)
    if marked := _by_mark(octets):
        return marked, _NONE
    if codec in {"utf-8", "cp1252", "", None}:
        return _decode_latin_or_utf8(octets, codec)
    return _decode_declared(octets, codec or "")


@cache
def codec_of(declared: str | None) -> str | None:
    """Python's codec for a charset label: ``None`` where no label was given, ``""`` for an unknown one."""
    if not declared:
        return None
    label = declared.strip().strip("\"'").lower().replace(" ", "-")[:60]
    label = _ALIASES.get(label, label)
    try:
        info = codecs.lookup(label)
    except (LookupError, ValueError):
        return ""
    return "" if not info._is_text_encoding or info.name in _NO_TEXT_CODECS else info.name


def meta_charset(octets: bytes) -> str | None:
    """The charset that an HTML page's own head names, for parts that declare none."""
    found = _META.search(octets[:2048])
    return found[1].decode("ascii") if found else None


def repair_mojibake(text: str) -> tuple[str, frozenset[Doubt]]:
    """Undo UTF-8 that was once read as Windows-1252 ("GrÃ¼ÃŸe"), line by line where the whole does not go."""
    if text.isascii() or _MOJIBAKE.search(text) is None:
        return text, _NONE
    lines = [_unscramble(line) for line in text.split("\n")]
    repaired = "\n".join(lines)
    return repaired, _REPAIRED if repaired != text else _NONE


def _unscramble(line: str) -> str:
    if _MOJIBAKE.search(line) is None:
        return line
    octets = bytearray()
    for character in line:
        try:
            octets += character.encode("cp1252")
        except UnicodeEncodeError:
            if ord(character) > 0xFF:
                return line
            octets.append(ord(character))
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return line


def _from_ascii(octets: bytes, declared: str | None) -> tuple[str, frozenset[Doubt]]:
    """Seven-bit octets: plain, unless a charset with another use for them is declared (UTF-16, UTF-7)."""
    codec = codec_of(declared)
    if codec and (codec == "utf-7" or (codec.startswith(("utf-16", "utf-32")) and b"\x00" in octets)):
        return _decode_declared(octets, codec)
    return octets.decode("ascii"), _NONE


def _by_mark(octets: bytes) -> str | None:
    for mark, codec in ((codecs.BOM_UTF8, "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if octets.startswith(mark):
            try:
                return octets.decode(codec)
            except UnicodeDecodeError:
                return None
    return None


def _decode_latin_or_utf8(octets: bytes, codec: str | None) -> tuple[str, frozenset[Doubt]]:
    """Decide between UTF-8 and Windows-1252 by the octets; the label only says whether that was a repair."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_broken_utf8(octets, error) if codec == "utf-8" else _decode_single_octets(octets, codec)
    if codec == "utf-8":
        return repair_mojibake(text)
    repaired, _ = repair_mojibake(text)
    return repaired, _REPAIRED if codec == "cp1252" else _NONE


def _decode_single_octets(octets: bytes, codec: str | None) -> tuple[str, frozenset[Doubt]]:
    if _looks_arabic(octets):
        return octets.decode("cp1256"), _REPAIRED
    text = _windows_1252(octets)
    return text, _NONE if codec == "cp1252" else _REPAIRED


def _decode_broken_utf8(octets: bytes, error: UnicodeDecodeError) -> tuple[str, frozenset[Doubt]]:
    """UTF-8 by its label but not by its octets: cut off at the end, another charset, or damaged."""
    if error.reason == "unexpected end of data" and error.start >= len(octets) - 3:
        return octets[: error.start].decode("utf-8"), _REPAIRED
    text = octets.decode("utf-8", "replace")
    multibyte = sum(ord(character) > 0x7F and character != "\ufffd" for character in text)
    if multibyte:
        return text, _LOST
    return _decode_single_octets(octets, "")


def _decode_declared(octets: bytes, codec: str) -> tuple[str, frozenset[Doubt]]:
    """Any other charset by its label; UTF-8 that hides behind a wrong label is found by its sequences."""
    if not codec.startswith(("utf", "iso2022", "hz")):
        try:
            return octets.decode("utf-8"), _REPAIRED
        except UnicodeDecodeError:
            pass
    try:
        return repair_mojibake(octets.decode(codec))
    except (UnicodeDecodeError, LookupError):
        return octets.decode(codec, "replace"), _LOST


def _windows_1252(octets: bytes) -> str:
    """Windows-1252 with its five gaps filled as browsers do, so that no octet is lost."""
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(bytes((octet,)).decode("cp1252", "ignore") or chr(octet) for octet in octets)


def _looks_arabic(octets: bytes) -> bool:
    """Whether most letters are above 0x7f, which no Western language has, and fit Windows-1256's Arabic block."""
    high = [octet for octet in octets[:20_000] if octet >= 0x80]
    letters = len(high) + sum(octet in _ASCII_LETTERS for octet in octets[:20_000])
    arabic = sum(octet >= 0xC0 or octet in _ARABIC_LOW for octet in high)
    return len(high) >= 8 and len(high) > 0.6 * letters and arabic > 0.95 * len(high)


_ASCII_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ARABIC_LOW = frozenset(b"\x81\x8d\x8e\x8f\x90\x98\x9a\x9d\x9e\x9f\xa1\xaa\xba\xbf\xa0")
