"""What one clause states: who comes or not, how surely, and which of its words no rule explains.

A clause that states something about coming must be explained to the last sensitive word: an unexplained
negation, hedge, number or person, or an unknown word where it could turn the meaning, makes it a ``doubt``,
and a doubt holds the mail.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.reading.groups import Term, find_groups, is_name
from rsvp_mailer.reading.meanings import PREDICATES

if TYPE_CHECKING:
    from rsvp_mailer.reading.clauses import Clause
    from rsvp_mailer.reading.patterns import Match

# What may stand between a negation and the end of what it negates.
_NEGATABLE = frozenset(
    ("come_inf", "aux", "adv", "ourday", "day", "date", "time", "event", "det", "prep", "on", "sure", "my", "we",
     "i", "they", "glad", "you", "and", "because", "regret", "contrast", "until", "at", "otherday", "noun",
     "adj"),
)  # fmt: skip
_FREE_PEOPLE = ("kin", "kins", "people", "crowd", "child", "they")
_FLAGS = ("reason", "assent", "dissent", "noted", "forwarded", "thanks", "event_ask", "late", "early", "correction")


@dataclass(slots=True)
class Statement:
    """``polarity``: yes, no, maybe, wish, unreal, doubt, or empty where nothing is said about coming.

    ``subject``: ``self``, ``others`` or empty. ``flags``: what else stands in the clause. ``residue``: unexplained
    words by sort (number, person, negation, hedge, word).
    """

    clause: Clause
    polarity: str
    subject: str
    groups: list[list[Term]]
    evidence: Match | None = None
    flags: set[str] = field(default_factory=set)
    residue: list[str] = field(default_factory=list)

    @property
    def means(self) -> str:
        """The meaning of the rule that it rests on."""
        return self.evidence.rule.means if self.evidence else ""


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
        statement.residue = _residue(clause, groups, "")
        return statement
    statement.evidence = _strongest(predicates)
    statement.subject = _subject(statement, predicates)
    statement.polarity = _polarity(statement, predicates)
    if statement.polarity in ("yes", "maybe", "wish") and (clause.has("past") or "forwarded" in statement.flags):
        statement.polarity = "doubt"  # what was, and what those do to whom it was passed on, is no answer
    if statement.polarity == "yes" and not statement.subject and _is_nobodys(statement, predicates):
        statement.polarity = "doubt"
    alone = statement.means == "cannot" and len(predicates) == 1
    strict = "yes" if statement.polarity == "no" and (alone or not statement.subject) else statement.polarity
    statement.residue = _residue(clause, groups, strict)
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


def _strongest(predicates: list[Match]) -> Match:
    return min(predicates, key=lambda m: _STRENGTH.index(m.rule.means))


def _subject(statement: Statement, predicates: list[Match]) -> str:
    """Whether the sender is among those of whom the clause speaks."""
    if statement.means in ("standin", "dispatch"):
        return "others"
    if statement.means == "bring":
        return "self"
    kinds = {term.kind for row in statement.groups for term in row if term.joined not in ("without", "besides")}
    who = {m.rule.who for m in predicates}
    if kinds & {"i", "we"} or who & {"i", "we"}:
        return "self"
    if kinds or "they" in who:
        return "others"
    if statement.means == "register":
        return "others"
    return ""


def _polarity(statement: Statement, predicates: list[Match]) -> str:
    """What the predicates say once negation and hedges are counted in; ``doubt`` where something is left over."""
    clause = statement.clause
    nobody = _nobody(statement)
    if nobody and statement.subject in ("", "others"):
        statement.subject = "self"
    if _is_doubtful(statement, predicates) or (statement.means == "away" and _is_away_from_else(statement)):
        return "doubt"
    base = _BASE.get(statement.means, "yes")
    negations = clause.free("neg") + nobody
    if negations:
        if len(negations) > 1 or not _takes_negation(statement, negations[0]):
            return "doubt"
        base = "no"
    if base == "no" and _others_do_something(statement):
        return "doubt"
    hedges = _open_hedges(clause)
    if hedges:
        return "doubt" if base == "unreal" or _is_anothers(statement, hedges[-1]) else "maybe"
    if base == "no" and clause.sentence_start and _assents(clause):
        return "doubt"
    return "doubt" if base in ("yes", "wish") and _is_belied(statement) else base


def _nobody(statement: Statement) -> list[int]:
    """Words for nobody; with a number before it the same word may count people ("دە کەسمان")."""
    counted = {i for row in statement.groups for t in row if t.kind == "many" for i in range(t.start, t.end)}
    return [i for i in statement.clause.free("none") if i not in counted]


def _others_do_something(statement: Statement) -> bool:
    """Whether other people and words that nobody knows share the clause of a no: one may come in another's place."""
    named = any(t.kind in ("one", "many", "name", "crowd") for row in statement.groups for t in row)
    return named and _unknown_words(statement)


def _assents(clause: Clause) -> bool:
    """Whether the clause begins with a "ja"."""
    first = clause.tokens[0]
    return "yes" in first.classes and "glad" not in first.classes and 0 not in clause.explained


# A yes to one of these is no yes to coming: "I will join the mailing list".
_PAPERWORK = frozenset(("list_change", "erase_request", "steckbrief_wanted"))
_BASE = {"away": "no", "cannot": "no", "open": "maybe", "unreal": "unreal", "wish": "wish"}


def _is_doubtful(statement: Statement, predicates: list[Match]) -> bool:
    """Alternatives, another occasion, two predicates that exclude each other, an inability to do other things."""
    clause, means = statement.clause, statement.means
    kinds = {m.rule.means for m in predicates}
    return bool(
        clause.free("or")
        or any(m.rule.value in _PAPERWORK for m in clause.means("tag"))
        or (clause.opener == "relative" and means not in ("away", "cannot", "standin"))
        or ("foreign_event" in statement.flags and means not in ("away", "cannot", "unreal"))
        or ("away" in kinds and kinds & {"come", "register", "bring", "fits", "cannot"})
        or (means == "cannot" and not _cannot_come(clause, predicates))
    )


def _takes_negation(statement: Statement, negation: int) -> bool:
    if statement.means in ("register", "bring", "standin", "dispatch", *_BASE.keys() - {"wish"}):
        return False
    torn = any(term.kind == "i" and term.joined == "," for row in statement.groups for term in row)
    if torn or len(statement.groups) > 1:  # "meine Kollegin kommt, ich nicht" without a second verb
        return False
    return _negates(statement, negation)


def _is_belied(statement: Statement) -> bool:
    """A yes with a "nein", an "heute" or an unexplained "leider" in it."""
    clause, flags = statement.clause, statement.flags
    regret = clause.free("regret") and not flags & {"late", "early", "alone", "total"} and not clause.has("only")
    return bool("dissent" in flags or _in_days(clause) or regret)


def _is_away_from_else(statement: Statement) -> bool:
    """Whether a refusal may be one of a detail ("ez bi tenê nayêm") or of a thing ("cancel the delivery")."""
    detail = bool(statement.clause.means("alone", "companion")) and "regret" not in statement.flags
    return detail or _has_own_object(statement)


_OBJECT = frozenset(("noun", "foreign_event"))


def _has_own_object(statement: Statement) -> bool:
    """Whether a thing follows that is called off instead of coming: "cancel the delivery", "nichts mit dem Bogen"."""
    clause = statement.clause
    end = max(m.end for m in clause.matches if m.rule.means == "away")
    for index in range(end, len(clause.tokens)):
        classes = clause.tokens[index].classes
        if index in clause.explained or classes & {"event", "ourday", "come_inf"}:
            return False
        if not classes & {"det", "my", "a", "with"}:
            after = clause.tokens[index - 1].classes & {"det", "my", "a", "with"} if index > end else frozenset()
            return bool(after) and (bool(classes & _OBJECT) or not classes) and clause.tokens[index].kind == "word"
    return False


def _in_days(clause: Clause) -> bool:
    """Whether the clause speaks of today or tomorrow instead of the event's day."""
    return bool(clause.free("day")) and not clause.has("ourday")


def _cannot_come(clause: Clause, predicates: list[Match]) -> bool:
    """A "kann nicht" is a no about coming unless something else follows that cannot be done."""
    cannot = next(m for m in predicates if m.rule.means == "cannot")
    if any(
        m.rule.means in ("late", "early", "total", "alone", "companion", "nothing") and m.start > cannot.tokens[-1]
        for m in clause.matches
    ):
        return False
    rest = [
        t
        for i, t in enumerate(clause.tokens)
        if i > cannot.tokens[-1] and i not in clause.explained and t.kind == "word"
    ]
    if len(predicates) > 1:
        last = max(m.end for m in predicates)
        rest = [t for i, t in enumerate(clause.tokens) if cannot.tokens[-1] < i < last and i not in clause.explained]
    return all((t.classes & _NEGATABLE and not t.classes & {"with", "n"}) or t.kind == "mark" for t in rest)


def _open_hedges(clause: Clause) -> list[int]:
    """Hedges about coming itself; one in front of a lateness ("voraussichtlich etwas später") is about that."""
    lates = [m.start for m in clause.means("late", "early")]
    return [h for h in clause.free("hedge") if not any(h < start <= h + 3 for start in lates)]


def _is_anothers(statement: Statement, hedge: int) -> bool:
    """Whether the hedge is about somebody named apart from the sender: "ich komme, meine Frau vielleicht"."""
    rows = statement.groups
    mine = any(t.kind in ("i", "we") for row in rows for t in row) or any(m.rule.who for m in statement.clause.matches)
    return mine and any(
        abs(row[-1].end - hedge) <= 1 and row[0].joined in ("", ",") and row[0].kind in ("one", "many", "name", "they")
        for row in rows
    )


_INVITED = frozenset(("sure", "glad", "yes", "ourday", "event"))


def _is_nobodys(statement: Statement, predicates: list[Match]) -> bool:
    """A verb without a subject ("join") may be an invitation, a heading, anything."""
    clause = statement.clause
    if statement.means not in ("come", "fits") or any(m.rule.who for m in predicates):
        return False
    counted = clause.means("total", "couple", "alone", "companion", "besides") or statement.groups
    return not counted and not any(t.classes & _INVITED for t in clause.tokens)


def _negates(statement: Statement, negation: int) -> bool:
    """Whether the negation plainly takes the predicate, and not a detail or a verb that nobody knows."""
    clause = statement.clause
    for index in range(negation + 1, len(clause.tokens)):
        token = clause.tokens[index]
        if index in clause.explained:
            if any(index in m.tokens for m in clause.means("late", "early", "total", "alone", "companion")):
                return False
            continue
        if token.kind == "mark":
            continue
        if "with" in token.classes or "n" in token.classes:
            return False
        if not token.classes & _NEGATABLE:
            return False
    return not _unknown_words(statement)


def _residue(clause: Clause, groups: list[list[Term]], polarity: str) -> list[str]:
    """The sorts of sensitive words that neither a rule nor a group explains."""
    covered = clause.explained | clause.touched
    for row in groups:
        for term in row:
            covered.update(range(term.start, term.end))
    residue = []
    for row in groups:
        residue += ["number" for term in row if term.kind == "things" and polarity in ("yes", "wish", "maybe")]
    for index, token in enumerate(clause.tokens):
        if index in covered or _names_place(clause, index):
            continue
        if polarity in ("yes", "wish", "maybe") and _is_company(clause, index):
            residue.append("person")
        elif "n" in token.classes:
            residue.append("number")
        elif any(name in token.classes for name in _FREE_PEOPLE):
            residue.append("person")
        elif not token.classes and token.kind == "word" and polarity in ("yes", "wish", "maybe"):
            residue.append("word")
        elif not token.classes and token.kind in ("number", "ordinal"):
            residue.append("number")
    return residue


def _is_company(clause: Clause, index: int) -> bool:
    """Whether it is "mit" before a thing, which may be company all the same: "mit Hund"."""
    if "with" not in clause.tokens[index].classes:
        return False
    for token in clause.tokens[index + 1 :]:
        if not token.classes & {"det", "my", "a", "adj", "you", "all"} or "noun" in token.classes:
            return token.classes == {"noun"}
    return False


def _names_place(clause: Clause, index: int) -> bool:
    """An unknown capitalised word before an organisation or occasion belongs to its name."""
    following = clause.tokens[index + 1].classes if index + 1 < len(clause.tokens) else frozenset()
    before = clause.tokens[index - 1].classes if index else frozenset()
    if _affiliation(clause, index):
        return True
    return is_name(clause.tokens[index]) and bool(following & {"crowd", "event", "org"} or "org" in before)


def _unknown_words(statement: Statement) -> bool:
    """Whether a word stands in the clause that neither rule, group nor class explains."""
    clause = statement.clause
    covered = {i for row in statement.groups for t in row for i in range(t.start, t.end)}
    covered |= clause.explained | clause.touched
    return any(
        t.kind == "word" and not t.classes and i not in covered and not _names_place(clause, i)
        for i, t in enumerate(clause.tokens)
    )


def unexplained_words(statement: Statement) -> list[str]:
    """Words of the clause that neither rule, group nor class explains, and negations, hedges and numbers left over."""
    clause = statement.clause
    covered = {i for row in statement.groups for t in row for i in range(t.start, t.end)}
    covered |= clause.explained | clause.touched
    return [
        t.word
        for i, t in enumerate(clause.tokens)
        if i not in covered
        and (
            t.classes & {"neg", "none", "hedge", "n"}
            or (t.kind == "word" and not t.classes and not _names_place(clause, i))
        )
    ]


def _affiliation(clause: Clause, index: int) -> bool:
    """Whether an unknown word stands in "vom Chor Sonnenstrahl", "for the Red Cross": whose people these are."""
    for back in range(index - 1, max(index - 5, -1), -1):
        classes = clause.tokens[back].classes
        if "affil" in classes:
            put_down = bool(clause.means("register")) and "purpose" in classes
            return back not in clause.explained and not put_down
        if classes and not classes & {"det", "adj", "my", "a", "org", "event"}:
            return False
    return False


def unknown_names(statement: Statement) -> bool:
    """Whether a name stands there that no row of people took."""
    taken = {i for row in statement.groups for term in row for i in range(term.start, term.end)}
    return any(is_name(t) for i, t in enumerate(statement.clause.tokens) if i not in taken | statement.clause.explained)
