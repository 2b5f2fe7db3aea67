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
from rsvp_mailer.reading.groups import Term
from rsvp_mailer.reading.leftovers import (
    Verdict,
    about_others,
    hold_other_days,
    hold_residue,
    hold_uncounted,
)
from rsvp_mailer.reading.statements import unexplained_words

if TYPE_CHECKING:
    from rsvp_mailer.reading.statements import Statement

NAKED_WORDS = 4
_BESIDE_NUMBER = frozenset(("total", "only", "sure", "glad", "yes", "loan", "adv", "we", "i", "and"))


def decide_attendance(statements: list[Statement], words: int) -> Verdict:
    """Read the table above from top to bottom."""
    live = [s for s in statements if _counts(s)]
    said = [s for s in live if s.polarity]
    _resolve_hopes(said, live)
    _resolve_wishes(said, live)
    _resolve_conditions(said, statements)
    _resolve_contents(said, statements)
    _resolve_reports(said, statements)
    _resolve_torn(said, statements)
    if any(s.polarity == "doubt" for s in said):
        return Verdict(_guess(said), [Reason.ATTENDANCE_UNCLEAR], resting_on=said)
    verdict = _combine(said) if said else _bare(live)
    if verdict.attendance in (Attendance.YES, Attendance.MAYBE):
        verdict.coming += [
            s for s in live if not s.polarity and s not in verdict.coming and _is_figure(s) and _explained(s)
        ]
    hold_other_days(verdict, said, live)
    hold_residue(verdict, live, words)
    hold_uncounted(verdict, statements)
    return verdict


def _counts(statement: Statement) -> bool:
    """Leave out questions, what was said earlier, and what only a condition supposes."""
    if "earlier" in statement.flags:
        return False
    if statement.clause.opener == "whether":
        return False
    if statement.clause.opener == "cond":
        return False
    if "question" in statement.flags:
        asked = statement.clause.has("you") or statement.clause.has("loan")
        return statement.means == "register" and statement.polarity in ("yes", "maybe") and asked
    return True


def _resolve_hopes(said: list[Statement], live: list[Statement]) -> None:
    """What stands behind "ich hoffe, dass" is open."""
    for hope in (s for s in live if "hope" in s.flags):
        for statement in said:
            behind = live.index(statement) >= live.index(hope)
            if behind and statement.clause.sentence == hope.clause.sentence and statement.polarity in ("yes", "wish"):
                statement.polarity = "maybe"


def _resolve_wishes(said: list[Statement], live: list[Statement]) -> None:
    others = {s.polarity for s in said if s.polarity not in ("wish", "unreal")}
    hindered = any("reason" in s.flags and not about_others(s) for s in live)
    regret = any("regret" in s.flags for s in live)
    for statement in said:
        if statement.polarity == "wish":
            if "no" in others and any(s.polarity == "no" and s.subject != "others" for s in said):
                statement.polarity = "dropped"
            elif "maybe" in others:
                statement.polarity = "maybe"
            elif hindered and (regret or _contrast_after(statement, live)):
                statement.polarity = "no"
            elif _contrast_after(statement, live):
                statement.polarity = "doubt"
            else:
                statement.polarity = "doubt" if regret else "yes"
        elif statement.polarity == "unreal":
            settled = any("reason" in s.flags for s in live) or regret or "no" in others
            statement.polarity = "no" if settled and not others & {"yes", "maybe"} else "doubt"
    said[:] = [s for s in said if s.polarity != "dropped"]


def _contrast_after(statement: Statement, live: list[Statement]) -> bool:
    """Whether a clause behind begins with a "but" and says nothing about coming that is understood."""
    after = live[live.index(statement) :]
    near = [s for s in after if s.clause.sentence <= statement.clause.sentence + 1]
    return any(
        ("but" in s.flags or "contrast" in s.flags) and not s.polarity and not _harmless(s)
        for s in near
        if s is not statement
    )


def _harmless(statement: Statement) -> bool:
    return bool(statement.flags & {"late", "early", "nothing", "total"}) and not statement.residue


_OFFICES = frozenset(("people", "event", "foreign_event", "otherday"))


def _hangs_on_others(condition: Statement) -> bool:
    """Whether the office must see to it, or it is not so: no answer before a person has looked."""
    clause = condition.clause
    if clause.has("unreal_v"):
        return True
    mine = clause.has("i") or clause.has("we")
    if mine:
        return False
    return clause.has("you") or bool(condition.flags & {"tag", "event_ask"}) or any(map(clause.has, _OFFICES))


def _is_inverted(statement: Statement) -> bool:
    """A condition without an "if": "Wäre es später, käme ich"."""
    clause = statement.clause
    opens = clause.sentence_start and "inverts" in clause.tokens[0].classes and not clause.has("glad")
    return opens and not statement.polarity and clause.mark != "?"


def _resolve_conditions(said: list[Statement], statements: list[Statement]) -> None:
    """A yes in the sentence of a real condition is open; one that hangs on the office is for a person."""
    for condition in statements:
        clause = condition.clause
        branches = clause.has("otherwise") and any(s.clause.opener == "cond" for s in statements)
        if branches or _is_inverted(condition):
            for statement in (s for s in said if s.clause.sentence == clause.sentence):
                statement.polarity = "doubt"
        if clause.opener != "cond" or "polite_condition" in condition.flags:
            continue
        for statement in said:
            if statement.clause.sentence != clause.sentence or statement.polarity not in ("yes", "no", "wish", "maybe"):
                continue
            if _hangs_on_others(condition):
                statement.polarity = "doubt"
            elif statement.polarity != "maybe":
                statement.polarity = "maybe" if statement.polarity != "no" else "doubt"


def _resolve_contents(said: list[Statement], statements: list[Statement]) -> None:
    """Openness about something else ("ob das die Adresse ist"), and a promise of something else, decide nothing."""
    for statement in said:
        place = statements.index(statement)
        if place + 1 >= len(statements):
            continue
        content = statements[place + 1]
        if content.clause.sentence != statement.clause.sentence:
            continue
        if statement.polarity == "maybe" and content.polarity == "yes" and content.clause.opener == "that":
            content.polarity = "maybe"
        if content.polarity:
            continue
        fitting = statement.polarity == "yes" or statement.means == "fits"
        wherever = content.clause.opener == "relative" and "ask" in content.clause.tokens[1:2][0].classes
        if content.clause.opener == "whether" or ((content.clause.opener == "that" or wherever) and fitting):
            statement.polarity = "doubt"


def _resolve_reports(said: list[Statement], statements: list[Statement]) -> None:
    """Behind "sie sagte", "ich dachte", "es ist nicht so, dass" nobody gives an answer."""
    for before in statements:
        told = before.clause.free("told") and not before.flags & {"nothing", "reason"}
        for statement in said:
            place, start = statements.index(statement), statements.index(before)
            if (
                place < start
                or (place == start and "reason" in before.flags)
                or statement.clause.sentence != before.clause.sentence
            ):
                continue
            denied = place == start + 1 and statement.clause.opener == "that" and before.clause.free("neg")
            passed_on = "forwarded" in before.flags and statement.subject == "others"
            if told or passed_on or (denied and not before.polarity):
                statement.polarity = "doubt"


def _resolve_torn(said: list[Statement], statements: list[Statement]) -> None:
    """An "I do not know" behind a question, or between a yes and a no, need not be about coming."""
    torn = any(s.clause.free("yes") for s in statements) and any(s.clause.free("no") for s in statements)
    for statement in said:
        if statement.means != "open" or statement.clause.free("come_inf"):
            continue
        place = statements.index(statement)
        if _wonders(statement, statements[place + 1 : place + 2]):
            statement.polarity = "doubt"
        asked = place > 0 and "question" in statements[place - 1].flags
        if torn or (asked and not _about_coming(statements[place + 1 : place + 2])):
            statement.polarity = "doubt"


def _wonders(statement: Statement, following: list[Statement]) -> bool:
    """Whether it is not known where, when, who or what: "I don't know where you got my address from"."""
    clause = statement.clause
    known = statement.evidence.end if statement.evidence else 0
    near = [s.clause for s in following if s.clause.sentence == clause.sentence and s.clause.opener != "whether"]
    return any(i >= known for i in clause.free("ask")) or any(
        "ask" in token.classes for other in near for token in other.tokens[:2]
    )


def _about_coming(following: list[Statement]) -> bool:
    return any(s.polarity or s.clause.has("come_inf") for s in following)


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
    if polarities == {"no"} and any(_stands_for_sender(t) for s in others for row in s.groups for t in row):
        return Verdict(Attendance.NO, [], [], others)
    if polarities == {"yes", "no"}:
        return Verdict(Attendance.YES, [], coming, others)
    return Verdict(_guess(others), [Reason.ATTENDANCE_UNCLEAR], coming, others)


def only_agrees(statements: list[Statement]) -> bool:
    """Whether the words only thank or agree, as people answer a confirmation."""
    kinds = {"thanks", "agrees"}
    return any(s.flags & kinds for s in statements) and all(
        not s.polarity
        and not s.residue
        and s.flags <= kinds | {"assent", "event", "nothing"}
        and _explained(s)
        and not _has_other_content(s)
        for s in statements
    )


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


def _bare(live: list[Statement]) -> Verdict:  # noqa: PLR0911  # rows of the table above, top to bottom
    """No statement about coming: a bare yes or no, or a bare number of people, and nothing that is not understood."""
    if any(not _explained(s) and not _is_bare_no(s) for s in live) or any(_has_other_content(s) for s in live):
        return Verdict(None, [Reason.ATTENDANCE_UNCLEAR])
    if any("agrees" in s.flags or ("answers_other" in s.flags and s.flags & {"assent", "dissent"}) for s in live):
        return Verdict(None, [Reason.ATTENDANCE_UNCLEAR])
    if any("otherday" in s.flags for s in live):
        return Verdict(None, [Reason.OTHER_DATE])
    assents = [s for s in live if "assent" in s.flags and _is_bare_assent(s)]
    dissents = [s for s in live if ("dissent" in s.flags and not s.clause.free("v")) or _is_bare_no(s)]
    figures = [s for s in live if _is_figure(s)]
    regret = any("regret" in s.flags and "nothing" not in s.flags and not s.clause.has("only") for s in live)
    reasons = [s for s in live if "reason" in s.flags]
    foreign = any(s.flags & {"noted", "forwarded", "event_ask"} for s in live)
    contrasts = any(s.flags & {"but"} and "reason" in s.flags and not about_others(s) for s in live)
    if (((dissents or reasons) and regret) or contrasts) and not assents and not figures:
        return Verdict(Attendance.NO, [], [], dissents + reasons)
    if dissents and not assents and not figures and not foreign:
        return Verdict(Attendance.NO, [], [], dissents)
    if (assents or figures) and not (dissents or regret or reasons or foreign):
        return Verdict(Attendance.YES, [], figures or assents, assents + figures)
    return Verdict(None, [Reason.ATTENDANCE_UNCLEAR])


def _has_other_content(statement: Statement) -> bool:
    """A clause with a verb of its own that no rule took: it may say anything."""
    kinds = {"thanks", "reason", "tag", "interpreter", "event_ask", "agrees"}
    clause = statement.clause
    counted = (
        not clause.has("past")
        and bool(clause.means("total", "couple"))
        and all("aux" in clause.tokens[i].classes for i in clause.free("v"))
    )
    return bool(clause.free("v") or clause.has("past")) and not counted and not statement.flags & kinds


def _is_bare_assent(statement: Statement) -> bool:
    """Whether nothing but assent stands there: "Oui, envoyez le formulaire" agrees to something else."""
    clause = statement.clause
    assent = clause.free("yes")  # "Zusage" is a noun and an assent
    others = [i for name in ("v", "noun", "foreign_event") for i in clause.free(name) if i not in assent]
    return "nothing" not in statement.flags and not others


def bare_words(statement: Statement) -> list[Term]:
    """The words of assent, dissent or regret that an answer without a statement about coming rests on."""
    kinds = (("yes", "assent"), ("no", "dissent"), ("neg", "negation"), ("regret", "regret"))
    words = [Term(kind, None, i, i + 1) for name, kind in kinds for i in statement.clause.free(name)]
    hindrances = [Term("reason", None, m.start, m.end) for m in statement.clause.means("reason")]
    return sorted(words + hindrances, key=lambda term: term.start)


def _is_bare_no(statement: Statement) -> bool:
    """A no without a verb: "leider nicht"."""
    clause = statement.clause
    loose = [t for i, t in enumerate(clause.tokens) if i not in clause.explained and t.kind != "mark"]
    return bool(clause.free("regret") and clause.free("neg")) and all(t.classes for t in loose) and not clause.has("v")


def _explained(statement: Statement) -> bool:
    """Whether no word of the clause is unknown, negated or unsure."""
    return not unexplained_words(statement)


def _is_figure(statement: Statement) -> bool:
    terms = [t for row in statement.groups for t in row]
    if statement.clause.has("past"):
        return False
    if statement.clause.means("total", "couple"):
        return not any(t.kind == "org" for t in terms)  # "we are two teachers at the school" says who they are
    if statement.clause.has("v") or not terms:
        return False
    if any(t.kind == "many" for t in terms):
        return True
    return any(t.kind == "bare" and t.count for t in terms) and _is_naked(statement)


def _is_naked(statement: Statement) -> bool:
    """Whether a number without people stands by itself ("Drei.", "insgesamt 4 bitte")."""
    taken = {i for row in statement.groups for t in row for i in range(t.start, t.end)} | statement.clause.explained
    rest = [t for i, t in enumerate(statement.clause.tokens) if i not in taken]
    return len(rest) <= NAKED_WORDS and all(t.classes & _BESIDE_NUMBER or t.word in ",-" for t in rest)


def _guess(said: list[Statement]) -> Attendance | None:
    polarities = [s.polarity for s in said if s.polarity in ("yes", "no", "maybe")]
    return Attendance(polarities[0]) if len(set(polarities)) == 1 else None
