"""Sentences cut into clauses, each a statement of its own.

A clause begins at a word that opens one (aber, weil, ob, wenn), and at a comma, dash or "und" where both
sides have a verb. A part without a verb stays with its neighbour: lists of people must not be torn apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.reading.meanings import OVERLAYS

if TYPE_CHECKING:
    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.tokens import Token
    from rsvp_mailer.reading.vocabulary import Language

# Classes that open a clause wherever they stand, and those that do so only after a comma or at the start.
_OPENERS = ("cond", "whether", "because", "although", "but", "that", "opens")
_AFTER_COMMA = ("relative",)
_SEPARATORS = frozenset((",", "-", "(", ")", ":", "/"))


@dataclass(slots=True, eq=False)
class Clause:
    """``opener``: the class of the word that opens it, empty for a main clause. ``mark``: what ends its sentence.

    ``places``: class to token indexes. ``matches`` and ``explained`` (token indexes) come from the rules.
    """

    tokens: list[Token]
    language: Language
    sentence: int
    opener: str = ""
    mark: str = "."
    own_line: bool = False
    paragraph: int = 0
    answers: str | None = None
    sentence_start: bool = True
    matches: list[Match] = field(default_factory=list)
    explained: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)
    places: dict[str, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Note where each class stands; nearly every question asked of a clause is one of classes."""
        for index, token in enumerate(self.tokens):
            for name in token.classes:
                self.places.setdefault(name, []).append(index)

    def apply(self, matches: list[Match]) -> None:
        """Keep the matches; ``touched`` words belong to a wish and may still belong to people."""
        self.matches = matches
        for match in matches:
            (self.touched if match.rule.means in OVERLAYS else self.explained).update(match.tokens)

    def free(self, name: str) -> list[int]:
        """Indexes of the tokens of class ``name`` that no rule explains."""
        return [i for i in self.places.get(name, ()) if i not in self.explained]

    def has(self, name: str) -> bool:
        """Whether a token of class ``name`` stands here, explained or not."""
        return name in self.places

    def means(self, *meanings: str) -> list[Match]:
        """The matches with one of these meanings."""
        return [m for m in self.matches if m.rule.means in meanings]


_SAYS = frozenset(
    ("n", "i", "we", "they", "neg", "v", "kin", "kins", "people", "child", "cond", "hedge", "incl", "only")
)


def without_brackets(tokens: list[Token]) -> list[Token]:
    """Leave out brackets that hold a mere addition ("(Bezirksdienst Nordviertel)")."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        if tokens[index].word == "(":
            end = next((i for i in range(index, len(tokens)) if tokens[i].word == ")"), len(tokens))
            if (
                _is_age(tokens, index, end)
                or _is_label(tokens[index + 1 : end])
                or _says_again(tokens, index, end)
                or not any(map(_may_say, tokens[index:end]))
            ):
                index = end + 1
                continue
        kept.append(tokens[index])
        index += 1
    return kept


def _may_say(token: Token) -> bool:
    """Whether the word may tell of people or coming; one without a class may be part of a pattern ("zu dritt")."""
    loose = token.kind == "word" and not token.classes and not token.capital
    return loose or bool(token.classes & _SAYS)


def _says_again(tokens: list[Token], index: int, end: int) -> bool:
    """Whether it is "zehn (10) Personen"."""
    value = tokens[index - 1].value if index else None
    return value is not None and end - index == 2 and tokens[index + 1].value == value


def _is_age(tokens: list[Token], index: int, end: int) -> bool:
    """Whether it is "mein Sohn (12)" or "meine Mutter (74, mit Stock)": one person's age, and what else is said."""
    inside = tokens[index + 1 : end]
    if not index or not inside or inside[0].value is None or not _is_person(tokens[index - 1]):
        return False
    single = not tokens[index - 1].classes & {"kins", "n", "people", "child", "we"}
    remark = len(inside) > 2 and inside[1].word == "," and not any(t.value or _is_person(t) for t in inside[2:])
    return len(inside) == 1 or (single and remark)


def _is_label(inside: list[Token]) -> bool:
    """Whether a number behind a name of something is all that brackets hold: "(Team 714)"."""
    if len(inside) != 2 or inside[1].value is None:
        return False
    classes = inside[0].classes
    return inside[0].capital and not classes - {"noun", "crowd", "org", "numbered"}


def cut(tokens: list[Token]) -> list[tuple[str, list[Token]]]:
    """The clauses of one sentence as (opener, tokens)."""
    clauses: list[tuple[str, list[Token]]] = []
    parent: int | None = None  # the clause that a subordinate one interrupted
    for opens, segment in _segments(tokens):
        opener = opens if opens != "relative" or _has_verb(segment) else ""
        if not clauses:
            clauses.append((opener, segment))
        elif opener:
            parent = len(clauses) - 1 if not clauses[-1][0] else parent
            clauses.append((opener, segment))
        elif parent is not None and segment[0].word == "," and len(segment) > 1 and not _has_verb(clauses[parent][1]):
            clauses[parent][1].extend(segment)
            parent = None
        elif _has_verb(segment) and (_is_complete(clauses[-1], segment) or _is_remark(clauses[-1], segment)):
            clauses.append(("", segment))
        else:
            clauses[-1][1].extend(segment)
    return clauses


_SUBORDINATE = frozenset(("cond", "whether", "because", "although", "opens"))


def _is_complete(clause: tuple[str, list[Token]], segment: list[Token]) -> bool:
    """Whether ``segment``, which has a verb, begins a statement of its own behind ``clause``."""
    opener, tokens = clause
    if opener in _SUBORDINATE and segment[0].word == ",":
        return len(tokens) > 1
    return _has_verb(tokens) and not _lists_people(tokens, segment)


def _is_remark(clause: tuple[str, list[Token]], segment: list[Token]) -> bool:
    """Whether a subject and its verb follow words that speak of nobody: "Doch nur zu zweit, | Kati hat Dienst"."""
    opener, tokens = clause
    bare = not opener and len(tokens) > 1 and not _has_verb(tokens) and not any(_is_person(t) for t in tokens)
    return bare and segment[0].word == "," and len(segment) > 2 and _is_person(segment[1]) and _has_verb(segment[2:3])


_PEOPLE = frozenset(("i", "we", "they", "kin", "kins", "people", "child", "title", "n", "both"))


def _lists_people(before: list[Token], segment: list[Token]) -> bool:
    """Whether the cut would tear a row of people apart: "werden Frau A | und ich kommen"."""
    if "and" not in segment[0].classes:
        return False
    following = segment[1:4]
    return _is_person(before[-1]) and any(_is_person(t) for t in following[:1] + following[1:2])


def _is_person(token: Token) -> bool:
    return (
        bool(token.classes & _PEOPLE)
        or token.classes == {"name"}
        or (token.kind == "word" and token.capital and not token.classes)
    )


def _segments(tokens: list[Token]) -> list[tuple[str, list[Token]]]:
    """Parts between possible boundaries, with the class of the word that opens them."""
    parts: list[tuple[str, list[Token]]] = []
    before = ""
    for index, token in enumerate(tokens):
        opener = _opens(token, before, tokens[index + 1] if index + 1 < len(tokens) else None)
        if opener == "but" and before not in ("", ",", "-") and _is_bracket(parts[-1][1], tokens[index + 1]):
            opener = ""
        if opener or token.word in _SEPARATORS or "and" in token.classes or not parts:
            parts.append((opener, [token]))
        else:
            parts[-1][1].append(token)
        before = token.word
    return parts


def _is_bracket(before: list[Token], following: Token) -> bool:
    """Whether "but" and a negation stand inside a verb: "kann Ihnen aber noch nicht zusagen"."""
    verbs = [t.classes for t in before if "v" in t.classes]
    return "neg" in following.classes and bool(verbs) and all("aux" in classes for classes in verbs)


# What begins a clause of its own behind a "but" without a comma: "kommen aber ich", not "kann aber nicht".
_BEGINS = frozenset(("i", "we", "they", "v", "det", "my", "title", "kin", "kins", "n", "regret", "cond", "neg"))


def _opens(token: Token, before: str, following: Token | None) -> str:
    for name in _OPENERS:
        if name == "but" and before not in ("", ",", "-") and not (following and following.classes & _BEGINS):
            continue
        if name in token.classes:
            return name
    if before == ",":
        for name in _AFTER_COMMA:
            if name in token.classes:
                return name
    return ""


def _has_verb(tokens: list[Token]) -> bool:
    return any("v" in token.classes for token in tokens)
