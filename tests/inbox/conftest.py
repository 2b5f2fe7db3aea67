"""A connected inbox on the real Dovecot, and a scripted IMAP server for what no real server does on demand."""

from __future__ import annotations

import re
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from servers import absent

from rsvp_mailer.domain import Cursor
from rsvp_mailer.inbox.imap import ImapInbox
from rsvp_mailer.settings import MailboxSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers_dovecot import Account, Dovecot

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def build_mail(number: int = 1, *, body: str = "Ich komme gern.", subject: str = "") -> bytes:
    """A small reply with CRLF line ends."""
    head = f"From: Gast {number} <gast{number}@beispiel.example>\r\nMessage-ID: <{number}@beispiel.example>\r\n"
    return f"{head}Subject: {subject or f'Antwort {number}'}\r\n\r\n{body}\r\n".encode()


@pytest.fixture
def mail() -> Callable[..., bytes]:
    return build_mail


@pytest.fixture
def cursor() -> Callable[..., Cursor]:
    """A cursor at the beginning of a folder, unless told otherwise."""

    def make(folder: str = "INBOX", **values: Any) -> Cursor:
        return Cursor("office", folder, **{"start_at": LONG_AGO, **values})

    return make


@pytest.fixture
def settings_for() -> Callable[..., MailboxSettings]:
    """Settings for an account on Dovecot: without encryption, over loopback, unless told otherwise."""

    def make(account: Account, **values: Any) -> MailboxSettings:
        server = account.server
        security = values.setdefault("security", "none")
        port = server.imaps_port if security == "tls" else server.imap_port
        defaults = {"host": "127.0.0.1", "port": port, "user": account.address, "addresses": (account.address,)}
        return MailboxSettings(**{**defaults, **values})

    return make


@pytest.fixture
def open_inbox(settings_for: Callable[..., MailboxSettings]) -> Iterator[Callable[..., ImapInbox]]:
    """Connect to an account; hung up after the test."""
    opened: list[ImapInbox] = []

    def connect(account: Account, *, max_message_bytes: int = 25_000_000, **values: Any) -> ImapInbox:
        settings = settings_for(account, **values)
        inbox = ImapInbox(settings, password=account.password, max_message_bytes=max_message_bytes)
        opened.append(inbox)
        inbox.connect()
        return inbox

    yield connect
    for inbox in opened:
        inbox.close()


@pytest.fixture
def own_server() -> Iterator[Dovecot]:
    """A Dovecot that a test may stop."""
    from servers_dovecot import Dovecot, dovecot_binary

    if dovecot_binary() is None:
        absent("Dovecot is not installed (Debian: apt-get install dovecot-imapd dovecot-lmtpd)")
    with Dovecot() as server:
        yield server


@pytest.fixture(scope="module")
def old_server() -> Iterator[Dovecot]:
    """Knows UIDPLUS, but neither MOVE nor IDLE; all folders lie below INBOX, as on Courier."""
    from servers_dovecot import Dovecot, dovecot_binary

    if dovecot_binary() is None:
        absent("Dovecot is not installed (Debian: apt-get install dovecot-imapd dovecot-lmtpd)")
    with Dovecot(hidden=("MOVE", "IDLE"), separator=".", prefix="INBOX.") as server:
        yield server


class Hang(Exception):
    """The server falls silent."""


class HangUp(Exception):
    """The server says this much and ends the connection."""


class ScriptedImap:
    """Answers like an IMAP server with the messages in ``messages`` (UID: octets), but for what ``on`` overrides.

    ``on[command]`` (``LOGIN``, ``UID FETCH``, ``GREETING`` ...) takes the arguments and gives the answer, in which
    ``TAG`` stands for the command's tag; or raises ``Hang`` or ``HangUp(octets)``. ``said``: what clients sent.
    """

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.uidvalidity = 7
        self.capabilities = "IMAP4rev1 UIDPLUS MOVE IDLE"
        self.on: dict[str, Callable[[str], bytes]] = {}
        self.said: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._ended = threading.Event()
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._socket.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                connection.sendall(self._answer("GREETING", ""))
                while line := lines.readline().decode().rstrip("\r\n"):
                    tag, _, rest = line.partition(" ")
                    command = re.match(r"(?:UID )?\S*", rest)[0].upper()  # type: ignore[index]
                    self.said.append(rest)
                    answer = self._answer(command, rest[len(command) + 1 :])
                    connection.sendall(answer.replace(b"TAG", tag.encode()))
                    if command == "IDLE":
                        lines.readline()
                        connection.sendall(f"{tag} OK done\r\n".encode())
                    if command == "LOGOUT":
                        return
            except Hang:
                self._ended.wait(30)
            except HangUp as last_words:
                connection.sendall(last_words.args[0])
            except OSError:
                pass

    def _answer(self, command: str, arguments: str) -> bytes:
        if command in self.on:
            return self.on[command](arguments)
        match command:
            case "GREETING":
                return b"* OK ready\r\n"
            case "CAPABILITY":
                return f"* CAPABILITY {self.capabilities}\r\nTAG OK done\r\n".encode()
            case "EXAMINE" | "SELECT":
                following = max(self.messages, default=0) + 1
                state = f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.uidvalidity}] UIDs are valid\r\n"
                return f"{state}* OK [UIDNEXT {following}] next\r\nTAG OK done\r\n".encode()
            case "UID SEARCH":
                uids = re.search(r"UID (\S+)", arguments)[1]  # type: ignore[index]
                if uids.endswith(":*"):
                    found = [uid for uid in self.messages if uid >= int(uids[:-2])] or [max(self.messages, default=0)]
                else:
                    found = [uid for uid in _spell_out(uids) if uid in self.messages]
                return f"* SEARCH {' '.join(map(str, found))}\r\nTAG OK done\r\n".encode()
            case "UID FETCH":
                return b"".join(self.rows(arguments)) + b"TAG OK done\r\n"
            case "IDLE":
                return b"+ idling\r\n"
            case "LOGOUT":
                return b"* BYE\r\nTAG OK done\r\n"
        return b"TAG OK done\r\n"

    def rows(self, arguments: str) -> list[bytes]:
        """A row for each message asked for."""
        uids, _, items = arguments.partition(" ")
        asked = [max(self.messages, default=0)] if uids == "*" else _spell_out(uids)
        return [self.row(uid, items) for uid in asked if uid in self.messages]

    def row(self, uid: int, items: str) -> bytes:
        """What is asked of one message."""
        raw = self.messages[uid]
        number = sorted(self.messages).index(uid) + 1
        if "BODY" in items:
            section = items[items.index("BODY") : -1].replace(".PEEK", "").replace("<0.1000000>", "<0>")
            return b"* %d FETCH (UID %d %s {%d}\r\n%s)\r\n" % (number, uid, section.encode(), len(raw), raw)
        date = b'"14-Nov-2017 09:00:00 +0100"'
        return b"* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE %s)\r\n" % (number, uid, len(raw), date)


def _spell_out(uids: str) -> list[int]:
    found: list[int] = []
    for part in uids.split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


@pytest.fixture
def scripted() -> Iterator[ScriptedImap]:
    server = ScriptedImap()
    yield server
    server.close()


@pytest.fixture
def scripted_inbox(scripted: ScriptedImap) -> Iterator[Callable[..., ImapInbox]]:
    """An inbox for the scripted server, not yet connected; steps time out after a second."""
    made: list[ImapInbox] = []

    def make(*, password: str = "Kirschbaum-47", max_message_bytes: int = 25_000_000, **values: Any) -> ImapInbox:
        defaults = {"host": "127.0.0.1", "port": scripted.port, "security": "none", "timeout_s": 1, "user": "buero"}
        settings = MailboxSettings(**{**defaults, "addresses": ("buero@jugendamt.essen.example",), **values})
        made.append(ImapInbox(settings, password=password, max_message_bytes=max_message_bytes))
        return made[-1]

    yield make
    for inbox in made:
        inbox.close()


@pytest.fixture
def hang() -> type[Exception]:
    return Hang


@pytest.fixture
def hang_up() -> type[Exception]:
    return HangUp


@pytest.fixture
def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)
