"""What every real server of the tests shares: ports, temporary folders, and what happens where one is absent.

A test that needs a server which cannot be had here is skipped, loudly: the summary lists it as NOT TESTED. With
``RSVP_MAILER_REQUIRE_SERVERS=1`` (set by ``.ci/run``) every skip of any test is a failure instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = os.environ.get("RSVP_MAILER_REQUIRE_SERVERS") == "1"
NOT_TESTED = "NOT TESTED: "


def absent(what: str) -> NoReturn:
    """Leave the running test: ``what`` says which server is missing and how it is installed."""
    pytest.skip(NOT_TESTED + what)


def find_program(name: str, *folders: str) -> str | None:
    """Where a server is installed; Debian keeps them where an ordinary user's PATH does not lead."""
    return shutil.which(name) or shutil.which(name, path=":".join([*folders, "/usr/sbin", "/usr/local/sbin"]))


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def await_port(port: int, process: subprocess.Popen[bytes], log: Callable[[], str], *, seconds: float = 20) -> None:
    """Wait until somebody listens; ``RuntimeError`` with the log where the process ends or time runs out."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    msg = f"{process.args} did not start:\n{log()}"
    raise RuntimeError(msg)


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, *, seconds: float = 10) -> None:
    """Ask a server of ours to stop, and insist after a while."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a server runs as: PostgreSQL and others refuse to be root."""

    name: str
    uid: int
    gid: int

    @classmethod
    def unprivileged(cls) -> Person:
        """Ourselves, or ``nobody`` where we are root."""
        entry = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid)

    def folder(self, prefix: str) -> Path:
        """A new temporary folder that belongs to this person alone."""
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        if os.getuid() == 0:
            os.chown(folder, self.uid, self.gid)
        return folder

    def run(self, *command: str, input_text: str | None = None) -> str:
        """Run a short program as this person; its output. ``RuntimeError`` with both outputs where it fails."""
        done = subprocess.run(
            command, input=input_text, capture_output=True, text=True, check=False, cwd="/", **self._identity()
        )
        if done.returncode:
            msg = f"{command[0]}: {done.stdout}{done.stderr}"
            raise RuntimeError(msg)
        return done.stdout

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a server as this person, its output going to ``log``."""
        with log.open("ab") as output:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **self._identity()
            )

    def _identity(self) -> dict[str, object]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if os.getuid() == 0 else {}
