"""Makes HTML of templates: everything escaped, nothing inline, each static file named by its content."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rsvp_mailer.review.web.words import LANGUAGES, Words, load_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, timedelta, tzinfo

    from rsvp_mailer.review.web.visit import Visit

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Pages:
    """Templates and static files. ``zone``: of all times shown. ``navigation``: path, words and role of each link."""

    zone: tzinfo | None
    navigation: tuple[tuple[str, str, int], ...]

    @cached_property
    def _environment(self) -> Environment:
        return Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )

    @cached_property
    def static_files(self) -> Mapping[str, tuple[bytes, str]]:
        """Octets and media type by name."""
        return {
            path.name: (path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream")
            for path in sorted((_HERE / "static").iterdir())
            if path.is_file()
        }

    def static(self, name: str) -> str:
        """The address of a static file; another one whenever its content changes."""
        octets, _ = self.static_files[name]
        return f"/static/{name}?{hashlib.sha256(octets).hexdigest()[:12]}"

    def words(self, code: str) -> Words:
        """The words of a language."""
        return load_words(code)

    def render(self, template: str, visit: Visit, values: Mapping[str, Any]) -> str:
        """One page for one visit."""
        words, now = self.words(visit.language), visit.office.now()
        role = visit.person.role if visit.person else 0
        notice = visit.asked("notice")
        token = Markup('<input type="hidden" name="csrf_token" value="{}">').format(visit.form_token)
        context: dict[str, Any] = {
            "visit": visit,
            "person": visit.person,
            "event": visit.office.event,
            "t": words.text,
            "words": words,
            "language": visit.language,
            "languages": LANGUAGES,
            "static": self.static,
            "form_token": token,
            "navigation": [(path, key) for path, key, least in self.navigation if role >= least],
            # From a list of ours, so that nobody can make a link that lets these pages say anything.
            "notice": words.text(f"notices.{notice}") if notice and words.knows(f"notices.{notice}") else "",
            "now": now,
            "number": words.number,
            "day": lambda value: words.day(self._local_day(value)),
            "clock": lambda value: words.clock(value, self.zone),
            "moment": lambda value: words.moment(value, self.zone),
            "ago": lambda value: words.ago(_since(value, now)),
        }
        return self._environment.get_template(template).render(context | dict(values))

    def _local_day(self, value: date) -> date:
        """A day as it is; of an instant the day on which it fell here, not in Greenwich."""
        return value.astimezone(self.zone).date() if isinstance(value, datetime) else value


def _since(value: datetime, now: datetime) -> timedelta:
    return now - value
