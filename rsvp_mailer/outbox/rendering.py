"""Turns templates into words: one wording per language, rendered twice, as plain text and as HTML.

A language is a folder of ``templates/``: ``language.toml`` and one ``.jinja`` file per kind of mail, which holds
words only. ``_text/`` and ``_html/`` hold the two layouts and their building blocks, under the same names, so that
both parts say the same because they come from the same file. In a block, each line is a line and a blank line
separates paragraphs. A folder of the same shape, named in the settings, overrides file by file.

Everything is rendered once when the program starts: a fault is a ``ConfigError`` with file and line, not a mail
that fails at night.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
import traceback
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
)
from markupsafe import Markup

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.mime import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime, time, timedelta

    from jinja2.runtime import Context

_SHIPPED = Path(__file__).parent / "templates"
_TEXT_COLUMNS = 72
_ZEROS = {"arab": 0x0660, "arabext": 0x06F0}  # of CLDR's numbering systems beside "latn"
_STYLES = {
    "": "margin:0 0 16px;",
    "strong": "margin:0 0 16px;font-weight:bold;",
    "small": "margin:16px 0 0;font-size:14px;line-height:1.4;color:#55606b;",
}


@dataclass(frozen=True, slots=True)
class Language:
    """A folder of templates. ``code``: of the reading guide. ``html_code``: BCP 47. ``names``: other languages'."""

    code: str
    locale: Locale
    names: Mapping[str, str]

    @property
    def html_code(self) -> str:
        """What ``lang`` attributes and Content-Language say."""
        return self.locale.language

    def day(self, value: date) -> str:
        """Weekday and date in full."""
        return self._native(format_date(value, "full", self.locale))

    def clock(self, value: time | datetime) -> str:
        """Hours and minutes."""
        return self._native(format_time(value, "short", locale=self.locale))

    def moment(self, value: datetime) -> str:
        """A short date with time."""
        return self._native(format_datetime(value, "short", tzinfo=value.tzinfo, locale=self.locale))

    def ago(self, value: timedelta) -> str:
        """Roughly how long ago something was, in the largest fitting unit: "vor 2 Tagen"."""
        return self._native(format_timedelta(-value, locale=self.locale, threshold=1.2, add_direction=True))

    def number(self, value: int) -> str:
        """Grouped as usual, in the digits that people use."""
        return self._native(format_decimal(value, locale=self.locale))

    def _native(self, words: str) -> str:
        # Babel knows which digits a language uses, but does not write them.
        zero = _ZEROS.get(self.locale.default_numbering_system)
        return words.translate({ord("0") + n: zero + n for n in range(10)}) if zero else words

    def listing(self, codes: Iterable[str]) -> str:
        """Names of languages, joined as the language joins them; an unknown code stays as it is."""
        return format_list([self.names.get(code, code) for code in codes], locale=self.locale)


@dataclass(frozen=True, slots=True)
class Section:
    """One language's share of a mail."""

    language: Language
    subject: str
    text: str
    html: Markup


class Templates:
    """All languages that a folder structure offers. ``ConfigError`` names every fault with file and line."""

    def __init__(self, override: Path | None = None) -> None:
        if override is not None and not override.is_dir():
            raise ConfigError([f"templates: {override} is no folder; name a folder with templates or leave it out"])
        self._roots = [override, _SHIPPED] if override is not None else [_SHIPPED]
        self._text = self._environment("_text", escape=False)
        self._html = self._environment("_html", escape=True)
        self.languages = self._languages()

    def _environment(self, layouts: str, *, escape: bool) -> Environment:
        folders = [folder for root in self._roots for folder in (root / layouts, root)]
        environment = Environment(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            autoescape=escape,  # noqa: S701 - plain text must not be escaped, HTML is
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.filters |= {
            "oneline": one_line,
            "tight": _tight,
            "prose": _html_prose if escape else _text_prose,
            "plural": _plural,
            "number": _number,
            "signed": _signed,
        }
        return environment

    def _languages(self) -> dict[str, Language]:
        faults: list[str] = []
        found: dict[str, Language] = {}
        for code in sorted({path.parent.name for root in self._roots for path in root.glob("[!_]*/*.jinja")}):
            path = next((p for root in self._roots if (p := root / code / "language.toml").is_file()), None)
            if path is None:
                faults.append(f"templates/{code}/language.toml: missing")
                continue
            try:
                settings = tomllib.loads(path.read_text("utf-8"))
                found[code] = Language(code, Locale.parse(settings["locale"]), settings.get("languages", {}))
            except (OSError, ValueError, KeyError, UnknownLocaleError) as error:
                faults.append(f"{path}: cannot be used ({error})")
        if faults:
            raise ConfigError(faults)
        return found

    def render(self, kind: str, code: str, values: Mapping[str, Any]) -> Section:
        """One kind of mail in one language; ``jinja2.TemplateError`` where a template is at fault."""
        language = self.languages[code]
        context = {
            **values,
            "language": language,
            "html_language": language.html_code,
            "direction": language.locale.text_direction,
        }
        name = f"{code}/{kind}.jinja"
        subject, _, text = self._text.get_template(name).render(context).strip().partition("\n")
        html = self._html.get_template(name).render(context)
        return Section(language, subject, _squeeze(text), Markup(html))  # noqa: S704 - rendered with autoescape

    def document(self, sections: Sequence[Section]) -> str:
        """The HTML page around the sections; its title is the first one's subject."""
        first = sections[0].language
        return self._html.get_template("document.jinja").render(
            subject=sections[0].subject,
            sections=[section.html for section in sections],
            html_language=first.html_code,
            direction=first.locale.text_direction,
        )

    def faults(self, kind: str, code: str, values: Mapping[str, Any]) -> list[str]:
        """Why a template cannot be rendered with these values: "file:line: reason"; empty when it can."""
        try:
            self.document([self.render(kind, code, values)])
        except TemplateSyntaxError as error:
            return [f"{error.filename or error.name}:{error.lineno}: {error.message}"]
        except TemplateNotFound as error:
            return [f"templates/{error.name}: missing; add it, or remove the folder templates/{code}"]
        except TemplateError as error:
            return [f"{_where(error) or f'templates/{code}/{kind}.jinja'}: {error.message}"]
        except (TypeError, ValueError, KeyError, ArithmeticError) as error:
            # What an expression inside a template raises, "{{ 1 / 0 }}" or an unknown filter argument.
            return [f"{_where(error) or f'templates/{code}/{kind}.jinja'}: {type(error).__name__}: {error}"]
        return []


@cache
def shipped_or(override: Path | None) -> Templates:
    """Templates for a folder, compiled once per process."""
    return Templates(override)


def map_url(address: str) -> str:
    """A page with a map that loads nothing until it is asked for."""
    return f"https://www.openstreetmap.org/search?query={quote_plus(address)}"


def _where(error: BaseException) -> str:
    """File and line of the innermost template frame; Jinja rewrites tracebacks to point into templates."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(".jinja")]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _tight(text: str) -> str:
    """Without empty lines."""
    return "\n".join(line for line in text.splitlines() if line.strip())


def _squeeze(text: str) -> str:
    return re.sub(r"\n\s*\n+", "\n\n", text).strip() + "\n"


@lru_cache(1024)
def _text_prose(words: str) -> str:
    lines = (
        textwrap.fill(line, _TEXT_COLUMNS, break_long_words=False, break_on_hyphens=False)
        for line in words.strip().split("\n")
    )
    return "\n".join(lines)


@lru_cache(1024)
def _html_prose(words: str, style: str = "") -> Markup:
    mark = ' class="small"' if style == "small" else ""
    paragraphs = (p.strip().replace("\n", "<br>\n") for p in re.split(r"\n\s*\n", words) if p.strip())
    made = "\n".join(f'<p{mark} style="{_STYLES[style]}">{p}</p>' for p in paragraphs)
    return Markup(made)  # noqa: S704 - the filter's input was escaped when its block was rendered


@pass_context
def _plural(context: Context, count: int, **forms: str) -> str:
    """The form that CLDR's plural rules choose; ``%s`` becomes the number in the language's digits."""
    language: Language = context["language"]
    form = forms.get(language.locale.plural_form(count), forms["other"])
    return form.replace("%s", language.number(count))


@pass_context
def _number(context: Context, count: int) -> str:
    language: Language = context["language"]
    return language.number(count)


@pass_context
def _signed(context: Context, count: int) -> str:
    return ("+" if count > 0 else "") + _number(context, count).replace("-", "\u2212")
