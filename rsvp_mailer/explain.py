"""How is a mail understood, and on which words does that rest? Without network, database or history.

One JSON object a line, in the form that stays stable for other programs, or a card for people. A file that cannot
be read, or on which our own code fails, yields its line too and stops nothing.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, TextIO

from rsvp_mailer.decide import circumstances_of, decide
from rsvp_mailer.inbox.files import read_files
from rsvp_mailer.log import bare_traceback
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.outbox.confirmation import Composer
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rsvp_mailer.domain import Decision, Event, MailboxIdentity, Message, RawMail, Reading
    from rsvp_mailer.inbox.files import FileMail
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.settings import Settings

# Not escaped by json, but line ends to some readers of text, or commands to a terminal.
_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}


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
        """For the event and the mailbox of the settings; ``ConfigError`` where a template cannot be used."""
        event = settings.events[0]
        composer = Composer(event.event(), settings.sender, templates=event.templates, steckbrief=None)
        identity = replace(settings.mailboxes[0].identity(), message_id_domain=settings.sender.message_id_domain)
        return cls(event.event(composer.own_texts()), identity, load_lexicon())

    def explain(self, file: FileMail) -> Explained:
        """Read one message; whatever happens, there is an outcome."""
        if file.mail is None:
            return Explained(file.path, file.index, fault=file.error or "cannot be read")
        try:
            message, reading, decision = self._read(file.mail)
        except Exception as error:  # as in intake: one message must not stop the others
            sys.stderr.write(f"{file.path}: our own fault, please report it\n{bare_traceback(error)}\n")
            return Explained(file.path, file.index, fault=f"our own code failed ({type(error).__name__})")
        if _is_no_mail(message):
            return Explained(file.path, file.index, fault="is no mail: no sender, subject, date or Message-ID")
        return Explained(file.path, file.index, message, reading, decision)

    def _read(self, mail: RawMail) -> tuple[Message, Reading, Decision]:
        message = parse_message(mail, self.event, self.identity)
        reading = read_reply(message, self.event, self.lexicon)
        return message, reading, decide(reading, circumstances_of(message), None, self.event)


def _is_no_mail(message: Message) -> bool:
    """Whether a file that was taken for mail holds something else, or nothing."""
    return not (message.sender or message.subject or message.arrived_at or message.message_id)


def explain_paths(paths: Iterable[Path], settings: Settings, out: TextIO, *, as_json: bool) -> None:
    """Write what ``paths`` hold, in order, each message as soon as it is read; ``BrokenPipeError`` from ``out``."""
    explainer = Explainer.of(settings)
    show = _json_writer(out) if as_json else _card_writer(out)
    for file in read_files(paths, max_message_bytes=settings.limits.max_message_bytes):
        show(explainer.explain(file))
        out.flush()


def _json_writer(out: TextIO) -> Callable[[Explained], None]:
    return lambda explained: print(json_line(explained), file=out)


def _card_writer(out: TextIO) -> Callable[[Explained], None]:
    from rich.console import Console  # noqa: PLC0415 - programs that ask for JSON need no Rich

    from rsvp_mailer.card import card  # noqa: PLC0415

    console = Console(file=out, highlight=False)
    return lambda explained: console.print(card(explained))


def json_line(explained: Explained) -> str:
    """The stable form: one object, no line break of any kind in it."""
    return json.dumps(as_record(explained), ensure_ascii=False).translate(_ESCAPED)


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
