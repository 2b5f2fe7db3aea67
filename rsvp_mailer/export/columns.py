"""The columns of a table of guests, and how a value becomes harmless text.

The sum of ``persons`` over the rows that say yes is the head count of digest and dashboard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import tzinfo

    from rsvp_mailer.domain import Event
    from rsvp_mailer.export.wording import Wording
    from rsvp_mailer.store.register import Entry

Value = str | int | bool | time | datetime | None
NEEDS = (Tag.DIET, Tag.ACCESSIBILITY, Tag.CHILDCARE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]+")
# What a spreadsheet takes for the beginning of a formula, in the widths that its input methods know.
_FORMULA = re.compile(r"\s*[=+\-@\u2212\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Column:
    """``width``: in characters, for programs that show it."""

    key: str
    width: int
    value: Callable[[Entry, Wording, tzinfo], Value]


def columns() -> tuple[Column, ...]:
    """All columns, in order."""
    return _COLUMNS


def rows(entries: Iterable[Entry], wording: Wording, zone: tzinfo) -> Iterator[list[Value]]:
    """The table's rows; instants in local time of the event, without their zone."""
    for entry in entries:
        yield [column.value(entry, wording, zone) for column in _COLUMNS]


def clean(text: str) -> str:
    """Without control characters and half surrogates, which no file format carries."""
    return _CONTROLS.sub(" ", text)


def formula_safe(text: str) -> str:
    """With an apostrophe before what a spreadsheet would calculate (OWASP, CSV injection)."""
    return "'" + text if _FORMULA.match(text) else text


def event_zone(event: Event) -> tzinfo:
    """The zone that local times are in."""
    zone = event.starts_at.tzinfo
    assert zone is not None
    return zone


def shown_address(person: str) -> str:
    """The address of a guest; empty for somebody who has none."""
    return "" if person.startswith(("tel:", "mail:")) else person


def clock(text: str | None) -> time | None:
    """``HH:MM`` as a time of day."""
    return time.fromisoformat(text) if text else None


def _local(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, microsecond=0)


_COLUMNS = (
    Column("name", 28, lambda entry, _w, _z: entry.answer.name),
    Column("address", 30, lambda entry, _w, _z: shown_address(entry.person)),
    Column("attendance", 14, lambda entry, words, _z: words[entry.answer.attendance or "withdrawn"]),
    Column("persons", 10, lambda entry, _w, _z: entry.persons),
    Column("size_open", 11, lambda entry, _w, _z: entry.size_open),
    Column("people", 28, lambda entry, _w, _z: "; ".join(entry.answer.people)),
    Column("arrival", 10, lambda entry, _w, _z: clock(entry.answer.arrival)),
    Column("departure", 10, lambda entry, _w, _z: clock(entry.answer.departure)),
    Column("interpreter", 18, lambda entry, words, _z: words.listing(entry.answer.interpreter)),
    Column("diet", 10, lambda entry, _w, _z: Tag.DIET in entry.answer.tags),
    Column("accessibility", 16, lambda entry, _w, _z: Tag.ACCESSIBILITY in entry.answer.tags),
    Column("childcare", 16, lambda entry, _w, _z: Tag.CHILDCARE in entry.answer.tags),
    Column("tags", 22, lambda entry, words, _z: words.listing(t.value for t in entry.answer.tags if t not in NEEDS)),
    Column("language", 13, lambda entry, words, _z: words[entry.answer.language]),
    Column("first_at", 17, lambda entry, _w, zone: _local(entry.first_at, zone)),
    Column("recorded_at", 17, lambda entry, _w, zone: _local(entry.recorded_at, zone)),
    Column("by", 16, lambda entry, words, _z: words["auto"] if entry.by == "auto" else entry.by),
    Column("note", 36, lambda entry, _w, _z: entry.note),
    Column("undelivered", 15, lambda entry, _w, _z: entry.undelivered),
    Column("sheet", 12, lambda entry, _w, _z: entry.sheet),
    Column("counted_with", 28, lambda entry, _w, _z: shown_address(entry.answer.part_of)),
)
