"""What somebody typed into a form, as the rooms below want it. ``ReviewError`` names the field that is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance
from rsvp_mailer.review.decisions import Part
from rsvp_mailer.review.stated import ReviewError, Stated

if TYPE_CHECKING:
    from rsvp_mailer.review.web.visit import Visit

PART_LINES = 6
_DIGITS = re.compile(r"\d{1,6}")


def stated_from(visit: Visit, *, mark: str = "") -> Stated:
    """An answer, with all its details; ``mark`` follows each field's name."""
    persons = persons_from(visit.field(f"persons{mark}"), f"persons{mark}")
    attendance = _attendance(visit.field(f"attendance{mark}"), persons, f"attendance{mark}")
    stated = Stated(attendance, None if attendance is Attendance.NO and not persons else persons)
    if mark:
        return stated
    return Stated(
        stated.attendance,
        stated.persons,
        name=visit.field("name"),
        people=_names(visit.field("people")),
        interpreter=tuple(str(code) for code in visit.form.getlist("interpreter")),
        arrival=visit.field("arrival"),
        departure=visit.field("departure"),
    )


def _attendance(typed: str, persons: int | None, field: str) -> Attendance:
    """What was chosen; a number alone is a yes, 0 a no."""
    if typed in set(Attendance):
        return Attendance(typed)
    if persons is None:
        message = "choose whether anybody comes"
        raise ReviewError(message, code="attendance_missing", field=field)
    return Attendance.YES if persons else Attendance.NO


def persons_from(typed: str, field: str = "persons") -> int | None:
    """A number of persons, in whatever digits; nothing for nothing."""
    if not typed:
        return None
    if not _DIGITS.fullmatch(typed):
        message = "the number of persons is written in digits, as 3"
        raise ReviewError(message, code="persons_number", field=field)
    return int(typed)


def _names(typed: str) -> tuple[str, ...]:
    return tuple(name for line in re.split(r"[\n,;]", typed) if (name := " ".join(line.split())[:200]))[:500]


def parts_from(visit: Visit) -> tuple[Part, ...]:
    """The lines of a split that hold anything."""
    return tuple(_part(visit, line) for line in range(1, PART_LINES + 1) if _is_filled(visit, line))


def _is_filled(visit: Visit, line: int) -> bool:
    return any(visit.field(f"{name}_{line}") for name in ("name", "address", "persons", "attendance"))


def _part(visit: Visit, line: int) -> Part:
    stated = stated_from(visit, mark=f"_{line}")
    return Part(visit.field(f"name_{line}"), stated, visit.field(f"address_{line}"))
