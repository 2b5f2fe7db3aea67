"""The calendar file, read back by the library and, line by line, without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import vobject
from icalendar import Calendar

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.outbox.calendar import CalendarFiles
from rsvp_mailer.outbox.confirmation import Composer

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
    built = CalendarFiles(moved, office)._build(Attendance.YES, 0, "").decode()
    assert "DTSTART:20171114T160000Z" in built
    assert "UID:konferenz@jugendamt.essen.example" in built
    assert "VTIMEZONE" not in built


def read_elsewhere(part):
    """The entry as a library reads it that had no part in writing it."""
    calendar = vobject.readOne(part.get_content())
    return calendar, calendar.vevent


@pytest.mark.parametrize(("answer", "before"), [(YES, None), (MAYBE, None), (YES, NO), (NO, YES)])
def test_another_library_reads_the_same(calendar_of, answer, before):
    calendar, entry = read_elsewhere(calendar_of(answer, before, 2))
    assert calendar.method.value == ("CANCEL" if answer is NO else "PUBLISH")
    assert entry.dtstart.value.isoformat() == "2017-11-14T17:00:00+01:00"
    assert entry.dtend.value.isoformat() == "2017-11-14T20:00:00+01:00"
    assert entry.location.value == "Kirche St. Gertrud, Gertrudissaal, Rottstraße 36, 45127 Essen"
    assert entry.sequence.value == "2"
    assert not hasattr(entry, "attendee")


def test_a_later_mail_wins_over_an_earlier_one(calendar_of):
    chain = [(YES, None), (replace(YES, party_size=4), YES), (NO, YES), (YES, NO)]
    entries = [read_elsewhere(calendar_of(answer, before, number))[1] for number, (answer, before) in enumerate(chain)]
    assert len({entry.uid.value for entry in entries}) == 1
    assert [int(entry.sequence.value) for entry in entries] == [0, 1, 2, 3]
    assert [entry.status.value for entry in entries] == ["CONFIRMED", "CONFIRMED", "CANCELLED", "CONFIRMED"]


@pytest.mark.parametrize(
    ("answer", "before", "method", "state"),
    [(YES, None, "REQUEST", "ACCEPTED"), (MAYBE, YES, "REQUEST", "TENTATIVE"), (NO, YES, "CANCEL", "DECLINED")],
)
def test_an_office_may_send_invitations_with_buttons(
    event, office, invitee, now, parsed, answer, before, method, state
):
    composer = Composer(event, office, calendar_request=True)
    mail = composer.confirmation(answer, before, invitee, token=TOKEN, now=now, sequence=1, first=False)
    (part,) = parsed(mail).iter_attachments()
    assert part["Content-Type"].params["method"] == method
    calendar, entry = read_elsewhere(part)
    assert calendar.method.value == method
    assert entry.attendee.value == "mailto:mara.velic@example.org"
    assert entry.attendee.params["PARTSTAT"] == [state]


def test_a_cancellation_says_to_delete_the_entry(composer, invitee, now, parsed):
    mail = composer.confirmation(NO, YES, invitee, token=TOKEN, now=now, sequence=1, first=False)
    assert "Bitte löschen Sie ihn dort." in " ".join(parsed(mail).get_body(("plain",)).get_content().split())
