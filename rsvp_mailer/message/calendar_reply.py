"""Answers by button: iTIP REPLY and COUNTER (RFC 5546), and whether they are about our event.

What may live here: reading calendar parts with icalendar. A calendar reply is ours by its UID, or by SUMMARY and
DTSTART together; any other is ``FOREIGN``. A part that cannot be read is no calendar reply.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from icalendar import Calendar

from rsvp_mailer.domain import Attendance, CalendarReply
from rsvp_mailer.message.charset import decode_octets
from rsvp_mailer.message.folding import clean, fold
from rsvp_mailer.message.transfer import payload_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import Message as MimePart

    from rsvp_mailer.domain import Event

LARGEST_CALENDAR_BYTES = 200_000
MOST_GUESTS = 1_000
_ATTENDANCE = {"ACCEPTED": Attendance.YES, "DECLINED": Attendance.NO, "TENTATIVE": Attendance.MAYBE}
_FRAME = re.compile(r"^(BEGIN|END):([A-Za-z-]{1,40})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_ANSWERS = frozenset({"REPLY", "COUNTER"})


class Calendaring(Enum):
    """What the calendar parts of a mail are."""

    NONE = auto()  # there are none, or none that can be read
    FOREIGN = auto()  # about another meeting
    PUBLISHED = auto()  # about our event, but no answer: a calendar file passed on


def calendar_of(parts: Iterable[MimePart], event: Event) -> CalendarReply | Calendaring:
    """The answer by button that a mail brings; of several parts (Google sends two) the first that answers."""
    outcome = Calendaring.NONE
    for part in list(parts)[:10]:
        octets = payload_of(part)
        if not octets or len(octets) > LARGEST_CALENDAR_BYTES:
            continue
        text = decode_octets(octets, part.get_content_charset())[0]
        found = _read(text, str(part.get_param("method", "")), event)
        if isinstance(found, CalendarReply):
            return found
        if found is not Calendaring.NONE and outcome is not Calendaring.PUBLISHED:
            outcome = found
    return outcome


def _read(text: str, outer_method: str, event: Event) -> CalendarReply | Calendaring:
    """``outer_method``: the method that Content-Type names, for calendars that leave out their own."""
    try:
        calendar = Calendar.from_ical(_closed(text))
        method = str(calendar.get("METHOD") or outer_method).strip().upper()
        meetings: list[Any] = list(calendar.walk("VEVENT"))[:50]
        for meeting in meetings:
            if is_about(meeting, event):
                return _answer(method, meeting) if method in _ANSWERS else Calendaring.PUBLISHED
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return Calendaring.NONE
    return Calendaring.FOREIGN if meetings else Calendaring.NONE


def _closed(text: str) -> str:
    """The calendar with the END lines that a gateway cut off."""
    opened: list[str] = []
    for verb, name in _FRAME.findall(text):
        if verb.upper() == "BEGIN":
            opened.append(name)
        elif opened and opened[-1].upper() == name.upper():
            opened.pop()
    ends = "".join(f"END:{name}\r\n" for name in reversed(opened[:20]))
    return f"{text.rstrip()}\r\n{ends}" if ends else text


def is_about(meeting: Any, event: Event) -> bool:  # noqa: ANN401 - icalendar's components are untyped
    """Whether a VEVENT is our event: the same UID, or the same title at the same time."""
    uid = str(meeting.get("UID", "")).strip()
    if event.calendar_uid and uid.casefold() == event.calendar_uid.casefold():
        return True
    summary = fold(clean(str(meeting.get("SUMMARY", ""))))
    return fold(event.title) in summary and _starts_with(meeting, event)


def _starts_with(meeting: Any, event: Event) -> bool:  # noqa: ANN401
    """A time without a zone is the event's own (RFC 5545, 3.3.5); an entry for the whole day is on its day."""
    start = getattr(meeting.get("DTSTART"), "dt", None)
    if not isinstance(start, datetime):
        return start == event.starts_at.date()
    if start.tzinfo is None:
        return start == event.starts_at.replace(tzinfo=None)
    return start == event.starts_at


def _answer(method: str, meeting: Any) -> CalendarReply | Calendaring:  # noqa: ANN401
    attendees = meeting.get("ATTENDEE") or []
    attendees = attendees if isinstance(attendees, list) else [attendees]
    spoken = [each for each in attendees if str(each.params.get("PARTSTAT", "")).upper() != "NEEDS-ACTION"] or attendees
    if not spoken:
        return CalendarReply(method, None, None, 0, _comment(meeting))
    attendee = spoken[0]
    address = _address_of(attendee)
    attendance = _ATTENDANCE.get(str(attendee.params.get("PARTSTAT", "")).strip().upper())
    if len({str(each).lower() for each in spoken}) > 1:
        attendance = None
    return CalendarReply(
        method, attendance, address or None, _guests(attendee.params.get("X-NUM-GUESTS", "0")), _comment(meeting)
    )


def _address_of(attendee: Any) -> str:  # noqa: ANN401
    """The calendar address, or the EMAIL parameter (RFC 7986) beside one that is no mailbox."""
    address = str(attendee).strip().lower().removeprefix("mailto:")
    return address if "@" in address else str(attendee.params.get("EMAIL", address)).strip().lower()


def _guests(value: object) -> int:
    text = str(value).strip()
    return min(int(text), MOST_GUESTS) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _comment(meeting: Any) -> str:  # noqa: ANN401
    comment = meeting.get("COMMENT") or ""
    comments = comment if isinstance(comment, list) else [comment]
    return clean("\n".join(str(each) for each in comments)).strip()[:10_000]
