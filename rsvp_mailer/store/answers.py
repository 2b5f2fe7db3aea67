"""What people at the office ruled, and the history of answers that follows from mails and rulings.

Both are append-only. A ruling is taken back by another one (``undo``); the present answer is the newest row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import bindparam, func, insert, select

from rsvp_mailer.domain import Answer
from rsvp_mailer.store.tables import answer, ruling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row

ANSWER = TypeAdapter(Answer)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What somebody decided, about a mail or (``telephone``) without one. ``answer`` is ``None`` for a dismissal."""

    id: int
    at: datetime
    by: str
    verdict: str
    mail_id: int | None
    person: str
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One step in a person's history."""

    id: int
    person: str
    answer: Answer
    recorded_at: datetime
    by: str
    mail_id: int | None


_RULINGS = select(
    ruling.c.id, ruling.c.at, ruling.c.by, ruling.c.verdict, ruling.c.mail_id, ruling.c.person, ruling.c.answer
)
_UNDONE = select(ruling.c.undoes).where(ruling.c.undoes.is_not(None))
_IN_FORCE = _RULINGS.where(
    ruling.c.verdict.in_(("accept", "correct", "dismiss", "telephone")), ruling.c.id.not_in(_UNDONE)
)
_OF_PERSON = _IN_FORCE.where(
    ruling.c.person == bindparam("of_person"), ruling.c.event == bindparam("of_event")
).order_by(ruling.c.id)
_HISTORY = (
    select(answer.c.id, answer.c.person, answer.c.answer, answer.c.recorded_at, answer.c.by, answer.c.mail_id)
    .where(answer.c.event == bindparam("of_event"), answer.c.person == bindparam("of_person"))
    .order_by(answer.c.id)
)
_APPEND = insert(answer)
_PRESENT = _HISTORY.order_by(None).order_by(answer.c.id.desc()).limit(1)


class Answers:
    """Rows of ``ruling`` and ``answer`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rulings(self, person: str, event: str) -> list[Ruling]:
        """Return the rulings in force about one person, oldest first."""
        return [_ruling(row) for row in self._connection.execute(_OF_PERSON, {"of_person": person, "of_event": event})]

    def newest_ruling(self, *, mail_id: int | None = None, ruling_id: int | None = None) -> Ruling | None:
        """Return the newest ruling in force about a mail, or the one with this id if it is in force."""
        chosen = ruling.c.mail_id == mail_id if ruling_id is None else ruling.c.id == ruling_id
        row = self._connection.execute(_IN_FORCE.where(chosen).order_by(ruling.c.id.desc()).limit(1)).one_or_none()
        return _ruling(row) if row else None

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
    ) -> int:
        """Add the present answer to a person's history; return the row's id."""
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
                "party_size": new.party_size,
                "answer": ANSWER.dump_python(new, mode="json"),
            },
        )
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

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


def _ruling(row: Row[*tuple[Any, ...]]) -> Ruling:
    return Ruling(
        id=row.id,
        at=row.at,
        by=row.by,
        verdict=row.verdict,
        mail_id=row.mail_id,
        person=row.person,
        answer=ANSWER.validate_python(row.answer) if row.answer else None,
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
