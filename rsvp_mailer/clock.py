"""What time is it? The one seam to the system's clock; everything else gets the time as an argument.

A demonstration or a replay runs *as of* another moment: its clock is shifted, runs on at the usual speed, and
the arrival times that a mail server writes are shifted with it, so that a mail that has just come has just come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def system_now() -> datetime:
    """The system's time, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that is ``shift`` ahead of the system's (behind it where negative). All times are aware."""

    shift: timedelta = timedelta()
    system: Callable[[], datetime] = system_now

    @classmethod
    def as_of(cls, moment: datetime, system: Callable[[], datetime] = system_now) -> Clock:
        """A clock that shows ``moment`` (aware) now and runs on from there."""
        return cls(moment - system(), system)

    def now(self) -> datetime:
        """The time by this clock, in UTC."""
        return self.system() + self.shift

    def arrival(self, server_time: datetime) -> datetime:
        """What this clock showed when a server wrote ``server_time`` (IMAP's INTERNALDATE)."""
        return server_time + self.shift

    def server_time(self, moment: datetime) -> datetime:
        """What a server writes at ``moment`` of this clock: the inverse of ``arrival``, for search by date."""
        return moment - self.shift


def parse_moment(text: str, zone: tzinfo) -> datetime:
    """Read a day ("2017-11-06"), or day and time, local to ``zone`` unless it brings its offset; ``ValueError``."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
