"""When a digest is due. Pure arithmetic: whether it was sent is a question to the store."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import tzinfo

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def last_due(now: datetime, at: time, weekdays: Collection[str], zone: tzinfo) -> datetime:
    """Return the newest instant not after ``now`` (aware) at which a digest was due.

    ``at``: local time in ``zone``, on the days named in ``weekdays`` (``mon`` … ``sun``, at least one). A local
    time that a clock change skips falls as much later; one that comes twice is due at its first coming.
    """
    today = now.astimezone(zone).date()
    for days_ago in range(8):
        day = today - timedelta(days=days_ago)
        due = datetime.combine(day, at, tzinfo=zone)
        if due <= now and _WEEKDAYS[day.weekday()] in weekdays:
            return due
    msg = f"no day of the week among {sorted(weekdays)}"
    raise ValueError(msg)
