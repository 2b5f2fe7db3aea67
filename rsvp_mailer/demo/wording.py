"""What became of a mail, in plain words for a newcomer, and the words that it rests on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Action, Attendance, Kind, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rsvp_mailer.demo.replay import Outcome
    from rsvp_mailer.domain import Answer, Balance, Evidence

REASONS = {
    Reason.ATTENDANCE_UNCLEAR: "does not say whether anybody comes",
    Reason.CONTRADICTION: "contradicts itself, or an earlier answer",
    Reason.PARTY_SIZE_MISSING: "does not say how many come",
    Reason.PARTY_SIZE_APPROXIMATE: "only about how many come",
    Reason.PARTY_SIZE_LARGE: "a large group",
    Reason.OTHER_DATE: "speaks of another day",
    Reason.NEEDS_HISTORY: "changes an answer that we do not have",
    Reason.UNSURE_ABOUT_EVENT: "perhaps another event",
    Reason.QUESTION_ONLY: "a question, no answer",
    Reason.SEVERAL_SENDERS: "speaks for somebody else",
    Reason.UNSUPPORTED_LANGUAGE: "a language that we do not read",
    Reason.UNREADABLE: "cannot be read",
    Reason.SENDER_UNVERIFIED: "is it really from this sender?",
    Reason.AFTER_DEADLINE: "came too late",
}
_LEFT_ALONE = {
    Kind.AUTO_REPLY: "an automatic reply",
    Kind.BOUNCE: "undeliverable mail",
    Kind.UNRELATED: "not about the conference",
}
LANGUAGES = {"ar": "Arabic", "ku": "Kurdish", "prs": "Dari", "fa": "Farsi", "fr": "French", "en": "English"}
_MAX_WORDS_CHARS = 100
_DECIDING = ("attendance", "party_size", "kind")


def result(outcome: Outcome) -> str:
    """Name what happened to the mail, and what its sender heard of it."""
    if outcome.state == "ignored":
        return _left_alone(outcome)
    if outcome.state == "set_aside":
        return "set aside: could not be processed"
    if outcome.state == "held":
        asked = " → asked: how many?" if outcome.sent else ""
        return f"waits for a person: {held_because(outcome.held_because)}{asked}"
    return _recorded(outcome) + _heard(outcome)


def held_because(reasons: Iterable[str]) -> str:
    """Word the reasons for a person's look."""
    return ", ".join(REASONS[Reason(reason)] for reason in reasons)


def _left_alone(outcome: Outcome) -> str:
    if outcome.returned:
        return "our own mail came back: a person must reach them otherwise"
    if outcome.reason == "duplicate":
        return "left alone: the same mail again"
    return f"left alone: {_LEFT_ALONE[outcome.reading.kind]}"


def _recorded(outcome: Outcome) -> str:
    action = outcome.reason.partition(".")[0]
    if action == Action.KEEP_SHEET:
        return "profile sheet kept"
    if outcome.answer is None or action == Action.NOTHING_NEW:
        return "nothing new"
    before = outcome.before if outcome.before and outcome.before.attendance else None
    return told(outcome.answer, before)


def _heard(outcome: Outcome) -> str:
    if not outcome.sent:
        return ", no answer needed"
    return " → thanked" if outcome.reason.startswith(Action.KEEP_SHEET) else " → confirmed"


def told(answer: Answer, before: Answer | None = None) -> str:
    """Word an answer, beside the one that it replaces: "comes, 2 people instead of 4"."""
    if answer.attendance is Attendance.NO:
        return "does not come" if before is None or before.attendance is Attendance.NO else "cancelled"
    words = "comes" if answer.attendance is Attendance.YES else "comes perhaps"
    if answer.party_size is not None:
        words += f", {people(answer.party_size)}"
        if before and before.party_size and before.party_size != answer.party_size:
            words += f" instead of {before.party_size}"
    extras = [f"at {answer.arrival}"] if answer.arrival else []
    extras += [f"until {answer.departure}"] if answer.departure else []
    extras += [f"{LANGUAGES[code]} interpreter" for code in answer.interpreter]
    extras += [tag.value.replace("_", " ") for tag in answer.tags]
    return ", ".join([words, *extras])


def people(number: int) -> str:
    """Count people."""
    return "1 person" if number == 1 else f"{number} people"


def balance_line(balance: Balance) -> str:
    """Promise 9 in one line."""
    verdict = "the books balance" if balance.holds else "THE BOOKS DO NOT BALANCE"
    return (
        f"{balance.seen} mails seen = {balance.recorded} recorded + {balance.in_review} waiting for a person "
        f"+ {balance.ignored} left alone + {balance.set_aside} set aside: {verdict}"
    )


def words(outcome: Outcome) -> tuple[str, bool]:
    """The words that the outcome rests on, and whether there are any; otherwise something to know the mail by."""
    evidence = [item for item in outcome.reading.evidence if item.field in _DECIDING]
    if evidence and outcome.state != "ignored":
        return _shortened(" … ".join(dict.fromkeys(item.text for item in _outermost(evidence)))), True
    own = outcome.message.own_words.text
    return _shortened(outcome.message.subject if outcome.state == "ignored" or not own else own), False


def _outermost(evidence: Iterable[Evidence]) -> list[Evidence]:
    """In the order of the text, without stretches that lie within another."""
    ordered = sorted(set(evidence), key=lambda item: (item.source != "subject", item.source, item.start, -item.end))
    kept: list[Evidence] = []
    for item in ordered:
        if not kept or kept[-1].source != item.source or item.end > kept[-1].end:
            kept.append(item)
    return kept


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_WORDS_CHARS else line[: _MAX_WORDS_CHARS - 1] + "…"
