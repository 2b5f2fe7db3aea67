"""An office whose mail comes as octets: no mailbox is needed to try what people decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from office import make_office, reply
from sqlalchemy import select

from rsvp_mailer import operate
from rsvp_mailer.domain import Cursor, Place, RawMail
from rsvp_mailer.outbox.dispatch import Dispatch, caps
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.review.guests import GuestBook

if TYPE_CHECKING:
    from pathlib import Path

    from office import Office
    from sqlalchemy import Table

    from rsvp_mailer.app import App
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.review.queue import Queue

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass
class Time:
    """A clock that stands until it is moved."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The time."""
        return self.at

    def arrival(self, at: datetime) -> datetime:
        """As it is."""
        return at

    def pass_by(self, **period: float) -> None:
        """Let time go by."""
        self.at += timedelta(**period)


@dataclass
class Bureau:
    """The office at work; each mail gets the next UID."""

    app: App
    time: Time
    uids: Any = field(default_factory=lambda: count(1))

    @property
    def queue(self) -> Queue:
        return operate.queue(self.app)

    @property
    def book(self) -> GuestBook:
        return GuestBook(self.app.store, self.app.desk, self.time.now)

    def mail(self, words: str, **headers: Any) -> int | None:
        """A reply comes in; the id of its open item, if it was held."""
        return self.take(reply(words, **headers))

    def take(self, raw: bytes) -> int | None:
        """A mail comes in; the id of its open item, if it was held."""
        place = Place("office", "INBOX", 1, next(self.uids))
        self.app.intake().take_all([RawMail(raw, self.time.now(), place)])
        with self.app.store.reading() as tx:
            mail_id = tx.mails.at(place)
            assert mail_id is not None
            item = tx.reviews.of_mail(mail_id)
        self.time.pass_by(seconds=2)
        return item.id if item else None

    def held(self, words: str, **headers: Any) -> int:
        """A reply comes in that must be held."""
        item = self.mail(words, **headers)
        assert item is not None
        return item

    def send_due(self) -> list[str]:
        """The server takes all that is due; whom it went to."""
        per_address, in_all = caps(1000, 1000, 1000)
        dispatch = Dispatch(self.app.store, self.time.now, per_address, in_all)
        claimed = dispatch.claim(self.time.now(), 1000)
        for each in claimed:
            dispatch.mark_sent(each.id, self.time.now())
        return [each.recipient for each in claimed]

    def present(self) -> dict[str, tuple[str | None, int | None]]:
        """Attendance and size of each person."""
        with self.app.store.reading() as tx:
            rows = tx.answers.all_present("konferenz")
            return {row.person: (row.answer.attendance, row.answer.party_size) for row in rows}

    def certain(self) -> int:
        """The head count."""
        return self.app.figures().head_count.certain

    def rows(self, table: Table) -> list[Any]:
        """All rows of a table."""
        with self.app.store.reading() as tx:
            return list(tx.connection.execute(select(table).order_by(*table.primary_key)))


@cache
def shared_lexicon() -> Lexicon:
    """Frozen, and the same for all tests of a process."""
    return load_lexicon()


def make_bureau(app: App, time: Time) -> Bureau:
    """At work on a fresh database."""
    with app.store.writing() as tx:
        tx.cursors.start(Cursor("office", "INBOX", LONG_AGO, 1, 0))
    return Bureau(app, time)


def office_without_servers(folder: Path, database_url: str) -> Office:
    """A decision's mail waits five minutes, and is delivered nowhere."""
    nobody: Any = SimpleNamespace(server=SimpleNamespace(imap_port=9), address="buero", password="x")
    return make_office(folder, nobody, 9, database_url, limits={"confirm_after_min": 5})
