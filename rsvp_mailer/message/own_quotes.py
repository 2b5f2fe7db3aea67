"""What the comparison with our own texts does to the lines: quotes of us leave, answers inside of them come back.

What may live here: acting on ``own_text``'s finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Doubt
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.header_block import label_roles
from rsvp_mailer.message.lines import Line
from rsvp_mailer.message.own_text import cover_of_own_texts, share_of_own_text
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.quote_marks import quote_start
from rsvp_mailer.message.sorting import Sorting, has_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_REST = 2_000  # lines of a quoted mail that are searched for answers
_LEAST_COVERED = 4  # lines of our own text that prove that the quoted mail is ours
_SHORTEST_MIXED_LINE = 100  # characters
_MIXED_SHINGLES = 14
_MOST_ANSWERS = 15
_SHORT_REST = 12  # lines


def recover_answers(sorting: Sorting, own_texts: tuple[str, ...]) -> None:
    """Find answers in a quoted mail of ours that bears no marks: what stands between our own lines is not ours.

    Outlook's users write there, often in a colour. Below our text everything may be a signature of the office,
    so that only coloured lines and postscripts count there, or all where the sender wrote nothing above or
    answered between our lines.
    """
    rest = sorting.rest
    if not rest or len(rest) > _LONGEST_REST:
        return
    covered = cover_of_own_texts([line.text for line in rest], own_texts, any_number=True)
    alone = not has_text(sorting.kept)
    trimmed = 0 < sum(covered) < _LEAST_COVERED
    colour_tells = not any(line.coloured for line, ours in zip(rest, covered, strict=True) if ours)
    found = _between(rest, covered, to_the_end=alone or trimmed) if any(covered) else []
    doubtful = bool(found)
    if 0 < len(found) <= min(_MOST_ANSWERS, sum(covered)) and not trimmed:
        sorting.kept += [(Line("", rest[0].part), None), *found]
        doubtful = not (colour_tells and all(line.coloured for line, _ in found))
    elif alone and not any(covered) and _is_reply_below(sorting):
        sorting.kept = [(line, None) for line in rest]
        del sorting.cuts[-1][1][-len(rest) :]
        doubtful = True
    if doubtful or (sum(covered) < _LEAST_COVERED and _points_below(sorting)):
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)


def _between(rest: Sequence[Line], covered: Sequence[bool], *, to_the_end: bool) -> list[tuple[Line, str | None]]:
    """The lines that are not ours, each with the line of ours above it, up to the next quoted mail."""
    last = len(covered) - 1 - covered[::-1].index(True)
    found: list[tuple[Line, str | None]] = []
    answers = ""
    for index in range(covered.index(True), len(rest)):
        line = rest[index]
        if covered[index]:
            answers = line.text
        elif index > last + 1 and quote_start(rest, index):
            break
        elif (index < last or line.coloured or to_the_end or found or _is_postscript(line)) and _is_worded(line):
            found.append((line, answers))
    return found


def _is_worded(line: Line) -> bool:
    """Whether a line says anything: no left-over marks (``>``), no label of a header block."""
    return any(map(str.isalnum, line.text)) and label_roles(line.text) is None


def _is_postscript(line: Line) -> bool:
    return load_patterns().starts["cut.postscript"].match(fold(line.text[:40])) is not None


def _is_reply_below(sorting: Sorting) -> bool:
    """Whether the sender may have deleted the quote and written below its attribution, where nothing stands above."""
    return sorting.cuts[-1][0] == "quote.attribution" and sum(bool(line.text) for line in sorting.rest) <= _SHORT_REST


def _points_below(sorting: Sorting) -> bool:
    """Whether the sender says that answers stand in the quoted mail ("siehe unten", "in rot")."""
    text = fold(" ".join(line.text for line, _ in sorting.kept)[:5_000])
    return load_patterns().words["quote.see_below"].found_in(text) is not None


def cut_own_text(sorting: Sorting, own_texts: tuple[str, ...]) -> None:
    """Take out lines that stem from the invitation or a confirmation, wherever they stand."""
    texts = [line.text for line, _ in sorting.kept]
    covered = cover_of_own_texts(texts, own_texts)
    if any(_is_mixed(text, own_texts) for text, ours in zip(texts, covered, strict=True) if not ours):
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
    if not any(covered):
        return
    kept: list[tuple[Line, str | None]] = []
    last = ""
    for (line, answers), ours in zip(sorting.kept, covered, strict=True):
        if ours:
            sorting.cut("own_text", line.text)
            last = line.text
        else:
            kept.append((line, answers or last or None))
    if has_text(kept) and any(ours for ours in covered[: _first_kept(covered)]):
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
    sorting.kept = kept


def _first_kept(covered: Sequence[bool]) -> int:
    return next((index for index, ours in enumerate(covered) if not ours), len(covered))


def _is_mixed(line: str, own_texts: tuple[str, ...]) -> bool:
    """Whether a whole sentence of ours stands in the line of somebody who wrote on behind it."""
    return len(line) > _SHORTEST_MIXED_LINE and share_of_own_text(line, own_texts) >= _MIXED_SHINGLES
