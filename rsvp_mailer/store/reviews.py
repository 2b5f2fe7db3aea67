"""What waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, case, func, insert, or_, select, tuple_, update

from rsvp_mailer.store import suggestions
from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.tables import mail, outgoing, review

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from rsvp_mailer.domain import Answer


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
    topic: str
    closed_by: str | None
    claimed_by: str | None
    claimed_until: datetime | None

    def worked_on_by(self, now: datetime) -> str | None:
        """Who looks at it at this instant."""
        return self.claimed_by if self.claimed_until is not None and self.claimed_until > now else None


@dataclass(frozen=True, slots=True)
class Pile:
    """Open items of one topic: a reason, or a kind."""

    topic: str
    count: int


@dataclass(frozen=True, slots=True)
class Listed:
    """An open item with what a list shows of it, in one read."""

    item: ReviewItem
    person: str
    sender_name: str
    own_words: str
    suggestion: Answer | None


_COLUMNS = (
    review.c.id,
    review.c.kind,
    review.c.mail_id,
    review.c.outgoing_id,
    review.c.reasons,
    review.c.opened_at,
    review.c.due_at,
    review.c.closed_at,
    review.c.topic,
    review.c.closed_by,
    review.c.claimed_by,
    review.c.claimed_until,
)
_FIRST_WORDS_CHARS = 300
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
        suggestion: Answer | None = None,
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
                suggestion=_json(suggestion),
            )
        )
        assert result.inserted_primary_key is not None
        item_id = int(result.inserted_primary_key[0])
        suggestions.weigh(self._connection, suggestions.of_item(item_id))
        return item_id

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

    def hold(
        self, mail_id: int, reasons: Sequence[str], *, now: datetime, due_at: datetime | None, suggestion: Answer | None
    ) -> int:
        """Put a mail into the queue; the item that it had before is opened again."""
        former = self._connection.execute(
            select(review.c.id).where(review.c.mail_id == mail_id, review.c.kind == "held").order_by(review.c.id.desc())
        ).first()
        if former is None:
            return self.open("held", reasons, now=now, mail_id=mail_id, due_at=due_at, suggestion=suggestion)
        self.reopen(former.id, due_at=due_at)
        self.reword(former.id, reasons, suggestion)
        return int(former.id)

    def reopen(self, item_id: int, *, due_at: datetime | None = None) -> None:
        """Let a closed item wait again."""
        self._connection.execute(
            update(review)
            .where(review.c.id == item_id)
            .values(closed_at=None, closed_by=None, due_at=due_at, claimed_by=None, claimed_until=None)
        )

    def defer(self, item_id: int, due_at: datetime | None) -> None:
        """Let an item wait until an instant, when it returns to the top."""
        self._connection.execute(update(review).where(review.c.id == item_id).values(due_at=due_at))

    def reword(self, item_id: int, reasons: Sequence[str], suggestion: Answer | None) -> None:
        """Replace reasons and suggestion of an open item."""
        self._connection.execute(
            update(review)
            .where(review.c.id == item_id)
            .values(reasons=list(reasons), topic=reasons[0], suggestion=_json(suggestion))
        )
        suggestions.weigh(self._connection, suggestions.of_item(item_id))

    def claim(self, item_id: int, by: str, *, now: datetime, until: datetime) -> None:
        """Note who looks at an item, unless somebody else does."""
        free = or_(review.c.claimed_by.is_(None), review.c.claimed_by == by, review.c.claimed_until <= now)
        self._connection.execute(
            update(review).where(review.c.id == item_id, free).values(claimed_by=by, claimed_until=until)
        )

    def release(self, item_id: int, by: str) -> None:
        """Note that somebody looks at an item no more."""
        mine = (review.c.id == item_id) & (review.c.claimed_by == by)
        self._connection.execute(update(review).where(mine).values(claimed_by=None, claimed_until=None))

    def get(self, item_id: int) -> ReviewItem | None:
        """Return an item by its id."""
        row = self._connection.execute(select(*_COLUMNS).where(review.c.id == item_id)).one_or_none()
        return _item(row) if row else None

    def waiting(self, now: datetime) -> list[ReviewItem]:
        """Return the open items: those whose time has come first, then oldest first, the patient ones last."""
        rows = self._connection.execute(select(*_COLUMNS).where(review.c.closed_at.is_(None)).order_by(*_urgency(now)))
        return [_item(row) for row in rows]

    def piles(self) -> list[Pile]:
        """Count the open items by topic, the highest pile first."""
        count = func.count()
        rows = self._connection.execute(
            select(review.c.topic, count)
            .where(review.c.closed_at.is_(None))
            .group_by(review.c.topic)
            .order_by(count.desc(), review.c.topic)
        )
        return [Pile(row[0], row[1]) for row in rows]

    def page(self, now: datetime, *, topic: str, limit: int, offset: int) -> list[Listed]:
        """Return some open items, in the order of ``waiting``; ``topic``: of one pile only."""
        chosen = _of_pile(topic)
        ids = select(review.c.id).where(*chosen).order_by(*_urgency(now)).limit(limit).offset(offset).subquery()
        rows = self._connection.execute(
            select(
                *_COLUMNS,
                review.c.suggestion,
                func.coalesce(mail.c.person, outgoing.c.recipient, "").label("person"),
                func.substr(mail.c.own_words, 1, _FIRST_WORDS_CHARS).label("own_words"),
                mail.c.circumstances,
            )
            .select_from(review.outerjoin(mail, mail.c.id == review.c.mail_id))
            .outerjoin(outgoing, outgoing.c.id == review.c.outgoing_id)
            .where(review.c.id.in_(select(ids.c.id)))
            .order_by(*_urgency(now))
        )
        return [
            Listed(
                _item(row),
                row.person,
                (row.circumstances or {}).get("sender_name", ""),
                row.own_words or "",
                ANSWER.validate_python(row.suggestion) if row.suggestion else None,
            )
            for row in rows
        ]

    def neighbours(self, item: ReviewItem, now: datetime, *, topic: str) -> tuple[int | None, int | None]:
        """Return the open items before and after this one (itself open or not), on one pile or on all."""
        return self._beside(item, now, topic, -1), self._beside(item, now, topic, 1)

    def _beside(self, item: ReviewItem, now: datetime, topic: str, direction: int) -> int | None:
        """The nearest item: of the same rank, or else the first one of the next rank that has any."""
        ranks = (review.c.due_at <= now, review.c.due_at.is_(None), review.c.due_at > now)
        place, mine = tuple_(review.c.opened_at, review.c.id), tuple_(item.opened_at, item.id)
        order = (review.c.opened_at, review.c.id) if direction > 0 else (review.c.opened_at.desc(), review.c.id.desc())
        rank = _rank(item, now)
        while 0 <= rank < len(ranks):
            query = select(review.c.id).where(*_of_pile(topic), ranks[rank])
            if rank == _rank(item, now):
                query = query.where(place > mine if direction > 0 else place < mine)
            found = self._connection.execute(query.order_by(*order).limit(1)).scalar_one_or_none()
            if found is not None:
                return int(found)
            rank += direction
        return None


def _urgency(now: datetime) -> tuple[ColumnElement[Any], ...]:
    """What is due comes first, then the oldest; what waits for an answer to our question comes last."""
    rank = case((review.c.due_at.is_(None), 1), (review.c.due_at <= now, 0), else_=2)
    return rank, review.c.opened_at, review.c.id


def _rank(item: ReviewItem, now: datetime) -> int:
    if item.due_at is None:
        return 1
    return 0 if item.due_at <= now else 2


def _of_pile(topic: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [review.c.closed_at.is_(None)]
    return [*found, review.c.topic == topic] if topic else found


def _json(answer: Answer | None) -> object:
    return ANSWER.dump_python(answer, mode="json") if answer else None


def _item(row: object) -> ReviewItem:
    values = {column.name: getattr(row, column.name) for column in _COLUMNS}
    values["reasons"] = tuple(values["reasons"])
    return ReviewItem(**values)
