"""A real Dovecot (2.3 or 2.4) on free loopback ports, in a folder of its own, as root or as anybody.

One server serves a whole test session; each test takes a fresh account. ``Account.client()`` is the second IMAP
client of the tests: the person who works in the mailbox all day.
"""

from __future__ import annotations

import getpass
import grp
import imaplib
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from io import BufferedReader

PASSWORD = "Kirschbaum-47"


def dovecot_binary() -> str | None:
    """Where Dovecot is installed; Debian keeps it where an ordinary user's PATH does not lead."""
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True)
class Account:
    """One mailbox user. ``address`` is also the login name."""

    server: Dovecot
    address: str
    password: str = PASSWORD

    def client(self) -> imaplib.IMAP4:
        """A logged-in connection of the owner's own mail program (plain IMAP, nothing selected)."""
        client = imaplib.IMAP4("127.0.0.1", self.server.imap_port, timeout=30)
        client.login(self.address, self.password)
        return client

    def append(self, raw: bytes, *, folder: str = "INBOX", internaldate: datetime | None = None) -> int:
        """Put one message (CRLF line ends) into a folder, unread; its UID."""
        return self.append_all([raw], folder=folder, internaldate=internaldate)[0]

    def append_all(
        self, raws: Iterable[bytes], *, folder: str = "INBOX", internaldate: datetime | None = None
    ) -> list[int]:
        """Put many messages into a folder by few commands (RFC 3502, RFC 7888), octet for octet; their UIDs."""
        date = f"{imaplib.Time2Internaldate(internaldate)} ".encode() if internaldate else b""
        uids: list[int] = []
        address = ("127.0.0.1", self.server.imap_port)
        with socket.create_connection(address, timeout=120) as sock, sock.makefile("rb") as answers:
            answers.readline()
            sock.sendall(f'a LOGIN "{self.address}" "{self.password}"\r\n'.encode())
            _tagged(answers, b"a")
            batch: list[bytes] = []
            for raw in raws:
                batch.append(b" %b{%d+}\r\n%b" % (date, len(raw), raw))
                if len(batch) == 500:
                    uids += _append(sock, answers, folder, batch)
                    batch = []
            if batch:
                uids += _append(sock, answers, folder, batch)
            sock.sendall(b"z LOGOUT\r\n")
            _tagged(answers, b"z")
        return uids


def _append(sock: socket.socket, answers: BufferedReader, folder: str, batch: list[bytes]) -> list[int]:
    sock.sendall(f'b APPEND "{folder}"'.encode() + b"".join(batch) + b"\r\n")
    answer = _tagged(answers, b"b")
    found = re.search(rb"\[APPENDUID \d+ ([\d:,]+)\]", answer)
    assert found, answer
    uids: list[int] = []
    for part in found[1].decode().split(","):
        first, _, last = part.partition(":")
        uids += range(int(first), int(last or first) + 1)
    return uids


def _tagged(answers: BufferedReader, tag: bytes) -> bytes:
    while True:
        line = answers.readline()
        assert line, "Dovecot hung up"
        if line.startswith(tag + b" "):
            assert line.startswith(tag + b" OK"), line
            return line


class Dovecot:
    """Start with ``start()``, end with ``stop()``, or use as a context manager.

    ``imap_port``: plain and STARTTLS; ``imaps_port``: TLS; ``lmtp_port``: delivery. ``ca_file``: trust this.
    ``storage``: ``maildir`` or ``sdbox``. ``hidden``: capabilities not to be announced, for instance ``MOVE``.
    ``separator``: of folder names. ``prefix``: of the personal namespace, for instance ``INBOX.``.
    """

    def __init__(
        self,
        *,
        storage: str = "maildir",
        hidden: Iterable[str] = (),
        separator: str = "",
        prefix: str = "",
        tls: bool = True,
    ) -> None:
        self.storage = storage
        self.hidden = tuple(hidden)
        self.separator = separator
        self.prefix = prefix
        self.tls = tls
        self.imap_port, self.imaps_port, self.lmtp_port = free_port(), free_port(), free_port()
        # Not pytest's folder: mail processes run as another user, and socket paths are limited to 108 octets.
        self.home = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.ca_file = self.home / "certificate.pem"
        self._users = self.home / "users"
        self._process: subprocess.Popen[bytes] | None = None
        self._accounts = 0

    def __enter__(self) -> Dovecot:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor version; configurations of 2.3 and 2.4 differ."""
        answer = subprocess.run([self._binary(), "--version"], capture_output=True, text=True, check=True).stdout
        major, minor = answer.split(".")[:2]
        return int(major), int(minor)

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        path = self.home / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Write configuration and certificate once, start, and wait until both IMAP and LMTP greet."""
        configuration = self.home / "dovecot.conf"
        if not configuration.exists():
            self.home.chmod(0o711)
            make_certificate(self.ca_file, self.home / "key.pem")
            self._users.mkdir()
            (self.home / "mail").mkdir()
            if os.getuid() == 0:
                shutil.chown(self.home / "mail", *self._mail_user())
            configuration.write_text(self._configuration())
        self._process = subprocess.Popen(
            [self._binary(), "-F", "-c", str(configuration)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for port in (self.imap_port, self.lmtp_port):
            self._await_greeting(port)

    def stop(self) -> None:
        """End the server and, at once, every connection: those that are logged in would outlive its main process."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def add_account(self, address: str | None = None, password: str = PASSWORD) -> Account:
        """A new mailbox, of a new name unless one is given."""
        self._accounts += 1
        address = address or f"person{self._accounts}@jugendamt.essen.example"
        account = Account(self, address, password)
        self._write_user(account, password)
        return account

    def change_password(self, account: Account, password: str) -> None:
        """From now on only the new password is accepted (the account object keeps the old one)."""
        time.sleep(1.1)  # Dovecot looks once a second whether the file has changed
        self._write_user(account, password)

    def _write_user(self, account: Account, password: str) -> None:
        """A file for each user: a common one would be read anew only in the next second."""
        home = f"{self.home}/mail/{account.address}"
        (self._users / account.address).write_text(f"{account.address}:{{PLAIN}}{password}::::{home}::\n")

    def _await_greeting(self, port: int) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                    if sock.recv(100):
                        return
            except OSError:
                time.sleep(0.02)
        msg = f"Dovecot did not start:\n{self.log}"
        raise RuntimeError(msg)

    @staticmethod
    def _binary() -> str:
        binary = dovecot_binary()
        if binary is None:
            msg = "Dovecot is not installed (Debian: apt-get install dovecot-imapd dovecot-lmtpd)"
            raise RuntimeError(msg)
        return binary

    @staticmethod
    def _mail_user() -> tuple[str, str]:
        """Dovecot refuses to touch mail as root."""
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        return user.pw_name, grp.getgrgid(user.pw_gid).gr_name

    def _configuration(self) -> str:
        user, group = self._mail_user()
        new = self.version >= (2, 4)
        address = "listen" if new else "address"
        lines = [
            *(("dovecot_config_version = 2.4.0", "dovecot_storage_version = 2.4.0") if new else ()),
            "protocols = imap lmtp",
            "listen = 127.0.0.1",
            f"base_dir = {self.home}/run",
            f"state_dir = {self.home}/state",
            f"log_path = {self.home}/dovecot.log",
            f"mail_uid = {user}",
            f"mail_gid = {group}",
            "first_valid_uid = 1",
            "first_valid_gid = 1",
            # Tests are impatient, refuse many logins and open many connections. Nothing here survives a power cut.
            "auth_failure_delay = 0",
            "mail_max_userip_connections = 200",
            "mail_fsync = never",
            "service anvil {",
            "  chroot =",
            "  unix_listener anvil-auth-penalty {",
            "    mode = 0",
            "  }",
            "}",
            "service imap-login {",
            "  chroot =",
            f"  inet_listener imap {{\n    {address} = 127.0.0.1\n    port = {self.imap_port}\n  }}",
            f"  inet_listener imaps {{\n    {address} = 127.0.0.1\n    port = {self.imaps_port}\n    ssl = yes\n  }}",
            "}",
            "service lmtp {",
            f"  inet_listener lmtp {{\n    {address} = 127.0.0.1\n    port = {self.lmtp_port}\n  }}",
            "}",
            "namespace inbox {",
            "  inbox = yes",
            f'  prefix = "{self.prefix}"',
            f"  separator = {self.separator}" if self.separator else "",
            "}",
            f"ssl = {'yes' if self.tls else 'no'}",
            *(self._since_2_4() if new else self._until_2_3()),
        ]
        if os.getuid() != 0:
            lines += [
                f"default_internal_user = {getpass.getuser()}",
                f"default_internal_group = {group}",
                f"default_login_user = {getpass.getuser()}",
            ]
        return "\n".join(lines) + "\n"

    def _until_2_3(self) -> list[str]:
        return [
            "disable_plaintext_auth = no",
            f"ssl_cert = <{self.ca_file}",
            f"ssl_key = <{self.home}/key.pem",
            f"mail_location = {self.storage}:~/mail",
            f"passdb {{\n  driver = passwd-file\n  args = {self._users}/%{{user}}\n}}",
            f"userdb {{\n  driver = passwd-file\n  args = {self._users}/%{{user}}\n}}",
            f"imap_capability = {self._announced()}" if self.hidden else "",
        ]

    def _since_2_4(self) -> list[str]:
        return [
            "auth_allow_cleartext = yes",
            f"ssl_server_cert_file = {self.ca_file}",
            f"ssl_server_key_file = {self.home}/key.pem",
            f"mail_driver = {self.storage}",
            "mail_path = ~/mail",
            f"passdb passwd-file {{\n  passwd_file_path = {self._users}/%{{user}}\n}}",
            f"userdb passwd-file {{\n  passwd_file_path = {self._users}/%{{user}}\n}}",
            *(["imap_capability {", *(f"  {name} = no" for name in self.hidden), "}"] if self.hidden else ()),
        ]

    def _announced(self) -> str:
        """2.3 knows no way to take a single capability away."""
        names = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE UNSELECT CHILDREN NAMESPACE UIDPLUS MULTIAPPEND MOVE"
        return " ".join(name for name in names.split() if name not in self.hidden)


def make_certificate(certificate: Path, key: Path, *, host: str = "localhost", days: int = 30) -> None:
    """A self-signed certificate for ``host`` and 127.0.0.1, strict enough for Python 3.13."""
    request = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days} -subj /CN={host}"
    names = f"subjectAltName=DNS:{host},IP:127.0.0.1"
    use = "keyUsage=critical,digitalSignature,keyCertSign"
    files = ["-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*request.split(), "-addext", names, "-addext", use, *files], check=True, capture_output=True)
    key.chmod(0o600)


def tls_context(ca_file: Path) -> ssl.SSLContext:
    """A client's context that trusts the server above."""
    return ssl.create_default_context(cafile=str(ca_file))
