"""Content-Transfer-Encoding (RFC 2045, 6) undone, also where the encoded text or its label was damaged on the way.

What may live here: from a part's text as it was sent to octets. What cannot be had back is said, never guessed.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message as MimePart

_LABEL = re.compile(r"[\s\"'=]*(?:3d)?(x-)?([a-z0-9-]+)")
_BASE64 = frozenset({"base64", "base-64", "b64", "b"})
_QUOTED = frozenset({"quoted-printable", "quoted_printable", "quotedprintable", "quoted", "qp", "q"})
_UUENCODE = frozenset({"uuencode", "uue", "uu"})
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_NO_SYMBOLS = bytes(set(range(256)) - set(_ALPHABET))
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_CHUNK = re.compile(rb"[^=]+=*")
_SPACED_SOFT_BREAK = re.compile(rb"=[ \t]{1,80}(?=\r?\n)")
_FEWEST_SYMBOLS = 0.9  # of a line of base64, noise aside; prose has more spaces and stops than that


def payload_of(part: MimePart) -> bytes:
    """The decoded octets of a part, damaged ones as far as they go; never raises."""
    return decoded(part)[0]


def decoded(part: MimePart) -> tuple[bytes, bool]:
    """The octets of a part, and whether some of them were certainly lost on the way; never raises."""
    payload = vars(part)["_payload"]  # get_payload() decodes 8-bit text by its label, and loses what does not fit
    if not isinstance(payload, str):
        return b"", False
    octets = _as_sent(payload)
    label = _label_of(part)
    if label in _BASE64:
        return _from_base64(octets)
    if label in _QUOTED:
        return _from_quoted_printable(octets), False
    if label in _UUENCODE:
        return _from_uuencode(octets)
    return octets, False


def is_cut_off(part: MimePart) -> bool:
    """Whether a part that no end line follows may go on: base64 that padding does not end."""
    payload = vars(part)["_payload"]
    label = _label_of(part)
    return label in _BASE64 and isinstance(payload, str) and not payload.rstrip().endswith("=")


def _label_of(part: MimePart) -> str:
    found = _LABEL.match(str(part.get("content-transfer-encoding", "")).lower()[:100])
    return found[2] if found else ""


def _as_sent(payload: str) -> bytes:
    try:
        return payload.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return payload.encode("utf-8", "replace")


def _from_quoted_printable(octets: bytes) -> bytes:
    if b"= " in octets or b"=\t" in octets:
        octets = _SPACED_SOFT_BREAK.sub(b"=", octets)
    return binascii.a2b_qp(octets)


def _from_base64(octets: bytes) -> tuple[bytes, bool]:
    try:
        return binascii.a2b_base64(octets.translate(None, b"\r\n \t"), strict_mode=True), False
    except (binascii.Error, ValueError):
        return _from_damaged_base64(octets)


def _from_damaged_base64(octets: bytes) -> tuple[bytes, bool]:
    """Base64 with noise, without padding, in several padded stretches or with a footer below; or no base64 at all."""
    lines = [line for line in octets.splitlines() if line.strip()]
    encoded = [symbols for line in lines if (symbols := _symbols(line))]
    if 2 * sum(map(len, encoded)) < sum(map(len, lines)):
        return octets, False
    chunks = _CHUNK.findall(b"".join(encoded).translate(_URL_SAFE))
    lost = False
    out = []
    for chunk in chunks:
        symbols = chunk.rstrip(b"=")
        lost = lost or len(chunk) % 4 != 0  # no program of today leaves padding out: the end is missing
        symbols = symbols[: len(symbols) - (len(symbols) % 4 == 1)]
        out.append(b64decode(symbols + b"=" * (-len(symbols) % 4)))
    return b"".join(out), lost


def _symbols(line: bytes) -> bytes:
    """What of a line is base64; nothing where it is prose or a rule."""
    symbols = line.translate(None, _NO_SYMBOLS)
    is_rule = not any(map(str.isalnum, symbols.decode("ascii")))
    return b"" if is_rule or len(symbols) < _FEWEST_SYMBOLS * len(line.strip()) else symbols


def _from_uuencode(octets: bytes) -> tuple[bytes, bool]:
    """The block between ``begin`` and ``end``; lines that cannot be decoded are left out."""
    lines = octets.splitlines()
    begin = next((at for at, line in enumerate(lines) if line.startswith(b"begin ")), None)
    if begin is None:
        return octets, False
    out, lost = [], True
    for line in lines[begin + 1 :]:
        if line.strip() in {b"end", b"`", b""}:
            lost = False
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            length = ((line[0] - 32) & 63) * 4 // 3 + 5  # some encoders count a line's padding wrong
            try:
                out.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                return b"".join(out), True
    return b"".join(out), lost
