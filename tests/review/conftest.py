"""An office on a real store, SQLite and then PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bureau import Bureau, Time, make_bureau, office_without_servers, shared_lexicon
from sqlalchemy import true

import rsvp_mailer.app
from rsvp_mailer.store import suggestions, tallies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bureau(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bureau]:
    """At work."""
    monkeypatch.setattr(rsvp_mailer.app, "load_lexicon", shared_lexicon)
    time = Time()
    with office_without_servers(tmp_path, database_url).app(time) as app:  # type: ignore[arg-type]
        yield make_bureau(app, time)
        with app.store.writing() as tx:
            assert tallies.differences(tx.connection) == set(), "running sums agree with a count from scratch"
            assert suggestions.weigh(tx.connection, true()) == 0, "so do the weights of held suggestions"
