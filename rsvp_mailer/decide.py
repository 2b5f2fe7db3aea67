"""What we do about a message: a table, read from top to bottom, whose last row is *review*.

What may live here: pure functions over values of ``domain``. No I/O, no clock, no language knowledge.

``decide`` takes what one message says (``Reading``), what it came with (``Circumstances``) and what is stored
(``Answer``). ``replay`` runs it over all that is known of a person, in the order in which the server received
it: the state of a person is a function of the *set* of messages, so the order of processing does not matter.
``next_slot`` is the brake of promise 6.

Why the order of the rows matters: mail that is not ours leaves first, so that nothing below can hold or answer
it; then everything that makes a person look; only what passes all of that may change an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from rsvp_mailer.domain import (
    Action,
    Answer,
    Attendance,
    Circumstances,
    Decision,
    Doubt,
    Event,
    Kind,
    Message,
    Reading,
    Reason,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime, timedelta

T = TypeVar("T")

LARGEST_AUTOMATIC_PARTY = 15  # reading guide, 4: more than 15 is always looked at by a person

_NOT_OURS = frozenset({Kind.AUTO_REPLY, Kind.BOUNCE, Kind.UNRELATED})
_COMING = frozenset({Attendance.YES, Attendance.MAYBE})
_DOUBT_REASONS = {
    Doubt.PARTS_DISAGREE: Reason.CONTRADICTION,
    Doubt.CHARACTERS_LOST: Reason.UNREADABLE,
    Doubt.HEADER_RESIDUE: Reason.ATTENDANCE_UNCLEAR,
    Doubt.TEXT_AFTER_QUOTE: Reason.ATTENDANCE_UNCLEAR,
    Doubt.ATTACHED_MAIL: Reason.SEVERAL_SENDERS,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One message beside the stored answer. ``pending``: an earlier yes of which only the number is missing."""

    reading: Reading
    circumstances: Circumstances
    answer: Answer | None
    pending: Answer | None
    event: Event

    @property
    def stored_size(self) -> int | None:
        """The number that stands, if somebody is expected at all."""
        return self.answer.party_size if self.answer and self.answer.attendance in _COMING else None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: where ``applies`` holds, ``outcome`` is the decision."""

    name: str
    applies: Callable[[Case], bool]
    outcome: Callable[[Case, str], Decision]


def decide(
    reading: Reading,
    circumstances: Circumstances,
    answer: Answer | None,
    event: Event,
    *,
    pending: Answer | None = None,
) -> Decision:
    """Return the decision of the first row that applies; never raises.

    ``answer`` is the present one of the same From address (promise 7: nobody else's can be changed here).
    """
    case = Case(reading, circumstances, answer, pending, event)
    row = next(row for row in TABLE if row.applies(case))
    return row.outcome(case, row.name)


def circumstances_of(message: Message, *, answers_us: bool = False, foreign_token: bool = False) -> Circumstances:
    """Keep of a message what its decision needs; the two flags come from looking up its tokens in the store."""
    return Circumstances(
        arrived_at=message.arrived_at,
        sender_name=message.sender.name if message.sender else "",
        sender_faults=message.sender_faults,
        unreadable=message.unreadable,
        doubts=message.own_words.doubts,
        answerable=message.answerable,
        answers_us=answers_us or bool(message.tokens),
        foreign_token=foreign_token,
        by_calendar=message.calendar is not None,
        brings_sheet=bool(message.sheets),
    )


# --- reasons to hold -------------------------------------------------------------------------------------------


def _reasons(case: Case) -> tuple[Reason, ...]:
    """All reasons for which a person must look, those of the words first, each once."""
    if case.circumstances.unreadable:
        return (Reason.UNREADABLE,)
    found = [reason for reason in case.reading.reasons if not _answered_by_history(reason, case)]
    found += [_DOUBT_REASONS[doubt] for doubt in sorted(case.circumstances.doubts) if doubt in _DOUBT_REASONS]
    found += [reason for reason, applies in _HOLDS if applies(case)]
    return tuple(dict.fromkeys(found))


def _answered_by_history(reason: Reason, case: Case) -> bool:
    """Whether the stored answer supplies what the words alone leave open."""
    if reason in {Reason.NEEDS_HISTORY, Reason.PARTY_SIZE_MISSING}:
        return case.stored_size is not None
    return reason is Reason.ATTENDANCE_UNCLEAR and _completes_pending(case)


def _completes_pending(case: Case) -> bool:
    """The bare number ("zu dritt") that answers our question "with how many?"."""
    reading = case.reading
    return (
        case.pending is not None
        and case.circumstances.answers_us
        and reading.attendance is None
        and reading.size_stated
        and reading.party_size is not None
        and not reading.tags
    )


def _forwarded_without_answer(case: Case) -> bool:
    return Doubt.FORWARDED in case.circumstances.doubts and case.reading.attendance is None


def _too_late(case: Case) -> bool:
    arrived_at = case.circumstances.arrived_at
    return arrived_at is not None and arrived_at > case.event.closes_at


def _singular_cancellation_of_a_group(case: Case) -> bool:
    return (
        case.reading.attendance is Attendance.NO
        and case.reading.singular
        and case.stored_size is not None
        and case.stored_size > 1
    )


def _somebody_else_at_the_same_address(case: Case) -> bool:
    """Another display name, or people not named before, with no word that says "instead"."""
    if case.answer is None or case.reading.corrects or case.reading.attendance is None:
        return False
    other_name = not _same_name(case.answer.name, case.circumstances.sender_name)
    return other_name or not set(case.reading.people) <= set(case.answer.people)


def _implied_assent_to_another_answer(case: Case) -> bool:
    """An "OK" or "passt so" in answer to our confirmation of a refusal agrees with it: no number, no new word."""
    return (
        case.circumstances.answers_us
        and case.answer is not None
        and case.answer.attendance in {Attendance.NO, Attendance.MAYBE}
        and case.reading.attendance is Attendance.YES
        and not (case.reading.agrees or case.reading.size_stated or case.reading.corrects)
    )


def _same_name(stored: str, given: str) -> bool:
    """Compare display names by their words: "Müller, Anna" is "Anna Müller", and "Anna" may be either."""
    left, right = ({word.strip(".,;()\"'").casefold() for word in name.split()} - {""} for name in (stored, given))
    return not left or not right or left <= right or right <= left


def _changes_what_another_answer_counts(case: Case) -> bool:
    """A member of a group that somebody else answered for says something else than the group's answer."""
    return (
        case.answer is not None
        and bool(case.answer.part_of)
        and not _says_nothing(case)
        and not same_statement(case.answer, _merged(case))
    )


def _impossible_size(case: Case) -> bool:
    if _says_nothing(case):
        return False
    size, attendance = _merged(case).party_size, _merged(case).attendance
    if attendance is Attendance.NO:
        return size != 0
    return size is not None and size < 1


def _size_unknown(case: Case) -> bool:
    return not _says_nothing(case) and _merged(case).attendance is Attendance.YES and _merged(case).party_size is None


def _large(case: Case) -> bool:
    return not _says_nothing(case) and (_merged(case).party_size or 0) > LARGEST_AUTOMATIC_PARTY


_HOLDS: tuple[tuple[Reason, Callable[[Case], bool]], ...] = (
    (Reason.SEVERAL_SENDERS, _forwarded_without_answer),
    (Reason.SEVERAL_SENDERS, _changes_what_another_answer_counts),
    (Reason.SENDER_UNVERIFIED, lambda case: bool(case.circumstances.sender_faults)),
    (Reason.SENDER_UNVERIFIED, lambda case: case.circumstances.foreign_token),
    (Reason.AFTER_DEADLINE, _too_late),
    (Reason.CONTRADICTION, _singular_cancellation_of_a_group),
    (Reason.CONTRADICTION, _somebody_else_at_the_same_address),
    (Reason.CONTRADICTION, _implied_assent_to_another_answer),
    (Reason.CONTRADICTION, _impossible_size),
    (Reason.PARTY_SIZE_MISSING, _size_unknown),
    (Reason.PARTY_SIZE_LARGE, _large),
)


# --- what is stored afterwards ---------------------------------------------------------------------------------


def _says_nothing(case: Case) -> bool:
    return case.reading.attendance is None and case.reading.size_change is None and not _completes_pending(case)


def _merged(case: Case) -> Answer:
    """The answer as it stands after this message: a later word replaces an earlier one, field by field.

    Only a stated size changes a stated size; an implied 1 leaves the number as it was (reading guide, 3.9).
    """
    reading = case.reading
    before = case.pending if _completes_pending(case) else case.answer
    attendance = reading.attendance or (before.attendance if before else None)
    base = before if before and before.attendance in _COMING else None
    if attendance is Attendance.NO:
        return Answer(
            attendance,
            party_size=0 if reading.party_size is None else reading.party_size,
            language=reading.language,
            name=case.circumstances.sender_name,
            tags=reading.tags,
        )
    size, stated = reading.party_size, reading.size_stated or Reason.PARTY_SIZE_APPROXIMATE in reading.reasons
    if reading.size_change is not None:
        known = base.party_size if base else None
        size, stated = (None, False) if known is None else (known + reading.size_change, True)
    elif base and base.party_size is not None and not stated:
        size, stated = base.party_size, base.size_stated
    return Answer(
        attendance,
        size,
        language=reading.language,
        name=case.circumstances.sender_name or (base.name if base else ""),
        size_stated=stated,
        arrival=reading.arrival or (base.arrival if base else None),
        departure=reading.departure or (base.departure if base else None),
        interpreter=_union(base.interpreter if base else (), reading.interpreter),
        tags=_union(base.tags if base else (), reading.tags),
        people=reading.people or (base.people if base else ()),
    )


def _union(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def same_statement(left: Answer | None, right: Answer | None) -> bool:
    """Whether two answers tell the invitee the same, so that no second confirmation is due."""
    if left is None or right is None:
        return left is right
    return all(
        getattr(left, name) == getattr(right, name)
        for name in ("attendance", "party_size", "arrival", "departure", "interpreter")
    )


# --- outcomes ----------------------------------------------------------------------------------------------------


def _leave(action: Action) -> Callable[[Case, str], Decision]:
    return lambda case, row: Decision(action, row, answer=case.answer)


def _hold(case: Case, row: str) -> Decision:
    reasons = _reasons(case) or (Reason.ATTENDANCE_UNCLEAR,)
    suggestion = None if _says_nothing(case) else _merged(case)
    return Decision(
        Action.HOLD,
        row,
        reasons=reasons,
        answer=case.answer,
        suggestion=suggestion,
        ask_party_size=reasons == (Reason.PARTY_SIZE_MISSING,) and case.circumstances.answerable,
    )


def _store(case: Case, row: str) -> Decision:
    merged = _merged(case)
    if case.answer is None or case.answer.attendance is None:
        return Decision(Action.RECORD, row, answer=merged)
    if same_statement(case.answer, merged):
        return Decision(Action.NOTHING_NEW, row, answer=replace(case.answer, tags=merged.tags))
    return Decision(Action.CHANGE, row, answer=merged)


TABLE: tuple[Row, ...] = (
    Row("not_ours", lambda case: case.reading.kind in _NOT_OURS, _leave(Action.IGNORE)),
    Row("returned_sheet", lambda case: case.reading.kind is Kind.STECKBRIEF, _leave(Action.KEEP_SHEET)),
    Row("held", lambda case: bool(_reasons(case)), _hold),
    Row(
        "only_thanks",
        lambda case: (
            case.reading.agrees
            and case.circumstances.answers_us
            and (case.answer is not None or case.reading.attendance is None)
        ),
        _leave(Action.NOTHING_NEW),
    ),
    Row("answer", lambda case: not _says_nothing(case), _store),
    Row("review", lambda case: True, _hold),
)


# --- everything known of one person ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing known of a person: a mail with its reading, or what a person at the office decided.

    ``key``: names it for the caller. ``at`` and, within the same second, ``sequence`` are its place in the
    order: the server's arrival time and the UID of a mail, the time of entry of a telephone answer.
    ``ruling``: a person's word on it, which replaces the table's: an ``Answer`` to store; or ``dismissed``.
    ``asked``: a person asked back; while it is held, the next clear answer completes it.
    """

    key: int
    at: datetime
    sequence: int = 0
    reading: Reading | None = None
    circumstances: Circumstances | None = None
    ruling: Answer | None = None
    dismissed: bool = False
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A statement with its decision; ``completed``: a held yes whose missing number came later."""

    statement: Statement
    decision: Decision
    completed: bool = False


def replay(statements: Sequence[Statement], event: Event) -> tuple[Settled, ...]:
    """Decide all statements of one person in their order; the last decision's ``answer`` is the present one.

    The same set of statements gives the same result in whatever order they came to be known.
    """
    settled: list[Settled] = []
    answer: Answer | None = None
    pending: Answer | None = None
    asked: list[int] = []
    for statement in sorted(statements, key=lambda each: (each.at, each.sequence)):
        decision = _decide_statement(statement, answer, pending, event)
        if decision.action in {Action.RECORD, Action.CHANGE}:
            for index in asked:
                settled[index] = replace(settled[index], completed=True)
            pending, asked = None, []
        if decision.ask_party_size and decision.suggestion:
            pending, asked = decision.suggestion, [*asked, len(settled)]
        elif statement.asked and not decision.automatic:
            asked.append(len(settled))
        settled.append(Settled(statement, decision))
        answer = decision.answer
    return tuple(settled)


def _decide_statement(statement: Statement, answer: Answer | None, pending: Answer | None, event: Event) -> Decision:
    if statement.dismissed:
        return Decision(Action.NOTHING_NEW, "dismissed", answer=answer)
    if statement.ruling:
        action = Action.RECORD if answer is None else Action.CHANGE
        if answer == statement.ruling:
            action = Action.NOTHING_NEW
        return Decision(action, "ruling", answer=statement.ruling)
    assert statement.reading is not None
    assert statement.circumstances is not None
    return decide(statement.reading, statement.circumstances, answer, event, pending=pending)


# --- the brake of promise 6 ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cap:
    """At most ``most`` mails within ``period``."""

    most: int
    period: timedelta


def next_slot(now: datetime, sent: Sequence[datetime], caps: Sequence[Cap]) -> datetime:
    """Return when the next mail may go: ``now``, or when the oldest mail that fills a cap leaves its period.

    ``sent``: times at which mails to the same address (or all automatic mails) went out, in any order.
    """
    slot = now
    for cap in caps:
        recent = sorted(time for time in sent if time > now - cap.period)
        if len(recent) >= cap.most:
            slot = max(slot, recent[-cap.most] + cap.period)
    return slot
