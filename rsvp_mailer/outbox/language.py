"""How one language writes: dates, digits, plurals and lists by CLDR, and foreign words within its own.

A right-to-left sentence falls apart around a German address or a number unless these are isolated (Unicode's bidi
algorithm, UAX 9): in plain text and in subjects by invisible characters, in HTML by attributes. ``Isolated`` is both.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime, time, timedelta

LEFT_TO_RIGHT, FIRST_STRONG, END = "\u2066", "\u2068", "\u2069"
_RIGHT_TO_LEFT = {"R", "AL"}  # bidirectional classes of letters
_ZEROS = {"arab": 0x0660, "arabext": 0x06F0}  # of CLDR's numbering systems beside "latn"


class Isolated(str):
    """Words that keep their own direction: with isolating characters as text, ``markup`` in HTML."""

    __slots__ = ("markup",)
    markup: Markup

    @classmethod
    def of(cls, text: str, markup: Markup) -> Self:
        """Both forms of the same words."""
        made = cls(text)
        made.markup = markup
        return made

    def __html__(self) -> Markup:
        return self.markup


@dataclass(frozen=True, slots=True)
class Language:
    """What ``language.toml`` says. ``code``: of the reading guide. ``html_code``: BCP 47. ``name``: its own.

    ``names``: other languages'. Patterns are CLDR's; in ``day_pattern``, ``{month}`` stands for one of
    ``months``. ``separators``: between listed things, and before the last; empty: CLDR's. ``colon``: after a label.
    """

    code: str
    locale: Locale
    html_code: str
    name: str
    names: Mapping[str, str]
    day_pattern: str = "full"
    clock_pattern: str = "short"
    months: Sequence[str] = ()
    separators: Sequence[str] = ()
    colon: str = ": "

    @classmethod
    def of(cls, code: str, settings: Mapping[str, Any]) -> Self:
        """From what ``language.toml`` holds; ``KeyError``, ``ValueError`` or ``TypeError`` where it is wrong."""
        locale = Locale.parse(settings["locale"])
        html_code = settings.get("tag", locale.language)
        name = settings.get("name", locale.language_name or code)
        made = cls(code, locale, html_code, name, settings.get("languages", {}), **settings.get("format", {}))
        if len(made.months) not in {0, 12} or len(made.separators) not in {0, 2}:
            msg = "format.months must be twelve names, format.separators two"
            raise ValueError(msg)
        return made

    @property
    def direction(self) -> str:
        """Either "ltr" or "rtl"."""
        return self.locale.text_direction

    def day(self, value: date) -> str:
        """Weekday and date in full."""
        written = self._native(format_date(value, self.day_pattern, self.locale))
        return written.replace("{month}", self.months[value.month - 1] if self.months else "")

    def clock(self, value: time | datetime) -> str:
        """Hours and minutes."""
        return self.isolated(self._native(format_time(value, self.clock_pattern, locale=self.locale)))

    def moment(self, value: datetime) -> str:
        """A short date with time."""
        return self._native(format_datetime(value, "short", tzinfo=value.tzinfo, locale=self.locale))

    def short_day(self, value: date) -> str:
        """Day and month, shortened: "6. Nov."."""
        return self._native(format_skeleton("MMMd", value, locale=self.locale))

    def ago(self, value: timedelta) -> str:
        """Roughly how long ago something was, in the largest fitting unit: "vor 2 Tagen"."""
        return self._native(format_timedelta(-value, locale=self.locale, threshold=1.2, add_direction=True))

    def number(self, value: int) -> str:
        """Grouped as usual, in the digits that people use."""
        return self.isolated(self._native(format_decimal(value, locale=self.locale)))

    def _native(self, words: str) -> str:
        # Babel knows which digits a language uses, but does not write them.
        zero = _ZEROS.get(self.locale.default_numbering_system)
        return words.translate({ord("0") + n: zero + n for n in range(10)}) if zero else words

    def listing(self, codes: Iterable[str]) -> str:
        """Names of languages, joined as the language joins them; an unknown code stays as it is."""
        names = [self.names.get(code, code) for code in codes]
        if len(names) < 2 or not self.separators:
            return format_list(names, locale=self.locale)
        comma, last = self.separators
        return comma.join(names[:-1]) + last + names[-1]

    def plural(self, count: int, forms: Mapping[str, str]) -> str:
        """The form that CLDR's plural rules choose (``other`` for one that is missing), not yet with its number."""
        return forms.get(self.locale.plural_form(count), forms["other"])

    # --- words that are not of this language --------------------------------------------------------------------------

    def isolated(self, words: str) -> str:
        """Words that nothing may reorder: a number, a time, somebody's name."""
        if self.direction == "ltr" or not words:
            return words
        return Isolated.of(f"{FIRST_STRONG}{words}{END}", Markup("<bdi>{}</bdi>").format(words))

    def german(self, words: str) -> str:
        """Words of the settings, which are German whatever the language around them."""
        if self.code == "de" or not words:
            return words
        if self.direction == "ltr":
            return Isolated.of(words, Markup('<span lang="de">{}</span>').format(words))
        return Isolated.of(f"{LEFT_TO_RIGHT}{words}{END}", Markup('<span lang="de" dir="ltr">{}</span>').format(words))

    def link(self, url: str) -> str:
        """An address in plain text; what follows it must not become a part of it where programs recognise links."""
        return url if self.direction == "ltr" else f"{LEFT_TO_RIGHT}{url} {END}"


def name_in_text(name: str) -> str:
    """Somebody's name for plain text of any direction."""
    foreign = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in name)
    return f"{FIRST_STRONG}{name}{END}" if foreign else name


def name_in_html(name: str) -> str:
    """Somebody's name for HTML of any direction."""
    return f"<bdi>{escape(name)}</bdi>"


def carry_isolates(lines: Iterable[str]) -> list[str]:
    """Lines of one wrapped paragraph: an isolate ends with its line (UAX 9, BD9) and is opened anew in the next."""
    carried: list[str] = []
    opened: list[str] = []
    for line in lines:
        begun = "".join(opened)
        for character in line:
            if character in {LEFT_TO_RIGHT, FIRST_STRONG}:
                opened.append(character)
            elif character == END and opened:
                opened.pop()
        carried.append(begun + line + END * len(opened))
    return carried
