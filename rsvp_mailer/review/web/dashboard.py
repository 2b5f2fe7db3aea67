"""The first page: how many come, what waits, what does not work and what to do about it.

Its figures are those of the digest and the exports: one function counts them all (``store.figures``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.review.web.charts import curve, range_bar

if TYPE_CHECKING:
    from starlette.responses import Response

    from rsvp_mailer.domain import Figures
    from rsvp_mailer.review.web.visit import Visit

_WIDE, _NARROW = (1040, 300), (330, 240)  # a drawing for a screen, and one for a telephone
_LISTED_DAYS = 14
_STATES = ("waiting", "parked", "sending", "sent", "failed")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that does not work, worded by ``dashboard.trouble.<key>``; ``told``: the program's own words."""

    key: str
    told: str = ""
    count: int = 0


def show(visit: Visit) -> Response:
    """How things stand."""
    figures = visit.office.figures()
    capacity = visit.office.settings.events[0].capacity
    today = figures.as_of.astimezone(visit.office.event.starts_at.tzinfo).date()
    curves = [
        curve(figures.curve, today, width=wide, height=high, capacity=capacity) for wide, high in (_WIDE, _NARROW)
    ]
    return visit.page(
        "dashboard.html",
        figures=figures,
        count=figures.head_count,
        capacity=capacity,
        room=_room(figures, capacity),
        bar=range_bar(figures.head_count, capacity),
        curves=[each for each in curves if each],
        recent=figures.curve[-_LISTED_DAYS:][::-1],
        outgoing={state: dict(figures.outgoing).get(state, 0) for state in _STATES},
        troubles=_troubles(figures, at_work=visit.office.at_work()),
    )


def _room(figures: Figures, capacity: int | None) -> str:
    """How the head count stands to the place's size: a key below ``dashboard.room``."""
    if capacity is None:
        return ""
    if figures.head_count.lowest > capacity:
        return "over"
    return "tight" if figures.head_count.highest > capacity else "free"


def _troubles(figures: Figures, *, at_work: bool) -> list[Trouble]:
    """What does not work, the worst first."""
    found = [] if figures.balance.holds else [Trouble("balance")]
    if not at_work:
        found.append(Trouble("stopped"))
    parts = {"mailbox": "mailbox", "smtp": "smtp", "pages": "pages"}
    found += [Trouble(parts.get(alert.part.split()[0], "other"), alert.message) for alert in figures.alerts]
    if figures.undelivered:
        found.append(Trouble("undelivered", count=figures.undelivered))
    set_aside = dict(figures.queue.kinds).get("set_aside", 0)
    if set_aside:
        found.append(Trouble("set_aside", count=set_aside))
    return found
