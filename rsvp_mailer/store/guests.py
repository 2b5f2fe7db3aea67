"""Keeps the guest list in step with the answers: what a guest is found by, and who may be the same group twice.

``terms_of`` and ``fold`` are pure. ``Guests.note`` is called by ``Answers.append`` alone, in its transaction.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, or_, select, update

from rsvp_mailer.domain import Attendance
from rsvp_mailer.store import suggestions
from rsvp_mailer.store.guest_tables import guest, guest_term, twin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from rsvp_mailer.domain import Answer

MAX_TERM_CHARS = 200
_MAX_TWINS = 5  # more people of one name are a coincidence, or a name that says nothing
_WORD = re.compile(r"[^\W_]+")
_TITLES = frozenset({"frau", "herr", "herrn", "dr", "prof", "mr", "mrs", "ms", "madame", "monsieur"})
_AS_TYPED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "ae", "Ö": "oe", "Ü": "ue"})


def fold(text: str) -> str:
    """Fold case and accents away, so that "Müller", "MULLER" and "muller" are the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def folded_words(text: str) -> list[str]:
    """The words of a text in their order, folded."""
    return _WORD.findall(fold(text))


def search_words(text: str) -> set[str]:
    """The words by which a text is found: folded, umlauts also as "ae", "oe", "ue"."""
    return {*folded_words(text), *folded_words(text.translate(_AS_TYPED))}


def full_name(name: str) -> str:
    """A name as a set of words, titles left out; empty unless there are two: a first name alone names nobody."""
    words = sorted(set(folded_words(name)) - _TITLES)
    return " ".join(words) if len(words) > 1 else ""


def sort_key(name: str, person: str) -> str:
    """Family name first; people without a name stand under their address."""
    words = [word for word in folded_words(name) if word not in _TITLES] if "," not in name else [fold(name)]
    key = f"{words[-1]}, {' '.join(words[:-1])}" if len(words) > 1 else " ".join(words)
    return (key or fold(person))[:MAX_TERM_CHARS]


def terms_of(answer: Answer, person: str) -> frozenset[str]:
    """Everything that a guest is found by."""
    local, _, domain = person.partition("@")
    names = (answer.name, *answer.people)
    address = f"{local} {domain.rpartition('.')[0]}" if domain else ""
    terms = {f"word:{word}" for text in (*names, address) for word in search_words(text)}
    terms |= {f"interpreter:{code}" for code in answer.interpreter}
    terms |= {f"tag:{tag.value}" for tag in answer.tags}
    terms |= {f"who:{key}" for name in names if (key := full_name(name))}
    return frozenset(term[:MAX_TERM_CHARS] for term in terms)


def counted_terms(answer: Answer, event: str) -> frozenset[str]:
    """The wishes of those who come, or may come, and are counted by their own answer: what figures are read off."""
    if answer.part_of or answer.attendance not in {Attendance.YES, Attendance.MAYBE}:
        return frozenset()
    wishes = {f"interpreter:{code}" for code in answer.interpreter} | {f"tag:{tag.value}" for tag in answer.tags}
    return frozenset(f"counted:{event}:{wish}"[:MAX_TERM_CHARS] for wish in wishes)


_OF_PERSON = select(guest.c.id).where(guest.c.event == bindparam("of_event"), guest.c.person == bindparam("of_person"))
_TERMS = select(guest_term.c.term).where(guest_term.c.guest_id == bindparam("of_id"))
_NAMESAKES = (
    select(guest.c.id)
    .join(guest_term, guest_term.c.guest_id == guest.c.id)
    .where(
        guest_term.c.term.in_(bindparam("any_of", expanding=True)),
        guest.c.event == bindparam("of_event"),
        guest.c.id != bindparam("of_id"),
        guest.c.attendance.in_(("yes", "maybe")),
        guest.c.part_of.is_(None),
    )
    .distinct()
    .limit(_MAX_TWINS + 1)
)


class Guests:
    """Rows of ``guest``, ``guest_term`` and ``twin`` within one transaction: the writing half."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def note(self, new: Answer, answer_id: int, *, person: str, event: str, now: datetime) -> None:
        """Make a person's row say what the newest answer says."""
        guest_id = self._put(new, answer_id, person, event)
        suggestions.weigh(self._connection, suggestions.of_person(person, event))
        terms = terms_of(new, person) | counted_terms(new, event)
        self._put_terms(guest_id, terms)
        if new.attendance is None or new.attendance == "no" or new.part_of:
            self._connection.execute(delete(twin).where(_open_of(guest_id)))
        else:
            self._look_for_twins(guest_id, {term for term in terms if term.startswith("who:")}, event, now)

    def _put(self, new: Answer, answer_id: int, person: str, event: str) -> int:
        row = {
            "answer_id": answer_id,
            "sort_key": sort_key(new.name, person),
            "attendance": new.attendance.value if new.attendance else None,
            "party_size": 0 if new.part_of else new.party_size,
            "language": new.language[:20],
            "part_of": new.part_of or None,
        }
        known = self._connection.execute(_OF_PERSON, {"of_event": event, "of_person": person}).scalar_one_or_none()
        if known is not None:
            self._connection.execute(update(guest).where(guest.c.id == known).values(**row))
            return int(known)
        result = self._connection.execute(insert(guest), {**row, "event": event, "person": person})
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def _put_terms(self, guest_id: int, terms: frozenset[str]) -> None:
        known = set(self._connection.execute(_TERMS, {"of_id": guest_id}).scalars())
        if gone := known - terms:
            self._connection.execute(
                delete(guest_term).where(guest_term.c.guest_id == guest_id, guest_term.c.term.in_(gone))
            )
        if fresh := terms - known:
            rows = [{"term": term, "guest_id": guest_id} for term in sorted(fresh)]
            self._connection.execute(insert(guest_term), rows)

    def _look_for_twins(self, guest_id: int, names: Iterable[str], event: str, now: datetime) -> None:
        """Propose those who bear, or bring somebody of, the same full name; what a person closed stays closed."""
        wanted = {"any_of": list(names), "of_event": event, "of_id": guest_id}
        found = set(self._connection.execute(_NAMESAKES, wanted).scalars()) if wanted["any_of"] else set()
        others = found if len(found) <= _MAX_TWINS else set()
        pairs = {(min(guest_id, other), max(guest_id, other)) for other in others}
        known = {
            (row.first_id, row.second_id): row
            for row in self._connection.execute(
                select(twin).where(or_(twin.c.first_id == guest_id, twin.c.second_id == guest_id))
            )
        }
        gone = [row.id for pair, row in known.items() if pair not in pairs and row.closed_at is None]
        if gone:
            self._connection.execute(delete(twin).where(twin.c.id.in_(gone)))
        rows = [
            {"event": event, "first_id": first, "second_id": second, "found_at": now}
            for first, second in sorted(pairs - known.keys())
        ]
        if rows:
            self._connection.execute(insert(twin), rows)


def _open_of(guest_id: int) -> ColumnElement[bool]:
    return or_(twin.c.first_id == guest_id, twin.c.second_id == guest_id) & twin.c.closed_at.is_(None)
