"""An office with pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from office import make_office
from pages import WEB, Site, served
from servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from office import Office
    from servers_dovecot import Dovecot


@pytest.fixture
def web_office(tmp_path: Path, dovecot: Dovecot, sqlite_url: str) -> Office:
    """An office with three users of its pages, and mail delivered nowhere."""
    office = make_office(tmp_path, dovecot.add_account(), 9, sqlite_url)
    office.tables["web"] = {**WEB, "port": free_port()}
    return office


@pytest.fixture
def site(web_office: Office) -> Iterator[Site]:
    """Its pages, served in this process."""
    with web_office.app() as app, served(app):
        site = Site(web_office, app)
        yield site
        for browser in site.browsers:
            browser.close()
