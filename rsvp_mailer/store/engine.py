"""Opens the database, SQLite or PostgreSQL, so that both behave alike.

**Transactions.** There is one writer at a time on either database: SQLite by BEGIN IMMEDIATE, PostgreSQL by an
advisory lock taken as the transaction's first statement. What a writer has read is therefore still true when it
commits, and no race can slip between a stored answer and the decision made upon it. Readers take
``engine.execution_options(rsvp_read_only=True)``: one consistent snapshot per transaction, nobody waits for
them, and a write is an error.

**Durability.** SQLite runs with a write-ahead log and synchronous=FULL: a commit that returned survives a power
cut. The database file, its log and its index are readable by their owner only.

**Failure.** ``open_engine`` itself connects to nothing. Wrap what does in ``database_errors()``.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from rsvp_mailer.errors import ConfigError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, ExceptionContext

LOCK_TIMEOUT_S = 10
# "rsvpmail" in ASCII; pg_locks shows who waits for it.
WRITER_LOCK_KEY = int.from_bytes(b"rsvpmail", "big")

_POSTGRESQL_OPTIONS = {
    "timezone": "UTC",
    "lock_timeout": f"{LOCK_TIMEOUT_S}s",
    # A client that lost its power leaves its locks behind until the server misses it: after 1.5 minutes.
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}


def parse_url(url: str) -> URL:
    """Read ``database.url``; ``ConfigError`` for anything but a SQLite file or PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The library's message would repeat the address, password included.
        raise ConfigError(["database.url: no address of a database; write sqlite:////var/lib/x/rsvp.db"]) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in {None, "", ":memory:"} or str(parsed.database).startswith("file:"):
            fault = "database.url: name a file (four slashes for an absolute path: sqlite:////var/lib/x/rsvp.db)"
            raise ConfigError([fault])
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    fault = f"database.url: {backend} is not supported; use sqlite:////path/of/rsvp.db or postgresql://user@host/name"
    raise ConfigError([fault])


def sqlite_path(url: URL) -> Path:
    """Give the database file of a parsed SQLite address."""
    return Path(str(url.database))


def open_engine(url: str) -> Engine:
    """Make an engine for ``database.url``, without connecting yet.

    A SQLite file that does not exist is created, empty and private; its folder must exist.
    Raises ``ConfigError``: not an address, folder missing or not writable, driver not installed.
    """
    parsed = parse_url(url)
    return _open_sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _open_postgresql(parsed)


def _open_sqlite(url: URL) -> Engine:
    _make_private(sqlite_path(url))
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": LOCK_TIMEOUT_S, "isolation_level": None})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    """Create the file with mode 0600, or narrow its mode; SQLite gives its -wal and -shm the same one."""
    if not path.parent.is_dir():
        fault = f"database.url: the folder {path.parent} does not exist; create it, or name another one"
        raise ConfigError([fault])
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o077:
                file.chmod(0o600)
    except OSError as error:
        fault = (
            f"database.url: {path} cannot be opened for writing ({error.strerror}); "
            "the account that runs rsvp-mailer must own it and its folder"
        )
        raise ConfigError([fault]) from error


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    del record
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":  # seen on network folders, which cannot share the log's index
        fault = "database.url: SQLite cannot keep a write-ahead log there; use a folder on a local disk"
        raise ConfigError([fault])
    connection.execute("PRAGMA synchronous = FULL")
    # Every 32 MB of log instead of 4: a row of outgoing mail is several pages, and each checkpoint waits for the disk.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    connection.execute("PRAGMA foreign_keys = ON")


def _reads_only(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("rsvp_read_only"))


def _begin_sqlite(connection: Connection) -> None:
    reads_only = _reads_only(connection)
    if connection.info.get("rsvp_query_only") != reads_only:
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reads_only)}")
        connection.info["rsvp_query_only"] = reads_only
    # Asking for the write lock at once: a reader that turns writer fails without waiting (SQLITE_BUSY_SNAPSHOT).
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def connect_arguments() -> dict[str, Any]:
    """Give psycopg's arguments for each PostgreSQL connection of ours."""
    return {
        "connect_timeout": 10,
        "client_encoding": "utf8",
        "application_name": "rsvp-mailer",
        "options": " ".join(f"-c {name}={value}" for name, value in _POSTGRESQL_OPTIONS.items()),
    }


def _open_postgresql(url: URL) -> Engine:
    try:
        # Threads: one per mailbox, sender, scheduler, review pages. A small office's server has 100 places for all.
        engine = create_engine(
            url,
            hide_parameters=True,
            connect_args=connect_arguments(),
            pool_size=4,
            max_overflow=6,
            pool_timeout=LOCK_TIMEOUT_S,
            pool_pre_ping=True,
        )
    except ImportError as error:
        fault = "database.url: the driver for PostgreSQL is missing; install rsvp-mailer[postgresql]"
        raise ConfigError([fault]) from error
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "handle_error", _keep_values_out)
    return engine


def _prepare_postgresql(connection: Any, record: object) -> None:  # noqa: ANN401 - psycopg may be absent
    del record
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        fault = f"database.url: the database's encoding is {encoding}; create one with: createdb --encoding=UTF8"
        raise ConfigError([fault])


def _begin_postgresql(connection: Connection) -> None:
    if _reads_only(connection):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK_KEY})")


def _keep_values_out(context: ExceptionContext) -> None:
    """Shorten the server's words: hide_parameters hides what we sent, but the server repeats values of its own accord.

    A violated key comes with "DETAIL: Key (person)=(...)"; errors of class 22 quote the datum itself.
    """
    cause, wrapper = context.original_exception, context.sqlalchemy_exception
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is not None and wrapper is not None:
        words = "" if sqlstate.startswith("22") else cause.diag.message_primary  # type: ignore[attr-defined]
        cause.args = (f"SQLSTATE {sqlstate} {words}".strip(),)
        wrapper.args = (f"({type(cause).__name__}) {cause}",)


@contextmanager
def database_errors() -> Iterator[None]:
    """Translate what the database's surroundings do to us; leave our own mistakes as they are.

    Raises ``TemporaryError``: locked, disk full, unreachable, restarting; nothing was committed, the same work
    may be tried again. ``ConfigError``: the file is damaged or no database. Integrity errors and wrong
    statements pass unchanged: they are defects.
    """
    try:
        yield
    except PoolTimeoutError as error:
        message = f"the database: no connection became free within {LOCK_TIMEOUT_S} s; trying again later"
        raise TemporaryError(message) from error
    except DBAPIError as error:
        translated = _translate(error)
        if translated is None:
            raise
        raise translated from error


_SQLITE_TEMPORARY = {
    sqlite3.SQLITE_BUSY: f"locked by another program for over {LOCK_TIMEOUT_S} s; trying again later",
    sqlite3.SQLITE_LOCKED: "locked by another thread; trying again later",
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_IOERR: "reading or writing its file failed; look at the disk",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened; look at the folder and its owner",
    sqlite3.SQLITE_READONLY: "its file cannot be written; look at the disk, the folder and its owner",
    sqlite3.SQLITE_NOMEM: "memory is used up; trying again later",
}
_SQLITE_BROKEN = {
    sqlite3.SQLITE_CORRUPT: "database.url: the file is damaged; stop the program and restore a backup",
    sqlite3.SQLITE_NOTADB: "database.url: the file is no SQLite database; name another one",
}
# Classes and codes of SQLSTATE (PostgreSQL, appendix A).
_POSTGRESQL_TEMPORARY = {
    "08": "the connection was lost; trying again later",
    "25P03": "a transaction was left open too long; trying again later",
    "40": "another transaction was in the way; trying again later",
    "53100": "the disk is full; free some space",
    "53": "the server has no room for us; trying again later",
    "55P03": f"locked by another program for over {LOCK_TIMEOUT_S} s; trying again later",
    "57P": "the server is shutting down or starting up; trying again later",
    "58": "the server cannot read or write its files; look at its log",
}


def _translate(error: DBAPIError) -> TemporaryError | ConfigError | None:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        # The low byte is the primary code. A refused pragma or a misuse of the module itself carries none.
        code = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
        if code in _SQLITE_BROKEN:
            return ConfigError([_SQLITE_BROKEN[code]])
        advice = _SQLITE_TEMPORARY.get(code)
        return TemporaryError(f"the database: {advice}") if advice else None
    sqlstate: str | None = getattr(cause, "sqlstate", None)
    if sqlstate is not None:
        # 25006 is a write by a reader: ours to mend, not to retry.
        known = (_POSTGRESQL_TEMPORARY.get(sqlstate[:length]) for length in (5, 3, 2))
        advice = next(filter(None, known), None)
        return TemporaryError(f"the database: {advice}") if advice else None
    if error.connection_invalidated or type(cause).__name__ == "OperationalError":
        # Connecting failed: libpq gives words but no code. They name host, port and user, never the password.
        words = str(cause).strip().splitlines() or [""]
        return TemporaryError(f"the database cannot be reached ({words[0]}); trying again later")
    return None
