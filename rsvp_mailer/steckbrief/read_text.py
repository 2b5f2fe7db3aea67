"""Answers found in running text, by the questions above them: for DOCX, ODT and plain text. Pure.

Labels are looked for in the order of the form, so that an answer that happens to say "Telefon" ends no field.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.steckbrief.form import Field, Form, Wording

FEWEST_LABELS = 5  # fewer are no form of ours
_INVISIBLE = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_TICKED = re.compile("[\u2611\u2612\u2713\u2714\u2715-\u2718\u25a0\u25cfxX\u0445]")
_SHORT = 16  # letters: a label as short as "Telefon" must end its line or be followed by a colon


def fields_in(lines: Sequence[str], form: Form) -> tuple[Wording, dict[str, str]] | None:
    """The wording that a text is written in, and what stands below each label; ``None`` where it is no form."""
    folded = [_fold(line) for line in lines]
    best, most = None, 0
    for wording in form.wordings.values():
        labels = {_fold(label) for label in wording.fields.values()}
        found = sum(any(label in line for line in folded) for label in labels)
        if found > most:
            best, most = wording, found
    if best is None or most < FEWEST_LABELS:
        return None
    return best, _Walk(form, best).read(lines)


def _fold(words: str) -> str:
    plain = _INVISIBLE.sub("", unicodedata.normalize("NFKC", words)).casefold()
    return " ".join(plain.split()).rstrip(" :")


class _Walk:
    """One way through the lines, from question to question."""

    def __init__(self, form: Form, wording: Wording) -> None:
        self._wording = wording
        self._fields = form.fields
        self._labels = [_fold(wording.fields[field.id]) for field in form.fields]
        around = [*wording.sections.values(), wording.closing, wording.title, wording.subtitle, form.form_code(wording)]
        self._around = {_fold(words) for words in around}
        self._next = 0
        self._current: Field | None = None
        self._answers: dict[str, list[str]] = {}

    def read(self, lines: Sequence[str]) -> dict[str, str]:
        for line in lines:
            self._take(line)
        return {name: "\n".join(words).strip() for name, words in self._answers.items()}

    def _take(self, line: str) -> None:
        folded = _fold(line)
        for at in range(self._next, len(self._fields)):
            field, label = self._fields[at], self._labels[at]
            if field.kind == "box" and label in folded:
                self._answers[field.name] = ["yes" if _ticked(folded, label) else ""]
                self._next, self._current = at + 1, None
                return
            if field.kind != "box" and _begins(folded, label):
                self._next, self._current = at + 1, field
                self._answers[field.name] = [_behind_label(line, folded, label)]
                return
        if folded in self._around:
            self._current = None
        elif self._current is not None:
            self._answers[self._current.name].append(_INVISIBLE.sub("", line).rstrip())


def _begins(folded: str, label: str) -> bool:
    if folded == label:
        return True
    behind = folded.removeprefix(label)
    return folded.startswith(label) and (len(label) >= _SHORT or behind.startswith(":"))


def _behind_label(line: str, folded: str, label: str) -> str:
    """What was written on the label's own line."""
    if folded == label:
        return ""
    return " ".join(_INVISIBLE.sub("", line).split())[len(label) :].lstrip(" :")


def _ticked(folded: str, label: str) -> bool:
    before, _, behind = folded.partition(label)
    return _TICKED.search(before) is not None or _TICKED.fullmatch(behind.strip(" []()")) is not None
