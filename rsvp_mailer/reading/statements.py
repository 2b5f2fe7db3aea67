"""What one clause states: who comes or not, how surely, and which of its words no rule explains.

A clause that states something about coming must be explained to the last sensitive word: an unexplained
negation, hedge, number or person, or an unknown word where it could turn the meaning, makes it a ``doubt``,
and a doubt holds the mail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.reading.groups import find_groups
from rsvp_mailer.reading.meanings import PREDICATES
from rsvp_mailer.reading.polarity import is_nobodys, polarity_of
from rsvp_mailer.reading.residue import find_residue

if TYPE_CHECKING:
    from rsvp_mailer.reading.clauses import Clause
    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.terms import Term

_STRENGTH = (
    "corrected",
    "open",
    "unreal",
    "cannot",
    "wish",
    "away",
    "standin",
    "dispatch",
    "register",
    "bring",
    "come",
    "fits",
)


@dataclass(slots=True, eq=False)
class Statement:
    """``polarity``: yes, no, maybe, wish, unreal, doubt, or empty where nothing is said about coming.

    ``subject``: ``self``, ``others`` or empty. ``flags``: what else stands in the clause. ``residue``: unexplained
    words by sort (number, person, negation, hedge, word). ``groups``: the people in the clause; ``borrowed``: those
    of the clause before, where this one speaks of them without naming them. ``place``: its number in the mail.
    ``nobodys``: a doubt only for want of a subject.
    """

    clause: Clause
    polarity: str
    subject: str
    groups: list[list[Term]]
    evidence: Match | None = None
    flags: set[str] = field(default_factory=set)
    residue: list[str] = field(default_factory=list)
    borrowed: list[list[Term]] = field(default_factory=list)
    place: int = 0
    nobodys: bool = False

    @property
    def means(self) -> str:
        """The meaning of the rule that it rests on."""
        return self.evidence.rule.means if self.evidence else ""

    @property
    def people(self) -> list[list[Term]]:
        """The rows of people of whom the clause speaks, named in it or before."""
        return self.groups or self.borrowed


def judge(clause: Clause) -> Statement:
    """Read one clause, rules already applied."""
    groups = find_groups(clause)
    predicates = [m for m in clause.matches if m.rule.means in PREDICATES]
    statement = Statement(clause, "", "", groups, flags=_flags(clause))
    if clause.means("corrected"):
        statement.polarity, statement.subject, statement.groups = "yes", "self", []
        statement.evidence = clause.means("corrected")[0]
        return statement
    if "earlier" in statement.flags:
        return statement
    if clause.means("doubt"):
        statement.polarity = "doubt"
        statement.evidence = clause.means("doubt")[0]
        return statement
    if not predicates:
        statement.residue = find_residue(clause, groups, "")
        return statement
    statement.evidence = _strongest(predicates)
    statement.subject = _subject(statement, predicates)
    statement.polarity = polarity_of(statement, predicates)
    if statement.polarity in ("yes", "maybe", "wish") and (clause.has("past") or "forwarded" in statement.flags):
        statement.polarity = "doubt"  # what was, and what those do to whom it was passed on, is no answer
    if statement.polarity == "yes" and not statement.subject and is_nobodys(statement, predicates):
        statement.polarity, statement.nobodys = "doubt", True
    alone = statement.means == "cannot" and len(predicates) == 1
    strict = "yes" if statement.polarity == "no" and (alone or not statement.subject) else statement.polarity
    statement.residue = find_residue(clause, groups, strict)
    return statement


def _flags(clause: Clause) -> set[str]:
    flags = {m.rule.means for m in clause.matches if m.rule.means not in PREDICATES}
    for name in ("regret", "but", "contrast", "otherday", "ourday", "foreign_event", "or", "event", "day"):
        if clause.free(name):
            flags.add(name)
    for name, flag in (("yes", "assent"), ("no", "dissent")):
        places = clause.free(name)
        if places and (name == "yes" or (places[0] < 2 and clause.sentence_start) or not clause.has("v")):
            flags.add(flag)
    if clause.mark == "?":
        flags.add("question")
    return flags


def _strongest(predicates: list[Match]) -> Match:
    return min(predicates, key=lambda m: _STRENGTH.index(m.rule.means))


def _subject(statement: Statement, predicates: list[Match]) -> str:
    """Whether the sender is among those of whom the clause speaks."""
    if statement.means in ("standin", "dispatch"):
        return "others"
    kinds = {term.kind for row in statement.groups for term in row if term.joined not in ("without", "besides")}
    who = {m.rule.who for m in predicates}
    if kinds & {"i", "we"} or who & {"i", "we"}:
        return "self"
    if statement.means == "bring":
        return ""  # who brings them stands in front: "Frau Kolb kommt und bringt ihre Tochter mit"
    if kinds or "they" in who:
        return "others"
    if statement.means == "register":
        return "others"
    return ""
