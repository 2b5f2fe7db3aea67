"""The guest list as people look at it: filtered, searched, a page at a time, and who may be there twice.

Every page reads a bounded number of rows: pages follow each other by key, not by number, and hits are counted up to
``COUNTED_UP_TO`` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, false, func, intersect, or_, select, tuple_, update

from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.guest_tables import guest, guest_term, twin
from rsvp_mailer.store.guests import folded_words, full_name
from rsvp_mailer.store.tables import answer, outgoing, review

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select

    from rsvp_mailer.domain import Answer

COUNTED_UP_TO = 1000
_MAX_WORDS = 6
_FEW = 500  # so many ids are handed to the database in one question
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; empty fields narrow nothing.

    ``text``: beginnings of words of names and addresses. ``full_name``: first name and family name of the guest or of
    somebody whom the guest brings. ``attendance``: ``yes``, ``no``, ``maybe`` or ``none``
    (withdrawn). ``interpreter``, ``tag``: codes of the reading guide. ``undelivered``: a mail of ours came back.
    """

    text: str = ""
    full_name: str = ""
    attendance: str = ""
    language: str = ""
    interpreter: str = ""
    tag: str = ""
    undelivered: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """One person of the list with the present answer. ``undelivered``: a mail of ours could not be delivered."""

    id: int
    person: str
    answer: Answer
    recorded_at: datetime
    by: str
    undelivered: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some guests in the order of names; ``before``/``after``: ids to go on from, ``None`` at the ends.

    ``count``: hits in all, at most ``COUNTED_UP_TO`` + 1.
    """

    guests: tuple[Guest, ...]
    before: int | None
    after: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Twin:
    """Two guests that may be one group, the older one first."""

    id: int
    first: Guest
    second: Guest
    closed_by: str | None


_KEY = (guest.c.sort_key, guest.c.id)
_RETURNED = select(outgoing.c.person).where(
    outgoing.c.id == review.c.outgoing_id, review.c.kind == "undelivered", review.c.closed_at.is_(None)
)
_ROW = select(guest.c.id, guest.c.person, answer.c.answer, answer.c.recorded_at, answer.c.by, guest.c.sort_key).join(
    answer, answer.c.id == guest.c.answer_id
)


class GuestList:
    """Looks at ``guest`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(
        self, event: str, wanted: Wanted, *, limit: int, after: int | None = None, before: int | None = None
    ) -> Page:
        """Return the guests behind, or in front of, a guest's place in the list; from its beginning otherwise."""
        matching = self._matching(event, wanted)
        query, backwards = select(guest.c.id).where(*matching), before is not None
        if (place := self._key_of(before if backwards else after)) is not None:
            query = query.where(tuple_(*_KEY) < place if backwards else tuple_(*_KEY) > place)
        order = [column.desc() if backwards else column for column in _KEY]
        # Chosen first: the answers of those who are not on this page are not read.
        chosen = query.order_by(*order).limit(limit + 1).subquery()
        rows: list[Any] = list(self._connection.execute(_ROW.join(chosen, chosen.c.id == guest.c.id).order_by(*order)))
        more, rows = len(rows) > limit, rows[:limit]
        if backwards:
            rows.reverse()
        has_before, has_after = (more, before is not None) if backwards else (after is not None, more)
        return Page(
            tuple(self._guests(rows)),
            rows[0].id if rows and has_before else None,
            rows[-1].id if rows and has_after else None,
            self._count(matching),
        )

    def _matching(self, event: str, wanted: Wanted) -> list[ColumnElement[bool]]:
        """Conditions that are cheap to follow: what is rare is looked up first, what is common is soon met anyway."""
        terms, few = _terms(wanted), self._undelivered(event) if wanted.undelivered else None
        for each in terms if few is None else ():
            if (few := self._few(select(guest_term.c.guest_id).where(each))) is not None:
                break
        if few is None and len(terms) > 1:  # each is common, all of them together perhaps not
            few = self._few(intersect(*(select(guest_term.c.guest_id).where(each) for each in terms)))
            terms = terms if few is None else []  # they have all of them
        if few is None:
            return [guest.c.event == event, *_of_columns(wanted), *map(_has, terms)]
        # Concatenated, the column leads the database to no index: it shall not walk through the list to find a few.
        return [_one_of(few), guest.c.event.concat("") == event, *_of_columns(wanted), *map(_has, terms)]

    def _few(self, ids: Select[Any] | CompoundSelect[Any]) -> set[int] | None:
        """The ids, unless there are many."""
        found = set(self._connection.execute(ids.limit(_FEW + 1)).scalars())
        return found if len(found) <= _FEW else None

    def _undelivered(self, event: str) -> set[int]:
        persons = self._connection.execute(_RETURNED).scalars().all()
        of_event = select(guest.c.id).where(guest.c.event == event, guest.c.person.in_(persons))
        return set(self._connection.execute(of_event).scalars()) if persons else set()

    def _key_of(self, guest_id: int | None) -> Any:  # noqa: ANN401 - a row value of SQL
        if guest_id is None:
            return None
        row = self._connection.execute(select(*_KEY).where(guest.c.id == guest_id)).one_or_none()
        return None if row is None else tuple_(row.sort_key, row.id)

    def _count(self, matching: Sequence[ColumnElement[bool]]) -> int:
        some = select(guest.c.id).where(*matching).limit(COUNTED_UP_TO + 1).subquery()
        return int(self._connection.execute(select(func.count()).select_from(some)).scalar_one())

    def _guests(self, rows: Sequence[Any]) -> Iterator[Guest]:
        returned = set(
            self._connection.execute(_RETURNED.where(outgoing.c.person.in_([row.person for row in rows]))).scalars()
        )
        for row in rows:
            yield Guest(
                row.id,
                row.person,
                ANSWER.validate_python(row.answer),
                row.recorded_at,
                row.by,
                undelivered=row.person in returned,
            )

    def get(self, guest_id: int) -> Guest | None:
        """Return one guest."""
        return next(self._guests(self._connection.execute(_ROW.where(guest.c.id == guest_id)).all()), None)

    def of_person(self, person: str, event: str) -> Guest | None:
        """Return the guest who is this person."""
        found = self._connection.execute(_ROW.where(guest.c.event == event, guest.c.person == person))
        return next(self._guests(found.all()), None)

    def members(self, person: str, event: str) -> list[Guest]:
        """Return those whose group this person's answer counts."""
        rows = self._connection.execute(_ROW.where(guest.c.part_of == person, guest.c.event.concat("") == event)).all()
        return list(self._guests(sorted(rows, key=lambda row: row.sort_key)))

    # --- the same group twice ------------------------------------------------------------------------------------

    def twins(self, event: str, *, limit: int, guest_id: int | None = None) -> list[Twin]:
        """Return open proposals, oldest first; ``guest_id``: those that concern one guest."""
        query = select(twin).where(twin.c.event == event, twin.c.closed_at.is_(None))
        if guest_id is not None:
            query = query.where(or_(twin.c.first_id == guest_id, twin.c.second_id == guest_id))
        return list(self._twins(query.order_by(twin.c.id).limit(limit)))

    def open_twins(self, event: str, *, limit: int) -> int:
        """Count the open proposals, up to a limit."""
        some = select(twin.c.id).where(twin.c.event == event, twin.c.closed_at.is_(None)).limit(limit).subquery()
        return int(self._connection.execute(select(func.count()).select_from(some)).scalar_one())

    def twin(self, twin_id: int) -> Twin | None:
        """Return one proposal, open or closed."""
        return next(self._twins(select(twin).where(twin.c.id == twin_id)), None)

    def _twins(self, query: Select[Any]) -> Iterator[Twin]:
        pairs: list[Any] = list(self._connection.execute(query))
        wanted = {guest_id for row in pairs for guest_id in (row.first_id, row.second_id)}
        rows = self._connection.execute(_ROW.where(guest.c.id.in_(wanted))).all()
        found = {each.id: each for each in self._guests(rows)}
        for row in pairs:
            yield Twin(row.id, found[row.first_id], found[row.second_id], row.closed_by)

    def close_twin(self, twin_id: int, *, by: str | None, now: datetime | None) -> None:
        """Note that a person looked at a proposal; without ``by``, that it is open again."""
        self._connection.execute(update(twin).where(twin.c.id == twin_id).values(closed_by=by, closed_at=now))


def _of_columns(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.attendance:
        withdrawn = wanted.attendance == "none"
        found.append(guest.c.attendance.is_(None) if withdrawn else guest.c.attendance == wanted.attendance)
    if wanted.language:
        found.append(guest.c.language == wanted.language)
    return found


def _one_of(ids: set[int]) -> ColumnElement[bool]:
    return guest.c.id.in_(ids) if ids else false()


def _terms(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What is sought in ``guest_term``, one condition for each word or code."""
    found = [
        guest_term.c.term == f"{kind}:{code}"
        for kind, code in (("interpreter", wanted.interpreter), ("tag", wanted.tag))
        if code
    ]
    if wanted.full_name:
        found.append(guest_term.c.term == f"who:{full_name(wanted.full_name)}")
    return found + [_begins(f"word:{word}") for word in folded_words(wanted.text)[:_MAX_WORDS]]


def _begins(prefix: str) -> ColumnElement[bool]:
    return and_(guest_term.c.term >= prefix, guest_term.c.term < prefix + _LAST)


def _has(term: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(guest_term.c.guest_id == guest.c.id, term)
