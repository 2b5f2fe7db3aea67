"""The words of the pages, in German and English: ``languages/<code>/<group>.toml``, all files with the same keys.

``text("queue.title")`` is ``title`` in ``queue.toml``; tables nest with further dots. ``{name}`` stands for a value.
A table with the key ``other`` is one text in several grammatical numbers, chosen by ``count`` (CLDR's rules).
A missing key or value is a ``KeyError``: the tests look at every key that a template or view names.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_decimal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta, tzinfo

FOLDER = Path(__file__).parent / "languages"
LANGUAGES = {"de": "Deutsch", "en": "English"}  # each by its own name


@dataclass(frozen=True, slots=True)
class Words:
    """One language of the pages."""

    code: str
    locale: Locale
    texts: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """The words for ``key``; numbers among ``values`` are written as the language writes them."""
        count = values.get("count")
        found = self.texts.get(key)
        if found is None and isinstance(count, int):
            found = self.texts.get(f"{key}.{self.locale.plural_form(count)}") or self.texts[f"{key}.other"]
        if found is None:
            raise KeyError(key)
        return found.format_map({name: self._shown(value) for name, value in values.items()})

    def _shown(self, value: object) -> object:
        return self.number(value) if isinstance(value, int) else value

    def knows(self, key: str) -> bool:
        """Whether there are words for ``key``."""
        return key in self.texts

    def number(self, value: float) -> str:
        """Grouped as usual: 1.234."""
        return format_decimal(value, locale=self.locale)

    def day(self, value: date) -> str:
        """A date with its weekday: "Di., 14. Nov. 2017"."""
        return format_date(value, "EEE, d. MMM y" if self.code == "de" else "EEE d MMM y", self.locale)

    def short_day(self, value: date) -> str:
        """Day and month: "14.11."."""
        return format_date(value, "d.M." if self.code == "de" else "d MMM", self.locale)

    def signed(self, value: int) -> str:
        """With its sign, for a difference: "+12"."""
        return ("+" if value > 0 else "") + self.number(value).replace("-", "\u2212")

    def clock(self, value: datetime, zone: tzinfo | None) -> str:
        """Hours and minutes in ``zone``."""
        return format_time(value.astimezone(zone), "short", locale=self.locale)

    def moment(self, value: datetime, zone: tzinfo | None) -> str:
        """Date and time in ``zone``."""
        local = value.astimezone(zone)
        return format_datetime(local, "short", tzinfo=local.tzinfo, locale=self.locale)

    def ago(self, value: timedelta) -> str:
        """Roughly how long ago something was: "vor 2 Tagen"."""
        return format_timedelta(-value, locale=self.locale, threshold=1.2, add_direction=True)


@cache
def load_words(code: str) -> Words:
    """All words of a language."""
    texts: dict[str, str] = {}
    for path in sorted((FOLDER / code).glob("*.toml")):
        _flatten(tomllib.loads(path.read_text("utf-8")), path.stem, texts)
    return Words(code, Locale.parse({"de": "de_DE", "en": "en_GB"}[code]), texts)


def _flatten(node: Mapping[str, Any], at: str, texts: dict[str, str]) -> None:
    for key, value in node.items():
        if isinstance(value, dict):
            _flatten(value, f"{at}.{key}", texts)
        else:
            texts[f"{at}.{key}"] = value.strip()
