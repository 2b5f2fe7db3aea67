"""An office with pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chromium import chromium, chromium_fault
from office import make_office
from pages import WEB, serve
from servers import absent, free_port
from sqlalchemy import delete

from rsvp_mailer.store.tables import metadata, tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from office import Office
    from pages import Site
    from playwright.sync_api import Browser
    from servers_dovecot import Dovecot


@pytest.fixture
def web_office(tmp_path: Path, dovecot: Dovecot, sqlite_url: str) -> Office:
    """An office with three users of its pages, and mail delivered nowhere."""
    office = make_office(tmp_path, dovecot.add_account(), 9, sqlite_url)
    office.tables["web"] = {**WEB, "port": free_port()}
    return office


@pytest.fixture(scope="session")
def standing(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Site]:
    """Pages that stand for all tests, because building an office takes a second."""
    folder = tmp_path_factory.mktemp("pages")
    office = make_office(folder, dovecot.add_account(), 9, f"sqlite:///{folder}/rsvp.db")
    office.tables["web"] = {**WEB, "port": free_port()}
    with office.app() as app, serve(app) as site:
        yield site


@pytest.fixture
def site(standing: Site) -> Site:
    """Pages of an office in which nothing has happened yet, and nobody is signed in."""
    with standing.app.store.writing() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.connection.execute(delete(table))
        tx.connection.execute(delete(tally))  # again: the sums have followed
    return standing


@pytest.fixture(scope="module")  # while it lives, Playwright's event loop leaves no other test of the process alone
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a file."""
    fault = chromium_fault()
    if fault:
        absent(fault)
    with chromium() as started:
        yield started
