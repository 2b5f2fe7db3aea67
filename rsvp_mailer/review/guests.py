"""The guest list at the office: who comes, everything known of a person, answers by telephone and on paper, merging."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rsvp_mailer.review.decisions import Deciding
from rsvp_mailer.review.rehearsal import Letter, letters_since, newest_letter
from rsvp_mailer.review.stated import Overtaken, ReviewError, Stated, named, person_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rsvp_mailer.settle import Desk
    from rsvp_mailer.store.answers import AnswerRow, Ruling
    from rsvp_mailer.store.guest_list import Guest, Page, Twin, Wanted
    from rsvp_mailer.store.mails import Mail
    from rsvp_mailer.store.sendings import Sending
    from rsvp_mailer.store.store import Store, Transaction

CHANNELS = ("telephone", "paper", "answered")  # the last: told by other means, so that nothing is sent
_MOST_TWINS = 20
_COUNTED_TWINS = 1000
_WHAT_HAPPENED_AT_ONCE = ("mail", "ruling", "answer", "sending")  # in this order, cause before effect


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a person's history; exactly one of the values is set. ``undone``: the ruling was taken back."""

    at: datetime
    mail: Mail | None = None
    ruling: Ruling | None = None
    answer: AnswerRow | None = None
    sending: Sending | None = None
    undone: bool = False

    @property
    def kind(self) -> str:
        """Which of the values is set."""
        return next(name for name in _WHAT_HAPPENED_AT_ONCE if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True)
class Record:
    """Everything known of a guest. ``members``: whom this answer counts; ``group``: whose answer counts this one."""

    guest: Guest
    history: tuple[Happening, ...]
    members: tuple[Guest, ...]
    group: Guest | None
    twins: tuple[Twin, ...]

    @property
    def version(self) -> int:
        """Names what somebody saw: the newest answer."""
        return max((each.answer.id for each in self.history if each.answer), default=0)


@dataclass(frozen=True, slots=True)
class Entered:
    """A stored entry: its number, the guest, and what goes out because of it."""

    ruling: int
    guest: Guest
    letters: tuple[Letter, ...]


@dataclass(frozen=True, slots=True)
class GuestBook:
    """Looking and entering. ``clock``: aware times."""

    store: Store
    desk: Desk
    clock: Callable[[], datetime]

    def page(self, wanted: Wanted, *, limit: int, after: int | None = None, before: int | None = None) -> Page:
        """Some guests in the order of names."""
        with self.store.reading() as tx:
            return tx.guests.page(self.desk.event.id, wanted, limit=limit, after=after, before=before)

    def record(self, guest_id: int) -> Record | None:
        """Everything known of one guest."""
        with self.store.reading() as tx:
            guest = tx.guests.get(guest_id)
            return None if guest is None else self._record(tx, guest)

    def find(self, person: str) -> Guest | None:
        """The guest who is this person."""
        with self.store.reading() as tx:
            return tx.guests.of_person(person, self.desk.event.id)

    def _record(self, tx: Transaction, guest: Guest) -> Record:
        event, part_of = self.desk.event.id, guest.answer.part_of
        return Record(
            guest=guest,
            history=_history(tx, guest.person, event),
            members=tuple(tx.guests.members(guest.person, event)),
            group=tx.guests.of_person(part_of, event) if part_of else None,
            twins=tuple(tx.guests.twins(event, limit=_MOST_TWINS, guest_id=guest.id)),
        )

    def twins(self) -> list[Twin]:
        """Who may be there twice, oldest proposal first."""
        with self.store.reading() as tx:
            return tx.guests.twins(self.desk.event.id, limit=_MOST_TWINS)

    def open_twins(self) -> int:
        """How many proposals wait."""
        with self.store.reading() as tx:
            return tx.guests.open_twins(self.desk.event.id, limit=_COUNTED_TWINS)

    # --- entering ------------------------------------------------------------------------------------------------

    def enter(self, by: str, stated: Stated, *, channel: str, address: str = "", note: str = "") -> Entered:
        """Store a new person's answer; somebody known by this address is changed on the person's own page."""
        stated = replace(stated, name=named(stated.name or ""))
        person = person_of(address, self.desk.new_token)
        with self.store.writing() as tx:
            known = tx.guests.of_person(person, self.desk.event.id)
            if known is not None and known.answer.attendance is not None:
                message = "there is an answer from this address already; change it there"
                raise ReviewError(message, code="known_address", field="address")
            return self._enter(tx, by, person, stated, channel=channel, note=note)

    def change(
        self, by: str, guest_id: int, stated: Stated, *, channel: str, note: str = "", version: int | None = None
    ) -> Entered:
        """Store another answer of a known person; ``version``: of the record as ``by`` saw it."""
        with self.store.writing() as tx:
            guest = _known(tx, guest_id)
            if version is not None and version != self._record(tx, guest).version:
                message = "this answer has changed since it was shown; look again and change it then"
                raise Overtaken(message, code="changed_meanwhile")
            return self._enter(tx, by, guest.person, stated, channel=channel, note=note)

    def _enter(self, tx: Transaction, by: str, person: str, stated: Stated, *, channel: str, note: str) -> Entered:
        if channel not in CHANNELS:
            message = "say how the answer came: by telephone or on paper"
            raise ReviewError(message, code="channel", field="channel")
        last = newest_letter(tx)
        ruling = self._deciding(tx, by).enter(channel, person, stated, note)
        guest = tx.guests.of_person(person, self.desk.event.id)
        assert guest is not None
        return Entered(ruling, guest, letters_since(tx, last, texts=False))

    def merge(self, by: str, person: str, into: str) -> Entered:
        """Count a stored answer with another one; both stay, and nobody is written to."""
        with self.store.writing() as tx:
            ruling = self._deciding(tx, by).merge(person, into)
            guest = tx.guests.of_person(into, self.desk.event.id)
            assert guest is not None
            return Entered(ruling, guest, ())

    def keep_apart(self, by: str, twin_id: int) -> None:
        """Say that two guests are not the same group."""
        with self.store.writing() as tx:
            tx.guests.close_twin(twin_id, by=by, now=self.clock())

    def propose_again(self, twin_id: int) -> None:
        """Undo ``keep_apart``."""
        with self.store.writing() as tx:
            tx.guests.close_twin(twin_id, by=None, now=None)

    def _deciding(self, tx: Transaction, by: str) -> Deciding:
        return Deciding(tx, self.desk, self.clock(), by)


def _known(tx: Transaction, guest_id: int) -> Guest:
    guest = tx.guests.get(guest_id)
    if guest is None:
        message = "this person is no longer there"
        raise ReviewError(message, code="unknown_guest")
    return guest


def _history(tx: Transaction, person: str, event: str) -> tuple[Happening, ...]:
    """Mails, decisions, answers and mails of ours, oldest first."""
    rulings = tx.answers.all_rulings(person, event)
    undone = {each.undoes for each in rulings}
    found = [
        *(Happening(each.arrived_at or each.seen_at, mail=each) for each in tx.mails.of_person(person, event)),
        *(Happening(each.at, ruling=each, undone=_is_undone(each, undone)) for each in rulings),
        *(Happening(each.recorded_at, answer=each) for each in tx.answers.history(person, event)),
        *(Happening(each.sent_at or each.due_at, sending=each) for each in tx.sendings.of_person(person, event)),
    ]
    return tuple(sorted(found, key=lambda each: (each.at, _WHAT_HAPPENED_AT_ONCE.index(each.kind))))


def _is_undone(ruling: Ruling, undone: set[int | None]) -> bool:
    return ruling.id in undone or (ruling.cause_id is not None and ruling.cause_id in undone)


def groups(guests: Sequence[Guest], person: str) -> list[Guest]:
    """Those of some guests with whom a person's answer could be counted."""
    return [each for each in guests if each.person != person and not each.answer.part_of and each.answer.attendance]
