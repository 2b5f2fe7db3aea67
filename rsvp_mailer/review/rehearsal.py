"""What a decision sends: read off the rows that it wrote, for good or in a rehearsal that is rolled back."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from rsvp_mailer.store.sendings import Sending
    from rsvp_mailer.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of ours as its reader will see it; ``text`` is empty where it was not asked for.

    ``parked``: it waits for another decision, for the mail that it answers came long ago.
    """

    recipient: str
    kind: str
    subject: str
    due_at: datetime
    parked: bool
    attachments: tuple[str, ...] = ()
    text: str = ""


def newest_letter(tx: Transaction) -> int:
    """A mark to which ``letters_since`` looks back."""
    return tx.sendings.newest()


def letters_since(tx: Transaction, mark: int, *, texts: bool) -> tuple[Letter, ...]:
    """The mails written after the mark that still are to go out, in their order."""
    return tuple(_letter(tx, each, texts=texts) for each in tx.sendings.written_after(mark))


def _letter(tx: Transaction, sending: Sending, *, texts: bool) -> Letter:
    text, attachments = _content(tx.sendings.octets(sending.id)) if texts else ("", ())
    return Letter(
        recipient=sending.recipient,
        kind=sending.kind,
        subject=sending.subject,
        due_at=sending.due_at,
        parked=sending.state == "parked",
        attachments=attachments,
        text=text,
    )


def _content(octets: bytes) -> tuple[str, tuple[str, ...]]:
    mail = message_from_bytes(octets, policy=policy.default)
    body = mail.get_body(("plain",))
    names = tuple(name for part in mail.iter_attachments() if (name := part.get_filename()))
    return (body.get_content() if body is not None else "", names)
