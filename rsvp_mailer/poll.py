"""One round through a mailbox: from the cursor of each folder to whatever is new.

A round is the same whether IDLE, a timer or a person asked for it. What it has done is on disk message by message,
so that it may end anywhere; ``TemporaryError`` out of it means "connect again and repeat".
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from rsvp_mailer.domain import Cursor
from rsvp_mailer.errors import ConfigError, RsvpMailerError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from rsvp_mailer.clock import Clock
    from rsvp_mailer.domain import RawMail
    from rsvp_mailer.inbox.connection import FolderState
    from rsvp_mailer.inbox.imap import ImapInbox
    from rsvp_mailer.intake import Intake, Taken
    from rsvp_mailer.settings import MailboxSettings
    from rsvp_mailer.store.store import Store

log = structlog.get_logger()

CRASHES_BEFORE_SET_ASIDE = 3
# Messages of one transaction: a commit waits for the disk, and SIGTERM for the group in hand.
_GROUP_MESSAGES = 50
_GROUP_BYTES = 4_000_000


def _groups(mails: Iterable[RawMail]) -> Iterator[list[RawMail]]:
    """Cut into groups that one transaction takes each; a single new message is a group at once."""
    group: list[RawMail] = []
    for mail in mails:
        group.append(mail)
        if len(group) == _GROUP_MESSAGES or sum(len(each.raw) for each in group) > _GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


@dataclass(slots=True)
class Round:
    """What a round took, by state; ``known`` messages had been met before."""

    taken: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Poller:
    """Reads one mailbox. ``start_at``: where a folder that was never read begins (``None``: refuse to guess)."""

    settings: MailboxSettings
    store: Store
    intake: Intake
    clock: Clock
    start_at: datetime | None = None

    def poll(
        self,
        inbox: ImapInbox,
        *,
        stopping: Callable[[], bool] = lambda: False,
        watch: Callable[[RawMail, Taken], None] = lambda _mail, _taken: None,
    ) -> Round:
        """Take all that is new in all folders; ``watch`` is told of each message, after it is on disk."""
        done = Round()
        for folder in (self.settings.folder, *self.settings.also_search):
            if not stopping():
                self._poll_folder(inbox, folder, done, stopping, watch)
        self._file(inbox)
        return done

    def _poll_folder(
        self,
        inbox: ImapInbox,
        folder: str,
        done: Round,
        stopping: Callable[[], bool],
        watch: Callable[[RawMail, Taken], None],
    ) -> None:
        cursor = self._cursor(folder, inbox.open(folder))
        # The server's clock is not shifted; ours may be (see ``clock``).
        served = inbox.scan(replace(cursor, start_at=self.clock.server_time(cursor.start_at)))
        crashes: int | None = None
        for group in _groups(self._dated(mail) for mail in served):
            if crashes is None:
                crashes = self._begin_scan(folder)
            # After a death each message stands alone, so that the one that kills is found.
            for mails in ([mail] for mail in group) if crashes else (group,):
                for mail, taken in zip(mails, self._take(mails, folder, crashes), strict=True):
                    done.taken[taken.state] += 1
                    watch(mail, taken)
                crashes = min(crashes, 1)
                if stopping():
                    return

    def _dated(self, served: RawMail) -> RawMail:
        """A mail with its arrival by our clock."""
        return replace(served, arrived_at=self.clock.arrival(served.arrived_at)) if served.arrived_at else served

    def _take(self, mails: Sequence[RawMail], folder: str, crashes: int) -> Sequence[Taken]:
        try:
            if crashes >= CRASHES_BEFORE_SET_ASIDE:
                # Three runs died between this position and the next: the message in between goes first to a person.
                return [self.intake.set_aside(mail, "the program died over this message") for mail in mails]
            return self.intake.take_all(mails)
        except RsvpMailerError:
            # The store is full or locked: no death, and none of the message's doing.
            with suppress(RsvpMailerError), self.store.writing() as tx:
                tx.cursors.end_scan(self.settings.name, folder)
            raise

    def _begin_scan(self, folder: str) -> int:
        with self.store.writing() as tx:
            return tx.cursors.begin_scan(self.settings.name, folder)

    def _cursor(self, folder: str, state: FolderState) -> Cursor:
        with self.store.reading() as tx:
            cursor = tx.cursors.get(self.settings.name, folder)
        if cursor is not None and cursor.uidvalidity == state.uidvalidity:
            return cursor
        with self.store.writing() as tx:
            if cursor is None:
                cursor = self._first_cursor(folder, state)
                tx.cursors.start(cursor)
            else:
                log.warning("uidvalidity changed", folder=folder, before=cursor.uidvalidity, now=state.uidvalidity)
                tx.cursors.rebase(self.settings.name, folder, state.uidvalidity)
                cursor = replace(cursor, uidvalidity=state.uidvalidity, last_uid=0)
        return cursor

    def _first_cursor(self, folder: str, state: FolderState) -> Cursor:
        if self.start_at is None:
            fault = (
                f'folder "{folder}" was never read, and may hold years of old mail; say where to start: '
                "--since 2017-10-20 (the day the invitation went out), or --since now"
            )
            raise ConfigError([fault])
        log.info("folder started", folder=folder, start_at=self.start_at.isoformat())
        return Cursor(self.settings.name, folder, self.start_at, state.uidvalidity)

    def _file(self, inbox: ImapInbox) -> None:
        """Mark or move what is settled, as the settings ask; what fails now is tried at the next round."""
        if self.settings.after == "leave":
            return
        with self.store.reading() as tx:
            waiting = tx.mails.unfiled(self.settings.name, self.settings.folder)
        for mail_id, place in waiting:
            try:
                inbox.file(place)
            except TemporaryError as error:
                log.warning("filing put off", folder=place.folder, uid=place.uid, why=str(error))
                return
            with self.store.writing() as tx:
                tx.mails.change(mail_id, filed_at=self.clock.now())
