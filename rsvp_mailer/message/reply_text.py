"""The lines of a body to the sender's own words.

What may live here: one pass from top to bottom which assigns every line to the person or to a rule that cut it,
then what can only be told from the whole: disclaimers, our own text, an empty rest.

What a line is, in the order of the rules:

| line | what happens |
|---|---|
| in a quote (``>`` or a client's mark) | cut; text below it answers it |
| a client's mark for "from here on" | the rest is cut |
| header block, separator, attribution | cut; the rest too, unless marked quotes follow |
| "-- " | cut until a quote or a postscript |
| device line, advertising, disclaimer | cut |
| anything else | the person's |

Nothing is cut to nothing: where only a signature or disclaimer remains, it is the person's text after all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Cut, Doubt, OwnWords, Piece
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.lines import Line
from rsvp_mailer.message.own_text import cover_of_own_texts
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.quote_marks import QuoteStart, groupwise, label_roles, looks_written_by_program, quote_start

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNATURE = re.compile(r"(?:--|__|—|– –)[ \t]?$")
_POSTSCRIPT = re.compile(r"p\.?\s?s\.?\s?[:.\s]|n\.?\s?b\.?\s?:|nachtrag|ملاحظة|پ\.?\s?ن", re.IGNORECASE)
_PGP_HEAD = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----")
_PGP_TAIL = re.compile(r"-----BEGIN PGP SIGNATURE-----")
_DEVICE_WORDS_AT_MOST = 16
_LONGEST_SIGNATURE = 25  # lines; what is longer was no signature
_LONGEST_REST = 2_000  # lines of a quoted mail that are searched for answers
_LEAST_COVERED = 4  # lines of our own text that prove that the quoted mail is ours
_MOST_ANSWERS = 15
_MOST_DASHES = 50  # lines of "--" that are looked at; more are no signatures
_FOOTER_RULE = re.compile(r"[-_=*#~–—]{3,}$")


@dataclass(slots=True)
class Sorting:
    """The pass over the lines: what was kept, what was cut and by which rule, and the marks met on the way."""

    kept: list[tuple[Line, str | None]] = field(default_factory=list)
    cuts: list[tuple[str, list[str]]] = field(default_factory=list)
    doubts: set[Doubt] = field(default_factory=set)
    client_mark: bool = False
    rest: list[Line] = field(default_factory=list)
    forwarded: bool = False
    last_quoted: str = ""
    reclaimable: list[Line] = field(default_factory=list)
    in_signature: bool = False
    dashes: int = 0
    worded: bool = False
    weak_is_quote: bool = False

    def cut(self, rule: str, text: str) -> None:
        """Note a line that is left out."""
        if self.cuts and self.cuts[-1][0] == rule:
            self.cuts[-1][1].append(text)
        else:
            self.cuts.append((rule, [text]))


def own_words_of(lines: Sequence[Line], own_texts: tuple[str, ...] = ()) -> tuple[OwnWords, Sorting]:
    """The own words among the lines of one rendering of the body, and how they were found."""
    sorting = _sort(lines)
    if not _has_text(sorting.kept) and sorting.reclaimable:
        sorting.kept = [(line, None) for line in sorting.reclaimable]
    _recover_answers(sorting, own_texts)
    _cut_footers(sorting)
    _cut_own_text(sorting, own_texts)
    return _compose(sorting), sorting


def _has_text(kept: Sequence[tuple[Line, str | None]]) -> bool:
    return any(line.text and any(map(str.isalnum, line.text)) for line, _ in kept)


def _sort(lines: Sequence[Line]) -> Sorting:
    """Assign every line, from top to bottom."""
    sorting = Sorting()
    at = 0
    while 0 <= at < len(lines):
        line = lines[at]
        if sorting.weak_is_quote and not line.weak and line.text:
            sorting.weak_is_quote = False
        if line.mark[:5] == "rest.":
            at = _cut_rest(sorting, lines[at:], "quote.client")
        elif line.depth or (sorting.weak_is_quote and line.weak):
            at = _sort_quoted(sorting, lines, at)
        elif line.mark:
            _cut_marked(sorting, line)
            at += 1
        elif line.text and (start := quote_start(lines, at)):
            at = _begin_quote(sorting, lines, at, start)
        else:
            at = _sort_unquoted(sorting, lines, at)
    return sorting


def _sort_quoted(sorting: Sorting, lines: Sequence[Line], at: int) -> int:
    """Cut a line that stands in a quote."""
    line = lines[at]
    if groupwise(line.text, line.depth) and not _quoted_again(lines, at + 1):
        return _cut_rest(sorting, lines[at:], "quote.groupwise")
    sorting.cut("quote.marked", line.text)
    sorting.in_signature = False
    if line.part != "text/plain":
        sorting.client_mark = True
    if line.text:
        sorting.last_quoted = line.text
    return at + 1


def _cut_marked(sorting: Sorting, line: Line) -> None:
    """Cut what the client itself marks as an attribution or a signature."""
    sorting.client_mark = True
    sorting.cut(line.mark, line.text)
    if line.mark == "signature.client":
        sorting.reclaimable.append(line)


def _sort_unquoted(sorting: Sorting, lines: Sequence[Line], at: int) -> int:
    """Decide between the person's text and a signature or device line."""
    line = lines[at]
    if sorting.in_signature and not _POSTSCRIPT.match(line.text):
        sorting.cut("signature.dashes", line.text)
        sorting.reclaimable.append(line)
        return at + 1
    if sorting.in_signature:
        sorting.kept.append((Line("", line.part), None))
    sorting.in_signature = False
    rule = _line_rule(lines, at, sorting) if line.text else ""
    if not rule:
        sorting.kept.append((line, sorting.last_quoted or None))
        sorting.worded = sorting.worded or any(map(str.isalnum, line.text))
        return at + 1
    sorting.cut(rule, line.text)
    sorting.in_signature = rule == "signature.dashes"
    return _skip_armor(sorting, lines, at) + 1 if rule == "pgp.signature" else at + 1


def _quoted_again(lines: Sequence[Line], at: int) -> bool:
    return any(line.depth for line in lines[at : at + 5])


def _begin_quote(sorting: Sorting, lines: Sequence[Line], at: int, start: QuoteStart) -> int:
    """Cut the mark; return where to go on, or -1 where everything below is the quoted mail."""
    forward = start.rule.startswith("forward")
    sorting.forwarded = sorting.forwarded or forward
    sorting.in_signature = False
    if not start.certain:
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
    _drop_rule_above(sorting)
    below = at + start.lines
    for line in lines[at:below]:
        sorting.cut(start.rule, line.text)
    while below < len(lines) and not lines[below].text and lines[below].mark[:5] != "rest.":
        below += 1
    follows = lines[below] if below < len(lines) else None
    if follows is None or forward or not (follows.depth > lines[at].depth or follows.weak or follows.mark):
        return _cut_rest(sorting, lines[below:], start.rule)
    sorting.weak_is_quote = follows.weak
    return below


def _drop_rule_above(sorting: Sorting) -> None:
    """Take back the line of dashes that stood above a header block."""
    while sorting.kept and (not sorting.kept[-1][0].text or _FOOTER_RULE.match(sorting.kept[-1][0].text)):
        line, _ = sorting.kept.pop()
        if line.text:
            sorting.cut("quote.separator", line.text)


def _cut_rest(sorting: Sorting, lines: Sequence[Line], rule: str) -> int:
    """Cut everything that is left; -1 ends the pass."""
    _drop_rule_above(sorting)
    if rule == "quote.client":
        sorting.client_mark = True
    sorting.rest = list(lines)
    for line in lines:
        sorting.cut(rule, line.text)
    return -1


def _line_rule(  # noqa: PLR0911 - one return a rule
    lines: Sequence[Line], at: int, sorting: Sorting
) -> str:
    """The rule that takes out a single line of the person's text, or the empty string."""
    text = lines[at].text
    if text[0] in "-_—–":
        if _SIGNATURE.match(text) and sorting.dashes < _MOST_DASHES and sorting.worded:
            sorting.dashes += 1
            if _ends_soon(lines, at):
                return "signature.dashes"
        if _PGP_HEAD.match(text):
            return "pgp.head"
        if _PGP_TAIL.match(text):
            return "pgp.signature"
    if text.startswith("Hash: ") and sorting.cuts and sorting.cuts[-1][0] == "pgp.head":
        return "pgp.head"
    if len(text) <= 160 and _is_device_line(text):
        return "device"
    if sorting.cuts and sorting.cuts[-1][0] == "device" and at and fold(text).strip(" .") in _device_words():
        return "device"  # the second half of a wrapped device line
    return ""


def _device_words() -> frozenset[str]:
    return load_patterns().singles["cut.device_words"]


def _is_device_line(text: str) -> bool:
    folded = fold(text).lstrip("<[(*_-–— ")
    patterns = load_patterns()
    found = patterns.starts["cut.device"].match(folded)
    if found is None:
        return False
    words = folded.split()
    if len(words) > _DEVICE_WORDS_AT_MOST or "?" in folded:
        return False
    rest = folded[found.end() :].strip(" .!*_>)]")
    if rest and patterns.words["automatic.personal"].found_in(rest):
        return False
    return not rest or patterns.words["cut.device_words"].found_in(folded) is not None


def _ends_soon(lines: Sequence[Line], at: int) -> bool:
    """Whether what follows the dashes is as short as a signature, up to the next quote or the end."""
    count = 0
    for line in lines[at + 1 : at + 2 * _LONGEST_SIGNATURE]:
        if line.depth or line.mark:
            break
        count += bool(line.text)
    return count <= _LONGEST_SIGNATURE


def _skip_armor(sorting: Sorting, lines: Sequence[Line], at: int) -> int:
    while at + 1 < len(lines) and not lines[at].text.startswith("-----END"):
        at += 1
        sorting.cut("pgp.signature", lines[at].text)
    return at


# --- what only the whole can tell --------------------------------------------------------------------------------


def _cut_footers(sorting: Sorting) -> None:
    """Take out disclaimers and advertising, from the phrase to the end of its paragraph."""
    patterns = load_patterns()
    kinds = (("disclaimer", patterns.words["cut.disclaimer"]), ("advertising", patterns.words["cut.advertising"]))
    if sum(len(line.text) for line, _ in sorting.kept) > 100_000:
        return
    whole = fold("\n".join(line.text for line, _ in sorting.kept))
    present = [(kind, phrases) for kind, phrases in kinds if phrases.found_in(whole)]
    if not present:
        return
    kept: list[tuple[Line, str | None]] = []
    cut: list[tuple[str, str]] = []
    running = ""
    for index, (line, answers) in enumerate(sorting.kept):
        if not line.text:
            running = ""
        elif not running:
            folded = fold(" ".join(each.text for each, _ in sorting.kept[index : index + 2]))
            own = fold(line.text)
            running = next(
                (kind for kind, phrases in present if _begins_footer(phrases.found_in(folded), own, folded)), ""
            )
        if running and line.text:
            cut.append((running, line.text))
        else:
            kept.append((line, answers))
    if _has_text(kept) and not patterns.words["automatic.personal"].found_in(_decisive(cut)):
        sorting.kept = kept
        for rule, text in cut:
            sorting.cut(rule, text)
        _drop_rule_above(sorting)


def _decisive(cut: Sequence[tuple[str, str]]) -> str:
    """Advertising lines are short and may hold a person's answer; a disclaimer's own words are known."""
    return fold(" ".join(text for rule, text in cut if rule == "advertising" and len(text) < 80))


def _begins_footer(phrase: str | None, own: str, folded: str) -> bool:
    """Whether a phrase begins within this line (it may end in the next one)."""
    return phrase is not None and folded.find(phrase) < max(len(own), 1)


def _recover_answers(sorting: Sorting, own_texts: tuple[str, ...]) -> None:
    """Find answers in a quoted mail of ours that bears no marks: what stands between our own lines is not ours.

    Outlook's users write there, often in a colour. Below our text everything may be a signature of the office,
    so that only coloured lines count there, or all where the sender wrote nothing above.
    """
    rest = sorting.rest
    if not rest or len(rest) > _LONGEST_REST:
        return
    covered = cover_of_own_texts([line.text for line in rest], own_texts)
    if sum(covered) < _LEAST_COVERED:
        return
    first = covered.index(True)
    last = len(covered) - 1 - covered[::-1].index(True)
    alone = not _has_text(sorting.kept)
    found: list[tuple[Line, str | None]] = []
    answers = ""
    for index in range(first, len(rest)):
        line = rest[index]
        if covered[index]:
            answers = line.text
        elif index > last + 1 and quote_start(rest, index):
            break
        elif line.text and (index < last or line.coloured or alone) and label_roles(line.text) is None:
            found.append((line, answers))
    if 0 < len(found) <= min(_MOST_ANSWERS, sum(covered)):
        sorting.kept += [(Line("", rest[0].part), None), *found]
        if not all(line.coloured for line, _ in found):
            sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)


def _cut_own_text(sorting: Sorting, own_texts: tuple[str, ...]) -> None:
    """Take out lines that stem from the invitation or a confirmation, wherever they stand."""
    texts = [line.text for line, _ in sorting.kept]
    covered = cover_of_own_texts(texts, own_texts)
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
    if _has_text(kept) and any(ours for ours in covered[: _first_kept(covered)]):
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
    sorting.kept = kept


def _first_kept(covered: Sequence[bool]) -> int:
    return next((index for index, ours in enumerate(covered) if not ours), len(covered))


def _compose(sorting: Sorting) -> OwnWords:
    """Join what was kept: no empty lines at either end, one at most in between; pieces with their answers."""
    rows: list[tuple[Line, str | None]] = []
    for line, answers in sorting.kept:
        if line.text or (rows and rows[-1][0].text):
            rows.append((line, answers))
    while rows and not rows[-1][0].text:
        rows.pop()
    pieces: list[Piece] = []
    position = 0
    for line, answers in rows:
        end = position + len(line.text)
        if not line.text:
            pass
        elif pieces and pieces[-1].part == line.part and pieces[-1].answers == answers:
            pieces[-1] = Piece(pieces[-1].start, end, line.part, answers)
        else:
            pieces.append(Piece(position, end, line.part, answers))
        position = end + 1
    text = "\n".join(line.text for line, _ in rows)
    cuts = tuple(Cut(rule, "\n".join(texts).strip("\n")) for rule, texts in sorting.cuts)
    if not _has_text(rows) and any(any(map(str.isalnum, cut.text)) for cut in cuts):
        sorting.doubts.add(Doubt.NOTHING_LEFT)
    if _header_residue(rows):
        sorting.doubts.add(Doubt.HEADER_RESIDUE)
    return OwnWords(text, tuple(pieces), tuple(cut for cut in cuts if cut.text), frozenset(sorting.doubts))


def _header_residue(rows: Sequence[tuple[Line, str | None]]) -> bool:
    """Whether two different header words were left in the text, with what only a program writes."""
    found = [(label[0], line.text) for line, _ in rows[:400] if (label := label_roles(line.text)) is not None]
    roles = {role for options, _ in found for role in options if len(options) == 1}
    named = len(roles & {"from", "sent", "to", "subject"}) >= 2
    return named and any(looks_written_by_program(text) for _, text in found)
