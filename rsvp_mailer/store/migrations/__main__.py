"""Writes the next revision from the difference between ``tables.py`` and the revisions so far.

``python -m rsvp_mailer.store.migrations "Answers know their channel"`` needs no database: it migrates a fresh one.
Read what it wrote: it sees no changed CHECK constraint and takes a renamed column for a new one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.schema import alembic_config, migrate


def main(message: str) -> None:
    """Add ``versions/<number>_<message>.py``."""
    number = 1 + len(list((Path(__file__).parent / "versions").glob("[0-9]*.py")))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/rsvp.db")
        migrate(engine, tallied=False)
        with engine.connect() as connection:
            config = alembic_config(connection)
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or sys.exit(str(__doc__)))
