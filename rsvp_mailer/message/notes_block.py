"""Lotus Notes' header block: who wrote and when, then labels without colons, beside or above their values.

What may live here: one look-up on lines, which cuts nothing. Cells of Notes' table become lines of their own
("An", "Samira Haddad <...>", "Thema") or one line ("An Samira Haddad <...>").
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.header_block import DATE, TIME
from rsvp_mailer.message.lines import QuoteStart
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.message.lines import Line

_LONGEST = 16  # lines, empty ones included
_LONGEST_LABEL = 20  # characters


def notes_block(lines: Sequence[Line], at: int) -> QuoteStart | None:
    """The block that begins at line ``at`` with the writer's address or a label, if any."""
    first = lines[at].text
    if not (_names_writer(first) if "@" in first else _bare_role(first)):
        return None
    seen: set[str] = set()
    for index in range(at, min(at + _LONGEST, len(lines))):
        text = lines[index].text
        if lines[index].depth != lines[at].depth or len(text) > 300:
            return None
        bare = _bare_role(text)
        roles = bare or (_bare_role(text.partition(" ")[0]) if seen or index > at else frozenset())
        seen |= roles
        if "subject" in roles:
            below = index + 1
            end = below + bool(bare and below < len(lines) and lines[below].text)
            return _judge(lines[at:end], seen)
    return None


def _judge(block: Sequence[Line], seen: set[str]) -> QuoteStart | None:
    joined = " ".join(line.text for line in block)
    moment = DATE.search(joined) is not None and TIME.search(joined) is not None
    if "to" not in seen or not moment or not ("@" in joined or "from" in seen):
        return None
    return QuoteStart(len(block), "quote.header_block", certain="@" in joined)


def _names_writer(text: str) -> bool:
    return text[-1:] in {">", ")"} and len(text) < 160


def _bare_role(text: str) -> frozenset[str]:
    """The roles of a label that stands alone, without a colon."""
    return _role(text) if 0 < len(text) <= _LONGEST_LABEL else frozenset()


@lru_cache(maxsize=1024)
def _role(text: str) -> frozenset[str]:
    return load_patterns().labels.get(fold(text), frozenset())
