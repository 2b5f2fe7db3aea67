"""What a person at the office decides, whatever the surface: terminal, pages, telephone.

A decision is written as a ruling, with who and when, and then settled like a clear reply: the same answer, the same
confirmation. Nothing is ever overwritten: ``undo`` is another ruling, after which everything that follows from the
facts is worked out anew, and an invitee who was told something else is told again. What a decision sends waits a
grace period (``Desk.grace``), within which undoing stops it.

Four kinds of item wait here, and "accept" and "dismiss" mean for each what one would expect:

============  ========================================  ==========================  =============================
kind          what waits                                accept                      dismiss
============  ========================================  ==========================  =============================
held          a mail the program would not decide       store the suggestion        it answers nothing
late          the confirmation of a mail first seen     send it                     never send it
              long after it came
undelivered   a mail of ours that could not be sent     try again                   told otherwise
set_aside     a mail that could not be processed        read it once more           leave it be
============  ========================================  ==========================  =============================

Two people at once: ``Item.version`` names what somebody saw; a decision upon something else is ``Overtaken`` and
does nothing. Errors: ``ReviewError``, one line that says what to do; nothing has changed then.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance, RawMail
from rsvp_mailer.errors import MalformedMail
from rsvp_mailer.review.decisions import Accept, Correct, Deciding, Dismiss
from rsvp_mailer.review.rehearsal import Letter, letters_since, newest_letter
from rsvp_mailer.review.stated import Overtaken, ReviewError, Stated, person_of
from rsvp_mailer.settle import consider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from rsvp_mailer.domain import Answer
    from rsvp_mailer.intake import Intake, Taken
    from rsvp_mailer.review.decisions import Decision
    from rsvp_mailer.settle import Desk
    from rsvp_mailer.store.answers import AnswerRow, Ruling
    from rsvp_mailer.store.mails import Mail
    from rsvp_mailer.store.reviews import Listed, Pile, ReviewItem
    from rsvp_mailer.store.sendings import Sending
    from rsvp_mailer.store.store import Store, Transaction

LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Item:
    """An item with all that a person needs to decide. ``suggestion``: what accepting would store, if anything.

    ``told``: the answer that the sender was told last. ``ruling``: what was decided about it, if it stands.
    """

    item: ReviewItem
    mail: Mail | None
    sending: Sending | None
    suggestion: Answer | None
    history: Sequence[AnswerRow]
    told: Answer | None = None
    ruling: Ruling | None = None

    @property
    def person(self) -> str:
        """Whose item it is: an address, or what stands for one."""
        if self.mail is not None and self.mail.person:
            return self.mail.person
        return (self.sending.recipient if self.sending else None) or ""

    @property
    def language(self) -> str:
        """The sender's."""
        return self.mail.reading.language if self.mail and self.mail.reading else "de"

    @property
    def version(self) -> str:
        """Names what somebody saw; another one as soon as anything that matters to a decision has changed."""
        seen = (
            *(self.item.id, self.item.closed_at, self.item.reasons, self.suggestion),
            *(self.history[-1].id if self.history else None, self.ruling.id if self.ruling else None),
            *((self.sending.state, self.sending.attempts) if self.sending else ()),
        )
        return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision did. ``item``: as it was before. ``letters``: what goes out because of it."""

    item: Item
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """Decisions of people. ``clock``: aware times."""

    store: Store
    desk: Desk
    intake: Intake
    clock: Callable[[], datetime]

    # --- looking -------------------------------------------------------------------------------------------------

    def waiting(self) -> list[Item]:
        """Everything that waits: what is due first, then the oldest."""
        with self.store.reading() as tx:
            return [self._item(tx, item) for item in tx.reviews.waiting(self.clock())]

    def page(self, *, topic: str = "", limit: int, offset: int = 0) -> tuple[list[Pile], list[Listed]]:
        """The piles, and some items in the order of ``waiting``; ``topic``: of one pile only."""
        with self.store.reading() as tx:
            return tx.reviews.piles(), tx.reviews.page(self.clock(), topic=topic, limit=limit, offset=offset)

    def item(self, item_id: int) -> Item:
        """One item, open or closed."""
        with self.store.reading() as tx:
            return self._found(tx, item_id)

    def neighbours(self, item: Item, topic: str = "") -> tuple[int | None, int | None]:
        """The items before and after this one."""
        with self.store.reading() as tx:
            return tx.reviews.neighbours(item.item, self.clock(), topic=topic)

    def claim(self, item: Item, by: str) -> None:
        """Let others see who works on an open item; written no more often than half the lease."""
        now = self.clock()
        fresh = item.item.claimed_by == by and item.item.worked_on_by(now + LEASE / 2) == by
        if item.item.closed_at is None and not fresh and item.item.worked_on_by(now) in {None, by}:
            with self.store.writing() as tx:
                tx.reviews.claim(item.item.id, by, now=now, until=now + LEASE)

    def _found(self, tx: Transaction, item_id: int) -> Item:
        found = tx.reviews.get(item_id)
        if found is None:
            message = f"there is no item {item_id}; see rsvp-mailer review list"
            raise ReviewError(message, code="unknown_item")
        return self._item(tx, found)

    def _item(self, tx: Transaction, item: ReviewItem) -> Item:
        mail = tx.mails.get(item.mail_id) if item.mail_id is not None else None
        sending = tx.sendings.get(item.outgoing_id) if item.outgoing_id is not None else None
        suggestion, told = None, None
        history: Sequence[AnswerRow] = ()
        if mail is not None and mail.person is not None:
            history = tx.answers.history(mail.person, self.desk.event.id)
            told = tx.sendings.told(mail.person, self.desk.event.id)
            if item.kind == "held":
                suggestion = consider(tx, mail.person, self.desk).about(mail.id).decision.suggestion
        return Item(item, mail, sending, suggestion, history, told, tx.answers.decided(item.id))

    # --- deciding ------------------------------------------------------------------------------------------------

    def decide(self, item_id: int, decision: Decision, by: str, version: str | None = None) -> Decided:
        """Write a decision; ``version``: of the item as ``by`` saw it (``None``: whatever it is now)."""
        with self.store.writing() as tx:
            decided = self._decide(tx, item_id, decision, by, version)
        if decided.item.item.kind == "set_aside" and isinstance(decision, Accept):
            self._read_again(decided.item)
        return decided

    def preview(self, item_id: int, decision: Decision, by: str) -> tuple[Letter, ...]:
        """The mails that a decision would send, each to the letter; nothing is written."""
        with self._rehearsing() as tx:
            return self._decide(tx, item_id, decision, by, None, texts=True).letters

    @contextmanager
    def _rehearsing(self) -> Iterator[Transaction]:
        with self.store.writing() as tx:
            try:
                yield tx
            finally:
                tx.connection.rollback()

    def _decide(
        self, tx: Transaction, item_id: int, decision: Decision, by: str, version: str | None, *, texts: bool = False
    ) -> Decided:
        item, last = self._open_item(tx, item_id, version), newest_letter(tx)
        if item.item.kind == "held":
            Deciding(tx, self.desk, self.clock(), by).decide(item, decision)
        elif isinstance(decision, Accept):
            self._send_after_all(tx, item, by)
        elif isinstance(decision, Dismiss):
            self._leave(tx, item, by, decision.note)
        else:
            message = f"item {item_id} is no answer to correct; use accept or dismiss"
            raise ReviewError(message, code="not_held")
        return Decided(item, letters_since(tx, last, texts=texts))

    def accept(self, item_id: int, by: str) -> Item:
        """Do what the item suggests."""
        return self.decide(item_id, Accept(), by).item

    def correct(self, item_id: int, by: str, *, attendance: Attendance, persons: int | None, note: str = "") -> Item:
        """Store another answer than the suggested one; ``persons`` counts everybody who comes."""
        return self.decide(item_id, Correct(Stated(attendance, persons), note), by).item

    def dismiss(self, item_id: int, by: str, note: str = "") -> Item:
        """Say that there is nothing to do: the answers stay as they are."""
        return self.decide(item_id, Dismiss(note), by).item

    def undo(self, item_id: int, by: str) -> Item:
        """Take back the newest decision about an item; it waits again."""
        with self.store.writing() as tx:
            item = self._found(tx, item_id)
            if item.ruling is None:
                message = f"nothing was decided about item {item_id} that could be undone"
                raise ReviewError(message, code="nothing_to_undo")
            deciding = Deciding(tx, self.desk, self.clock(), by)
            if item.item.kind == "held":
                deciding.undo(item.ruling)
            else:
                deciding.undo_about_ours(item, item.ruling)
            return self._found(tx, item_id)

    def undo_entry(self, entry: int, by: str) -> Ruling:
        """Take back an answer that was entered by hand, or a merging of two answers."""
        with self.store.writing() as tx:
            ruling = tx.answers.standing(entry)
            if ruling is None or ruling.mail_id is not None or ruling.cause_id is not None or ruling.answer is None:
                message = f"there is no entry T{entry} that could be undone"
                raise ReviewError(message, code="nothing_to_undo")
            Deciding(tx, self.desk, self.clock(), by).undo(ruling)
        return ruling

    def add(
        self,
        by: str,
        *,
        name: str,
        address: str | None,
        attendance: Attendance,
        persons: int | None,
        note: str = "",
        new_id: Callable[[], str],
    ) -> int:
        """Enter an answer given by telephone; return the entry's number.

        With ``address`` it belongs to that person, who gets a confirmation; without, it stands for itself.
        """
        person, stated = person_of(address, new_id), Stated(attendance, persons, name=name)
        with self.store.writing() as tx:
            return Deciding(tx, self.desk, self.clock(), by).enter("telephone", person, stated, note)

    # --- how -----------------------------------------------------------------------------------------------------

    def _open_item(self, tx: Transaction, item_id: int, version: str | None) -> Item:
        item = self._found(tx, item_id)
        if item.item.closed_at is not None:
            message = f"item {item_id} was decided already; undo that first: rsvp-mailer review undo {item_id}"
            raise Overtaken(message, code="decided_already")
        if version is not None and version != item.version:
            message = f"item {item_id} has changed since it was shown; look again and decide then"
            raise Overtaken(message, code="changed_meanwhile")
        return item

    def _send_after_all(self, tx: Transaction, item: Item, by: str) -> None:
        if item.sending is None:
            return  # set aside: read again once this transaction has ended
        due_at = self.clock() + self.desk.grace
        tx.sendings.change(item.sending.id, state="waiting", due_at=due_at, attempts=0, last_error=None)
        self._close(tx, item, "release" if item.item.kind == "late" else "retry", by)

    def _leave(self, tx: Transaction, item: Item, by: str, note: str) -> None:
        if item.sending is not None and item.sending.state == "parked":
            tx.sendings.change(item.sending.id, state="superseded")
        if item.item.kind == "set_aside" and item.mail is not None:
            tx.mails.change(item.mail.id, state="recorded", reason="dismissed")
        self._close(tx, item, "close", by, note)

    def _close(self, tx: Transaction, item: Item, verdict: str, by: str, note: str = "") -> None:
        now = self.clock()
        tx.answers.rule(
            verdict,
            by=by,
            at=now,
            person=item.person,
            event=self.desk.event.id,
            mail_id=item.item.mail_id,
            review_id=item.item.id,
            note=note,
        )
        about = {"outgoing_id": item.item.outgoing_id} if item.item.outgoing_id else {"mail_id": item.item.mail_id}
        tx.reviews.close(item.item.kind, now=now, by=by, **about)

    def _read_again(self, item: Item) -> Taken:
        mail = item.mail
        assert mail is not None
        with self.store.reading() as tx:
            raw = tx.mails.raw(mail.id)
        if raw is None:
            message = f"the octets of item {item.item.id} were not kept; dismiss it and look into the mailbox"
            raise ReviewError(message, code="not_kept")
        try:
            return self.intake.retake(mail, RawMail(raw, mail.arrived_at, mail.place), apply=True)
        except MalformedMail as error:
            with self.store.writing() as tx:
                tx.mails.change(mail.id, attempts=mail.attempts + 1)
            message = f"item {item.item.id} cannot be processed by this version either; it stays where it is"
            raise ReviewError(message, code="unprocessable") from error
