"""The one mail a day to the staff: subject and first line carry the head count and what waits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import (
    Answer,
    Attendance,
    Balance,
    Change,
    Figures,
    HeadCount,
    Moved,
    QueueCount,
    Reason,
    Tag,
    Waiting,
)
from rsvp_mailer.outbox.mime import one_line, write_mail
from rsvp_mailer.outbox.rendering import shipped_or

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from rsvp_mailer.domain import Event, OutgoingMail
    from rsvp_mailer.outbox.language import Language
    from rsvp_mailer.outbox.rendering import Section, Templates
    from rsvp_mailer.outbox.sender import Sender

LANGUAGES = ("de", "en")
_MAX_LISTED_CHANGES = 100


def compose_digest(
    figures: Figures,
    event: Event,
    sender: Sender,
    recipient: str,
    *,
    token: str,
    now: datetime,
    language: str = "de",
    templates: Path | None = None,
) -> OutgoingMail:
    """The digest for one recipient. Written even when nothing happened: silence would look like a failure."""
    section = digest_section(figures, event, language=language, templates=templates)
    return write_mail(
        sender=sender,
        recipient=recipient,
        subject=section.subject,
        token=token,
        now=now.astimezone(event.starts_at.tzinfo),
        text=section.text,
        html=shipped_or(templates).document([section]),
        languages=[section.language.html_code],
        automatic="auto-generated",
    )


def digest_section(figures: Figures, event: Event, *, language: str = "de", templates: Path | None = None) -> Section:
    """Subject, text and HTML of the digest, for ``digest --preview``."""
    spoken = shipped_or(templates).languages[language]
    return shipped_or(templates).render("digest", language, _values(figures, event, spoken))


def digest_faults(event: Event, templates: Templates) -> list[str]:
    """Faults of the digest's templates: "file:line: reason", found by rendering samples."""
    return [
        fault
        for code in LANGUAGES
        for figures in (_quiet_figures(event.starts_at), _busy_figures(event.starts_at))
        for fault in templates.faults("digest", code, _values(figures, event, templates.languages[code]))
    ]


def _values(figures: Figures, event: Event, language: Language) -> dict[str, Any]:
    zone = event.starts_at.tzinfo
    listed = figures.changes[:_MAX_LISTED_CHANGES]
    return {
        "event_title": event.title,
        "as_of": language.moment(figures.as_of.astimezone(zone)),
        "since": language.moment(figures.since.astimezone(zone)) if figures.since else "",
        "head_count": figures.head_count,
        "delta": figures.moved.certain if figures.since else None,
        "waits": figures.queue.total,
        "balance": figures.balance,
        "failed": dict(figures.outgoing).get("failed", 0),
        "outgoing": figures.outgoing,
        "sheets": figures.sheets,
        "tags": [(tag, count) for tag, count in figures.needs if count],
        "interpreters": ", ".join(
            f"{language.names.get(code, code)} ({count})" for code, count in figures.interpreters if count
        ),
        "changes": [
            {"who": _who(change.name, change.person), "before": change.before, "after": change.after}
            for change in listed
        ],
        "more_changes": figures.moved.new + figures.moved.changed + figures.moved.cancelled - len(listed),
        "waiting": [
            {
                "id": item.id,
                "kind": item.kind,
                "who": _who(item.name, item.person),
                "reasons": item.reasons,
                "waits": language.ago(figures.as_of - item.opened_at),
            }
            for item in sorted(figures.waiting, key=lambda item: item.opened_at)
        ],
        "counted": _counted,
        "worded": _worded,
    }


def _who(name: str, person: str) -> str:
    name = one_line(name)
    if person.startswith("tel:"):
        return name or "Tel."
    return f"{name} <{person}>" if name else person


def _counted(pairs: Iterable[tuple[str, int]], names: Mapping[str, str]) -> str:
    return ", ".join(f"{names.get(code, code)} ({count})" for code, count in pairs)


def _worded(kind: str, codes: Iterable[str], names: Mapping[str, str]) -> str:
    """Kind and reasons of a waiting item, in words."""
    return ", ".join([kind] * bool(kind) + [names.get(code, code) for code in codes])


def _quiet_figures(now: datetime) -> Figures:
    return Figures(now)


def _busy_figures(now: datetime) -> Figures:
    person = "kim@example.org"
    yes, maybe, no = Answer(Attendance.YES, 3), Answer(Attendance.MAYBE, None), Answer(Attendance.NO, 0)
    changes = (Change("Kim", person, None, yes), Change("", person, yes, maybe), Change("", "tel:1", maybe, no))
    many = changes * (1 + _MAX_LISTED_CHANGES // len(changes))
    waiting = tuple(
        Waiting(number, kind, "", person, (Reason.CONTRADICTION, Reason.OTHER_DATE), now - timedelta(hours=number))
        for number, kind in enumerate(("held", "late", "undelivered", "set_aside"))
    )
    return Figures(
        as_of=now,
        since=now - timedelta(days=1),
        head_count=HeadCount(9, 2, 3, 1, 1, 1, 4, 1, 1),
        moved=Moved(new=len(many) + 1),
        changes=many,
        queue=QueueCount((("held", 4),), today=4),
        waiting=waiting,
        balance=Balance(9, 1, 1, 1, 1),
        outgoing=tuple((state, 1) for state in ("waiting", "parked", "sending", "sent", "failed", "superseded")),
        interpreters=(("ar", 1), ("ku", 2)),
        needs=((Tag.DIET, 1),),
        sheets=1,
    )
