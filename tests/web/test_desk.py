"""The queue and the guest list as people use them, in a real browser: by keyboard, without scripts, two at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from bureau import Bureau, Time, make_bureau, office_without_servers, shared_lexicon
from chromium import overflow, violations
from pages import USERS, WEB, served
from playwright.sync_api import expect
from servers import free_port

import rsvp_mailer.app
from rsvp_mailer.domain import Attendance, Reason, Tag
from rsvp_mailer.review.decisions import AskBack
from rsvp_mailer.review.stated import Stated
from rsvp_mailer.review.web.sign_in import print_link
from rsvp_mailer.review.web.words import FOLDER, load_words
from rsvp_mailer.store.guest_list import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

REVIEW = FOLDER.parent.parent
GROUP = "Wir kommen gerne mit 20 Personen."
ANNA = "anna.berg@verein.example"
YES = Attendance.YES


@pytest.fixture
def bureau(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bureau]:
    """An office with its pages served."""
    monkeypatch.setattr(rsvp_mailer.app, "load_lexicon", shared_lexicon)
    office = office_without_servers(tmp_path, sqlite_url)
    office.tables["web"] = {**WEB, "port": free_port()}
    time = Time()
    with office.app(time) as app, served(app):  # type: ignore[arg-type]
        yield make_bureau(app, time)


@pytest.fixture
def visit(browser: Browser, bureau: Bureau) -> Iterator[Callable[..., Page]]:
    """A browser of its own, signed in with a role, on a page."""
    contexts = []

    def open_page(path: str = "/queue", role: str = "clerk", width: int = 1280, scripts: bool = True) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(print_link(bureau.app.office(), USERS[role]))
        page.locator("main button").click()
        page.goto(bureau.app.settings.web.site + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def guests(letters: str) -> list[dict[str, str]]:
    return [{"name": f"Gast {each}", "sender": f"gast.{each.lower()}@verein.example"} for each in letters]


def decided(bureau: Bureau) -> dict[str, tuple[str | None, int | None]]:
    return {person.split("@")[0]: answer for person, answer in bureau.present().items()}


def at_item(page: Page) -> int:
    found = re.search(r"/queue/(\d+)", page.url)
    assert found, page.url
    return int(found[1])


def press(page: Page, *keys: str) -> None:
    """Keys of which the last one leads to another page."""
    for key in keys[:-1]:
        page.keyboard.press(key)
    with page.expect_navigation():
        page.keyboard.press(keys[-1])


def test_ten_items_by_keyboard_alone_and_undo(bureau, visit):
    items = [bureau.held(GROUP, **who) for who in guests("ABCDEFGHIJ")]
    page = visit("/queue")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    press(page, "Enter")
    assert at_item(page) == items[0]
    press(page, "j")
    press(page, "k")
    assert at_item(page) == items[0]
    press(page, "Enter")  # 20, as suggested
    expect(page.locator(".done")).to_contain_text("Gast A: Zusage, 20 Personen gespeichert.")
    press(page, "1", "8", "Enter")
    press(page, "0", "Enter")
    for _ in range(4):
        press(page, "Enter")
    press(page, "3", "Enter")
    press(page, "u")  # the last one was a slip
    assert at_item(page) == items[7]
    press(page, "4", "Enter")
    press(page, "Enter")
    press(page, "Enter")
    expect(page.get_by_text("Es ist nichts zu prüfen.")).to_be_visible()
    answers = decided(bureau)
    assert {person: answers[person] for person in ("gast.a", "gast.b", "gast.c", "gast.h")} == {
        "gast.a": ("yes", 20),
        "gast.b": ("yes", 18),
        "gast.c": ("no", 0),
        "gast.h": ("yes", 4),
    }
    assert len(answers) == 10
    with bureau.app.store.reading() as tx:
        assert tx.sendings.states() == {"waiting": 10, "superseded": 1}


def test_keys_do_nothing_in_a_field_and_can_be_turned_off(bureau, visit):
    item = bureau.held(GROUP)
    page = visit(f"/queue/{item}")
    page.locator("#correct-persons").fill("")
    page.locator("#correct-persons").press("7")
    page.keyboard.press("u")
    expect(page.locator("#correct-persons")).to_have_value("7u")
    page.goto(bureau.app.settings.web.site + "/keys")
    page.get_by_role("button", name="Tasten ausschalten").click()
    page.goto(bureau.app.settings.web.site + f"/queue/{item}")
    page.keyboard.press("Enter")
    page.keyboard.press("9")
    expect(page.locator("#correct-persons")).to_have_value("20")
    assert bureau.present() == {}


def test_the_help_is_a_key_away(bureau, visit):
    page = visit(f"/queue/{bureau.held(GROUP)}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("nächste Nachricht")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_two_people_at_one_item(bureau, visit):
    item = bureau.held(GROUP)
    karl = visit(f"/queue/{item}")
    ada = visit(f"/queue/{item}", role="administrator")
    expect(ada.locator(".caution")).to_contain_text("Clerk Beispiel sieht sich das gerade an.")
    karl.locator("#accept .great").click()
    ada.locator("#correct-persons").fill("7")
    ada.locator("#correct-note").evaluate("each => { each.closest('details').open = true }")
    ada.locator("#correct-note").fill("lange Notiz")
    ada.get_by_role("button", name="Speichern und bestätigen").click()
    alarm = ada.get_by_role("alert")
    expect(alarm).to_contain_text("Jemand war schneller.")
    expect(alarm).to_contain_text("Clerk Beispiel")
    expect(alarm).to_contain_text("Zusage, 20 Personen gespeichert.")
    expect(ada.locator(".decide")).to_contain_text("lange Notiz")
    assert bureau.present() == {ANNA: ("yes", 20)}
    ada.get_by_role("button", name="Rückgängig").click()
    expect(ada.locator("#accept .great")).to_contain_text("Zusage für 20 Personen bestätigen")


def test_a_stale_page_keeps_what_was_typed_and_can_be_sent_again(bureau, visit):
    item = bureau.held(GROUP)
    page = visit(f"/queue/{item}")
    bureau.mail("Korrektur: wir kommen doch nur zu zweit.")
    page.locator("#correct-persons").fill("7")
    page.get_by_role("button", name="Speichern und bestätigen").click()
    expect(page.get_by_role("alert")).to_contain_text("seit Sie die Seite geöffnet haben")
    expect(page.locator("#correct-persons")).to_have_value("7")
    expect(page.locator(".trail")).to_contain_text("Zusage, 2 Personen")
    assert bureau.present() == {ANNA: ("yes", 2)}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("viele", "in Ziffern"),
        ("0", "zwischen 1 und 500"),
        ("9999", "zwischen 1 und 500"),
        ("", "Wie viele kommen insgesamt?"),
    ],
)
def test_wrong_numbers_are_told_beside_the_field_and_nothing_is_lost(bureau, visit, typed, told):
    page = visit(f"/queue/{bureau.held(GROUP)}", scripts=False)
    page.locator("#correct-persons").fill(typed)
    page.locator("#correct summary").click()
    page.locator("#correct-name").fill("Anna B.")
    page.locator("#correct-people").fill("Ali Berg\nEva Berg")
    page.locator("#correct").get_by_label("Arabisch").check()
    page.get_by_role("button", name="Speichern und bestätigen").click()
    expect(page.locator("#fault-persons")).to_contain_text(told)
    expect(page.locator("#correct-persons")).to_have_value(typed)
    expect(page.locator("#correct-people")).to_have_value("Ali Berg\nEva Berg")
    expect(page.locator("#correct-name")).to_have_value("Anna B.")
    expect(page.locator("#correct").get_by_label("Arabisch")).to_be_checked()
    assert bureau.present() == {}
    page.locator("#correct-persons").fill("12")
    page.get_by_role("button", name="Speichern und bestätigen").click()
    expect(page.locator(".done")).to_contain_text("Zusage, 12 Personen gespeichert.")


def test_everything_works_without_scripts(bureau, visit):
    first, second, third, fourth = [bureau.held(GROUP, **who) for who in guests("ABCD")]
    bureau.mail("Wir kommen zu viert.", name="Anna Berg")
    page = visit("/queue", scripts=False)
    page.get_by_role("link", name="Gast A").click()
    page.locator("#accept").get_by_role("button", name="Vorschau").click()
    expect(page.locator("#preview")).to_contain_text("gast.a@verein.example")
    expect(page.locator("#correct-persons")).to_have_value("20")
    assert len(bureau.present()) == 1
    page.locator("summary", has_text="Keine Antwort").click()
    page.get_by_role("button", name="Ablegen").click()
    assert at_item(page) == second
    page.locator("summary", has_text="Zurückfragen").click()
    expect(page.locator("#ask-text")).to_have_value(re.compile("^Guten Tag Gast B,"))
    page.locator("#ask-text").fill("Wie viele sind es?")
    page.get_by_role("button", name="Rückfrage senden").click()
    assert at_item(page) == third
    page.locator("summary", has_text="Gehört zu").click()
    page.locator("#merge-group").fill("berg")
    page.get_by_role("button", name="Suchen").click()
    page.locator("#merge").get_by_label("Anna Berg").check()
    page.get_by_role("button", name="Zusammenlegen").click()
    assert at_item(page) == fourth
    page.locator("summary", has_text="Enthält mehrere").click()
    for line, persons in ((1, "3"), (2, "5")):
        page.locator(f"#name-{line}").fill(f"Verein {line}")
        page.locator(f"#persons-{line}").fill(persons)
    page.get_by_role("button", name="Aufteilen und bestätigen").click()
    expect(page.locator(".done")).to_contain_text("In mehrere Antworten aufgeteilt.")
    assert bureau.certain() == 4 + 3 + 5
    page.locator(".done").get_by_role("button", name="Rückgängig").click()
    assert bureau.certain() == 4
    assert first != second


def test_a_split_with_a_fault_keeps_all_lines(bureau, visit):
    page = visit(f"/queue/{bureau.held(GROUP)}", scripts=False)
    page.locator("summary", has_text="Enthält mehrere").click()
    page.locator("#name-1").fill("Verein A")
    page.locator("#persons-1").fill("drei")
    page.locator("#name-2").fill("Verein B")
    page.get_by_role("button", name="Aufteilen und bestätigen").click()
    expect(page.get_by_role("alert")).to_contain_text("in Ziffern")
    expect(page.locator("#persons-1")).to_have_value("drei")
    expect(page.locator("#name-2")).to_have_value("Verein B")


def test_answered_by_hand_sends_nothing(bureau, visit):
    page = visit(f"/queue/{bureau.held(GROUP)}")
    page.get_by_role("button", name="Ich habe schon selbst geantwortet").click()
    expect(page.locator(".done")).to_contain_text("nichts gesendet")
    with bureau.app.store.reading() as tx:
        assert tx.sendings.states() == {}


def test_an_answer_by_telephone_in_the_browser(bureau, visit):
    page = visit("/guests")
    page.get_by_role("link", name="Antwort eintragen").click()
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("alert")).to_contain_text("Zusage, Absage oder Vielleicht")
    page.get_by_label("Zusage").check()
    page.get_by_label("Personen insgesamt").fill("3")
    page.locator("#entry-name").fill("Jörg Müller")
    page.locator("#entry-address").fill("joerg@verein")
    page.get_by_role("button", name="Speichern").click()
    expect(page.locator("#fault-address")).to_be_visible()
    page.locator("#entry-address").fill("joerg@verein.example")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("status").first).to_contain_text("Eine Bestätigung geht hinaus.")
    expect(page.locator(".trail")).to_contain_text("Clerk Beispiel: Zusage, 3 Personen am Telefon aufgenommen.")
    page.locator(".trail").get_by_role("button", name="Rückgängig").click()
    expect(page.locator(".trail")).to_contain_text("zurückgenommen")
    assert bureau.certain() == 0


def test_search_filters_and_a_change(bureau, visit):
    for name in ("Jörg Müller", "Eva Dorn"):
        bureau.book.enter("Karl", Stated(YES, 2, name=name), channel="telephone")
    page = visit("/guests")
    page.get_by_label("Suchen").fill("muell")
    page.get_by_role("button", name="Zeigen").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Jörg Müller").click()
    page.get_by_label("Personen insgesamt").fill("5")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("status").first).to_contain_text("Es geht keine E-Mail hinaus.")
    assert bureau.certain() == 7


def test_possible_doubles_are_settled_by_a_click(bureau, visit):
    bureau.mail("Wir kommen zu dritt.")
    bureau.mail("Wir kommen zu dritt.", sender="anna@privat.example", name="Berg Anna")
    page = visit("/guests/twins")
    page.get_by_role("button", name="Dieselbe Gruppe").first.click()
    expect(page.locator(".what")).to_contain_text("Zählt mit bei")
    assert bureau.certain() == 3


def test_keeping_apart_is_undone_too(bureau, visit):
    bureau.mail("Wir kommen zu dritt.")
    bureau.mail("Wir kommen zu dritt.", sender="anna@privat.example", name="Berg Anna")
    page = visit("/guests/twins")
    page.get_by_role("button", name="beide zählen").click()
    expect(page.get_by_role("status")).to_contain_text("Anna Berg und Berg Anna sind verschieden")
    assert bureau.book.twins() == []
    page.get_by_role("button", name="Rückgängig").click()
    assert len(bureau.book.twins()) == 1
    assert bureau.certain() == 6


HOSTILE = """<html><head><style>body{background:url(https://evil.example/a)}</style></head><body onload="x()">
<script>document.title='hacked'</script><img src="https://evil.example/pixel.png"><a href="https://evil.example">Link</a>
<iframe src="https://evil.example"></iframe><p style="position:fixed">Wir kommen mit 20 Personen.</p></body></html>"""


def test_a_hostile_mail_is_shown_and_loads_nothing(bureau, visit):
    from email import policy
    from email.message import EmailMessage

    from office import INVITATION_ID

    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = '"<script>alert(1)</script>" <anna.berg@verein.example>'
    mail["Subject"] = "Re: <img src=x onerror=alert(1)>"
    mail["Message-ID"], mail["In-Reply-To"] = "<hostile@verein.example>", INVITATION_ID
    mail.set_content(HOSTILE, subtype="html")
    mail.add_attachment(b"x" * 2048, maintype="application", subtype="pdf", filename='"><script>alert(1)</script>.pdf')
    item = bureau.take(bytes(mail))
    page = visit("/queue")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(bureau.app.settings.web.site + f"/queue/{item}?mail=1")
    expect(page.locator("#mail")).to_contain_text("Wir kommen mit 20 Personen.")
    expect(page.locator("#mail")).to_contain_text("<script>alert(1)</script>.pdf")
    expect(page.locator("#mail")).to_contain_text("2 KB")
    assert page.locator("main img, main iframe, main [style], main [onload], main .foreign a").count() == 0
    assert all(url.startswith(bureau.app.settings.web.site) for url in asked)
    assert page.title().startswith("<script>")


def test_who_may_only_look_finds_nothing_to_press(bureau, visit):
    item = bureau.held(GROUP)
    page = visit(f"/queue/{item}", role="viewer")
    expect(page.locator(".decide")).to_contain_text("aber nicht entscheiden")
    assert page.locator("main button").count() == 0
    assert bureau.queue.item(item).item.claimed_by is None


@pytest.fixture
def busy(bureau: Bureau) -> dict[str, str]:
    """Paths of all pages, with something on each."""
    bureau.mail("Wir kommen zu viert und brauchen einen Dolmetscher für Arabisch.")
    bureau.mail("Wir kommen zu viert.", sender="anna@privat.example", name="Berg Anna")
    held = [bureau.held(GROUP, **who) for who in guests("ABCDE")]
    unclear = bureau.held(
        "Danke für die Einladung! Dürfen wir etwas mitbringen?", name="Elif Kaya", sender="e@k.example"
    )
    bureau.queue.decide(held[4], AskBack("Wie viele sind es?"), "Karl")
    bureau.queue.accept(held[3], "Karl")
    (guest, *_) = bureau.book.page(Wanted(), limit=1).guests
    return {
        "queue": f"/queue?done={held[3]}",
        "item": f"/queue/{held[0]}?mail=1&done={held[3]}",
        "unclear": f"/queue/{unclear}",
        "decided": f"/queue/{held[3]}",
        "asked": f"/queue/{held[4]}",
        "guests": "/guests",
        "person": f"/guests/{guest.id}?group=gast",
        "entry": "/guests/new",
        "twins": "/guests/twins",
        "keys": "/keys",
    }


@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_is_accessible_and_fits(bureau, visit, busy, width):
    page = visit("/queue", width=width)
    for name, path in busy.items():
        page.goto(bureau.app.settings.web.site + path)
        for summary in page.locator("main details > summary").all():
            summary.click()
        assert violations(page) == [], name
        assert overflow(page) == 0, name


def test_every_page_speaks_english_too(bureau, visit, busy):
    page = visit("/queue")
    page.get_by_role("button", name="English").click()
    for name, path in busy.items():
        response = page.goto(bureau.app.settings.web.site + path)
        assert response is not None
        assert response.status == 200, name
        texts = " ".join(page.locator("nav, h2, button, label, summary").all_inner_texts())
        assert not re.search(r"\b(?:und|oder|Absage|Zusage|Personen|Rückgängig|Zur)\b", texts), (name, texts)


def test_everything_that_can_be_shown_has_words():
    words = load_words("de")
    codes = set()
    for path in ("stated.py", "decisions.py", "queue.py", "guests.py", "web/typed.py", "web/queue_pages.py"):
        codes |= set(re.findall(r'code="(\w+)"', (REVIEW / path).read_text("utf-8")))
    codes -= {"unknown_item", "unknown_guest", "decided_already", "changed_meanwhile"}  # pages of their own
    wanted = {f"faults.{code}" for code in codes}
    wanted |= {f"reasons.{reason}" for reason in Reason} | {f"topics.{reason}" for reason in Reason}
    wanted |= {f"answers.tag.{tag}" for tag in Tag}
    assert {key for key in wanted if not words.knows(key)} == set()
