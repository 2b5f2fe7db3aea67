"""The growing result of the pass over a body's lines: what is the person's, what was cut, and by which rule."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.message.lines import RULE_SIGNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.domain import Doubt
    from rsvp_mailer.message.lines import Line

FOOTER_RULE = re.compile(rf"[{RULE_SIGNS}]{{3,}}$")


_DASHES = re.compile(rf"[{RULE_SIGNS}]{{2,}}$")


@dataclass(slots=True)
class Sorting:
    """The pass over the lines: what was kept, what was cut and by which rule, and the marks met on the way."""

    kept: list[tuple[Line, str | None]] = field(default_factory=list)
    cuts: list[tuple[str, list[str]]] = field(default_factory=list)
    doubts: set[Doubt] = field(default_factory=set)
    client_mark: bool = False
    rest: list[Line] = field(default_factory=list)
    forwarded: bool = False
    last_quoted: str = ""
    reclaimable: list[Line] = field(default_factory=list)
    footers: list[Line] = field(default_factory=list)
    in_signature: bool = False
    dashes: int = 0
    worded: bool = False
    weak_is_quote: bool = False

    def cut(self, rule: str, text: str) -> None:
        """Note a line that is left out."""
        if self.cuts and self.cuts[-1][0] == rule:
            self.cuts[-1][1].append(text)
        else:
            self.cuts.append((rule, [text]))


def has_text(kept: Sequence[tuple[Line, str | None]]) -> bool:
    """Whether any kept line has a letter or a digit."""
    return any(line.text and any(map(str.isalnum, line.text)) for line, _ in kept)


def take_rule_above(kept: list[tuple[Line, str | None]]) -> str:
    """Take the "--" or the rule from the end of what was kept; the empty string where none stands there."""
    above = next((line.text for line, _ in reversed(kept) if line.text), "")
    if not _DASHES.match(above):
        return ""
    while not kept[-1][0].text:
        kept.pop()
    return kept.pop()[0].text


def drop_rule_above(sorting: Sorting) -> None:
    """Take back the line of dashes that stood above a header block."""
    while sorting.kept and (not sorting.kept[-1][0].text or FOOTER_RULE.match(sorting.kept[-1][0].text)):
        line, _ = sorting.kept.pop()
        if line.text:
            sorting.cut("quote.separator", line.text)
