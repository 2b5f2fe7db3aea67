"""The frame of a letter: greeting, closing and the names below it say nothing about coming.

What stands below the closing is left out unless it speaks again ("PS", "wir sind zu dritt").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.terms import is_given_name, is_name
from rsvp_mailer.reading.tokens import Token

if TYPE_CHECKING:
    from rsvp_mailer.reading.tokens import Sentence

GREETING_WORDS = 14
NAME_LINE_WORDS = 6
SIGNATURE_LINE_WORDS = 8
_SAYS = frozenset(("n", "i", "we", "v", "neg", "yes", "no"))
_FRAME = frozenset(("title", "addressee", "greet", "and", "loan", "det", "my", "adj", "prep", "name"))


def strip_frame(sentences: list[Sentence]) -> list[Sentence]:
    """The sentences between greeting and closing; classes must be set."""
    body: list[Sentence] = []
    closed = False
    for index, sentence in enumerate(sentences):
        tokens = _after_greeting(sentence.tokens, said=bool(body)) if index < 3 else sentence.tokens
        closing = _closing(tokens, last=index >= len(sentences) - 4)
        if closed and not _speaks_again(tokens):
            continue
        closed = False  # thanks may open a letter as well as close it
        if closing is not None:
            tokens, closed = tokens[:closing], True
        if tokens:
            sentence.tokens = tokens
            body.append(sentence)
    joined = _join_lists(body)
    return joined if closed else _without_signature(joined)


def names_several(signature: list[Token]) -> bool:
    """Whether two people, a couple or a family stand in the words below the last sentence: "Ivo und Petra"."""
    tokens = [t for t in signature if t.kind != "mark" or t.word in "&+"]
    for one, joint, other in zip(tokens, tokens[1:], tokens[2:], strict=False):
        joined = bool(joint.classes & {"and", "plus"}) or joint.word in ("&", "+")
        certain = is_given_name(one) or is_given_name(other) or "title" in other.classes
        if joined and certain and is_name(one) and (is_name(other) or "title" in other.classes):
            return True
    return any("pair" in t.classes or ("crowd" in t.classes and "org" not in t.classes) for t in tokens)


def _join_lists(body: list[Sentence]) -> list[Sentence]:
    """Names one a line, below a line that a colon ends or that speaks of persons, become one sentence with it.

    Each line is one person: "1. Dr. Ulf Mertens (Jugendmigrationsdienst)".
    """
    joined: list[Sentence] = []
    paragraph = -1  # of the last entry; -1 where no list is open
    for sentence in body:
        begins = bool(joined) and joined[-1].tokens[-1].word == ":"
        continues = paragraph >= 0 and (sentence.paragraph == paragraph or _is_label(sentence.tokens[0]))
        entry = _entry(sentence, among_others=continues) if begins or continues else []
        if continues and not entry and _is_sender(sentence.tokens):
            entry = [token for token in sentence.tokens if not _is_label(token)]
        if entry:
            comma = Token("mark", ",", entry[0].start, entry[0].start)
            joined[-1].tokens += entry if begins else [comma, *entry]
            joined[-1].mark, paragraph = sentence.mark, sentence.paragraph
        else:
            joined.append(sentence)
            paragraph = -1
    return joined


def _is_sender(tokens: list[Token]) -> bool:
    """Whether the line is "und ich"."""
    return any("i" in t.classes for t in tokens) and all(t.classes & {"i", "and"} or _is_label(t) for t in tokens)


def _is_label(token: Token) -> bool:
    """Whether it numbers or marks an entry of a list."""
    return token.word in ("-", "*", "•", "–", ")", ".") or token.kind in ("number", "ordinal")


def _entry(sentence: Sentence, *, among_others: bool) -> list[Token]:
    """The name of a line that is nothing but an entry of a list, as one token; none where it says something."""
    tokens = sentence.tokens
    while tokens and _is_label(tokens[0]):
        tokens = tokens[1:]
    end = next((i for i, t in enumerate(tokens) if t.word in ("(", ",", "-", "–", ";")), len(tokens))
    name = tokens[:end]
    said = any(t.classes & (_SAYS | {"and", "people", "kins", "crowd", "my", "with", "plus"}) for t in tokens)
    said = said or any(t.classes & {"event", "org"} for t in name)
    called = any(is_given_name(t) or "title" in t.classes for t in name) or (among_others and bool(name))
    if said or not called or len(name) > NAME_LINE_WORDS or not sentence.own_line:
        return []
    full = " ".join(t.word for t in name)
    person = Token("word", full, name[0].start, name[-1].end, capital=True, classes=frozenset(("name",)))
    person.keys = (full, "<name>")
    return [person]


def _after_greeting(tokens: list[Token], *, said: bool) -> list[Token]:
    """The words behind a greeting; ``said``: something stands before, so that a title alone greets nobody."""
    start = 0
    while start < len(tokens) and tokens[start].kind == "mark" and tokens[start].word not in "([":
        start += 1
    if start >= len(tokens) or "greet" not in tokens[start].classes:
        return tokens[_vocative(tokens) :]
    if "title" in tokens[start].classes and (said or _are_subject(tokens[start:])):
        return tokens
    for index in range(start, min(len(tokens), start + GREETING_WORDS)):
        token = tokens[index]
        if token.word == ",":
            return _after_greeting(tokens[index + 1 :], said=said)
        if token.classes & _SAYS:
            break
    else:
        if len(tokens) <= GREETING_WORDS:
            return []
    index = start + 1
    while index < len(tokens) and (
        tokens[index].classes & _FRAME - {"det", "my", "prep", "and"} or is_name(tokens[index])
    ):
        index += 1
    return tokens[index:]


def _are_subject(tokens: list[Token]) -> bool:
    """Whether those called by title do something: "Madame Kolb et Monsieur Beier viendront"."""
    called = ("title", "and", "kin", "name")
    after = next((t for t in tokens if not (any(c in t.classes for c in called) or is_name(t))), None)
    return after is not None and bool(after.classes & {"v", "aux", "come_inf"})


def _vocative(tokens: list[Token]) -> int:
    """Where "Frau Kiwitt, ich nehme teil" begins to speak; 0 where nobody of the office is called."""
    index = 0
    while index < len(tokens) and tokens[index].classes & {"title", "addressee"}:
        index += 1
    called = any("addressee" in t.classes for t in tokens[:index])
    ends = index < len(tokens) and (tokens[index].word in (",", "!") or bool(tokens[index].classes & {"i", "we"}))
    return index if called and ends else 0


_SPOKEN = frozenset(("v", "i", "we", "neg", "come_inf"))


def _closing(tokens: list[Token], *, last: bool) -> int | None:
    """Where the closing begins; inside a line only near the end of the mail and before a name."""
    for index, token in enumerate(tokens):
        if "bye" not in token.classes:
            continue
        rest = tokens[index + 1 :]
        said = any(t.classes & _SPOKEN for t in rest)
        if (index == 0 and not said and (len(rest) <= 8 or not any("n" in t.classes for t in rest))) or (
            last and len(rest) <= NAME_LINE_WORDS and not any(t.classes & _SAYS for t in rest)
        ):
            return index
    return None


def _speaks_again(tokens: list[Token]) -> bool:
    if any("ps" in t.classes for t in tokens[:2]):
        return True
    says = [t.classes & _SAYS for t in tokens]
    return any("v" in s for s in says) and any(s & {"i", "we", "n"} for s in says)


def _without_signature(body: list[Sentence]) -> list[Sentence]:
    """Drop the lines below the last words of a mail that has no closing: a name, what its bearer is, and where."""
    end = len(body)
    persons = 0
    while end > 1 and body[end - 2].tokens[-1].word != ":" and _is_signature_line(body[end - 1]):
        persons += _names_somebody(body[end - 1].tokens)
        end -= 1
    if persons > 1 or (end < len(body) and not _stands_apart(body, end)):
        return body  # two names are a couple, or a list of guests
    return body[:end]


def _stands_apart(body: list[Sentence], end: int) -> bool:
    """Whether the lines from ``end`` on cannot belong to the sentence before them."""
    before = body[end - 1]
    return before.mark not in ("", ":") or before.paragraph != body[end].paragraph or before.own_line


def _names_somebody(tokens: list[Token]) -> bool:
    return any(is_given_name(t) or "title" in t.classes for t in tokens)


_NO_SIGNATURE = frozenset(
    ("i", "we", "my", "v", "neg", "none", "yes", "no", "hedge", "with", "without", "besides", "plus", "people", "kins",
     "crowd", "pair", "trio", "both", "all", "total", "only", "extra", "about", "or", "ourday", "otherday", "come_inf",
     "cond", "but", "glad", "regret", "late", "date", "time", "day"),
)  # fmt: skip
_FORMAL = frozenset(("phone", "link", "numbered", "measure", "ordinal", "org"))


def _is_signature_line(sentence: Sentence) -> bool:
    """Whether a line says at most who wrote and from where: "Ruth Wegener", "Ratsfrau", "Klasse 3b, Raum 112"."""
    tokens = [t for t in sentence.tokens if t.kind != "mark"]
    if _is_name_line(sentence):
        return True
    if sentence.mark == "?" or not sentence.own_line or not tokens or len(tokens) > SIGNATURE_LINE_WORDS:
        return False
    if any(t.classes & _NO_SIGNATURE for t in tokens) or not (tokens[0].capital or tokens[0].kind != "word"):
        return False
    joins = any("and" in t.classes for t in tokens)
    people = any(t.classes & {"kin", "child"} or is_given_name(t) for t in tokens)
    counts = any("n" in t.classes for t in tokens) and not any(t.classes & _FORMAL for t in tokens)
    return not (joins and people) and not counts


def _is_name_line(sentence: Sentence) -> bool:
    if sentence.mark == "?":
        return False
    tokens = [t for t in sentence.tokens if t.kind != "mark"]
    if (
        not tokens
        or len(tokens) > NAME_LINE_WORDS
        or any(t.classes & (_SAYS | {"event", "kin", "kins", "people"}) for t in tokens)
    ):
        return False
    return all(
        is_name(t)
        or "you" in t.classes
        or t.classes & _FRAME
        or (len(tokens) <= 2 and not t.classes and not t.listed)
        or len(t.word) == 1
        for t in tokens
    )
