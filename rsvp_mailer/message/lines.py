"""The lines of a body, plain or HTML, in the one form that ``reply_text`` reads, and the marks found among them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What separators are drawn with: hyphens and dashes of any kind, underscores, signs, box drawing.
RULE_SIGNS = "-_=–—*~#‐‑‒―−─━═⸺⸻﹘－＿"
_QUOTED = re.compile(r"^[ \t]{0,2}((?:>[ \t]?)+)(.*)$", re.DOTALL)
_LONGEST_PREFIX = 400
_MOST_QUOTED = 8  # people whose initials mark quotes
_INITIALS = re.compile(r"^[ \t]{0,2}([^\W\d_]{1,4})>+(?: |$)", re.MULTILINE)


@dataclass(slots=True)
class Line:
    """One line as shown.

    ``depth``: how many quotes it stands in. ``mark``: the rule by which the client's own mark removes it
    ("signature.client"), or "rest.…" where everything from here on is the quoted mail. ``weak``: it stands in
    a blockquote that no client has marked, so only an attribution line makes it a quote. ``coloured``: its
    text has a colour of its own.
    """

    text: str
    part: str
    depth: int = 0
    mark: str = ""
    weak: bool = False
    coloured: bool = False


@dataclass(frozen=True, slots=True)
class QuoteStart:
    """The beginning of quoted mail: how many ``lines`` its mark takes, and by which rule.

    ``certain``: only a program can have written it. ``head``: the sender's own words that precede the mark in
    its first line.
    """

    lines: int
    rule: str
    certain: bool = True
    head: str = ""


def next_text(lines: Sequence[Line], at: int) -> int:
    """The index of the next line that is not empty, at most a few lines on; ``len(lines)`` for none."""
    for index in range(at, min(at + 6, len(lines))):
        if lines[index].text:
            return index
    return len(lines)


def _fenced(rows: Sequence[str]) -> frozenset[int]:
    """The lines between a pair of code fences, where ``>`` is no quote."""
    fences = [index for index, row in enumerate(rows) if row.startswith("```")]
    return frozenset(
        inside for begin, end in zip(fences[::2], fences[1::2], strict=False) for inside in range(begin, end)
    )


def _initials(text: str) -> re.Pattern[str] | None:
    """The Bat's marks: lines that begin with the quoted person's initials, ``HY> ``, each set at least twice."""
    found = Counter(_INITIALS.findall(text)).most_common(_MOST_QUOTED)
    repeated = sorted((name for name, count in found if count > 1), key=len, reverse=True)
    return re.compile(rf"[ \t]{{0,2}}(?:{'|'.join(repeated)})(>+)(?= |$)") if repeated else None


def plain_lines(text: str) -> list[Line]:
    """The lines of a plain part; ``>`` at the beginning is depth, and leaves the text.

    A line that begins with ``>>`` and ends with ``<<`` is an ornament.
    """
    out = []
    initials = _initials(text) if ">" in text else None
    fenced = "```" in text
    rows = text.split("\n")
    unquoted = _fenced(rows) if fenced else frozenset()
    for index, raw in enumerate(rows):
        line = raw.rstrip()
        if index in unquoted:
            out.append(Line(line, "text/plain"))
            continue
        if initials:
            line = initials.sub(r"\1", line, count=1)
        depth = 0
        if line[:3].lstrip()[:1] == ">" and (found := _QUOTED.match(line[:_LONGEST_PREFIX])):
            depth = found[1].count(">")
            depth = 0 if depth > 1 and found[2].endswith("<<") else depth
            line = (found[2] + line[_LONGEST_PREFIX:]).lstrip() if depth else line
        out.append(Line(line, "text/plain", depth))
    return out
