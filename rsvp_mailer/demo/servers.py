"""Mail servers inside the demo's own process: an IMAP mailbox in memory, and an SMTP server that keeps what it gets.

Both listen on a free port of 127.0.0.1, each with an asyncio loop in a thread of its own, and are gone when their
``with`` block ends. They are for looking at, never for production: pymap keeps no custom keywords, so the demo
leaves the mailbox as it is (``after = "leave"``).
"""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from abc import ABC, abstractmethod
from argparse import Namespace
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Self
from uuid import uuid4
from weakref import WeakSet

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, Login
from pymap.concurrent import Subsystem
from pymap.flags import FlagOp
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flagged
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from aiosmtpd.smtp import Envelope, Session

HOST = "127.0.0.1"
_TIMEOUT_S = 10
_GLANCE_S = 0.02
_MAX_MESSAGE_BYTES = 50_000_000


class LoopbackServer(ABC):
    """A server on a free port of 127.0.0.1, for the length of a ``with`` block.

    ``OSError`` on entering where no port can be had. Connections still open at the end are cut.
    """

    port: int

    def __init__(self) -> None:
        self._listening: Future[int] = Future()
        self._transports: WeakSet[asyncio.WriteTransport] = WeakSet()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    @abstractmethod
    async def listen(self) -> asyncio.Server:
        """Start to listen on ``HOST``, on any free port."""

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._listening.result(_TIMEOUT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._listening.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self.listen()
        self._listening.set_result(server.sockets[0].getsockname()[1])
        await self._stop.wait()
        # Not awaited: from Python 3.12 on that would wait for clients that keep their connection.
        server.close()
        for transport in list(self._transports):
            transport.abort()


class _QuietConfig(Config):
    @property
    def greeting(self) -> bytes:
        """No look-up of this machine's name, which may ask a name server."""
        return b"Server ready"


class ImapServer(LoopbackServer):
    """One mailbox with one folder, INBOX, behind a password; plain text, as only loopback ever sees it."""

    def __init__(self, *, user: str, password: str) -> None:
        super().__init__()
        self.user, self.password = user, password

    async def listen(self) -> asyncio.Server:
        """Start pymap with its in-memory backend."""
        config = _QuietConfig(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=HOST,
            port=0,
            demo_data=False,
            demo_user=self.user,
            demo_password=self.password,
            tls_enabled=False,
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),  # else it reads CERT_FILE from the environment
            hash_context=Cleartext(),  # a password that lives for seconds needs no key stretching
            cpu_subsystem=Subsystem.for_asyncio(),  # the default is a pool of threads that nobody ends
            max_append_len=_MAX_MESSAGE_BYTES,
        )
        config.apply_context()
        self._login = Login(config)
        await self._login.demo_user_identity.set(UserMetadata(config, self.user, password=self.password))
        self._pymap = IMAPServer(self._login, config)
        return await asyncio.start_server(self._connected, HOST, 0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # In place of proxyprotocol's callback: that keeps no reference to the task of a connection, and an
        # idle connection vanishes with the next run of the garbage collector.
        self._transports.add(writer.transport)
        await self._pymap(reader, writer, SocketInfo.get(writer, None, unique_id=uuid4().bytes))

    def deliver(self, arrived_at: datetime, raw: bytes) -> tuple[int, int]:
        """Put a mail into INBOX, unread, as arrived then (aware); its UIDVALIDITY and UID."""
        return asyncio.run_coroutine_threadsafe(self._append(arrived_at, raw), self._loop).result(_TIMEOUT_S)

    async def _append(self, arrived_at: datetime, raw: bytes) -> tuple[int, int]:
        async with self._login.demo_user_identity.new_session() as session:
            self._inbox = await session.mailbox_set.get_mailbox("INBOX")
        self._newest = await self._inbox.append(AppendMessage(raw, arrived_at))
        return self._inbox.uid_validity, self._newest.uid

    def remind(self) -> None:
        """Make a waiting client look up, as if somebody had flagged the newest mail, and taken the flag away again.

        pymap's IDLE overlooks what arrives between the last command and IDLE itself, until something else happens.
        """
        asyncio.run_coroutine_threadsafe(self._touch(), self._loop).result(_TIMEOUT_S)

    async def _touch(self) -> None:
        for change in (FlagOp.ADD, FlagOp.DELETE):
            await self._inbox.update(self._newest.uid, self._newest, frozenset({Flagged}), change)
            await asyncio.sleep(_GLANCE_S)  # in one go the two would amount to nothing


class SmtpServer(LoopbackServer):
    """Writes every mail to ``folder``: ``001 somebody@example.org.eml``, in the order of arrival.

    Who logs in needs the right password; who does not log in may send too.
    """

    def __init__(self, folder: Path, *, user: str, password: str) -> None:
        super().__init__()
        self.folder = folder
        self._login = LoginPassword(user.encode(), password.encode())
        self._received = 0

    async def listen(self) -> asyncio.Server:
        """Start aiosmtpd."""
        connection = partial(
            _Connection,
            self,
            authenticator=self._authenticate,
            auth_require_tls=False,
            data_size_limit=_MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            hostname="localhost",  # aiosmtpd would ask a name server for it
            loop=asyncio.get_running_loop(),
        )
        return await asyncio.get_running_loop().create_server(connection, HOST, 0)

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, how: str, login: object) -> AuthResult:
        del server, session, envelope, how
        return AuthResult(success=login == self._login, handled=False)  # the answer is left to aiosmtpd

    def opened(self, transport: asyncio.WriteTransport) -> None:
        """Note a connection, which is cut at the end."""
        self._transports.add(transport)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Write one mail, once for each recipient."""
        del server, session
        assert isinstance(envelope.content, bytes)  # text only with decode_data
        for recipient in envelope.rcpt_tos:
            self._received += 1
            name = re.sub(r"[^\w.+@-]", "_", recipient)
            (self.folder / f"{self._received:03} {name}.eml").write_bytes(envelope.content)
        return "250 2.0.0 accepted"


class _Connection(SMTP):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be known to the server."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.event_handler.opened(transport)
        super().connection_made(transport)
