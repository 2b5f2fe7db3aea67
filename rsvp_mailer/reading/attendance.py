"""From statements to the answer of the whole mail: a small table, whose last row is "a person must look".

what the statements say                                        answer
-------------------------------------------------------------  ------------------------------
any doubt                                                      held
wish, then a hindrance, a no, or an unexplained "but"          no, no, held
wish, then openness or a condition                             maybe
wish alone                                                     yes
would have, with regret, hindrance or no                       no
the sender comes                                               yes
the sender does not, somebody else does                        yes (stand-in)
the sender does not                                            no
open, conditional                                              maybe
yes and no, yes and open                                       held: contradiction
a bare yes or no, a bare number of people, in the thread       yes or no
regret and a hindrance                                         no
anything else                                                  held: attendance unclear
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance, Reason
from rsvp_mailer.reading.bare import bare_answer, is_explained, is_figure
from rsvp_mailer.reading.context import carry_over, resolve
from rsvp_mailer.reading.leftovers import Verdict, hold_other_days, hold_residue, hold_uncounted, tells_of_needs

if TYPE_CHECKING:
    from rsvp_mailer.reading.statements import Statement
    from rsvp_mailer.reading.terms import Term


def decide_attendance(statements: list[Statement], words: int) -> Verdict:
    """Read the table above from top to bottom."""
    carry_over(statements)
    live = [s for s in statements if _counts(s)]
    said = [s for s in live if s.polarity]
    resolve(said, live, statements)
    if any(s.polarity == "doubt" for s in said):
        return Verdict(_guess(said), [Reason.ATTENDANCE_UNCLEAR], resting_on=said)
    verdict = _combine(said) if said else bare_answer(live)
    conditions = [s for s in statements if s.clause.opener in ("cond", "whether") and "polite_condition" not in s.flags]
    if not said and conditions:
        verdict.reasons.append(Reason.ATTENDANCE_UNCLEAR)
    sure = [s for s in live if ("assent" in s.flags or s.clause.free("sure")) and not s.clause.free("hedge")]
    asked = not said and any("question" in s.flags for s in statements)
    if verdict.attendance is Attendance.MAYBE and (sure or asked):
        verdict.reasons.append(Reason.ATTENDANCE_UNCLEAR)  # "ich sicher, meine Mutter vielleicht"
    if verdict.attendance in (Attendance.YES, Attendance.MAYBE):
        figures = [s for s in live if not s.polarity and s not in verdict.coming and is_figure(s) and is_explained(s)]
        counted = any(s.people for s in verdict.coming)
        verdict.coming += [s for s in figures if not (counted and tells_of_needs(s))]
    of_others = verdict.attendance is Attendance.NO and all(s.subject == "others" for s in verdict.resting_on)
    aside = [s for s in live if s not in verdict.resting_on]
    if of_others and any("assent" in s.flags or _speaks_of_coming(s) for s in aside):
        verdict.reasons.append(Reason.CONTRADICTION)  # "Gerne! Meine Frau und ich. Herr Sauer kann nicht"
    hold_other_days(verdict, said, live, statements)
    hold_residue(verdict, live, words)
    hold_uncounted(verdict, statements)
    return verdict


def _speaks_of_coming(statement: Statement) -> bool:
    """Whether a clause without a predicate counts or names people: "Nous serons quatre", "Meine Frau und ich"."""
    clause = statement.clause
    figure = clause.means("total", "couple", "of", "besides")
    does = (
        clause.has("i") and clause.free("v") and not statement.flags - {"event", "ourday", "day"}
    )  # "springe ich ein"
    return bool(figure or does) or (bool(statement.groups) and not clause.has("v"))


def _counts(statement: Statement) -> bool:
    """Leave out questions, what was said earlier, and what only a condition supposes."""
    if "earlier" in statement.flags:
        return False
    if statement.clause.opener == "whether":
        return False
    if statement.clause.opener == "cond":
        return _holds_its_consequence(statement)
    if "question" in statement.flags:
        asked = statement.clause.has("you") or statement.clause.has("loan")
        return statement.means == "register" and statement.polarity in ("yes", "maybe") and asked
    return True


def _holds_its_consequence(statement: Statement) -> bool:
    """Whether condition and answer stand in one clause without a comma ("اگه بده میام"): coming is open then."""
    clause, evidence = statement.clause, statement.evidence
    if statement.polarity != "yes" or statement.means != "come" or evidence is None:
        return False
    if not any(index < evidence.start for index in clause.free("v")) or evidence.end < len(clause.tokens):
        return False
    statement.polarity = "doubt" if statement.flags & {"tag", "event_ask"} else "maybe"  # the office must see to it
    return True


def _combine(said: list[Statement]) -> Verdict:  # noqa: PLR0911  # rows of the table above, top to bottom
    own = [s for s in said if s.subject != "others"]
    others = [s for s in said if s.subject == "others"]
    polarities = {s.polarity for s in own}
    coming = [s for s in said if s.polarity in ("yes", "maybe")]
    if not own:
        return _others(others)
    if polarities == {"yes"}:
        reasons = [Reason.PARTY_SIZE_APPROXIMATE] if any(s.polarity == "maybe" for s in others) else []
        return Verdict(Attendance.YES, reasons, coming, own)
    if polarities == {"no"}:
        standins = [s for s in others if s.polarity == "yes"]
        if standins:
            return Verdict(Attendance.YES, [], standins, said)
        if any(s.polarity == "maybe" for s in others):
            return Verdict(Attendance.MAYBE, [Reason.ATTENDANCE_UNCLEAR], coming, said)
        return Verdict(Attendance.NO, [], [], own)
    if polarities == {"maybe"}:
        reasons = [Reason.PARTY_SIZE_APPROXIMATE] if any(s.polarity == "yes" for s in others) else []
        return Verdict(Attendance.MAYBE, reasons, coming, own)
    if polarities == {"yes", "maybe"} and all(s.means == "bring" for s in own if s.polarity == "maybe"):
        return Verdict(Attendance.YES, [Reason.PARTY_SIZE_APPROXIMATE], coming, own)
    if polarities == {"yes", "maybe"} and _linked(own):
        return Verdict(Attendance.MAYBE, [], coming, own)
    return Verdict(None, [Reason.CONTRADICTION], coming, own)


def _linked(own: list[Statement]) -> bool:
    """Whether openness follows the yes within its sentence."""
    yes = [s.clause.sentence for s in own if s.polarity == "yes"]
    return all(s.clause.sentence in yes for s in own if s.polarity == "maybe") and len(set(yes)) == 1


def _others(others: list[Statement]) -> Verdict:
    coming = [s for s in others if s.polarity == "yes"]
    polarities = {s.polarity for s in others}
    if polarities == {"yes"}:
        reasons = [Reason.ATTENDANCE_UNCLEAR] if _is_anybody(coming) else []
        return Verdict(Attendance.YES, reasons, coming, coming)
    terms = [t for s in others for row in s.people for t in row]
    if polarities == {"no"} and terms and all(map(_stands_for_sender, terms)):
        return Verdict(Attendance.NO, [], [], others)
    if polarities == {"yes", "no"}:
        return Verdict(Attendance.YES, [], coming, others)
    return Verdict(_guess(others), [Reason.ATTENDANCE_UNCLEAR], coming, others)


def _stands_for_sender(term: Term) -> bool:
    """Whether somebody writes for this one: an organisation, or a person called by title and name."""
    return term.kind == "org" or (term.kind == "one" and bool(term.name))


def _is_anybody(coming: list[Statement]) -> bool:
    """Whether the only one who comes is "the interpreter", neither named nor anybody's."""
    terms = [(s, t) for s in coming for row in s.groups for t in row]
    if len(terms) != 1 or terms[0][1].kind != "one" or terms[0][1].name:
        return False
    statement, term = terms[0]
    return not any("my" in t.classes or "possess" in t.classes for t in statement.clause.tokens[term.start : term.end])


def _guess(said: list[Statement]) -> Attendance | None:
    polarities = [s.polarity for s in said if s.polarity in ("yes", "no", "maybe")]
    return Attendance(polarities[0]) if len(set(polarities)) == 1 else None
