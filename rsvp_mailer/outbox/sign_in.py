"""The mail that opens the pages to somebody at the office."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.outbox.mime import write_mail
from rsvp_mailer.outbox.rendering import shipped_or

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from rsvp_mailer.domain import Event, OutgoingMail
    from rsvp_mailer.outbox.sender import Sender


def compose_sign_in(
    sender: Sender,
    recipient: str,
    *,
    link: str,
    until: datetime,
    event: Event,
    language: str,
    token: str,
    now: datetime,
    templates: Path | None = None,
) -> OutgoingMail:
    """The mail with the link. ``token``: of the Message-ID, not of the link. ``language``: "de" or "en"."""
    zone = event.starts_at.tzinfo
    spoken = shipped_or(templates).languages[language]
    values = {"link": link, "until": spoken.clock(until.astimezone(zone)), "event_title": event.title}
    section = shipped_or(templates).render("sign_in", language, values)
    return write_mail(
        sender=sender,
        recipient=recipient,
        subject=section.subject,
        token=token,
        now=now.astimezone(zone),
        text=section.text,
        html=shipped_or(templates).document([section]),
        languages=[section.language.html_code],
        automatic="auto-generated",
    )


def sign_in_faults(event: Event, templates: Path | None) -> list[str]:
    """Faults of the templates: "file:line: reason", found by rendering a sample."""
    values = {"link": "https://example.org/sign-in/0", "until": "12:00", "event_title": event.title}
    return [fault for code in ("de", "en") for fault in shipped_or(templates).faults("sign_in", code, values)]
