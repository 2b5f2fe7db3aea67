"""Alembic's way in; ``store.schema`` and ``migrations.__main__`` hand it an open connection."""

from __future__ import annotations

from typing import Literal

from alembic import context

from rsvp_mailer.store import guest_tables  # noqa: F401 - its tables belong to the metadata
from rsvp_mailer.store.tables import UtcDateTime, metadata

_connection = context.config.attributes["connection"]


def _render(kind: str, value: object, autogen: object) -> str | Literal[False]:
    # A revision must not change when the class moves, and this stores the same.
    del autogen
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, UtcDateTime) else False


context.configure(
    connection=_connection,
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column: the table is copied; PostgreSQL alters it all the same
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
