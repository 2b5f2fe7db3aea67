"""One page for the caterer and the interpreters, without a name: how many, when, what they need, which languages."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance
from rsvp_mailer.export.columns import clean
from rsvp_mailer.typesetting import pdf

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rsvp_mailer.domain import Event, Figures
    from rsvp_mailer.export.wording import Wording
    from rsvp_mailer.store.register import Entry

_TEMPLATE = Path(__file__).with_name("planning.typ")


def planning_sheet(
    figures: Figures, entries: Iterable[Entry], event: Event, wording: Wording, *, day: str, as_of: str
) -> bytes:
    """The page as a tagged PDF. ``day``, ``as_of``: as people read them; ``entries``: every guest."""
    arrivals, departures, with_interpreter = Counter[str](), Counter[str](), Counter[str]()
    for entry in entries:
        for code in entry.answer.interpreter:
            with_interpreter[code] += entry.persons
        if entry.answer.attendance is Attendance.YES:
            arrivals.update({entry.answer.arrival or "": entry.persons})
            departures.update({entry.answer.departure or "": entry.persons})
    count = figures.head_count
    return pdf(
        _TEMPLATE,
        {
            "words": dict(wording.words),
            "language": wording.code,
            "title": clean(event.title),
            "day": day,
            "place": clean(f"{event.place}, {event.street_address}"),
            "as_of": as_of,
            "head_count": {
                "certain": count.certain,
                "maybe": count.maybe,
                "lowest": count.lowest,
                "highest": count.highest,
                "in_review": count.held_items,
            },
            "needs": [[wording[code], number] for code, number in figures.needs],
            "interpreters": [[wording[code], number, with_interpreter[code]] for code, number in figures.interpreters],
            "arrivals": _by_time(arrivals),
            "departures": _by_time(departures),
        },
    )


def _by_time(persons: Counter[str]) -> list[list[str | int]]:
    return [[time, number] for time, number in sorted(persons.items()) if time and number]
