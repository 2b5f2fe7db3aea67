"""Interpreters asked for, and the tags that the office should see beside any answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.statements import Statement

_LANGUAGES = ("ar", "ku", "prs", "fa", "fr", "en")

Found = tuple[str, "Statement", "Match"]


def find_interpreters(statements: Iterable[Statement]) -> list[Found]:
    """Language codes wished for, in the order of the guide, each with its evidence."""
    found: dict[str, Found] = {}
    for statement in statements:
        for match in statement.clause.means("interpreter"):
            for code in _languages_near(statement, match):
                found.setdefault(code, (code, statement, match))
    return [found[code] for code in _LANGUAGES if code in found]


def _languages_near(statement: Statement, match: Match) -> list[str]:
    if match.rule.value:
        return [match.rule.value]
    spoken = [statement.clause.tokens[i] for i in match.tokens] or statement.clause.tokens
    codes = [code for code in _LANGUAGES for t in spoken if f"lang_{code}" in t.classes]
    return codes or [code for code in _LANGUAGES for t in statement.clause.tokens if f"lang_{code}" in t.classes]


def find_tags(statements: Iterable[Statement]) -> list[Found]:
    """Tags by their rules, and ``question`` for a question that nothing else covers."""
    found: dict[str, Found] = {}
    for statement in statements:
        for match in statement.clause.means("tag"):
            found.setdefault(match.rule.value, (match.rule.value, statement, match))
        for match in statement.clause.means("event_ask"):
            found.setdefault(Tag.QUESTION.value, (Tag.QUESTION.value, statement, match))
    return list(found.values())


def asks_something(statements: Iterable[Statement]) -> bool:
    """Whether a question mark stands behind words that are no polite request, courtesy, or wish for an interpreter."""
    return any(
        "question" in s.flags
        and s.means != "register"
        and not s.clause.means("tag", "thanks", "nothing")
        and not find_interpreters([s])
        for s in statements
    )
