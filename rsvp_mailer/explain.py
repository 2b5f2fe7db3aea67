"""How is a mail understood, and on which words does that rest? Without network, database or history.

One JSON object a line, in the form that stays stable for other programs, or a card for people. A file that cannot
be read, or on which our own code fails, yields its line too and stops nothing.

On a card the sender's words are made harmless first: a terminal obeys escape sequences, and bidi overrides could
show a "no" as something else. Each line of theirs is isolated (FSI ... PDI), so that right-to-left text neither
reorders nor is reordered by what stands around it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rsvp_mailer.decide import circumstances_of, decide
from rsvp_mailer.inbox.files import read_files
from rsvp_mailer.log import bare_traceback
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from rsvp_mailer.domain import Decision, Event, Evidence, MailboxIdentity, Message, RawMail, Reading
    from rsvp_mailer.inbox.files import FileMail
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.settings import Settings

# Line ends to some readers of text, and not escaped by json: one object must stay on one line for all of them.
_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_BIDI_CONTROLS = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\u200b")
_CONTROLS = dict.fromkeys((*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)), "\ufffd")
_HARMLESS = _BIDI_CONTROLS | _CONTROLS | {0x09: " "}
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
_STYLES = {"attendance": "bold green", "party_size": "bold cyan", "interpreter": "magenta", "tags": "yellow"}


@dataclass(frozen=True, slots=True)
class Explained:
    """One message as understood; the message, reading and decision are ``None`` where it could not be read."""

    path: str
    index: int | None
    message: Message | None = None
    reading: Reading | None = None
    decision: Decision | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Reads single messages as of an event; keeps nothing from one to the next."""

    event: Event
    identity: MailboxIdentity
    lexicon: Lexicon

    @classmethod
    def of(cls, settings: Settings) -> Explainer:
        """For the event and the mailbox of the settings."""
        return cls(settings.events[0].event(), settings.mailboxes[0].identity(), load_lexicon())

    def explain(self, file: FileMail) -> Explained:
        """Read one message; whatever happens, there is an outcome."""
        if file.mail is None:
            return Explained(file.path, file.index, fault=file.error or "cannot be read")
        try:
            return Explained(file.path, file.index, *self._read(file.mail))
        except Exception as error:  # as in intake: one message must not stop the others
            sys.stderr.write(f"{file.path}: our own fault, please report it\n{bare_traceback(error)}\n")
            return Explained(file.path, file.index, fault=f"our own code failed ({type(error).__name__})")

    def _read(self, mail: RawMail) -> tuple[Message, Reading, Decision]:
        message = parse_message(mail, self.event, self.identity)
        reading = read_reply(message, self.event, self.lexicon)
        return message, reading, decide(reading, circumstances_of(message), None, self.event)


def explain_paths(paths: Iterable[Path], settings: Settings, out: TextIO, *, as_json: bool) -> None:
    """Write what ``paths`` hold, in order, each message as soon as it is read; ``BrokenPipeError`` from ``out``."""
    console = Console(file=out, highlight=False)
    for explained in _all(paths, Explainer.of(settings)):
        if as_json:
            out.write(json_line(explained) + "\n")
        else:
            console.print(card(explained))
        out.flush()


def _all(paths: Iterable[Path], explainer: Explainer) -> Iterator[Explained]:
    return (explainer.explain(file) for file in read_files(paths))


# --- for programs ------------------------------------------------------------------------------------------------


def json_line(explained: Explained) -> str:
    """The stable form: one object, no line break of any kind in it."""
    return json.dumps(as_record(explained), ensure_ascii=False).translate(_LINE_ENDS)


def as_record(explained: Explained) -> dict[str, Any]:
    """The values of the reading guide, in their order; ``index`` only for messages of an mbox."""
    message, reading, decision = explained.message, explained.reading, explained.decision
    record: dict[str, Any] = {"path": explained.path}
    if explained.index is not None:
        record["index"] = explained.index
    if message is None or reading is None or decision is None:
        return record | dict(_UNREADABLE)
    return record | {
        "message_id": message.message_id,
        "kind": reading.kind,
        "attendance": reading.attendance,
        "party_size": reading.party_size,
        "decision": "auto" if decision.automatic else "review",
        "reasons": list(decision.reasons),
        "language": reading.language,
        "arrival": reading.arrival,
        "departure": reading.departure,
        "interpreter": list(reading.interpreter),
        "tags": list(reading.tags),
        "reply_text": message.own_words.text,
        "evidence": [asdict(evidence) for evidence in reading.evidence],
    }


_UNREADABLE: dict[str, Any] = {
    "message_id": None,
    "kind": "rsvp",
    "attendance": None,
    "party_size": None,
    "decision": "review",
    "reasons": ["unreadable"],
    "language": "und",
    "arrival": None,
    "departure": None,
    "interpreter": [],
    "tags": [],
    "reply_text": "",
    "evidence": [],
}


# --- for people --------------------------------------------------------------------------------------------------


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
