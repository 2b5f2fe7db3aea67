"""Who is spoken of: the people in a clause as terms that can be added up.

A term is the sender ("ich"), the sender's side without a number ("wir"), a number of people ("drei Kollegen"),
one person ("meine Frau", "Herr Dr. Voss", "Heike"), or a crowd of unsaid size ("mein Team"). The connector in
front of a term ("und", "mit", "davon", a comma) says how it is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rsvp_mailer.reading.clauses import Clause
    from rsvp_mailer.reading.tokens import Token

PEOPLE = frozenset(("kin", "kins", "people", "child"))
SKIPPED = frozenset(("det", "my", "adj", "a", "extra", "only", "all", "adv", "about", "both"))
NAME_WORDS = 4


@dataclass(frozen=True, slots=True)
class Term:
    """``kind``: ``i we they one many crowd org bare things name``; ``count``: people, ``None`` where unsaid.

    ``joined``: class of the connector before it, empty at the start of a row. ``extra``: "weitere", "noch".
    ``object``: "mich", not "ich". ``given``: begins with a given name.
    ``governed``: stands behind a preposition that does not join ("nach seinem Vater").
    ``bracketed``: stands in brackets.
    ``start``/``end``: token indexes in the clause. ``generic``: counted as persons, not as relations.
    """

    kind: str
    count: int | None
    start: int
    end: int
    joined: str = ""
    extra: bool = False
    total: bool = False
    about: bool = False
    generic: bool = False
    name: str = ""
    object: bool = False
    given: bool = False
    governed: bool = False
    bracketed: bool = False


def term_at(clause: Clause, index: int, joined: str) -> Term | None:
    """The people that begin at token ``index``, behind a connector of class ``joined``, if there are any."""
    token = clause.tokens[index]
    if "possess" in token.classes and index and _is_possessed(clause.tokens[index - 1]):
        return None
    for name, kind, count in (("i", "i", 1), ("we", "we", None), ("they", "they", None)):
        if name in token.classes:
            return Term(kind, count, index, index + 1, joined, object="me" in token.classes)
    titled = _titled(clause, index, joined) if "title" in token.classes else None
    return titled or _noun_term(clause, index, joined)


_POSSESSED = PEOPLE | {"noun", "event", "foreign_event", "org", "crowd", "day", "name"}


def _is_possessed(before: Token) -> bool:
    """Whether a possessive right behind this word belongs to it: "kursa min", "کاری من"."""
    return before.kind == "word" and (bool(before.classes & _POSSESSED) or not before.classes)


def _noun_term(clause: Clause, start: int, joined: str) -> Term | None:
    """Articles, a number and a noun, in any of which the term may already end."""
    tokens, index, flags, number = clause.tokens, start, set[str](), None
    while index < len(tokens) and index not in clause.explained:
        token = tokens[index]
        people = bool(token.classes & PEOPLE)
        if "n" in token.classes and number is None:
            number = token.value
            people = people and number is not None  # a dual: "شخصين" is a number and its people in one word
            if not people:
                flags |= token.classes
                index += 1
                continue
        if people or "crowd" in token.classes or _small_group(token):
            return _counted(clause, (start, index), joined, number, flags)
        if "org" in token.classes:
            return Term("org", None, start, _name_end(clause, index + 1), joined)
        if index > start and token.classes & {"my", "a"} and "n" in tokens[index - 1].classes:
            break  # "of twelve my wife", "of twelve a friend"
        if not token.classes & SKIPPED and (token.capital or "their" not in token.classes):
            break
        flags |= token.classes
        index += 1
    return _name(clause, start, joined) if number is None else _bare(clause, (start, index), joined, number, flags)


def _bare(clause: Clause, span: tuple[int, int], joined: str, number: int, flags: set[str]) -> Term | None:
    """A number without people behind it."""
    start, index = span
    tokens = clause.tokens
    if start > 1 and "affil" in tokens[start - 1].classes and tokens[start - 2].classes & {"crowd", "org", "noun"}:
        return None  # "from our team of twelve"
    end = max(i for i in range(start, index) if "n" in tokens[i].classes) + 1
    while end < index and tokens[end].classes & {"extra", "total"}:
        end += 1
    kind = "things" if index < len(tokens) and _is_thing(tokens[index]) else "bare"
    return Term(kind, number, start, end, joined, extra="extra" in flags, about="about" in flags)


def _is_thing(token: Token) -> bool:
    """Whether a number in front of this word counts something else than people, or something unknown."""
    if token.kind != "word":
        return False
    return not token.classes or bool(token.classes & {"noun", "foreign_event", "unit", "event"})


def _small_group(token: Token) -> int:
    return 2 if "pair" in token.classes else 3 if "trio" in token.classes else 4 if "quartet" in token.classes else 0


def _counted(clause: Clause, span: tuple[int, int], joined: str, number: int | None, flags: set[str]) -> Term:
    """A noun for people with the number before it, if there is one."""
    start, index = span
    token = clause.tokens[index]
    called = _apposition_end(clause, index + 1) if "kin" in token.classes else index + 1
    end = called
    while end < len(clause.tokens) and "possess" in clause.tokens[end].classes and end not in clause.explained:
        end += 1
    number = (
        number
        or _small_group(token)
        or (2 if "both" in flags and (token.classes & {"kins", "people", "child"}) else None)
    )
    if number is not None:
        extra, about, generic = "extra" in flags, "about" in flags, "people" in token.classes
        return Term("many", number, start, end, joined, extra, "total" in flags, about, generic)
    if "crowd" in token.classes or "both" in flags:  # "both my sister and my neighbour" says who, not how many
        return Term("crowd", None, start, _name_end(clause, index + 1), joined)
    if "kin" in token.classes and "kins" in token.classes:  # a form that is both: "mein Lehrer", "Lehrer"
        single = "a" in flags or called > index + 1
    else:
        single = "kin" in token.classes or ("a" in flags and "kins" not in token.classes)
    if not single:
        return Term("crowd", None, start, end, joined)
    words = clause.tokens[index + 1 : called]
    name = " ".join(t.word for t in words)
    return Term("one", 1, start, end, joined, "extra" in flags, generic="people" in token.classes, name=name)


def _apposition_end(clause: Clause, index: int) -> int:
    """Where the name behind a relation ends: "meine Nachbarin Frau Sturm" is one person."""
    end = index
    while end < len(clause.tokens) and "title" in clause.tokens[end].classes and end not in clause.explained:
        end += 1
    final = _name_end(clause, end)
    return final if final > end else index


def _titled(clause: Clause, index: int, joined: str) -> Term | None:
    end = index
    while end < len(clause.tokens) and end not in clause.explained and "title" in clause.tokens[end].classes:
        end += 1
    if end < len(clause.tokens) and "addressee" in clause.tokens[end].classes:
        return Term("they", None, index, end + 1, joined)  # one of the office: nobody who comes
    final = _name_end(clause, end)
    if final == end and _is_called(clause, end):
        final = end + 1
    if final == end:
        return None
    name = " ".join(t.word for t in clause.tokens[end:final])
    return Term("one", 1, index, final, joined, name=name)


_NO_NAMES = frozenset(
    ("title", "kin", "kins", "people", "neg", "none", "i", "we", "you", "they", "my", "v", "n", "and", "with", "but")
)


def _is_called(clause: Clause, index: int) -> bool:
    """Whether a word that the language knows is a name behind a title: "Frau Sommer", "Herr Klein"."""
    if index >= len(clause.tokens) or index in clause.explained:
        return False
    token = clause.tokens[index]
    if _is_uncased(token):
        return not token.classes
    return token.kind == "word" and token.capital and not token.classes & _NO_NAMES


def _name_end(clause: Clause, index: int) -> int:
    """Where the name that starts at ``index`` ends; ``index`` itself where there is none."""
    end, surname = index, False
    while end < len(clause.tokens) and end - index < NAME_WORDS and end not in clause.explained:
        token = clause.tokens[end]
        if not is_name(token):
            break
        if _is_uncased(token) and not is_given_name(token):
            if end == index or surname:  # any word: a surname only behind a given name, and one at most
                break
            surname = True
        end += 1
    return end


def _is_uncased(token: Token) -> bool:
    return not token.word[0].isascii()


def is_name(token: Token) -> bool:
    """A given name, or a word that the language does not know and that is capitalised where there are capitals."""
    if token.kind != "word":
        return False
    if is_given_name(token):
        return True
    return not token.classes and (token.capital or _is_uncased(token))


def is_given_name(token: Token) -> bool:
    """Whether people are called so, and nothing else is."""
    return token.classes == {"name"}


def _name(clause: Clause, index: int, joined: str) -> Term | None:
    """A bare name; whether it may count is for the reader of the row to judge."""
    start = index
    while index < len(clause.tokens) and clause.tokens[index].classes & {"det", "my"}:
        index += 1
    if index > start + 1 or index >= len(clause.tokens) or index in clause.explained:
        return None
    before = clause.tokens[start - 1].classes if start and start - 1 not in clause.explained else frozenset()
    if before & {"prep", "adj", "a"} and not joined:
        return None
    end = _name_end(clause, index)
    if end == index:
        return None
    given = is_given_name(clause.tokens[index])
    if not given and (index > start or before & {"det", "my", "adj", "a"} or not clause.tokens[index].capital):
        return None  # "die Rechnung": a noun that the language does not know
    name = " ".join(t.word for t in clause.tokens[index:end])
    return Term("name", 1, start, end, joined, name=name, given=given)
