"""Turns templates into words: one wording per language, rendered twice, as plain text and as HTML.

A language is a folder of ``templates/``: ``language.toml`` and one ``.jinja`` file per kind of mail, which holds
words only. ``_text/`` and ``_html/`` hold the two layouts and their building blocks, under the same names, so that
both parts say the same because they come from the same file. In a block, each line is a line and a blank line
separates paragraphs. A folder of the same shape, named in the settings, overrides file by file.

Everything is rendered once when the program starts: a fault is a ``ConfigError`` with file and line, not a mail
that fails at night.
"""

from __future__ import annotations

import difflib
import re
import textwrap
import tomllib
import traceback
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from babel import UnknownLocaleError
from css_inline import CSSInliner
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    pass_context,
)
from markupsafe import Markup, escape

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.language import Language, carry_isolates
from rsvp_mailer.outbox.mime import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2.runtime import Context

_SHIPPED = Path(__file__).parent / "templates"
_TEXT_COLUMNS = 72
# Nothing is fetched: templates are a folder of the office's own, but mail needs no pages from elsewhere either.
_INLINER = CSSInliner(load_remote_stylesheets=False)


_REQUIRED = re.compile("Required block '(.+)' not found")
_UNDEFINED = re.compile("'(.+)' is undefined")


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
        if override is not None and (faults := _stray_files(override)):
            raise ConfigError(faults)
        self._roots = [override, _SHIPPED] if override is not None else [_SHIPPED]
        self._text = self._environment("_text", escape=False)
        self._html = self._environment("_html", escape=True)
        self.languages = self._languages()

    def _environment(self, layouts: str, *, escape: bool) -> Environment:
        folders = [folder for root in self._roots for folder in (root / layouts, root)]
        environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(folders), PrefixLoader({"shipped": FileSystemLoader(_SHIPPED)})]),
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
            "link": _link,
            "german": _german,
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
                found[code] = Language.of(code, tomllib.loads(path.read_text("utf-8")))
            except (OSError, ValueError, KeyError, TypeError, UnknownLocaleError) as error:
                faults.append(f"{path}: cannot be used ({error})")
        if faults:
            raise ConfigError(faults)
        return found

    def render(self, kind: str, code: str, values: Mapping[str, Any]) -> Section:
        """One kind of mail in one language; ``jinja2.TemplateError`` where a template is at fault."""
        subject, text = self.plain(kind, code, values)
        html = self._html.get_template(f"{code}/{kind}.jinja").render(self._context(code, values))
        return Section(self.languages[code], subject, text, Markup(html))  # noqa: S704 - rendered with autoescape

    def plain(self, kind: str, code: str, values: Mapping[str, Any]) -> tuple[str, str]:
        """Subject and text of one kind of mail in one language, without its HTML."""
        written = self._text.get_template(f"{code}/{kind}.jinja").render(self._context(code, values))
        subject, _, text = written.strip().partition("\n")
        return subject, _squeeze(text)

    def _context(self, code: str, values: Mapping[str, Any]) -> dict[str, Any]:
        language = self.languages[code]
        shown = {"language": language, "html_language": language.html_code, "direction": language.direction}
        return {**values, **shown}

    def document(self, sections: Sequence[Section]) -> str:
        """The HTML page around the sections; its title is the first one's subject."""
        first = sections[0].language
        page = self._html.get_template("document.jinja").render(
            subject=sections[0].subject,
            sections=sections,
            html_language=first.html_code,
            direction=first.direction,
        )
        return _INLINER.inline(page)

    def faults(self, kind: str, code: str, values: Mapping[str, Any]) -> list[str]:
        """Why a template cannot be rendered with these values: "file:line: reason"; empty when it can.

        The words of a language are one file for both parts, and the shipped layouts are the same for all languages:
        without an office's own files among them HTML is tried in German alone, which halves the time of a start.
        """
        try:
            subject, _ = self.plain(kind, code, values)
            if code == "de" or len(self._roots) > 1:
                self.document([self.render(kind, code, values)])
        except TemplateSyntaxError as error:
            return [f"{error.filename or error.name}:{error.lineno}: {error.message}"]
        except TemplateNotFound as error:
            return [f"templates/{error.name}: missing; add it, or remove the folder templates/{code}"]
        except TemplateError as error:
            return [self._told(error, f"{code}/{kind}.jinja", values)]
        except RecursionError:
            shipped = f'{{% extends "shipped/{code}/{kind}.jinja" %}}'
            return [f"{self._file(f'{code}/{kind}.jinja')}:1: extends itself; the shipped one is {shipped}"]
        except (TypeError, ValueError, KeyError, ArithmeticError) as error:
            # What an expression inside a template raises, "{{ 1 / 0 }}" or an unknown filter argument.
            where = _where(error) or self._file(f"{code}/{kind}.jinja")
            return [f"{where}: {type(error).__name__}: {error}"]
        return [] if subject else [f"{self._file(f'{code}/{kind}.jinja')}:1: the subject is empty"]

    def _told(self, error: TemplateError, name: str, values: Mapping[str, Any]) -> str:
        """A fault of a template that can be read but not rendered."""
        message = error.message or type(error).__name__
        if missing := _REQUIRED.search(message):
            block = f"{{% block {missing[1]} %}}...{{% endblock %}}"
            return f"{self._file(name)}:1: has no {missing[1]}; add {block}"
        if unknown := _UNDEFINED.search(message):
            close = difflib.get_close_matches(unknown[1], values, 1)
            known = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(values))}"
            message = f"{message}; {known}"
        return f"{_where(error) or self._file(name)}: {message}"

    def _file(self, name: str) -> str:
        return next((str(root / name) for root in self._roots if (root / name).is_file()), f"templates/{name}")


@cache
def shipped_or(override: Path | None) -> Templates:
    """Templates for a folder, compiled once per process."""
    return Templates(override)


def map_url(address: str) -> str:
    """A page with a map that loads nothing until it is asked for."""
    return f"https://www.openstreetmap.org/search?query={quote_plus(address)}"


def _stray_files(override: Path) -> list[str]:
    """Files of an office's folder that would have no effect, or cannot be read."""
    words = {path.name for path in _SHIPPED.glob("[!_]*/*")}
    faults: list[str] = []
    for path in sorted(file for file in override.glob("*/*") if file.is_file()):
        folder = path.parent.name
        known = {file.name for file in (_SHIPPED / folder).iterdir()} if folder in {"_text", "_html"} else words
        if path.name not in known and not path.name.startswith(("_", ".")):
            names = ", ".join(sorted(known))
            faults.append(f'{path}: nothing uses it; known are {names}; begin the name of a part of your own with "_"')
        elif path.suffix in {".jinja", ".toml", ".css"} and (line := _line_not_utf8(path)):
            faults.append(f"{path}:{line}: is not UTF-8; save the file in that encoding")
    return faults


def _line_not_utf8(path: Path) -> int:
    """Number of the first line that is no UTF-8; 0 where there is none."""
    octets = path.read_bytes()
    try:
        octets.decode()
    except UnicodeDecodeError as error:
        return octets[: error.start].count(b"\n") + 1
    return 0


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
    return "\n".join(
        part
        for line in words.strip().split("\n")
        for part in carry_isolates(
            textwrap.wrap(line, _TEXT_COLUMNS, break_long_words=False, break_on_hyphens=False) or [""]
        )
    )


@lru_cache(1024)
def _html_prose(words: str, style: str = "") -> Markup:
    mark = f' class="{style}"' if style else ""
    paragraphs = (p.strip().replace("\n", "<br>\n") for p in re.split(r"\n\s*\n", words) if p.strip())
    made = "\n".join(f"<p{mark}>{p}</p>" for p in paragraphs)
    return Markup(made)  # noqa: S704 - the filter's input was escaped when its block was rendered


@pass_context
def _plural(context: Context, count: int, **forms: str) -> str:
    """The form that CLDR's plural rules choose; ``%s`` becomes the number in the language's digits."""
    language: Language = context["language"]
    form, number = language.plural(count, forms), language.number(count)
    return escape(form).replace("%s", escape(number)) if context.eval_ctx.autoescape else form.replace("%s", number)


@pass_context
def _number(context: Context, count: int) -> str:
    language: Language = context["language"]
    return language.number(count)


@pass_context
def _signed(context: Context, count: int) -> str:
    sign = "+" if count > 0 else "\u2212" if count < 0 else ""
    return sign + _number(context, abs(count))


@pass_context
def _link(context: Context, url: str) -> str:
    language: Language = context["language"]
    return language.link(url)


@pass_context
def _german(context: Context, words: str) -> str:
    language: Language = context["language"]
    return language.german(words)
