"""An event, an office and a composer for all tests of outgoing mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from rsvp_mailer.domain import Address, Correspondent, Event
from rsvp_mailer.outbox.confirmation import Composer
from rsvp_mailer.outbox.send import SmtpSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from rsvp_mailer.domain import OutgoingMail

BERLIN = ZoneInfo("Europe/Berlin")
STECKBRIEF = Path(__file__).parents[2] / "config" / "steckbrief"


@dataclass(frozen=True)
class Office:
    address: str = "halil.yaman@jugendamt.essen.example"
    name: str = "Jugendamt Essen, Integrationskonferenz"
    organisation: str = "Jugendamt der Stadt Essen"
    contact: str = "Halil Yaman, Telefon 0201 88-0"
    message_id_domain: str = "jugendamt.essen.example"
    legal_basis: str = "Art. 6 Abs. 1 lit. e DSGVO"
    kept_days: int = 90


@pytest.fixture(scope="session")
def event() -> Event:
    return Event(
        id="konferenz",
        title="1. Integrationskonferenz im Stadtbezirk I",
        starts_at=datetime(2017, 11, 14, 17, tzinfo=BERLIN),
        ends_at=datetime(2017, 11, 14, 20, tzinfo=BERLIN),
        place="Kirche St. Gertrud, Gertrudissaal",
        street_address="Rottstraße 36, 45127 Essen",
        calendar_uid="integrationskonferenz-2017-11-14@jugendamt.essen.example",
        interpreter_languages=("ar", "ku", "prs", "fa", "fr", "en"),
    )


@pytest.fixture(scope="session")
def office() -> Office:
    return Office()


@pytest.fixture(scope="session")
def composer(event: Event, office: Office) -> Composer:
    return Composer(event, office, steckbrief=STECKBRIEF)


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2017, 11, 6, 7, tzinfo=UTC)


@pytest.fixture
def invitee() -> Correspondent:
    """Answers in the invitation's thread."""
    return Correspondent(
        address=Address("mara.velic@example.org", "Mara Velić"),
        subject="AW: Einladung Integrationskonferenz 14.11.2017",
        message_id="<reply-1@example.org>",
        references=("<einladung-2017-11-14@jugendamt.essen.example>",),
        in_thread=True,
    )


@pytest.fixture(scope="session")
def parsed() -> Callable[[OutgoingMail], EmailMessage]:
    """A mail as another program reads it."""
    return lambda mail: message_from_bytes(mail.octets, policy=policy.default)


@pytest.fixture(scope="session")
def open_session() -> Callable[[int], SmtpSession]:
    """A plain session to a port on loopback."""

    def open_session(port: int) -> SmtpSession:
        server = SimpleNamespace(host="127.0.0.1", port=port, security="none", user=None, timeout_s=5, ca_file=None)
        return SmtpSession(server, password=None)

    return open_session
