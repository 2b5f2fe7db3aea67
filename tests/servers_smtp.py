"""An SMTP server that keeps what it takes and misbehaves on command (aiosmtpd's protocol, on loopback).

``server.script(...)`` says what goes wrong, in order. The first fault waits until its step comes, strikes once and
makes room for the next; with an empty script all mail is accepted:

    server.script(refuse("450 4.2.0 mailbox busy", at=Step.RCPT), drop(Step.ACCEPTED))
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from email.message import EmailMessage


class Step(StrEnum):
    """Where a fault strikes."""

    CONNECT = "connect"  # before the greeting
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  # instead of 354
    BODY = "body"  # after the first octets of the message
    DOT = "dot"  # the message was read and is not kept
    ACCEPTED = "accepted"  # the message is kept, the answer is not given


@dataclass(frozen=True, slots=True)
class Fault:
    """``reply``: said instead of the usual answer (a 421 also hangs up). ``after_s``: silence before."""

    at: Step
    reply: str | None = None
    hangs: bool = False
    drops: bool = False
    after_s: float = 0.0


def refuse(reply: str, *, at: Step = Step.RCPT) -> Fault:
    """Answer with ``reply``, for instance ``550 5.1.1 no such person``."""
    return Fault(at, reply=reply)


def hang(at: Step) -> Fault:
    """Say nothing more, keep the connection open."""
    return Fault(at, hangs=True)


def drop(at: Step) -> Fault:
    """Reset the connection."""
    return Fault(at, drops=True)


def slow(seconds: float, *, at: Step = Step.DATA) -> Fault:
    """Wait, then go on as usual."""
    return Fault(at, after_s=seconds)


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One accepted message. ``octets``: between DATA and the final dot. ``connection``: counted from 1."""

    sender: str
    recipients: tuple[str, ...]
    octets: bytes
    connection: int
    login: str | None

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        return message_from_bytes(self.octets, policy=policy.default)


class SmtpServer:
    """Start with ``start()``, end with ``stop()`` (a restart keeps the port), or use as a context manager.

    ``login``: user and password that AUTH accepts; then AUTH is required. ``tls``: a server's context;
    ``implicit_tls``: speak TLS from the first octet instead of offering STARTTLS.
    ``refused``: recipients and the reply that each of them gets for good.
    """

    def __init__(
        self,
        *,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
    ) -> None:
        self.login = login
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.port = 0
        self.mails: list[StoredMail] = []
        self.connections = 0
        self.logins: list[tuple[str, bool]] = []
        self.refused: dict[str, str] = {}
        self.on_mail: Callable[[StoredMail], None] | None = None
        self._faults: deque[Fault] = deque()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._arrived = threading.Condition()
        self._transports: set[asyncio.BaseTransport] = set()

    def __enter__(self) -> SmtpServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def script(self, *faults: Fault) -> None:
        """Append to what will go wrong."""
        self._faults.extend(faults)

    @property
    def script_left(self) -> int:
        """How many faults have not struck yet."""
        return len(self._faults)

    def wait_for(self, count: int, *, seconds: float = 40) -> list[StoredMail]:
        """Wait until ``count`` mails were accepted in all; ``AssertionError`` where they do not come."""
        with self._arrived:
            came = self._arrived.wait_for(lambda: len(self.mails) >= count, seconds)
            assert came, f"{len(self.mails)} of {count} mails came within {seconds} s"
            return list(self.mails)

    def hang_up(self) -> None:
        """Reset all open connections now."""
        assert self._loop is not None
        for transport in list(self._transports):
            self._loop.call_soon_threadsafe(_reset, transport)

    def start(self) -> None:
        """Listen; on the same port again after ``stop``."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10), "the SMTP server of the tests did not start"

    def stop(self) -> None:
        """Reset all connections and stop listening."""
        if self._thread is not None and self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(10)
            self._thread = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        context = self.tls if self.implicit_tls else None
        listener = await self._loop.create_server(self._session, "127.0.0.1", self.port, ssl=context)
        self.port = listener.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        listener.close()
        for transport in list(self._transports):
            _reset(transport)
        await asyncio.sleep(0)

    def _session(self) -> SMTP:
        return _Session(self, self._authenticate if self.login else None)

    def _authenticate(self, smtp: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        del smtp, session, envelope, mechanism
        right = (given.login.decode(), given.password.decode()) == self.login
        self.logins.append((given.login.decode(), right))
        return AuthResult(success=right, handled=False, auth_data=given)

    def _next_fault(self, step: Step) -> Fault | None:
        return self._faults.popleft() if self._faults and self._faults[0].at is step else None

    def _keep(self, mail: StoredMail) -> None:
        with self._arrived:
            self.mails.append(mail)
            self._arrived.notify_all()
        if self.on_mail is not None:
            self.on_mail(mail)


def _reset(transport: Any) -> None:
    with suppress(AttributeError):  # a TLS transport of Python 3.11 that is closed already
        transport.abort()


class _Session(SMTP):
    """One connection; each step first asks the script."""

    def __init__(self, owner: SmtpServer, authenticator: Any) -> None:
        self._owner = owner
        self._number = 0
        super().__init__(
            self,  # its own handler
            hostname="mx1.essen.example",
            data_size_limit=100_000_000,
            enable_SMTPUTF8=True,
            tls_context=None if owner.implicit_tls else owner.tls,
            auth_required=authenticator is not None,
            authenticator=authenticator,
            loop=asyncio.get_running_loop(),
        )
        # Set here, for the library warns of what loopback tests do on purpose.
        self._auth_require_tls = owner.tls is not None and not owner.implicit_tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._number == 0:  # STARTTLS comes here once more
            self._owner.connections += 1
            self._number = self._owner.connections
        self._owner._transports.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner._transports.discard(self.transport)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if not await self._fails(Step.CONNECT):
            await super()._handle_client()

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 - the library looks it up by this name
        if not await self._fails(Step.AUTH):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - the library looks it up by this name
        if not await self._fails(Step.MAIL):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - the library looks it up by this name
        address = (arg or "").partition(":")[2].split(">")[0].strip(" <").lower()
        if address in self._owner.refused:
            await self.push(self._owner.refused[address])
        elif not await self._fails(Step.RCPT):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library looks it up by this name
        if await self._fails(Step.DATA):
            return
        fault = self._owner._next_fault(Step.BODY)
        if fault is not None:
            await self.push("354 go ahead")
            await self._reader.read(50)
            await self._strike(fault)
        else:
            await super().smtp_DATA(arg)

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library looks it up by this name
        del smtp
        answer = await self._fails(Step.DOT)
        if answer:
            return answer
        login = session.auth_data.login.decode() if session.auth_data else None
        content = envelope.original_content or b""
        mail = StoredMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content, self._number, login)
        self._owner._keep(mail)
        return await self._fails(Step.ACCEPTED) or f"250 2.0.0 kept as {len(self._owner.mails)}"

    async def _fails(self, step: Step) -> str | None:
        """Let the script's next fault strike if it is due; its reply, already given unless DATA was complete."""
        fault = self._owner._next_fault(step)
        if fault is None:
            return None
        if step in {Step.DOT, Step.ACCEPTED}:
            return await self._strike(fault, says=False)
        return await self._strike(fault)

    async def _strike(self, fault: Fault, *, says: bool = True) -> str | None:
        assert self.transport is not None
        await asyncio.sleep(fault.after_s)
        if fault.drops:
            _reset(self.transport)
        if fault.drops or fault.hangs:
            await asyncio.Event().wait()  # until the loss of the connection cancels this task
        if fault.reply is not None and says:
            await self.push(fault.reply)
        if fault.reply is not None and fault.reply.startswith("421"):
            self.transport.close()
        return fault.reply


def wait_until(condition: Callable[[], bool], *, seconds: float = 30, what: str = "it") -> None:
    """Poll a condition every 20 ms; ``AssertionError`` where it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)
