"""Forms of text below MIME: format=flowed (RFC 3676), enriched (RFC 1896), clear-signed (RFC 9580), uuencoded.

What may live here: from text to text, without knowledge of parts, languages or replies.
"""

from __future__ import annotations

import re

from rsvp_mailer.domain import Attachment

_FLOWED_LINE = re.compile(r"^(>*) ?(.*)$")
_UUENCODED = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n((?:[\x20-\x60]{1,86}\n)*?)`?\n?end[ \t]*$", re.MULTILINE)
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_SIGNATURE_END = "-----END PGP SIGNATURE-----"
_PARAMETER = re.compile(r"<param>.{0,500}?</param>", re.IGNORECASE | re.DOTALL)
_LINE_ENDS = re.compile(r"\n(\n*)")


def unflow(text: str, *, delete_space: bool) -> str:
    """Join the soft line breaks of format=flowed: a line that ends in a space goes on below."""
    out: list[str] = []
    pending: list[str] = []
    level = ""
    for line in text.split("\n"):
        quote, content = _FLOWED_LINE.match(line).groups()  # type: ignore[union-attr]  # matches every line
        if pending and quote != level:
            out.append(_join(level, pending))
            pending = []
        level = quote
        soft = content.endswith(" ") and content != "-- "
        if pending and content == "-- ":
            out.append(_join(level, pending))
            pending = []
        pending.append(content[:-1] if soft and delete_space else content)
        if not soft:
            out.append(_join(level, pending))
            pending = []
    if pending:
        out.append(_join(level, pending))
    return "\n".join(out)


def _join(quote: str, pending: list[str]) -> str:
    line = "".join(pending)
    return f"{quote} {line}" if quote else line


def html_of_enriched(text: str) -> str:
    """Its marks look like HTML's; one line end is a space, and of several there is one less."""
    text = _PARAMETER.sub("", text.replace("\r\n", "\n")).replace("<<", "&lt;")
    return _LINE_ENDS.sub(lambda ends: "<br>" * len(ends[1]) or " ", text)


def without_uuencoded(text: str) -> tuple[str, tuple[Attachment, ...]]:
    """The text, and the files that stood in it."""
    if "begin " not in text or "\nend" not in text:
        return text, ()
    files = tuple(
        Attachment(found[1].strip(), "application/octet-stream", len(found[2]) * 3 // 4)
        for found in _UUENCODED.finditer(text)
    )
    return _UUENCODED.sub("", text), files


def without_clear_signature(text: str) -> str:
    """The text that was signed, its escaped dashes as they were typed, and what stands outside of the signature."""
    if _SIGNED not in text:
        return text
    out: list[str] = []
    state = ""
    for line in text.split("\n"):
        mark = line.rstrip()
        if mark == _SIGNED:
            state = "head"
        elif state == "head":
            state = "head" if mark else "signed"
        elif state == "signed" and mark == _SIGNATURE:
            state = "signature"
        elif state == "signature":
            state = "" if mark == _SIGNATURE_END else state
        else:
            out.append(line[2:] if state == "signed" and line.startswith("- ") else line)
    return "\n".join(out)
