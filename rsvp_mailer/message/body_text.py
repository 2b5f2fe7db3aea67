"""The body's segments to own words: plain and HTML rendering, and what happens where they differ.

What may live here: choosing between the two renderings. Both are cut; the HTML one counts where a client's mark
told quote from text, the plain one otherwise. Words of one that the other does not contain anywhere mean that
the parts say different things.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Doubt, OwnWords
from rsvp_mailer.message.folding import words_of
from rsvp_mailer.message.html_text import html_lines
from rsvp_mailer.message.lines import plain_lines
from rsvp_mailer.message.reply_text import finish, sort_lines
from rsvp_mailer.message.sorting import Sorting, has_text
from rsvp_mailer.message.text_forms import without_clear_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.domain import Event
    from rsvp_mailer.message.lines import Line
    from rsvp_mailer.message.mime import Body

_QUOTED_LOOK = 40_000
_ENCRYPTED = "-----BEGIN PGP MESSAGE-----"
_LARGEST_COMPARISON = 200_000


@dataclass(frozen=True, slots=True)
class BodyText:
    """Own words, and beside them: ``quoted`` (what was cut), ``visible`` (everything, for delivery reports)."""

    own_words: OwnWords
    quoted: str
    visible: str
    forwarded: bool
    encrypted: bool


def body_text_of(body: Body, event: Event) -> BodyText:
    """The own words of a body, with the doubts of decoding and comparing."""
    rich = [line for segment in body.segments for line in _lines(segment.html, segment.plain, prefer_html=True)]
    both = any(segment.plain is not None and segment.html is not None for segment in body.segments)
    plain = rich
    if both:
        plain = [line for segment in body.segments for line in _lines(segment.html, segment.plain, prefer_html=False)]
    lines, sorting, disagree = rich, sort_lines(rich), False
    if both:
        lines, sorting, disagree = _choose((rich, sorting), (plain, sort_lines(plain)))
    forwarded = sorting.forwarded
    if body.attached_text and not has_text(sorting.kept):
        lines = [line for text in body.attached_text for line in plain_lines(without_clear_signature(text))]
        sorting = sort_lines(lines)
    words = finish(sorting, event.own_texts)
    doubts = words.doubts | body.doubts | ({Doubt.PARTS_DISAGREE} if disagree else set())
    return BodyText(
        OwnWords(words.text, words.pieces, words.cuts, frozenset(doubts)),
        "\n".join(cut.text for cut in words.cuts if not cut.rule.startswith("signature"))[:_QUOTED_LOOK],
        "\n".join(line.text for line in lines)[:_QUOTED_LOOK],
        forwarded or sorting.forwarded,
        any(line.text.startswith(_ENCRYPTED) for line in lines[:200]),
    )


def _lines(html: str | None, plain: str | None, *, prefer_html: bool) -> list[Line]:
    if html is not None and (prefer_html or plain is None):
        return html_lines(html)
    return plain_lines(without_clear_signature(plain or ""))


_Rendering = tuple["list[Line]", Sorting]


def _choose(rich: _Rendering, plain: _Rendering) -> tuple[list[Line], Sorting, bool]:
    """Pick one rendering, and say whether the two have different things to tell."""
    left, right = _kept_words(rich[1]), _kept_words(plain[1])
    if not left or not right:
        return (*(rich if left else plain), False)
    chosen = rich if rich[1].client_mark or len(left) < len(right) else plain
    return (*chosen, left != right and (_missing(left, plain[0]) or _missing(right, rich[0])))


def _kept_words(sorting: Sorting) -> list[str]:
    return words_of("\n".join(line.text for line, _ in sorting.kept)[:_LARGEST_COMPARISON])


def _missing(words: Sequence[str], lines: Sequence[Line]) -> bool:
    """Whether a word of one rendering occurs nowhere in the other."""
    known = set(words_of("\n".join(line.text for line in lines)[:_LARGEST_COMPARISON]))
    return any(word not in known for word in words if len(word) > 1 or word.isdigit())
