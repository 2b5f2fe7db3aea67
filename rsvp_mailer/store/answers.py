"""What people at the office ruled, and the history of answers that follows from mails and rulings.

Both are append-only. A ruling is taken back by another one (``undo``); the present answer is the newest row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import bindparam, exists, func, insert, or_, select, text

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.store.guests import Guests
from rsvp_mailer.store.tables import answer, head_count_day, ruling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row

ANSWER = TypeAdapter(Answer)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What somebody decided, about a mail or (``telephone``) without one. ``answer`` is ``None`` for a dismissal.

    ``review_id``: the item in which. ``cause_id``: the split that a part came from. ``undoes``: what it takes back.
    """

    id: int
    at: datetime
    by: str
    verdict: str
    mail_id: int | None
    person: str
    answer: Answer | None
    note: str = ""
    review_id: int | None = None
    cause_id: int | None = None
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One step in a person's history."""

    id: int
    person: str
    answer: Answer
    recorded_at: datetime
    by: str
    mail_id: int | None


# Verdicts about an answer; all others are about a mail of ours, or about one that could not be processed.
_ABOUT_ANSWERS = (
    *("accept", "correct", "answered", "merge", "split", "part", "dismiss", "asked"),
    *("telephone", "paper"),
)
_RULINGS = select(
    ruling.c.id,
    ruling.c.at,
    ruling.c.by,
    ruling.c.verdict,
    ruling.c.mail_id,
    ruling.c.person,
    ruling.c.answer,
    ruling.c.note,
    ruling.c.review_id,
    ruling.c.cause_id,
    ruling.c.undoes,
)
_undoing = ruling.alias("undoing")
_STANDING = _RULINGS.where(
    ruling.c.verdict != "undo",
    ~exists().where(or_(_undoing.c.undoes == ruling.c.id, _undoing.c.undoes == ruling.c.cause_id)),
)
_IN_FORCE = _STANDING.where(ruling.c.verdict.in_(_ABOUT_ANSWERS))
_OF_PERSON = _IN_FORCE.where(
    ruling.c.person == bindparam("of_person"), ruling.c.event == bindparam("of_event")
).order_by(ruling.c.id)
_HISTORY = (
    select(answer.c.id, answer.c.person, answer.c.answer, answer.c.recorded_at, answer.c.by, answer.c.mail_id)
    .where(answer.c.event == bindparam("of_event"), answer.c.person == bindparam("of_person"))
    .order_by(answer.c.id)
)
_APPEND = insert(answer)
# One statement for both databases; SQLAlchemy offers the clause by dialect only.
_MOVE_HEAD_COUNT = text(
    "INSERT INTO head_count_day (event, day, certain, maybe) VALUES (:event, :day, :certain, :maybe) "
    "ON CONFLICT (event, day) DO UPDATE SET certain = head_count_day.certain + excluded.certain, "
    "maybe = head_count_day.maybe + excluded.maybe"
).bindparams(bindparam("day", type_=head_count_day.c.day.type))
_PRESENT = _HISTORY.order_by(None).order_by(answer.c.id.desc()).limit(1)


class Answers:
    """Rows of ``ruling`` and ``answer`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rulings(self, person: str, event: str) -> list[Ruling]:
        """Return the rulings in force about one person, oldest first."""
        return [_ruling(row) for row in self._connection.execute(_OF_PERSON, {"of_person": person, "of_event": event})]

    def standing(self, ruling_id: int) -> Ruling | None:
        """Return a ruling that was not taken back."""
        row = self._connection.execute(_STANDING.where(ruling.c.id == ruling_id)).one_or_none()
        return _ruling(row) if row else None

    def decided(self, review_id: int) -> Ruling | None:
        """Return the newest ruling of an item that was not taken back."""
        of_item = _STANDING.where(ruling.c.review_id == review_id, ruling.c.cause_id.is_(None))
        row = self._connection.execute(of_item.order_by(ruling.c.id.desc()).limit(1)).one_or_none()
        return _ruling(row) if row else None

    def parts(self, split_id: int) -> list[Ruling]:
        """Return the parts that a split brought, standing or not."""
        rows = self._connection.execute(_RULINGS.where(ruling.c.cause_id == split_id).order_by(ruling.c.id))
        return [_ruling(row) for row in rows]

    def all_rulings(self, person: str, event: str) -> list[Ruling]:
        """Return every ruling ever made about one person, oldest first."""
        rows = self._connection.execute(
            _RULINGS.where(ruling.c.person == person, ruling.c.event == event).order_by(ruling.c.id)
        )
        return [_ruling(row) for row in rows]

    def rule(
        self,
        verdict: str,
        *,
        by: str,
        at: datetime,
        person: str,
        event: str,
        mail_id: int | None = None,
        new: Answer | None = None,
        note: str = "",
        undoes: int | None = None,
        review_id: int | None = None,
        cause_id: int | None = None,
    ) -> int:
        """Write what somebody decided; return its id."""
        result = self._connection.execute(
            insert(ruling).values(
                verdict=verdict,
                by=by,
                at=at,
                person=person,
                event=event,
                mail_id=mail_id,
                answer=ANSWER.dump_python(new, mode="json") if new else None,
                note=note,
                undoes=undoes,
                review_id=review_id,
                cause_id=cause_id,
            )
        )
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def present(self, person: str, event: str) -> AnswerRow | None:
        """Return the newest row of a person's history."""
        row = self._connection.execute(_PRESENT, {"of_person": person, "of_event": event}).one_or_none()
        return _answer(row) if row else None

    def history(self, person: str, event: str) -> list[AnswerRow]:
        """Return all rows of a person's history, oldest first."""
        return [_answer(row) for row in self._connection.execute(_HISTORY, {"of_person": person, "of_event": event})]

    def append(
        self,
        new: Answer,
        *,
        person: str,
        event: str,
        now: datetime,
        by: str,
        mail_id: int | None,
        ruling_id: int | None,
        told_by_hand: bool = False,
    ) -> int:
        """Add the present answer to a person's history; return the row's id.

        ``now``: in the event's zone, whose day is credited with what this moves in the head count.
        """
        self._move_head_count(new, person=person, event=event, now=now)
        result = self._connection.execute(
            _APPEND,
            {
                "event": event,
                "person": person,
                "mail_id": mail_id,
                "ruling_id": ruling_id,
                "recorded_at": now,
                "by": by,
                "attendance": new.attendance.value if new.attendance else None,
                "party_size": 0 if new.part_of else new.party_size,
                "answer": ANSWER.dump_python(new, mode="json"),
                "told_by_hand": told_by_hand,
            },
        )
        assert result.inserted_primary_key is not None
        answer_id = int(result.inserted_primary_key[0])
        Guests(self._connection).note(new, answer_id, person=person, event=event, now=now)
        return answer_id

    def _move_head_count(self, new: Answer, *, person: str, event: str, now: datetime) -> None:
        last = self.present(person, event)
        before = _counted(last.answer) if last else (0, 0)
        certain, maybe = (count - past for count, past in zip(_counted(new), before, strict=True))
        if certain or maybe:
            values = {"event": event, "day": now.date(), "certain": certain, "maybe": maybe}
            self._connection.execute(_MOVE_HEAD_COUNT, values)

    def all_present(self, event: str, *, until: datetime | None = None) -> Iterator[AnswerRow]:
        """Yield the present answer of every person, or the one that was present at an instant."""
        newest = select(func.max(answer.c.id)).where(answer.c.event == event).group_by(answer.c.person)
        if until is not None:
            newest = newest.where(answer.c.recorded_at <= until)
        # On the statement: set on the connection, the option would outlast it, and PostgreSQL refuses to write
        # through a server-side cursor.
        rows = self._connection.execute(
            select(answer.c.id, answer.c.person, answer.c.answer, answer.c.recorded_at, answer.c.by, answer.c.mail_id)
            .where(answer.c.id.in_(newest))
            .order_by(answer.c.id)
            .execution_options(yield_per=1000)
        )
        return (_answer(row) for row in rows)


def _counted(told: Answer) -> tuple[int, int]:
    """Persons certain and maybe, as the head count has them: an unknown size is 1, a part of another group 0."""
    persons = 0 if told.part_of else 1 if told.party_size is None else told.party_size
    return persons * (told.attendance is Attendance.YES), persons * (told.attendance is Attendance.MAYBE)


def _ruling(row: Row[*tuple[Any, ...]]) -> Ruling:
    return Ruling(
        id=row.id,
        at=row.at,
        by=row.by,
        verdict=row.verdict,
        mail_id=row.mail_id,
        person=row.person,
        answer=ANSWER.validate_python(row.answer) if row.answer else None,
        note=row.note or "",
        review_id=row.review_id,
        cause_id=row.cause_id,
        undoes=row.undoes,
    )


def _answer(row: Row[*tuple[Any, ...]]) -> AnswerRow:
    return AnswerRow(
        id=row.id,
        person=row.person,
        answer=ANSWER.validate_python(row.answer),
        recorded_at=row.recorded_at,
        by=row.by,
        mail_id=row.mail_id,
    )
