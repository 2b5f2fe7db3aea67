"""Postfix for the full circle, and its smtp-sink for load: real programs, loopback only, folders of their own."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from servers import Person, await_port, end, find_program, free_port

if TYPE_CHECKING:
    import subprocess

    from servers_dovecot import Dovecot

_FOLDERS = [
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
]

# name type private unpriv chroot wakeup maxproc command; only what this road needs, nothing chrooted.
_SERVICES = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def postfix_fault() -> str | None:
    """Why Postfix cannot run here, with what to do, or ``None``."""
    if _master() is None:
        return "Postfix is not installed (Debian: apt-get install postfix)"
    return None if os.getuid() == 0 else "Postfix needs root to switch between its users"


def _master() -> str | None:
    return find_program("master", "/usr/lib/postfix/sbin", "/usr/libexec/postfix")


class Postfix:
    """Takes mail for any address on ``port`` and hands all of it to Dovecot's LMTP; needs root."""

    def __init__(self, dovecot: Dovecot) -> None:
        self.port = free_port()
        self.home = Path(tempfile.mkdtemp(prefix="postfix-"))
        self._dovecot = dovecot
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postfix:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def log(self) -> str:
        """What Postfix has logged so far."""
        path = self.home / "postfix.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Write configuration and queue folders once, start, and wait until it listens."""
        if not (self.home / "etc").exists():
            self._make_folders()
            (self.home / "etc/main.cf").write_text(self._settings())
            (self.home / "etc/master.cf").write_text(_SERVICES.format(port=f"127.0.0.1:{self.port}"))
        master = _master()
        assert master is not None
        # -d keeps the first process in the foreground: it is ended by its own id.
        root = Person("root", 0, 0)
        self._process = root.start(master, "-c", str(self.home / "etc"), "-d", log=self.home / "master.log")
        await_port(self.port, self._process, lambda: self.log + (self.home / "master.log").read_text())

    def stop(self) -> None:
        """End Postfix and all its processes."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def _make_folders(self) -> None:
        self.home.chmod(0o755)
        postfix, postdrop = pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postdrop").gr_gid
        group = pwd.getpwnam("postfix").pw_gid
        queue = self.home / "queue"
        for path, mode, uid, gid in [
            (self.home / "etc", 0o755, 0, 0),
            (self.home / "data", 0o700, postfix, group),
            (queue, 0o755, 0, 0),
            (queue / "pid", 0o755, 0, 0),
            (queue / "maildrop", 0o1730, postfix, postdrop),
            (queue / "public", 0o2710, postfix, postdrop),
            *((queue / name, 0o700, postfix, 0) for name in _FOLDERS),
        ]:
            path.mkdir()
            os.chown(path, uid, gid)
            path.chmod(mode)

    def _settings(self) -> str:
        programs = Path(str(_master())).parent
        return f"""\
compatibility_level = 3.6
queue_directory = {self.home}/queue
data_directory = {self.home}/data
daemon_directory = {programs}
command_directory = /usr/sbin
maillog_file = {self.home}/postfix.log
maillog_file_prefixes = {self.home}
myhostname = mx1.essen.example
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = static:all
virtual_mailbox_maps =
virtual_transport = lmtp:inet:127.0.0.1:{self._dovecot.lmtp_port}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {self._dovecot.ca_file}
smtpd_tls_key_file = {self._dovecot.home}/key.pem
smtpd_client_connection_count_limit = 0
message_size_limit = 60000000
mailbox_size_limit = 0
queue_run_delay = 2s
minimal_backoff_time = 2s
disable_dns_lookups = yes
"""


class SmtpSink:
    """Postfix's smtp-sink: takes and discards mail as fast as it comes."""

    def __init__(self) -> None:
        self.port = free_port()
        self._person = Person.unprivileged()
        self._folder = self._person.folder("smtp-sink-")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SmtpSink:
        program = find_program("smtp-sink")
        assert program is not None
        command = [program, "-h", "mx1.essen.example", f"127.0.0.1:{self.port}", "100"]
        self._process = self._person.start(*command, log=self._folder / "log")
        await_port(self.port, self._process, (self._folder / "log").read_text)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            end(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)


def smtp_sink_fault() -> str | None:
    """Why smtp-sink cannot run here, with what to do, or ``None``."""
    return None if find_program("smtp-sink") else "smtp-sink is not installed (Debian: apt-get install postfix)"
