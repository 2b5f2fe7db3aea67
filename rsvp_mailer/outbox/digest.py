"""The one mail a day to the staff: subject and first line carry the head count and what waits.

It names nobody unless the settings say so: an item is a number and a link, and whoever follows it signs in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import (
    Alert,
    Answer,
    Attendance,
    Balance,
    Change,
    DayCount,
    Figures,
    HeadCount,
    Moved,
    QueueCount,
    Reason,
    Tag,
    Task,
    Waiting,
)
from rsvp_mailer.outbox.mime import inline_part, one_line, write_mail
from rsvp_mailer.outbox.rendering import shipped_or

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from rsvp_mailer.domain import Event, OutgoingMail
    from rsvp_mailer.outbox.language import Language
    from rsvp_mailer.outbox.rendering import Section, Templates
    from rsvp_mailer.outbox.sender import Sender

LANGUAGES = ("de", "en")
MOST_LISTED = 25
_CHART_NAME = "chart.png"


@dataclass(frozen=True, slots=True)
class Form:
    """How the office wants its digest.

    ``names``: whether people are named. ``site``: where the pages are, without a slash at the end, or empty where
    there are none. ``templates``: a folder of the office's own.
    """

    language: str = "de"
    names: bool = False
    site: str = ""
    templates: Path | None = None


def compose_digest(
    figures: Figures,
    event: Event,
    sender: Sender,
    recipient: str,
    form: Form,
    *,
    token: str,
    now: datetime,
    chart: bytes = b"",
) -> OutgoingMail:
    """The digest for one recipient. Written even when nothing happened: silence would look like a failure.

    ``chart``: the curve as PNG (``chart.draw_chart``), or empty where there is nothing to draw yet.
    """
    content_id = f"{token}.chart@{sender.message_id_domain}"
    section = digest_section(figures, event, form, chart=f"cid:{content_id}" if chart else "")
    return write_mail(
        sender=sender,
        recipient=recipient,
        subject=section.subject,
        token=token,
        now=now.astimezone(event.starts_at.tzinfo),
        text=section.text,
        html=shipped_or(form.templates).document([section]),
        languages=[section.language.html_code],
        automatic="auto-generated",
        pictures=[inline_part(chart, "image/png", _CHART_NAME, content_id)] if chart else [],
    )


def digest_section(figures: Figures, event: Event, form: Form, *, chart: str = "") -> Section:
    """Subject, text and HTML of the digest; ``chart``: address of the picture, if there is one."""
    templates = shipped_or(form.templates)
    values = _values(figures, event, form, templates.languages[form.language], chart)
    return templates.render("digest", form.language, values)


def digest_faults(event: Event, templates: Templates) -> list[str]:
    """Faults of the digest's templates: "file:line: reason", found by rendering samples."""
    samples = [
        (Figures(event.starts_at), Form()),
        (_busy_figures(event.starts_at), Form(names=True)),
        (replace(_busy_figures(event.starts_at), balance=Balance(9, 1, 1, 1, 1)), Form(site="https://pages.example")),
    ]
    return [
        fault
        for code in LANGUAGES
        for figures, form in samples
        for fault in templates.faults(
            "digest", code, _values(figures, event, form, templates.languages[code], "cid:x" if form.names else "")
        )
    ]


def _values(figures: Figures, event: Event, form: Form, language: Language, chart: str) -> dict[str, Any]:
    zone = event.starts_at.tzinfo

    def moment(instant: datetime | None) -> str:
        return language.moment(instant.astimezone(zone)) if instant else ""

    def waits(since: datetime) -> str:
        return language.ago(figures.as_of - since)

    moved = figures.moved
    return {
        "event_title": event.title,
        "as_of": moment(figures.as_of),
        "since": moment(figures.since),
        "head_count": figures.head_count,
        "moved": moved,
        "delta": moved.certain if figures.since else None,
        "queue": figures.queue,
        "undelivered": figures.undelivered,
        "balance": figures.balance,
        "outgoing": [each for each in figures.outgoing if each[1]],
        "sheets": figures.sheets,
        "interpreters": [(language.names.get(code, code), count) for code, count in figures.interpreters],
        "needs": figures.needs,
        "alerts": [{"message": one_line(each.message), "since": moment(each.since)} for each in figures.alerts],
        "changes": [
            {"who": _who(change.name, change.person, form), "before": change.before, "after": change.after}
            for change in figures.changes[:MOST_LISTED]
        ],
        "more_changes": moved.new + moved.changed + moved.cancelled - min(MOST_LISTED, len(figures.changes)),
        "waiting": [
            {
                "id": item.id,
                "kind": item.kind,
                "who": _who(item.name, item.person, form),
                "reasons": item.reasons,
                "waits": waits(item.opened_at),
                "url": f"{form.site}/queue/{item.id}" if form.site else "",
            }
            for item in figures.waiting[:MOST_LISTED]
        ],
        "more_waiting": figures.queue.total - min(MOST_LISTED, len(figures.waiting)),
        "tasks": [
            {
                "id": task.id,
                "kind": task.kind,
                "who": _who(task.name, task.person, form),
                "waits": waits(task.opened_at),
            }
            for task in figures.tasks[:MOST_LISTED]
        ],
        "more_tasks": sum(count for _, count in figures.open_tasks) - min(MOST_LISTED, len(figures.tasks)),
        "site": form.site,
        "chart": chart,
        "curve": _span(figures.curve, language),
        "worded": _worded,
        "counted": _counted,
        "worked": _worked,
    }


def _span(curve: Sequence[DayCount], language: Language) -> dict[str, Any]:
    """What the picture shows, for those who do not see it; empty before the first answer."""
    if not curve:
        return {}
    first, last = language.short_day(curve[0].day), language.short_day(curve[-1].day)
    return {"first": first, "last": last, "certain": curve[-1].certain, "maybe": curve[-1].maybe}


def _who(name: str, person: str, form: Form) -> str:
    if not form.names:
        return ""
    name = one_line(name)
    if "@" not in person:
        return name
    return f"{name} <{person}>" if name else person


def _worded(kind: str, codes: Iterable[str], names: Mapping[str, str]) -> str:
    """Kind and reasons of a waiting item, in words."""
    return ", ".join([kind] * bool(kind) + [names.get(code, code) for code in codes])


def _counted(pairs: Iterable[tuple[str, int]], names: Mapping[str, str]) -> str:
    return ", ".join(f"{names.get(code, code)} ({count})" for code, count in pairs)


def _worked(pairs: Iterable[tuple[str, int]], names: Mapping[str, str]) -> str:
    return ", ".join(f"{count} {names[code]}" for code, count in pairs if code in names)


def _busy_figures(now: datetime) -> Figures:
    """A sample in which everything happens, so that every line of a template is rendered."""
    person = "kim@example.org"
    yes, maybe, no = Answer(Attendance.YES, 3), Answer(Attendance.MAYBE, None), Answer(Attendance.NO, 0)
    changes = (Change("Kim", person, None, yes), Change("", person, yes, maybe), Change("", "tel:1", maybe, no))
    waiting = tuple(
        Waiting(number, kind, "", person, (Reason.CONTRADICTION, Reason.OTHER_DATE), now - timedelta(hours=number))
        for number, kind in enumerate(("held", "late", "undelivered", "set_aside"))
    )
    return Figures(
        as_of=now,
        since=now - timedelta(days=1),
        head_count=HeadCount(9, 2, 3, 1, 1, 1, 4, 1, 1),
        moved=Moved(new=MOST_LISTED, changed=2, cancelled=1, certain=4),
        changes=changes,
        queue=QueueCount(kinds=(("held", 1), ("undelivered", MOST_LISTED)), today=1, yesterday=1, this_week=1, older=1),
        waiting=waiting,
        open_tasks=((Tag.QUESTION, MOST_LISTED),),
        tasks=tuple(Task(n, kind, "Kim", person, 1, now - timedelta(days=n)) for n, kind in enumerate(Tag)),
        balance=Balance(4, 1, 1, 1, 1),
        outgoing=tuple((state, 1) for state in ("waiting", "parked", "sending", "sent", "failed", "superseded")),
        interpreters=(("ar", 1), ("ku", 2)),
        needs=((Tag.DIET, 1),),
        sheets=1,
        curve=(DayCount(date(2017, 11, 5), 5, 1), DayCount(date(2017, 11, 6), 9, 2)),
        alerts=(Alert("smtp", "the mail server cannot be reached", now - timedelta(hours=2)),),
    )
