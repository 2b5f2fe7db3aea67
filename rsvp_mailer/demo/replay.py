"""Lets a fortnight pass in seconds, with the program running as it does in production.

The daemon runs in the main thread: it waits in IDLE, reads, writes down, sends. Beside it, a thread plays the world:
it moves the clock to the next mail, delivers the mail, and waits until the daemon is done with it. Only the clock
and the two servers are the demo's own.
"""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rsvp_mailer.daemon import Daemon
from rsvp_mailer.demo.mailbox import SampleMail, sent_to
from rsvp_mailer.domain import Answer, Kind, Message, Place, RawMail, Reading
from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.store.lock import mailbox_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from rsvp_mailer.app import App
    from rsvp_mailer.demo.servers import ImapServer
    from rsvp_mailer.store.store import Transaction

_PATIENCE_S = 20.0
_GLANCE_S = 0.005
_REMIND_S = 0.1


class StagedTime:
    """In place of the system's clock: runs at the usual speed from wherever it is moved to. Thread-safe."""

    def __init__(self, start: datetime) -> None:
        self.move_to(start)

    def move_to(self, moment: datetime) -> None:
        """Let it be ``moment`` (aware) now; never back."""
        self._ahead = moment - timedelta(seconds=time.monotonic())

    def __call__(self) -> datetime:
        """The time now."""
        return self._ahead + timedelta(seconds=time.monotonic())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail. ``state`` and ``reason``: of its row right then (see ``store.tables``).

    ``held_because``: the reasons of its open review item. ``before``, ``answer``: the sender's stored answer, then
    and after. ``sent``: mails to the sender that it caused.
    ``returned``: it is a bounce of a mail of ours, which now waits for a person.
    """

    mail: SampleMail
    message: Message
    reading: Reading
    state: str
    reason: str
    held_because: tuple[str, ...]
    before: Answer | None
    answer: Answer | None
    sent: tuple[Path, ...]
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the fortnight is played."""

    app: App
    time: StagedTime
    imap: ImapServer
    outgoing: Path

    def play(self, mails: Sequence[SampleMail], end: datetime, tell: Callable[[Outcome], None]) -> list[Outcome]:
        """Let everything happen until ``end``; ``tell`` hears of each mail from a thread of its own.

        ``KeyboardInterrupt`` where somebody does not want to wait for it; ``TemporaryError`` where nothing moves.
        """
        mailbox, url = self.app.settings.mailboxes[0].name, self.app.settings.database.url
        over = threading.Event()
        with mailbox_lock(url, mailbox) as ensure_lock, _signals_restored(), ThreadPoolExecutor(1, "world") as world:
            daemon = Daemon(self.app, ensure_lock=ensure_lock, start_at=self.time())
            happening = world.submit(self._happen, mails, end, tell, over)
            happening.add_done_callback(lambda _: self._end(daemon, over))
            try:
                daemon.run()
            finally:
                over.set()
            return happening.result()

    def _end(self, daemon: Daemon, over: threading.Event) -> None:
        """Stop the daemon, which may be waiting for mail and would look up only within five seconds."""
        daemon.stop()
        while not over.wait(_REMIND_S):
            self.imap.remind()

    def _happen(
        self, mails: Sequence[SampleMail], end: datetime, tell: Callable[[Outcome], None], over: threading.Event
    ) -> list[Outcome]:
        outcomes = []
        for mail in mails:
            self._pass_mornings(mail.arrived_at)
            outcome = self._arrive(mail, over)
            outcomes.append(outcome)
            tell(outcome)
        self._pass_mornings(end)
        return outcomes

    def _pass_mornings(self, until: datetime) -> None:
        """Let time pass, with a look at each time of day at which a digest may be due."""
        zone, at = self.app.settings.events[0].timezone, self.app.settings.digest.at
        day = self.time().astimezone(zone).date()
        while (morning := datetime.combine(day, at, zone)) < until:
            if morning > self.time():
                self.time.move_to(morning)
                self.app.queue_digests()
            day += timedelta(days=1)
        self.time.move_to(until)

    def _arrive(self, mail: SampleMail, over: threading.Event) -> Outcome:
        raw = mail.in_thread(self.outgoing)
        message, reading = self.app.intake().understand(RawMail(raw, mail.arrived_at))
        person = message.sender.address if message.sender else ""
        with self.app.store.reading() as tx:
            before = tx.answers.present(person, self.app.event.id)
        already = len(sent_to(person, self.outgoing))
        place = self._deliver(mail, raw)
        self._wait_for(place, over)
        with self.app.store.reading() as tx:
            row = tx.mails.get(tx.mails.at(place) or 0)
            assert row is not None
            item = tx.reviews.of_mail(row.id)
            after = tx.answers.present(person, self.app.event.id)
            returned = reading.kind is Kind.BOUNCE and _is_ours(tx, message.bounced)
        return Outcome(
            mail=mail,
            message=message,
            reading=reading,
            state=row.state,
            reason=row.reason,
            held_because=item.reasons if item else (),
            before=before.answer if before else None,
            answer=after.answer if after else None,
            sent=tuple(sent_to(person, self.outgoing)[already:]),
            returned=returned,
        )

    def _deliver(self, mail: SampleMail, raw: bytes) -> Place:
        uidvalidity, uid = self.imap.deliver(mail.arrived_at, raw)
        settings = self.app.settings.mailboxes[0]
        return Place(settings.name, settings.folder, uidvalidity, uid)

    def _wait_for(self, place: Place, over: threading.Event) -> None:
        """Until the mail at ``place`` is on disk, and whatever is due has gone out."""
        begun = reminded = time.monotonic()
        while not self._is_done(place):
            if over.wait(_GLANCE_S):
                raise KeyboardInterrupt
            now = time.monotonic()
            if now > begun + _PATIENCE_S:
                msg = f"the program did not deal with a mail within {_PATIENCE_S:g} s; is this machine very busy?"
                raise TemporaryError(msg)
            if now > reminded + _REMIND_S:
                self.imap.remind()
                reminded = now

    def _is_done(self, place: Place) -> bool:
        with self.app.store.reading() as tx:
            return tx.mails.at(place) is not None and not {"waiting", "sending"} & set(tx.sendings.states())


def _is_ours(tx: Transaction, bounced: Sequence[str]) -> bool:
    return any(tx.sendings.by_message_id(message_id) for message_id in bounced)


@contextmanager
def _signals_restored() -> Iterator[None]:
    """The daemon's handlers end the daemon; afterwards Ctrl-C is to end the demo again."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
