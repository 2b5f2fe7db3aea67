"""What every page promises, whatever stands on it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from rsvp_mailer.review.web.rendering import Pages
from rsvp_mailer.review.web.routes import PAGES
from rsvp_mailer.review.web.words import FOLDER, LANGUAGES, load_words

if TYPE_CHECKING:
    from pages import Site

WEB = FOLDER.parent


def test_both_languages_say_the_same_things():
    german, english = (load_words(code).texts for code in LANGUAGES)
    assert set(german) == set(english)
    assert all(german.values())
    for key in german:
        assert set(re.findall(r"{\w+}", german[key])) == set(re.findall(r"{\w+}", english[key])), key


def keys_named() -> set[str]:
    """Every key that a template or a view writes out in full."""
    found = set()
    for path in (*WEB.glob("templates/*.html"), *WEB.glob("[!_]*.py")):
        found |= set(re.findall(r'(?:\bt|\.text)\("([a-z_]+\.[a-z_.0-9]*[a-z_0-9])"', path.read_text("utf-8")))
    return found


def test_every_word_that_a_page_names_is_there():
    texts = load_words("de").texts
    assert keys_named()
    assert {key for key in keys_named() if key not in texts and f"{key}.other" not in texts} == set()


def test_the_first_page_says_how_many_come(site: Site):
    page = site.browser("viewer").get("/")
    assert page.status_code == 200
    assert "0 Personen haben sicher zugesagt" in page.text
    assert "Viewer Beispiel" in page.text


def test_the_language_is_chosen_and_kept(site: Site):
    browser = site.browser()
    assert 'lang="de"' in browser.get("/sign-in").text
    assert browser.submit("/language", language="en", back="/sign-in").headers["location"] == "/sign-in"
    page = browser.get("/sign-in").text
    assert '<html lang="en">' in page
    assert "You need no password" in page


@pytest.mark.parametrize(
    "path", ["/nirgends", "/static/nichts.css", "/static/../visit.py", "/static/%2e%2e%2fvisit.py"]
)
def test_what_is_not_there_is_a_page_in_plain_german(site: Site, path: str):
    page = site.browser("viewer").get(path)
    assert page.status_code == 404
    assert "Diese Seite gibt es nicht" in page.text


@pytest.mark.parametrize(("role", "path"), [("viewer", "/nirgends"), (None, "/nirgends"), ("viewer", "/sign-out")])
def test_on_an_error_page_too_one_is_signed_in_and_may_choose_the_language(site: Site, role: str | None, path: str):
    browser = site.browser(role)
    page = browser.get(path)
    assert ("Viewer Beispiel" in page.text) is (role is not None)
    assert browser.submit("/language", on=path, language="en", back="/").headers["location"] == "/"
    assert '<html lang="en">' in browser.get("/sign-in/sent").text


def test_templates_hold_no_inline_style_or_script():
    for path in Path(WEB, "templates").glob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|\|\s*safe\b", text), path.name
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path.name
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", text), path.name


def test_the_route_table_has_no_page_twice():
    places = [(page.path, page.method) for page in PAGES]
    assert len(set(places)) == len(places)


def test_a_day_is_that_of_the_place_not_of_greenwich():
    pages = Pages(ZoneInfo("Europe/Berlin"), ())
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert pages._local_day(late) == date(2026, 11, 23)
    assert pages._local_day(date(2026, 11, 22)) == date(2026, 11, 22)
