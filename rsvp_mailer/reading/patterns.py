"""Patterns over words and word classes, and the one engine that matches them.

A pattern is a row of elements: ``word``, ``(one|other)``, ``<class>``, any of these with ``?`` when it may be
missing, ``$`` for the end of the clause, and ``...`` for up to fourteen words in between. Patterns are merged
into one graph, so the time a text takes depends on its words and hardly on the number of rules, and nothing can
run away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.reading.meanings import OVERLAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rsvp_mailer.reading.tokens import Token

GAP_WORDS = 14
_ELEMENT = re.compile(r"\.\.\.|<[a-z_0-9]+>\??|\([^()]*\)\??|[^\s()<>]+")


@dataclass(frozen=True, slots=True)
class Rule:
    """One named piece of language knowledge.

    ``means``: what the words mean to the engine (see ``meanings.py``); ``who``: whom the verb form speaks of
    (``i``, ``we``, ``they``), empty where the subject tells. ``blocks``: rules that count for nothing within
    the span of this one. ``fires`` marks the expected span with square brackets; ``silent`` must not fire.
    """

    id: str
    means: str
    phrases: tuple[str, ...]
    fires: tuple[str, ...]
    silent: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    who: str = ""
    value: str = ""
    source: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """A place in the graph of all patterns: what may come next, and the rules that end here."""

    next: dict[str, list[Node]] = field(default_factory=dict)
    gaps: list[Node] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Match:
    """``rule`` was found; ``tokens`` are the indexes of the words it explains, in order."""

    rule: Rule
    tokens: tuple[int, ...]

    @property
    def start(self) -> int:
        """Index of the first token."""
        return self.tokens[0]

    @property
    def end(self) -> int:
        """Index after the last token."""
        return self.tokens[-1] + 1


def elements(phrase: str) -> list[str]:
    """The elements of a pattern as written."""
    return _ELEMENT.findall(phrase)


def build_graph(rules: Iterable[Rule]) -> Node:
    """Merge all phrases of all rules: patterns that begin alike share their beginning.

    An element leads all ways into one place, so that alternatives and words that may be missing add up instead
    of multiplying.
    """
    root = Node()
    places: dict[tuple[tuple[int, ...], str], Node] = {}
    kept: list[Node] = [root]  # ids stay unique while all places live
    for rule in rules:
        for phrase in rule.phrases:
            ends = [root]
            for part in elements(phrase):
                ends = _step(ends, part, places, kept)
            for node in ends:
                if rule not in node.rules:
                    node.rules.append(rule)
    return root


def _step(
    nodes: list[Node], part: str, places: dict[tuple[tuple[int, ...], str], Node], kept: list[Node]
) -> list[Node]:
    """The places behind ``nodes`` once ``part`` was read."""
    optional = part.endswith("?") and len(part) > 1
    plain = part[:-1] if optional else part
    choices = plain[1:-1].split("|") if plain.startswith("(") else [plain]
    key = (tuple(id(node) for node in nodes), plain)
    place = places.get(key)
    if place is None:
        place = places[key] = Node()
        kept.append(place)
        for node in nodes:
            if plain == "...":
                node.gaps.append(place)
                continue
            for choice in filter(str.strip, choices):
                _lead(node, choice.split(), place)
    return [*nodes, place] if optional or "" in choices else [place]


def _lead(node: Node, words: list[str], place: Node) -> None:
    """Lay a way of ``words`` from ``node`` to ``place``."""
    for word in words[:-1]:
        following = Node()
        node.next.setdefault(word, []).append(following)
        node = following
    node.next.setdefault(words[-1], []).append(place)


def find_matches(root: Node, tokens: Sequence[Token], start: int, stop: int) -> list[Match]:
    """The rules found in ``tokens[start:stop]``: longest first, none overlapping, blocked ones left out."""
    found: list[Match] = []
    spoken = _Spoken(tokens, start, stop)
    ways: list[tuple[Node, int, tuple[int, ...]]] = []  # places reached, where to read on, the tokens read
    for index in range(start, stop):
        _read(root, tokens, index, (), ways)
    while ways:
        node, index, path = ways.pop()
        found.extend(Match(rule, path) for rule in node.rules)
        if "$" in node.next and (index >= stop or tokens[index].kind == "mark"):
            found.extend(Match(rule, path) for end in node.next["$"] for rule in end.rules)
        if index < stop:
            _read(node, tokens, index, path, ways)
            for gap in node.gaps:
                spoken.leap(gap, index, path, ways)
    return _choose(_unblocked(found)) if found else found


class _Spoken:
    """Where the words and classes of a clause stand, so that a gap need not be walked through."""

    __slots__ = ("joined", "places", "tokens")

    def __init__(self, tokens: Sequence[Token], start: int, stop: int) -> None:
        self.tokens = tokens
        self.places: dict[str, list[int]] = {}
        self.joined = [index for index in range(start, stop) if " " in tokens[index].word]
        for index in range(start, stop):
            for key in tokens[index].keys:
                self.places.setdefault(key, []).append(index)

    def leap(self, gap: Node, index: int, path: tuple[int, ...], ways: list[tuple[Node, int, tuple[int, ...]]]) -> None:
        """Add the places that the next words behind a gap lead to."""
        for key in gap.next.keys() & self.places.keys():
            for skipped in self.places[key]:
                if index <= skipped < index + GAP_WORDS:
                    ways.extend((place, skipped + 1, (*path, skipped)) for place in gap.next[key])
        for skipped in self.joined:
            if index <= skipped < index + GAP_WORDS:
                following = _word_by_word(gap, self.tokens[skipped].word)
                ways.extend((place, skipped + 1, (*path, skipped)) for place in following)


def _read(
    node: Node,
    tokens: Sequence[Token],
    index: int,
    path: tuple[int, ...],
    ways: list[tuple[Node, int, tuple[int, ...]]],
) -> None:
    """Add the places that one token leads to."""
    token, following = tokens[index], node.next
    for key in token.keys:
        if key in following:
            read = (*path, index)
            ways.extend((place, index + 1, read) for place in following[key])
    if " " in token.word:
        read = (*path, index)
        ways.extend((place, index + 1, read) for place in _word_by_word(node, token.word))


def _word_by_word(node: Node, words: str) -> list[Node]:
    """Follow an entry of several words ("noch nicht") as the words it is made of."""
    reached = [node]
    for word in words.split():
        reached = [following for place in reached for following in place.next.get(word, ())]
    return reached


def _unblocked(found: list[Match]) -> list[Match]:
    blockers = [match for match in found if match.rule.blocks]
    if not blockers:
        return found
    return [
        match
        for match in found
        if not any(
            match.rule.id in other.rule.blocks and match.start < other.end and other.start < match.end
            for other in blockers
        )
    ]


def _choose(found: list[Match]) -> list[Match]:
    found.sort(key=lambda m: (-len(m.tokens), m.end - m.start, m.start, m.rule.id, m.tokens))
    taken: set[int] = set()
    chosen: list[Match] = []
    for match in found:
        if match.rule.means in OVERLAYS:  # a wish beside the answer takes no word away from it
            if not any(match.rule is other.rule for other in chosen):
                chosen.append(match)
        elif taken.isdisjoint(match.tokens):
            taken.update(match.tokens)
            chosen.append(match)
    chosen.sort(key=lambda m: m.start)
    return chosen
