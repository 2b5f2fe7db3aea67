"""An office for tests: settings for real servers, replies of invitees, and the program run on them.

The event lies two weeks ahead, so that answers that come now are in time.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from rsvp_mailer import operate
from rsvp_mailer.app import App, open_app
from rsvp_mailer.clock import Clock
from rsvp_mailer.settings import Settings, load_settings, shipped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers_dovecot import Account

INVITATION_ID = "<einladung@office.example>"
PASSWORD_VARIABLE = "RSVP_MAILER__MAILBOXES__0__PASSWORD"
_numbers = count(1)


def reply(
    words: str,
    *,
    sender: str = "anna.berg@verein.example",
    name: str = "Anna Berg",
    subject: str = "Re: Einladung zur Konferenz",
    message_id: str | None = None,
    in_reply_to: str | None = INVITATION_ID,
    headers: dict[str, str] | None = None,
) -> bytes:
    """An invitee's mail, plain text, CRLF line ends; ``in_reply_to=None``: outside every thread."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = f"{name} <{sender}>" if name else sender
    mail["To"] = "buero@office.example"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = message_id or f"<{next(_numbers)}.{os.getpid()}@verein.example>"
    if in_reply_to:
        mail["In-Reply-To"] = mail["References"] = in_reply_to
    for key, value in (headers or {}).items():
        mail[key] = value
    mail.set_content(words)
    return bytes(mail)


@dataclass
class Office:
    """One installation: ``folder`` holds settings and database; ``account``: the mailbox that is read."""

    folder: Path
    account: Account
    smtp_port: int
    database_url: str
    tables: dict[str, dict[str, Any]]

    @property
    def config(self) -> Path:
        """The settings file, written anew from ``tables``."""
        path = self.folder / "rsvp-mailer.toml"
        path.write_text(_toml(self.tables), encoding="utf-8")
        return path

    @property
    def environ(self) -> dict[str, str]:
        """What the program finds in its environment beside the usual."""
        # An address with a password in it does not belong into the file.
        return {PASSWORD_VARIABLE: self.account.password, "RSVP_MAILER__DATABASE__URL": self.database_url}

    def settings(self) -> Settings:
        """The settings, loaded as the program does."""
        return load_settings(self.config, self.environ)

    @contextmanager
    def app(self, clock: Clock | None = None) -> Iterator[App]:
        """The program's parts."""
        with open_app(self.settings(), clock) as app:
            yield app

    def poll(self, clock: Clock | None = None, since: str = "2000-01-01") -> operate.PollResult:
        """One round in this process: take what is new, send what is due."""
        return operate.poll(self.settings(), clock or Clock(), since)

    def send_due(self, clock: Clock | None = None) -> None:
        """Send only."""
        with self.app(clock) as app:
            asyncio.run(app.send_due())

    def command(self, *arguments: str, seconds: float = 60, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ``rsvp-mailer`` with ``arguments`` as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "rsvp_mailer", "--config", str(self.config), *arguments],
            env={**os.environ, **self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    @contextmanager
    def running(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """``rsvp-mailer run`` as a process of its own; ended when the block is left."""
        log = (self.folder / "run.log").open("a", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "rsvp_mailer", "--config", str(self.config), "run", *arguments],
            env={**os.environ, **self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()


def make_office(folder: Path, account: Account, smtp_port: int, database_url: str, **overrides: Any) -> Office:
    """An office on real servers; ``overrides``: keys of a table, as ``mailboxes={"after": "keyword"}``."""
    start = (datetime.now(UTC) + timedelta(days=14)).replace(hour=17, minute=0, second=0, microsecond=0, tzinfo=None)
    (folder / "invitation.txt").write_text(shipped("invitation.txt").read_text("utf-8"), encoding="utf-8")
    tables: dict[str, dict[str, Any]] = {
        "events": {
            "id": "konferenz",
            "title": "1. Integrationskonferenz im Stadtbezirk I",
            "starts_at": start,
            "ends_at": start + timedelta(hours=3),
            "place": "Kirche St. Gertrud, Gertrudissaal",
            "street_address": "Rottstraße 36, 45127 Essen",
            "interpreter_languages": ["ar", "ku", "prs", "fa", "fr", "en"],
            "invitation": "invitation.txt",
            "message_ids": [INVITATION_ID],
            "steckbrief": str(shipped("steckbrief")),
        },
        "mailboxes": {
            "name": "office",
            "host": "127.0.0.1",
            "port": account.server.imap_port,
            "security": "none",
            "user": account.address,
            "addresses": ["buero@office.example"],
            "authserv_id": "mx.office.example",
            "timeout_s": 10,
        },
        "smtp": {"host": "127.0.0.1", "port": smtp_port, "security": "none", "timeout_s": 10},
        "sender": {
            "address": "buero@office.example",
            "name": "Jugendamt",
            "organisation": "Stadt Essen, Jugendamt",
            "contact": "Büro, Telefon 0201 88-0",
            "legal_basis": "Art. 6 Abs. 1 lit. e DSGVO",
        },
        "digest": {
            "recipients": ["team@office.example"],
            "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        },
        "limits": {"confirm_after_min": 0},
        "database": {},
        "log": {"format": "json"},
    }
    for table, values in overrides.items():
        tables[table].update(values)
    return Office(folder, account, smtp_port, database_url, tables)


def _toml(tables: dict[str, dict[str, Any]]) -> str:
    lines: list[str] = []
    for name, values in tables.items():
        lines.append(f"[[{name}]]" if name in {"events", "mailboxes"} else f"[{name}]")
        lines += [f"{key} = {_value(value)}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case datetime():
            return value.isoformat()
        case list():
            return "[" + ", ".join(_value(each) for each in value) + "]"
        case dict():
            return "{" + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + "}"
        case _:
            text = str(value).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'
