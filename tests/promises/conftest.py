"""An office for each test, and the command line within this process (a process of its own costs seconds)."""

from __future__ import annotations

import io
import logging
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import structlog
from office import Office, make_office

import rsvp_mailer.app
from rsvp_mailer.cli import main
from rsvp_mailer.reading.lexicon import load_lexicon

if TYPE_CHECKING:
    import imaplib
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers_dovecot import Account
    from servers_smtp import SmtpServer

    from rsvp_mailer.reading.lexicon import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    """Frozen, and the same for all tests of this process."""
    return load_lexicon()


@pytest.fixture(autouse=True)
def _one_lexicon(lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program loads it once; the tests build the program's parts hundreds of times."""
    monkeypatch.setattr(rsvp_mailer.app, "load_lexicon", lambda: lexicon)


@pytest.fixture
def office(tmp_path: Path, account: Account, smtp_server: SmtpServer, sqlite_url: str) -> Office:
    """An office on SQLite."""
    return make_office(tmp_path, account, smtp_server.port, sqlite_url)


@pytest.fixture
def each_office(tmp_path: Path, account: Account, smtp_server: SmtpServer, database_url: str) -> Office:
    """An office on SQLite and then one on PostgreSQL."""
    return make_office(tmp_path, account, smtp_server.port, database_url)


@pytest.fixture
def owner(account: Account) -> Iterator[imaplib.IMAP4]:
    """The mail program of the person who works in the mailbox."""
    client = account.client()
    yield client
    client.logout()


@dataclass(frozen=True)
class Outcome:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outcome]]:
    """Run ``rsvp-mailer`` for an office; keywords are environment variables."""

    def run(office: Office, *arguments: str, **environ: str) -> Outcome:
        for name, value in {**office.environ, **environ}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["rsvp-mailer", "--config", str(office.config), *arguments])
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        status: object = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main()
            except SystemExit as end:
                status = end.code or 0
        texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
        assert isinstance(status, int), status
        return Outcome(status, *texts)

    hooks, handlers, level = (sys.excepthook, threading.excepthook), logging.root.handlers[:], logging.root.level
    yield run
    sys.excepthook, threading.excepthook = hooks
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()
