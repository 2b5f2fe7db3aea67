"""Words as people write them: prefixes split off, particles joined, words that a keyboard broke mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.reading.vocabulary import Language

LONGEST_BROKEN_PIECES = 4


def written_words(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Copies of ``tokens``: prefixes that are words of their own split off, particles written apart joined (می آیم)."""
    if language.broken_after:
        tokens = _mended(tokens, language)
    if not language.proclitics and not language.joins and not language.joined_ends:
        return [_copy(token) for token in tokens]
    result: list[Token] = []
    for token in tokens:
        last = result[-1] if result else None
        if last is not None and _is_joined(last, token, language):
            result[-1] = Token("word", last.word + token.word, last.start, token.end, last.capital)
            continue
        if token.kind == "word" and not language.classes_of(token.word) and not language.given_names.has(token):
            result += _proclitics(token, language)
        else:
            result.append(_copy(token))
    return result


def _is_joined(last: Token, token: Token, language: Language) -> bool:
    adjacent = token.kind == "word" == last.kind and token.start - last.end <= 1
    return adjacent and (last.word in language.joins or token.word in language.joined_ends)


def _proclitics(token: Token, language: Language) -> list[Token]:
    for prefix in language.proclitics:
        rest = token.word[len(prefix) :]
        if token.word.startswith(prefix) and len(rest) > 1 and language.classes_of(rest):
            middle = token.start + len(prefix)
            return [Token("word", prefix, token.start, middle), Token("word", rest, middle, token.end)]
    return [_copy(token)]


def _mended(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Sorani typed on an Arabic keyboard breaks behind each ە: "به شدار ده بم" are two words."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        size = _broken(tokens, index, language)
        first, last = tokens[index], tokens[index + size - 1]
        word = "".join(t.word for t in tokens[index : index + size])
        result.append(first if size == 1 else Token("word", word, first.start, last.end, first.capital))
        index += size
    return result


def _broken(tokens: Sequence[Token], index: int, language: Language) -> int:
    """How many tokens from ``index`` on are pieces of one known word."""
    longest = 1
    while (
        longest < min(LONGEST_BROKEN_PIECES, len(tokens) - index)
        and tokens[index + longest - 1].word.endswith(language.broken_after)
        and tokens[index + longest].kind == "word"
        and tokens[index + longest].start - tokens[index + longest - 1].end <= 1
    ):
        longest += 1
    for size in range(longest, 1, -1):
        if language.classes_of("".join(t.word for t in tokens[index : index + size])):
            return size
    return 1


def _copy(token: Token) -> Token:
    return Token(token.kind, token.word, token.start, token.end, token.capital, token.value)
