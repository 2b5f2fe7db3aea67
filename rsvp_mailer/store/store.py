"""The store: one database, transactions that either write or read, and one shelf for each kind of row.

Failure: a locked or full database, or a server that is away, raises ``TemporaryError`` out of the ``with``
block, and nothing of the block is kept; the caller's cursor has then not moved either.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

from rsvp_mailer.store.alerts import Alerts
from rsvp_mailer.store.answers import Answers
from rsvp_mailer.store.cursors import Cursors
from rsvp_mailer.store.doors import Doors
from rsvp_mailer.store.engine import database_errors
from rsvp_mailer.store.guest_list import GuestList
from rsvp_mailer.store.mails import Mails
from rsvp_mailer.store.register import Register
from rsvp_mailer.store.reviews import Reviews
from rsvp_mailer.store.sendings import Sendings
from rsvp_mailer.store.sheets import Sheets
from rsvp_mailer.store.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


@dataclass(frozen=True)
class Transaction:
    """The shelves, all within one transaction."""

    connection: Connection

    @cached_property
    def cursors(self) -> Cursors:
        """How far each folder was read."""
        return Cursors(self.connection)

    @cached_property
    def mails(self) -> Mails:
        """What was received."""
        return Mails(self.connection)

    @cached_property
    def answers(self) -> Answers:
        """What people at the office ruled, and the history of answers."""
        return Answers(self.connection)

    @cached_property
    def guests(self) -> GuestList:
        """The guest list."""
        return GuestList(self.connection)

    @cached_property
    def reviews(self) -> Reviews:
        """What waits for a person."""
        return Reviews(self.connection)

    @cached_property
    def register(self) -> Register:
        """All guests, row by row, for exports."""
        return Register(self.connection)

    @cached_property
    def sheets(self) -> Sheets:
        """Returned profile sheets."""
        return Sheets(self.connection)

    @cached_property
    def tasks(self) -> Tasks:
        """What is to be done beside the answers."""
        return Tasks(self.connection)

    @cached_property
    def alerts(self) -> Alerts:
        """What does not work."""
        return Alerts(self.connection)

    @cached_property
    def doors(self) -> Doors:
        """Who may see the pages."""
        return Doors(self.connection)

    @cached_property
    def sendings(self) -> Sendings:
        """What goes out."""
        return Sendings(self.connection)


class Store:
    """Transactions on one engine (``engine.open_engine``); safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self._writers = engine
        self._readers = engine.execution_options(rsvp_read_only=True)
        # SQLite's busy handler sleeps in growing steps and is unfair; threads of one process queue here instead.
        self._turn = Lock() if engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One write transaction: committed at the end of the block, rolled back when it raises."""
        with self._turn, database_errors(), self._writers.begin() as connection:
            yield Transaction(connection)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One consistent view; never waits for a writer on SQLite (WAL)."""
        with database_errors(), self._readers.begin() as connection:
            yield Transaction(connection)

    def close(self) -> None:
        """Give back the connections."""
        self._writers.dispose()
