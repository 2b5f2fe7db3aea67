"""The figures that digest, ``status``, dashboard and exports show: one read, so that they agree by construction.

What grows with the number of answers is summed up as it is written (``tallies``); what is listed is cut off at
``MOST_LISTED``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, or_, select

from rsvp_mailer.domain import (
    Attendance,
    Balance,
    Change,
    DayCount,
    Figures,
    HeadCount,
    Moved,
    QueueCount,
    Waiting,
)
from rsvp_mailer.store import tallies
from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.guest_tables import guest
from rsvp_mailer.store.tables import answer, head_count_day, mail, review

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause

    from rsvp_mailer.store.store import Transaction

MOST_LISTED = 100
_COMING = (Attendance.YES.value, Attendance.MAYBE.value)
_NEEDS = ("diet", "accessibility", "childcare")
_DAY = timedelta(days=1)


def take_figures(tx: Transaction, event: str, *, now: datetime, since: datetime | None, listed: bool = True) -> Figures:
    """Count everything as it stands; ``since``: what moved after this instant is told (``None``: all answers).

    ``listed``: with the single changes, items and tasks; without, the figures alone, which is faster.
    """
    head_count = _head_count(tx, event)
    return Figures(
        as_of=now,
        since=since,
        head_count=head_count,
        moved=_moved(tx, event, since) if since else _all_new(head_count),
        changes=_changes(tx, event, since) if listed else (),
        queue=_queue(tx, now),
        waiting=_waiting(tx) if listed else (),
        open_tasks=tx.tasks.counts(event),
        tasks=tuple(tx.tasks.open(event, limit=MOST_LISTED)) if listed else (),
        balance=take_balance(tx),
        outgoing=tuple(sorted(tx.sendings.states().items())),
        interpreters=_wishes(tx, event, "interpreter"),
        needs=tuple(each for each in _wishes(tx, event, "tag") if each[0] in _NEEDS),
        languages=tuple(tallies.counts(tx.connection, "language", event).items()),
        sheets=sum(count for state, count in tallies.counts(tx.connection, "sheet", event).items() if state != "blank"),
        curve=_curve(tx, event),
        alerts=tuple(tx.alerts.all()),
    )


def take_balance(tx: Transaction) -> Balance:
    """Promise 9: what was seen, counted by the cursors, against what became of it, counted by the rows."""
    states = tx.mails.states()
    return Balance(
        seen=tx.cursors.seen(),
        recorded=states.get("recorded", 0),
        in_review=states.get("held", 0),
        ignored=states.get("ignored", 0),
        set_aside=states.get("set_aside", 0),
    )


# --- who comes -----------------------------------------------------------------------------------------------------


def _persons(size: ColumnElement[int | None]) -> ColumnElement[int]:
    """Whom an answer brings: an unknown size counts 1."""
    return func.coalesce(size, 1)


def _head_count(tx: Transaction, event: str) -> HeadCount:
    found, unknown = (tallies.sums(tx.connection, kind, event) for kind in ("attendance", "unknown_size"))
    yes, maybe, no = (found.get(each.value, (0, 0)) for each in (Attendance.YES, Attendance.MAYBE, Attendance.NO))
    items, more, fewer = _held(tx)
    return HeadCount(
        certain=yes[1],
        maybe=maybe[1],
        answers_yes=yes[0],
        answers_maybe=maybe[0],
        answers_no=no[0],
        unknown_sizes=sum(unknown.get(each, (0, 0))[0] for each in _COMING),
        held_persons=more,
        held_fewer=fewer,
        held_items=items,
    )


def _held(tx: Transaction) -> tuple[int, int, int]:
    """Held items; what their suggestions would add to the present answers of the same persons, and take from them."""
    sums = (func.coalesce(func.sum(column), 0) for column in (review.c.adds, review.c.takes))
    row = tx.connection.execute(
        select(func.count(), *sums).where(review.c.closed_at.is_(None), review.c.kind == "held")
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def _wishes(tx: Transaction, event: str, kind: str) -> tuple[tuple[str, int], ...]:
    """How many of those who come, or may come, have each wish of a kind (``guests.counted_terms``)."""
    prefix = f"counted:{event}:{kind}:"
    found = tallies.counts(tx.connection, "wish")
    return tuple((term.removeprefix(prefix), count) for term, count in found.items() if term.startswith(prefix))


def _curve(tx: Transaction, event: str) -> tuple[DayCount, ...]:
    columns = (head_count_day.c.day, head_count_day.c.certain, head_count_day.c.maybe)
    rows = tx.connection.execute(select(*columns).where(head_count_day.c.event == event).order_by(columns[0]))
    days = (DayCount(row.day, row.certain, row.maybe) for row in rows)
    return tuple(
        accumulate(days, lambda sum_, day: DayCount(day.day, sum_.certain + day.certain, sum_.maybe + day.maybe))
    )


# --- what moved ----------------------------------------------------------------------------------------------------


def _all_new(count: HeadCount) -> Moved:
    return Moved(new=count.answers_yes + count.answers_maybe + count.answers_no, certain=count.certain)


def _moved(tx: Transaction, event: str, since: datetime) -> Moved:
    before, after, joined = _since(tx, event, since)
    rows = tx.connection.execute(
        select(
            before.c.attendance.label("was"),
            after.c.attendance.label("is_"),
            func.count().label("answers"),
            func.sum(_persons(before.c.party_size)).label("came"),
            func.sum(_persons(after.c.party_size)).label("come"),
        )
        .select_from(joined)
        .group_by(before.c.attendance, after.c.attendance)
    )
    moved = Moved()
    for row in rows:
        kind = _kind_of_move(row.was, row.is_)
        certain = (row.come if row.is_ == Attendance.YES else 0) - (row.came if row.was == Attendance.YES else 0)
        moved = replace(moved, certain=moved.certain + int(certain))
        if kind:
            moved = replace(moved, **{kind: getattr(moved, kind) + row.answers})
    return moved


def _kind_of_move(was: str | None, is_: str | None) -> str:
    if was is None:
        return "new" if is_ else ""
    return "cancelled" if was in _COMING and is_ not in _COMING else "changed"


def _since(tx: Transaction, event: str, since: datetime | None) -> tuple[FromClause, FromClause, FromClause]:
    """Persons whose answer moved: the answer before (outer), the present one, and their join."""
    told = _last_told(tx, event, since)
    before, after, earlier = answer.alias("before"), answer.alias("after"), answer.alias("earlier")
    newest_before = (
        select(func.max(earlier.c.id))
        .where(earlier.c.event == event, earlier.c.person == after.c.person, earlier.c.id <= told)
        .scalar_subquery()
    )
    # The function keeps SQLite from walking all of the event's answers by another index than that of answer_id.
    of_event = func.coalesce(after.c.event, "") == event
    moved = and_(after.c.id == guest.c.answer_id, guest.c.answer_id > told, of_event)
    return before, after, guest.join(after, moved).outerjoin(before, before.c.id == newest_before)


def _last_told(tx: Transaction, event: str, since: datetime | None) -> int:
    """Id of the last answer that was recorded up to an instant; 0 where there was none."""
    if since is None:
        return 0
    newest = select(answer.c.id).where(answer.c.event == event, answer.c.recorded_at <= since)
    found = tx.connection.execute(newest.order_by(answer.c.recorded_at.desc(), answer.c.id.desc()).limit(1))
    return int(found.scalar_one_or_none() or 0)


def _changes(tx: Transaction, event: str, since: datetime | None) -> tuple[Change, ...]:
    before, after, joined = _since(tx, event, since)
    rows = tx.connection.execute(
        select(after.c.person, before.c.answer.label("was"), after.c.answer.label("is_"))
        .select_from(joined)
        .where(or_(before.c.attendance.is_not(None), after.c.attendance.is_not(None)))
        .order_by(guest.c.answer_id.desc())
        .limit(MOST_LISTED)
    )
    return tuple(_change(row.person, row.was, row.is_) for row in rows)


def _change(person: str, was: object, is_: object) -> Change:
    before, after = ANSWER.validate_python(was) if was else None, ANSWER.validate_python(is_)
    return Change(after.name, person, before if before and before.attendance else None, after)


# --- what waits ----------------------------------------------------------------------------------------------------


def _queue(tx: Transaction, now: datetime) -> QueueCount:
    def younger(days: int) -> ColumnElement[int]:
        return func.sum(case((review.c.opened_at > now - days * _DAY, 1), else_=0))

    rows = tx.connection.execute(
        select(review.c.kind, func.count(), younger(1), younger(2), younger(7))
        .where(review.c.closed_at.is_(None))
        .group_by(review.c.kind)
        .order_by(review.c.kind)
    ).all()
    total, day, two_days, week = (sum(int(row[column]) for row in rows) for column in (1, 2, 3, 4))
    return QueueCount(
        kinds=tuple((row[0], row[1]) for row in rows),
        today=day,
        yesterday=two_days - day,
        this_week=week - two_days,
        older=total - week,
    )


def _waiting(tx: Transaction) -> tuple[Waiting, ...]:
    rows = tx.connection.execute(
        select(review.c.id, review.c.kind, review.c.reasons, review.c.opened_at, mail.c.person, mail.c.circumstances)
        .select_from(review.outerjoin(mail, mail.c.id == review.c.mail_id))
        .where(review.c.closed_at.is_(None))
        .order_by(review.c.opened_at, review.c.id)
        .limit(MOST_LISTED)
    )
    return tuple(
        Waiting(
            id=row.id,
            kind=row.kind,
            name=(row.circumstances or {}).get("sender_name", ""),
            person=row.person or "",
            reasons=tuple(row.reasons),
            opened_at=row.opened_at,
        )
        for row in rows
    )
