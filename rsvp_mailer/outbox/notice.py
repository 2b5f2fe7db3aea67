"""The mail to the administrator when a part of the program has not worked for an hour."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import Alert
from rsvp_mailer.outbox.mime import one_line, write_mail
from rsvp_mailer.outbox.rendering import shipped_or

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from rsvp_mailer.domain import Event, OutgoingMail
    from rsvp_mailer.outbox.language import Language
    from rsvp_mailer.outbox.rendering import Templates
    from rsvp_mailer.outbox.sender import Sender

URGENT_AFTER = timedelta(hours=1)
AT_MOST_EVERY = timedelta(hours=1)
AGAIN_AFTER = timedelta(days=1)  # the same part, while it still does not work
LANGUAGES = ("de", "en")


def compose_notice(
    alerts: Sequence[Alert],
    event: Event,
    sender: Sender,
    recipient: str,
    *,
    language: str,
    token: str,
    now: datetime,
    templates: Path | None = None,
) -> OutgoingMail:
    """What does not work, since when, why, and what to do. ``alerts``: at least one, longest first."""
    shipped = shipped_or(templates)
    section = shipped.render("notice", language, _values(alerts, event, shipped.languages[language], now))
    return write_mail(
        sender=sender,
        recipient=recipient,
        subject=section.subject,
        token=token,
        now=now.astimezone(event.starts_at.tzinfo),
        text=section.text,
        html=shipped.document([section]),
        languages=[section.language.html_code],
        automatic="auto-generated",
    )


def notice_faults(event: Event, templates: Templates) -> list[str]:
    """Faults of the notice's templates: "file:line: reason", found by rendering a sample."""
    samples = [
        Alert(part, "the server cannot be reached", event.starts_at) for part in ("mailbox", "smtp", "deliveries", "x")
    ]
    return [
        fault
        for code in LANGUAGES
        for fault in templates.faults(
            "notice", code, _values(samples, event, templates.languages[code], event.starts_at)
        )
    ]


def _values(alerts: Sequence[Alert], event: Event, language: Language, now: datetime) -> dict[str, Any]:
    zone = event.starts_at.tzinfo
    return {
        "event_title": event.title,
        "as_of": language.moment(now.astimezone(zone)),
        "alerts": [
            {
                "part": alert.part.split(" ")[0],
                "message": one_line(alert.message),
                "since": language.moment(alert.since.astimezone(zone)),
            }
            for alert in alerts
        ],
    }
