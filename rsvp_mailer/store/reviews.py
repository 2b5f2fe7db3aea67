"""What waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, insert, select, update

from rsvp_mailer.store.tables import review

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One open or closed item; kinds are those of ``tables.review``."""

    id: int
    kind: str
    mail_id: int | None
    outgoing_id: int | None
    reasons: tuple[str, ...]
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


_COLUMNS = (
    review.c.id,
    review.c.kind,
    review.c.mail_id,
    review.c.outgoing_id,
    review.c.reasons,
    review.c.opened_at,
    review.c.due_at,
    review.c.closed_at,
)
_OF_MAIL = select(*_COLUMNS).where(
    review.c.mail_id == bindparam("of_mail"), review.c.kind == bindparam("of_kind"), review.c.closed_at.is_(None)
)


class Reviews:
    """Rows of ``review`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self,
        kind: str,
        reasons: Sequence[str],
        *,
        now: datetime,
        mail_id: int | None = None,
        outgoing_id: int | None = None,
        due_at: datetime | None = None,
    ) -> int:
        """Put an item into the queue; return its id."""
        result = self._connection.execute(
            insert(review).values(
                kind=kind,
                mail_id=mail_id,
                outgoing_id=outgoing_id,
                reasons=list(reasons),
                topic=reasons[0] if reasons else kind,
                opened_at=now,
                due_at=due_at,
            )
        )
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def of_mail(self, mail_id: int, kind: str = "held") -> ReviewItem | None:
        """Return the open item of this kind about a mail."""
        row = self._connection.execute(_OF_MAIL, {"of_mail": mail_id, "of_kind": kind}).first()
        return _item(row) if row else None

    def close(
        self,
        kind: str,
        *,
        now: datetime,
        by: str,
        mail_id: int | None = None,
        outgoing_id: int | None = None,
    ) -> None:
        """Close the open item of this kind about a mail or an outgoing row."""
        about = review.c.mail_id == mail_id if outgoing_id is None else review.c.outgoing_id == outgoing_id
        self._connection.execute(
            update(review)
            .where(review.c.closed_at.is_(None), review.c.kind == kind, about)
            .values(closed_at=now, closed_by=by)
        )

    def reword(self, item_id: int, reasons: Sequence[str]) -> None:
        """Replace the reasons of an open item."""
        self._connection.execute(
            update(review).where(review.c.id == item_id).values(reasons=list(reasons), topic=reasons[0])
        )

    def get(self, item_id: int) -> ReviewItem | None:
        """Return an item by its id."""
        row = self._connection.execute(select(*_COLUMNS).where(review.c.id == item_id)).one_or_none()
        return _item(row) if row else None

    def waiting(self, now: datetime) -> list[ReviewItem]:
        """Return the open items: those whose time has come first, then oldest first, the patient ones last."""
        urgency = case((review.c.due_at.is_(None), 1), (review.c.due_at <= now, 0), else_=2)
        rows = self._connection.execute(
            select(*_COLUMNS).where(review.c.closed_at.is_(None)).order_by(urgency, review.c.opened_at, review.c.id)
        )
        return [_item(row) for row in rows]


def _item(row: object) -> ReviewItem:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    values["reasons"] = tuple(values["reasons"])
    return ReviewItem(**values)
