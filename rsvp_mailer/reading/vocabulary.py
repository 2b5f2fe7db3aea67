"""A sentence's words under the eyes of one language: classes, number words, dates in words.

Longer entries win over shorter ones; a word that no entry knows keeps no class and counts as unexplained.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rsvp_mailer.reading.normalise import fold_words
from rsvp_mailer.reading.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from rsvp_mailer.reading.patterns import Node, Rule

LONGEST_ENTRY_WORDS = 5
Entry = tuple[frozenset[str], int | None]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Language:
    """One language file, compiled.

    ``ready``: its readings may decide; otherwise they are suggestions and every mail is held.
    ``entries``: folded words to classes and value. ``starts``/``ends``: the same for parts of words.
    ``openings``: first words of the entries with several. ``letters``: typical letters, for recognition.
    """

    code: str
    ready: bool
    interpreter: str
    letters: frozenset[str]
    rules: tuple[Rule, ...]
    trie: Node
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

    def __repr__(self) -> str:
        return f"Language({self.code})"

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
        return frozenset()


def build_vocabulary(
    file: Mapping[str, Any],
    words: Mapping[str, Sequence[str]],
    numerals: Mapping[tuple[str, ...], int],
    rules: Sequence[Rule],
    trie: Node,
) -> Language:
    """Compile the tables of one language file."""
    classes: dict[tuple[str, ...], set[str]] = {}
    starts: dict[str, set[str]] = {}
    ends: dict[str, set[str]] = {}
    for name, listed in words.items():
        for entry in listed:
            folded = fold_words(entry).replace("'", " ")
            if folded.startswith("*"):
                ends.setdefault(folded[1:], set()).add(name)
            elif folded.endswith("*"):
                starts.setdefault(folded[:-1], set()).add(name)
            else:
                classes.setdefault(tuple(folded.split()), set()).add(name)
    months = _numbered(file.get("months", []))
    weekdays = _numbered(file.get("weekdays", []))
    for name, table in (("month", months), ("weekday", weekdays)):
        for word in table:
            classes.setdefault(tuple(word.split()), set()).add(name)
    entries: dict[tuple[str, ...], Entry] = {key: (frozenset(value), None) for key, value in classes.items()}
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
        trie=trie,
        entries=entries,
        openings={word: length for word, length in openings.items() if length > 1},
        starts={key: frozenset(value) for key, value in starts.items()},
        ends={key: frozenset(value) for key, value in ends.items()},
        proclitics=tuple(fold_words(p) for p in file.get("proclitics", ())),
        joins=frozenset(fold_words(p) for p in file.get("joins", ())),
        joined_ends=frozenset(fold_words(p) for p in file.get("joined_ends", ())),
        ordinal_ends=frozenset(file.get("ordinal_ends", ())),
        abbreviations=frozenset(fold_words(a) for a in file.get("abbreviations", ())),
        months=frozenset(months),
        month_numbers=months,
        weekday_numbers=weekdays,
        part_lengths=tuple(sorted({len(part) for part in (*starts, *ends)}, reverse=True)),
        respellings=_respellings(key[0] for key in entries),
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
    merged = _merge_entries(_split_and_join(tokens, language), language)
    dated = _merge_dates(merged, language, day)
    for token in dated:
        token.keys = (token.word, *(f"<{name}>" for name in token.classes))
        if not token.classes and token.kind == "word" and (token.capital or not token.word[0].isascii()):
            token.keys += ("<name>",)
    return dated


def _split_and_join(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Prefixes that are words of their own are split off, particles written apart are joined (می آیم)."""
    if not language.proclitics and not language.joins and not language.joined_ends:
        return [_copy(token) for token in tokens]
    result: list[Token] = []
    for token in tokens:
        last = result[-1] if result else None
        if last is not None and token.kind == "word" == last.kind and token.start - last.end <= 1:
            if last.word in language.joins or token.word in language.joined_ends:
                result[-1] = Token("word", last.word + token.word, last.start, token.end, last.capital)
                continue
        if token.kind == "word" and not language.classes_of(token.word):
            result += _proclitics(token, language)
        else:
            result.append(_copy(token))
    return result


def _proclitics(token: Token, language: Language) -> list[Token]:
    for prefix in language.proclitics:
        rest = token.word[len(prefix) :]
        if token.word.startswith(prefix) and len(rest) > 1 and language.classes_of(rest):
            middle = token.start + len(prefix)
            return [Token("word", prefix, token.start, middle), Token("word", rest, middle, token.end)]
    return [_copy(token)]


def _copy(token: Token) -> Token:
    return Token(token.kind, token.word, token.start, token.end, token.capital, token.value)


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
                else:
                    token.classes = language.classes_of(token.word)
            elif token.value is not None and token.kind == "number":
                token.classes = frozenset(("n",))
            elif token.kind != "mark":
                token.classes = frozenset((token.kind if token.kind != "number" else "measure",))
            else:
                token.classes = language.entries.get((token.word,), (frozenset(), None))[0]
            result.append(token)
            index += 1
    return result


def _with_entry(first: Token, end: int, word: str, entry: Entry) -> Token:
    return Token("word", word, first.start, end, first.capital, entry[1], classes=entry[0])


def _merge_dates(tokens: list[Token], language: Language, day: date) -> list[Token]:
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        size, token = _dated(tokens, index, result[-1] if result else None, language, day)
        result.append(token)
        index += size
    return result


def _dated(tokens: list[Token], index: int, before: Token | None, language: Language, day: date) -> tuple[int, Token]:
    """The token at ``index`` and how many it swallows: dates, weekdays, numbered things, measures."""
    token = tokens[index]
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if token.kind == "date":
        return 1, _day(token, token.end, _same_numeric_day(token.word, day))
    if "weekday" in token.classes and token.value is None:
        token.classes |= {"ourday" if language.weekday_numbers.get(token.word, 0) == day.isoweekday() else "otherday"}
        return 1, token
    if "numbered" in token.classes and after is not None and (after.value is not None or _is_code(after)):
        return 2, _merged(token, after, "measure")
    if token.value is None or token.kind not in ("number", "ordinal", "word"):
        if "month" in token.classes and after is not None and after.value is not None and after.value < 32:
            return 2, _day(token, after.end, _is_day(after.value, language.month_numbers[token.word], day))
        return 1, token
    return _counted(tokens, index, before, language, day)


def _counted(tokens: list[Token], index: int, before: Token | None, language: Language, day: date) -> tuple[int, Token]:
    token, value = tokens[index], tokens[index].value or 0
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if after is not None and after.word in language.ordinal_ends and after.start == token.end:
        month = tokens[index + 2] if index + 2 < len(tokens) else None
        if month is not None and "month" in month.classes:
            return 3, _day(token, month.end, _is_day(value, language.month_numbers[month.word], day))
        return 2, _day(token, after.end, value == day.day) if value > 3 else _merged(token, after, "ordinal")
    if after is not None and "month" in after.classes and value < 32:
        size, end = 2, after.end
        if index + 2 < len(tokens) and (tokens[index + 2].value or 0) > 1900:
            size, end = 3, tokens[index + 2].end
        return size, _day(token, end, _is_day(value, language.month_numbers[after.word], day))
    if after is not None and "unit" in after.classes:
        merged = _merged(token, after, "measure")
        merged.classes |= after.classes & {"minutes", "hours", "time"}
        merged.value = value if merged.classes & {"minutes", "hours"} else None
        merged.word = str(value) if "time" in merged.classes else merged.word
        return 2, merged
    if token.kind == "ordinal":
        if before is not None and "on" in before.classes:
            return 1, _day(token, token.end, value == day.day)
        token.classes = frozenset(("ordinal",))
        return 1, token
    if token.kind == "number" and 1900 <= value <= 2100:
        token.classes = frozenset(("measure",))
        return 1, token
    counted = after is not None and after.classes & {"people", "kin", "kins", "child"}
    if before is not None and not counted and token.kind == "number":
        if "on" in before.classes and value == day.day:
            return 1, _day(token, token.end, same=True)
        if "at" in before.classes and value <= 24:
            token.classes, token.word = frozenset(("time",)), str(value)
    return 1, token


def _is_code(token: Token) -> bool:
    return token.kind == "word" and len(token.word) <= 3 and set(token.word) <= set("ivxabcd")


def _merged(first: Token, last: Token, name: str) -> Token:
    return Token(name, first.word, first.start, last.end, classes=frozenset((name,)))


def _day(first: Token, end: int, same: bool) -> Token:
    return Token("date", first.word, first.start, end, classes=frozenset(("date", "ourday" if same else "otherday")))


def _is_day(number: int, month: int, day: date) -> bool:
    return number == day.day and month == day.month


def _same_numeric_day(text: str, day: date) -> bool:
    parts = [int(part) for part in text.replace("/", ".").replace("-", ".").split(".") if part.strip()]
    if len(parts) == 3 and parts[0] > 31:
        parts.reverse()
    if len(parts) == 3 and parts[2] % 100 != day.year % 100:
        return False
    return len(parts) > 1 and _is_day(parts[0], parts[1], day)
