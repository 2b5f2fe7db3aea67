"""Disclaimers and advertising under a mail: known by phrases of the language files, cut to the end of the paragraph.

What may live here: what is cut although no mark of a program surrounds it. A footer is never all that a mail
says: where nothing else is left, it stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.sorting import Sorting, drop_rule_above, has_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.message.lines import Line

_LONGEST_TEXT = 100_000  # characters


def cut_footers(sorting: Sorting) -> None:
    """Take out disclaimers and advertising, from the phrase to the end of its paragraph."""
    patterns = load_patterns()
    kinds = (("disclaimer", patterns.words["cut.disclaimer"]), ("advertising", patterns.words["cut.advertising"]))
    if sum(len(line.text) for line, _ in sorting.kept) > _LONGEST_TEXT:
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
    if has_text(kept) and not patterns.words["automatic.personal"].found_in(_decisive(cut)):
        sorting.kept = kept
        for rule, text in cut:
            sorting.cut(rule, text)
        drop_rule_above(sorting)


def _decisive(cut: Sequence[tuple[str, str]]) -> str:
    """Advertising lines are short and may hold a person's answer; a disclaimer's own words are known."""
    return fold(" ".join(text for rule, text in cut if rule == "advertising" and len(text) < 80))


def _begins_footer(phrase: str | None, own: str, folded: str) -> bool:
    """Whether a phrase begins within this line (it may end in the next one)."""
    return phrase is not None and folded.find(phrase) < max(len(own), 1)
