"""Rows of people as they add up: what is said twice, what is a total, what is no head count at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rsvp_mailer.reading.terms import Term

ADDS = frozenset(("with", "without", "plus", "and", "besides"))
# What may stand between people and those very people once more: "wir, d. h. mein Mann und ich".
_RESTATES = {
    "many": ("(", ":"),
    "bare": ("(", ":", ","),
    "we": ("(", ":"),
    "crowd": ("(", ":"),
    "org": ("(", ":"),
}


def without_parts(row: list[Term]) -> list[Term]:
    """Leave out what "davon", a bracket or a colon says again, and whose people they are."""
    row = [
        t for i, t in enumerate(row) if not (i and t.kind == "org" and not t.joined and row[0].kind in ("many", "bare"))
    ]
    for index, term in enumerate(row):
        if index and term.joined == "of_which":
            return row[:index]
        names = _names_behind(row, index)
        if names and names in (term.count, (term.count or 0) - bool(term.name)):
            return without_parts(row[: index + 1] + row[index + 1 + names :])
        if index and term.bracketed and not row[index - 1].bracketed:
            end = next((i for i in range(index, len(row)) if not row[i].bracketed), len(row))
            if _are_ages(row, index, end) or _restates(row, index, end):
                return without_parts(row[:index] + row[end:])
        if index and term.joined in _RESTATES.get(row[0].kind, ()):
            head, rest = row[:index], row[index:]
            if row[0].count is None:
                return rest
            if all(t.count is not None for t in row) and sum(t.count or 0 for t in head) == sum(
                t.count or 0 for t in rest
            ):
                return head
    return row


def _names_behind(row: list[Term], index: int) -> int:
    """How many names say who the people at ``index`` are: "zwei Söhne Ali und Can", "1 Person, Hassan"."""
    term, behind = row[index], row[index + 1 :]
    begins = bool(behind) and behind[0].kind == "name" and (bool(term.name) or behind[0].joined in ("", ",", ":"))
    if term.kind not in ("many", "one") or not (term.generic or term.kind == "many") or not begins:
        return 0
    names = next((i for i, t in enumerate(behind) if t.kind != "name"), len(behind))
    return names if behind[0].joined != ":" or names == len(behind) else 0  # behind a colon all of them stand


def _are_ages(row: list[Term], index: int, end: int) -> bool:
    """Whether brackets hold a bare number for each person before them: "zwei Söhne (9 und 14)"."""
    return all(t.kind == "bare" for t in row[index:end]) and end - index == (row[index - 1].count or 1)


def _restates(row: list[Term], index: int, end: int) -> bool:
    """Whether brackets count those before again: "vier Leute (zwei Frauen, zwei Männer)", not "Ivo (mit Frau)"."""
    if row[index].joined in ADDS:
        return False
    inside = sum(t.count or 0 for t in row[index:end])
    return inside in (row[index - 1].count, sum(t.count or 0 for t in row[:index]))


def belies(row: list[Term]) -> bool:
    """Whether those listed behind a colon or in brackets are not as many as said before."""
    for index, term in enumerate(row):
        if index and term.joined in (":", "(") and row[index - 1].kind in ("many", "bare"):
            counts = [t.count for t in row[index:]]
            return None not in counts and sum(c or 0 for c in counts) != row[index - 1].count
    return _may_say_again(row)


def _may_say_again(row: list[Term]) -> bool:
    """Whether a comma may restate or add: "vier Leute, zwei Frauen und zwei Männer"."""
    head, rest = row[0], row[1:]
    listed = len(rest) > 1 and rest[0].joined == "," and head.kind == "many"
    return listed and head.count == sum(t.count or 0 for t in rest)


def total_of(row: list[Term]) -> int | None:
    """The total, where the row is one: "3 Personen", "mit 3 Personen", "2 Erwachsene und 3 Kinder"."""
    if len(row) == 1 and row[0].kind == "one" and row[0].generic and not row[0].joined and not row[0].extra:
        return 1  # "eine Person"
    if any((term.count is None and term.kind != "we") or term.kind in ("one", "name", "they") for term in row):
        return None
    figures = [term for term in row if term.kind not in ("i", "we")]
    if not figures:
        return None
    if row[0].kind == "we" and len(row) == len(figures) + 1 and not figures[0].joined:
        return sum(term.count or 0 for term in figures)  # "em du mezin û sê zarok in"
    first = figures[0]
    if len(row) > len(figures):  # "ich mit 3 Personen" is 3, "ich und 3 Personen" is 4
        return (
            first.count if len(figures) == 1 and first.joined == "with" and first.generic and not first.extra else None
        )
    added = first.joined == "besides" or (first.joined in ("with", "plus") and not first.generic)
    return None if added or any(term.extra for term in figures) else sum(term.count or 0 for term in figures)


def is_range(one: Term, other: Term) -> bool:
    """Whether two numbers stand side by side, as in "zwei drei Leute", "du sê kes"."""
    side_by_side = not other.joined and one.end == other.start and one.kind == "bare"
    return (
        side_by_side and other.kind in ("bare", "many") and other.count is not None and (one.count or 0) < other.count
    )


def is_label(one: Term, other: Term) -> bool:
    """Whether a number stands bare behind a word, as in "Gast 1": a name of something, no count."""
    return other.kind == "bare" and not other.joined and one.end == other.start and one.kind not in ("i", "we")
