"""One request as a view sees it: who asks, what was typed, and how to answer."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from rsvp_mailer.domain import Event, Figures
    from rsvp_mailer.review.queue import Queue
    from rsvp_mailer.review.web.rendering import Pages
    from rsvp_mailer.settings import Settings
    from rsvp_mailer.store.store import Store


class Role(IntEnum):
    """What somebody may do; a higher role may do what a lower one may."""

    ANYBODY = 0  # not signed in
    VIEWER = 1
    CLERK = 2
    ADMINISTRATOR = 3


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in; the settings of this very moment say with which role."""

    address: str
    name: str
    role: Role
    session_id: int


@dataclass(frozen=True, slots=True)
class Office:
    """What the pages work on.

    ``new_token``: 32 random hexadecimal characters. ``at_work``: whether a program reads and sends mail now.
    ``wake``: says that mail is due.
    """

    settings: Settings
    store: Store
    queue: Queue
    event: Event
    now: Callable[[], datetime]
    figures: Callable[[], Figures]
    new_token: Callable[[], str]
    at_work: Callable[[], bool]
    wake: Callable[[], None] = lambda: None


class Refusal(Exception):
    """What was asked for cannot be done: an error page with ``status``, worded by ``errors.<key>``."""

    def __init__(self, status: int, key: str = "", **values: object) -> None:
        super().__init__(key or str(status))
        self.status = status
        self.key = key or str(status)
        self.values = values


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. ``secret``: known to this browser alone, from its cookie; forms prove by it where they come from.

    ``form``: what was typed (empty with GET).
    """

    request: Request
    office: Office
    pages: Pages
    language: str
    person: Person | None
    secret: str
    form: FormData

    @property
    def me(self) -> Person:
        """Who is signed in; only in views that ask for a role."""
        assert self.person is not None
        return self.person

    @property
    def path(self) -> str:
        """Of the request, without its query."""
        return self.request.url.path

    @property
    def here(self) -> str:
        """Where to come back to: path and query of a page that was looked at; after a form the first page."""
        if self.request.method != "GET":
            return "/"
        query = urlencode(
            [(name, value) for name, value in self.request.query_params.multi_items() if name != "notice"]
        )
        return f"{self.path}?{query}" if query else self.path

    def number(self, name: str) -> int:
        """A number in the path, as ``{id:int}``."""
        return int(self.request.path_params[name])

    def field(self, name: str) -> str:
        """What was typed into a field, without white space around it; empty where it is missing or a file."""
        value = self.form.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def asked(self, name: str) -> str:
        """A parameter of the query, as a search or a filter; empty where it is missing."""
        return self.request.query_params.get(name, "").strip()

    def text(self, key: str, **values: object) -> str:
        """Words in the language of the visit."""
        return self.pages.words(self.language).text(key, **values)

    def page(self, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
        """A page from a template."""
        return HTMLResponse(self.pages.render(template, self, values), status)

    def go(self, path: str, *, notice: str = "", **query: str | int) -> Response:
        """Send the browser on to a page of ours (``path`` is never what a visitor typed) with a line of notice."""
        if notice:
            query["notice"] = notice
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)

    @property
    def form_token(self) -> str:
        """What each form carries, and no other site can know."""
        return hmac.new(self.secret.encode(), b"form", hashlib.sha256).hexdigest()
