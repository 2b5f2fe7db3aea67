"""Disclaimers and advertising under a mail: known by phrases of the language files, cut to the end of the paragraph.

What may live here: what is cut although no mark of a program surrounds it. What a person says in such a paragraph
stays where it stands in front or in advertising, and raises a doubt where it stands in a disclaimer; a postscript
is no footer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Doubt
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.sorting import Sorting, take_rule_above
from rsvp_mailer.message.telling import is_postscript, sentences_of, tells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rsvp_mailer.message.lines import Line
    from rsvp_mailer.message.patterns import Phrases

    _Row = tuple[Line, str | None]

_LONGEST_TEXT = 100_000  # characters
_LONGEST_HEAD = 1_000  # characters of a line that may hold words of the person beside a footer


def cut_footers(sorting: Sorting) -> None:
    """Take out disclaimers and advertising, from the phrase to the end of its paragraph."""
    if sum(len(line.text) for line, _ in sorting.kept) > _LONGEST_TEXT:
        return
    whole = fold("\n".join(line.text for line, _ in sorting.kept))
    words = load_patterns().words
    kinds = [(kind, words[f"cut.{kind}"].present_in(whole)) for kind in ("disclaimer", "advertising")]
    if not any(phrases for _, phrases in kinds):
        return
    rows, sorting.kept = sorting.kept, []
    for paragraph in _paragraphs(rows):
        found = _footer_of([line.text for line, _ in paragraph], kinds)
        if found is None:
            sorting.kept += paragraph
        else:
            _cut(sorting, paragraph, *found)


def _paragraphs(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """The rows up to and with each empty line."""
    paragraph: list[_Row] = []
    for row in rows:
        paragraph.append(row)
        if not row[0].text:
            yield paragraph
            paragraph = []
    yield paragraph


def _footer_of(texts: Sequence[str], kinds: Sequence[tuple[str, Phrases]]) -> tuple[str, int, str] | None:
    """The rule, the line in which a footer begins, and what the person says in front of it there."""
    for index, text in enumerate(texts):
        if is_postscript(text):
            kinds = [each for each in kinds if each[0] == "disclaimer"]
            continue
        following = texts[index + 1] if index + 1 < len(texts) else ""
        kind, phrases = next((each for each in kinds if _begins(each[1], text, following)), ("", None))
        if kind == "advertising" and _telling(texts[index:]):
            return None
        if phrases is not None:
            return kind, index, _head(phrases, text, following)
    return None


def _begins(phrases: Phrases, text: str, following: str) -> bool:
    """Whether a phrase begins within this text (it may end in the next line)."""
    own = fold(text)
    return bool(own) and 0 <= phrases.place_in(f"{own} {fold(following)}") < len(own)


def _telling(texts: Sequence[str]) -> bool:
    return any(tells(sentence) for sentence in sentences_of(" ".join(texts)))


def _head(phrases: Phrases, text: str, following: str) -> str:
    """What stands in front of the footer's first sentence, if it says something."""
    sentences = sentences_of(text) if len(text) <= _LONGEST_HEAD else []
    for index in range(1, len(sentences)):
        if _begins(phrases, sentences[index - 1], " ".join((*sentences[index:], following))):
            return ""
        if _begins(phrases, sentences[index], " ".join((*sentences[index + 1 :], following))):
            return " ".join(sentences[:index]) if any(map(tells, sentences[:index])) else ""
    return ""


def _cut(sorting: Sorting, paragraph: Sequence[_Row], rule: str, begin: int, head: str) -> None:
    """Cut a paragraph from line ``begin`` on, but for ``head``."""
    sorting.kept += paragraph[:begin]
    line, answers = paragraph[begin]
    if head:
        sorting.kept.append((replace(line, text=head), answers))
        line = replace(line, text=line.text[len(head) :].lstrip())
    elif above := take_rule_above(sorting.kept):
        sorting.cut(rule, above)
    footer = [line, *(each for each, _ in paragraph[begin + 1 :])]
    if _telling([each.text for each in footer]):
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
    for each in footer:
        if each.text:
            sorting.cut(rule, each.text)
            sorting.footers.append(each)
        else:
            sorting.kept.append((each, None))
