"""Text of others on a terminal: harmless, and readable where it runs from right to left."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.measure import Measurement
from rich.text import Text

from rsvp_mailer.card import harmless

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

_FIRST_STRONG, _LEFT_TO_RIGHT, _END = "\u2068", "\u2066", "\u2069"
_FROM_THE_RIGHT = frozenset({"R", "AL", "AN"})


class Isolated:
    """Text whose right-to-left lines neither reorder what stands around them nor are reordered by it.

    Each line is wrapped first and then isolated, for a terminal orders every row by itself. ``office``: our own
    text, which runs from left to right even where a line begins with an Arabic name.
    """

    def __init__(self, text: str, style: str = "", *, office: bool = False) -> None:
        self._text = Text(harmless(text), style=style)
        self._begin = _LEFT_TO_RIGHT if office else _FIRST_STRONG

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Wrap, then isolate."""
        for line in self._text.wrap(console, options.max_width):
            line.rstrip()
            if any(unicodedata.bidirectional(character) in _FROM_THE_RIGHT for character in line.plain):
                yield Text.assemble(self._begin, line, _END)
            else:
                yield line

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as its text: the marks have no width."""
        return Measurement.get(console, options, self._text)
