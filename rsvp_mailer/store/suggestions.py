"""What the suggestions of held items would move in the head count, written beside them.

It depends on two rows, the item and the present answer of the same person; whoever writes one of them calls
``weigh`` in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select, update

from rsvp_mailer.domain import Attendance
from rsvp_mailer.store.guest_tables import guest
from rsvp_mailer.store.tables import mail, review

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_COMING = (Attendance.YES.value, Attendance.MAYBE.value)
_HELD = (
    select(review.c.id, review.c.suggestion, review.c.adds, review.c.takes, guest.c.attendance, guest.c.party_size)
    .join(mail, mail.c.id == review.c.mail_id)
    .outerjoin(guest, and_(guest.c.event == mail.c.event, guest.c.person == mail.c.person))
    .where(review.c.kind == "held")
)


def of_item(item_id: int) -> ColumnElement[bool]:
    """One item."""
    return review.c.id == item_id


def of_person(person: str, event: str) -> ColumnElement[bool]:
    """All items of a person, closed ones too: they may be opened again."""
    return and_(mail.c.person == person, mail.c.event == event)


def weigh(connection: Connection, which: ColumnElement[bool]) -> int:
    """Write what held items would add and take; return how many said something else before."""
    rows = connection.execute(_HELD.where(which)).all()
    weights = {row.id: _weight(row.suggestion, row.attendance, row.party_size) for row in rows}
    moved = [row.id for row in rows if weights[row.id] != (row.adds, row.takes)]
    for item_id in moved:
        adds, takes = weights[item_id]
        connection.execute(update(review).where(review.c.id == item_id).values(adds=adds, takes=takes))
    return len(moved)


def _weight(suggestion: dict[str, object] | None, stored: str | None, stored_size: int | None) -> tuple[int, int]:
    said = suggestion["attendance"] if suggestion else None
    if not suggestion or not isinstance(said, str):
        return 0, 0
    size = suggestion["party_size"]
    said_size = size if isinstance(size, int) else None
    return (
        max(0, _most(said, said_size) - _most(stored, stored_size)),
        max(0, _least(stored, stored_size) - _least(said, said_size)),
    )


def _most(attendance: str | None, size: int | None) -> int:
    return (1 if size is None else size) if attendance in _COMING else 0


def _least(attendance: str | None, size: int | None) -> int:
    return _most(attendance, size) if attendance == Attendance.YES else 0
