"""What belongs to no page: static files, the choice of language, a sign of life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from rsvp_mailer.review.web.cookies import LANGUAGE, set_cookie
from rsvp_mailer.review.web.guard import is_own_path
from rsvp_mailer.review.web.visit import Refusal
from rsvp_mailer.review.web.words import LANGUAGES

if TYPE_CHECKING:
    from rsvp_mailer.review.web.visit import Visit


def static(visit: Visit) -> Response:
    """A file of ours; its address changes with its content, so that it may be kept for ever."""
    found = visit.pages.static_files.get(visit.request.path_params["name"])
    if found is None:
        raise Refusal(404)
    octets, media_type = found
    return Response(octets, media_type=media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def choose_language(visit: Visit) -> Response:
    """Keep the chosen language for a year, and go back to the page where it was chosen."""
    back = visit.field("back")
    response = RedirectResponse(back if is_own_path(back) else "/", 303)
    if visit.field("language") in LANGUAGES:
        set_cookie(response, LANGUAGE, visit.field("language"), visit.office.settings.web, max_age=365 * 24 * 3600)
    return response


def health(visit: Visit) -> Response:
    """Whether the pages and the database answer; for whoever watches the machine."""
    with visit.office.store.reading() as tx:
        tx.alerts.all()
    return PlainTextResponse("ok\n")
