"""Who is spoken of: the people of a clause in rows that can be added up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rsvp_mailer.reading.terms import PEOPLE, SKIPPED, Term, term_at

if TYPE_CHECKING:
    from rsvp_mailer.reading.clauses import Clause
    from rsvp_mailer.reading.tokens import Token

_CONNECTORS = ("and", "plus", "with", "without", "of_which", "besides", "minus")
_MARKS = {",": ",", "+": "plus", "&": "and", "(": "(", ":": ":", "/": "and", ")": ")"}
_BEGINS = ("with", "besides", "plus", "without", ":", "(")  # connectors that tell something of the first of a row


def find_groups(clause: Clause) -> list[list[Term]]:
    """Rows of terms in ``clause``; words taken by rules end a row."""
    groups: list[list[Term]] = []
    row: list[Term] = []
    joined, last_end, index = "", -1, 0
    tokens = clause.tokens
    bracketed = False
    while index < len(tokens):
        bracketed = tokens[index].word == "(" or (bracketed and tokens[index].word != ")")
        if index in clause.explained:
            row, joined, index = _close(groups, row), "", index + 1
            continue
        if "role" in tokens[index].classes:  # "als Vertreterin des Beirats": the sender, not one more person
            row, joined, index = _close(groups, row), "", _role_end(clause, index + 1)
            continue
        connector = _connector(tokens[index])
        if {"besides", "i"} <= tokens[index].classes:  # "außer mir" in one word
            groups.append([Term("i", 1, index, index + 1, "besides")])
            row, joined, index = _close(groups, row), "", index + 1
            continue
        if connector:
            joined, last_end, index = connector, index + 1, index + 1
            continue
        term = term_at(clause, index, joined if row or joined in _BEGINS or (joined == "and" and last_end > 1) else "")
        if term is None:
            if row and joined in ("and", "plus") and _may_be_company(tokens[index]):
                row.append(Term("crowd", None, index, index + 1, joined))
            if not tokens[index].classes & (SKIPPED | {"possess"}):
                row, joined = _close(groups, row), ""
            index += 1
            continue
        if row and not joined and last_end != index:
            row = _close(groups, row)
        _append(clause, row, replace(term, bracketed=bracketed) if bracketed else term)
        joined, index = "", term.end
        last_end = index
    _close(groups, row)
    groups = [_without_apposition(row) for row in groups]
    return _without_owners(clause, [kept for kept in groups if not _is_loose_name(clause, kept)])


def _append(clause: Clause, row: list[Term], term: Term) -> None:
    """Add ``term`` to ``row``; right behind another it may say again who that is."""
    if not row:
        governed = not term.joined and term.kind in ("one", "many", "name") and _is_governed(clause, term.start)
        row.append(replace(term, governed=True) if governed else term)
    elif term.end < len(clause.tokens) and "incl" in clause.tokens[term.end].classes:
        row.append(replace(term, joined="of_which"))  # "zwölf, Lehrerin inbegriffen"
    elif term.joined or row[-1].end != term.start:
        row.append(term)
    elif row[-1].generic and term.kind in ("i", "one"):
        row.append(replace(term, joined=":"))  # "zwei Personen ich und mein Vater"
    elif "pair" in clause.tokens[row[-1].end - 1].classes:
        row[-1] = replace(row[-1], end=term.end)  # "Ehepaar Dr. Steinkamp"
    elif (row[-1].kind, term.kind) == ("one", "org"):
        row[-1] = replace(row[-1], end=term.end)  # "the council's deputy"
    elif _is_apposition(row[-1], term):
        row[-1] = replace(row[-1], end=term.end, name=f"{row[-1].name} {term.name}".strip())
    else:
        row.append(term)


def _may_be_company(token: Token) -> bool:
    """Whether a word behind "ich und" that is no known person may be one all the same."""
    return token.kind == "word" and (not token.classes or token.classes <= {"noun", "adj"})


def _without_apposition(row: list[Term]) -> list[Term]:
    """Count "unser Beauftragter, Herr Celik" once: a list would end in an "und"."""
    if len(row) < 2 or row[-1].joined != "," or row[-1].kind != "one" or not row[-1].name:
        return row
    before = row[-2]
    same = before.kind == "one" and not before.name and len([t for t in row if t.joined == ","]) == 1
    return [*row[:-2], replace(before, end=row[-1].end, name=row[-1].name)] if same else row


def _without_owners(clause: Clause, groups: list[list[Term]]) -> list[list[Term]]:
    """In "Frau Basler aus meinem Team" the team says whose people come, not how many."""
    if not any(term.kind in ("one", "many", "name") for row in groups for term in row):
        return groups
    return [
        [
            replace(t, kind="org") if t.kind == "crowd" and _whose(clause, t.start, alone=len(row) == 1) else t
            for t in row
        ]
        for row in groups
    ]


def _is_loose_name(clause: Clause, row: list[Term]) -> bool:
    """Unknown capitalised words by themselves are any nouns; a given name must stand where somebody can."""
    if any(term.kind != "name" for term in row):
        return False
    if not any(term.given for term in row):
        return True
    if len(row) > 1 or row[0].joined == ":":
        return False
    before = clause.tokens[row[0].start - 1].classes if row[0].start else frozenset()
    if clause.means("bring", "register", "dispatch", "standin"):
        return False
    speaks_of_others = any(match.rule.who == "they" for match in clause.matches)
    return not speaks_of_others or bool(before & {"prep", "at", "on"}) or row[0].start > 3


_JOINS = frozenset((*_CONNECTORS, "incl", "purpose", "about", "role", "total", "instead", "affil"))


def _whose(clause: Clause, index: int, *, alone: bool) -> bool:
    """Whether it is "aus meinem Team", or "für den Beirat" with those whom he sends behind it."""
    before = index - 1
    while before >= 0 and clause.tokens[before].classes & {"my", "det", "adj"} - {"affil"}:
        before -= 1
    classes = clause.tokens[before].classes if before >= 0 else frozenset()
    return "affil" in classes and "with" not in classes and (alone or "purpose" not in classes)


def _is_governed(clause: Clause, index: int) -> bool:
    before = clause.tokens[index - 1].classes if index and index - 1 not in clause.explained else frozenset()
    return "prep" in before and not before & _JOINS


_SAME = frozenset((("one", "one"), ("one", "name"), ("name", "one"), ("many", "name"), ("i", "name")))


def _is_apposition(before: Term, term: Term) -> bool:
    """Whether a term right behind another only says who that is: "Herr Direktor Prof. Wiegand"."""
    placed = before.object and term.generic and term.kind == "one"  # "reservieren Sie mir einen Platz"
    return placed or (before.kind, term.kind) in _SAME


_IN_ROLE = SKIPPED | PEOPLE | {"org", "crowd", "title", "event", "noun", "affil", "ordinal", "and", "you"}


def _role_end(clause: Clause, index: int) -> int:
    """Where "as a member of the council" ends; its words are explained."""
    while index < len(clause.tokens) and index not in clause.explained:
        classes = clause.tokens[index].classes
        ends = clause.tokens[index].kind == "mark" or bool(classes & {"v", "i", "we"})
        if ends or (classes and not classes & _IN_ROLE):
            break
        clause.touched.add(index)
        index += 1
    return index


def _close(groups: list[list[Term]], row: list[Term]) -> list[Term]:
    if row:
        groups.append(row)
    return []


def _connector(token: Token) -> str:
    for name in _CONNECTORS:
        if name in token.classes:
            return name
    if "namely" in token.classes:
        return ":"
    if "incl" in token.classes:
        return "of_which"
    return _MARKS.get(token.word, "") if token.kind == "mark" else ""
