"""The three cookies: a session, a browser that is not signed in yet, and the chosen language.

None can be read by a script. Behind TLS they are Secure and bound to this host by the prefix ``__Host-``. SameSite
is Lax: with Strict, whoever follows a link in the digest would seem to be signed out; a form sent by another site
brings no cookie either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from rsvp_mailer.settings import WebSettings

SESSION = "rsvp-session"
VISITOR = "rsvp-visitor"
LANGUAGE = "rsvp-language"


def _name(name: str, web: WebSettings) -> str:
    return f"__Host-{name}" if is_secure(web) else name


def is_secure(web: WebSettings) -> bool:
    """Whether browsers come by TLS."""
    return web.site.startswith("https://")


def read_cookie(request: Request, name: str, web: WebSettings) -> str:
    """A cookie's value; empty where it is missing."""
    return request.cookies.get(_name(name, web), "")


def set_cookie(response: Response, name: str, value: str, web: WebSettings, *, max_age: int) -> None:
    """Set a cookie for ``max_age`` seconds."""
    response.set_cookie(
        _name(name, web), value, max_age=max_age, path="/", secure=is_secure(web), httponly=True, samesite="lax"
    )


def drop_cookie(response: Response, name: str, web: WebSettings) -> None:
    """Let the browser forget a cookie."""
    response.delete_cookie(_name(name, web), path="/", secure=is_secure(web), httponly=True, samesite="lax")
