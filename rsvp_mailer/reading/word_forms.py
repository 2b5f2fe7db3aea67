"""Words as people write them: prefixes that are words of their own split off, particles written apart joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.tokens import Token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.reading.vocabulary import Language


def written_words(tokens: Sequence[Token], language: Language) -> list[Token]:
    """Copies of ``tokens``: prefixes that are words of their own split off, particles written apart joined (می آیم)."""
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


def _copy(token: Token) -> Token:
    return Token(token.kind, token.word, token.start, token.end, token.capital, token.value)
