"""The program in a process that dies at a named boundary: before or after the n-th commit, IMAP line or SMTP write.

Run as a script it reads lines of JSON, ``[CONFIG, ENVIRON, N]``, and for each forks a child that does one ``poll`` and
kills itself (SIGKILL) at boundary N, or never for 0. It prints the child's end: ``killed``, or ``done`` and how
many boundaries there were. Forking spares the import of the whole program for each of some hundred deaths.
"""

from __future__ import annotations

import imaplib
import json
import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosmtplib.protocol
from sqlalchemy.engine.default import DefaultDialect

from rsvp_mailer import operate
from rsvp_mailer.clock import Clock
from rsvp_mailer.log import configure_log
from rsvp_mailer.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable


def die_at(boundary: int) -> count[int]:
    """Surround commits, IMAP lines and SMTP writes by boundaries, and die at one of them."""
    passed = count(1)

    def cross(original: Callable[..., Any]) -> Callable[..., Any]:
        def crossing(*args: Any, **kwargs: Any) -> Any:
            _die_if(next(passed) == boundary)
            result = original(*args, **kwargs)
            _die_if(next(passed) == boundary)
            return result

        return crossing

    DefaultDialect.do_commit = cross(DefaultDialect.do_commit)  # type: ignore[method-assign]
    imaplib.IMAP4.send = cross(imaplib.IMAP4.send)  # type: ignore[method-assign]
    protocol = aiosmtplib.protocol.SMTPProtocol
    protocol.write = cross(protocol.write)  # type: ignore[method-assign]
    protocol.data_received = cross(protocol.data_received)  # type: ignore[method-assign]
    return passed


def _die_if(now: bool) -> None:
    if now:
        os.kill(os.getpid(), signal.SIGKILL)


def poll_once(config: Path, environ: dict[str, str], boundary: int) -> int:
    """One round; returns how many boundaries were crossed."""
    settings = load_settings(config, environ)
    configure_log(settings.log, (config.parent / "killable.log").open("a", encoding="utf-8"))
    passed = die_at(boundary)
    operate.poll(settings, Clock(), "2000-01-01")
    return next(passed) - 1


def main() -> None:
    """Serve deaths until standard input ends."""
    for line in sys.stdin:
        config, environ, boundary = json.loads(line)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            crossed = poll_once(Path(config), environ, boundary)
            os.write(writer, str(crossed).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as told:
            crossed_text = told.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            print("killed", flush=True)
        elif status == 0:
            print(f"done {crossed_text}", flush=True)
        else:
            print(f"failed {status}", flush=True)


if __name__ == "__main__":
    main()
