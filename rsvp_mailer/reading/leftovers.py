"""Rule two of this room: what nobody explained beside an answer means review.

The table of ``attendance.py`` has decided; here the mail is looked through once more for other days, unknown
words, hindrances, and people or numbers that were not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance, Reason
from rsvp_mailer.reading.residue import unexplained_words

if TYPE_CHECKING:
    from rsvp_mailer.reading.statements import Statement

# In a mail up to this many words every clause must be explained; in longer ones the deciding sentences.
SHORT_MAIL_WORDS = 70
_EXPLAINED = frozenset(("nothing", "reason", "earlier", "thanks", "tag", "interpreter", "question"))
_SETTING = frozenset(("event", "day", "ourday", "but", "contrast"))  # flags that say nothing of what a clause says


@dataclass(slots=True)
class Verdict:
    """``coming``: the statements whose people are counted. ``resting_on``: those that decide the attendance."""

    attendance: Attendance | None
    reasons: list[Reason]
    coming: list[Statement] = field(default_factory=list)
    resting_on: list[Statement] = field(default_factory=list)


def hold_other_days(
    verdict: Verdict, said: list[Statement], live: list[Statement], statements: list[Statement]
) -> None:
    """A yes to another day is no answer to ours, and one offered beside a no is for a person."""
    for statement in said:
        if "otherday" not in statement.flags or (statement.means == "open" and not statement.clause.has("come_inf")):
            continue
        if statement.polarity in ("yes", "maybe", "wish"):
            verdict.attendance = None
            verdict.reasons = [Reason.OTHER_DATE]
    for statement in verdict.coming if not verdict.reasons else []:
        if "ourday" not in statement.flags and any(_dated_elsewhere(s, statement) for s in live):
            verdict.reasons = [Reason.OTHER_DATE]
            break
    asked = any({"otherday", "question"} <= s.flags for s in statements)
    if verdict.attendance in (Attendance.YES, Attendance.MAYBE) and asked:
        verdict.reasons.append(Reason.OTHER_DATE)  # "does Thursday count as well? Then five of us come"
    if verdict.attendance is Attendance.NO and any(_offers_a_day(s) for s in statements if s not in verdict.resting_on):
        verdict.reasons.append(Reason.OTHER_DATE)
    elsewhere = [s for s in said if s.flags & {"otherday", "day"} and "ourday" not in s.flags and s.polarity == "no"]
    if verdict.attendance is Attendance.NO and (elsewhere or any(s.flags & {"foreign_event"} for s in said)):
        verdict.reasons.append(Reason.ATTENDANCE_UNCLEAR)


_NO_OFFER = frozenset(("reason", "earlier", "nothing", "thanks", "noted"))


def _offers_a_day(statement: Statement) -> bool:
    """Whether another day is offered: "Thursday the 16th I could come"."""
    if "otherday" not in statement.flags:
        return False
    explained = bool(statement.flags & _NO_OFFER)
    return statement.clause.has("come_inf") or (not explained and bool(statement.clause.free("v")))


def _dated_elsewhere(statement: Statement, coming: Statement) -> bool:
    """Whether another day is named beside the coming: "unser Termin am Donnerstag passt, wir kommen"."""
    if statement.means == "open":
        return False  # "Genaues kann ich erst am Montag sagen"
    beside = statement is not coming and statement.clause.sentence == coming.clause.sentence
    if beside and {"otherday", "event"} <= statement.flags:
        return True  # "wir freuen uns auf die Konferenz am 16.11. und kommen"
    told = statement.flags & (_NO_OFFER - {"nothing"} if coming.polarity == "yes" else _NO_OFFER)
    return beside and "otherday" in statement.flags and not told and not statement.clause.has("past")


def hold_residue(verdict: Verdict, live: list[Statement], words: int) -> None:
    """Rule two of this room: unexplained words where it is decided mean review."""
    if verdict.attendance is None or verdict.reasons:
        return
    deciding = {s.clause.sentence for s in verdict.resting_on}
    short = words <= SHORT_MAIL_WORDS
    if any(_is_torn_row(statement, live) for statement in verdict.coming):
        verdict.reasons.append(Reason.ATTENDANCE_UNCLEAR)
        return
    for statement in live:
        near = statement.clause.sentence in deciding
        if verdict.attendance is Attendance.NO and statement not in verdict.resting_on:
            unfit = short and (
                _takes_back(statement, verdict)
                or _counts_somebody(statement)
                or _does_something_else(statement)
                or _looks_forward(statement)
            )
        else:
            unfit = _is_unfit(statement, verdict, near=near, short=short)
        if unfit:
            verdict.reasons.append(Reason.ATTENDANCE_UNCLEAR)
            return


def _is_torn_row(statement: Statement, live: list[Statement]) -> bool:
    """Whether the first of a row stand in the clause before: "Wir freuen uns, Frau Kolb, | und ich werden da sein"."""
    if "and" not in statement.clause.tokens[0].classes or not statement.groups or statement.groups[0][0].start > 2:
        return False
    before = [s for s in live if s.place == statement.place - 1 and not s.polarity and s.clause.mark in ("", "\n", ",")]
    before += [s for s in live if s.place == statement.place - 1 and s.clause.sentence == statement.clause.sentence]
    return any(
        row[-1].kind in ("one", "many", "name") and row[-1].end >= len(s.clause.tokens) - 1 and not s.polarity
        for s in before
        for row in s.groups[-1:]
    )


def _is_unfit(statement: Statement, verdict: Verdict, *, near: bool, short: bool) -> bool:
    """Whether words of this clause may turn the answer; ``near``: it shares a sentence with the deciding ones."""
    rests = statement in verdict.coming or (near and statement in verdict.resting_on)
    comes = verdict.attendance is Attendance.YES
    return (
        (rests and not {"word", "number", "person"}.isdisjoint(statement.residue))
        or (near and (_does_something_else(statement) or _says_the_unknown(statement)))
        or ((near or short) and _uncounted(statement, verdict))
        or (near and _is_torn_off(statement, verdict))
        or (comes and short and (_cannot_do(statement) or _is_elsewhere(statement)))
        or (comes and short and _tells_of_more(statement, verdict))
        or (comes and short and _takes_back(statement, verdict))
        or (
            comes
            and not statement.polarity
            and _hinders(statement, near=near, short=short)
            and not _frees(verdict, statement)
        )
    )


def _takes_back(statement: Statement, verdict: Verdict) -> bool:
    """Whether a "no" of its own stands beside the yes, or a "yes" beside the no: "Ich komme. Nein, bin in Hanau"."""
    other = "assent" if verdict.attendance is Attendance.NO else "dissent"
    if statement in verdict.resting_on or statement.polarity:
        return False
    explained = {"tag", "but", "contrast", "nothing", "question", "forwarded"}
    return other in statement.flags and not statement.flags & explained and not statement.clause.free("v")


def _looks_forward(statement: Statement) -> bool:
    """Whether the sender of a no is glad of the event all the same: "wir freuen uns auf den Abend"."""
    clause = statement.clause
    glad = {"nothing", "event"} <= statement.flags and (clause.has("i") or clause.has("we"))
    glad = glad or (clause.has("ourday") and not clause.has("v") and not clause.has("neg"))  # "bis Dienstag!"
    return glad and not clause.has("past") and not statement.flags & {"regret", "thanks", "but", "reason"}


def _cannot_do(statement: Statement) -> bool:
    """Whether the sender cannot or does not, nobody knows what: "verbindlich können wir das noch nicht machen"."""
    clause = statement.clause
    mine = clause.has("i") or clause.has("we")
    plain = not statement.polarity and not statement.flags - _SETTING - {"regret"}
    return plain and mine and bool(clause.free("neg")) and clause.mark != "?"


def _is_torn_off(statement: Statement, verdict: Verdict) -> bool:
    """Whether people without a verb stand in the sentence of the answer and were not counted with it."""
    people = any(t.kind in ("one", "name") for row in statement.groups for t in row)
    return (
        people and statement not in verdict.coming and not statement.clause.has("v") and not statement.flags - _SETTING
    )


def _tells_of_more(statement: Statement, verdict: Verdict) -> bool:
    """Whether people by name, or the sender beside others who come, do what no rule explains."""
    if statement.polarity or statement.flags - _SETTING - {"otherday"} or not statement.clause.free("v"):
        return False
    named = "person" in statement.residue or any(t.given for row in statement.groups for t in row)
    without_me = all(s.subject == "others" for s in verdict.resting_on)
    return named or (without_me and statement.clause.has("i"))


def _is_elsewhere(statement: Statement) -> bool:
    """Whether the sender tells of a stretch of days, which may hold ours: "vom 13. bis 17. bin ich in London"."""
    clause = statement.clause
    if (
        statement.polarity
        or statement.flags & {"earlier", "nothing", "thanks"}
        or not (clause.has("i") or clause.has("we"))
    ):
        return False
    days = len(clause.free("date")) + len(clause.free("otherday")) + len(clause.free("n"))
    return bool(clause.means("about")) or (days > 1 and clause.has("otherday"))


def _does_something_else(statement: Statement) -> bool:
    """Whether people do what no rule explains, beside an answer: "der Verein Nord hat sich dagegen entschieden"."""
    if statement.polarity or statement.flags & _EXPLAINED:
        return False
    people = any(t.kind in ("one", "many", "name", "crowd", "org", "they") for row in statement.groups for t in row)
    return people and bool(statement.clause.free("v"))


def _says_the_unknown(statement: Statement) -> bool:
    """Whether so much of a clause is unknown that it may say anything."""
    return not statement.polarity and not statement.flags - _SETTING and len(unexplained_words(statement)) > 1


def _counts_somebody(statement: Statement) -> bool:
    """Whether a clause beside a no gives a number of people that may come after all."""
    if statement.flags & {"reason", "earlier", "not_people", "nothing"}:
        return False
    counted = any(t.kind in ("many", "bare") for row in statement.groups for t in row)
    return bool(counted or statement.clause.means("total", "about", "besides")) and not statement.polarity


def hold_uncounted(verdict: Verdict, statements: list[Statement]) -> None:
    """People in questions and indirect questions leave the answer open: "darf ich meine Frau mitbringen?"."""
    if verdict.attendance is None or verdict.reasons:
        return
    for statement in statements:
        if statement in verdict.coming or "earlier" in statement.flags:
            continue
        aside = "question" in statement.flags or statement.clause.opener in ("whether", "cond")
        turned = (
            verdict.attendance is Attendance.NO and statement.flags & {"but", "contrast"} and not statement.polarity
        )
        if (aside or turned) and _speaks_of_others(statement):
            verdict.reasons.append(Reason.ATTENDANCE_UNCLEAR)
            return


def _speaks_of_others(statement: Statement) -> bool:
    if "reason" in statement.flags or statement.clause.means("tag"):
        return False
    terms = [t for row in statement.groups for t in row]
    return any(t.kind in ("one", "many", "name", "crowd") for t in terms) or bool(
        statement.clause.means("bring", "companion", "besides", "total")
    )


def _hinders(statement: Statement, *, near: bool, short: bool) -> bool:
    """A hindrance, or a negation that nothing explains, beside a yes."""
    if statement.clause.opener == "relative" or statement.flags & {"late", "early"} or about_others(statement):
        return False
    if statement.flags & {"reason", "foreign_event"} and (near or short):
        return True
    bare_cause = (
        statement.clause.opener == "because" and not statement.clause.has("v") and statement.clause.matches == []
    )
    return near and bool(bare_cause or statement.clause.free("neg") or statement.clause.free("hedge"))


def _frees(verdict: Verdict, statement: Statement) -> bool:
    """Whether a hindrance is the sender's where only others come, or says why somebody comes later."""
    of_others = all(s.subject == "others" for s in verdict.resting_on)
    mine = statement.clause.has("i") or any(m.rule.who == "i" for m in statement.clause.matches)
    sentence = statement.clause.sentence
    delays = any(s.flags & {"late", "early"} and s.clause.sentence == sentence for s in verdict.resting_on)
    return "reason" in statement.flags and ((of_others and mine) or (delays and statement.clause.opener == "because"))


def about_others(statement: Statement) -> bool:
    """Whether a hindrance is another person's: "meine Frau muss arbeiten"."""
    kinds = {t.kind for row in statement.groups for t in row}
    return bool(kinds & {"one", "many", "they", "name"}) and not kinds & {"i", "we"}


_ASIDES = frozenset(("because", "although", "opens", "relative"))


def _is_aside(statement: Statement) -> bool:
    """Whether the clause gives a reason or tells of what was: its people are no head count without a figure's rule."""
    clause = statement.clause
    told = clause.opener in _ASIDES or (clause.has("past") and clause.has("v"))
    return told and not clause.means("total", "about", "besides", "companion", "crowd")


_NEEDS = frozenset(("diet", "accessibility", "childcare"))


def tells_of_needs(statement: Statement) -> bool:
    """Whether the people of the clause are some of those who come: "zwei von uns essen vegan"."""
    needs = any(m.rule.value in _NEEDS for m in statement.clause.means("tag"))
    return needs and not statement.polarity and not statement.clause.means("besides", "companion", "crowd")


def _uncounted(statement: Statement, verdict: Verdict) -> bool:
    """People or numbers in a clause that was not counted although it might be meant to be."""
    if statement in verdict.coming or statement in verdict.resting_on or tells_of_needs(statement):
        return False
    if _is_aside(statement):
        return False
    if "number" in statement.residue:
        return True
    if not statement.clause.has("v") and any(row[0].joined == "with" for row in statement.groups):
        return True
    terms = [t for row in statement.groups for t in row]
    return any(t.kind in ("many", "bare") for t in terms) or bool(
        statement.clause.means("total", "besides", "crowd", "companion")
    )
