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
from rsvp_mailer.message.reply_text import own_words_of
from rsvp_mailer.message.sorting import Sorting

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
    if not any(line.text for line in (*rich, *plain)) and body.attached_text:
        rich = plain = [line for text in body.attached_text[:5] for line in plain_lines(text)]
        both = False
    words, sorting = own_words_of(rich if both else plain, event.own_texts)
    lines: Sequence[Line] = rich if both else plain
    if both:
        words, sorting, lines = _choose((words, sorting, rich), (*own_words_of(plain, event.own_texts), plain))
    doubts = words.doubts | body.doubts
    return BodyText(
        OwnWords(words.text, words.pieces, words.cuts, frozenset(doubts)),
        "\n".join(cut.text for cut in words.cuts if not cut.rule.startswith("signature"))[:_QUOTED_LOOK],
        "\n".join(line.text for line in lines)[:_QUOTED_LOOK],
        sorting.forwarded,
        any(line.text.startswith(_ENCRYPTED) for line in lines[:200]),
    )


def _lines(html: str | None, plain: str | None, *, prefer_html: bool) -> list[Line]:
    if html is not None and (prefer_html or plain is None):
        return html_lines(html)
    return plain_lines(plain or "")


_Rendering = tuple[OwnWords, Sorting, "Sequence[Line]"]


def _choose(rich: _Rendering, plain: _Rendering) -> _Rendering:
    """Pick one rendering; note where the two say different things."""
    if not rich[0].text.strip() and plain[0].text.strip():
        return plain
    if not plain[0].text.strip():
        return rich
    left, right = words_of(rich[0].text[:_LARGEST_COMPARISON]), words_of(plain[0].text[:_LARGEST_COMPARISON])
    chosen = rich if rich[1].client_mark or len(left) < len(right) else plain
    if left == right:
        return chosen
    strange = _missing(left, plain[2]) or _missing(right, rich[2])
    if not strange:
        return chosen
    words = chosen[0]
    marked = OwnWords(words.text, words.pieces, words.cuts, words.doubts | {Doubt.PARTS_DISAGREE})
    return marked, chosen[1], chosen[2]


def _missing(words: Sequence[str], lines: Sequence[Line]) -> bool:
    """Whether a word of one rendering occurs nowhere in the other."""
    known = set(words_of("\n".join(line.text for line in lines)[:_LARGEST_COMPARISON]))
    return any(word not in known for word in words if len(word) > 1 or word.isdigit())
