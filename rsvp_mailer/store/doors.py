"""Sign-in links, sessions of the pages, and how often something was tried.

Tokens come in as their hashes alone. A link is consumed by one statement, so that two clicks at the same instant
cannot both open the door.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, or_, select, update

from rsvp_mailer.store.tables import attempt, outgoing, sign_in_link, web_session

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KEPT = timedelta(days=1)  # links and attempts, for whoever looks into what happened
_SESSIONS_KEPT = timedelta(days=30)


def sha256(token: str) -> str:
    """What is stored of a token: hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SignInLink:
    """A link that was mailed or printed. ``browser_sha256``: the browser that asked; ``None``: any may use it."""

    address: str
    browser_sha256: str | None
    return_to: str
    expires_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's browser that is signed in."""

    id: int
    address: str
    browser: str
    created_at: datetime
    seen_at: datetime


_SESSION = (
    web_session.c.id,
    web_session.c.address,
    web_session.c.browser,
    web_session.c.created_at,
    web_session.c.seen_at,
)


class Doors:
    """Rows of ``sign_in_link``, ``web_session`` and ``attempt`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- links ---------------------------------------------------------------------------------------------------

    def add_link(
        self,
        token_sha256: str,
        address: str,
        *,
        browser_sha256: str | None,
        return_to: str,
        now: datetime,
        for_: timedelta,
    ) -> None:
        """Keep a link that opens the door for ``for_``; earlier ones for the address end here."""
        open_ones = (sign_in_link.c.address == address, sign_in_link.c.used_at.is_(None))
        self._connection.execute(update(sign_in_link).where(*open_ones).values(used_at=now))
        self._connection.execute(
            insert(sign_in_link).values(
                token_sha256=token_sha256,
                address=address,
                browser_sha256=browser_sha256,
                return_to=return_to,
                created_at=now,
                expires_at=now + for_,
            )
        )

    def link(self, token_sha256: str) -> SignInLink | None:
        """Return a link by its token."""
        row = self._connection.execute(
            select(
                sign_in_link.c.address,
                sign_in_link.c.browser_sha256,
                sign_in_link.c.return_to,
                sign_in_link.c.expires_at,
                sign_in_link.c.used_at,
            ).where(sign_in_link.c.token_sha256 == token_sha256)
        ).one_or_none()
        return SignInLink(**row._mapping) if row else None

    def use_link(self, token_sha256: str, browser_sha256: str, now: datetime) -> bool:
        """Consume a link; false where it is unknown, used, expired or another browser's."""
        return bool(
            self._connection.execute(
                update(sign_in_link)
                .where(
                    sign_in_link.c.token_sha256 == token_sha256,
                    sign_in_link.c.used_at.is_(None),
                    sign_in_link.c.expires_at > now,
                    or_(sign_in_link.c.browser_sha256.is_(None), sign_in_link.c.browser_sha256 == browser_sha256),
                )
                .values(used_at=now)
            ).rowcount
        )

    # --- sessions ------------------------------------------------------------------------------------------------

    def open_session(self, token_sha256: str, address: str, browser: str, now: datetime) -> None:
        """Keep a new session."""
        self._connection.execute(
            insert(web_session).values(
                token_sha256=token_sha256, address=address, browser=browser[:200], created_at=now, seen_at=now
            )
        )

    def session(self, token_sha256: str) -> Session | None:
        """Return a session that was not ended."""
        row = self._connection.execute(
            select(*_SESSION).where(web_session.c.token_sha256 == token_sha256, web_session.c.ended_at.is_(None))
        ).one_or_none()
        return Session(**row._mapping) if row else None

    def sessions(self, *, seen_after: datetime, created_after: datetime, address: str | None = None) -> list[Session]:
        """Return sessions in force, of one person or of all, the last used first."""
        mine = (web_session.c.address == address,) if address is not None else ()
        rows = self._connection.execute(
            select(*_SESSION)
            .where(
                web_session.c.ended_at.is_(None),
                web_session.c.seen_at > seen_after,
                web_session.c.created_at > created_after,
                *mine,
            )
            .order_by(web_session.c.seen_at.desc(), web_session.c.id.desc())
        )
        return [Session(**row._mapping) for row in rows]

    def seen(self, session_id: int, now: datetime) -> None:
        """Note a session's use."""
        self._connection.execute(update(web_session).where(web_session.c.id == session_id).values(seen_at=now))

    def end_session(self, session_id: int, now: datetime, address: str | None = None) -> bool:
        """End a session, with ``address`` only if it is that person's; whether there was one."""
        mine = (web_session.c.address == address,) if address is not None else ()
        return bool(
            self._connection.execute(
                update(web_session)
                .where(web_session.c.id == session_id, web_session.c.ended_at.is_(None), *mine)
                .values(ended_at=now)
            ).rowcount
        )

    # --- attempts ------------------------------------------------------------------------------------------------

    def count(self, bucket: str, now: datetime) -> None:
        """Note an attempt."""
        self._connection.execute(insert(attempt).values(bucket=bucket, at=now))

    def attempts(self, bucket: str, after: datetime) -> int:
        """Return how many attempts there were after an instant."""
        return int(
            self._connection.execute(
                select(func.count()).where(attempt.c.bucket == bucket, attempt.c.at > after)
            ).scalar_one()
        )

    def tidy(self, now: datetime) -> None:
        """Drop what nobody needs any more, mails with old links among it."""
        self._connection.execute(delete(attempt).where(attempt.c.at < now - _KEPT))
        self._connection.execute(delete(sign_in_link).where(sign_in_link.c.expires_at < now - _KEPT))
        self._connection.execute(
            delete(outgoing).where(
                outgoing.c.kind == "sign_in",
                outgoing.c.state.in_(("waiting", "sent", "superseded")),
                outgoing.c.created_at < now - _KEPT,
            )
        )
        self._connection.execute(delete(web_session).where(web_session.c.seen_at < now - _SESSIONS_KEPT))
