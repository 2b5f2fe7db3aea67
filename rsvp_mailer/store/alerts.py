"""What keeps a part of the program from working until somebody acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - a field's type
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from rsvp_mailer.store.tables import alert

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Alert:
    """``part`` ("mailbox office", "smtp") has not worked ``since``; ``message`` says why and what to do."""

    part: str
    message: str
    since: datetime


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
        rows = self._connection.execute(select(alert.c.part, alert.c.message, alert.c.since).order_by(alert.c.since))
        return [Alert(row.part, row.message, row.since) for row in rows]
