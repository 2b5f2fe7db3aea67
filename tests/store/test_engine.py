"""Both databases keep the promises of ``store.engine``: one writer, snapshots, private files, plain errors."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import traceback
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from servers import free_port
from sqlalchemy import Engine, event, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError

from rsvp_mailer.errors import ConfigError, TemporaryError
from rsvp_mailer.store.engine import database_errors, open_engine
from rsvp_mailer.store.lock import mailbox_lock
from rsvp_mailer.store.schema import migrate, schema_state
from rsvp_mailer.store.tables import blob, sheet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers_postgresql import Postgresql

SECRET = "Kommt-mit-Oma"


def readers(engine: Engine) -> Engine:
    return engine.execution_options(rsvp_read_only=True)


def count(engine: Engine) -> int:
    with readers(engine).begin() as connection:
        return int(connection.execute(select(func.count()).select_from(blob)).scalar_one())


def put(engine: Engine, key: str, octets: bytes = b"x") -> None:
    with engine.begin() as connection:
        connection.execute(insert(blob).values(sha256=key, octets=octets))


@contextmanager
def impatient(engine: Engine) -> Iterator[None]:
    """Wait for locks 0.2 s instead of ten."""

    def shorten(connection: object, record: object, proxy: object) -> None:
        del record, proxy
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA busy_timeout=200" if engine.dialect.name == "sqlite" else "SET lock_timeout='200ms'")
        if engine.dialect.name != "sqlite":
            connection.commit()  # type: ignore[attr-defined]
        cursor.close()

    event.listen(engine, "checkout", shorten)
    yield
    event.remove(engine, "checkout", shorten)


def test_a_second_writer_waits_and_sees_what_the_first_wrote(engine: Engine):
    order: list[str] = []
    with engine.begin() as first:
        first.execute(insert(blob).values(sha256="a", octets=b"x"))

        def second() -> None:
            with engine.begin() as connection:
                order.append("second begins")
                order.append(str(connection.execute(select(func.count()).select_from(blob)).scalar_one()))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        order.append("first commits")
    thread.join(10)
    assert order == ["first commits", "second begins", "1"]


def test_a_writer_that_waits_too_long_is_told_to_retry(engine: Engine):
    with engine.begin() as first:
        first.execute(insert(blob).values(sha256="a", octets=b"x"))
        with impatient(engine), pytest.raises(TemporaryError, match="locked by another"), database_errors():
            put(engine, "b")
    put(engine, "b")
    assert count(engine) == 2


def test_a_reader_sees_one_snapshot_and_waits_for_nobody(engine: Engine):
    put(engine, "a")
    with readers(engine).begin() as reader:
        before = reader.execute(select(func.count()).select_from(blob)).scalar_one()
        put(engine, "b")
        after = reader.execute(select(func.count()).select_from(blob)).scalar_one()
        assert (before, after) == (1, 1)
        with engine.begin() as writer:
            writer.execute(insert(blob).values(sha256="c", octets=b"x"))
            assert count(engine) == 2
    assert count(engine) == 3


def test_a_reader_cannot_write(engine: Engine):
    with pytest.raises((DBAPIError, TemporaryError)), database_errors(), readers(engine).begin() as connection:
        connection.execute(insert(blob).values(sha256="a", octets=b"x"))
    put(engine, "a")  # and the connection can be used by a writer afterwards
    assert count(engine) == 1


def test_what_raises_is_rolled_back(engine: Engine):
    with pytest.raises(RuntimeError), engine.begin() as connection:
        connection.execute(insert(blob).values(sha256="a", octets=b"x"))
        raise RuntimeError
    assert count(engine) == 0


def test_references_are_enforced_and_pass_untranslated(engine: Engine):
    with pytest.raises(IntegrityError), database_errors(), engine.begin() as connection:
        row = {"event": "e", "person": "p", "mail_id": 99, "received_at": func.now()}
        connection.execute(insert(sheet).values({**row, "received_at": text("CURRENT_TIMESTAMP")}))


def test_errors_show_no_values(engine: Engine):
    put(engine, SECRET)
    with pytest.raises(IntegrityError) as twice:
        put(engine, SECRET)
    with pytest.raises(StatementError, match="naive datetime") as naive, engine.begin() as connection:
        row = {"event": SECRET, "person": SECRET, "mail_id": 1, "received_at": datetime(2026, 1, 1)}  # noqa: DTZ001
        connection.execute(insert(sheet).values(row))
    for caught in (twice, naive):
        printed = "".join(traceback.format_exception(caught.value))
        assert SECRET not in printed


def test_errors_of_postgresql_do_not_quote_a_datum(postgresql_url: str):
    engine = open_engine(postgresql_url)
    with pytest.raises(DBAPIError) as caught, engine.connect() as connection:
        connection.execute(text("SELECT CAST(:x AS integer)"), {"x": SECRET})
    engine.dispose()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert "SQLSTATE 22P02" in str(caught.value)


def test_a_commit_survives_sigkill(database_url: str):
    engine = open_engine(database_url)
    migrate(engine)
    engine.dispose()
    program = (
        "import os, signal, sys; from sqlalchemy import text; from rsvp_mailer.store.engine import open_engine\n"
        "engine = open_engine(sys.argv[1])\n"
        "with engine.begin() as c: c.execute(text(\"insert into blob values ('kept', '')\"))\n"
        "c = engine.connect(); c.begin(); c.execute(text(\"insert into blob values ('lost', '')\"))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", program, database_url], check=False)
    assert done.returncode == -signal.SIGKILL
    engine = open_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(select(blob.c.sha256)).scalars().all() == ["kept"]
    engine.dispose()


def python(program: str, *arguments: str) -> str:
    """Run a program in a process of its own; what it printed."""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# SQLite


def test_sqlite_is_durable_and_checks_references(sqlite_url: str):
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas]
    engine.dispose()
    assert found == ["wal", 2, 1, 10_000]


def test_sqlite_files_are_private(sqlite_url: str, tmp_path: Path):
    before = os.umask(0)
    try:
        engine = open_engine(sqlite_url)
        migrate(engine)
        put(engine, "a")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {"rsvp.db": 0o600, "rsvp.db-wal": 0o600, "rsvp.db-shm": 0o600}


def test_a_sqlite_file_that_others_can_read_is_closed_to_them(sqlite_url: str, tmp_path: Path):
    path = tmp_path / "rsvp.db"
    path.touch(0o644)
    path.chmod(0o644)
    open_engine(sqlite_url).dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=rf"folder {tmp_path / 'nowhere'} does not exist; create it"):
        open_engine(f"sqlite:///{tmp_path / 'nowhere' / 'rsvp.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_kind_stays_as_it_is(sqlite_url: str, tmp_path: Path):
    path = tmp_path / "rsvp.db"
    path.write_bytes(b"a letter, not a database" * 100)
    engine = open_engine(sqlite_url)
    with pytest.raises(ConfigError, match="no SQLite database"):
        migrate(engine)
    engine.dispose()
    assert path.read_bytes() == b"a letter, not a database" * 100


def test_a_damaged_sqlite_file_is_a_fault_of_the_settings(sqlite_url: str, tmp_path: Path):
    engine = open_engine(sqlite_url)
    migrate(engine)
    engine.dispose()
    path = tmp_path / "rsvp.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 4096 * 8)
    engine = open_engine(sqlite_url)
    with pytest.raises(ConfigError, match="damaged"), database_errors():
        put(engine, "a")
    engine.dispose()


def test_a_file_beyond_the_disk_is_told_apart_from_a_defect(sqlite_url: str):
    engine = open_engine(sqlite_url)
    migrate(engine)
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    event.listen(engine, "checkout", lambda c, *_: c.execute(f"PRAGMA max_page_count = {pages + 1}"))
    with pytest.raises(TemporaryError, match="disk is full"), database_errors():
        put(engine, "a", b"x" * 1_000_000)
    assert count(engine) == 0
    engine.dispose()


def test_a_file_system_that_refuses_more_octets(sqlite_url: str):
    """The kernel's own limit, met by a process of its own: a write that fails for real."""
    engine = open_engine(sqlite_url)
    migrate(engine)
    engine.dispose()
    program = (
        "import resource, signal, sys; from sqlalchemy import text; from rsvp_mailer.store.engine import *\n"
        "from rsvp_mailer.errors import TemporaryError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "engine = open_engine(sys.argv[1])\n"
        "try:\n"
        "    with database_errors(), engine.begin() as c:\n"
        "        c.execute(text(\"insert into blob values ('a', :b)\"), {'b': b'x' * 1_000_000})\n"
        "except TemporaryError as error: print(error)"
    )
    said = python(program, sqlite_url)
    assert "the disk" in said
    assert said.count("\n") == 1
    engine = open_engine(sqlite_url)
    assert count(engine) == 0
    engine.dispose()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_folder_of_somebody_else_is_named(tmp_path: Path):
    (tmp_path / "locked").mkdir(mode=0o500)
    program = (
        "import os, sys; from rsvp_mailer.store.engine import open_engine\n"
        "os.seteuid(65534)\n"
        "try: open_engine(sys.argv[1])\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and str(folder) != tempfile.gettempdir():
            folder.chmod(0o755)
    (tmp_path / "locked").chmod(0o555)
    seen = python(program, f"sqlite:///{tmp_path}/locked/rsvp.db")
    assert seen.startswith("ConfigError database.url:")
    assert "cannot be opened for writing (Permission denied)" in seen


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
        "mysql://root@localhost/x",
        "rsvp.db",
        "postgresql:geheim",
        "",
    ],
)
def test_other_addresses_are_refused_in_one_line(url: str):
    with pytest.raises(ConfigError, match=r"^database\.url: .*") as caught:
        open_engine(url)
    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)


# PostgreSQL


def test_postgresql_session_settings(postgresql_url: str):
    engine = open_engine(postgresql_url)
    with engine.connect() as connection:
        names = ("TimeZone", "client_encoding", "application_name", "lock_timeout")
        found = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]
    engine.dispose()
    assert found == ["UTC", "UTF8", "rsvp-mailer", "10s"]


def test_an_unreachable_postgresql_is_no_crash():
    engine = open_engine(f"postgresql://rsvp:geheim@127.0.0.1:{free_port()}/rsvp")
    with pytest.raises(TemporaryError, match="cannot be reached") as caught, database_errors():
        engine.connect()
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_password_is_told_without_it(postgresql_url: str):
    engine = open_engine(postgresql_url.replace("Sauerampfer-12", "geheim"))
    with pytest.raises(TemporaryError, match="password authentication failed") as caught, database_errors():
        engine.connect()
    assert "geheim" not in str(caught.value)


def test_the_password_may_come_from_a_file(postgresql_url: str, tmp_path: Path):
    passfile = tmp_path / "passfile"
    passfile.write_text("127.0.0.1:*:*:rsvp:Sauerampfer-12\n")
    passfile.chmod(0o600)
    url = postgresql_url.replace(":Sauerampfer-12", "") + f"?passfile={passfile}"
    engine = open_engine(url)
    migrate(engine)
    assert schema_state(engine) == "current"
    engine.dispose()
    with mailbox_lock(url, "einladung"):
        pass


def test_a_restart_of_postgresql_is_survived(postgresql: Postgresql):
    name = postgresql.create_database()
    engine = open_engine(postgresql.url(name))
    migrate(engine)
    with pytest.raises(TemporaryError), database_errors(), engine.begin() as connection:
        connection.execute(insert(blob).values(sha256="lost", octets=b"x"))
        postgresql.stop()
        try:
            connection.execute(insert(blob).values(sha256="never", octets=b"x"))
        finally:
            postgresql.start()
    assert count(engine) == 0
    put(engine, "a")
    postgresql.stop()
    postgresql.start()
    assert count(engine) == 1  # a pooled connection was dead
    engine.dispose()
    postgresql.drop_database(name)


def test_a_database_that_cannot_hold_all_letters_is_refused(postgresql: Postgresql):
    name = postgresql.create_database(encoding="SQL_ASCII")
    engine = open_engine(postgresql.url(name))
    with pytest.raises(ConfigError, match="encoding is SQL_ASCII"), database_errors():
        engine.connect()
    engine.dispose()
    postgresql.drop_database(name)


def test_full_disks_and_deadlocks_of_postgresql_are_temporary():
    psycopg = pytest.importorskip("psycopg")
    for state in ("53100", "53300", "40P01", "40001", "57P01", "08006", "58030"):
        error = OperationalError("x", None, psycopg.errors.lookup(state)("words of the server"))
        with pytest.raises(TemporaryError) as caught, database_errors():
            raise error
        assert "words of the server" not in str(caught.value)


def test_our_own_mistakes_stay_what_they_are(engine: Engine):
    with pytest.raises(DBAPIError), database_errors(), engine.begin() as connection:
        connection.execute(text("select * from no_such_table"))
    error = OperationalError("x", None, sqlite3.OperationalError("no code"))
    with pytest.raises(OperationalError), database_errors():
        raise error
