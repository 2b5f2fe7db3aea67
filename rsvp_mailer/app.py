"""Builds the real parts and wires them; the only place that does. Tests enter through the same door."""

from __future__ import annotations

import gc
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from rsvp_mailer.clock import Clock
from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.inbox.imap import ImapInbox
from rsvp_mailer.intake import Intake
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.outbox.chart import draw_chart
from rsvp_mailer.outbox.confirmation import Composer
from rsvp_mailer.outbox.courier import Courier
from rsvp_mailer.outbox.digest import Form, compose_digest, digest_section
from rsvp_mailer.outbox.dispatch import Dispatch, caps
from rsvp_mailer.outbox.notice import AGAIN_AFTER, AT_MOST_EVERY, URGENT_AFTER, compose_notice
from rsvp_mailer.outbox.rendering import shipped_or
from rsvp_mailer.outbox.schedule import last_due
from rsvp_mailer.outbox.send import SmtpSession
from rsvp_mailer.poll import Poller
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.review.queue import Queue
from rsvp_mailer.settle import Desk
from rsvp_mailer.steckbrief.examine import Examiner
from rsvp_mailer.steckbrief.form import form_in
from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.figures import take_figures
from rsvp_mailer.store.lock import is_locked
from rsvp_mailer.store.schema import migrate
from rsvp_mailer.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rsvp_mailer.domain import Event, Figures, MailboxIdentity, OutgoingMail
    from rsvp_mailer.outbox.courier import Round as Sent
    from rsvp_mailer.outbox.rendering import Section
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.review.web.visit import Office
    from rsvp_mailer.settings import Settings

log = structlog.get_logger()


def random_token() -> str:
    """128 random bits as 32 hexadecimal characters."""
    return secrets.token_hex(16)


def build_composer(settings: Settings) -> Composer:
    """The writer of mail to invitees; ``ConfigError`` where a template or the Steckbrief cannot be used."""
    first = settings.events[0]
    form_in(first.steckbrief)  # a fault in its source shows at the start, not when the first sheet comes back
    return Composer(
        first.event(),
        settings.sender,
        templates=first.templates,
        steckbrief=first.steckbrief,
        max_steckbrief_bytes=settings.limits.max_steckbrief_bytes,
        calendar_request=first.calendar_request,
    )


def build_event(settings: Settings, composer: Composer) -> Event:
    """The event, with all texts of ours that may come back as a quote."""
    return settings.events[0].event(composer.own_texts())


@dataclass(frozen=True)
class App:
    """The parts of one installation. Build with ``open_app``."""

    settings: Settings
    clock: Clock
    store: Store
    desk: Desk
    identity: MailboxIdentity
    lexicon: Lexicon

    @property
    def event(self) -> Event:
        """The occasion people are invited to."""
        return self.desk.event

    def inbox(self) -> ImapInbox:
        """A connection to the mailbox, not yet open."""
        mailbox = self.settings.mailboxes[0]
        limit = self.settings.limits.max_message_bytes
        return ImapInbox(mailbox, password=mailbox.read_password(), max_message_bytes=limit)

    def poller(self, start_at: datetime | None = None) -> Poller:
        """The reader of the mailbox; ``start_at``: where a folder that was never read begins."""
        mailbox = self.settings.mailboxes[0]
        start_at = start_at or mailbox.start_at(self.clock.now().astimezone(self.event.starts_at.tzinfo))
        return Poller(mailbox, self.store, self.intake(), self.clock, start_at)

    def intake(self) -> Intake:
        """The road of one message."""
        examiner = Examiner(self.settings.events[0].steckbrief)
        return Intake(self.store, self.desk, self.identity, self.lexicon, self.clock.now, examiner)

    def courier(self) -> Courier:
        """The sender of what is due."""
        limits, smtp = self.settings.limits, self.settings.smtp
        per_address, in_all = caps(
            limits.answers_per_address_per_hour, limits.answers_per_address_per_day, limits.automatic_mails_per_hour
        )
        return Courier(
            Dispatch(self.store, self.clock.now, per_address, in_all),
            SmtpSession(smtp, password=smtp.read_password()),
            sender=smtp.envelope_sender or self.settings.sender.address,
            clock=self.clock.now,
        )

    def release_claims(self) -> None:
        """Take back what a run that died had claimed; only the holder of the mailbox's lock may."""
        with self.store.writing() as tx:
            tx.sendings.release_claims()

    async def send_due(self) -> Sent:
        """Send everything that is due now, over one connection."""
        courier = self.courier()
        try:
            return await courier.run_once()
        finally:
            await courier.close()

    def office(self, wake: Callable[[], None] = lambda: None) -> Office:
        """What the pages work on; ``wake`` tells the sender that mail is due."""
        from rsvp_mailer.review.web.visit import Office  # noqa: PLC0415 - commands without pages need not wait for it

        return Office(
            settings=self.settings,
            store=self.store,
            queue=Queue(self.store, self.desk, self.intake(), self.clock.now),
            event=self.event,
            now=self.clock.now,
            figures=partial(self.figures_since_last_digest, listed=False),
            new_token=self.desk.new_token,
            at_work=lambda: is_locked(self.settings.database.url, self.settings.mailboxes[0].name),
            wake=wake,
        )

    # --- figures and digest --------------------------------------------------------------------------------------

    def figures(self, since: datetime | None = None) -> Figures:
        """Everything as it stands now; ``since``: list what changed after this instant."""
        with self.store.reading() as tx:
            return take_figures(tx, self.event.id, now=self.clock.now(), since=since)

    def _digest_form(self) -> Form:
        digest, web = self.settings.digest, self.settings.web
        return Form(
            language=digest.language,
            names=digest.names,
            site=web.site if web.users else "",
            templates=self.settings.events[0].templates,
        )

    def _chart(self, figures: Figures) -> bytes:
        """The curve as a picture; empty where there is none yet, or it could not be drawn: the digest goes anyway."""
        if not figures.curve:
            return b""
        form = self._digest_form()
        language = shipped_or(form.templates).languages[form.language]
        try:
            return draw_chart(figures.curve, figures.as_of.astimezone(self.event.starts_at.tzinfo).date(), language)
        except TemporaryError as error:
            log.warning("digest without chart", why=str(error))
            return b""

    def preview_digest(self) -> Section:
        """Subject, text and HTML of the digest as it would be now."""
        return digest_section(self.figures_since_last_digest(), self.event, self._digest_form())

    def preview_digest_mail(self) -> OutgoingMail:
        """The digest to its first recipient as it would be now; nothing is sent or kept."""
        return self._digest(self.figures_since_last_digest(), self.settings.digest.recipients[0])

    def _digest(self, figures: Figures, recipient: str) -> OutgoingMail:
        return compose_digest(
            figures,
            self.event,
            self.settings.sender,
            recipient,
            self._digest_form(),
            token=self.desk.new_token(),
            now=figures.as_of,
            chart=self._chart(figures),
        )

    def figures_since_last_digest(self, *, listed: bool = True) -> Figures:
        """What the next digest to the first recipient would tell; ``listed``: see ``take_figures``."""
        with self.store.reading() as tx:
            since = tx.sendings.last_digest(self.event.id, self.settings.digest.recipients[0])
            return take_figures(tx, self.event.id, now=self.clock.now(), since=since, listed=listed)

    def queue_digests(self) -> int:
        """Write the digests that are due and not yet written; return how many.

        A digest is a row keyed by event, day and recipient. The newest due time counts: after days of silence one
        digest tells everything since the last.
        """
        digest, event = self.settings.digest, self.event
        due = last_due(self.clock.now(), digest.at, digest.weekdays, self.settings.events[0].timezone)
        queued = 0
        for recipient in digest.recipients:
            key = f"digest:{event.id}:{due.date().isoformat()}:{recipient}"
            with self.store.writing() as tx:
                if tx.sendings.has_key(key):
                    continue
                now = self.clock.now()  # within the transaction: see Intake
                since = tx.sendings.last_digest(event.id, recipient)
                figures = take_figures(tx, event.id, now=now, since=since)
                mail = self._digest(figures, recipient)
                tx.sendings.add(mail, key=key, kind="digest", event=event.id, now=now)
                queued += 1
        return queued

    def queue_notices(self) -> int:
        """Tell the administrator of what has not worked for an hour; return how many mails that takes.

        At most one notice an hour, and of the same part one a day; the store remembers, whoever restarts.
        """
        settings, event = self.settings.digest, self.event
        with self.store.writing() as tx:
            now = self.clock.now()
            tx.alerts.watch_deliveries(now)
            last = tx.sendings.last_notice()
            if not tx.alerts.unnoticed(now - URGENT_AFTER, now - AGAIN_AFTER):
                return 0
            if last is not None and last > now - AT_MOST_EVERY:
                return 0
            alerts = tx.alerts.all()
            tx.sendings.withdraw_notices()
            recipients = settings.notices_to or settings.recipients
            for recipient in recipients:
                notice = compose_notice(
                    alerts,
                    event,
                    self.settings.sender,
                    recipient,
                    language=settings.language,
                    token=self.desk.new_token(),
                    now=now,
                    templates=self.settings.events[0].templates,
                )
                key = f"notice:{event.id}:{now.isoformat()}:{recipient}"
                tx.sendings.add(notice, key=key, kind="notice", event=event.id, now=now)
            tx.alerts.note([each.part for each in alerts], now)
        log.error("administrator told", parts=[each.part for each in alerts])
        return len(recipients)


@contextmanager
def open_app(
    settings: Settings, clock: Clock | None = None, *, new_token: Callable[[], str] = random_token
) -> Iterator[App]:
    """Open the database, bring it up to date, and wire the parts.

    ``ConfigError``: something in the settings, a template, the Steckbrief or the database's version;
    ``TemporaryError``: the database cannot be reached.
    """
    composer = build_composer(settings)
    mailbox = settings.mailboxes[0]
    engine = open_engine(settings.database.url)
    store = Store(engine)
    try:
        migrate(engine)
        load_patterns()  # cached; here, so that the first mail does not wait for it
        app = App(
            settings=settings,
            clock=clock or Clock(),
            store=store,
            desk=Desk(
                event=build_event(settings, composer),
                composer=composer,
                own_addresses=frozenset(address for each in settings.mailboxes for address in each.addresses),
                late_after=timedelta(hours=settings.limits.late_after_h),
                new_token=new_token,
                grace=timedelta(minutes=settings.limits.confirm_after_min),
            ),
            identity=replace(mailbox.identity(), message_id_domain=settings.sender.message_id_domain),
            lexicon=load_lexicon(),
        )
        # What was loaded lives as long as the program: the collector need not walk through the lexicons for each mail.
        gc.collect()
        gc.freeze()
        yield app
    finally:
        store.close()
