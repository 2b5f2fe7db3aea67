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
from rsvp_mailer.message.mime import Segment
from rsvp_mailer.message.reply_text import finish, sort_lines
from rsvp_mailer.message.sorting import Sorting, has_text
from rsvp_mailer.message.text_forms import without_clear_signature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    segments = _joined(body.segments)
    rich = [line for segment in segments for line in _lines(segment.html, segment.plain, prefer_html=True)]
    both = any(segment.plain is not None and segment.html is not None for segment in segments)
    lines, sorting, disagree = rich, sort_lines(rich), False
    if both and not _tells_all(sorting, rich, segments):
        plain = [line for segment in segments for line in _lines(segment.html, segment.plain, prefer_html=False)]
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


def _joined(segments: list[Segment]) -> list[Segment]:
    """The segments, with the same text as plain and as HTML one after the other taken for alternatives.

    Some programs and gateways say multipart/mixed where they mean multipart/alternative.
    """
    out: list[Segment] = []
    for segment in segments:
        if out and _say_the_same(out[-1], segment):
            out[-1] = Segment(out[-1].plain or segment.plain, out[-1].html or segment.html)
        else:
            out.append(segment)
    return out


def _say_the_same(one: Segment, other: Segment) -> bool:
    if (one.plain is None) == (other.plain is None) or (one.html is None) == (other.html is None):
        return False
    return _shown_words(one) == _shown_words(other)


def _shown_words(segment: Segment) -> list[str]:
    lines = _lines(segment.html, segment.plain, prefer_html=True)
    return words_of("\n".join(line.text for line in lines)[:_LARGEST_COMPARISON])


def _lines(html: str | None, plain: str | None, *, prefer_html: bool) -> list[Line]:
    if html is not None and (prefer_html or plain is None):
        return html_lines(html)
    return plain_lines(without_clear_signature(plain or ""))


_Rendering = tuple["list[Line]", Sorting]


def _tells_all(rich: Sorting, lines: Sequence[Line], segments: Sequence[Segment]) -> bool:
    """Whether the HTML rendering would be chosen and agree, however the lines of the plain one were sorted."""
    if not rich.client_mark or any(segment.plain is None for segment in segments):
        return False
    kept, shown = _kept_text(rich), _text_of(lines)
    plain = "\n".join(without_clear_signature(segment.plain or "") for segment in segments)
    if not words_of(kept) or len(plain) > _LARGEST_COMPARISON or len(shown) > _LARGEST_COMPARISON:
        return False
    spelled = set(plain.split())
    return not (_lacks(plain, set(kept.split()) - spelled) or _lacks(shown, spelled.difference(shown.split())))


def _choose(rich: _Rendering, plain: _Rendering) -> tuple[list[Line], Sorting, bool]:
    """Pick one rendering, and say whether the two have different things to tell."""
    left, right = _kept_text(rich[1]), _kept_text(plain[1])
    left_words, right_words = words_of(left), words_of(right)
    if not left_words or not right_words:
        return (*(rich if left_words else plain), False)
    chosen = rich if rich[1].client_mark or len(left_words) < len(right_words) else plain
    same = left_words == right_words
    disagree = not same and (_lacks(_text_of(plain[0]), left.split()) or _lacks(_text_of(rich[0]), right.split()))
    return (*chosen, disagree)


def _kept_text(sorting: Sorting) -> str:
    return "\n".join(line.text for line, _ in sorting.kept)[:_LARGEST_COMPARISON]


def _text_of(lines: Sequence[Line]) -> str:
    return "\n".join(line.text for line in lines)


def _lacks(text: str, spelled: Iterable[str]) -> bool:
    """Whether a word, as the other text spells it, occurs nowhere in ``text``."""
    strange = [word for word in words_of(" ".join(spelled)) if len(word) > 1 or word.isdigit()]
    return bool(strange) and not set(words_of(text[:_LARGEST_COMPARISON])).issuperset(strange)
