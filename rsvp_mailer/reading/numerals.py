"""Number words from 0 to 99, in the forms that a language file lists.

A file gives the forms of the single numbers and says how tens and units join, for instance
``"{unit}und{ten}"`` or ``"{ten} {unit}"``; everything up to 99 follows from that.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from rsvp_mailer.reading.normalise import fold_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def number_phrases(words: Mapping[str, Sequence[str]], joined: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Every number phrase as a row of folded words, with its value.

    ``words``: value (as TOML key) to forms; ``joined``: templates over ``{ten}`` (20, 30 ... 90) and
    ``{unit}`` (1 to 9; the file may list irregular ones under their own value, which then wins).
    """
    forms = {int(value): [fold_words(form) for form in listed] for value, listed in words.items()}
    phrases: dict[tuple[str, ...], int] = {}
    for template, ten, unit in product(joined, range(20, 100, 10), range(1, 10)):
        for ten_form, unit_form in product(forms.get(ten, ()), forms.get(unit, ())):
            phrases[tuple(_split(fold_words(template).format(ten=ten_form, unit=unit_form)))] = ten + unit
    for value, listed in forms.items():
        for form in listed:
            phrases[tuple(_split(form))] = value
    return phrases


def _split(phrase: str) -> list[str]:
    return phrase.split()
