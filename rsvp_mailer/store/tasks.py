"""What is to be done beside an answer: one task for each tag of a mail, open until somebody ticks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from rsvp_mailer.domain import Tag, Task
from rsvp_mailer.store import tallies
from rsvp_mailer.store.tables import mail, task

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row


@dataclass(frozen=True, slots=True)
class TaskText:
    """A task with the mail that it stands in. ``arrived_at``, ``own_words``: ``None`` where they were erased."""

    task: Task
    subject: str
    own_words: str | None
    arrived_at: datetime | None


_COLUMNS = (
    task.c.id,
    task.c.kind,
    task.c.person,
    task.c.mail_id,
    task.c.opened_at,
    task.c.done_at,
    task.c.done_by,
    mail.c.circumstances,
)
_OPEN = task.c.done_at.is_(None)


class Tasks:
    """Rows of ``task`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open_for(self, mail_id: int, kinds: Collection[Tag], *, person: str, event: str, now: datetime) -> None:
        """See to it that a mail has these tasks; what was opened before stays as it is, done or not."""
        if not kinds:
            return
        known = set(self._connection.execute(select(task.c.kind).where(task.c.mail_id == mail_id)).scalars())
        new = [
            {"event": event, "kind": kind.value, "person": person, "mail_id": mail_id, "opened_at": now}
            for kind in sorted(set(kinds))
            if kind.value not in known
        ]
        if new:
            self._connection.execute(insert(task), new)

    def withdraw(self, mail_id: int, *, keep: Collection[Tag] = ()) -> None:
        """Take back the open tasks of a mail (which now waits in review, or reads otherwise) but for ``keep``."""
        kept = task.c.kind.not_in([kind.value for kind in keep])
        self._connection.execute(delete(task).where(task.c.mail_id == mail_id, _OPEN, kept))

    def finish(self, task_id: int, *, by: str, now: datetime) -> bool:
        """Tick an open task; false where there is none of this number, or somebody else was first."""
        done = self._connection.execute(update(task).where(task.c.id == task_id, _OPEN).values(done_at=now, done_by=by))
        return done.rowcount == 1

    def reopen(self, task_id: int) -> bool:
        """Take a tick back; false where there is none."""
        changed = self._connection.execute(
            update(task).where(task.c.id == task_id, task.c.done_at.is_not(None)).values(done_at=None, done_by=None)
        )
        return changed.rowcount == 1

    def get(self, task_id: int) -> TaskText | None:
        """Return a task, open or done, with its mail."""
        found = self._texts(task.c.id == task_id, limit=1)
        return found[0] if found else None

    def open(self, event: str, *, limit: int, after: int = 0) -> list[Task]:
        """Return open tasks, oldest first; ``after``: the last id of the page before."""
        rows = self._connection.execute(
            select(*_COLUMNS)
            .join(mail, mail.c.id == task.c.mail_id)
            .where(task.c.event == event, _OPEN, task.c.id > after)
            .order_by(task.c.id)
            .limit(limit)
        )
        return [_task(row) for row in rows]

    def open_texts(self, event: str, *, limit: int, after: int = 0) -> list[TaskText]:
        """Return open tasks with their mails, oldest first; ``after``: the last id of the page before."""
        return self._texts(task.c.event == event, _OPEN, task.c.id > after, limit=limit)

    def done_texts(self, event: str, *, limit: int) -> list[TaskText]:
        """Return the tasks that were ticked last, newest tick first."""
        return self._texts(task.c.event == event, task.c.done_at.is_not(None), limit=limit, newest_done=True)

    def counts(self, event: str) -> tuple[tuple[str, int], ...]:
        """Count the open tasks by kind."""
        return tuple(tallies.counts(self._connection, "task", event).items())

    def _texts(self, *conditions: ColumnElement[bool], limit: int, newest_done: bool = False) -> list[TaskText]:
        rows = self._connection.execute(
            select(*_COLUMNS, mail.c.subject, mail.c.own_words, mail.c.arrived_at)
            .join(mail, mail.c.id == task.c.mail_id)
            .where(*conditions)
            .order_by(*((task.c.done_at.desc(), task.c.id.desc()) if newest_done else (task.c.id,)))
            .limit(limit)
        )
        return [TaskText(_task(row), row.subject or "", row.own_words, row.arrived_at) for row in rows]


def _task(row: Row[*tuple[Any, ...]]) -> Task:
    return Task(
        id=row.id,
        kind=Tag(row.kind),
        name=(row.circumstances or {}).get("sender_name", ""),
        person=row.person,
        mail_id=row.mail_id,
        opened_at=row.opened_at,
        done_at=row.done_at,
        done_by=row.done_by or "",
    )
