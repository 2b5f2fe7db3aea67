"""What keeps a part of the program from working until somebody acts, and when the administrator was told."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, insert, literal, or_, select, update

from rsvp_mailer.domain import Alert
from rsvp_mailer.store.tables import alert, outgoing, review

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

_COLUMNS = (alert.c.part, alert.c.message, alert.c.since)
_BROKEN = alert.c.message != ""

DELIVERIES = "deliveries"
_STUCK_AFTER = timedelta(hours=1)
_FAILING_WITHIN, _FAILING_FROM = timedelta(days=1), 3  # one bad address is no fault of the machine's


class Alerts:
    """Rows of ``alert`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def raise_(self, part: str, message: str, now: datetime) -> None:
        """Say that a part does not work; ``since`` stays that of the first alert."""
        worked, since = alert.c.message == "", literal(now, alert.c.since.type)
        broken = update(alert).values(message=message, since=case((worked, since), else_=alert.c.since))
        changed = self._connection.execute(broken.where(alert.c.part == part))
        if not changed.rowcount:
            self._connection.execute(insert(alert).values(part=part, message=message, since=now))

    def clear(self, part: str) -> None:
        """Say that a part works again. That the administrator was told is remembered: a restart clears, too."""
        self._connection.execute(update(alert).where(alert.c.part == part, _BROKEN).values(message=""))

    def all(self) -> list[Alert]:
        """Return what does not work, longest first."""
        rows = self._connection.execute(select(*_COLUMNS).where(_BROKEN).order_by(alert.c.since))
        return [Alert(row.part, row.message, row.since) for row in rows]

    def unnoticed(self, since: datetime, told_before: datetime) -> list[Alert]:
        """Return what has not worked since an instant, unless the administrator was told after ``told_before``."""
        rows = self._connection.execute(
            select(*_COLUMNS)
            .where(
                _BROKEN, alert.c.since <= since, or_(alert.c.noticed_at.is_(None), alert.c.noticed_at <= told_before)
            )
            .order_by(alert.c.since)
        )
        return [Alert(row.part, row.message, row.since) for row in rows]

    def watch_deliveries(self, now: datetime) -> None:
        """Raise or clear the part "deliveries": mail that waits for over an hour, or comes back again and again."""
        fault = self._stuck(now) or self._failing(now)
        if fault is None:
            self.clear(DELIVERIES)
        else:
            message, since = fault
            self.raise_(DELIVERIES, message, since)

    def _stuck(self, now: datetime) -> tuple[str, datetime] | None:
        row = self._connection.execute(
            select(func.count(), func.min(outgoing.c.created_at), func.max(outgoing.c.last_error)).where(
                outgoing.c.state == "waiting",
                outgoing.c.attempts > 0,
                outgoing.c.created_at <= now - _STUCK_AFTER,
                outgoing.c.kind != "notice",
            )
        ).one()
        if not row[0]:
            return None
        return f"{row[0]} mails of ours could not be sent for more than an hour: {row[2] or 'no answer'}", row[1]

    def _failing(self, now: datetime) -> tuple[str, datetime] | None:
        row = self._connection.execute(
            select(func.count(), func.min(review.c.opened_at)).where(
                review.c.kind == "undelivered", review.c.opened_at > now - _FAILING_WITHIN
            )
        ).one()
        if row[0] < _FAILING_FROM:
            return None
        return f"{row[0]} mails of ours could not be delivered within a day; see rsvp-mailer review list", row[1]

    def note(self, parts: Iterable[str], now: datetime) -> None:
        """Note that the administrator was told of these parts."""
        self._connection.execute(update(alert).where(alert.c.part.in_(list(parts))).values(noticed_at=now))
