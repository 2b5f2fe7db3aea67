"""What the commands do, each as a plain function: one round, the daemon, the state of things, a second look."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import TYPE_CHECKING

from rsvp_mailer.app import open_app
from rsvp_mailer.daemon import Daemon
from rsvp_mailer.domain import Cursor, Place, RawMail
from rsvp_mailer.errors import ConfigError, MalformedMail
from rsvp_mailer.intake import Taken
from rsvp_mailer.review.queue import Queue
from rsvp_mailer.store.lock import mailbox_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rsvp_mailer.app import App
    from rsvp_mailer.clock import Clock
    from rsvp_mailer.domain import Alert, Figures
    from rsvp_mailer.inbox.imap import ImapInbox
    from rsvp_mailer.outbox.courier import Round as Sent
    from rsvp_mailer.poll import Round
    from rsvp_mailer.settings import Settings
    from rsvp_mailer.store.mails import Mail


def start_of(since: str | None, clock: Clock, settings: Settings) -> datetime | None:
    """Read ``--since``: a day (from its beginning, in the event's zone) or ``now``; ``ConfigError`` otherwise."""
    if since is None:
        return None
    zone = settings.events[0].timezone
    if since == "now":
        return clock.now().astimezone(zone)
    try:
        day = datetime.fromisoformat(since)
    except ValueError:
        raise ConfigError([f'--since: {since} is no day; write it as 2017-10-20, or "now"']) from None
    return day if day.tzinfo else datetime.combine(day.date(), day.time() or time.min, tzinfo=zone)


@contextmanager
def exclusive(settings: Settings, clock: Clock) -> Iterator[tuple[App, Callable[[], None]]]:
    """The parts, with the lock of the mailbox held; ``ConfigError`` where another program holds it."""
    with (
        open_app(settings, clock) as app,
        mailbox_lock(settings.database.url, settings.mailboxes[0].name) as ensure_lock,
    ):
        yield app, ensure_lock


def run(settings: Settings, clock: Clock, since: str | None) -> None:
    """Work until told to stop."""
    with exclusive(settings, clock) as (app, ensure_lock):
        Daemon(app, ensure_lock=ensure_lock, start_at=start_of(since, clock, settings)).run()


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one round did."""

    taken: Round
    sent: Sent
    digests: int


def poll(settings: Settings, clock: Clock, since: str | None) -> PollResult:
    """Do one round: take what is new, write the digest if one is due, send what is due."""
    with exclusive(settings, clock) as (app, _), connected(app) as inbox:
        app.release_claims()
        taken = app.poller(start_of(since, clock, settings)).poll(inbox)
        digests = app.queue_digests()
        app.queue_notices()
        return PollResult(taken, asyncio.run(app.send_due()), digests)


@contextmanager
def connected(app: App) -> Iterator[ImapInbox]:
    """A connection to the mailbox."""
    inbox = app.inbox()
    try:
        inbox.connect()
        yield inbox
    finally:
        inbox.close()


@dataclass(frozen=True, slots=True)
class Status:
    """The state of things. ``cursors``: how far each folder was read."""

    figures: Figures
    alerts: list[Alert]
    cursors: list[Cursor]

    @property
    def needs_a_person(self) -> bool:
        """Whether something waits, failed, or does not add up."""
        return bool(self.figures.queue.total or self.alerts) or not self.figures.balance.holds


def status(app: App) -> Status:
    """Read the state of things."""
    with app.store.reading() as tx:
        alerts, cursors = tx.alerts.all(), tx.cursors.all()
    return Status(app.figures_since_last_digest(), alerts, cursors)


def queue(app: App) -> Queue:
    """The decisions of people."""
    return Queue(app.store, app.desk, app.intake(), app.clock.now)


@dataclass(frozen=True, slots=True)
class Ignored:
    """An ignored mail; sender and subject are fetched live, and empty where it has gone."""

    place: Place
    reason: str
    sender: str
    subject: str


def ignored(app: App, limit: int) -> Iterator[Ignored]:
    """The newest ignored mails, by folder, newest first."""
    with app.store.reading() as tx:
        rows = tx.mails.ignored(limit)
    with connected(app) as inbox:
        for folder in dict.fromkeys(place.folder for place, _, _ in rows):
            state = inbox.open(folder)
            here = [(place, reason) for place, reason, _ in rows if place.folder == folder]
            live = [place.uid for place, _ in here if place.uidvalidity == state.uidvalidity]
            summaries = inbox.summaries(live)
            for place, reason in here:
                current = place.uidvalidity == state.uidvalidity
                sender, subject = summaries.get(place.uid, ("", "")) if current else ("", "")
                yield Ignored(place, reason, sender, subject)


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """A mail read once more: what it was, and what it is (or, without ``--apply``, would be)."""

    place: Place
    before: str
    after: Taken

    @property
    def changed(self) -> bool:
        """Whether the outcome is another one."""
        return self.before != f"{self.after.state} {self.after.reason}".strip()


def reprocess(app: App, *, uid: int | None, since: datetime | None, apply: bool) -> Iterator[Reprocessed]:
    """Read mails once more: the one with ``uid`` in the mailbox's folder, or all that came since an instant.

    Octets that were not kept (of ignored mail) are fetched from the mailbox. Nobody is told the same twice: a
    confirmation goes out only where the answer changes.
    """
    intake = app.intake()
    with connected(app) as inbox:
        with app.store.reading() as tx:
            chosen = tx.mails.chosen(app.settings.mailboxes[0].name, uid=uid, since=since)
        if uid is not None and not chosen:
            fault = f"no mail with UID {uid} was seen in this mailbox; see rsvp-mailer ignored and review list"
            raise ConfigError([fault])
        for known in chosen:
            raw = _raw(app, inbox, known)
            if raw is not None:
                before = f"{known.state} {_why(app, known)}".strip()
                try:
                    after = intake.retake(known, raw, apply=apply)
                except MalformedMail as error:
                    after = Taken(known.state, str(error))
                yield Reprocessed(known.place, before, after)


def _why(app: App, known: Mail) -> str:
    """The reason in the words of ``Taken``."""
    if known.state == "recorded":
        return known.reason.partition(".")[2]
    if known.state == "held":
        with app.store.reading() as tx:
            item = tx.reviews.of_mail(known.id)
        return ",".join(item.reasons) if item else ""
    return known.reason


def _raw(app: App, inbox: ImapInbox, known: Mail) -> RawMail | None:
    """The octets: as kept, or live from the mailbox; ``None`` where they are neither here nor there."""
    with app.store.reading() as tx:
        kept = tx.mails.raw(known.id)
    if kept is not None:
        return RawMail(kept, known.arrived_at, known.place)
    mail = inbox.fetch(known.place)
    if mail is None or mail.arrived_at is None:
        return mail
    return replace(mail, arrived_at=app.clock.arrival(mail.arrived_at))
