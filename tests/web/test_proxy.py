"""The reverse proxy that ships in ``deploy/``: sign-in works through it, by TLS, and what it forwards is believed."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
from pages import USERS, serve
from servers import absent
from servers_caddy import Caddy, caddy_fault
from sqlalchemy import select

from rsvp_mailer.review.web import sign_in
from rsvp_mailer.store.tables import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from office import Office
    from pages import Browser


@pytest.fixture
def caddy(web_office: Office) -> Iterator[Caddy]:
    fault = caddy_fault()
    if fault:
        absent(fault)
    with Caddy(web_office.tables["web"]["port"]) as server:
        web_office.tables["web"]["base_url"] = server.site
        web_office.tables["web"]["trusted_proxies"] = ["127.0.0.1"]
        yield server


def through(caddy: Caddy, browser: Browser) -> Browser:
    """The same browser, coming by the proxy."""
    trust = ssl.create_default_context(cafile=str(caddy.certificate))
    browser._transport = httpx.HTTPTransport(verify=trust)
    browser.base_url = caddy.site
    return browser


def test_signing_in_through_the_proxy(web_office: Office, caddy: Caddy):
    with web_office.app() as app, serve(app) as site:
        browser = through(caddy, site.browser())
        assert browser.get("/").headers["location"] == "/sign-in"
        browser.sign_in(app, "clerk")
        page = browser.get("/")
        assert page.status_code == 200
        assert "Clerk Beispiel" in page.text
        assert set(dict(browser.cookies)) == {"__Host-rsvp-session"}
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        assert "server" not in page.headers
        assert "via" not in page.headers
        assert browser.submit("/sign-out", on="/").status_code == 303


def buckets(app: object) -> set[str]:
    with app.store.reading() as tx:
        return set(tx.connection.execute(select(attempt.c.bucket)).scalars())


def test_a_visitor_cannot_choose_whom_the_limits_take_him_for(web_office: Office, caddy: Caddy):
    with web_office.app() as app, serve(app) as site:
        browser = through(caddy, site.browser())
        browser.headers["x-forwarded-for"] = "192.0.2.66"
        assert browser.submit("/sign-in", address=USERS["clerk"]).status_code == 303
        assert sign_in.LINKS_PER_CLIENT.bucket("127.0.0.1") in buckets(app)
        assert sign_in.LINKS_PER_CLIENT.bucket("192.0.2.66") not in buckets(app)


@pytest.mark.parametrize(("trusted", "taken_for"), [([], "127.0.0.1"), (["127.0.0.1"], "192.0.2.66")])
def test_forwarded_addresses_are_believed_of_trusted_proxies_alone(
    web_office: Office, trusted: list[str], taken_for: str
):
    web_office.tables["web"]["trusted_proxies"] = trusted
    with web_office.app() as app, serve(app) as site:
        browser = site.browser()
        browser.headers["x-forwarded-for"] = "192.0.2.66"
        assert browser.submit("/sign-in", address=USERS["clerk"]).status_code == 303
        assert sign_in.LINKS_PER_CLIENT.bucket(taken_for) in buckets(app)
