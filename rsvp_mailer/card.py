"""A message shown to a person on a terminal: values, own words with the deciding ones in colour, rules.

The sender's words are made harmless first: a terminal obeys escape sequences, and bidi overrides could show a "no"
as something else. Each line of theirs is isolated (FSI ... PDI), so that right-to-left text neither reorders nor is
reordered by what stands around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rsvp_mailer.explain import as_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rsvp_mailer.domain import Evidence
    from rsvp_mailer.explain import Explained

_BIDI_CONTROLS = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\u200b")
_CONTROLS = dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)), "\ufffd")
_HARMLESS = _BIDI_CONTROLS | _CONTROLS | {0x09: " "}
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
_STYLES = {"attendance": "bold green", "party_size": "bold cyan", "interpreter": "magenta", "tags": "yellow"}


def card(explained: Explained) -> Panel:
    """The message as a card: values, own words with the deciding ones in colour, and the rules behind them."""
    record = as_record(explained)
    title = explained.path if explained.index is None else f"{explained.path} [{explained.index}]"
    parts: list[Text | Table] = [_values(record)]
    if explained.message is not None and explained.reading is not None:
        words = explained.message.own_words.text
        parts += [Text(), marked(words, explained.reading.evidence)] if words.strip() else []
        parts += [Text(), _rules(explained.reading.evidence)] if explained.reading.evidence else []
    else:
        parts.append(Text(harmless(explained.fault), style="red"))
    automatic = record["decision"] == "auto"
    return Panel(
        Group(*parts), title=Text(harmless(title)), title_align="left", border_style="green" if automatic else "yellow"
    )


def _values(record: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    for field, value in record.items():
        if field in {"path", "index", "reply_text", "evidence"} or value in (None, []):
            continue
        shown = ", ".join(value) if isinstance(value, list) else str(value)
        style = "bold yellow" if shown == "review" or field == "reasons" else "bold"
        table.add_row(Text(field, style="dim"), Text(harmless(shown), style=style))
    return table


def marked(words: str, evidence: Iterable[Evidence]) -> Text:
    """The sender's words, harmless, each line isolated, with those that something rests on in colour."""
    text = Text(harmless(words))
    for item in evidence:
        if item.source == "reply_text":
            text.stylize(_STYLES.get(item.field, "underline"), item.start, item.end)
    lines = text.split("\n", allow_blank=True)
    return Text("\n").join(Text.assemble(_ISOLATE, line, _END_OF_ISOLATE) for line in lines)


def _rules(evidence: Iterable[Evidence]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for heading in ("field", "rule", "from", "words"):
        table.add_column(heading)
    for item in evidence:
        style = _STYLES.get(item.field, "underline")
        words = Text(_ISOLATE + harmless(item.text).replace("\n", " ") + _END_OF_ISOLATE, style=style)
        table.add_row(item.field, item.rule, item.source, words)
    return table


def harmless(text: str) -> str:
    """Text of others, safe to show on a terminal: character for character, so that spans still fit."""
    return text.translate(_HARMLESS)
