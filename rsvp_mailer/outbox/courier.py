"""Takes what is due from the store to the mail server, and notes what became of it.

A row is claimed before its first octet leaves and noted as sent right after the server's yes, one by one: a crash
leaves at most one message in doubt, whose very octets go again. Claims that were never begun are given back.

A refusal of one message (4xx) puts that message off: 1, 5, 15, 60 minutes, then hourly for about two days, then it
has failed. A server that cannot be reached, or breaks off, ends the round: the message in hand counts an attempt,
all others wait untouched, and the pause grows from 5 seconds to 5 minutes. A refused login pauses half an hour and
is tried three times in all, for more would lock the account; then ``alert`` is set and sending rests until the
program is started again. Wrong settings (certificate, sender refused) set ``alert`` too, but are tried again
each half hour: somebody may correct the server's side.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, Protocol

import structlog

from rsvp_mailer.errors import ConfigError, LoginRefusedError, PermanentDeliveryError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

BACK_OFF_MIN = (1, 5, 15, 60)
MAX_ATTEMPTS = 51  # 81 minutes by the steps above, then hourly: two days and one hour
MAX_LOGIN_ATTEMPTS = 3
LOGIN_PAUSE = timedelta(minutes=30)
_SERVER_PAUSE_S = (5, 10, 20, 40, 80, 160, 300)
_CLAIMED_AT_ONCE = 25
_REST_S = 15.0  # how long a connection is kept when nothing is due, and how often the store is asked unwoken
_STOP_GRACE_S = 5.0
_UNAVAILABLE = 421

P = ParamSpec("P")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message handed to the courier. ``attempts`` counts this one too: 1 is the first."""

    id: int
    recipient: str
    attempts: int
    octets: bytes


class Outgoing(Protocol):
    """The store's side. Calls block, are short, and are each a transaction of their own."""

    def claim(self, now: datetime, limit: int) -> Sequence[Claimed]:
        """Mark up to ``limit`` due messages as being sent and return them, the longest due first."""

    def release(self, ids: Sequence[int]) -> None:
        """Give back claims of which no octet was sent: waiting again, attempt not counted."""

    def mark_sent(self, id: int, now: datetime) -> None:  # noqa: A002 - the column's name
        """Note that the server took it."""

    def mark_retry(self, id: int, due_at: datetime, smtp_code: int | None, error: str) -> None:  # noqa: A002
        """Let it wait until ``due_at``."""

    def mark_failed(self, id: int, smtp_code: int | None, error: str) -> None:  # noqa: A002
        """Give up on it, and show it to a person."""


class Session(Protocol):
    """The server's side: ``send.SmtpSession``."""

    async def send(self, octets: bytes, *, sender: str, recipient: str) -> None:
        """Return when the server took the message."""

    async def close(self) -> None:
        """Hang up."""


@dataclass(slots=True)
class Round:
    """What one round did. ``interrupted``: the server, not a message, ended it."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    interrupted: bool = False


class Courier:
    """Sends what is due, over one connection. ``sender``: the envelope's, to which bounces return.

    ``alert``: empty, or one line for ``status`` saying why nothing is being sent.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        session: Session,
        *,
        sender: str,
        clock: Callable[[], datetime],
        rest_s: float = _REST_S,
    ) -> None:
        self._outgoing = outgoing
        self._session = session
        self._sender = sender
        self._clock = clock
        self._rest_s = rest_s
        self._login_attempts = 0
        self._interruptions = 0
        self._paused_until: datetime | None = None
        self._notes: deque[Callable[[], None]] = deque()
        self.alert = ""

    @property
    def gave_up(self) -> bool:
        """Whether the login was refused too often."""
        return self._login_attempts >= MAX_LOGIN_ATTEMPTS

    async def run(self, stop: asyncio.Event, wake: asyncio.Event) -> None:
        """Send until ``stop``; ``wake`` says that something new is due. Ends within seconds of ``stop``.

        A message in hand may take 5 seconds more; then it is left as claimed, and goes again at the next start.
        """
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                wake.clear()
                sending = asyncio.create_task(self.run_once(stop))
                await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not sending.done():
                    await asyncio.wait({sending}, timeout=_STOP_GRACE_S)
                    sending.cancel()
                    await asyncio.wait({sending})
                self._survive(sending)
                await self._rest(stopping, wake)
        finally:
            stopping.cancel()
            await self._session.close()

    async def close(self) -> None:
        """Hang up."""
        await self._session.close()

    async def run_once(self, stop: asyncio.Event | None = None) -> Round:
        """Send everything that is due now, unless sending pauses."""
        done = Round()
        self._write_down()
        while not done.interrupted and not self._pausing() and not (stop and stop.is_set()):
            # The store is called directly: this loop serves the courier alone, and has nothing else to do meanwhile.
            claimed = list(self._outgoing.claim(self._clock(), _CLAIMED_AT_ONCE))
            if not claimed:
                break
            await self._deliver(claimed, done, stop)
        return done

    async def _deliver(self, claimed: list[Claimed], done: Round, stop: asyncio.Event | None) -> None:
        try:
            while claimed and not done.interrupted and not (stop and stop.is_set()):
                # Gone from the list before its first octet: whatever happens now, it is not given back as unsent.
                await self._deliver_one(claimed.pop(0), claimed, done)
        finally:
            if claimed:
                self._note(self._outgoing.release, [message.id for message in claimed])

    async def _deliver_one(self, message: Claimed, untouched: list[Claimed], done: Round) -> None:
        try:
            await self._session.send(message.octets, sender=self._sender, recipient=message.recipient)
        except PermanentDeliveryError as error:
            self._fail(message, error.smtp_code, str(error), done)
        except TemporaryError as error:
            done.interrupted = error.smtp_code in (None, _UNAVAILABLE)
            self._put_off(message, error, done)
            if done.interrupted:
                self._pause_for_server(str(error))
        except LoginRefusedError as error:
            untouched.append(message)
            done.interrupted = True
            self._login_attempts += 1
            self._pause_for_people(str(error))
        except ConfigError as error:
            untouched.append(message)
            done.interrupted = True
            self._pause_for_people(str(error))
        else:
            self._note(self._outgoing.mark_sent, message.id, self._clock())
            done.sent += 1
            self._interruptions = self._login_attempts = 0
            self.alert = ""
            log.info("mail.sent", outgoing_id=message.id, attempt=message.attempts)

    def _note(self, mark: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Write an outcome to the store; where that fails it is kept, and written before anything else is claimed."""
        self._notes.append(partial(mark, *args, **kwargs))
        self._write_down()

    def _write_down(self) -> None:
        while self._notes:
            self._notes[0]()
            self._notes.popleft()

    def _survive(self, sending: asyncio.Task[Round]) -> None:
        """A store that is locked or full ends a round, not the courier."""
        if sending.cancelled():
            return
        error = sending.exception()
        if isinstance(error, TemporaryError):
            log.error("mail.store_unavailable", why=str(error))
        elif error is not None:
            raise error

    def _put_off(self, message: Claimed, error: TemporaryError, done: Round) -> None:
        if message.attempts >= MAX_ATTEMPTS:
            self._fail(message, error.smtp_code, str(error), done)
            return
        minutes = BACK_OFF_MIN[min(message.attempts, len(BACK_OFF_MIN)) - 1]
        due_at = self._clock() + timedelta(minutes=minutes)
        self._note(self._outgoing.mark_retry, message.id, due_at, error.smtp_code, str(error))
        done.retried += 1
        log.warning(
            "mail.put_off",
            outgoing_id=message.id,
            attempt=message.attempts,
            smtp_code=error.smtp_code,
            uncertain=error.uncertain,
            minutes=minutes,
        )

    def _fail(self, message: Claimed, smtp_code: int | None, error: str, done: Round) -> None:
        self._note(self._outgoing.mark_failed, message.id, smtp_code, error)
        done.failed += 1
        log.error("mail.failed", outgoing_id=message.id, attempt=message.attempts, smtp_code=smtp_code)

    def _pause_for_server(self, why: str) -> None:
        seconds = _SERVER_PAUSE_S[min(self._interruptions, len(_SERVER_PAUSE_S) - 1)]
        self._interruptions += 1
        self._paused_until = self._clock() + timedelta(seconds=seconds)
        log.warning("smtp.interrupted", why=why, pause_s=seconds)

    def _pause_for_people(self, why: str) -> None:
        self.alert = why if not self.gave_up else f"{why}; tried {MAX_LOGIN_ATTEMPTS} times, start again when corrected"
        self._paused_until = self._clock() + LOGIN_PAUSE
        log.error("smtp.needs_a_person", why=self.alert)

    def _pausing(self) -> bool:
        return self.gave_up or (self._paused_until is not None and self._clock() < self._paused_until)

    async def _rest(self, stopping: asyncio.Task[bool], wake: asyncio.Event) -> None:
        """Wait until something new is due; hang up when that takes a while, as servers like it."""
        pause_s = (self._paused_until - self._clock()).total_seconds() if self._paused_until else 0.0
        waking = asyncio.create_task(wake.wait())
        try:
            done, _ = await asyncio.wait(
                {waking, stopping},
                timeout=pause_s if 0 < pause_s < self._rest_s else self._rest_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                await self._session.close()
        finally:
            waking.cancel()
