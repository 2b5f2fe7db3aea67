"""What the pages let nobody do: every route is walked, so that a page added tomorrow is tested tomorrow."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from office import reply
from pages import USERS, Browser, Site, serve
from sqlalchemy import select
from structlog.testing import capture_logs

from rsvp_mailer.review.web.routes import PAGES
from rsvp_mailer.review.web.site import MAX_BODY_BYTES
from rsvp_mailer.review.web.visit import Role
from rsvp_mailer.store import engine
from rsvp_mailer.store.tables import metadata, review, web_session

if TYPE_CHECKING:
    from office import Office

    from rsvp_mailer.app import App

OPEN = {
    ("/sign-in", "GET"),
    ("/sign-in", "POST"),
    ("/sign-in/sent", "GET"),
    ("/sign-in/{token:str}", "GET"),
    ("/sign-in/{token:str}", "POST"),
    ("/language", "POST"),
    ("/static/{name:str}", "GET"),
    ("/health", "GET"),
}
GUARDED = [page for page in PAGES if page.role > Role.ANYBODY]


def filled(path: str, number: int = 1) -> str:
    """A route's path with something in its places."""
    return re.sub(r"{\w+:int}", str(number), re.sub(r"{\w+(:str|:path)?}", "x", path))


def contents(app: App) -> dict[str, list[tuple[object, ...]]]:
    """The whole database, but for when a session was last used."""
    with app.store.reading() as tx:
        return {
            name: sorted(map(repr, tx.connection.execute(select(table))))
            for name, table in metadata.tables.items()
            if table is not web_session
        }


def ask(browser: Browser, path: str, method: str, **headers: str) -> object:
    return browser.request(method, path, headers={"origin": browser.origin, **headers} if method == "POST" else headers)


# --- roles ---------------------------------------------------------------------------------------------------------


def test_only_these_pages_are_open_to_anybody():
    assert {(page.path, page.method) for page in PAGES if page.role is Role.ANYBODY} == OPEN


def test_no_page_changes_anything_by_being_looked_at_unless_it_is_a_form_target():
    assert {page.method for page in PAGES} == {"GET", "POST"}


def test_without_signing_in_every_page_leads_to_the_door_and_every_form_is_refused(site: Site):
    browser, before = site.browser(), contents(site.app)
    for page in GUARDED:
        answer = ask(browser, filled(page.path), page.method)
        if page.method == "GET":
            assert (answer.status_code, answer.headers["location"][:8]) == (303, "/sign-in"), page.path
        else:
            assert answer.status_code == 401, page.path
    assert contents(site.app) == before


@pytest.mark.parametrize("role", ["viewer", "clerk"])
def test_a_lower_role_is_refused_everywhere_before_the_view_runs(site: Site, role: str):
    browser = site.browser(role)
    token, before = browser.token("/"), contents(site.app)
    for page in GUARDED:
        if page.role > Role[role.upper()]:
            data = {"csrf_token": token} if page.method == "POST" else None
            answer = browser.request(page.method, filled(page.path), data=data, headers={"origin": browser.origin})
            assert answer.status_code == 403, page.path
            assert "Das dürfen Sie hier nicht" in answer.text, page.path
    assert contents(site.app) == before


def test_looking_at_every_page_changes_nothing(site: Site):
    browser = site.browser("administrator")
    before = contents(site.app)
    for page in PAGES:
        if page.method == "GET":
            assert browser.get(filled(page.path)).status_code in {200, 303, 400, 404, 409, 410}, page.path
            assert browser.head(filled(page.path)).status_code in {200, 303, 400, 404, 409, 410}, page.path
    assert contents(site.app) == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(site: Site, method: str):
    assert site.browser("administrator").request(method, "/").status_code == 405


# --- forms of other sites ------------------------------------------------------------------------------------------

FORGED = {
    "no token": ({}, {}),
    "an empty token": ({"csrf_token": ""}, {}),
    "somebody else's token": ({"csrf_token": "f" * 64}, {}),
    "a token that is no text": ({"csrf_token": "\udcff".encode("utf-8", "surrogateescape")}, {}),
    "another origin": (None, {"origin": "https://evil.example"}),
    "an opaque origin": (None, {"origin": "null"}),
    "our name in another scheme": (None, {"origin": "https://127.0.0.1"}),
    "what the browser says": (None, {"sec-fetch-site": "cross-site"}),
    "a neighbour's site": (None, {"sec-fetch-site": "same-site"}),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_form_that_is_not_ours_changes_nothing(site: Site, how: str):
    """Every form target of the table, by the one who may do all."""
    browser = site.browser("administrator")
    data, headers = FORGED[how]
    if data is None:
        data = {"csrf_token": browser.token("/")}
    before = contents(site.app)
    for page in PAGES:
        if page.method == "POST":
            answer = browser.post(filled(page.path), data=data, headers=headers)
            assert answer.status_code == 403, page.path
    assert contents(site.app) == before
    assert browser.get("/").status_code == 200  # and nobody was signed out


def test_a_token_is_its_sessions_own(site: Site):
    one, other = site.browser("administrator"), site.browser("administrator")
    token = one.token("/")
    answer = other.post("/sign-out", data={"csrf_token": token}, headers={"origin": other.origin})
    assert answer.status_code == 403
    assert other.get("/").status_code == 200


# --- what every answer carries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nirgends", "/sign-in/0", "/static/pages.css", "/health"])
def test_every_answer_carries_the_same_armour(site: Site, path: str):
    for headers in ({}, {"host": "evil.example"}):
        answer = site.browser().get(path, headers=headers)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "*" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "server" not in answer.headers
    if not path.startswith("/static"):
        assert site.browser().get(path).headers["cache-control"] == "no-store"


# --- too much, and nonsense ----------------------------------------------------------------------------------------


def test_an_oversized_form_is_refused_announced_or_not(site: Site):
    browser = site.browser()
    data = b"address=" + b"x" * MAX_BODY_BYTES
    form = {"content-type": "application/x-www-form-urlencoded", "origin": browser.origin}
    announced = browser.post("/sign-in", content=data, headers=form)
    chunked = browser.post("/sign-in", content=iter([data[: len(data) // 2]] * 3), headers=form)
    for answer in (announced, chunked):
        assert answer.status_code == 413
        assert "Mehr als ein Megabyte" in answer.text


FILE = b'--x\r\nContent-Disposition: form-data; name="address"; filename="../../x"\r\n\r\nabc\r\n--x--\r\n'
NONSENSE = {
    "no boundary in the body": ("multipart/form-data; boundary=x", b"no boundary at all"),
    "no boundary in the header": ("multipart/form-data", b"--x"),
    "json": ("application/json", b'{"address": "a@b.example"}'),
    "text": ("text/plain", b"address=a@b.example"),
    "no utf-8": ("application/x-www-form-urlencoded", b"\xff\xfe=%zz&&&=&a"),
    "a file for an address": ("multipart/form-data; boundary=x", FILE),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_a_page_and_no_crash(site: Site, what: str):
    browser, (content_type, body) = site.browser(), NONSENSE[what]
    answer = browser.post("/sign-in", content=body, headers={"content-type": content_type, "origin": browser.origin})
    assert answer.status_code in {400, 403}
    assert '<html lang="de">' in answer.text


@pytest.mark.parametrize("cookie", ["", "x", "ä" * 50, "0" * 64, "'; drop table mail; --", "a" * 3000])
def test_nonsense_in_a_cookie_is_nobody(site: Site, cookie: str):
    answer = site.browser().get("/", headers={"cookie": f"rsvp-session={cookie}".encode()})
    assert answer.headers["location"] == "/sign-in"


def test_a_notice_says_nothing_but_our_own_lines(site: Site):
    browser = site.browser("viewer")
    assert "evil" not in browser.get("/?notice=evil%20words").text
    assert "Sie sind abgemeldet." in browser.get("/?notice=signed_out").text


# --- what invitees write -------------------------------------------------------------------------------------------

NASTY = '<script>alert("xss")</script><img src=x onerror=alert(1)>'


def test_nothing_that_an_invitee_writes_becomes_markup(web_office: Office):
    """Name, subject, words, HTML part and file names of real mails, on every page that there is."""
    html = f"<p>Wir kommen zu zweit.</p>{NASTY}<svg onload=alert(2)><style>body{{display:none}}</style>"
    for number, words in enumerate(
        ("Wir kommen zu zweit.", f"Wann geht es los? {NASTY}", f"Wir kommen mit 5-6. {NASTY}")
    ):
        web_office.account.append(
            reply(words, name=NASTY.replace('"', ""), sender=f"x{number}@verein.example", subject=f"Re: {NASTY}")
        )
    web_office.account.append(with_html_and_file(html, f"{NASTY}.pdf"))
    with web_office.app() as app, serve(app) as site:
        from rsvp_mailer import operate

        with operate.connected(app) as inbox:
            app.poller(app.clock.now().replace(year=2000)).poll(inbox)
        with app.store.reading() as tx:
            items = tx.connection.execute(select(review.c.id)).scalars().all()
        assert items
        browser = site.browser("administrator")
        seen = 0
        for page in PAGES:
            if page.method != "GET":
                continue
            for number in range(1, 6) if ":int}" in page.path else (1,):
                text = browser.get(filled(page.path, number)).text.lower()
                assert "<script>alert" not in text, page.path
                assert "<img src=x" not in text, page.path
                assert "<svg onload" not in text, page.path
                assert "onerror=alert(1)>" not in text.replace("&gt;", ""), page.path
                seen += "alert(" in text
        assert seen >= 5, "it stands, harmless, on the pages of the queue, the guests and the mails"


def with_html_and_file(html: str, name: str) -> bytes:
    from email import message_from_bytes, policy

    mail = message_from_bytes(reply("Wir kommen zu zweit.", sender="html@verein.example"), policy=policy.SMTP)
    mail.add_alternative(html, subtype="html")
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename=name)
    return bytes(mail)


# --- when something is away ----------------------------------------------------------------------------------------


def test_with_the_database_locked_nothing_typed_is_lost(web_office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engine, "LOCK_TIMEOUT_S", 0.2)
    with web_office.app() as app, serve(app) as site:
        browser = site.browser()
        token = browser.token()
        with closing(sqlite3.connect(database(web_office), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = browser.post("/sign-in", data={"csrf_token": token, "address": USERS["clerk"], "next": '/"<x>'})
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "30"
        assert "Die Datenbank ist gerade nicht erreichbar" in answer.text
        assert f'name="address" value="{USERS["clerk"]}"' in answer.text
        assert 'name="next" value="/&#34;&lt;x&gt;"' in answer.text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text.split("<footer")[0]))
        assert browser.post("/sign-in", data=fields).headers["location"] == "/sign-in/sent"


def test_with_the_database_gone_every_page_says_what_to_do_and_comes_back(web_office: Office):
    with web_office.app() as app, serve(app) as site:
        browser = site.browser("administrator")
        file = Path(database(web_office))
        app.store.close()
        aside = file.with_suffix(".aside")
        file.rename(aside)
        file.mkdir()
        try:
            for path in ("/", "/sessions", "/health"):
                answer = browser.get(path)
                assert answer.status_code == 503, path
                assert "Die Datenbank ist gerade nicht erreichbar" in answer.text
            assert browser.get("/static/pages.css").status_code == 200  # the page about it has its looks
        finally:
            file.rmdir()
            aside.rename(file)
        assert browser.get("/").status_code == 200


def database(office: Office) -> str:
    return office.database_url.removeprefix("sqlite:///")


def test_signed_out_while_typing_loses_nothing(site: Site):
    """The page holds what was typed; after signing in elsewhere, two clicks send it."""
    browser = site.browser("clerk")
    token = browser.token("/")
    with site.app.store.reading() as tx:
        session = tx.connection.execute(select(web_session.c.id)).scalar_one()
    with site.app.store.writing() as tx:
        tx.doors.end_session(session, site.app.clock.now())
    typed = {"csrf_token": token, "remark": "Drei Zeilen\nmit <Sorgfalt>\ngetippt"}
    answer = browser.post("/sign-out", data=typed, headers={"origin": browser.origin})
    assert answer.status_code == 401
    assert "Ihre Eingabe ist nicht verloren" in answer.text
    assert "Drei Zeilen\nmit &lt;Sorgfalt&gt;\ngetippt" in answer.text
    browser.sign_in(site.app, "clerk")
    stale = browser.post("/sign-out", data=typed, headers={"origin": browser.origin})
    assert stale.status_code == 403
    assert "Die Seite war zu alt" in stale.text
    fresh = re.search(r'name="csrf_token" value="(\w+)"', stale.text.split("<main")[1])
    assert fresh
    sent = browser.post("/sign-out", data={**typed, "csrf_token": fresh[1]}, headers={"origin": browser.origin})
    assert sent.status_code == 303


def test_what_fails_inside_is_a_page_that_quotes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch):
    def broken(self: object) -> None:
        del self
        message = "kanarienvogel-4711"
        raise RuntimeError(message)

    browser = site.browser("viewer")
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(type(site.app.store), "reading", broken)
        answer = browser.get("/sessions")
    assert answer.status_code == 500
    assert "Es liegt nicht an Ihnen" in answer.text
    assert "kanarienvogel" not in answer.text
    assert "Traceback" not in answer.text
    assert [(line["event"], line["route"]) for line in lines] == [("page failed", "/sessions")]
