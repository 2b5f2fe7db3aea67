"""Yes, no or open: what the predicates of one clause come to once negations and hedges are counted in.

Whatever is left over - a second negation, an object of its own, another person's hedge - makes a ``doubt``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.residue import has_unknown_words

if TYPE_CHECKING:
    from rsvp_mailer.reading.clauses import Clause
    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.statements import Statement
    from rsvp_mailer.reading.tokens import Token

# What may stand between a negation and the end of what it negates.
_NEGATABLE = frozenset(
    ("come_inf", "aux", "adv", "ourday", "day", "date", "time", "event", "det", "prep", "on", "sure", "my", "we",
     "i", "they", "glad", "you", "and", "because", "regret", "contrast", "until", "at", "otherday", "noun",
     "adj"),
)  # fmt: skip


# A yes to one of these is no yes to coming: "I will join the mailing list".
_PAPERWORK = frozenset(("list_change", "erase_request", "steckbrief_wanted"))


_BASE = {"away": "no", "cannot": "no", "open": "maybe", "unreal": "unreal", "wish": "wish"}


def polarity_of(statement: Statement, predicates: list[Match]) -> str:
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
    return named and has_unknown_words(statement)


def _assents(clause: Clause) -> bool:
    """Whether the clause begins with a "ja"."""
    first = clause.tokens[0]
    return "yes" in first.classes and "glad" not in first.classes and 0 not in clause.explained


def _is_doubtful(statement: Statement, predicates: list[Match]) -> bool:
    """Alternatives, another occasion, two predicates that exclude each other, an inability to do other things."""
    clause, means = statement.clause, statement.means
    kinds = {m.rule.means for m in predicates}
    return bool(
        clause.free("or")
        or (means == "open" and any(name.startswith("lang_") for name in clause.places))  # "I don't know German"
        or (means == "dispatch" and not _names_somebody(statement))
        or (
            means == "come"
            and clause.opener != "cond"
            and any(_is_other_verb(clause.tokens[i]) for i in clause.free("v"))
        )
        or any(_is_quoted(clause, m) for m in predicates)
        or any(m.rule.value in _PAPERWORK for m in clause.means("tag"))
        or (clause.opener == "relative" and means not in ("away", "cannot", "standin"))
        or ("foreign_event" in statement.flags and means not in ("away", "cannot", "unreal"))
        or ("away" in kinds and kinds & {"come", "register", "bring", "fits", "cannot", "dispatch", "standin"})
        or (means == "come" and _is_at_a_hindrance(statement))
        or (means == "cannot" and not _cannot_come(clause, predicates))
    )


def _is_at_a_hindrance(statement: Statement) -> bool:
    """Whether it may be the hindrance at which somebody will be: "ich werde im Urlaub dabei sein"."""
    clause = statement.clause
    plain = not clause.has("neg") and not clause.has("cond") and not clause.has("but")
    return plain and "reason" in statement.flags and not statement.flags & {"late", "early", "nothing", "alone"}


_QUOTES = frozenset('"„“”«»‹›')


def _is_quoted(clause: Clause, predicate: Match) -> bool:
    """Whether somebody else's words are quoted: "er schreibt: „wir kommen“"."""
    before = any(t.word in _QUOTES for t in clause.tokens[: predicate.start])
    return before and any(t.word in _QUOTES for t in clause.tokens[predicate.end :])


def _names_somebody(statement: Statement) -> bool:
    counted = any(t.kind in ("one", "many", "name", "crowd") for row in statement.groups for t in row)
    return counted or bool(statement.clause.means("total", "couple", "about"))


def _takes_negation(statement: Statement, negation: int) -> bool:
    if statement.means in ("register", "bring", "standin", "dispatch", *_BASE.keys() - {"wish"}):
        return False
    torn = any(term.kind == "i" and term.joined == "," for row in statement.groups for term in row)
    if torn or len(statement.groups) > 1:  # "meine Kollegin kommt, ich nicht" without a second verb
        return False
    return _negates(statement, negation)


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
        if not token.classes & _NEGATABLE or _is_other_verb(token):
            return False
    return not has_unknown_words(statement)


def _is_belied(statement: Statement) -> bool:
    """A yes with a "nein", an "heute" or an unexplained "leider" in it."""
    clause, flags = statement.clause, statement.flags
    regret = clause.free("regret") and not flags & {"late", "early", "alone", "total"} and not clause.has("only")
    return bool("dissent" in flags or _in_days(clause) or regret)


def _is_away_from_else(statement: Statement) -> bool:
    """Whether a refusal may be one of a detail ("ez bi tenê nayêm") or of a thing ("cancel the delivery")."""
    clause = statement.clause
    detail = bool(clause.means("alone", "companion")) and "regret" not in statement.flags
    negated = any(m.rule.means == "away" and m.rule.who for m in clause.matches)  # "nayêm", "نمیایم"
    return detail or _has_own_object(statement) or (negated and has_unknown_words(statement))


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
    return all(
        (t.classes & _NEGATABLE and not t.classes & {"with", "n"} and not _is_other_verb(t)) or t.kind == "mark"
        for t in rest
    )


def _is_other_verb(token: Token) -> bool:
    """Whether it can be a verb that is not about coming: "I can't park there"."""
    return "v" in token.classes and not token.classes & {"aux", "come_inf"}


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


def is_nobodys(statement: Statement, predicates: list[Match]) -> bool:
    """A verb without a subject ("join") may be an invitation, a heading, anything."""
    clause = statement.clause
    if statement.means not in ("come", "fits") or any(m.rule.who for m in predicates):
        return False
    counted = clause.means("total", "couple", "alone", "companion", "besides") or statement.groups
    first = clause.tokens[0].classes
    if clause.sentence_start and first == {"aux", "v"} and clause.mark != "?" and not clause.has("you"):
        return False  # "Will attend."
    invited = any(t.classes & _INVITED for i, t in enumerate(clause.tokens) if i not in clause.explained)
    return not counted and not invited
