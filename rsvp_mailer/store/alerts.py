"""What keeps a part of the program from working until somebody acts, and when the administrator was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, or_, select, update

from rsvp_mailer.domain import Alert
from rsvp_mailer.store.tables import alert

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

_COLUMNS = (alert.c.part, alert.c.message, alert.c.since)


class Alerts:
    """Rows of ``alert`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def raise_(self, part: str, message: str, now: datetime) -> None:
        """Say that a part does not work; ``since`` stays that of the first alert."""
        changed = self._connection.execute(update(alert).where(alert.c.part == part).values(message=message))
        if not changed.rowcount:
            self._connection.execute(insert(alert).values(part=part, message=message, since=now))

    def clear(self, part: str) -> None:
        """Say that a part works again."""
        self._connection.execute(delete(alert).where(alert.c.part == part))

    def all(self) -> list[Alert]:
        """Return what does not work, longest first."""
        rows = self._connection.execute(select(*_COLUMNS).order_by(alert.c.since))
        return [Alert(row.part, row.message, row.since) for row in rows]

    def unnoticed(self, since: datetime, told_before: datetime) -> list[Alert]:
        """Return what has not worked since an instant, unless the administrator was told after ``told_before``."""
        rows = self._connection.execute(
            select(*_COLUMNS)
            .where(alert.c.since <= since, or_(alert.c.noticed_at.is_(None), alert.c.noticed_at <= told_before))
            .order_by(alert.c.since)
        )
        return [Alert(row.part, row.message, row.since) for row in rows]

    def note(self, parts: Iterable[str], now: datetime) -> None:
        """Note that the administrator was told of these parts."""
        self._connection.execute(update(alert).where(alert.c.part.in_(list(parts))).values(noticed_at=now))
