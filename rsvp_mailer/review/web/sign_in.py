"""Signing in without a password: a link by mail, good once, for fifteen minutes, in the browser that asked for it.

Mail scanners open links: the page behind one shows a button, and only its POST consumes the link. Whether an
address is known shows nowhere: the same pages, the same work, the same time. Limits are kept in the store, so that
no restart forgets them; they count known and unknown addresses alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rsvp_mailer.outbox.sign_in import compose_sign_in
from rsvp_mailer.review.web.cookies import SESSION, VISITOR, drop_cookie, set_cookie
from rsvp_mailer.review.web.guard import LONGEST_SESSION, is_own_path
from rsvp_mailer.review.web.visit import Refusal
from rsvp_mailer.store.doors import sha256

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from rsvp_mailer.review.web.visit import Office, Visit
    from rsvp_mailer.store.store import Transaction

GOOD_FOR = timedelta(minutes=15)
LEAST_S = 0.4  # well above what the work takes, so that the time taken tells nothing


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` attempts of a kind within ``period``, for each ``of`` (an address, a client, or all)."""

    kind: str
    most: int
    period: timedelta = timedelta(hours=1)

    def bucket(self, of: str) -> str:
        """The attempts' name in the store."""
        return f"{self.kind}:{sha256(of)}"

    def pass_or_refuse(self, tx: Transaction, of: str, now: datetime) -> None:
        """Count an attempt; ``Refusal`` above the limit, and that attempt is not counted."""
        if tx.doors.attempts(self.bucket(of), now - self.period) >= self.most:
            raise Refusal(429, minutes=int(self.period.total_seconds() // 60))
        tx.doors.count(self.bucket(of), now)


LINKS_PER_ADDRESS = Limit("link to", 5)
LINKS_PER_CLIENT = Limit("link from", 20)
LINKS_IN_ALL = Limit("links", 100)
TOKENS_PER_CLIENT = Limit("token from", 30)


# --- asking for a link ---------------------------------------------------------------------------------------------


def ask(visit: Visit) -> Response:
    """The form for the address."""
    if visit.person is not None:
        return visit.go("/")
    return visit.page("sign_in.html", next=_own(visit.asked("next")))


def send(visit: Visit) -> Response:
    """Mail a link, if the address is one of ours; the answer is the same either way."""
    address = visit.field("address").lower()
    if "@" not in address or len(address) > 320:
        return visit.page("sign_in.html", status=400, next=_own(visit.field("next")), fault="no_address")
    office, now = visit.office, visit.office.now()
    known = any(user.address == address for user in office.settings.web.users)
    token = office.new_token()
    mail = compose_sign_in(
        office.settings.sender,
        # Written for everybody and thrown away for strangers: it takes the time that it takes.
        address if known else office.settings.sender.address,
        link=f"{office.settings.web.site}/sign-in/{token}",
        until=now + GOOD_FOR,
        event=office.event,
        language=visit.language,
        token=office.new_token(),
        now=now,
        templates=office.settings.events[0].templates,
    )
    with office.store.writing() as tx:
        tx.doors.tidy(now)
        LINKS_IN_ALL.pass_or_refuse(tx, "", now)
        LINKS_PER_CLIENT.pass_or_refuse(tx, _client(visit), now)
        LINKS_PER_ADDRESS.pass_or_refuse(tx, address, now)
        if known:
            tx.doors.add_link(
                sha256(token),
                address,
                browser_sha256=sha256(visit.secret),
                return_to=_own(visit.field("next")),
                now=now,
                for_=GOOD_FOR,
            )
            tx.sendings.add(mail, key=f"sign-in:{sha256(token)}", kind="sign_in", event=office.event.id, now=now)
    office.wake()
    return visit.go("/sign-in/sent")


def sent(visit: Visit) -> Response:
    """What happens next; says nothing of who is known."""
    return visit.page("sign_in_sent.html", sends=visit.office.at_work())


def print_link(office: Office, address: str) -> str:
    """A link for the terminal, which any browser may use; ``ValueError`` for an address without a role."""
    if all(user.address != address.lower() for user in office.settings.web.users):
        raise ValueError(address)
    token, now = office.new_token(), office.now()
    with office.store.writing() as tx:
        tx.doors.add_link(sha256(token), address.lower(), browser_sha256=None, return_to="/", now=now, for_=GOOD_FOR)
    return f"{office.settings.web.site}/sign-in/{token}"


# --- coming back with it -------------------------------------------------------------------------------------------


def arrive(visit: Visit) -> Response:
    """The page that a link opens: a button, and nothing has happened yet."""
    with visit.office.store.reading() as tx:
        link = tx.doors.link(sha256(visit.request.path_params["token"]))
    if link is None or link.used_at is not None or link.expires_at <= visit.office.now():
        return visit.page("sign_in_over.html", status=410, foreign=False)
    if link.browser_sha256 not in {None, sha256(visit.secret)}:
        return visit.page("sign_in_over.html", status=403, foreign=True)
    return visit.page("sign_in_enter.html")


def enter(visit: Visit) -> Response:
    """Consume the link and open a session, always a new one."""
    office, now = visit.office, visit.office.now()
    token = sha256(visit.request.path_params["token"])
    session = office.new_token() + office.new_token()
    with office.store.writing() as tx:
        link = tx.doors.link(token)
        opened = link is not None and tx.doors.use_link(token, sha256(visit.secret), now)
        if link is not None and opened:
            if visit.person is not None:
                tx.doors.end_session(visit.person.session_id, now)
            tx.doors.open_session(sha256(session), link.address, visit.request.headers.get("user-agent", ""), now)
        else:
            TOKENS_PER_CLIENT.pass_or_refuse(tx, _client(visit), now)
    if link is None or not opened:
        return visit.page("sign_in_over.html", status=410, foreign=False)
    response = visit.go(link.return_to if is_own_path(link.return_to) else "/")
    web = office.settings.web
    set_cookie(response, SESSION, session, web, max_age=int(LONGEST_SESSION.total_seconds()))
    drop_cookie(response, VISITOR, web)
    return response


def leave(visit: Visit) -> Response:
    """Sign out: the session ends here, not only in the browser."""
    with visit.office.store.writing() as tx:
        tx.doors.end_session(visit.me.session_id, visit.office.now())
    response = visit.go("/sign-in", notice="signed_out")
    drop_cookie(response, SESSION, visit.office.settings.web)
    return response


def _client(visit: Visit) -> str:
    """Where a request comes from; behind a proxy that the settings trust, what that proxy says."""
    return visit.request.client.host if visit.request.client else ""


def _own(path: str) -> str:
    return path if is_own_path(path) else "/"
