"""The revisions and ``tables.py`` describe the same schema, on both databases, and migrating is all or nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.store import schema
from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.schema import alembic_config, migrate, schema_state
from rsvp_mailer.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def described(engine: Engine) -> dict[str, object]:
    """All that the database itself knows of our tables."""
    found: dict[str, object] = {}
    inspector = inspect(engine)
    for table in metadata.tables:
        found[f"{table} columns"] = {
            (column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(table)
        }
        found[f"{table} key"] = inspector.get_pk_constraint(table)["constrained_columns"]
        for kind in ("indexes", "unique_constraints", "check_constraints", "foreign_keys"):
            rows = getattr(inspector, f"get_{kind}")(table)
            found[f"{table} {kind}"] = sorted(_told(row) for row in rows)
    return found


def _told(row: Mapping[str, object]) -> str:
    """What the inspector says of an index or a constraint; conditions of partial indexes as text."""
    options = {name: str(value) for name, value in row.get("dialect_options", {}).items()}
    return repr(sorted({**row, "dialect_options": options}.items(), key=repr))


def test_revisions_and_tables_agree(engine: Engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_revisions_and_tables_agree_in_what_alembic_overlooks(engine: Engine, database_url: str):
    """CHECK constraints above all: the states a row can be in."""
    migrated = described(engine)
    with engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
    engine.dispose()
    created = open_engine(database_url)
    assert described(created) == migrated
    created.dispose()
    assert any("set_aside" in str(row) for row in migrated.values())


def test_states_of_a_schema(empty: Engine):
    assert schema_state(empty) == "empty"
    migrate(empty)
    assert schema_state(empty) == "current"
    migrate(empty)
    assert schema_state(empty) == "current"


def test_a_database_that_is_behind_is_brought_up(empty: Engine, monkeypatch: pytest.MonkeyPatch):
    migrate(empty)
    script = ScriptDirectory.from_config(alembic_config())
    head = script.get_current_head()
    monkeypatch.setattr(ScriptDirectory, "get_current_head", lambda self: "later")
    assert schema_state(empty) == "behind"
    monkeypatch.undo()
    assert script.get_current_head() == head
    assert schema_state(empty) == "current"


def test_a_database_of_a_newer_version_is_left_alone(empty: Engine):
    migrate(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert schema_state(empty) == "newer"
    before = described(empty)
    with pytest.raises(ConfigError, match="newer version of rsvp-mailer"):
        migrate(empty)
    assert described(empty) == before


def test_a_migration_that_fails_half_way_leaves_nothing(empty: Engine, monkeypatch: pytest.MonkeyPatch):
    upgrade = schema.command.upgrade

    def breaks(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]
        msg = "the power went"
        raise RuntimeError(msg)

    monkeypatch.setattr(schema.command, "upgrade", breaks)
    with pytest.raises(RuntimeError):
        migrate(empty)
    assert inspect(empty).get_table_names() == []
    monkeypatch.undo()
    migrate(empty)
    assert schema_state(empty) == "current"


def test_foreign_keys_are_enforced_again_after_migrating(sqlite_url: str):
    engine = open_engine(sqlite_url)
    migrate(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    engine.dispose()


def test_two_programs_may_migrate_at_once(database_url: str):
    program = (
        "import sys; from rsvp_mailer.store.engine import open_engine; from rsvp_mailer.store.schema import migrate\n"
        "engine = open_engine(sys.argv[1]); sys.stdin.read(); migrate(engine)"
    )
    command = [sys.executable, "-c", program, database_url]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [process.communicate(timeout=60)[1] for process in both]
    assert [(process.returncode, output) for process, output in zip(both, outputs, strict=True)] == [(0, "")] * 3
    engine = open_engine(database_url)
    assert schema_state(engine) == "current"
    engine.dispose()


def test_revisions_are_installed_with_the_package():
    config = alembic_config()
    assert ScriptDirectory.from_config(config).get_current_head() is not None


def test_each_revision_has_one_successor_at_most():
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    assert len(heads) == 1
