"""Where a quoted mail begins: separators, header blocks, attribution lines, and what a few programs do instead.

What may live here: the order in which a line is asked for the marks. Nothing is cut here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.message.attribution import attribution
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.header_block import header_block
from rsvp_mailer.message.lines import RULE_SIGNS, QuoteStart, next_text
from rsvp_mailer.message.notes_block import notes_block
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.message.lines import Line

_RULE = re.compile(rf"[{RULE_SIGNS}]{{2,}}")
_GROUPWISE = re.compile(r"^.{3,200}?\d.{0,100}(?:>>>|:)\s*$")
_OLD_GMAIL = re.compile(r"^\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:\d\d \S")
_NOTES = re.compile(r"^.{2,80}---\s?\d{1,2}[./-]\d{1,2}[./-]\d{2,4}.{0,40}---")


def quote_start(lines: Sequence[Line], at: int) -> QuoteStart | None:
    """The mark that begins at line ``at``, if any."""
    text = lines[at].text
    if not text:
        return None
    if separator := _separator(text):
        below = next_text(lines, at + 1)
        block = header_block(lines, below, separated=True) if below < len(lines) else None
        return QuoteStart(below + block.lines - at if block else 1, separator)
    return header_block(lines, at) or attribution(lines, at) or notes_block(lines, at) or _groupwise_or_notes(text)


def _separator(text: str) -> str:
    """The rule for "-----Original Message-----" and its kin, or the empty string."""
    if len(text) > 200:
        return ""
    stripped = text.lstrip()
    ruled = _RULE.match(stripped) is not None
    bare = text.strip(RULE_SIGNS + " \t>|[]") if ruled or stripped[:1] in "*_#" or text.endswith(":") else ""
    if not bare:
        return ""
    folded = fold(bare.rstrip(":： "))
    patterns = load_patterns()
    for kind, rule in (("quote.forwarded", "forward.separator"), ("quote.original", "quote.separator")):
        if folded in patterns.singles[kind] or (ruled and patterns.starts[kind].match(folded)):
            return rule
    return ""


def _groupwise_or_notes(text: str) -> QuoteStart | None:
    if _NOTES.match(text[:300]) or _OLD_GMAIL.match(text[:100]):
        return QuoteStart(1, "quote.notes")
    return None


def groupwise(text: str, depth: int) -> bool:
    """GroupWise's ">>> Name 06.11.17 10:23 >>>", which looks like a line quoted three times."""
    return depth == 3 and _GROUPWISE.match(text[:400]) is not None and text.rstrip().endswith((">>>", "wrote:", ":"))
