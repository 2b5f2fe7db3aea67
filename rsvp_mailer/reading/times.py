"""When somebody arrives late or leaves early, as ``HH:MM`` local time of the event."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rsvp_mailer.domain import Event
    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.statements import Statement

_CLOCK = re.compile(r"(\d{1,2})\s*(?:[:.h]\s*(\d{2}))?\s*(a\.?m|p\.?m)?")
_EVENING_HOURS = 12


def clock_time(text: str, event: Event) -> datetime | None:
    """A written time of day on the event's day; small hours are afternoon ones ("um 6")."""
    match = _CLOCK.match(text)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if (match[3] or "").startswith("p") or (
        hour < event.starts_at.hour and hour + _EVENING_HOURS <= event.ends_at.hour
    ):
        hour += _EVENING_HOURS if hour < _EVENING_HOURS else 0
    if hour > 23 or minute > 59:
        return None
    return event.starts_at.replace(hour=hour, minute=minute)


def find_times(statements: list[Statement], event: Event) -> tuple[tuple[str, Statement, Match] | None, ...]:
    """Arrival and departure, each with the statement and match that say so."""
    arrival = departure = None
    for statement in statements:
        if "question" in statement.flags or "earlier" in statement.flags:
            continue
        for match in statement.clause.means("late"):
            moment = _moment(statement, match, event, event.starts_at)
            if moment is not None and event.starts_at < moment <= event.ends_at:
                arrival = (f"{moment:%H:%M}", statement, match)
        for match in statement.clause.means("early"):
            moment = _moment(statement, match, event, event.ends_at)
            if moment is not None and event.starts_at < moment < event.ends_at:
                departure = (f"{moment:%H:%M}", statement, match)
    return arrival, departure


def _moment(statement: Statement, match: Match, event: Event, anchor: datetime) -> datetime | None:
    """The instant a match names: a clock time, or so many minutes (``value``) after start or before end."""
    sign = 1 if match.rule.means == "late" else -1
    for index in match.tokens:
        token = statement.clause.tokens[index]
        if "time" in token.classes:
            return clock_time(token.word, event)
        if token.value is not None and token.classes & {"minutes", "hours"}:
            return anchor + sign * timedelta(minutes=token.value * (60 if "hours" in token.classes else 1))
    if match.rule.value.isdigit():
        return anchor + sign * timedelta(minutes=int(match.rule.value))
    return None
