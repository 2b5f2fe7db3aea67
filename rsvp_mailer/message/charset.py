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
from functools import lru_cache

from rsvp_mailer.domain import Doubt
from rsvp_mailer.message.mojibake import repair_mojibake

# Labels seen in mail that Python's codecs do not know, and those that WHATWG maps to another charset. What only
# differs by spelling ("x-windows-1256", "cp-850", "ISO_8859-6-E") is not here: see ``_spelled``.
_ALIASES = {
    **dict.fromkeys(("ascii", "us-ascii", "ansi_x3.4-1968", "646", "latin1", "latin-1", "l1", "ansi"), "cp1252"),
    **dict.fromkeys(("csisolatin1", "csascii", "iso-ir-100", "iso8859_1", "cp819", "cp20127", "cp28591"), "cp1252"),
    **dict.fromkeys(("unicode-1-1-utf-8", "utf8mb4", "utf-8859-1", "iso-utf-8", "utf-8n", "cp65001"), "utf-8"),
    **dict.fromkeys(("gb2312", "gbk", "gb_2312-80", "cn-gb", "cp936", "cp54936"), "gb18030"),
    **dict.fromkeys(("unicode", "ucs-2", "iso-10646-ucs-2", "csunicode"), "utf-16"),
    **dict.fromkeys(("ks_c_5601-1987", "euc-kr", "cp51949"), "cp949"),
    **dict.fromkeys(("iso-2022-jp", "iso-2022-jp-ms", "cp50220", "cp50221", "cp50222"), "iso2022_jp_ext"),
    **dict.fromkeys(("sjis", "shift_jis", "shift-jis", "windows-31j"), "cp932"),
    **dict.fromkeys(("unknown", "unknown-8bit", "8bit", "binary", "user-defined", "default", "none"), ""),
    **dict.fromkeys(("iso8859_9", "cp28599"), "cp1254"),
    **dict.fromkeys(("iso8859_11", "tis-620"), "cp874"),
    **dict.fromkeys(("asmo-708", "cp708", "cp28596", "cp38596"), "iso8859_6"),
    **dict.fromkeys(("logical", "visual", "cp28598", "cp38598"), "iso8859_8"),
    "cp28595": "iso8859_5",
    "cp28605": "iso8859_15",
    "macintosh": "mac_roman",
    "cp10000": "mac_roman",
    "cp10004": "mac_arabic",
    "cp1200": "utf-16-le",
    "cp1201": "utf-16-be",
    "cp20866": "koi8-r",
    "cp21866": "koi8-u",
    "koi8-ru": "koi8-u",
    "cp51932": "euc_jp",
    "cp52936": "hz",
    "hz-gb-2312": "hz",
    "big5": "big5hkscs",
}
_LABEL = re.compile(r"[\s\"'=_]*(?:3d)?[\s\"']*(?:x-)*([a-z0-9][\w.:+-]{0,60})")
_NUMBERED = re.compile(r"(?:windows|win|cp|ms|dos|ibm|oem)[-_]?0*(\d{3,5})$")
_ISO_8859 = re.compile(r"iso[-_]?8859[-_]?(\d{1,2})(?:[-_:]\w+)?$")
_MAC = re.compile(r"mac[-_]?(\w+)$")
_NO_TEXT_CODECS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_NONE: frozenset[Doubt] = frozenset()
_REPAIRED = frozenset({Doubt.CHARSET_REPAIRED})
_LOST = frozenset({Doubt.CHARACTERS_LOST})
_META = re.compile(rb"<meta[^>]{0,200}?charset\s{0,5}=\s{0,5}[\"']?\s{0,5}([\w.:-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"\s{0,20}<\?xml[^>]{0,100}?encoding\s{0,5}=\s{0,5}[\"']([\w.:-]{2,40})", re.IGNORECASE)
_ASCII = bytes(range(0x80))
_NO_ASCII_LETTERS = bytes(octet for octet in range(256) if not bytes((octet,)).isalpha())
_TYPED_ASCII = bytes({*range(0x20, 0x7F), *b"\t\n\v\f\r"})
_HIGH_OCTETS_OF_PAIRS = bytes({*range(9), *range(0x0E, 0x20)} - {0x1B})
_MARKS = (  # UTF-32's first: the little-endian one begins like that of UTF-16
    *((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig")),
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
_TAG = re.compile(rb"<[^<>]{0,1000}>")
_C1 = re.compile(rb"[\x80-\x9f]")
# ISO 8859 has no characters from 0x80 to 0x9f: text that uses them was written in the Windows charset beside it.
_WINDOWS = {
    "iso8859-2": "cp1250",
    "iso8859-4": "cp1257",
    "iso8859-5": "cp1251",
    "iso8859-6": "cp1256",
    "iso8859-7": "cp1253",
    "iso8859-8": "cp1255",
    "iso8859-13": "cp1257",
    "iso8859-15": "cp1252",
}
_ARABIC = frozenset("المنيوترهبةدسعأكحفش")
_CYRILLIC = frozenset("оеаинтсрвлкмдпуя")
# The letters that most of any text consists of, by the charsets that are guessed between.
_COMMON_LETTERS = {
    "cp1256": _ARABIC,
    "iso8859-6": _ARABIC,
    "cp720": _ARABIC,
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
}


def decode_octets(octets: bytes, declared: str | None) -> tuple[str, frozenset[Doubt]]:
    """The text of a body part, with ``CHARSET_REPAIRED`` or ``CHARACTERS_LOST`` where either was needed."""
    codec = codec_of(declared)
    if octets.isascii() and codec not in {"utf-7", "hz"} and not octets.translate(None, _TYPED_ASCII):
        return octets.decode("ascii"), _NONE
    if (marked := _by_mark(octets)) is not None:
        return marked, _NONE
    declared_wide = (codec or "").startswith(("utf-16", "utf-32"))
    if declared_wide or octets.isascii() or b"\x00" in octets:
        if wide := _wide_codec(octets, codec or ""):
            return _decode_declared(octets, wide, _NONE if declared_wide else _REPAIRED)
        codec = "" if declared_wide else codec
    if b"\x1b$" in octets and not (codec or "").startswith("iso2022"):
        return _decode_declared(octets, "iso2022_jp_ext", _REPAIRED)
    if codec in {"utf-8", "cp1252", "", None}:
        return _decode_latin_or_utf8(octets, codec)
    return _decode_declared(octets, codec or "", _NONE)


@lru_cache(1000)
def codec_of(declared: str | None) -> str | None:
    """Python's codec for a charset label: ``None`` where no label was given, ``""`` for an unknown one."""
    if not declared:
        return None
    try:
        info = codecs.lookup(_spelled(declared))
    except (LookupError, ValueError):
        return ""
    return "" if not info._is_text_encoding or info.name in _NO_TEXT_CODECS else info.name


def _spelled(declared: str) -> str:
    """A label in Python's spelling: ``"UTF-8;"``, ``Windows1256``, ``x-dos-720``, ``3D"iso-8859-6-e"``."""
    found = _LABEL.match(declared[:100].lower())
    label = found[1].rstrip(".:+-_") if found else ""
    label = _ALIASES.get(label, label)
    if number := _NUMBERED.match(label):
        label = f"cp{int(number[1])}"
    elif number := _ISO_8859.match(label):
        label = "cp1252" if number[1] == "1" else f"iso8859_{int(number[1])}"
    elif name := _MAC.match(label):
        label = f"mac_{name[1]}"
    return _ALIASES.get(label, label)


def meta_charset(octets: bytes) -> str | None:
    """The charset that an HTML page's own head names, for parts that declare none."""
    found = _META.search(octets[:4096]) or _XML.match(octets)
    return found[1].decode("ascii", "replace") if found else None


def _by_mark(octets: bytes) -> str | None:
    for mark, codec in _MARKS:
        if octets.startswith(mark):
            try:
                return octets.decode(codec)
            except UnicodeDecodeError:
                return None
    return None


def _wide_codec(octets: bytes, declared: str) -> str:
    """The UTF-16 or UTF-32 that octets are in, whatever their label says; empty where they are not."""
    if declared.startswith("utf-32") and b"\x00\x00" in octets:
        return declared
    first, second = octets[0:8000:2], octets[1:8000:2]
    high_first, high_second = (len(each) - len(each.translate(None, _HIGH_OCTETS_OF_PAIRS)) for each in (first, second))
    if high_first > 0.6 * len(first) and high_second < 0.2 * len(first):
        found = "utf-16-be"
    elif high_second > 0.6 * len(first) and high_first < 0.2 * len(first):
        found = "utf-16-le"
    elif declared.startswith("utf-16") and high_first + high_second:
        return declared
    else:
        return ""
    return found if declared or any(map(str.isalnum, octets[:8000].decode(found, "ignore"))) else ""


def _decode_latin_or_utf8(octets: bytes, codec: str | None) -> tuple[str, frozenset[Doubt]]:
    """Decide between UTF-8 and Windows-1252 by the octets; the label only says whether that was a repair."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_broken_utf8(octets, error) if codec == "utf-8" else _decode_single_octets(octets, codec)
    repaired, doubts = repair_mojibake(text)
    return repaired, _REPAIRED if codec == "cp1252" and not octets.isascii() else doubts


def _decode_single_octets(octets: bytes, codec: str | None) -> tuple[str, frozenset[Doubt]]:
    guessed = _guessed(octets, "cp1252")
    text = _windows_1252(octets) if guessed == "cp1252" else octets.decode(guessed, "replace")
    return text, _NONE if codec == guessed else _REPAIRED


def _decode_broken_utf8(octets: bytes, error: UnicodeDecodeError) -> tuple[str, frozenset[Doubt]]:
    """UTF-8 by its label but not by all octets: cut off at the end, damaged, or another charset, wholly or in lines.

    Gateways add footers in a charset of their own, so lines are judged one by one.
    """
    if error.reason == "unexpected end of data" and error.start >= len(octets) - 3:
        return octets[: error.start].decode("utf-8"), _REPAIRED
    lines = octets.split(b"\n")
    strange = [line for line in lines if not _is_utf8(line)]
    guessed = _guessed(b"\n".join(strange), "cp1252")
    text = "\n".join(_decode_strange(line, guessed) for line in lines)
    return text, _LOST if "\ufffd" in text else _REPAIRED


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode_strange(line: bytes, guessed: str) -> str:
    """A line of a mail that is not UTF-8 throughout. What has some of it was UTF-8 once, and lost something."""
    text = line.decode("utf-8", "replace")
    if "\ufffd" not in text:
        return text
    intact = sum(character > "\x7f" and character != "\ufffd" for character in text)
    if guessed == "cp1252":
        return text if intact else _windows_1252(line)
    return text if intact > text.count("\ufffd") else line.decode(guessed, "replace")


def _decode_declared(octets: bytes, codec: str, doubts: frozenset[Doubt]) -> tuple[str, frozenset[Doubt]]:
    """Any other charset by its label; UTF-8 that hides behind a wrong label is found by its sequences."""
    if not codec.startswith(("utf", "iso2022", "hz")):
        try:
            return octets.decode("utf-8"), _REPAIRED
        except UnicodeDecodeError:
            pass
    if codec in _WINDOWS and _C1.search(octets):
        codec = _WINDOWS[codec]
    elif codec in _COMMON_LETTERS or codec == "iso8859-15":
        guessed = _guessed(octets, codec)
        codec, doubts = guessed, doubts if guessed == codec else _REPAIRED
    try:
        text, repaired = repair_mojibake(octets.decode(codec))
        return text, doubts | repaired
    except (UnicodeDecodeError, LookupError):
        return octets.decode(codec, "replace"), _LOST


def _windows_1252(octets: bytes) -> str:
    """Windows-1252 with its five gaps filled as browsers do, so that no octet is lost."""
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(bytes((octet,)).decode("cp1252", "ignore") or chr(octet) for octet in octets)


def _guessed(octets: bytes, likely: str) -> str:
    """The charset of text whose letters are mostly above 0x7f, which no Western language has; else ``likely``."""
    sample = _TAG.sub(b" ", octets[:8000])[:4000]
    high = len(sample.translate(None, _ASCII))
    if high < 6 or high < 0.6 * (high + len(sample.translate(None, _NO_ASCII_LETTERS))):
        return likely
    shares = {codec: _share(sample, codec) for codec in _COMMON_LETTERS}
    best = max(shares, key=shares.__getitem__)
    return best if shares[best] > max(0.6, shares.get(likely, 0.0) + 0.07) else likely


def _share(octets: bytes, codec: str) -> float:
    """How much of the letters outside ASCII are the most common ones, were this the charset."""
    letters = [
        each for each in octets.decode(codec, "replace") if each > "\x7f" and (each.isalpha() or each == "\ufffd")
    ]
    return sum(letter in _COMMON_LETTERS[codec] for letter in letters) / max(1, len(letters))
