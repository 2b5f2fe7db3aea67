"""Brings everything that follows from the facts about one person up to date, within one transaction.

Facts are mails (with their readings) and rulings of people at the office. ``decide.replay`` says what follows
from them; ``settle`` writes the difference: states of mails, review items, a new row of the answer's history,
the mail that tells the invitee. A clear reply, a click in the review, a telephone answer and an undo all take
this road, which is why each of them is confirmed alike and none can be confirmed twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from rsvp_mailer.decide import Settled, Statement, replay, same_statement
from rsvp_mailer.domain import Action, Address, Answer, Correspondent, Event, Tag
from rsvp_mailer.settle_sheets import SheetDesk, concerns_sheets, lacks_form, settle_sheets, wants_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rsvp_mailer.domain import Decision, OutgoingMail
    from rsvp_mailer.outbox.confirmation import Composer
    from rsvp_mailer.store.answers import Ruling
    from rsvp_mailer.store.mails import Mail
    from rsvp_mailer.store.store import Transaction

_STORING = frozenset({Action.RECORD, Action.CHANGE})
_WORKING_DAYS_UNTIL_ASKED_AGAIN = 2  # reading guide, 1


@dataclass(frozen=True, slots=True)
class Desk:
    """What settling needs beside the store.

    ``own_addresses``: never written to. ``late_after``: a confirmation for mail first seen later than this after
    its arrival waits for a click. ``grace``: what a person's decision sends waits this long, so that undoing it stops
    it. ``new_token``: 32 random hexadecimal characters at each call.
    """

    event: Event
    composer: Composer
    own_addresses: frozenset[str]
    late_after: timedelta
    new_token: Callable[[], str]
    grace: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class _Cause:
    """What the present answer rests on, and whom to tell about it; ``by_hand``: somebody has told already."""

    by: str
    mail_id: int | None
    ruling_id: int | None
    to: Correspondent | None
    late: bool
    by_hand: bool = False
    wants_form: bool = False


@dataclass(frozen=True, slots=True)
class Considered:
    """All facts about one person, and what follows from them. ``mails`` by id."""

    mails: Mapping[int, Mail]
    rulings: Sequence[Ruling]
    settled: tuple[Settled, ...]

    def about(self, mail_id: int) -> Settled:
        """What follows for one mail."""
        return next(each for each in self.settled if each.statement.key == mail_id)


def consider(tx: Transaction, person: str, desk: Desk) -> Considered:
    """Read all facts about ``person`` (address, or ``tel:…``) and decide; writes nothing."""
    mails = {mail.id: mail for mail in tx.mails.of_person(person, desk.event.id) if mail.state != "set_aside"}
    rulings = tx.answers.rulings(person, desk.event.id)
    return Considered(mails, rulings, replay(_statements(mails.values(), rulings), desk.event))


def settle(
    tx: Transaction, person: str, desk: Desk, *, now: datetime, by: str = "auto", fresh: int | None = None
) -> Considered:
    """Write what follows from all facts about ``person``; ``by`` names who caused it.

    ``fresh``: id of a mail kept in this very transaction, about which nothing can be in the queue yet.
    """
    considered = consider(tx, person, desk)
    settlement = _Settlement(tx, person, desk, now, by, fresh, decided=bool(considered.rulings))
    for each in considered.settled:
        if mail := considered.mails.get(each.statement.key):
            settlement.settle_mail(mail, each)
    present = considered.settled[-1].decision.answer if considered.settled else None
    settlement.settle_answer(present, _cause(considered, desk))
    _settle_sheets(tx, considered, desk, now)
    return considered


def _settle_sheets(tx: Transaction, considered: Considered, desk: Desk, now: datetime) -> None:
    for each in considered.settled:
        mail = considered.mails.get(each.statement.key)
        if mail is not None and concerns_sheets(mail):
            settle_sheets(
                tx,
                SheetDesk(desk.composer, desk.event.id, desk.new_token, now),
                mail,
                recipient_of(mail, desk),
                decided=(each.decision.automatic or each.completed) and not each.statement.dismissed,
                late=_late(mail, desk),
            )


def _statements(mails: Iterable[Mail], rulings: Sequence[Ruling]) -> list[Statement]:
    about_mail = {ruling.mail_id: ruling for ruling in rulings if ruling.mail_id is not None}
    statements = [
        Statement(
            key=mail.id,
            at=mail.arrived_at or mail.seen_at,
            sequence=mail.place.uid,
            reading=mail.reading,
            circumstances=mail.circumstances,
            ruling=about_mail[mail.id].answer if mail.id in about_mail else None,
            dismissed=mail.id in about_mail and _leaves_it_be(about_mail[mail.id]),
            asked=mail.id in about_mail and about_mail[mail.id].verdict == "asked",
        )
        for mail in mails
    ]
    by_telephone = [
        Statement(key=-ruling.id, at=ruling.at, ruling=ruling.answer) for ruling in rulings if ruling.mail_id is None
    ]
    return statements + by_telephone


def _leaves_it_be(ruling: Ruling) -> bool:
    """A dismissal; or a split in which the sender has no part, but named others."""
    return ruling.verdict in {"dismiss", "split"} and ruling.answer is None


def when_asked_again(now: datetime, days: int = _WORKING_DAYS_UNTIL_ASKED_AGAIN) -> datetime:
    """When an item about which the invitee was asked returns to the top of the queue."""
    later = now
    while days:
        later += timedelta(days=1)
        days -= later.isoweekday() <= 5
    return later


def _cause(considered: Considered, desk: Desk) -> _Cause | None:
    settled, mails, rulings = considered.settled, considered.mails, considered.rulings
    key = next((each.statement.key for each in reversed(settled) if each.decision.action in _STORING), None)
    if key is None:
        return None
    if mail := mails.get(key):
        ruling = next((each for each in reversed(rulings) if each.mail_id == mail.id), None)
        # Somebody who looked at a late mail and decided has thereby clicked.
        late = ruling is None and _late(mail, desk)
        return _Cause(
            ruling.by if ruling else "auto",
            mail.id,
            ruling.id if ruling else None,
            recipient_of(mail, desk),
            late,
            by_hand=ruling is not None and ruling.verdict == "answered",
            wants_form=wants_form(mail),
        )
    ruling = next(each for each in rulings if each.id == -key)
    to = _known_correspondent(mails.values(), desk) or _bare_correspondent(ruling, desk)
    return _Cause(ruling.by, None, ruling.id, to, late=False, by_hand=ruling.verdict == "answered")


def _known_correspondent(mails: Iterable[Mail], desk: Desk) -> Correspondent | None:
    """The thread of the newest mail that may be answered."""
    newest = sorted(mails, key=lambda mail: (mail.arrived_at or mail.seen_at, mail.id), reverse=True)
    return next((to for mail in newest if (to := recipient_of(mail, desk))), None)


def _bare_correspondent(ruling: Ruling, desk: Desk) -> Correspondent | None:
    if "@" not in ruling.person or ruling.person in desk.own_addresses:
        return None
    return Correspondent(Address(ruling.person, ruling.answer.name if ruling.answer else ""))


def recipient_of(mail: Mail, desk: Desk) -> Correspondent | None:
    """Whom to write to about a mail: its From, unless it is automatic, has no usable sender, or is ourselves."""
    to, circumstances = mail.correspondent, mail.circumstances
    if to is None or circumstances is None or not circumstances.answerable or not to.address.address:
        return None
    return None if to.address.address in desk.own_addresses else to


def _late(mail: Mail, desk: Desk) -> bool:
    return mail.arrived_at is not None and mail.seen_at - mail.arrived_at > desk.late_after


@dataclass(frozen=True, slots=True)
class _Settlement:
    """The writing half: one person, one transaction."""

    tx: Transaction
    person: str
    desk: Desk
    now: datetime
    by: str
    fresh: int | None
    decided: bool  # a person had a word in it, and may have asked back

    def settle_mail(self, mail: Mail, settled: Settled) -> None:
        """Write a mail's state, and open, reword or close its place in the queue."""
        decision = settled.decision
        if decision.automatic or settled.completed:
            reason = "completed" if settled.completed else f"{decision.action}.{decision.row}"
            if mail.state != "recorded" or mail.reason != reason:
                self.tx.mails.set_state(mail.id, "recorded", reason)
                if mail.id != self.fresh:
                    self.tx.reviews.close("held", mail_id=mail.id, now=self.now, by=self.by)
            self._open_tasks(mail, settled)
            return
        if mail.id != self.fresh:
            self.tx.tasks.withdraw(mail.id, keep={Tag.SHEET_TO_READ})  # whoever decides about it sees its tags
        item = self.tx.reviews.of_mail(mail.id) if mail.id != self.fresh else None
        if item is None:
            self._hold(mail, settled)
            return
        if mail.state != "held" or mail.reason != decision.row:
            self.tx.mails.set_state(mail.id, "held", decision.row)
        self.tx.reviews.reword(item.id, decision.reasons, decision.suggestion)

    def _open_tasks(self, mail: Mail, settled: Settled) -> None:
        """What the mail asks for beside its answer; a question is answered by whoever rules that it is no answer."""
        tags = set(mail.reading.tags) if mail.reading else set()
        if settled.statement.dismissed:
            tags.discard(Tag.QUESTION)
        if mail.id != self.fresh:
            self.tx.tasks.withdraw(mail.id, keep=tags | {Tag.SHEET_TO_READ})
        self.tx.tasks.open_for(mail.id, tags, person=self.person, event=self.desk.event.id, now=self.now)

    def _hold(self, mail: Mail, settled: Settled) -> None:
        decision, due_at = settled.decision, None
        if decision.ask_party_size:
            self._ask_party_size(mail, decision)
            due_at = when_asked_again(self.now)
        self.tx.mails.set_state(mail.id, "held", decision.row)
        reviews = self.tx.reviews
        hold = reviews.hold if mail.id != self.fresh else partial(reviews.open, "held")
        hold(mail_id=mail.id, reasons=decision.reasons, now=self.now, due_at=due_at, suggestion=decision.suggestion)

    def _ask_party_size(self, mail: Mail, decision: Decision) -> None:
        """The one mail that goes out although the item is held, once per person."""
        key = f"question:{self.desk.event.id}:{self.person}"
        to = recipient_of(mail, self.desk)
        if to is None or decision.suggestion is None or _late(mail, self.desk) or self.tx.sendings.has_key(key):
            return
        token = self.desk.new_token()
        question = self.desk.composer.question(to, decision.suggestion, token=token, now=self.now)
        self._send(question, key=key, kind="question", mail_id=mail.id)

    def settle_answer(self, present: Answer | None, cause: _Cause | None) -> None:
        """Add to the history if the answer is another one, and tell the invitee what changed."""
        last = self.tx.answers.present(self.person, self.desk.event.id)
        if present is None:
            if last is None or last.answer.attendance is None:
                return
            present = Answer(None, None, language=last.answer.language, name=last.answer.name)
        if last is not None and last.answer == present:
            return
        answer_id = self.tx.answers.append(
            present,
            person=self.person,
            event=self.desk.event.id,
            now=self.now.astimezone(self.desk.event.starts_at.tzinfo),
            by=cause.by if cause else self.by,
            mail_id=cause.mail_id if cause else None,
            ruling_id=cause.ruling_id if cause else None,
            told_by_hand=cause is not None and cause.by_hand,
        )
        if last is None or not same_statement(last.answer, present):
            self._tell(present, answer_id, cause, is_first=last is None)

    def _tell(self, present: Answer, answer_id: int, cause: _Cause | None, *, is_first: bool) -> None:
        """Queue the confirmation of a changed state, unless the invitee was last told just this."""
        sendings, event = self.tx.sendings, self.desk.event.id
        told = None
        if self.decided or not is_first:
            sendings.supersede(self.person, event, now=self.now)
            told = sendings.told(self.person, event)
        if cause is None or cause.to is None or present.attendance is None or same_statement(told, present):
            return
        if cause.by_hand:
            return
        confirmation = self.desk.composer.confirmation(
            present,
            told,
            cause.to,
            token=self.desk.new_token(),
            now=self.now,
            sequence=0 if is_first else sendings.confirmations(self.person, event),
            first=cause.wants_form or lacks_form(self.tx, self.person, event, is_first=is_first),
        )
        key = f"confirmation:{answer_id}"
        sending_id = self._send(
            confirmation,
            key=key,
            kind="confirmation",
            mail_id=cause.mail_id,
            answer_id=answer_id,
            parked=cause.late,
            due_at=self.now if self.by == "auto" else self.now + self.desk.grace,
        )
        if cause.late:
            self.tx.reviews.open("late", (), now=self.now, mail_id=cause.mail_id, outgoing_id=sending_id)

    def _send(
        self,
        new: OutgoingMail,
        *,
        key: str,
        kind: str,
        mail_id: int | None,
        answer_id: int | None = None,
        parked: bool = False,
        due_at: datetime | None = None,
    ) -> int:
        return self.tx.sendings.add(
            new,
            key=key,
            kind=kind,
            event=self.desk.event.id,
            now=self.now,
            person=self.person,
            mail_id=mail_id,
            answer_id=answer_id,
            parked=parked,
            due_at=due_at,
        )
