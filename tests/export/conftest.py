"""A store with guests of every sort, and one export of it."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from invited import EVENT, GUESTS, MAYBE, NOW

from rsvp_mailer.domain import Answer
from rsvp_mailer.export.exports import prepare
from rsvp_mailer.export.wording import LANGUAGES
from rsvp_mailer.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Engine

    from rsvp_mailer.export.kinds import Kind


@pytest.fixture
def store(engine: Engine) -> Store:
    """The guests above, each a minute after the one before; one of them answered twice, one by telephone."""
    store = Store(engine)
    with store.writing() as tx:
        first = Answer(MAYBE, 1, name="Zeki Arslan")
        _append(tx, "zeki@example.org", first, NOW - timedelta(days=2))
        for minute, (person, answer) in enumerate(GUESTS.items()):
            ruling = None
            if person.startswith("tel:"):
                ruling = tx.answers.rule(
                    "telephone", by="chef", at=NOW, person=person, event=EVENT.id, new=answer, note="=2+2 Rückruf"
                )
            _append(tx, person, answer, NOW + timedelta(minutes=minute), by="chef" if ruling else "auto", ruling=ruling)
    return store


def _append(tx, person: str, answer: Answer, at: datetime, by: str = "auto", ruling: int | None = None) -> None:
    tx.answers.append(answer, person=person, event=EVENT.id, now=at, by=by, mail_id=None, ruling_id=ruling)


@pytest.fixture
def exported(store: Store) -> Callable[..., bytes]:
    """The octets of one export."""

    def exported(kind: Kind, language: str = "de", **how) -> bytes:
        out = io.BytesIO()
        with store.reading() as tx:
            prepare(tx, EVENT, kind, LANGUAGES[language], now=NOW, **how).write(out)
        return out.getvalue()

    return exported
