"""The pages in a real browser: by mail from a real mailbox, on a telephone, in the dark, without JavaScript."""

from __future__ import annotations

import os
import re
import time
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from chromium import opened, overflow, violations
from office import make_office, reply
from pages import USERS, WEB, Site, serve
from servers import free_port

from rsvp_mailer import operate
from rsvp_mailer.review.web.routes import PAGES
from rsvp_mailer.review.web.sign_in import print_link
from rsvp_mailer.review.web.visit import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page
    from servers_dovecot import Account, Dovecot
    from servers_postfix import Postfix

PICTURES = os.environ.get("RSVP_MAILER_PICTURES")  # a folder, for whoever wants to look at the pages


def picture(page: Page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(PICTURES, f"{name}.png"), full_page=True)


def newest_mail(account: Account, seconds: float = 60) -> str:
    """The plain text of the newest mail in a mailbox, once there is one."""
    client = account.client()
    try:
        deadline = time.monotonic() + seconds
        while True:
            client.select("INBOX", readonly=True)
            numbers = client.search(None, "ALL")[1][0].split()
            if numbers:
                octets = client.fetch(numbers[-1].decode(), "(BODY.PEEK[])")[1][0][1]
                body = message_from_bytes(octets, policy=policy.default).get_body(("plain",))
                assert body is not None
                return str(body.get_content())
            assert time.monotonic() < deadline, "no mail came"
            time.sleep(0.2)
    finally:
        client.logout()


def test_signing_in_by_the_mail_that_came(tmp_path: Path, dovecot: Dovecot, postfix: Postfix, browser: Browser):
    """The daemon, Postfix, Dovecot and Chromium: the whole way, once with JavaScript, once without; then out again."""
    clerk = dovecot.add_account()
    office = make_office(
        tmp_path, dovecot.add_account(), postfix.port, f"sqlite:///{tmp_path}/rsvp.db",
        digest={"recipients": [dovecot.add_account().address]},
    )  # fmt: skip
    port = free_port()
    office.tables["web"] = {"port": port, "users": [{"address": clerk.address, "name": "Karla Klug", "role": "clerk"}]}
    site = f"http://127.0.0.1:{port}"
    with office.running("--since", "2000-01-01"):
        for scripts in (True, False):
            with opened(browser, site, java_script_enabled=scripts) as page:
                arrive(page, site)
                page.get_by_label("Ihre E-Mail-Adresse").fill(clerk.address)
                page.get_by_role("button", name="Link zuschicken").click()
                assert "Sehen Sie in Ihr Postfach" in page.inner_text("h1")
                link = re.search(rf"{site}/sign-in/\w+", newest_mail(clerk))
                assert link
                page.goto(link[0])
                page.get_by_role("button", name="Jetzt anmelden").click()
                assert page.url == f"{site}/"
                assert "Karla Klug" in page.inner_text("header")
                assert "Das Programm läuft." in page.inner_text("main")
                page.locator("summary").first.click()
                page.get_by_role("button", name="Abmelden").click()
                assert "Sie sind abgemeldet." in page.inner_text("main")
                page.goto("/")
                assert urlsplit(page.url).path == "/sign-in"
            empty(clerk)


def arrive(page: Page, site: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            page.goto(site)
        except Exception:  # the daemon is still starting
            assert time.monotonic() < deadline
            time.sleep(0.3)
        else:
            return


def empty(account: Account) -> None:
    client = account.client()
    client.select("INBOX")
    client.store("1:*", "+FLAGS", "\\Deleted")
    client.expunge()
    client.logout()


# --- every page ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory, dovecot: Dovecot) -> Iterator[Site]:
    """Pages of an office in which something has happened."""
    folder = tmp_path_factory.mktemp("busy")
    office = make_office(
        folder, dovecot.add_account(), 9, f"sqlite:///{folder}/rsvp.db", events={"capacity": 12}
    )  # fmt: skip
    office.tables["web"] = {**WEB, "port": free_port()}
    words = (
        "Wir kommen zu zweit und brauchen einen Dolmetscher für Arabisch.",
        "Ich komme gern, bitte vegetarisches Essen.",
        "Vielleicht komme ich.",
        "Leider kann ich nicht.",
        "Wir kommen mit 5 bis 6 Personen.",
        "Wann beginnt es?",
    )
    for number, each in enumerate(words):
        office.account.append(reply(each, sender=f"gast{number}@verein.example", name=f"Gast {number}"))
    with office.app() as app, operate.connected(app) as inbox:
        app.poller(app.clock.now().replace(year=2000)).poll(inbox)
        with serve(app) as site:
            yield site


def enter(page: Page, site: Site, role: str = "administrator") -> None:
    page.goto(print_link(site.app.office(), USERS[role]))
    page.locator("main button").click()


PLAIN = [page.path for page in PAGES if page.method == "GET" and "{" not in page.path and page.path != "/health"]


# Two of the four tell what all tell: colours and layout do not depend on each other. Pictures are made of all.
LOOKS = [(1280, "light"), (360, "dark"), *([(1280, "dark"), (360, "light")] if PICTURES else [])]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_every_page_is_accessible_and_fits(browser: Browser, busy: Site, width: int, scheme: str):
    """axe-core finds nothing, nothing sticks out, everything comes from us, and no script is missed or refused."""
    options = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    with opened(browser, busy.app.settings.web.site, **options) as page:
        roles = {path: Role.ANYBODY for path in PLAIN if path.startswith("/sign-in")}
        for path in sorted(PLAIN, key=lambda path: path not in roles):
            if path not in roles and "rsvp-session" not in {cookie["name"] for cookie in page.context.cookies()}:
                page.goto(print_link(busy.app.office(), USERS["administrator"]))
                assert violations(page) == []
                page.locator("main button").click()
            page.goto(path)
            picture(page, f"{path.strip('/').replace('/', '_') or 'dashboard'}_{width}_{scheme}")
            assert violations(page) == [], path
            assert overflow(page) == 0, path
            folded = page.locator("details:not([open]):not(.me) > summary")
            for summary in folded.all():
                summary.click()
                assert violations(page) == [], f"{path}, unfolded"
                assert overflow(page) == 0, path
        page.locator("details.me summary").click()
        assert violations(page) == []
        assert overflow(page) == 0
        for path in ("/nirgends", f"/sign-in/{'0' * 32}"):
            page.goto(path)
            assert violations(page) == [], path
            assert overflow(page) == 0, path


def test_the_keyboard_is_enough(browser: Browser, busy: Site):
    with opened(browser, busy.app.settings.web.site) as page:
        enter(page, busy)
        page.goto("/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Zum Inhalt springen"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
        page.locator("details.me summary").focus()
        page.keyboard.press("Enter")
        assert page.locator(".menu").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator(".menu").is_visible()
        assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_the_pages_speak_english_without_javascript(browser: Browser, busy: Site):
    with opened(browser, busy.app.settings.web.site, java_script_enabled=False) as page:
        enter(page, busy)
        page.goto("/sessions")
        page.get_by_role("button", name="English").click()
        assert page.inner_text("h1") == "Signed-in browsers"
        page.goto("/")
        assert "persons are certain to come" in page.inner_text("main")
        assert page.locator("html").get_attribute("lang") == "en"


def test_the_overview_tells_the_figures_and_what_to_do(browser: Browser, busy: Site):
    """By the same function as digest and exports; the chart has a table beside it."""
    count = busy.app.figures().head_count
    with opened(browser, busy.app.settings.web.site) as page:
        enter(page, busy, "viewer")
        page.goto("/")
        text = page.inner_text("main")
        assert f"{count.lowest} bis {count.highest} Personen" in re.sub(r"\s+", " ", text)
        assert f"{count.certain} Personen haben sicher zugesagt" in text
        assert "Das Programm läuft gerade nicht." in text  # nobody holds the mailbox's lock here
        assert "Stimmt: Jede gesehene E-Mail ist genau einmal verbucht." in text
        page.get_by_text("Als Tabelle").click()
        row = page.locator("section[aria-labelledby=curve] tbody tr").first.inner_text()
        assert [int(number) for number in row.split()[-2:]] == [count.certain, count.maybe]
