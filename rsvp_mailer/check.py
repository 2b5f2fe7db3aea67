"""Could a run work? Tries everything that it would need and changes nothing.

Each thing tried is one ``Finding``. A finding that is ok and still has advice is a note: a run works, but somebody
should know.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Finding
from rsvp_mailer.errors import ConfigError, RsvpMailerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from rsvp_mailer.settings import EventSettings, MailboxSettings, Settings, SmtpSettings


def check_all(settings: Settings, file: Path, *, now: datetime) -> Iterator[Finding]:
    """Everything, the quick things first, each as soon as it is known; ``now`` is aware."""
    yield Finding(f"settings {file}", ok=True)
    for event in settings.events:
        yield check_event(event, now)
        yield check_steckbrief(event, settings.limits.max_steckbrief_bytes)
        yield from check_templates(event, settings)
    yield check_returns(settings)
    yield check_pages(settings)
    yield check_database(settings.database.url)
    for mailbox in settings.mailboxes:
        yield from check_mailbox(mailbox)
    yield from check_smtp(settings.smtp)


def line_of(finding: Finding) -> str:
    """One line for people: ok, note or FAULT, what was tried, what to do."""
    word = "FAULT" if not finding.ok else "note" if finding.advice else "ok"
    return f"{word:<6} {finding.what}" + (f": {finding.advice}" if finding.advice else "")


def check_event(settings: EventSettings, now: datetime) -> Finding:
    """The event lies ahead, and its invitation can be read."""
    event = settings.event()
    what = f"event {event.id}"
    if now > event.ends_at:
        return Finding(what, ok=True, advice="the event is over: every answer will be held")
    if now > event.closes_at:
        return Finding(what, ok=True, advice="answers_until has passed: every answer will be held")
    return Finding(what, ok=True)


def check_steckbrief(settings: EventSettings, max_bytes: int) -> Finding:
    """The form can be read, is a PDF and not too large."""
    from rsvp_mailer.outbox.steckbrief import Forms  # noqa: PLC0415 - with pypdf, 0.2 s
    from rsvp_mailer.steckbrief.form import form_in  # noqa: PLC0415

    if settings.steckbrief is None:
        return Finding("Steckbrief", ok=True, advice="none is set: confirmations go without one")
    try:
        Forms(settings.steckbrief, max_bytes)
        form_in(settings.steckbrief)
    except ConfigError as error:
        return Finding("Steckbrief", ok=False, advice=str(error))
    return Finding("Steckbrief", ok=True)


def check_templates(event: EventSettings, settings: Settings) -> Iterator[Finding]:
    """All templates can be rendered in all languages."""
    from rsvp_mailer.outbox.confirmation import Composer  # noqa: PLC0415

    try:
        Composer(event.event(), settings.sender, templates=event.templates, steckbrief=None)
    except ConfigError as error:
        for fault in error.faults:
            yield Finding("templates", ok=False, advice=fault)
    else:
        yield Finding("templates", ok=True)


def check_returns(settings: Settings) -> Finding:
    """Mail of ours that cannot be delivered comes back to where it is read."""
    returns_to = settings.smtp.envelope_sender or settings.sender.address
    if any(returns_to in mailbox.addresses for mailbox in settings.mailboxes):
        return Finding(f"undeliverable mail returns to {returns_to}", ok=True)
    advice = (
        "this address is no mailbox's: failures will go unseen; change smtp.envelope_sender, or add it to addresses"
    )
    return Finding(f"undeliverable mail returns to {returns_to}", ok=True, advice=advice)


def check_pages(settings: Settings) -> Finding:
    """Somebody may open the pages, and the mail that lets them in can be written."""
    from rsvp_mailer.outbox.sign_in import sign_in_faults  # noqa: PLC0415

    web, event = settings.web, settings.events[0]
    if not web.users:
        return Finding("pages", ok=True, advice="nobody may open them; add a table [[web.users]] for each person")
    try:
        faults = sign_in_faults(event.event(), event.templates)
    except ConfigError:
        faults = []  # told by check_templates
    if faults:
        return Finding("pages", ok=False, advice="; ".join(faults))
    what = f"pages at {web.site} for {len(web.users)} person(s)"
    if web.site.startswith("https://") and not web.trusted_proxies:
        advice = "all visitors would count as one, the proxy; name its address in web.trusted_proxies"
        return Finding(what, ok=True, advice=advice)
    return Finding(what, ok=True)


# --- database ----------------------------------------------------------------------------------------------------

_STATES = {
    "empty": (True, "is empty: the first run will set it up"),
    "current": (True, ""),
    "behind": (True, "is of an older version: the next run will migrate it, so make a copy first"),
    "newer": (False, "is of a newer version of rsvp-mailer; install that version, or restore the copy made before it"),
}


def check_database(url: str) -> Finding:
    """The database can be reached and is of this version, or will be; nothing is created or migrated."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    from rsvp_mailer.store.engine import open_engine, parse_url, sqlite_path  # noqa: PLC0415
    from rsvp_mailer.store.schema import schema_state  # noqa: PLC0415

    try:
        parsed = parse_url(url)
        if parsed.get_backend_name() != "sqlite":
            engine = open_engine(url)
        elif not sqlite_path(parsed).exists():
            return _absent_file(sqlite_path(parsed))
        elif not os.access(sqlite_path(parsed), os.R_OK | os.W_OK):
            advice = f"this account may not write {sqlite_path(parsed)}; let it, or change database.url"
            return Finding("database", ok=False, advice=advice)
        else:
            engine = _open_for_reading(sqlite_path(parsed))
        try:
            ok, advice = _STATES[schema_state(engine)]
        finally:
            engine.dispose()
    except RsvpMailerError as error:
        return Finding("database", ok=False, advice=str(error))
    except OperationalError:
        return Finding("database", ok=False, advice="cannot be opened; look at the file, its folder and their owner")
    return Finding("database", ok=ok, advice=advice)


def _absent_file(path: Path) -> Finding:
    if not path.parent.is_dir():
        advice = f"the folder {path.parent} does not exist; create it, or change database.url"
        return Finding("database", ok=False, advice=advice)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        advice = f"this account may not write to {path.parent}; let it, or change database.url"
        return Finding("database", ok=False, advice=advice)
    return Finding("database", ok=True, advice=f"{path} will be created by the first run")


def _open_for_reading(path: Path) -> Engine:
    """Open an SQLite file without the pragmas of a run, which would write to it."""
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    address = f"{path.absolute().as_uri()}?mode=ro"
    return create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(address, uri=True),
        poolclass=NullPool,
        hide_parameters=True,
    )


# --- servers -----------------------------------------------------------------------------------------------------


def check_mailbox(settings: MailboxSettings) -> Iterator[Finding]:
    """Login, folders, and what the server can do; the folder is only looked at."""
    from rsvp_mailer.inbox.imap import ImapInbox  # noqa: PLC0415

    what = f"mailbox {settings.name}"
    try:
        inbox = ImapInbox(settings, password=settings.read_password())
    except ConfigError as error:
        yield Finding(what, ok=False, advice=str(error))
        return
    yield from _secret_is_private(what, settings.password_file)
    yield from inbox.findings()


def check_smtp(settings: SmtpSettings) -> Iterator[Finding]:
    """Connection, TLS and login; no mail is sent."""
    what = "mail server (SMTP)"
    try:
        password = settings.read_password()
        yield from _secret_is_private(what, settings.password_file)
        yield from asyncio.run(_smtp_findings(settings, password))
    except RsvpMailerError as error:
        yield Finding(what, ok=False, advice=str(error))


async def _smtp_findings(settings: SmtpSettings, password: str | None) -> list[Finding]:
    from rsvp_mailer.outbox.send import SmtpSession  # noqa: PLC0415

    session = SmtpSession(settings, password=password)
    try:
        return await session.findings()
    finally:
        await session.close()


def _secret_is_private(what: str, file: Path | None) -> Iterator[Finding]:
    if file is not None and stat.S_IMODE(file.stat().st_mode) & 0o007:
        advice = f"everybody on this machine can read {file}; run: chmod o= {file}"
        yield Finding(f"password of {what}", ok=True, advice=advice)
