"""From a message's own words to their meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Kind, Reading, Reason, Tie

if TYPE_CHECKING:
    from rsvp_mailer.domain import Event, Message
    from rsvp_mailer.reading.lexicon import Lexicon


def read_reply(message: Message, event: Event, lexicon: Lexicon) -> Reading:
    """What ``message`` says about coming to ``event``; never raises, whatever the text."""
    if message.kind is not None and message.kind is not Kind.RSVP:
        return Reading(kind=message.kind)
    if message.tie is Tie.OTHER:
        return Reading(kind=Kind.UNRELATED)
    return Reading(kind=Kind.RSVP, reasons=(Reason.ATTENDANCE_UNCLEAR,))
