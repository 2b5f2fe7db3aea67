"""The calendar file beside a confirmation (RFC 5545, RFC 5546).

METHOD:PUBLISH, since the invitee needs a note of the date and no second way to answer; where the office wants that
way, REQUEST with the invitee as the one attendee, whose answer is already in it. CANCEL on a cancellation.
UID is the event's own in every mail, SEQUENCE rises with each mail to the same person, so that the newest file wins.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as CalendarEntry

from rsvp_mailer.domain import Attendance
from rsvp_mailer.outbox.mime import Part, attached_part

if TYPE_CHECKING:
    from rsvp_mailer.domain import Event
    from rsvp_mailer.outbox.sender import Sender

_LATER = datetime(1970, 1, 1, tzinfo=UTC)  # stands for DTSTAMP in the cached file
_PARTSTAT = {Attendance.YES: "ACCEPTED", Attendance.MAYBE: "TENTATIVE", Attendance.NO: "DECLINED"}
_STATUS = {Attendance.YES: "CONFIRMED", Attendance.MAYBE: "TENTATIVE", Attendance.NO: "CANCELLED"}


class CalendarFiles:
    """Calendar files for one event; each (attendance, sequence) is built once. ``as_request``: REQUEST, not PUBLISH."""

    def __init__(self, event: Event, sender: Sender, *, as_request: bool = False) -> None:
        self._event = event
        self._sender = sender
        self._as_request = as_request
        self._built = lru_cache(256)(self._build)

    def part(self, attendance: Attendance, sequence: int, now: datetime, attendee: str = "") -> Part:
        """The file as a MIME part; ``NO`` takes the entry out of the calendar again. ``attendee``: an address."""
        octets = self._built(attendance, sequence, attendee if self._as_request else "").replace(
            b"19700101T000000Z", f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}".encode()
        )
        name = "absage.ics" if attendance is Attendance.NO else "termin.ics"
        return attached_part(octets, f"text/calendar; charset=utf-8; method={self._method(attendance)}", name)

    def _method(self, attendance: Attendance) -> str:
        if attendance is Attendance.NO:
            return "CANCEL"
        return "REQUEST" if self._as_request else "PUBLISH"

    def _build(self, attendance: Attendance, sequence: int, attendee: str) -> bytes:
        event = self._event
        calendar = Calendar()
        calendar.add("prodid", "-//rsvp-mailer//DE")
        calendar.add("version", "2.0")
        calendar.add("method", self._method(attendance))
        entry = CalendarEntry()
        entry.add("uid", event.calendar_uid or f"{event.id}@{self._sender.message_id_domain}")
        entry.add("dtstamp", _LATER)
        entry.add("sequence", sequence)
        entry.add("summary", event.title)
        entry.add("dtstart", _in_a_named_zone(event.starts_at))
        entry.add("dtend", _in_a_named_zone(event.ends_at))
        entry.add("location", f"{event.place}, {event.street_address}")
        entry.add("status", _STATUS[attendance])
        entry.add("description", self._sender.contact)
        organizer = vCalAddress(f"mailto:{self._sender.address}")
        organizer.params["CN"] = vText(self._sender.name)
        entry.add("organizer", organizer)  # required by RFC 5546, 3.2.1
        if attendee:
            guest = vCalAddress(f"mailto:{attendee}")
            guest.params |= {"PARTSTAT": vText(_PARTSTAT[attendance]), "RSVP": vText("FALSE")}
            entry.add("attendee", guest)
        calendar.add_component(entry)
        year = event.starts_at.year
        # The rules of the years around the event: all of them since 1970 would be 3 KB in every mail.
        calendar.add_missing_timezones(date(year - 1, 1, 1), date(year + 2, 1, 1))
        return bytes(calendar.to_ical())


def _in_a_named_zone(moment: datetime) -> datetime:
    """Local time where the zone has a name that calendars know, else UTC: an offset alone cannot be written."""
    return moment if isinstance(moment.tzinfo, ZoneInfo) else moment.astimezone(UTC)
