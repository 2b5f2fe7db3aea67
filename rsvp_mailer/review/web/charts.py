"""Geometry of the charts: numbers in, coordinates out; the templates draw them as SVG, without a script.

Lengths are units of the drawing's own view box. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.domain import DayCount, HeadCount

_DAY = timedelta(days=1)
_LEAST_DAYS = 7  # a curve of one day would be a wall


@dataclass(frozen=True, slots=True)
class Stretch:
    """One part of the bar: what it stands for, how many persons, where it begins and how long it is (per mille)."""

    kind: str
    persons: int
    start: float
    length: float


@dataclass(frozen=True, slots=True)
class Range:
    """The head count as a bar of 1,000 units. ``capacity``: where the mark of the full house stands, if known."""

    stretches: tuple[Stretch, ...]
    capacity: float | None


def range_bar(count: HeadCount, capacity: int | None) -> Range:
    """Certain persons (those that a held mail may take away apart), then maybe, then what waits in review."""
    parts = (
        ("certain", count.lowest),
        ("fewer", count.certain - count.lowest),
        ("maybe", count.maybe),
        ("review", count.held_persons),
    )
    whole = max(count.highest, capacity or 0, 1) * 1.02
    stretches, start = [], 0.0
    for kind, persons in parts:
        length = 1000 * persons / whole
        if persons:
            stretches.append(Stretch(kind, persons, round(start, 1), round(length, 1)))
        start += length
    return Range(tuple(stretches), round(1000 * capacity / whole, 1) if capacity else None)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis."""

    at: float
    value: int | date


@dataclass(frozen=True, slots=True)
class Curve:
    """Head count by day as two stepped areas: ``certain``, and ``highest`` (certain and maybe) behind it.

    ``day_width``: distance of two days. ``certain`` and ``highest`` are paths; ``line`` is the upper edge of the first.
    """

    width: int
    height: int
    left: int
    bottom: int
    day_width: float
    certain: str
    highest: str
    line: str
    days: tuple[Tick, ...]
    persons: tuple[Tick, ...]
    capacity: float | None


def curve(days: Sequence[DayCount], today: date, *, width: int, height: int, capacity: int | None) -> Curve | None:
    """The curve up to the end of today; ``None`` before the first answer."""
    if not days:
        return None
    left, top, right, bottom = 40, 12, width - 12, height - 28
    first = min(days[0].day, today - (_LEAST_DAYS - 1) * _DAY)
    end = max(today, days[-1].day) + _DAY
    most = max(each.certain + each.maybe for each in days)
    shown_capacity = capacity if capacity and capacity <= 2 * max(most, 1) else None
    step = nice_step(max(most, shown_capacity or 0, 1))
    top_value = step * -(-max(most, shown_capacity or 0, 1) // step)

    def x(day: date) -> float:
        return round(left + (right - left) * ((day - first) / (end - first)), 1)

    def y(persons: float) -> float:
        return round(bottom - (bottom - top) * persons / top_value, 1)

    return Curve(
        width=width,
        height=height,
        left=left,
        bottom=bottom,
        day_width=round(x(first + _DAY) - left, 1),
        certain=_area([(x(each.day), y(each.certain)) for each in days], x(end), y(0)),
        highest=_area([(x(each.day), y(each.certain + each.maybe)) for each in days], x(end), y(0)),
        line=_steps([(x(each.day), y(each.certain)) for each in days], x(end)),
        days=tuple(Tick(x(day), day) for day in _some_days(first, end - _DAY, most=max(2, width // 110))),
        persons=tuple(Tick(y(value), value) for value in range(0, top_value + 1, step)),
        capacity=y(shown_capacity) if shown_capacity else None,
    )


def nice_step(most: int) -> int:
    """A round distance of grid lines, so that there are three to six of them up to ``most``."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if most <= 5 * step * factor:
                return step * factor
        step *= 10


def _some_days(first: date, last: date, *, most: int) -> list[date]:
    """The last day and others at equal distances before it, ``most`` at the utmost."""
    step = max(1, -(-((last - first).days + 1) // most))
    return sorted(last - index * step * _DAY for index in range(most) if last - index * step * _DAY >= first)


def _steps(points: Sequence[tuple[float, float]], end: float) -> str:
    """A path that stays level until the next day on which something moved."""
    path = [f"M{points[0][0]} {points[0][1]}"]
    for (_, before), (x, y) in pairwise(points):
        path.append(f"H{x}" if before == y else f"H{x}V{y}")
    return "".join([*path, f"H{end}"])


def _area(points: Sequence[tuple[float, float]], end: float, ground: float) -> str:
    return f"M{points[0][0]} {ground}L{_steps(points, end)[1:]}V{ground}Z"
