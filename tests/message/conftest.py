"""The conference as the shipped settings describe it, and the mailbox that people answer to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rsvp_mailer.domain import Event, MailboxIdentity

BERLIN = ZoneInfo("Europe/Berlin")
INVITATION = Path(__file__).parents[2] / "config" / "invitation.txt"


def conference() -> Event:
    return Event(
        id="integrationskonferenz-2017",
        title="1. Integrationskonferenz im Stadtbezirk I",
        starts_at=datetime(2017, 11, 14, 17, tzinfo=BERLIN),
        ends_at=datetime(2017, 11, 14, 20, tzinfo=BERLIN),
        place="Kirche St. Gertrud, Gertrudissaal",
        street_address="Rottstraße 36, 45127 Essen",
        message_ids=frozenset({"<einladung-2017-11-14@jugendamt.essen.example>"}),
        calendar_uid="integrationskonferenz-2017-11-14@jugendamt.essen.example",
        own_texts=(INVITATION.read_text(encoding="utf-8"),),
        interpreter_languages=("ar", "ku", "prs", "fa", "fr", "en"),
    )


def mailbox() -> MailboxIdentity:
    return MailboxIdentity(
        frozenset({"halil.yaman@jugendamt.essen.example"}), "mx1.essen.example", "jugendamt.essen.example"
    )


@pytest.fixture(scope="session")
def event() -> Event:
    return conference()


@pytest.fixture(scope="session")
def identity() -> MailboxIdentity:
    return mailbox()
