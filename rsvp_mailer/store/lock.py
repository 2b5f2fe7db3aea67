"""One program per mailbox: ``run`` and ``poll`` hold its lock for as long as they live.

Beside a SQLite file the lock is a flock(2) on a file of its own; with PostgreSQL it is a session's advisory lock.
The kernel, or the server, gives either back when the holder dies, however it dies: there is no stale PID to judge.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.store.engine import connect_arguments, database_errors, parse_url, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Connection

_HALF = 0xFFFFFFFF  # pg_locks shows a key of 64 bits as two numbers


@contextmanager
def mailbox_lock(url: str, mailbox: str) -> Iterator[Callable[[], None]]:
    """Hold the lock of ``mailbox`` (its name in the settings) in the database at ``url``.

    Gives a function to call before each poll: it makes sure that the lock is still held (a restart of PostgreSQL
    drops it) and takes it anew where need be. On the way in and in that function: ``ConfigError`` where another
    program holds the lock, ``TemporaryError`` where the database cannot be reached.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        with _file_lock(sqlite_path(parsed), mailbox):
            yield lambda: None
    else:
        lock = _SessionLock(parsed, mailbox)
        try:
            lock.ensure()
            yield lock.ensure
        finally:
            lock.release()


def is_locked(url: str, mailbox: str) -> bool:
    """Whether a program is working on ``mailbox`` now. Raises what ``database_errors`` raises."""
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        try:
            with _file_lock(sqlite_path(parsed), mailbox, fcntl.LOCK_SH):
                return False
        except ConfigError:
            return True
    return _SessionLock(parsed, mailbox).is_taken()


def _refused(mailbox: str) -> ConfigError:
    fault = f"another rsvp-mailer is working on mailbox {mailbox}; stop it first (systemctl stop rsvp-mailer)"
    return ConfigError([fault])


def _key(mailbox: str) -> bytes:
    return sha256(f"rsvp-mailer mailbox {mailbox}".encode()).digest()


@contextmanager
def _file_lock(database: Path, mailbox: str, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    path = Path(f"{database}-lock-{_key(mailbox).hex()[:12]}")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        fault = f"database.url: {path} cannot be opened ({error.strerror}); the account must own the folder"
        raise ConfigError([fault]) from error
    try:
        _take(descriptor, kind, mailbox)
        yield
    finally:
        # The file stays: removing it would let a third program lock a new one while a second waits on the old.
        os.close(descriptor)


def _take(descriptor: int, kind: int, mailbox: str) -> None:
    for pause_s in (0.1, 0.2, None):  # is_locked() may be looking just now
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if pause_s is None or kind == fcntl.LOCK_SH:
                raise _refused(mailbox) from error
            time.sleep(pause_s)
        else:
            return


class _SessionLock:
    """An advisory lock on a connection of its own, outside every transaction."""

    def __init__(self, url: URL, mailbox: str) -> None:
        self._mailbox = mailbox
        self._key = int.from_bytes(_key(mailbox)[:8], "big", signed=True)
        arguments = connect_arguments()
        self._engine = create_engine(
            url, poolclass=NullPool, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=arguments
        )
        self._connection: Connection | None = None

    def ensure(self) -> None:
        with database_errors():
            if self._connection is not None and _alive(self._connection):
                return
            self.release()
            self._connection = self._engine.connect()
            statement = f"SELECT pg_try_advisory_lock({self._key})"
            taken = self._connection.exec_driver_sql(statement).scalar_one()
        if not taken:
            self.release()
            raise _refused(self._mailbox)

    def is_taken(self) -> bool:
        halves = f"classid = {self._key >> 32 & _HALF} AND objid = {self._key & _HALF}"
        statement = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND {halves}"  # noqa: S608
        with database_errors(), self._engine.connect() as connection:
            return bool(connection.exec_driver_sql(statement).scalar_one())

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _alive(connection: Connection) -> bool:
    try:
        connection.exec_driver_sql("SELECT 1")
    except DBAPIError:
        return False
    return True
