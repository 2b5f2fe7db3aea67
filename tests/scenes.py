"""What the tests of the promises ask of an office: rows as they stand, mail as it went out, the owner at work."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from rsvp_mailer import operate
from rsvp_mailer.clock import Clock
from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.figures import take_figures
from rsvp_mailer.store.store import Store
from rsvp_mailer.store.tables import answer, cursor, mail, outgoing, review

if TYPE_CHECKING:
    import imaplib
    from collections.abc import Callable, Iterator

    from office import Office
    from servers_smtp import SmtpServer, StoredMail
    from sqlalchemy import Row, Table

    from rsvp_mailer.app import App
    from rsvp_mailer.domain import Balance, Figures, RawMail
    from rsvp_mailer.inbox.imap import ImapInbox
    from rsvp_mailer.intake import Taken
    from rsvp_mailer.poll import Round
    from rsvp_mailer.review.queue import Queue
    from rsvp_mailer.store.store import Transaction

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
TEAM = "team@office.example"


class Killed(BaseException):
    """What no ``except Exception`` catches: the program is gone from one step to the next."""


@dataclass(frozen=True)
class AtWork:
    """An office with its parts built and its mailbox open; cheaper than a round of its own for each step."""

    app: App
    inbox: ImapInbox

    def poll(
        self,
        watch: Callable[[RawMail, Taken], None] = lambda _mail, _taken: None,
        start_at: datetime = LONG_AGO,
    ) -> Round:
        """Take what is new; nothing is sent."""
        return self.app.poller(start_at).poll(self.inbox, watch=watch)

    @property
    def queue(self) -> Queue:
        """The decisions of people."""
        return operate.queue(self.app)


@contextmanager
def at_work(office: Office, clock: Clock | None = None) -> Iterator[AtWork]:
    """Build the parts and connect."""
    with office.app(clock) as app, operate.connected(app) as inbox:
        yield AtWork(app, inbox)


def later(**period: float) -> Clock:
    """A clock that is ahead of the system's."""
    return Clock(timedelta(**period))


# --- rows ------------------------------------------------------------------------------------------------------


@contextmanager
def reading(office: Office) -> Iterator[Transaction]:
    """One look into the database, from outside of the program."""
    store = Store(open_engine(office.database_url))
    try:
        with store.reading() as tx:
            yield tx
    finally:
        store.close()


def rows(office: Office, table: Table) -> list[Row]:
    """All rows of a table, oldest first."""
    with reading(office) as tx:
        return list(tx.connection.execute(select(table).order_by(*table.primary_key)))


def states(office: Office) -> dict[int, str]:
    """State of each message of the first folder, by UID."""
    return {row.uid: row.state for row in rows(office, mail)}


def persons(office: Office) -> dict[str, tuple[str | None, int | None]]:
    """Present attendance and size by person."""
    return {row.person: (row.attendance, row.party_size) for row in rows(office, answer)}


def open_items(office: Office) -> list[Row]:
    """What waits for a person."""
    return [row for row in rows(office, review) if row.closed_at is None]


def to_invitees(office: Office) -> list[Row]:
    """Outgoing rows but for digests."""
    return [row for row in rows(office, outgoing) if row.kind != "digest"]


def position(office: Office, folder: str = "INBOX") -> int:
    """The last UID that was dealt with."""
    return next((row.last_uid for row in rows(office, cursor) if row.folder == folder), 0)


def figures(office: Office) -> Figures:
    """What ``status`` and digest show."""
    with reading(office) as tx:
        return take_figures(tx, "konferenz", now=datetime.now(UTC), since=None)


def balance(office: Office) -> Balance:
    """The books; they must be right whenever anybody looks."""
    found = figures(office).balance
    assert found.holds, found
    return found


# --- what went out ---------------------------------------------------------------------------------------------


def received(server: SmtpServer, address: str | None = None) -> list[StoredMail]:
    """Mail to ``address``, or to anybody but the team."""
    wanted = [each for each in server.mails if TEAM not in each.recipients]
    return [each for each in wanted if address is None or address in each.recipients]


def digests(server: SmtpServer) -> list[StoredMail]:
    """Mail to the team."""
    return [each for each in server.mails if TEAM in each.recipients]


def text_of(sent: StoredMail) -> str:
    """Subject and plain text of a mail of ours."""
    body = sent.message.get_body(("plain",))
    assert body is not None
    return f"{sent.message['Subject']}\n{body.get_content()}"


# --- the owner of the mailbox ----------------------------------------------------------------------------------


def flags(client: imaplib.IMAP4, folder: str = "INBOX") -> dict[int, set[str]]:
    """Every flag of every message by UID, but for \\Recent, which is the server's own."""
    client.select(folder, readonly=True)
    found: dict[int, set[str]] = {}
    for row in client.uid("FETCH", "1:*", "(FLAGS)")[1]:
        text = row[0] if isinstance(row, tuple) else row
        match = re.search(rb"UID (\d+)", text or b"")
        if match:
            marks = re.search(rb"FLAGS \(([^)]*)\)", text)
            assert marks
            found[int(match[1])] = set(marks[1].decode().split()) - {"\\Recent"}
    return found
