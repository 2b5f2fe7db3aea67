"""The figures that digest and ``status`` show: one read, so that they agree with each other by construction."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from rsvp_mailer.domain import Answer, Attendance, Balance, Change, Figures, HeadCount, Waiting
from rsvp_mailer.store.tables import mail, review, sheet

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rsvp_mailer.store.answers import AnswerRow
    from rsvp_mailer.store.store import Transaction


def take_figures(tx: Transaction, event: str, *, now: datetime, since: datetime | None) -> Figures:
    """Count everything as it stands; ``since``: changes after this instant are listed (``None``: all answers)."""
    present = {row.person: row for row in tx.answers.all_present(event)}
    earlier = {row.person: row for row in tx.answers.all_present(event, until=since)} if since else {}
    waiting = _waiting(tx)
    counted = [row.answer for row in present.values()]
    return Figures(
        as_of=now,
        since=since,
        head_count=_head_count(counted, _held_suggestions(tx), sum(item.kind == "held" for item in waiting)),
        changes=tuple(_changes(present.values(), earlier)),
        waiting=waiting,
        balance=take_balance(tx),
        outgoing=tuple(sorted(tx.sendings.states().items())),
        interpreters=_count(code for answer in _coming(counted) for code in answer.interpreter),
        tags=_count(tag.value for answer in counted for tag in answer.tags),
        sheets=tx.connection.execute(select(func.count()).select_from(sheet)).scalar_one(),
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


def _coming(answers: Iterable[Answer]) -> Iterable[Answer]:
    return (answer for answer in answers if answer.attendance in {Attendance.YES, Attendance.MAYBE})


def _head_count(answers: list[Answer], suggestions: list[Answer], held_items: int) -> HeadCount:
    by_attendance = {each: [a for a in answers if a.attendance is each] for each in Attendance}
    yes, maybe = by_attendance[Attendance.YES], by_attendance[Attendance.MAYBE]
    return HeadCount(
        certain=sum(_persons(answer) for answer in yes),
        maybe=sum(_persons(answer) for answer in maybe),
        answers_yes=len(yes),
        answers_maybe=len(maybe),
        answers_no=len(by_attendance[Attendance.NO]),
        unknown_sizes=sum(answer.party_size is None for answer in (*yes, *maybe)),
        held_persons=sum(_persons(answer) for answer in _coming(suggestions)),
        held_items=held_items,
    )


def _persons(answer: Answer) -> int:
    return 1 if answer.party_size is None else answer.party_size


def _held_suggestions(tx: Transaction) -> list[Answer]:
    """What the held mails would bring, read off their readings."""
    rows = tx.connection.execute(select(mail.c.reading).where(mail.c.state == "held")).scalars()
    return [
        Answer(Attendance(reading["attendance"]), reading["party_size"])
        for reading in rows
        if reading and reading["attendance"]
    ]


def _changes(present: Iterable[AnswerRow], earlier: dict[str, AnswerRow]) -> Iterable[Change]:
    for row in sorted(present, key=lambda row: row.id):
        before = earlier.get(row.person)
        if before is not None and before.id == row.id:
            continue
        old = before.answer if before is not None and before.answer.attendance is not None else None
        if old is None and row.answer.attendance is None:
            continue
        yield Change(name=row.answer.name, person=row.person, before=old, after=row.answer)


def _waiting(tx: Transaction) -> tuple[Waiting, ...]:
    rows = tx.connection.execute(
        select(review.c.id, review.c.kind, review.c.reasons, review.c.opened_at, mail.c.person, mail.c.circumstances)
        .select_from(review.outerjoin(mail, mail.c.id == review.c.mail_id))
        .where(review.c.closed_at.is_(None))
        .order_by(review.c.opened_at, review.c.id)
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


def _count(names: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(names).items()))
