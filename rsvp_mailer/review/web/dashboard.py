"""The first page: how things stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.responses import Response

    from rsvp_mailer.review.web.visit import Visit


def show(visit: Visit) -> Response:
    """How things stand."""
    return visit.page("dashboard.html", figures=visit.office.figures())
