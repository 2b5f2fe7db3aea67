"""The frame of a letter: greeting, closing and the names below it say nothing about coming.

What stands below the closing is left out unless it speaks again ("PS", "wir sind zu dritt").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.groups import is_name

if TYPE_CHECKING:
    from rsvp_mailer.reading.tokens import Sentence, Token

GREETING_WORDS = 14
NAME_LINE_WORDS = 6
_SAYS = frozenset(("n", "i", "we", "v", "neg", "yes", "no"))
_FRAME = frozenset(("title", "addressee", "greet", "and", "loan", "det", "my", "adj", "prep", "name"))


def strip_frame(sentences: list[Sentence]) -> list[Sentence]:
    """The sentences between greeting and closing; classes must be set."""
    body: list[Sentence] = []
    closed = False
    for index, sentence in enumerate(sentences):
        tokens = _after_greeting(sentence.tokens) if index < 3 else sentence.tokens
        closing = _closing(tokens, last=index >= len(sentences) - 4)
        if closed and not _speaks_again(tokens):
            continue
        closed = False  # thanks may open a letter as well as close it
        if closing is not None:
            tokens, closed = tokens[:closing], True
        if tokens:
            sentence.tokens = tokens
            body.append(sentence)
    return _without_signature(body) if not closed else body


def _after_greeting(tokens: list[Token]) -> list[Token]:
    start = 0
    while start < len(tokens) and tokens[start].kind == "mark" and tokens[start].word not in "([":
        start += 1
    if start >= len(tokens) or "greet" not in tokens[start].classes:
        return tokens
    for index in range(start, min(len(tokens), start + GREETING_WORDS)):
        token = tokens[index]
        if token.word == ",":
            return _after_greeting(tokens[index + 1 :])
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


def _closing(tokens: list[Token], *, last: bool) -> int | None:
    """Where the closing begins; inside a line only near the end of the mail and before a name."""
    for index, token in enumerate(tokens):
        if "bye" not in token.classes:
            continue
        rest = tokens[index + 1 :]
        if (index == 0 and (len(rest) <= 8 or not any(t.classes & {"n", "v", "i"} for t in rest))) or (
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
    """Drop the lines of names at the end of a mail that has no closing."""
    kept = list(body)
    for _ in range(2):
        if len(kept) < 2 or not _is_name_line(kept[-1]) or kept[-2].tokens[-1].word == ":":
            break
        if kept[-2].paragraph == kept[-1].paragraph and _is_name_line(kept[-2]):
            break
        kept.pop()
    return kept


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
        or (len(tokens) <= 2 and not t.classes)
        or len(t.word) == 1
        for t in tokens
    )
