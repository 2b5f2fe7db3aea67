"""The lines of a body, plain or HTML, in the one form that ``reply_text`` reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = re.compile(r"^[ \t]{0,2}((?:>[ \t]?)+)(.*)$", re.DOTALL)
_LONGEST_PREFIX = 400


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


def plain_lines(text: str) -> list[Line]:
    """The lines of a plain part; ``>`` at the beginning is depth, and leaves the text."""
    out = []
    for raw in text.split("\n"):
        line = raw.rstrip()
        depth = 0
        if line[:3].lstrip()[:1] == ">" and (found := _QUOTED.match(line[:_LONGEST_PREFIX])):
            depth = found[1].count(">")
            line = (found[2] + line[_LONGEST_PREFIX:]).lstrip() if depth else line
        out.append(Line(line, "text/plain", depth))
    return out
