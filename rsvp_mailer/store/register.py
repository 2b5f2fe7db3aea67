"""Everything that is known of each guest, row by row: what exports are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.guest_tables import guest
from rsvp_mailer.store.tables import answer, outgoing, review, ruling, sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One guest. ``answer``: the present one; its attendance is ``None`` where it was withdrawn.

    ``first_at``, ``recorded_at``: of the first and of the present answer. ``by``: "auto", or who entered it.
    ``note``: kept with the decision. ``undelivered``: a mail of ours could not be delivered, and nobody has dealt
    with it. ``sheet``: brought a Steckbrief.
    """

    person: str
    answer: Answer
    first_at: datetime
    recorded_at: datetime
    by: str
    note: str
    undelivered: bool
    sheet: bool

    @property
    def persons(self) -> int:
        """Persons as the head count has them: an unknown size is 1, a group that another answer counts is 0."""
        if self.answer.part_of or self.answer.attendance not in {Attendance.YES, Attendance.MAYBE}:
            return 0
        return 1 if self.answer.party_size is None else self.answer.party_size

    @property
    def size_open(self) -> bool:
        """Whether the number of persons was never said."""
        return bool(self.persons) and self.answer.party_size is None


_first = answer.alias("first")
_COLUMNS = (
    guest.c.id,
    guest.c.person,
    answer.c.answer,
    answer.c.recorded_at,
    answer.c.by,
    ruling.c.note,
    select(_first.c.recorded_at)
    .where(_first.c.event == guest.c.event, _first.c.person == guest.c.person)
    .order_by(_first.c.id)  # by the index of a person's history; min() would walk that of all times
    .limit(1)
    .correlate(guest)
    .scalar_subquery()
    .label("first_at"),
    exists()
    .where(sheet.c.event == guest.c.event, sheet.c.person == guest.c.person)
    .correlate(guest)
    .label("has_sheet"),
)
_FROM = guest.join(answer, answer.c.id == guest.c.answer_id).outerjoin(ruling, ruling.c.id == answer.c.ruling_id)

_RETURNED = (
    select(outgoing.c.person)
    .join(review, review.c.outgoing_id == outgoing.c.id)
    .where(review.c.kind == "undelivered", review.c.closed_at.is_(None))
)


class Register:
    """Reads guests one after the other within one transaction; memory does not grow with their number."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self, event: str) -> int:
        """How many guests there are, whatever they answered."""
        return int(self._connection.execute(select(func.count()).where(guest.c.event == event)).scalar_one())

    def entries(self, event: str) -> Iterator[Entry]:
        """All guests in the order of the list."""
        returned = set(self._connection.execute(_RETURNED.where(outgoing.c.event == event)).scalars())
        rows = self._connection.execute(
            select(*_COLUMNS)
            .select_from(_FROM)
            .where(guest.c.event == event)
            .order_by(guest.c.sort_key, guest.c.id)
            .execution_options(yield_per=_AT_ONCE)
        )
        return (_entry(row, returned) for row in rows)

    def coming(self, event: str) -> Iterator[tuple[int, str, str]]:
        """Id, name and person of those who come or may come and whom no other answer counts, in no order."""
        name = answer.c.answer["name"].as_string()
        rows = self._connection.execute(
            select(guest.c.id, name.label("name"), guest.c.person)
            .join(answer, answer.c.id == guest.c.answer_id)
            .where(guest.c.event == event, guest.c.attendance.in_(("yes", "maybe")), guest.c.part_of.is_(None))
            .execution_options(yield_per=_AT_ONCE)
        )
        return ((row.id, row.name or "", row.person) for row in rows)

    def by_ids(self, ids: Sequence[int], event: str) -> list[Entry]:
        """The guests with these ids (at most a thousand), in this order."""
        rows = self._connection.execute(select(*_COLUMNS).select_from(_FROM).where(guest.c.id.in_(ids))).all()
        of_them = outgoing.c.event == event, outgoing.c.person.in_([row.person for row in rows])
        returned = set(self._connection.execute(_RETURNED.where(*of_them)).scalars())
        found = {row.id: _entry(row, returned) for row in rows}
        return [found[each] for each in ids if each in found]


def _entry(row: Row[*tuple[Any, ...]], returned: set[str | None]) -> Entry:
    return Entry(
        person=row.person,
        answer=ANSWER.validate_python(row.answer),
        first_at=row.first_at,
        recorded_at=row.recorded_at,
        by=row.by,
        note=row.note or "",
        undelivered=row.person in returned,
        sheet=bool(row.has_sheet),
    )
