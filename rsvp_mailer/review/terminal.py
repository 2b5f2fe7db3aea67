"""The queue on a terminal: items as cards, answers as one line. Texts here are for people at the office."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rsvp_mailer.domain import Attendance, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta, tzinfo

    from rich.console import Console

    from rsvp_mailer.domain import Answer, Evidence
    from rsvp_mailer.review.queue import Item

KINDS = {
    "held": "an answer to decide",
    "late": "an old mail, first seen just now: may its confirmation go out?",
    "undelivered": "a mail of ours that could not be delivered",
    "set_aside": "a mail that could not be processed",
}
REASONS = {
    Reason.ATTENDANCE_UNCLEAR: "does not say whether anybody comes",
    Reason.CONTRADICTION: "contradicts itself, or what was stored",
    Reason.PARTY_SIZE_MISSING: "the number of persons is missing",
    Reason.PARTY_SIZE_APPROXIMATE: "the number of persons is only approximate",
    Reason.PARTY_SIZE_LARGE: "a large group",
    Reason.OTHER_DATE: "speaks of another day",
    Reason.NEEDS_HISTORY: "changes an answer that is not stored",
    Reason.UNSURE_ABOUT_EVENT: "may be about something else",
    Reason.QUESTION_ONLY: "asks a question",
    Reason.SEVERAL_SENDERS: "speaks for several invitees",
    Reason.UNSUPPORTED_LANGUAGE: "is in a language that is not supported",
    Reason.UNREADABLE: "cannot be read by machine",
    Reason.SENDER_UNVERIFIED: "the sender is not certain",
    Reason.AFTER_DEADLINE: "came after the deadline",
}


def worded(answer: Answer | None) -> str:
    """An answer in a few words."""
    if answer is None or answer.attendance is None:
        return "no answer"
    if answer.attendance is Attendance.NO:
        return "no"
    size = "number unknown" if answer.party_size is None else f"{answer.party_size} in all"
    extras = [f"from {answer.arrival}"] if answer.arrival else []
    extras += [f"until {answer.departure}"] if answer.departure else []
    extras += [f"interpreter {' '.join(answer.interpreter)}"] if answer.interpreter else []
    return ", ".join([f"{answer.attendance}, {size}", *extras])


def worded_reasons(reasons: Iterable[str]) -> str:
    """The reasons, for people."""
    return "; ".join(REASONS[Reason(reason)] for reason in reasons)


def show_list(console: Console, items: list[Item], *, now: datetime) -> None:
    """One line an item."""
    if not items:
        console.print("Nothing waits.")
        return
    table = Table("item", "waits", "sender", "why", "suggestion", box=None, pad_edge=False)
    for each in items:
        why = KINDS[each.item.kind] if each.item.kind != "held" else worded_reasons(each.item.reasons)
        suggestion = worded(each.suggestion) if each.item.kind == "held" else ""
        table.add_row(str(each.item.id), _age(now - each.item.opened_at), escape(each.person), why, suggestion)
    console.print(table)
    console.print("\nrsvp-mailer review show ITEM")


def show_item(console: Console, each: Item, *, zone: tzinfo) -> None:
    """All that is needed to decide one item; the words that count are marked."""
    mail = each.mail
    lines = Text()
    lines.append(f"{KINDS[each.item.kind]}\n", "bold")
    if each.item.reasons:
        lines.append(f"Why: {worded_reasons(each.item.reasons)}\n")
    if mail is not None:
        when = mail.arrived_at or mail.seen_at
        name = mail.circumstances.sender_name if mail.circumstances else ""
        lines.append(f"From: {name} <{each.person}>\n".replace("  ", " "))
        lines.append(f"Came: {when.astimezone(zone):%d.%m.%Y %H:%M}\nSubject: {mail.subject or ''}\n\n")
        lines.append(marked(mail.own_words or "", mail.reading.evidence if mail.reading else ()))
        lines.append("\n")
    if each.sending is not None:
        lines.append(f"\nTo: {each.sending.recipient}\nSubject: {each.sending.subject}\n")
        lines.append(f"{each.sending.last_error or ''}\n")
    for step in each.history:
        lines.append(f"\n{step.recorded_at.astimezone(zone):%d.%m. %H:%M}  {worded(step.answer)}  ({step.by})", "dim")
    if each.item.kind == "held":
        lines.append("\nSuggestion: ")
        lines.append(f"{worded(each.suggestion)}\n", "bold")
    console.print(Panel(lines, title=f"item {each.item.id}", title_align="left", expand=False))
    console.print(_ways(each))


def marked(words: str, evidence: Iterable[Evidence]) -> Text:
    """Own words with the stretches that values rest on."""
    text = Text(words)
    for each in evidence:
        if each.source == "reply_text":
            text.stylize("bold reverse", each.start, each.end)
    return text


def _ways(each: Item) -> str:
    number = each.item.id
    if each.item.closed_at is not None:
        return f"Decided already. rsvp-mailer review undo {number}"
    ways = [f"rsvp-mailer review accept {number}", f"rsvp-mailer review dismiss {number}"]
    if each.item.kind == "held":
        ways.insert(1, f"rsvp-mailer review correct {number} yes|no|maybe [PERSONS]")
        if each.suggestion is None:
            ways.pop(0)
    return "\n".join(ways)


def _age(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return "now"
