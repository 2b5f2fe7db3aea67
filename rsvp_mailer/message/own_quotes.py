"""What the comparison with our own texts does to the lines: quotes of us leave, answers inside of them come back.

What may live here: acting on ``own_text``'s finding.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Doubt
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.header_block import ends_in_unknown_block, label_roles
from rsvp_mailer.message.lines import Line
from rsvp_mailer.message.own_text import cover_of_own_texts, is_line_of_ours, share_of_own_text
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.quote_marks import quote_start
from rsvp_mailer.message.sorting import Sorting, has_text
from rsvp_mailer.message.telling import is_postscript, tells

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_REST = 2_000  # lines of a quoted mail that are searched for answers
_LEAST_COVERED = 4  # lines of our own text that prove that the quoted mail is ours
_SHORTEST_MIXED_LINE = 100  # characters
_MIXED_SHINGLES = 14
_MOST_ANSWERS = 15
_SHORT_REST = 12  # lines
_LONGEST_TAIL = 200  # lines
_LONGEST_SENTENCE = 3  # lines
_SENTENCE_ENDS = frozenset(".!?:;…")
_QUOTE_MARKS = "|¦>: "


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
    found = _without_our_frame(found, rest, covered, own_texts)
    doubtful = bool(found)
    if 0 < len(found) <= min(_MOST_ANSWERS, sum(covered)) and not trimmed:
        sorting.kept += [(Line("", rest[0].part), None), *found]
        doubtful = not (colour_tells and all(line.coloured for line, _ in found))
    elif alone and not any(covered) and _is_reply_below(sorting):
        sorting.kept = [(line, None) for line in rest]
        del sorting.cuts[-1][1][-len(rest) :]
        doubtful = True
    unknown = sum(covered) < _LEAST_COVERED and (_points_below(sorting) or _holds_answer(rest))
    if doubtful or unknown or (not found and _tells_below(rest, covered, own_texts)):
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
        elif (index < last or line.coloured or to_the_end or found or is_postscript(line.text)) and _is_worded(line):
            found.append((line, answers))
    return found


def _without_our_frame(
    found: list[tuple[Line, str | None]], rest: Sequence[Line], covered: Sequence[bool], own_texts: tuple[str, ...]
) -> list[tuple[Line, str | None]]:
    """Leave out our greeting, which names the invitee, and our signature: short lines of ours beside each other."""
    if not found:
        return found
    rows = [
        (line, ours or is_line_of_ours(line.text, own_texts))
        for line, ours in zip(rest, covered, strict=True)
        if line.text
    ]
    frame = {
        id(line)
        for index, (line, ours) in enumerate(rows)
        if ours and rows[index + 1 if index + 1 < len(rows) else index - 1][1]
    }
    return [row for row in found if id(row[0]) not in frame]


def _is_worded(line: Line) -> bool:
    """Whether a line says anything: no left-over marks (``>``), no label of a header block."""
    return any(map(str.isalnum, line.text)) and label_roles(line.text) is None


def _is_reply_below(sorting: Sorting) -> bool:
    """Whether the sender may have deleted the quote and written below its attribution, where nothing stands above."""
    return sorting.cuts[-1][0] == "quote.attribution" and sum(bool(line.text) for line in sorting.rest) <= _SHORT_REST


def _tells_below(rest: Sequence[Line], covered: Sequence[bool], own_texts: tuple[str, ...]) -> bool:
    """Whether a line below our text, up to the next quoted mail, says something that we did not."""
    if not any(covered):
        return False
    last = len(covered) - 1 - covered[::-1].index(True)
    for index in range(last + 1, min(last + 1 + _LONGEST_TAIL, len(rest))):
        if index > last + 1 and rest[index].text and quote_start(rest, index):
            return False
        if tells(rest[index].text) and not is_line_of_ours(rest[index].text, own_texts):
            return True
    return False


def _holds_answer(rest: Sequence[Line]) -> bool:
    """Whether a line in somebody else's mail looks like an answer: below a question, or in a colour of its own."""
    worded = [line for line in rest if line.text]
    return any(
        (above.text.endswith(("?", "؟")) or (line.coloured and not above.coloured))
        and not line.text.endswith(("?", "؟"))
        and tells(line.text)
        for above, line in pairwise(worded)
    )


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
    covered = _without_sentences(texts, covered)
    if not any(covered):
        return
    covered = _with_marks(texts, covered)
    if ends_in_unknown_block(texts[: covered.index(True)]):
        sorting.doubts.add(Doubt.HEADER_RESIDUE)
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


def _without_sentences(texts: Sequence[str], covered: Sequence[bool]) -> list[bool]:
    """Give back lines of ours within a sentence of the sender's, who names title, day and place in own words."""
    result = list(covered)
    for begin, end in _runs(covered):
        above = texts[begin - 1] if begin else ""
        below = texts[end] if end < len(texts) else ""
        open_above = above[-1:].isalnum()
        goes_on = below[:1].islower() and texts[end - 1][-1:] not in _SENTENCE_ENDS
        if end - begin <= _LONGEST_SENTENCE and (open_above or goes_on):
            result[begin:end] = [False] * (end - begin)
    return result


def _runs(covered: Sequence[bool]) -> list[tuple[int, int]]:
    """Where runs of covered lines begin and end."""
    edges = [at for at in range(len(covered) + 1) if _at(covered, at) != _at(covered, at - 1)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _at(covered: Sequence[bool], index: int) -> bool:
    return 0 <= index < len(covered) and covered[index]


def _with_marks(texts: Sequence[str], covered: Sequence[bool]) -> list[bool]:
    """Add the lines of nothing but a quote mark that stand beside lines of ours."""
    result = list(covered)
    for order in (range(1, len(texts)), range(len(texts) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for index in order:
            if result[index + step] and texts[index] and not texts[index].strip(_QUOTE_MARKS):
                result[index] = True
    return result


def _first_kept(covered: Sequence[bool]) -> int:
    return next((index for index, ours in enumerate(covered) if not ours), len(covered))


def _is_mixed(line: str, own_texts: tuple[str, ...]) -> bool:
    """Whether a whole sentence of ours stands in the line of somebody who wrote on behind it."""
    return len(line) > _SHORTEST_MIXED_LINE and share_of_own_text(line, own_texts) >= _MIXED_SHINGLES
