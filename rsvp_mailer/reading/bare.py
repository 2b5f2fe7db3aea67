"""Answers without a statement about coming: a bare yes or no, a bare number of people, mere thanks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance, Reason
from rsvp_mailer.reading.leftovers import Verdict, about_others
from rsvp_mailer.reading.residue import unexplained_words
from rsvp_mailer.reading.rows import ADDS
from rsvp_mailer.reading.terms import Term

if TYPE_CHECKING:
    from rsvp_mailer.reading.statements import Statement

NAKED_WORDS = 4
_BESIDE_NUMBER = frozenset(("total", "only", "sure", "glad", "yes", "loan", "adv", "we", "i", "and"))


def bare_answer(live: list[Statement]) -> Verdict:  # noqa: PLR0911  # rows of attendance.py's table
    """No statement about coming: a bare yes or no, or a bare number of people, and nothing that is not understood."""
    understood = all(is_explained(s) or _is_bare_no(s) or _is_hedged_only(s) for s in live)
    if not understood or any(_has_other_content(s) for s in live):
        return Verdict(None, [Reason.ATTENDANCE_UNCLEAR])
    if any("agrees" in s.flags or ("answers_other" in s.flags and s.flags & {"assent", "dissent"}) for s in live):
        return Verdict(None, [Reason.ATTENDANCE_UNCLEAR])
    if any("otherday" in s.flags for s in live):
        return Verdict(None, [Reason.OTHER_DATE])
    assents = [s for s in live if "assent" in s.flags and _is_bare_assent(s)]
    dissents = [s for s in live if ("dissent" in s.flags and not s.clause.free("v")) or _is_bare_no(s)]
    figures = [s for s in live if is_figure(s)]
    regret = any("regret" in s.flags and "nothing" not in s.flags and not s.clause.has("only") for s in live)
    reasons = [s for s in live if "reason" in s.flags and not about_others(s)]
    foreign = any(s.flags & {"noted", "forwarded", "event_ask"} for s in live)
    contrasts = any("but" in s.flags for s in reasons)
    if (((dissents or reasons) and regret) or contrasts) and not assents and not figures:
        return Verdict(Attendance.NO, [], [], dissents + reasons)
    if dissents and not assents and not figures and not foreign:
        return Verdict(Attendance.NO, [], [], dissents)
    if (assents or figures) and not (dissents or regret or reasons or foreign):
        hedged = [s for s in live if not is_explained(s)]
        answer = Attendance.MAYBE if hedged else Attendance.YES
        fitting = all(s in assents + figures for s in hedged) and (figures or not any(map(_names_people, live)))
        fitting = fitting and not any(s.clause.means("instead") for s in live)
        return Verdict(answer, [] if fitting else [Reason.ATTENDANCE_UNCLEAR], figures or assents, assents + figures)
    return Verdict(None, [Reason.ATTENDANCE_UNCLEAR])


def only_agrees(statements: list[Statement]) -> bool:
    """Whether the words only thank or agree, as people answer a confirmation."""
    kinds = {"thanks", "agrees"}
    return any(s.flags & kinds for s in statements) and all(
        not s.polarity
        and not s.residue
        and s.flags <= kinds | {"assent", "event", "nothing"}
        and is_explained(s)
        and not _has_other_content(s)
        for s in statements
    )


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


def _names_people(statement: Statement) -> bool:
    """Whether somebody is named of whom nothing is said: "Zusage für Frau Kolb und Herrn Beier"."""
    aside = statement.flags & {"tag", "interpreter", "thanks", "reason", "nothing"}
    return not aside and any(t.kind in ("one", "name", "many", "crowd") for row in statement.groups for t in row)


def _is_hedged_only(statement: Statement) -> bool:
    """Whether "vielleicht" is all that is left unexplained: "vielleicht zu dritt"."""
    hedges = [statement.clause.tokens[i].word for i in statement.clause.free("hedge")]
    says_more = any(map(statement.clause.has, ("v", "about", "or")))
    return bool(hedges) and len(unexplained_words(statement)) == len(hedges) and not says_more


def is_explained(statement: Statement) -> bool:
    """Whether no word of the clause is unknown, negated or unsure."""
    return not unexplained_words(statement)


def is_figure(statement: Statement) -> bool:
    """Whether a clause without a statement about coming gives the number of those who come."""
    terms = [t for row in statement.groups for t in row]
    if statement.clause.has("past"):
        return False
    if statement.clause.means("total", "couple", "of"):
        clause = statement.clause
        does = any("aux" not in clause.tokens[i].classes for i in clause.free("v"))  # "we have 12 children in class"
        return not does and not any(t.kind == "org" for t in terms)  # "we are two teachers at the school"
    if statement.clause.has("v"):
        return False
    counted = any(t.kind == "many" for t in terms) or any(map(_is_list, statement.groups))
    counted = counted or any(map(_is_row_with_sender, statement.groups))
    if counted or statement.clause.means("alone"):
        return True
    person = len(terms) == 1 and terms[0].kind == "one" and terms[0].generic  # "eine Person"
    return (person or any(t.kind == "bare" and t.count for t in terms)) and _is_naked(statement)


def _is_row_with_sender(row: list[Term]) -> bool:
    """Whether it is "ich und meine Frau"."""
    kinds = {term.kind for term in row}
    joined = any(term.joined in ADDS or term.joined == "," for term in row[1:])  # not "I am a teacher"
    return "i" in kinds and bool(kinds & {"one", "many", "name"}) and "crowd" not in kinds and joined


def _is_list(row: list[Term]) -> bool:
    """Whether it is "Teilnehmer: Frau Kolb, Herr Unger"."""
    listed = [term.kind in ("one", "name", "i") for term in row[1:]]
    return row[0].kind == "crowd" and bool(listed) and row[1].joined == ":" and all(listed)


def _is_naked(statement: Statement) -> bool:
    """Whether a number without people stands by itself ("Drei.", "insgesamt 4 bitte")."""
    taken = {i for row in statement.groups for t in row for i in range(t.start, t.end)} | statement.clause.explained
    rest = [t for i, t in enumerate(statement.clause.tokens) if i not in taken]
    return len(rest) <= NAKED_WORDS and all(t.classes & _BESIDE_NUMBER or t.word in ",-" for t in rest)
