"""A real browser for the tests: Debian's Chromium, driven by Playwright. Nothing is downloaded."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from servers import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


def chromium_fault() -> str:
    """What is missing; empty where the browser can be started."""
    return "" if find_program("chromium") else "Chromium is not installed (Debian: apt-get install chromium)"


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_program("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, site: str, **options: Any) -> Iterator[Page]:
    """A page of a fresh profile. At its end: no script failed, nothing was blocked, nothing was fetched elsewhere."""
    context = browser.new_context(base_url=site, locale="de-DE", **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    page.on("request", lambda sent: None if sent.url.startswith(site) else faults.append(f"asked {sent.url}"))
    page.on("dialog", lambda dialog: (faults.append("a dialog opened"), dialog.dismiss()))
    try:
        yield page
    finally:
        context.close()
    assert faults == []


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.1 AA and good practice: rule, and the first place where it is broken."""
    response = Axe().run(page).response
    assert response["passes"], "axe-core looked at nothing"
    found = response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']} {each['nodes'][0]['failureSummary']}" for each in found]


def overflow(page: Page) -> int:
    """By how many CSS pixels the page is wider than the window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide
