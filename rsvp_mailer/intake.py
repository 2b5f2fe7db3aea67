"""Takes one message through the house: understand, decide, write down.

``Intake.take_all`` is the hand-over instant of promise 3: when it returns, everything about its messages is on
disk, the cursor included; when it raises, nothing is, and they are met again at the next scan. It raises only
what concerns the machine (``TemporaryError``, ``ConfigError``); a message that cannot be processed is set aside
here, by the one broad ``except`` of the program, and stops nobody (promise 5).
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from rsvp_mailer.decide import circumstances_of
from rsvp_mailer.domain import Address, Correspondent, Kind, Tie
from rsvp_mailer.errors import MalformedMail, RsvpMailerError
from rsvp_mailer.log import bare_traceback
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.reading.read import read_reply
from rsvp_mailer.settle import settle
from rsvp_mailer.store.mails import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from rsvp_mailer.domain import MailboxIdentity, Message, Place, RawMail, Reading, Sheet
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.settle import Desk
    from rsvp_mailer.steckbrief.examine import Examiner
    from rsvp_mailer.store.mails import Mail
    from rsvp_mailer.store.sendings import Sending
    from rsvp_mailer.store.store import Store, Transaction

log = structlog.get_logger()

_NOT_OURS = frozenset({Kind.AUTO_REPLY, Kind.BOUNCE, Kind.UNRELATED})


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a message: ``state`` of its row (``known`` for one met before) and why."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Intake:
    """The road of one mailbox, from octets to rows.

    ``clock`` is read within the transaction: writers take turns, so that rows are dated in the order of commits,
    and a digest that tells everything up to an instant misses nothing.
    """

    store: Store
    desk: Desk
    identity: MailboxIdentity
    lexicon: Lexicon
    clock: Callable[[], datetime]
    examiner: Examiner

    def understand(self, mail: RawMail) -> tuple[Message, Reading]:
        """The pure half: whose words are these, and what do they mean?"""
        message = parse_message(mail, self.desk.event, self.identity)
        return message, read_reply(message, self.desk.event, self.lexicon)

    def take_all(self, mails: Sequence[RawMail]) -> list[Taken]:
        """Write down everything that follows from some messages, in one transaction, and move the cursor past them.

        If one of them is poison, each gets a transaction of its own, and that one is set aside.
        """
        try:
            taken = self._take(mails)
        except MalformedMail as error:
            if len(mails) > 1:
                return [self.take_all([mail])[0] for mail in mails]
            return [self.set_aside(mails[0], bare_traceback(error.__cause__ or error))]
        return taken

    def _take(self, mails: Sequence[RawMail]) -> list[Taken]:
        with _poison():
            understood = [self.understand(mail) for mail in mails]
            sheets = [self.examiner.examine_all(message.sheets) for message, _ in understood]
            with self.store.writing() as tx:
                now = self.clock()
                taken = [
                    _Taking(tx, self.desk, _place(mail), now, brought).take(mail, message, reading)
                    for mail, (message, reading), brought in zip(mails, understood, sheets, strict=True)
                ]
        for mail, (message, reading), outcome in zip(mails, understood, taken, strict=True):
            self._tell(_place(mail), message, reading, outcome)
        return taken

    def _tell(self, place: Place, message: Message, reading: Reading, taken: Taken) -> None:
        log.info(
            "mail taken",
            folder=place.folder,
            uid=place.uid,
            message_id=message.message_id,
            state=taken.state,
            reason=taken.reason,
            rules=[evidence.rule for evidence in reading.evidence],
            lexicon=self.lexicon.version,
        )

    def retake(self, known: Mail, mail: RawMail, *, apply: bool) -> Taken:
        """Read a mail met before once more, and write what follows; without ``apply`` only say what would.

        The invitee gets a mail only if the answer changes. ``MalformedMail`` where it cannot be processed.
        """
        with _poison():
            message, reading = self.understand(mail)
            sheets = self.examiner.examine_all(message.sheets)
            with self.store.writing() as tx:
                taken = _Taking(tx, self.desk, known.place, self.clock(), sheets).retake(known, mail, message, reading)
                if not apply:
                    tx.connection.rollback()
        return taken

    def set_aside(self, mail: RawMail, cause: str) -> Taken:
        """Keep a message that could not be processed, raw, for a person and for another attempt."""
        place = _place(mail)
        with self.store.writing() as tx:
            taken = _Taking(tx, self.desk, place, self.clock()).set_aside(mail, cause)
        log.error("mail set aside", folder=place.folder, uid=place.uid, state=taken.state)
        return taken


@dataclass(frozen=True, slots=True)
class _Taking:
    """One message, one transaction. ``sheets``: returned Steckbriefe that it brings, opened."""

    tx: Transaction
    desk: Desk
    place: Place
    now: datetime
    sheets: tuple[Sheet, ...] = ()

    def take(self, mail: RawMail, message: Message, reading: Reading) -> Taken:
        known = self._recognise(message.fingerprint)
        if known is not None:
            return known
        if reading.kind in _NOT_OURS:
            return self._ignore(message, reading)
        return self._keep(mail, message, reading)

    def _recognise(self, fingerprint: str) -> Taken | None:
        """A message met before, at this place, under an older UIDVALIDITY, or as a copy of another one."""
        copies = self.tx.mails.known(fingerprint)
        if any(place == self.place for _, place in copies):
            self.tx.cursors.skip(self.place.mailbox, self.place.folder, self.place.uid)
            return Taken("known", "here")
        for mail_id, place in copies:
            if (place.mailbox, place.folder) == (self.place.mailbox, self.place.folder) and (
                place.uidvalidity != self.place.uidvalidity
            ):
                self.tx.mails.move(mail_id, self.place)
                self.tx.cursors.skip(self.place.mailbox, self.place.folder, self.place.uid)
                return Taken("known", "uidvalidity_changed")
        if copies:
            return self._leave(fingerprint, "duplicate")
        return None

    def _leave(self, fingerprint: str, reason: str) -> Taken:
        self.tx.mails.ignore(self.place, fingerprint, reason, self.now)
        self._step()
        return Taken("ignored", reason)

    def _step(self) -> None:
        self.tx.cursors.step(self.place.mailbox, self.place.folder, self.place.uid)

    def _ignore(self, message: Message, reading: Reading) -> Taken:
        if reading.kind is Kind.BOUNCE:
            self._note_bounce(message)
        return self._leave(message.fingerprint, _why_ignored(message, reading))

    def _note_bounce(self, message: Message) -> None:
        """A mail of ours came back: it becomes ``failed``, and somebody must reach that person otherwise."""
        for sending in self._returned(message):
            self.tx.sendings.change(sending.id, state="failed", last_error="came back as undeliverable")
            self.tx.reviews.open("undelivered", (), now=self.now, outgoing_id=sending.id, mail_id=sending.mail_id)

    def _returned(self, message: Message) -> list[Sending]:
        """What came back: by Message-ID; where a report returns none, the newest mail to each address it names."""
        found = [self.tx.sendings.by_message_id(each) for each in message.bounced]
        if not message.bounced:
            for recipient in message.bounced_recipients:
                found += self.tx.sendings.of_person(recipient, self.desk.event.id)[-1:]
        return [each for each in found if each is not None and each.state == "sent"]

    def _keep(self, mail: RawMail, message: Message, reading: Reading) -> Taken:
        content = self._content(mail, message, reading)
        mail_id = self.tx.mails.keep(self.place, message.fingerprint, content, now=self.now)
        self._step()
        return self._settle(mail_id, content, fresh=mail_id)

    def _settle(self, mail_id: int, content: Content, *, fresh: int | None = None) -> Taken:
        if self.sheets or mail_id != fresh:
            self.tx.sheets.keep(self.sheets, mail_id=mail_id, person=content.person, event=content.event, now=self.now)
        mine = settle(self.tx, content.person, self.desk, now=self.now, fresh=fresh).about(mail_id)
        if mine.decision.automatic or mine.completed:
            return Taken("recorded", mine.decision.row)
        return Taken("held", ",".join(mine.decision.reasons))

    def _content(self, mail: RawMail, message: Message, reading: Reading) -> Content:
        person = message.sender.address if message.sender else f"mail:{message.fingerprint[:32]}"
        owners = self.tx.sendings.owners(message.tokens)
        others = [each for each in message.references if each not in self.desk.event.message_ids]
        answers_us = person in (owners or self.tx.sendings.correspondents(others))
        return Content(
            person=person,
            event=self.desk.event.id,
            message_id=message.message_id,
            arrived_at=message.arrived_at,
            raw=mail.raw,
            own_words=message.own_words.text,
            reading=reading,
            circumstances=circumstances_of(
                message, answers_us=answers_us, foreign_token=bool(owners) and person not in owners
            ),
            correspondent=_correspondent(message),
        )

    def retake(self, known: Mail, mail: RawMail, message: Message, reading: Reading) -> Taken:
        """Another reading of a mail met before takes the place of the first one."""
        self.tx.reviews.close("set_aside", mail_id=known.id, now=self.now, by="reprocess")
        if reading.kind in _NOT_OURS:
            self.tx.reviews.close("held", mail_id=known.id, now=self.now, by="reprocess")
            taken = Taken("ignored", _why_ignored(message, reading))
            self.tx.mails.forget(known.id, taken.reason)
            self.tx.tasks.withdraw(known.id)
        else:
            content = self._content(mail, message, reading)
            self.tx.mails.refill(known.id, message.fingerprint, content)
            taken = self._settle(known.id, content)
        if known.person is not None:
            settle(self.tx, known.person, self.desk, now=self.now)
        return taken

    def set_aside(self, mail: RawMail, cause: str) -> Taken:
        fingerprint = hashlib.sha256(mail.raw).hexdigest()
        known = self._recognise(fingerprint)
        if known is not None:
            return known
        mail_id = self.tx.mails.set_aside(
            self.place, fingerprint, now=self.now, raw=mail.raw, traceback=cause, arrived_at=mail.arrived_at
        )
        self.tx.reviews.open("set_aside", (), now=self.now, mail_id=mail_id)
        self._step()
        return Taken("set_aside", "failed")


@contextmanager
def _poison() -> Iterator[None]:
    """Promise 5, poison stops nobody: whatever one message makes fail is that message's own affair.

    The machine's troubles (``TemporaryError``, ``ConfigError``) pass; all else becomes ``MalformedMail``.
    """
    try:
        yield
    except RsvpMailerError:
        raise
    except Exception as error:
        message = "this mail cannot be processed by this version of the program"
        raise MalformedMail(message) from error


def _place(mail: RawMail) -> Place:
    if mail.place is None:
        msg = "a message without a place in a mailbox cannot be recorded"
        raise ValueError(msg)
    return mail.place


def _why_ignored(message: Message, reading: Reading) -> str:
    return f"{reading.kind}.{message.kind_rule or message.tie_rule}"


def _correspondent(message: Message) -> Correspondent:
    return Correspondent(
        address=message.sender or Address(""),
        subject=message.subject,
        message_id=message.message_id,
        # Message.references begins with In-Reply-To; a reply's References want the thread's order, oldest first.
        references=tuple(dict.fromkeys((*message.references[1:], *message.references[:1]))),
        in_thread=message.tie is Tie.THREAD,
        verified=message.sender_verified,
    )
