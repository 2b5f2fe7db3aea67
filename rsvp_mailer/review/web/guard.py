"""Stands before every view: who is it, may they, does the form come from a page of ours - and what if it fails.

A view is reached only through ``Guard``, which is made of a line of the route table with its role. What was typed
is never lost: where a POST cannot be done now (signed out, old page, database away), the error page holds the same
fields and a button that sends them again.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import anyio
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from rsvp_mailer.errors import RsvpMailerError, TemporaryError
from rsvp_mailer.review.web.cookies import LANGUAGE, SESSION, VISITOR, read_cookie, set_cookie
from rsvp_mailer.review.web.visit import Person, Refusal, Role, Visit
from rsvp_mailer.review.web.words import LANGUAGES
from rsvp_mailer.store.doors import sha256

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from rsvp_mailer.review.web.rendering import Pages
    from rsvp_mailer.review.web.visit import Office

log = structlog.get_logger()

LONGEST_SESSION = timedelta(days=7)
_VISITOR_S = 24 * 3600
_SEEN_EVERY = timedelta(minutes=5)  # a session's last use is noted no more often


@dataclass(frozen=True, slots=True)
class Page:
    """A line of the route table.

    ``least_s``: answered no sooner, so that the time taken tells nothing. ``personal``: whether the view asks who it
    is; what does not is there even when the database is away.
    """

    path: str
    view: Callable[[Visit], Response]
    role: Role
    method: str = "GET"
    least_s: float = 0.0
    personal: bool = True


@dataclass(frozen=True, slots=True)
class Guard:
    """The endpoint of one page."""

    page: Page
    office: Office
    pages: Pages

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        begun = anyio.current_time()
        if self.page.method == "POST":
            async with request.form() as form:
                response = await run_in_threadpool(self._answer, request, form)
        else:
            response = await run_in_threadpool(self._answer, request, FormData())
        await anyio.sleep_until(begun + self.page.least_s)
        return response

    def _answer(self, request: Request, form: FormData) -> Response:
        visit = stranger(request, self.office, self.pages, form)
        try:
            visit = _recognised(visit) if self.page.personal else visit
            self._check(visit)
            response = self.page.view(visit)
        except _SignInFirst:
            return _to_sign_in(visit)
        except Refusal as refusal:
            response = error_page(visit, refusal)
        except TemporaryError as error:
            log.warning("page put off", route=self.page.path, why=str(error))
            response = error_page(visit, Refusal(503))
        except RsvpMailerError as error:
            log.error("page refused", route=self.page.path, why=str(error))
            response = error_page(visit, Refusal(500))
        except Exception:
            log.exception("page failed", route=self.page.path)
            response = error_page(visit, Refusal(500))
        return _remembered(visit, response)

    def _check(self, visit: Visit) -> None:
        if visit.person is None and self.page.role > Role.ANYBODY:
            if self.page.method == "GET":
                raise _SignInFirst
            raise Refusal(401) if _same_site(visit) else Refusal(403, "foreign")
        if visit.person is not None and visit.person.role < self.page.role:
            raise Refusal(403)
        if self.page.method == "POST":
            if not _same_site(visit):
                raise Refusal(403, "foreign")
            if not hmac.compare_digest(visit.field("csrf_token").encode(), visit.form_token.encode()):
                raise Refusal(403, "stale")


class _SignInFirst(Exception):
    """A page that asks for a role, and nobody is signed in."""


def stranger(request: Request, office: Office, pages: Pages, form: FormData | None = None) -> Visit:
    """A visit before it is known who comes; needs no database."""
    chosen = read_cookie(request, LANGUAGE, office.settings.web)
    return Visit(
        request=request,
        office=office,
        pages=pages,
        language=chosen if chosen in LANGUAGES else office.settings.web.language,
        person=None,
        secret=read_cookie(request, VISITOR, office.settings.web) or office.new_token() + office.new_token(),
        form=form or FormData(),
    )


def _recognised(visit: Visit) -> Visit:
    """The visit with its person, if the cookie's session is still good and the settings still name its owner."""
    office = visit.office
    token = read_cookie(visit.request, SESSION, office.settings.web)
    if not token:
        return visit
    now, idle = office.now(), timedelta(hours=office.settings.web.signed_in_h)
    with office.store.reading() as tx:
        session = tx.doors.session(sha256(token))
    if session is None or session.seen_at + idle < now or session.created_at + LONGEST_SESSION < now:
        return visit
    user = next((user for user in office.settings.web.users if user.address == session.address), None)
    if user is None:
        return visit
    if session.seen_at + _SEEN_EVERY < now:
        with office.store.writing() as tx:
            tx.doors.seen(session.id, now)
    person = Person(user.address, user.name, Role[user.role.upper()], session.id)
    return Visit(visit.request, office, visit.pages, visit.language, person, token, visit.form)


def _same_site(visit: Visit) -> bool:
    """Whether the browser says that a page of ours sent this form; old ones say nothing, and the token decides."""
    headers = visit.request.headers
    origin = headers.get("origin")
    if origin is not None:
        return origin.lower() == visit.office.settings.web.site
    return headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def _to_sign_in(visit: Visit) -> Response:
    url = visit.request.url
    wanted = url.path + (f"?{url.query}" if url.query else "")
    return RedirectResponse(f"/sign-in?{urlencode({'next': wanted})}" if wanted != "/" else "/sign-in", 303)


def error_page(visit: Visit, refusal: Refusal) -> Response:
    """What happened and what to do, in plain words; with what was typed, where sending it again makes sense."""
    again = visit.request.method == "POST" and refusal.key in {"401", "stale", "503", "500"}
    typed = [
        (name, value) for name, value in visit.form.multi_items() if isinstance(value, str) and name != "csrf_token"
    ]
    response = visit.page(
        "error.html",
        status=refusal.status,
        key=refusal.key,
        values=refusal.values,
        typed=typed if again else None,
        back="/",
    )
    if refusal.status == 503:
        response.headers["Retry-After"] = "30"
    return response


def is_own_path(path: str) -> bool:
    """Whether ``path`` leads to a page of ours, whatever a browser makes of it."""
    if not path.startswith("/") or path[1:2] in {"/", "\\"} or len(path) > 300:
        return False
    if any(ord(character) <= 32 or character in "\\\x7f" for character in path):
        return False
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc


async def refused(request: Request, error: Exception, office: Office, pages: Pages) -> Response:
    """The page for what no view was found for, or what the server refuses by itself."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return await run_in_threadpool(_refuse, stranger(request, office, pages), status)


def _refuse(visit: Visit, status: int) -> Response:
    key = str(status) if visit.pages.words(visit.language).knows(f"errors.{status}.title") else "400"
    with suppress(RsvpMailerError):  # then without a name on top
        visit = _recognised(visit)
    return _remembered(visit, error_page(visit, Refusal(status, key)))


def _remembered(visit: Visit, response: Response) -> Response:
    """The answer, with the cookie on which the tokens of its forms rest."""
    if visit.person is None and isinstance(response, HTMLResponse):
        set_cookie(response, VISITOR, visit.secret, visit.office.settings.web, max_age=_VISITOR_S)
    return response
