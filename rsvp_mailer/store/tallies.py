"""Running sums beside the rows they count, so that a figure costs the same with 1,000 answers and with 100,000.

The database itself keeps ``tables.tally`` in step, by triggers: no way of writing a row, an undo, a merge or an
administrator's own SQL, can pass them by, and a sum is committed or rolled back together with its rows. Each schema
change lays the triggers anew and counts once from the rows (``lay``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from sqlalchemy import select

from rsvp_mailer.store.guest_tables import guest, guest_term
from rsvp_mailer.store.tables import mail, outgoing, sheet, tally, task

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table


@dataclass(frozen=True, slots=True)
class _Kept:
    """One group of sums, as SQL about a row ``{r}``; ``of``: the columns whose change moves a sum.

    ``when``: which rows count. ``persons``: what else is added up.
    """

    kind: str
    table: Table
    of: str
    term: str
    when: str = "1 = 1"
    event: str = "''"
    persons: str = "0"


_KEPT = (
    _Kept("mail", mail, of="state", term="{r}.state"),
    _Kept("outgoing", outgoing, of="state", term="{r}.state"),
    _Kept("sheet", sheet, of="state", term="{r}.state", event="{r}.event"),
    _Kept("task", task, of="done_at", term="{r}.kind", event="{r}.event", when="{r}.done_at IS NULL"),
    _Kept(
        "attendance",
        guest,
        of="attendance, party_size",
        term="{r}.attendance",
        event="{r}.event",
        when="{r}.attendance IS NOT NULL",
        persons="COALESCE({r}.party_size, 1)",  # an unknown size counts 1
    ),
    _Kept(
        "unknown_size",
        guest,
        of="attendance, party_size",
        term="{r}.attendance",
        event="{r}.event",
        when="{r}.attendance IS NOT NULL AND {r}.party_size IS NULL",
    ),
    _Kept("language", guest, of="language", term="{r}.language", event="{r}.event"),
    _Kept("wish", guest_term, of="term", term="{r}.term", when="substr({r}.term, 1, 8) = 'counted:'"),
)


@dataclass(frozen=True, slots=True)
class _Step:
    """What happens to a row, which side of it counts, and how."""

    event: str
    row: str
    sign: int

    def trigger(self, kept: _Kept) -> str:
        return f"tally_{kept.kind}_{self.event}_{self.row.lower()}"


# A row comes, goes, or is another one afterwards.
_STEPS = (_Step("insert", "NEW", 1), _Step("delete", "OLD", -1), _Step("update", "OLD", -1), _Step("update", "NEW", 1))


def sums(connection: Connection, kind: str, event: str = "") -> dict[str, tuple[int, int]]:
    """Give the rows and the persons of each term of a kind."""
    rows = connection.execute(
        select(tally.c.term, tally.c.number, tally.c.persons)
        .where(tally.c.event == event, tally.c.kind == kind, tally.c.number != 0)
        .order_by(tally.c.term)
    )
    return {row.term: (row.number, row.persons) for row in rows}


def counts(connection: Connection, kind: str, event: str = "") -> dict[str, int]:
    """Give the rows of each term of a kind."""
    return {term: number for term, (number, _) in sums(connection, kind, event).items()}


def drop(connection: Connection) -> None:
    """Take the triggers away, before tables change or are filled in bulk; ``lay`` must follow."""
    for kept, step in product(_KEPT, _STEPS):
        on = f" ON {kept.table.name}" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {step.trigger(kept)}{on}")


def lay(connection: Connection) -> None:
    """Count from the rows, and let the database keep count from here on."""
    connection.execute(tally.delete())
    for kept in _KEPT:
        connection.exec_driver_sql(f"INSERT INTO tally (event, kind, term, number, persons) {_from_scratch(kept)}")
    for kept, step in product(_KEPT, _STEPS):
        _lay_trigger(connection, kept, step)


def differences(connection: Connection) -> set[tuple[object, ...]]:
    """Compare the sums with the rows, counted from scratch: empty, or something is very wrong."""
    scratch = {tuple(row) for kept in _KEPT for row in connection.exec_driver_sql(_from_scratch(kept))}
    return scratch ^ {tuple(row) for row in connection.execute(select(tally).where(tally.c.number != 0))}


def _from_scratch(kept: _Kept) -> str:
    """Give the question that counts all rows."""
    event, term, persons, when = (part.format(r="r") for part in (kept.event, kept.term, kept.persons, kept.when))
    return (
        f"SELECT {event}, '{kept.kind}', {term}, COUNT(*), SUM({persons}) "  # noqa: S608 - all of it stands above
        f"FROM {kept.table.name} r WHERE {when} GROUP BY 1, 3"
    )


def _lay_trigger(connection: Connection, kept: _Kept, step: _Step) -> None:
    name, columns = step.trigger(kept), f" OF {kept.of}" if step.event == "update" else ""
    head = f"CREATE TRIGGER {name} AFTER {step.event}{columns} ON {kept.table.name} FOR EACH ROW WHEN ({kept.when})"
    move = (
        "INSERT INTO tally (event, kind, term, number, persons) "  # noqa: S608 - all of it stands above
        f"VALUES ({kept.event}, '{kept.kind}', {kept.term}, {step.sign}, {step.sign} * {kept.persons}) "
        "ON CONFLICT (event, kind, term) DO UPDATE SET "
        "number = tally.number + excluded.number, persons = tally.persons + excluded.persons;"
    )
    head, move = head.format(r=step.row), move.format(r=step.row)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"{head} BEGIN {move} END")
        return
    body = f"$$ BEGIN {move} RETURN NULL; END $$"
    connection.exec_driver_sql(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS {body}")
    connection.exec_driver_sql(f"{head} EXECUTE FUNCTION {name}()")
