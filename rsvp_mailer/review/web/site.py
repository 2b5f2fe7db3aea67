"""Puts the site together: the route table behind the guard, and around both what holds for every answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from rsvp_mailer.review.web.cookies import is_secure
from rsvp_mailer.review.web.guard import Guard, refused
from rsvp_mailer.review.web.rendering import Pages
from rsvp_mailer.review.web.routes import NAVIGATION, PAGES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from rsvp_mailer.review.web.visit import Office
    from rsvp_mailer.settings import WebSettings

MAX_BODY_BYTES = 1_000_000

# Nothing but our own files: no inline script or style, nothing from elsewhere, no frame around us.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # "no-referrer" would make browsers send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}


def build_site(office: Office) -> Starlette:
    """The ASGI application for an office."""
    pages = Pages(office.event.starts_at.tzinfo, NAVIGATION)
    return Starlette(
        routes=[
            Route(page.path, Guard(page, office, pages).__call__, methods=[page.method], name=page.path)
            for page in PAGES
        ],
        middleware=[Middleware(Shell, web=office.settings.web)],
        exception_handlers={HTTPException: partial(refused, office=office, pages=pages)},
    )


class Shell:
    """Headers of every answer, the host that is answered at all, the size of what is taken in."""

    def __init__(self, app: ASGIApp, web: WebSettings) -> None:
        self._app = app
        self._site = web.site
        self._host = urlsplit(web.site).netloc
        self._headers = dict(_HEADERS)
        if is_secure(web):
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # no websockets here
            return
        headers = dict(scope["headers"])
        send = self._with_headers(send)
        if headers.get(b"host", b"").decode("latin-1").lower() != self._host:
            # Against other names for this machine that an attacker's DNS may give (rebinding).
            answer = PlainTextResponse(f"Diese Seiten haben die Adresse / These pages are at {self._site}\n", 421)
            await answer(scope, receive, send)
            return
        await self._app(scope, _limited(receive, headers.get(b"content-length")), send)

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.encode(), value.encode())
                        for name, value in self._headers.items()
                        if name.lower().encode() not in given
                    ),
                ]
            await send(message)

        return sending


def _limited(receive: Receive, announced: bytes | None) -> Receive:
    """``receive`` that refuses a body over the limit, announced or not."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        if announced is not None and announced.isdigit() and int(announced) > MAX_BODY_BYTES:
            raise HTTPException(413)
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return receiving
