"""Our mail in programs that had no part in writing it: a browser with axe-core, NeoMutt, Dovecot's own parser."""

from __future__ import annotations

import mailbox
import os
import re
import shutil

import pytest
from servers import absent

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.outbox.preview import Sample, all_samples

LANGUAGES = ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb")
CHROMIUM = "/usr/bin/chromium"
LEAVES = [
    "text/plain",
    "text/html",
    "text/calendar",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/pdf",
]

SHEETS = ["steckbrief-ar.pdf", "steckbrief-ar.docx", "steckbrief-de.pdf"]


@pytest.fixture(scope="module")
def pages(composer, now, parsed):
    """The HTML of each kind of mail in each language, by name."""
    samples = [sample for code in LANGUAGES for sample in all_samples([code])]
    return {sample.name: parsed(sample.compose(composer, now)).get_body(("html",)).get_content() for sample in samples}


@pytest.fixture(scope="module")
def browser():
    """One Chromium for all pages."""
    if shutil.which(CHROMIUM) is None:
        absent("Chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def complaints(browser, pages, *, scheme, width):
    """What axe-core finds, and pages that are wider than the screen: {name: [what]}."""
    from axe_playwright_python.sync_playwright import Axe

    found = {}
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    context.route("**/*", lambda route: route.abort())  # nothing may be needed from elsewhere
    page = context.new_page()
    page.evaluate(Axe().axe_script)  # stays while the contents change
    for name, html in pages.items():
        page.set_content(html)
        violations = page.evaluate("axe.run({resultTypes: ['violations']}).then(results => results.violations)")
        said = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in violations]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            said.append("wider than the screen")
        if said:
            found[name] = said
    context.close()
    return found


def test_every_mail_can_be_read_by_everybody_on_a_small_screen(browser, pages):
    assert complaints(browser, pages, scheme="light", width=320) == {}


def test_dark_mode_keeps_its_contrast(browser, pages):
    coloured = [f"{code}-{kind}" for code in ("ar", "de") for kind in ("yes", "no", "maybe", "question")]
    some = {name: pages[name] for name in coloured}
    assert complaints(browser, some, scheme="dark", width=800) == {}


def test_dark_mode_is_dark(browser, pages):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.set_content(pages["ar-yes"])
    for place in ("body", ".section", ".facts th", "h1"):
        red, green, blue = map(int, re.findall(r"\d+", page.eval_on_selector(
            place, "e => { while (getComputedStyle(e).backgroundColor == 'rgba(0, 0, 0, 0)') e = e.parentElement;"
            " return getComputedStyle(e).backgroundColor }"
        ))[:3])  # fmt: skip
        assert max(red, green, blue) < 90, place
    context.close()


def test_a_mail_from_the_right_is_drawn_from_the_right(browser, pages):
    context = browser.new_context(viewport={"width": 800, "height": 700})
    page = context.new_page()
    page.set_content(pages["ar-yes"])
    centre = "e => { const box = e.getBoundingClientRect(); return box.left + box.width / 2 }"
    cells = "td.section:has(h1)"
    arabic, german = page.query_selector_all(cells)
    assert arabic.query_selector("th").evaluate(centre) > arabic.query_selector("td").evaluate(centre)
    assert german.query_selector("th").evaluate(centre) < german.query_selector("td").evaluate(centre)
    assert page.eval_on_selector(".section p", "e => getComputedStyle(e).textAlign") == "right"
    # The German address within is not turned round: its number follows its street.
    context.close()


@pytest.fixture
def full_mail(composer, now):
    sample = Sample("confirmation", Answer(Attendance.YES, 3, "ar", arrival="17:45"))
    return sample.compose(composer, now).octets


def test_a_mail_server_sees_the_parts(account, full_mail):
    """Dovecot parses each message by itself to answer BODYSTRUCTURE."""
    account.append(full_mail)
    client = account.client()
    client.select("INBOX", readonly=True)
    structure = client.fetch("1", "(BODYSTRUCTURE)")[1][0].decode()
    client.logout()
    types = re.findall(r'\("(text|application)" "([\w.-]+)"', structure.lower())
    assert ["/".join(pair) for pair in types] == LEAVES
    assert structure.lower().count('"charset" "utf-8"') == 3
    assert '"METHOD" "PUBLISH"' in structure.upper()
    assert re.findall(r'"attachment" \("filename" "([^"]+)"', structure) == ["termin.ics", *SHEETS]
    assert re.findall(r'"(alternative|mixed)"', structure.lower()) == ["alternative", "mixed"]


def test_a_mail_program_shows_words_subject_and_attachments(tmp_path, full_mail):
    """NeoMutt, from its list over the message to its list of parts."""
    neomutt = shutil.which("neomutt")
    if neomutt is None:
        absent("NeoMutt is not installed (Debian: apt-get install neomutt)")
    import pexpect

    box = mailbox.mbox(tmp_path / "box")
    box.add(full_mail.replace(b"\r\n", b"\n"))
    box.close()
    (tmp_path / "Mail").mkdir()
    settings = "set charset=utf-8 sort=mailbox-order wait_key=no"
    child = pexpect.spawn(
        neomutt,
        ["-n", "-F", "/dev/null", "-R", "-f", str(tmp_path / "box"), "-e", settings],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "vt100", "LC_ALL": "C.UTF-8"},
        dimensions=(70, 150),
        encoding="utf-8",
        timeout=15,
    )
    try:
        child.expect("Jugendamt Essen")
        child.expect("تم تسجيلكم")
        child.send("\r")
        child.expect("Subject:.*1. Integrationskonferenz")
        child.expect("جوابكم")
        child.send("v")
        for shown in ("text/plain", "text/html", "termin.ics", "text/calendar", *SHEETS):
            child.expect_exact(shown)
        child.send("qx")
        child.expect([pexpect.EOF, "Quit"])
    finally:
        child.close(force=True)
