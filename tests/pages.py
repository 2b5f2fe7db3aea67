"""The pages of an office on a real store; a browser without a browser (httpx), and signing in as its owner would."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from rsvp_mailer.review.web.serve import WebThread
from rsvp_mailer.review.web.sign_in import print_link
from rsvp_mailer.store.doors import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rsvp_mailer.app import App

USERS = {"viewer": "vera@office.example", "clerk": "karl@office.example", "administrator": "ada@office.example"}
WEB = {
    "users": [{"address": address, "name": f"{role.title()} Beispiel", "role": role} for role, address in USERS.items()]
}


class Browser(httpx.Client):
    """Keeps cookies, follows nothing by itself, and fills in the token of the form it looks at."""

    def __init__(self, app: App) -> None:
        agent = {"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}
        web = app.settings.web
        super().__init__(base_url=f"http://{web.host}:{web.port}", headers=agent, trust_env=False, timeout=20)
        self.origin = web.site

    def token(self, path: str = "/sign-in") -> str:
        """The token in the first form of a page."""
        found = re.search(r'name="csrf_token" value="(\w+)"', self.get(path).text)
        assert found, path
        return found[1]

    def submit(self, path: str, *, on: str = "/sign-in", **fields: str) -> httpx.Response:
        """Submit a form that stands on the page ``on``."""
        return self.post(path, data={"csrf_token": self.token(on), **fields}, headers={"origin": self.origin})

    def sign_in(self, app: App, role: str) -> Browser:
        """Sign in with a link from the terminal; itself."""
        path = urlsplit(print_link(app.office(), USERS[role])).path
        response = self.submit(path, on=path)
        assert response.status_code == 303, response.text
        return self


@dataclass
class Site:
    """Pages being served."""

    app: App
    browsers: list[Browser] = field(default_factory=list)

    def browser(self, role: str | None = None) -> Browser:
        """Another browser, signed in with a role or not at all."""
        browser = Browser(self.app)
        self.browsers.append(browser)
        if role:
            # As signing in does it; that itself, which takes its time on purpose, is tested in test_sign_in.py.
            token = self.app.desk.new_token()
            with self.app.store.writing() as tx:
                tx.doors.open_session(sha256(token), USERS[role], browser.headers["user-agent"], self.app.clock.now())
            browser.cookies.set("rsvp-session", token, domain="127.0.0.1")
        return browser


@contextmanager
def served(app: App) -> Iterator[None]:
    """The pages on their real server."""
    thread = WebThread(app.office())
    thread.start()
    try:
        yield
    finally:
        thread.stop()
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def serve(app: App) -> Iterator[Site]:
    """The pages on their real server, and browsers for them."""
    with served(app):
        site = Site(app)
        try:
            yield site
        finally:
            for browser in site.browsers:
                browser.close()
