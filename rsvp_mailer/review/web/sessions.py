"""Who is signed in where: one's own sessions; the administrator sees and ends those of everybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rsvp_mailer.review.web.guard import LONGEST_SESSION
from rsvp_mailer.review.web.visit import Refusal, Role

if TYPE_CHECKING:
    from starlette.responses import Response

    from rsvp_mailer.review.web.visit import Visit


def show(visit: Visit) -> Response:
    """The list."""
    now, web = visit.office.now(), visit.office.settings.web
    with visit.office.store.reading() as tx:
        found = tx.doors.sessions(
            seen_after=now - timedelta(hours=web.signed_in_h),
            created_after=now - LONGEST_SESSION,
            address=_limited_to(visit),
        )
    names = {user.address: user.name for user in web.users}
    rows = [(each, names.get(each.address, each.address), _program(each.browser)) for each in found]
    return visit.page("sessions.html", rows=rows)


def end(visit: Visit) -> Response:
    """End one."""
    with visit.office.store.writing() as tx:
        ended = tx.doors.end_session(visit.number("id"), visit.office.now(), _limited_to(visit))
    if not ended:
        raise Refusal(404)
    return visit.go("/sessions", notice="session_ended")


def _limited_to(visit: Visit) -> str | None:
    return None if visit.me.role >= Role.ADMINISTRATOR else visit.me.address


_PROGRAMS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"))


def _program(user_agent: str) -> str:
    """What somebody recognises a browser by: "Firefox, Windows"; what it says of itself where it is a rare one."""
    program = next((name for mark, name in _PROGRAMS if mark in user_agent), "")
    system = next((name for mark, name in (*_SYSTEMS, ("Linux", "Linux")) if mark in user_agent), "")
    return ", ".join(filter(None, (program, system))) or user_agent or "?"
