"""Which words of a clause nobody explains: what neither a rule, nor a row of people, nor a class accounts for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.terms import Term, is_given_name, is_name

if TYPE_CHECKING:
    from rsvp_mailer.reading.clauses import Clause
    from rsvp_mailer.reading.statements import Statement

_FREE_PEOPLE = ("kin", "kins", "people", "crowd", "child", "they")


def find_residue(clause: Clause, groups: list[list[Term]], polarity: str) -> list[str]:
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
        elif any(name in token.classes for name in _FREE_PEOPLE) or is_given_name(token):
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


def has_unknown_words(statement: Statement) -> bool:
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
