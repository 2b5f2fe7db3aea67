"""A pressed button (iTIP REPLY) and the words beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance, Evidence, Kind, Reading, Reason

if TYPE_CHECKING:
    from rsvp_mailer.domain import CalendarReply


def read_calendar(reply: CalendarReply, words: Reading, *, said_something: bool) -> Reading:
    """The button's answer, where the words beside it do not say something else.

    ``words``: what the own words read as; ``said_something``: they say more than thanks.
    A number in the words wins over a button without guests.
    """
    button = _button(reply)
    if reply.method != "REPLY" or reply.attendance is None:
        return replace(button, reasons=(Reason.ATTENDANCE_UNCLEAR,))
    if not said_something:
        return replace(button, language=words.language)
    if words.attendance is not reply.attendance or words.reasons:
        return replace(button, tags=words.tags, language=words.language, reasons=(Reason.CONTRADICTION,))
    if words.size_stated and reply.guests and words.party_size != button.party_size:
        return replace(button, reasons=(Reason.CONTRADICTION,))
    return replace(words if words.size_stated else replace(words, party_size=button.party_size), reasons=())


def _button(reply: CalendarReply) -> Reading:
    comes = reply.attendance in (Attendance.YES, Attendance.MAYBE)
    size = 1 + reply.guests if comes else 0 if reply.attendance is Attendance.NO else None
    text = reply.attendance.value if reply.attendance else reply.method.lower()
    return Reading(
        kind=Kind.RSVP,
        attendance=reply.attendance,
        party_size=size,
        size_stated=comes and reply.guests > 0,
        evidence=(Evidence("attendance", "calendar.button", "calendar", text, 0, len(text)),),
    )
