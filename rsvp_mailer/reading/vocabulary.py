"""A sentence's words under the eyes of one language: classes, number words, dates in words.

Longer entries win over shorter ones; a word that no entry knows keeps no class and counts as unexplained.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rsvp_mailer.reading.days import merge_days
from rsvp_mailer.reading.normalise import fold_words
from rsvp_mailer.reading.patterns import build_graph
from rsvp_mailer.reading.tokens import Token
from rsvp_mailer.reading.word_forms import written_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from rsvp_mailer.reading.patterns import Node, Rule

LONGEST_ENTRY_WORDS = 5
Entry = tuple[frozenset[str], int | None]
_UNKNOWN: Entry = (frozenset(), None)


@dataclass(frozen=True, slots=True, repr=False)
class GivenNames:
    """Folded given names of all languages. ``also_words``: those that count only with a capital."""

    certain: frozenset[str]
    also_words: frozenset[str]

    def has(self, token: Token) -> bool:
        """Whether ``token`` is a given name, or begins with one ("Anna-Lena")."""
        first = token.word.split("-", 1)[0]
        return first in self.certain or (token.capital and first in self.also_words)


@dataclass(frozen=True, eq=False, repr=False)
class Language:
    """One language file, compiled.

    ``ready``: its readings may decide; otherwise they are suggestions and every mail is held.
    ``entries``: folded words to classes and value. ``starts``/``ends``: the same for parts of words.
    ``openings``: first words of the entries with several.
    ``enclitics``/``plurals``: endings that nouns bear. ``letters``: typical letters, for recognition.
    """

    code: str
    ready: bool
    interpreter: str
    letters: frozenset[str]
    rules: tuple[Rule, ...]
    entries: Mapping[tuple[str, ...], Entry]
    openings: Mapping[str, int]
    starts: Mapping[str, frozenset[str]]
    ends: Mapping[str, frozenset[str]]
    proclitics: tuple[str, ...]
    joins: frozenset[str]
    joined_ends: frozenset[str]
    ordinal_ends: frozenset[str]
    abbreviations: frozenset[str]
    months: frozenset[str]
    month_numbers: Mapping[str, int]
    weekday_numbers: Mapping[str, int]
    respellings: Mapping[str, str]
    part_lengths: tuple[int, ...]
    given_names: GivenNames
    enclitics: tuple[str, ...]
    plurals: tuple[str, ...]
    stem_changes: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Language({self.code})"

    @cached_property
    def graph(self) -> Node:
        """All patterns of the language as one graph, built when its first sentence is read."""
        return build_graph(self.rules)

    def classes_of(self, word: str) -> frozenset[str]:
        """The classes of one folded word, or none where the word is unknown."""
        known = self.entries.get((word,))
        if known is not None:
            return known[0]
        for size in self.part_lengths:
            if size <= len(word):
                classes = self.starts.get(word[:size]) or self.ends.get(word[-size:])
                if classes:
                    return classes
        if "-" in word:
            return self.classes_of(word.rsplit("-", 1)[1])
        return self._stem_classes(word)

    def _stem_classes(self, word: str) -> frozenset[str]:
        """The classes of a noun below a possessive and the ending of a plural ("خانمم", "دوستانم")."""
        for ending in self.enclitics:
            if word.endswith(ending) and (known := self._inflected(word[: -len(ending)])):
                return known
        return self._plural_classes(word)

    def _inflected(self, stem: str) -> frozenset[str]:
        changed = self.stem_changes.get(stem[-1:])
        for base in (stem,) if changed is None else (stem, stem[:-1] + changed):
            known = self.entries.get((base,), _UNKNOWN)[0]
            if len(base) > 1 and known and known <= _INFLECTED:
                return known
        return self._plural_classes(stem)

    def _plural_classes(self, word: str) -> frozenset[str]:
        for ending in self.plurals:
            stem = word[: -len(ending)] if word.endswith(ending) else ""
            known = self.entries.get((stem,), _UNKNOWN)[0]
            if len(stem) > 1 and known and known <= _INFLECTED:
                return (known - {"kin"}) | {"kins"} if "kin" in known else known
        return frozenset()


# What may bear such endings; never a verb, a number, a negation or a hedge.
_INFLECTED = frozenset(
    ("noun", "event", "foreign_event", "org", "crowd", "adj", "adv", "prep", "day", "unit", "kin", "kins", "child",
     "people", "come_inf", "title"),
)  # fmt: skip


def build_vocabulary(
    file: Mapping[str, Any],
    words: Mapping[str, Sequence[str]],
    numerals: Mapping[tuple[str, ...], int],
    rules: Sequence[Rule],
    names: GivenNames,
) -> Language:
    """Compile the tables of one language file; ``words`` are folded."""
    entries: dict[tuple[str, ...], Entry] = {}
    starts: dict[str, frozenset[str]] = {}
    ends: dict[str, frozenset[str]] = {}
    months = _numbered(file.get("months", []))
    weekdays = _numbered(file.get("weekdays", []))
    shared: dict[frozenset[str], Entry] = {}  # few combinations for ten thousands of words
    for name, listed in (*words.items(), ("month", months), ("weekday", weekdays)):
        more: dict[Entry, Entry] = {}
        for entry in listed:
            if entry.startswith("*"):
                ends[entry[1:]] = ends.get(entry[1:], frozenset()) | {name}
            elif entry.endswith("*"):
                starts[entry[:-1]] = starts.get(entry[:-1], frozenset()) | {name}
            else:
                key = tuple(entry.split())
                known = entries.get(key, _UNKNOWN)
                wider = more.get(known)
                if wider is None:
                    joined = known[0] | {name}
                    wider = more[known] = shared.setdefault(joined, (joined, None))
                entries[key] = wider
    for key, number in numerals.items():
        entries[key] = (entries.get(key, (frozenset(),))[0] | {"n"}, number)
    for word in _pattern_words(rules):
        entries.setdefault((word,), (frozenset(), None))
    openings: dict[str, int] = {}
    for key in entries:
        openings[key[0]] = max(openings.get(key[0], 1), len(key))
    return Language(
        code=file["code"],
        ready=file.get("ready", False),
        interpreter=file.get("interpreter", ""),
        letters=frozenset(file.get("letters", "")),
        rules=tuple(rules),
        entries=entries,
        openings={word: length for word, length in openings.items() if length > 1},
        starts=starts,
        ends=ends,
        proclitics=_longest_first(file.get("proclitics", ())),
        joins=frozenset(fold_words(p) for p in file.get("joins", ())),
        joined_ends=frozenset(fold_words(p) for p in file.get("joined_ends", ())),
        ordinal_ends=frozenset(file.get("ordinal_ends", ())),
        abbreviations=frozenset(fold_words(a) for a in file.get("abbreviations", ())),
        months=frozenset(months),
        month_numbers=months,
        weekday_numbers=weekdays,
        part_lengths=tuple(sorted({len(part) for part in (*starts, *ends)}, reverse=True)),
        respellings=_respellings(key[0] for key in entries),
        given_names=names,
        enclitics=_longest_first(file.get("enclitics", ())),
        plurals=_longest_first(file.get("plurals", ())),
        stem_changes={fold_words(end): fold_words(base) for end, base in file.get("stem_changes", {}).items()},
    )


def _respellings(words: Iterable[str]) -> dict[str, str]:
    """Spellings without letters that many keyboards lack, where they stand for one word only ("سی" is 30)."""
    found: dict[str, str | None] = {}
    known = set(words)
    for word in known:
        loose = word.replace("ێ", "ی")
        if loose != word:
            found[loose] = None if loose in known or loose in found else word
    return {loose: word for loose, word in found.items() if word is not None}


def _longest_first(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted((fold_words(part) for part in parts), key=len, reverse=True))


def _pattern_words(rules: Sequence[Rule]) -> set[str]:
    """Words that stand in patterns: known to the language even where they have no class."""
    phrases = " ".join(phrase for rule in rules for phrase in rule.phrases)
    return {word for word in re.split(r"[\s()|?]+", re.sub(r"<[^>]*>", " ", phrases)) if word.isalpha()}


def _numbered(listed: Sequence[Sequence[str]]) -> dict[str, int]:
    return {fold_words(word): number for number, words in enumerate(listed, 1) for word in words}


def classify(tokens: Sequence[Token], language: Language, day: date) -> list[Token]:
    """``tokens`` of one sentence with their classes in ``language``; entries of several words become one token.

    ``day``: the event's, which tells ``ourday`` from ``otherday``.
    """
    merged = _merge_entries(written_words(tokens, language), language)
    dated = merge_days(merged, language, day)
    for token in dated:
        token.keys = (token.word, *(f"<{name}>" for name in token.classes))
        if not token.classes and token.kind == "word" and token.capital:
            token.keys += ("<name>",)
    return dated


def _merge_entries(tokens: list[Token], language: Language) -> list[Token]:
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        length = min(language.openings.get(token.word, 1), LONGEST_ENTRY_WORDS, len(tokens) - index)
        for size in range(length, 1, -1):
            words = tuple(t.word for t in tokens[index : index + size])
            entry = language.entries.get(words)
            if entry is not None:
                result.append(_with_entry(token, tokens[index + size - 1].end, " ".join(words), entry))
                index += size
                break
        else:
            if token.kind == "word":
                token.word = language.respellings.get(token.word, token.word)
                known = language.entries.get((token.word,))
                if known is not None:
                    token.classes, token.value = known
                    token.listed = True
                else:
                    token.classes = _name_class(token, language) or language.classes_of(token.word)
            elif token.value is not None and token.kind == "number":
                token.classes = frozenset(("n",))
            elif token.kind == "percent":
                token.classes = frozenset(("sure" if token.word.startswith("100") else "hedge",))
            elif token.kind != "mark":
                token.classes = frozenset((token.kind if token.kind != "number" else "measure",))
            else:
                token.classes = language.entries.get((token.word,), (frozenset(), None))[0]
            result.append(token)
            index += 1
    return result


_NAME = frozenset(("name",))


def _name_class(token: Token, language: Language) -> frozenset[str]:
    return _NAME if language.given_names.has(token) else frozenset()


def _with_entry(first: Token, end: int, word: str, entry: Entry) -> Token:
    return Token("word", word, first.start, end, first.capital, entry[1], classes=entry[0])
