"""A real PostgreSQL server on a free loopback port, run by an unprivileged person, and fresh databases on it."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from servers import Person, await_port, end, free_port

if TYPE_CHECKING:
    import subprocess

PASSWORD = "Sauerampfer-12"
# A power cut ends the tests anyway.
_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")


def postgresql_folder() -> Path | None:
    """The programs of the newest version installed (Debian keeps ``initdb`` out of PATH)."""
    beside = shutil.which("initdb")
    if beside:
        return Path(beside).resolve().parent
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


class Postgresql:
    """Start with ``start()``, end with ``stop()`` (a restart keeps port and databases), or use as a context manager."""

    def __init__(self) -> None:
        self.port = free_port()
        self._programs = postgresql_folder()
        self._person = Person.unprivileged()
        self.home = self._person.folder("postgresql-")
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def __enter__(self) -> Postgresql:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def url(self, database: str) -> str:
        """The address as an operator would write it into the settings."""
        return f"postgresql://rsvp:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        path = self.home / "postgresql.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Make the cluster once, start, and wait until it takes connections."""
        if not (self.home / "cluster").exists():
            self._make_cluster()
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories=", *_SPEED]
        options = [part for setting in settings for part in ("-c", setting)]
        server = [self._program("postgres"), "-D", str(self.home / "cluster"), *options]
        self._process = self._person.start(*server, log=self.home / "postgresql.log")
        await_port(self.port, self._process, lambda: self.log)
        self._await_readiness()

    def stop(self) -> None:
        """Shut down fast: sessions are cut off, as an administrator would do it."""
        if self._process is not None:
            end(self._process, signal.SIGINT)
            self._process = None

    def create_database(self, *, template: str = "template0", encoding: str = "UTF8") -> str:
        """A new database, empty or a copy of ``template``; its name."""
        self._databases += 1
        name = f"rsvp{self._databases}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} ENCODING {} LOCALE 'C'")
        self._administrate(statement.format(sql.Identifier(name), sql.Identifier(template), sql.Literal(encoding)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove it, whoever is still connected."""
        self._administrate(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administrate(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _make_cluster(self) -> None:
        password = self.home / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)  # it lies in a folder that nobody else can enter
        self._person.run(
            self._program("initdb"), "--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256",
            "--username=rsvp", f"--pwfile={password}", f"--pgdata={self.home / 'cluster'}",
        )  # fmt: skip

    def _await_readiness(self) -> None:
        for attempt in range(100):
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:  # "the database system is starting up"
                if attempt == 99:
                    raise
                time.sleep(0.05)
            else:
                return

    def _program(self, name: str) -> str:
        if self._programs is None:
            msg = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
            raise RuntimeError(msg)
        return str(self._programs / name)
