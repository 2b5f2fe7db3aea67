"""The curve of sign-ups as a picture for the digest: persons certain, and above them those who may come."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import DayCount
from rsvp_mailer.typesetting import png

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from rsvp_mailer.outbox.language import Language

WIDTH, HEIGHT = 480, 230  # CSS pixels as shown; drawn twice as fine
_TEMPLATE = Path(__file__).with_name("chart.typ")
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 66, 18, 36
_STEPS = (1, 2, 5)


def draw_chart(curve: Sequence[DayCount], today: date, language: Language) -> bytes:
    """The picture as PNG, from the day before the first answer to ``today``; ``curve`` is not empty."""
    days = daily(curve, today)
    return png(_TEMPLATE, _shapes(days, language), pixels_per_point=2)


def daily(curve: Sequence[DayCount], today: date) -> list[DayCount]:
    """One entry for each day, from an empty one before the first to ``today``."""
    known = {each.day: each for each in curve}
    first = min(known) - timedelta(days=1)
    days = [DayCount(first, 0, 0)]
    while days[-1].day < max(today, *known):
        day = days[-1].day + timedelta(days=1)
        days.append(known.get(day, DayCount(day, days[-1].certain, days[-1].maybe)))
    return days


def grid(most: int) -> list[int]:
    """Round figures from 0 to ``most`` or a little above it, three to five of them."""
    step, scale = 1, 1
    while True:
        for factor in _STEPS:
            step = factor * scale
            if step * 4 >= most:
                return list(range(0, -(-max(most, 1) // step) * step + 1, step))
        scale *= 10


def _unbroken(words: str) -> str:
    return words.replace(" ", "\u00a0")


def _shapes(days: Sequence[DayCount], language: Language) -> dict[str, Any]:
    lines = grid(max(max(0, day.certain) + max(0, day.maybe) for day in days))

    def x(at: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * at / (len(days) - 1)

    def y(count: int) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * max(0, count) / lines[-1]

    floor, last = y(0), days[-1]
    certain = [[x(at), y(day.certain)] for at, day in enumerate(days)]
    both = [[x(at), y(day.certain + day.maybe)] for at, day in enumerate(days)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": _LEFT,
        "right": WIDTH - _RIGHT,
        "grid": [{"y": y(line), "words": language.number(line)} for line in lines],
        "certain": certain,
        "certain_area": [*certain, [x(len(days) - 1), floor], [x(0), floor]],
        "maybe_area": [*both, *reversed(certain)],
        "certain_words": language.number(last.certain),
        "maybe_words": _unbroken(f"+{language.number(last.maybe)} ?") if last.maybe > 0 else "",
        "maybe_y": y(last.certain + last.maybe),
        "first_day": _unbroken(language.short_day(days[0].day)),
        "last_day": _unbroken(language.short_day(last.day)),
        "floor": floor,
    }
