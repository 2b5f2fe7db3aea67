"""What a person at the office states about an answer, and whether it can be: pure.

Errors: ``ReviewError``, one line that says what to do. ``code`` names it for surfaces that word it otherwise, and
``field`` the part of a form that it is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.errors import RsvpMailerError

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_PARTY = 500  # a number above this is a slip of the keyboard
_MAX_NAME_CHARS = 200
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)")
_ADDRESS = re.compile(r'[^\s<>()\[\],;:\\"@]{1,64}@[^\s<>()\[\],;:\\"@.]+(?:\.[^\s<>()\[\],;:\\"@.]+)+')


class ReviewError(RsvpMailerError, ValueError):
    """A decision that cannot be taken like this; the text says what to do instead."""

    def __init__(self, message: str, *, code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Overtaken(ReviewError):
    """Somebody else was first, or the facts changed since the person looked; nothing was done."""


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer as somebody typed it; ``None`` leaves what the suggestion, or the stored answer, has.

    ``persons``: all who come. ``arrival``, ``departure``: ``HH:MM``, or empty for none.
    """

    attendance: Attendance
    persons: int | None = None
    name: str | None = None
    people: tuple[str, ...] | None = None
    interpreter: tuple[str, ...] | None = None
    arrival: str | None = None
    departure: str | None = None


def answer_of(stated: Stated, base: Answer) -> Answer:
    """The answer to store, upon what was known before; ``ReviewError`` for what cannot be."""
    name = (base.name if stated.name is None else stated.name.strip())[:_MAX_NAME_CHARS]
    if stated.attendance is Attendance.NO:
        if stated.persons:
            message = "a refusal has no persons; leave the number out"
            raise ReviewError(message, code="no_has_no_persons", field="persons")
        return Answer(stated.attendance, 0, language=base.language, name=name, tags=base.tags)
    _check_persons(stated)
    return replace(
        base,
        attendance=stated.attendance,
        party_size=stated.persons,
        name=name,
        size_stated=stated.persons is not None,
        people=base.people if stated.people is None else stated.people,
        interpreter=base.interpreter if stated.interpreter is None else stated.interpreter,
        arrival=base.arrival if stated.arrival is None else _clock(stated.arrival, "arrival"),
        departure=base.departure if stated.departure is None else _clock(stated.departure, "departure"),
        part_of="",
    )


def _check_persons(stated: Stated) -> None:
    if stated.attendance is Attendance.YES and stated.persons is None:
        message = "how many come in all? give the number of persons"
        raise ReviewError(message, code="persons_missing", field="persons")
    if stated.persons is not None and not 1 <= stated.persons <= LARGEST_PARTY:
        message = f"the number of persons must be between 1 and {LARGEST_PARTY}"
        raise ReviewError(message, code="persons_range", field="persons")


def _clock(typed: str, field: str) -> str | None:
    """Both "17.30" and "9:05" as ``HH:MM``; nothing for nothing."""
    if not typed.strip():
        return None
    found = _CLOCK.fullmatch(typed.strip())
    if found is None:
        message = "a time is written as 17:30"
        raise ReviewError(message, code="clock", field=field)
    return f"{int(found[1]):02}:{found[2]}"


def complete(suggestion: Answer | None) -> Answer:
    """A suggestion that can be stored as it is; ``ReviewError`` otherwise."""
    if suggestion is None or suggestion.attendance is None:
        message = "there is no suggestion to accept; correct it: say yes, no or maybe, and how many"
        raise ReviewError(message, code="no_suggestion", field="attendance")
    if suggestion.attendance is Attendance.YES and suggestion.party_size is None:
        message = "the suggestion lacks the number of persons; correct it"
        raise ReviewError(message, code="persons_missing", field="persons")
    return suggestion


def person_of(address: str | None, new_id: Callable[[], str]) -> str:
    """Whom an entry is about: a lower-case address, or ``tel:`` and a new id for somebody without one."""
    if not (address or "").strip():
        return f"tel:{new_id()}"
    lower = str(address).strip().lower()
    if not _ADDRESS.fullmatch(lower):
        message = "that is no e-mail address; write it as name@example.org, or leave it out"
        raise ReviewError(message, code="address", field="address")
    return lower


def named(name: str) -> str:
    """A name that is there."""
    if not name.strip():
        message = "an answer needs a name"
        raise ReviewError(message, code="name_missing", field="name")
    return name.strip()[:_MAX_NAME_CHARS]
