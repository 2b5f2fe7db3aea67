"""The decisions there are, and what each writes: rulings, from which ``settle`` works everything out anew.

Each is undone by one more ruling. ``Deciding`` lives within one transaction; ``queue.Queue`` opens it, for good or
for a rehearsal that is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.review.stated import Overtaken, ReviewError, Stated, answer_of, complete, named, person_of
from rsvp_mailer.settle import recipient_of, settle, when_asked_again

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rsvp_mailer.review.queue import Item
    from rsvp_mailer.settle import Desk
    from rsvp_mailer.store.answers import Ruling
    from rsvp_mailer.store.guest_list import Guest
    from rsvp_mailer.store.store import Transaction

_MAX_LETTER_CHARS = 5000
_COMING = frozenset({Attendance.YES, Attendance.MAYBE})


@dataclass(frozen=True, slots=True)
class Accept:
    """Do what the item suggests."""


@dataclass(frozen=True, slots=True)
class Correct:
    """Store another answer than the suggested one."""

    stated: Stated
    note: str = ""


@dataclass(frozen=True, slots=True)
class AnsweredByHand:
    """Somebody told the invitee already: store, send nothing."""

    stated: Stated
    note: str = ""


@dataclass(frozen=True, slots=True)
class Dismiss:
    """It answers nothing: the answers stay as they are."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class AskBack:
    """Write to the sender; the item waits for the reply, two working days at most."""

    text: str


@dataclass(frozen=True, slots=True)
class Merge:
    """The same group was reported by ``into`` (a person), whose answer counts it."""

    into: str


@dataclass(frozen=True, slots=True)
class Part:
    """One of several answers in a mail; ``address`` may be empty: then nobody is written to."""

    name: str
    stated: Stated
    address: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """The mail answers for several: the sender's own answer, if there is one, and the others."""

    own: Stated | None
    parts: tuple[Part, ...]


Decision: TypeAlias = Accept | Correct | AnsweredByHand | Dismiss | AskBack | Merge | Split


@dataclass(frozen=True, slots=True)
class Deciding:
    """Writes decisions of ``by`` about open items."""

    tx: Transaction
    desk: Desk
    now: datetime
    by: str

    def decide(self, item: Item, decision: Decision) -> int:  # noqa: PLR0911 - one a decision
        """Write a decision about a held mail; return the ruling's id."""
        match decision:
            case Accept():
                return self._rule(item, "accept", complete(item.suggestion))
            case Correct(stated, note):
                return self._rule(item, "correct", answer_of(stated, base_of(item)), note)
            case AnsweredByHand(stated, note):
                return self._rule(item, "answered", answer_of(stated, base_of(item)), note)
            case Dismiss(note):
                return self._dismiss(item, note)
            case AskBack(text):
                return self._ask(item, text)
            case Merge(into):
                return self._rule(item, "merge", self._as_member(item, into))
            case Split(own, parts):
                return self._split(item, own, parts)

    def _rule(self, item: Item, verdict: str, new: Answer | None = None, note: str = "") -> int:
        assert item.mail is not None
        assert item.mail.person is not None
        ruling = self._write(verdict, item.mail.person, item=item, new=new, note=note)
        self._settle(item.mail.person)
        return ruling

    def _write(
        self, verdict: str, person: str, *, item: Item | None = None, new: Answer | None = None, note: str = ""
    ) -> int:
        return self.tx.answers.rule(
            verdict,
            by=self.by,
            at=self.now,
            person=person,
            event=self.desk.event.id,
            mail_id=item.item.mail_id if item else None,
            review_id=item.item.id if item else None,
            new=new,
            note=note.strip(),
        )

    def _settle(self, person: str) -> None:
        settle(self.tx, person, self.desk, now=self.now, by=self.by)

    def _dismiss(self, item: Item, note: str) -> int:
        """Nobody is left with a confirmation of an answer that is no longer there."""
        ruling = self._rule(item, "dismiss", note=note)
        person, event = item.person, self.desk.event.id
        present, told = self.tx.answers.present(person, event), self.tx.sendings.told(person, event)
        if told is not None and told.attendance in _COMING and present is not None and not present.answer.attendance:
            message = "the sender was told that the answer is stored; store a refusal, or ask back"
            raise ReviewError(message, code="was_told")
        return ruling

    def _ask(self, item: Item, text: str) -> int:
        assert item.mail is not None
        to = recipient_of(item.mail, self.desk)
        if to is None:
            message = "nobody can be written to about this mail; decide it, or ask by telephone"
            raise ReviewError(message, code="not_answerable")
        if not text.strip():
            message = "the question is empty; write what you want to know"
            raise ReviewError(message, code="text_missing", field="text")
        if len(text) > _MAX_LETTER_CHARS:
            message = f"the question is longer than {_MAX_LETTER_CHARS} characters; shorten it"
            raise ReviewError(message, code="text_long", field="text")
        ruling = self._rule(item, "asked", note=text)
        letter = self.desk.composer.letter(to, text, language=item.language, token=self.desk.new_token(), now=self.now)
        self.tx.sendings.add(
            letter,
            key=_letter_key(ruling),
            kind="question",
            event=self.desk.event.id,
            now=self.now,
            person=item.person,
            mail_id=item.mail.id,
            due_at=self.now + self.desk.grace,
        )
        self.tx.reviews.defer(item.item.id, when_asked_again(self.now))
        return ruling

    def _as_member(self, item: Item, into: str) -> Answer:
        group = self._group(item.person, into).answer
        base = base_of(item)
        return replace(group, name=base.name, language=base.language, tags=base.tags, part_of=into)

    def _group(self, person: str, into: str) -> Guest:
        """Whoever counts this person's group."""
        event = self.desk.event.id
        found = self.tx.guests.of_person(into, event)
        if found is None or found.answer.attendance not in _COMING or into == person:
            message = "there is nobody else of that name who comes; choose somebody from the list"
            raise ReviewError(message, code="no_such_group", field="into")
        if found.answer.part_of or self.tx.guests.members(person, event):
            message = "that answer is merged with another one already; choose the one that counts"
            raise ReviewError(message, code="merged_already", field="into")
        return found

    def merge(self, person: str, into: str) -> int:
        """Count a stored answer with another one, and tell nobody: their own words stay as they are."""
        self._group(person, into)
        present = self.tx.answers.present(person, self.desk.event.id)
        assert present is not None
        ruling = self._write("merge", person, new=replace(present.answer, part_of=into))
        self._settle(person)
        return ruling

    def _split(self, item: Item, own: Stated | None, parts: Sequence[Part]) -> int:
        if len(parts) + (own is not None) < 2:
            message = "a mail is split into two answers or more; fill in a second line"
            raise ReviewError(message, code="one_part", field="parts")
        language = base_of(item).language
        split = self._rule(item, "split", answer_of(own, base_of(item)) if own else None)
        for part in parts:
            person = person_of(part.address, self.desk.new_token)
            if person == item.person:
                message = "that is the sender's own address; put the answer into the first line"
                raise ReviewError(message, code="own_address", field="parts")
            new = answer_of(replace(part.stated, name=named(part.name)), Answer(None, None, language=language))
            self.tx.answers.rule(
                "part", by=self.by, at=self.now, person=person, event=self.desk.event.id, new=new, cause_id=split
            )
            self._settle(person)
        return split

    def enter(self, verdict: str, person: str, stated: Stated, note: str) -> int:
        """Store what somebody said by telephone or on paper, or was told by hand."""
        known = self.tx.answers.present(person, self.desk.event.id)
        new = answer_of(stated, known.answer if known else Answer(None, None))
        ruling = self._write(verdict, person, new=replace(new, name=named(new.name)), note=note)
        self._settle(person)
        return ruling

    # --- taking back ---------------------------------------------------------------------------------------------

    def undo(self, ruling: Ruling) -> None:
        """Take a decision about an answer back; what follows from the facts without it is written."""
        if ruling.verdict == "asked":
            self.tx.sendings.withdraw(_letter_key(ruling.id))
            if ruling.review_id is not None:
                self.tx.reviews.defer(ruling.review_id, None)
        self.tx.answers.rule(
            "undo",
            by=self.by,
            at=self.now,
            person=ruling.person,
            event=self.desk.event.id,
            mail_id=ruling.mail_id,
            review_id=ruling.review_id,
            undoes=ruling.id,
        )
        for person in dict.fromkeys([ruling.person, *(part.person for part in self.tx.answers.parts(ruling.id))]):
            self._settle(person)
            self._keep_groups(person)

    def _keep_groups(self, person: str) -> None:
        event = self.desk.event.id
        present = self.tx.answers.present(person, event)
        if (present is None or not present.answer.attendance) and self.tx.guests.members(person, event):
            message = "another answer is counted with this one; undo that merging first"
            raise ReviewError(message, code="counts_others")

    def undo_about_ours(self, item: Item, ruling: Ruling) -> None:
        """Take back what was decided about a mail of ours, or about one that could not be processed."""
        sending = item.sending
        if ruling.verdict in {"release", "retry"}:
            if sending is None or sending.state != "waiting":
                message = "that mail has gone out already; it cannot be called back"
                raise Overtaken(message, code="sent_already")
            self.tx.sendings.change(sending.id, state="parked" if ruling.verdict == "release" else "failed")
        elif sending is not None and item.item.kind == "late":
            self.tx.sendings.change(sending.id, state="parked")
        elif item.item.kind == "set_aside" and item.mail is not None:
            self.tx.mails.change(item.mail.id, state="set_aside", reason="")
        self._write_undo(item, ruling)
        self.tx.reviews.reopen(item.item.id)

    def _write_undo(self, item: Item, ruling: Ruling) -> None:
        self.tx.answers.rule(
            "undo",
            by=self.by,
            at=self.now,
            person=ruling.person,
            event=self.desk.event.id,
            mail_id=item.item.mail_id,
            review_id=item.item.id,
            undoes=ruling.id,
        )


def base_of(item: Item) -> Answer:
    """What is known of a held mail's sender before anybody decides."""
    language = item.mail.reading.language if item.mail and item.mail.reading else "de"
    base = item.suggestion or Answer(None, None, language=language)
    name = item.mail.circumstances.sender_name if item.mail and item.mail.circumstances else ""
    return replace(base, name=name or base.name)


def _letter_key(ruling: int) -> str:
    return f"letter:{ruling}"
