"""Brings a database to the schema of this program, and tells when that cannot be done.

The revisions lie in ``migrations/versions`` and are installed with the package. A migration is one transaction on
SQLite and PostgreSQL alike: it happens wholly or not at all, also when two programs start at the same instant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.store import tallies
from rsvp_mailer.store.engine import database_errors

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

SchemaState: TypeAlias = Literal["empty", "current", "behind", "newer"]


def schema_state(engine: Engine) -> SchemaState:
    """Tell how the database's schema stands to this program's.

    ``empty``: never migrated. ``behind``: ``migrate`` is due. ``newer``: a later version of the program has been
    here. Raises what ``database_errors`` raises.
    """
    with database_errors(), engine.execution_options(rsvp_read_only=True).connect() as connection:
        return _state(connection)


def migrate(engine: Engine, *, tallied: bool = True) -> None:
    """Bring the database to the newest revision; does nothing where it is there already.

    ``tallied``: with its running sums; without, for who compares the revisions with newer tables.

    Raises ``ConfigError`` for a database of a newer version, and what ``database_errors`` raises.
    """
    with database_errors(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _migrate_sqlite(connection, tallied=tallied)
        else:
            with connection.begin():
                _upgrade(connection, tallied=tallied)


def _state(connection: Connection) -> SchemaState:
    revision = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(alembic_config())
    if revision is None:
        return "empty"
    if revision == script.get_current_head():
        return "current"
    known = {known.revision for known in script.walk_revisions()}
    return "behind" if revision in known else "newer"


def _upgrade(connection: Connection, *, tallied: bool) -> None:
    # Asked within the transaction: whoever was first has finished by now.
    state = _state(connection)
    if state == "newer":
        fault = (
            "database.url: a newer version of rsvp-mailer has used this database; "
            "install that version, or restore the backup made before it"
        )
        raise ConfigError([fault])
    if state != "current":
        tallies.drop(connection)  # a table that is copied would lose its own
        command.upgrade(alembic_config(connection), "head")
        if tallied:
            tallies.lay(connection)


def _migrate_sqlite(connection: Connection, *, tallied: bool) -> None:
    # Batch mode copies a table and drops the old one, which foreign keys would refuse; the switch works only
    # between transactions, hence on the driver's connection, before SQLAlchemy begins one.
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        with connection.begin():
            _upgrade(connection, tallied=tallied)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
            if broken is not None:
                fault = f"database.url: migrating would break references of table {broken[0]}; nothing was changed"
                raise ConfigError([fault])
    finally:
        driver.execute("PRAGMA foreign_keys = ON")
        driver.close()


def alembic_config(connection: Connection | None = None) -> Config:
    """Give Alembic's configuration; it reads no file. ``connection``: the one ``env.py`` shall use."""
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # configparser's escape
    config.attributes["connection"] = connection
    return config
