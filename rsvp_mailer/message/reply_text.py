"""The lines of a body to the sender's own words.

What may live here: one pass from top to bottom which assigns every line to the person or to a rule that cut it,
then what can only be told from the whole: disclaimers, our own text, an empty rest.

What a line is, in the order of the rules:

| line | what happens |
|---|---|
| in a quote (``>`` or a client's mark) | cut; text below it answers it |
| a client's mark for "from here on" | the rest is cut |
| header block, separator, attribution | cut; the rest too, unless marked quotes follow |
| "-- ", a mailing list's footer | cut until a quote or a postscript |
| device line, advertising, disclaimer | cut |
| anything else | the person's |

Nothing is cut to nothing: where only a signature or disclaimer remains, it is the person's text after all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Cut, Doubt, OwnWords, Piece
from rsvp_mailer.message.attribution import has_verb, is_complete
from rsvp_mailer.message.device_lines import is_device_line, is_rest_of_device_line
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.footers import cut_footers
from rsvp_mailer.message.header_block import label_roles, looks_written_by_program
from rsvp_mailer.message.lines import RULE_SIGNS, Line, QuoteStart
from rsvp_mailer.message.own_quotes import cut_own_text, recover_answers
from rsvp_mailer.message.quote_marks import groupwise, quote_start
from rsvp_mailer.message.sorting import FOOTER_RULE, Sorting, drop_rule_above, has_text, take_rule_above
from rsvp_mailer.message.telling import is_postscript, may_be_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIGNATURE = re.compile(r"(?:--|__|—|– –|‐‐|––|──)[ \t]?$")
_PGP_HEAD = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----")
_PGP_TAIL = re.compile(r"-----BEGIN PGP SIGNATURE-----")
_SIGNATURES = frozenset(("signature.client", "signature.dashes"))
_LONGEST_SIGNATURE = 25  # lines; what is longer was no signature
_FULL_LINE = 76  # characters, the width at which programs break lines (RFC 3676: 78 at most)
_MOST_DASHES = 50  # lines of "--" that are looked at; more are no signatures


def own_words_of(lines: Sequence[Line], own_texts: tuple[str, ...] = ()) -> OwnWords:
    """The own words among the lines of one rendering of the body."""
    return finish(sort_lines(lines), own_texts)


def sort_lines(lines: Sequence[Line]) -> Sorting:
    """Tell the person's lines from all others."""
    sorting = _sort(lines)
    cut_footers(sorting)
    return sorting


def finish(sorting: Sorting, own_texts: tuple[str, ...]) -> OwnWords:
    """Compare with our own texts, which takes time, and put the own words together."""
    before = len(sorting.kept)
    recover_answers(sorting, own_texts)
    if len(sorting.kept) != before:
        cut_footers(sorting)
    _reclaim(sorting)
    cut_own_text(sorting, own_texts)
    return _compose(sorting)


def _reclaim(sorting: Sorting) -> None:
    """Cut nothing to nothing: a signature, or else a footer, that is all a mail says is the person's text."""
    signature = [line for line in sorting.reclaimable if line.text and not is_device_line(line.text)]
    for rules, lines in (("signature",), signature), (("disclaimer", "advertising"), sorting.footers):
        if has_text(sorting.kept):
            break
        if lines:
            sorting.kept += [(line, None) for line in lines]
            sorting.cuts = [cut for cut in sorting.cuts if not cut[0].startswith(rules)]
    for rule, texts in sorting.cuts:
        if rule not in _SIGNATURES:
            continue
        block = [text for text in texts if any(map(str.isalnum, text)) and not is_device_line(text)]
        if may_be_answer(block, marked=rule == "signature.client"):
            sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)


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
    if groupwise(line.text, line.depth) and not any(below.depth for below in lines[at + 1 : at + 6]):
        return _cut_rest(sorting, lines[at:], "quote.groupwise")
    sorting.cut("quote.marked", line.text)
    sorting.in_signature = False
    if line.part != "text/plain":
        sorting.client_mark = True
    if line.mark == "box":
        sorting.rest.append(line)
    if line.text:
        sorting.last_quoted = line.text
    return at + 1


def _may_be_broken_off(lines: Sequence[Line], at: int) -> bool:
    """Whether a line without ``>`` may be what a mail program has broken off the full quoted line above it."""
    if not 0 < at < len(lines) - 1 or not (lines[at - 1].depth and lines[at + 1].depth):
        return False
    above, text = lines[at - 1], lines[at].text
    length = len(above.text) + 2 * above.depth + 1 + len(text.partition(" ")[0])
    return length > _FULL_LINE and text[0].islower() and above.part == "text/plain" and above.text[-1:] not in ".!?:"


def _cut_marked(sorting: Sorting, line: Line) -> None:
    """Cut what the client itself marks as an attribution or a signature."""
    sorting.client_mark = True
    sorting.cut(line.mark, line.text)
    if line.mark == "signature.client":
        sorting.reclaimable.append(line)


def _sort_unquoted(sorting: Sorting, lines: Sequence[Line], at: int) -> int:
    """Decide between the person's text and a signature or device line."""
    line = lines[at]
    if sorting.in_signature and not is_postscript(line.text):
        sorting.cut("signature.dashes", line.text)
        sorting.reclaimable.append(line)
        return at + 1
    if sorting.in_signature:
        sorting.kept.append((Line("", line.part), None))
    sorting.in_signature = False
    rule = _line_rule(lines, at, sorting) if line.text else ""
    if not rule:
        if line.text and _may_be_broken_off(lines, at):
            sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
        if sorting.last_quoted and _follows_quoted_attribution(sorting):
            sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
        sorting.kept.append((line, sorting.last_quoted or None))
        sorting.worded = sorting.worded or any(map(str.isalnum, line.text))
        return at + 1
    if rule == "device" and (above := take_rule_above(sorting.kept)):
        sorting.cut(rule, above)
    sorting.cut(rule, line.text)
    sorting.in_signature = rule.startswith("signature")
    return _skip_armor(sorting, lines, at) + 1 if rule == "pgp.signature" else at + 1


def _follows_quoted_attribution(sorting: Sorting) -> bool:
    """Whether only an attribution was quoted above: what follows without ``>`` may be the quoted mail."""
    text = sorting.last_quoted
    last = sorting.kept[-1][1] if sorting.kept else None
    return last != text and len(text) < 300 and is_complete(text) and has_verb(text)


def _begin_quote(sorting: Sorting, lines: Sequence[Line], at: int, start: QuoteStart) -> int:
    """Cut the mark; return where to go on, or -1 where everything below is the quoted mail."""
    forward = start.rule.startswith("forward")
    sorting.forwarded = sorting.forwarded or forward
    sorting.in_signature = False
    if start.head:
        _sort_unquoted(sorting, [Line(start.head, lines[at].part)], 0)
    if not start.certain:
        sorting.doubts.add(Doubt.TEXT_AFTER_QUOTE)
    drop_rule_above(sorting)
    below = at + start.lines
    sorting.cut(start.rule, lines[at].text[len(start.head) :].lstrip())
    for line in lines[at + 1 : below]:
        sorting.cut(start.rule, line.text)
    while below < len(lines) and not lines[below].text and lines[below].mark[:5] != "rest.":
        below += 1
    follows = lines[below] if below < len(lines) else None
    if follows is None or forward or not (follows.depth > lines[at].depth or follows.weak or follows.mark):
        return _cut_rest(sorting, lines[below:], start.rule)
    sorting.weak_is_quote = follows.weak
    return below


def _cut_rest(sorting: Sorting, lines: Sequence[Line], rule: str) -> int:
    """Cut everything that is left; -1 ends the pass."""
    drop_rule_above(sorting)
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
    if text[0] in RULE_SIGNS:
        if FOOTER_RULE.match(text) and len(text) > 30 and _names_a_list(lines, at):
            return "signature.list"
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
    if len(text) <= 160 and is_device_line(text):
        return "device"
    if sorting.cuts and sorting.cuts[-1][0] == "device" and at and is_rest_of_device_line(text):
        return "device"  # the second half of a wrapped device line
    return ""


def _ends_soon(lines: Sequence[Line], at: int) -> bool:
    """Whether what follows the dashes is as short as a signature, up to the next quote or the end."""
    count = 0
    for line in lines[at + 1 : at + 2 * _LONGEST_SIGNATURE]:
        if line.depth or line.mark:
            break
        count += bool(line.text)
    return count <= _LONGEST_SIGNATURE


def _names_a_list(lines: Sequence[Line], at: int) -> bool:
    """Whether a mailing list's footer follows a rule of underscores."""
    below = fold(" ".join(line.text for line in lines[at + 1 : at + 5]))
    return "mailing list" in below or "mailingliste" in below or "/listinfo" in below


def _skip_armor(sorting: Sorting, lines: Sequence[Line], at: int) -> int:
    while at + 1 < len(lines) and not lines[at].text.startswith("-----END"):
        at += 1
        sorting.cut("pgp.signature", lines[at].text)
    return at


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
    if not has_text(rows) and any(any(map(str.isalnum, cut.text)) for cut in cuts):
        sorting.doubts.add(Doubt.NOTHING_LEFT)
    if _header_residue(rows):
        sorting.doubts.add(Doubt.HEADER_RESIDUE)
    return OwnWords(text, tuple(pieces), tuple(cut for cut in cuts if cut.text), frozenset(sorting.doubts))


def _says_who_wrote(text: str) -> bool:
    """Whether a line looks like an attribution of which the moment is missing."""
    return "@" in text and len(text) < 200 and is_complete(text) and has_verb(text)


def _header_residue(rows: Sequence[tuple[Line, str | None]]) -> bool:
    """Whether header words were left in the text with what only a program writes, or an address that "wrote:"."""
    if any(_says_who_wrote(line.text) for line, _ in rows[:400]):
        return True
    found = [(label[0], line.text) for line, _ in rows[:400] if (label := label_roles(line.text)) is not None]
    roles = {role for options, _ in found for role in options if len(options) == 1}
    named = len(roles & {"from", "sent", "to", "subject"}) >= 2
    return named and any(looks_written_by_program(text) for _, text in found)
