"""The calendar file, read back by the library and, line by line, without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from icalendar import Calendar

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.outbox.calendar import CalendarFiles

TOKEN = "f" * 32
YES, NO, MAYBE = Answer(Attendance.YES, 2), Answer(Attendance.NO, 0), Answer(Attendance.MAYBE, None)


@pytest.fixture
def calendar_of(composer, invitee, now, parsed):
    def calendar_of(answer, before=None, sequence=0):
        mail = composer.confirmation(answer, before, invitee, token=TOKEN, now=now, sequence=sequence, first=True)
        parts = [part for part in parsed(mail).walk() if part.get_content_type() == "text/calendar"]
        return parts[0] if parts else None

    return calendar_of


@pytest.mark.parametrize(
    ("answer", "before", "method", "status"),
    [(YES, None, "PUBLISH", "CONFIRMED"), (MAYBE, None, "PUBLISH", "TENTATIVE"), (NO, YES, "CANCEL", "CANCELLED")],
)
def test_the_file_says_when_and_where(calendar_of, answer, before, method, status):
    part = calendar_of(answer, before, 4)
    assert part["Content-Type"].params["method"] == method
    assert part.get_filename().endswith(".ics")
    calendar = Calendar.from_ical(part.get_content())
    assert calendar["METHOD"] == method
    (entry,) = calendar.walk("VEVENT")
    assert entry["UID"] == "integrationskonferenz-2017-11-14@jugendamt.essen.example"
    assert entry["SEQUENCE"] == 4
    assert entry["STATUS"] == status
    assert entry["SUMMARY"] == "1. Integrationskonferenz im Stadtbezirk I"
    assert entry["LOCATION"] == "Kirche St. Gertrud, Gertrudissaal, Rottstraße 36, 45127 Essen"
    assert entry["ORGANIZER"] == "mailto:halil.yaman@jugendamt.essen.example"
    assert entry.decoded("DTSTAMP") == datetime(2017, 11, 6, 7, tzinfo=UTC)
    assert entry.decoded("DTSTART").astimezone(UTC) == datetime(2017, 11, 14, 16, tzinfo=UTC)
    assert entry.decoded("DTEND").astimezone(UTC) == datetime(2017, 11, 14, 19, tzinfo=UTC)


def test_the_time_zone_is_in_the_file(calendar_of):
    lines = calendar_of(YES).get_content().splitlines()
    assert "DTSTART;TZID=Europe/Berlin:20171114T170000" in lines
    assert lines.count("BEGIN:VTIMEZONE") == 1
    assert "TZID:Europe/Berlin" in lines
    assert max(len(line.encode()) for line in lines) <= 75
    assert len(lines) < 60


def test_a_plain_no_brings_no_file(calendar_of):
    assert calendar_of(NO) is None


def test_each_mail_has_its_own_time_stamp(event, office, now):
    files = CalendarFiles(event, office)
    first = files.part(Attendance.YES, 0, now)
    assert files.part(Attendance.YES, 0, now) == first
    assert files.part(Attendance.YES, 0, now + timedelta(hours=1)) != first


def test_an_event_in_a_bare_offset_is_written_in_utc(event, office, now, parsed):
    offset = timezone(timedelta(hours=1))
    moved = replace(
        event, starts_at=event.starts_at.astimezone(offset), ends_at=event.ends_at.astimezone(offset), calendar_uid=""
    )
    built = CalendarFiles(moved, office)._build(Attendance.YES, 0).decode()
    assert "DTSTART:20171114T160000Z" in built
    assert "UID:konferenz@jugendamt.essen.example" in built
    assert "VTIMEZONE" not in built
