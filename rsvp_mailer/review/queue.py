"""What a person at the office decides, whatever the surface: terminal, pages, telephone.

A decision is written as a ruling, with who and when, and then settled like a clear reply: the same answer, the same
confirmation. Nothing is ever overwritten: ``undo`` is another ruling, after which everything that follows from the
facts is worked out anew, and an invitee who was told something else is told again.

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

Errors: ``ReviewError``, one line that says what to do; nothing has changed then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Answer, Attendance, RawMail
from rsvp_mailer.errors import MalformedMail, RsvpMailerError
from rsvp_mailer.settle import consider, settle
from rsvp_mailer.store.answers import AnswerRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rsvp_mailer.intake import Intake, Taken
    from rsvp_mailer.settle import Desk
    from rsvp_mailer.store.mails import Mail
    from rsvp_mailer.store.reviews import ReviewItem
    from rsvp_mailer.store.sendings import Sending
    from rsvp_mailer.store.store import Store, Transaction


LARGEST_PARTY = 500  # a number above this is a slip of the keyboard


class ReviewError(RsvpMailerError, ValueError):
    """A decision that cannot be taken like this; the text says what to do instead."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item with all that a person needs to decide. ``suggestion``: what accepting would store, if anything."""

    item: ReviewItem
    mail: Mail | None
    sending: Sending | None
    suggestion: Answer | None
    history: Sequence[AnswerRow]

    @property
    def person(self) -> str:
        """Whose item it is: an address, or what stands for one."""
        if self.mail is not None and self.mail.person:
            return self.mail.person
        return (self.sending.recipient if self.sending else None) or ""


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

    def item(self, item_id: int) -> Item:
        """One item, open or closed."""
        with self.store.reading() as tx:
            found = tx.reviews.get(item_id)
            if found is None:
                raise _unknown(item_id)
            return self._item(tx, found)

    def _item(self, tx: Transaction, item: ReviewItem) -> Item:
        mail = tx.mails.get(item.mail_id) if item.mail_id is not None else None
        sending = tx.sendings.get(item.outgoing_id) if item.outgoing_id is not None else None
        suggestion, history = None, list[AnswerRow]()
        if mail is not None and mail.person is not None:
            history = tx.answers.history(mail.person, self.desk.event.id)
            if item.kind == "held":
                suggestion = consider(tx, mail.person, self.desk).about(mail.id).decision.suggestion
        return Item(item, mail, sending, suggestion, history)

    # --- deciding ------------------------------------------------------------------------------------------------

    def accept(self, item_id: int, by: str) -> Item:
        """Do what the item suggests."""
        with self.store.writing() as tx:
            item = self._open_item(tx, item_id)
            if item.item.kind == "held":
                self._rule(tx, item, "accept", by=by, new=_complete(item.suggestion))
            elif item.item.kind != "set_aside":
                self._send_after_all(tx, item, by)
        if item.item.kind == "set_aside":
            self._read_again(item)
        return item

    def correct(self, item_id: int, by: str, *, attendance: Attendance, persons: int | None, note: str = "") -> Item:
        """Store another answer than the suggested one; ``persons`` counts everybody who comes."""
        with self.store.writing() as tx:
            item = self._open_item(tx, item_id, "held")
            mail = item.mail
            assert mail is not None
            assert mail.circumstances is not None
            base = item.suggestion or Answer(None, None, language=mail.reading.language if mail.reading else "de")
            new = _answer(attendance, persons, base=base, name=mail.circumstances.sender_name or base.name)
            self._rule(tx, item, "correct", by=by, new=new, note=note)
        return item

    def dismiss(self, item_id: int, by: str, note: str = "") -> Item:
        """Say that there is nothing to do: the answers stay as they are."""
        with self.store.writing() as tx:
            item = self._open_item(tx, item_id)
            if item.item.kind == "held":
                self._rule(tx, item, "dismiss", by=by, note=note)
                return item
            now = self.clock()
            if item.sending is not None and item.sending.state == "parked":
                tx.sendings.change(item.sending.id, state="superseded")
            if item.item.kind == "set_aside" and item.mail is not None:
                tx.mails.change(item.mail.id, state="recorded", reason="dismissed")
            self._close(tx, item, "close", by=by, now=now, note=note)
        return item

    def undo(self, item_id: int, by: str) -> Item:
        """Take back the newest decision about an item's mail; the item waits again."""
        with self.store.writing() as tx:
            found = tx.reviews.get(item_id)
            if found is None:
                raise _unknown(item_id)
            ruling = tx.answers.newest_ruling(mail_id=found.mail_id) if found.mail_id is not None else None
            if found.kind != "held" or ruling is None:
                message = f"nothing was decided about item {item_id} that could be undone"
                raise ReviewError(message)
            self._undo_ruling(tx, ruling.id, ruling.person, ruling.mail_id, by)
            return self._item(tx, found)

    def undo_entry(self, entry: int, by: str) -> None:
        """Take back an answer that was entered by hand."""
        with self.store.writing() as tx:
            ruling = tx.answers.newest_ruling(ruling_id=entry)
            if ruling is None or ruling.verdict != "telephone":
                message = f"there is no entry T{entry} that could be undone"
                raise ReviewError(message)
            self._undo_ruling(tx, ruling.id, ruling.person, None, by)

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
        """Enter an answer given by telephone or on paper; return the entry's number.

        With ``address`` it belongs to that person, who gets a confirmation; without, it stands for itself.
        """
        if not name.strip():
            message = "an answer needs a name"
            raise ReviewError(message)
        person = address.strip().lower() if address else f"tel:{new_id()}"
        new = _answer(attendance, persons, base=Answer(None, None), name=name.strip())
        with self.store.writing() as tx:
            now, event = self.clock(), self.desk.event.id
            entry = tx.answers.rule("telephone", by=by, at=now, person=person, event=event, new=new, note=note)
            settle(tx, person, self.desk, now=now, by=by)
        return entry

    # --- how -----------------------------------------------------------------------------------------------------

    def _open_item(self, tx: Transaction, item_id: int, kind: str | None = None) -> Item:
        found = tx.reviews.get(item_id)
        if found is None:
            raise _unknown(item_id)
        if found.closed_at is not None:
            message = f"item {item_id} was decided already; undo that first: rsvp-mailer review undo {item_id}"
            raise ReviewError(message)
        if kind is not None and found.kind != kind:
            message = f"item {item_id} is no answer to correct; use accept or dismiss"
            raise ReviewError(message)
        return self._item(tx, found)

    def _rule(
        self, tx: Transaction, item: Item, verdict: str, *, by: str, new: Answer | None = None, note: str = ""
    ) -> None:
        mail, now, event = item.mail, self.clock(), self.desk.event.id
        assert mail is not None
        assert mail.person is not None
        tx.answers.rule(verdict, by=by, at=now, person=mail.person, event=event, mail_id=mail.id, new=new, note=note)
        settle(tx, mail.person, self.desk, now=now, by=by)

    def _undo_ruling(self, tx: Transaction, ruling_id: int, person: str, mail_id: int | None, by: str) -> None:
        now, event = self.clock(), self.desk.event.id
        tx.answers.rule("undo", by=by, at=now, person=person, event=event, mail_id=mail_id, undoes=ruling_id)
        settle(tx, person, self.desk, now=now, by=by)

    def _send_after_all(self, tx: Transaction, item: Item, by: str) -> None:
        now = self.clock()
        assert item.sending is not None
        tx.sendings.change(item.sending.id, state="waiting", due_at=now, attempts=0, last_error=None)
        self._close(tx, item, "release" if item.item.kind == "late" else "retry", by=by, now=now)

    def _close(self, tx: Transaction, item: Item, verdict: str, *, by: str, now: datetime, note: str = "") -> None:
        tx.answers.rule(
            verdict,
            by=by,
            at=now,
            person=item.person,
            event=self.desk.event.id,
            mail_id=item.item.mail_id,
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
            raise ReviewError(message)
        try:
            return self.intake.retake(mail, RawMail(raw, mail.arrived_at, mail.place), apply=True)
        except MalformedMail as error:
            with self.store.writing() as tx:
                tx.mails.change(mail.id, attempts=mail.attempts + 1)
            message = f"item {item.item.id} cannot be processed by this version either; it stays where it is"
            raise ReviewError(message) from error


def _answer(attendance: Attendance, persons: int | None, *, base: Answer, name: str) -> Answer:
    """An answer as a person states it; ``ReviewError`` for numbers that cannot be."""
    if attendance is Attendance.NO:
        if persons:
            message = "a refusal has no persons; leave the number out"
            raise ReviewError(message)
        return Answer(attendance, 0, language=base.language, name=name, tags=base.tags)
    if attendance is Attendance.YES and persons is None:
        message = "how many come in all? give the number of persons"
        raise ReviewError(message)
    if persons is not None and not 1 <= persons <= LARGEST_PARTY:
        message = f"the number of persons must be between 1 and {LARGEST_PARTY}"
        raise ReviewError(message)
    return Answer(
        attendance,
        persons,
        language=base.language,
        name=name,
        size_stated=persons is not None,
        arrival=base.arrival,
        departure=base.departure,
        interpreter=base.interpreter,
        tags=base.tags,
        people=base.people,
    )


def _complete(suggestion: Answer | None) -> Answer:
    """A suggestion that can be stored as it is."""
    if suggestion is None or suggestion.attendance is None:
        message = "there is no suggestion to accept; correct it: say yes, no or maybe, and how many"
        raise ReviewError(message)
    if suggestion.attendance is Attendance.YES and suggestion.party_size is None:
        message = "the suggestion lacks the number of persons; correct it"
        raise ReviewError(message)
    return suggestion


def _unknown(item_id: int) -> ReviewError:
    return ReviewError(f"there is no item {item_id}; see rsvp-mailer review list")
