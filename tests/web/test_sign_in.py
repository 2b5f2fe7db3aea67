"""The door: who gets in, by which link, for how long - and who does not."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from pages import USERS, Browser, Site, serve
from sqlalchemy import select, update

from rsvp_mailer.clock import Clock
from rsvp_mailer.review.web import sign_in
from rsvp_mailer.store.doors import sha256
from rsvp_mailer.store.tables import attempt, outgoing, sign_in_link, web_session

if TYPE_CHECKING:
    from office import Office


def mailed(site: Site) -> list[str]:
    """Paths of the links in the sign-in mails so far."""
    with site.app.store.reading() as tx:
        heads = tx.connection.execute(
            select(outgoing.c.head).where(outgoing.c.kind == "sign_in").order_by(outgoing.c.id)
        )
        texts = [re.sub(rb"=\r\n", b"", head).decode() for (head,) in heads]
    return [urlsplit(re.search(r"http://[\d.:]+/sign-in/\w+", text)[0]).path for text in texts]


def ask(browser: Browser, address: str = USERS["clerk"], **fields: str) -> int:
    return browser.submit("/sign-in", address=address, **fields).status_code


# --- the way in ----------------------------------------------------------------------------------------------------


def test_a_mailed_link_opens_a_button_and_the_button_the_door(site: Site):
    browser = site.browser()
    assert browser.get("/").headers["location"] == "/sign-in"
    assert ask(browser, " Karl@Office.Example ") == 303
    (link,) = mailed(site)
    for _ in range(3):  # a mail scanner opens it, the reader opens it twice: nothing is used up
        assert "Jetzt anmelden" in browser.get(link).text
    assert browser.get("/").status_code == 303
    assert browser.submit(link, on=link).headers["location"] == "/"
    page = browser.get("/")
    assert page.status_code == 200
    assert "Clerk Beispiel" in page.text


def test_the_link_leads_back_to_the_page_that_was_wanted(site: Site):
    browser = site.browser()
    wanted = browser.get("/sessions?x=1").headers["location"]
    assert wanted == "/sign-in?next=%2Fsessions%3Fx%3D1"
    assert 'name="next" value="/sessions?x=1"' in browser.get(wanted).text
    ask(browser, next="/sessions?x=1")
    (link,) = mailed(site)
    assert browser.submit(link, on=link).headers["location"] == "/sessions?x=1"


ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\/evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "/%0d%0aSet-Cookie:%20a=b",
    "/x\r\nSet-Cookie: a=b",
    "evil.example",
    "/" + "x" * 400,
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_no_link_leads_elsewhere(path: str):
    """The one that only looks dangerous stays a path of ours, its escapes untouched."""
    assert sign_in._own(path) == ("/%0d%0aSet-Cookie:%20a=b" if path.startswith("/%") else "/")


def test_neither_sign_in_nor_language_redirects_elsewhere(site: Site):
    browser = site.browser()
    ask(browser, next="//evil.example/")
    (link,) = mailed(site)
    assert browser.submit(link, on=link).headers["location"] == "/"
    assert browser.submit("/language", on="/", language="en", back="https://evil.example/").headers["location"] == "/"


# --- links that are no good ----------------------------------------------------------------------------------------


def test_a_link_is_good_once(site: Site):
    browser, other = site.browser(), site.browser()
    ask(browser)
    (link,) = mailed(site)
    token = browser.token(link)
    assert browser.submit(link, on=link).status_code == 303
    assert browser.get(link).status_code == 410
    assert browser.submit(link, on="/").status_code == 410
    again = other.post(link, data={"csrf_token": token}, headers={"origin": other.origin})
    assert again.status_code == 403
    assert "session" not in str(dict(other.cookies))


def test_a_link_is_good_in_the_browser_that_asked_for_it_alone(site: Site):
    """Whoever reads the mail on the way cannot use it; the owner still can."""
    browser, thief = site.browser(), site.browser()
    ask(browser)
    (link,) = mailed(site)
    page = thief.get(link)
    assert page.status_code == 403
    assert "gehört zu einem anderen Browser" in page.text
    assert thief.submit(link).status_code == 410
    assert thief.get("/").status_code == 303
    assert browser.submit(link, on=link).headers["location"] == "/"


def test_a_link_is_good_for_fifteen_minutes(site: Site):
    browser = site.browser()
    ask(browser)
    (link,) = mailed(site)
    with site.app.store.writing() as tx:
        soon = site.app.clock.now() + timedelta(seconds=1)
        stored = tx.connection.execute(select(sign_in_link.c.created_at, sign_in_link.c.expires_at)).one()
        assert stored.expires_at - stored.created_at == timedelta(minutes=15)
        tx.connection.execute(update(sign_in_link).values(expires_at=soon))
    token = browser.token(link)
    time.sleep(1.1)
    assert browser.get(link).status_code == 410
    assert browser.post(link, data={"csrf_token": token}, headers={"origin": browser.origin}).status_code == 410


def test_a_newer_link_ends_the_older_one(site: Site):
    browser = site.browser()
    ask(browser)
    ask(browser)
    first, second = mailed(site)
    assert browser.get(first).status_code == 410
    assert browser.get(second).status_code == 200


def test_an_invented_link_says_what_to_do(site: Site):
    page = site.browser().get("/sign-in/" + "0" * 32)
    assert page.status_code == 410
    assert "Neuen Link anfordern" in page.text


def test_tokens_are_stored_as_hashes_alone(site: Site):
    """A copy of the database opens no door: a link that was mailed needs the browser, a session is not to be had."""
    browser = site.browser()
    ask(browser)
    (link,) = mailed(site)
    browser.submit(link, on=link)
    secrets = [link.rsplit("/", maxsplit=1)[1], *browser.cookies.values()]
    with site.app.store.reading() as tx:
        kept = [
            str(value)
            for table in (sign_in_link, web_session, attempt)
            for row in tx.connection.execute(select(table))
            for value in row
        ]
    assert sha256(secrets[0]) in kept
    for secret in secrets:
        assert all(secret not in value for value in kept)


# --- sessions ------------------------------------------------------------------------------------------------------


def test_signing_in_always_makes_a_new_session(site: Site):
    """Fixation: whatever cookie somebody planted before, it is not the one that opens the door."""
    browser = site.browser()
    planted = "1" * 64
    browser.cookies.set("rsvp-session", planted, domain="127.0.0.1")
    browser.cookies.set("rsvp-visitor", "2" * 64, domain="127.0.0.1")
    ask(browser)
    (link,) = mailed(site)
    browser.submit(link, on=link)
    assert planted not in browser.cookies.values()
    attacker = site.browser()
    attacker.cookies.set("rsvp-session", planted, domain="127.0.0.1")
    assert attacker.get("/").status_code == 303
    attacker.cookies.set("rsvp-session", "2" * 64, domain="127.0.0.1")
    assert attacker.get("/").status_code == 303


def test_signing_out_ends_the_session_itself(site: Site):
    browser = site.browser("clerk")
    kept = dict(browser.cookies)["rsvp-session"]
    assert browser.submit("/sign-out", on="/").headers["location"] == "/sign-in?notice=signed_out"
    thief = site.browser()
    thief.cookies.set("rsvp-session", kept, domain="127.0.0.1")
    assert thief.get("/").status_code == 303


def test_sessions_are_listed_and_ended_by_their_owner_and_by_administrators(site: Site):
    clerk, elsewhere, viewer = site.browser("clerk"), site.browser("clerk"), site.browser("viewer")
    listed = clerk.get("/sessions").text
    assert listed.count("/end") == 2
    assert "vera@office.example" not in listed
    assert "Firefox, Linux" in listed
    with site.app.store.reading() as tx:
        ids = {row.address: row.id for row in tx.connection.execute(select(web_session).order_by(web_session.c.id))}
        first = tx.connection.execute(select(web_session.c.id).order_by(web_session.c.id)).scalars().first()
    assert clerk.submit(f"/sessions/{ids[USERS['viewer']]}/end", on="/sessions").status_code == 404
    assert viewer.get("/").status_code == 200
    assert elsewhere.submit(f"/sessions/{first}/end", on="/sessions").status_code == 303
    assert clerk.get("/").status_code == 303
    administrator = site.browser("administrator")
    assert "vera@office.example" in administrator.get("/sessions").text
    administrator.submit(f"/sessions/{ids[USERS['viewer']]}/end", on="/sessions")
    assert viewer.get("/").status_code == 303


def test_a_session_ends_unused_and_after_seven_days_anyway(site: Site):
    browser = site.browser("clerk")
    now = site.app.clock.now()
    for created, seen, status in (
        (timedelta(days=6), timedelta(hours=11), 200),
        (timedelta(days=1), timedelta(hours=13), 303),
        (timedelta(days=7, minutes=1), timedelta(0), 303),
    ):
        with site.app.store.writing() as tx:
            tx.connection.execute(update(web_session).values(created_at=now - created, seen_at=now - seen))
        assert browser.get("/").status_code == status, (created, seen)


def test_who_is_taken_out_of_the_settings_is_out_at_once(web_office: Office):
    with web_office.app() as app, serve(app) as site:
        browser = site.browser("clerk")
        cookies = dict(browser.cookies)
    web_office.tables["web"]["users"] = [web_office.tables["web"]["users"][0]]
    with web_office.app() as app, serve(app) as site:
        later = site.browser()
        later.cookies.update(cookies)
        assert later.get("/").status_code == 303


@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_out_of_reach_of_scripts_and_bound_to_the_host_behind_tls(web_office: Office, secure: bool):
    if secure:
        web_office.tables["web"]["base_url"] = "https://rsvp.office.example"
    with web_office.app() as app, serve(app) as site:
        browser = site.browser()
        headers = {"host": "rsvp.office.example"} if secure else {}
        page = browser.get("/sign-in", headers=headers)
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert ("Secure" in cookie) is secure
    assert cookie.startswith("__Host-rsvp-visitor=" if secure else "rsvp-visitor=")
    assert ("strict-transport-security" in page.headers) is secure


# --- who is known, and how often one may try -----------------------------------------------------------------------


def test_a_known_and_an_unknown_address_get_the_same_answer_in_the_same_time(site: Site):
    answers, times = [], {True: [], False: []}
    for known in (True, False) * 2:
        browser = site.browser()
        token = browser.token()
        began = time.monotonic()
        address = USERS["viewer"] if known else "niemand@office.example"
        response = browser.post("/sign-in", data={"csrf_token": token, "address": address, "next": "/"})
        times[known].append(time.monotonic() - began)
        answers.append((response.status_code, response.headers["location"], browser.get("/sign-in/sent").text))
    first = re.sub(r'value="\w{64}"', "", answers[0][2])
    assert all(each[:2] == answers[0][:2] and re.sub(r'value="\w{64}"', "", each[2]) == first for each in answers)
    assert len(mailed(site)) == 2
    assert min(times[True]) >= sign_in.LEAST_S
    assert min(times[False]) >= sign_in.LEAST_S
    assert abs(min(times[True]) - min(times[False])) < 0.1


@pytest.mark.parametrize("address", [USERS["clerk"], "niemand@office.example"])
def test_links_for_one_address_are_limited_whether_it_is_known_or_not(site: Site, address: str):
    assert [ask(site.browser(), address) for _ in range(6)] == [303] * 5 + [429]
    assert len(mailed(site)) == (5 if address == USERS["clerk"] else 0)
    page = site.browser().submit("/sign-in", address=address)
    assert "Bitte warten Sie 60 Minuten" in page.text


def test_the_limit_survives_a_restart_and_ends_after_its_hour(web_office: Office):
    with web_office.app() as app, serve(app) as site:
        assert [ask(site.browser()) for _ in range(5)] == [303] * 5
    with web_office.app() as app, serve(app) as site:
        assert ask(site.browser()) == 429
    with web_office.app(Clock(timedelta(minutes=61))) as app, serve(app) as site:
        assert ask(site.browser()) == 303


def test_guessing_links_is_slow_and_soon_over(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sign_in, "TOKENS_PER_CLIENT", sign_in.Limit("token from", 3))
    browser = site.browser()
    token = browser.token()
    answers = [
        browser.post(f"/sign-in/{number:032x}", data={"csrf_token": token}, headers={"origin": browser.origin})
        for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [410] * 3 + [429] * 2
    assert all(answer.elapsed.total_seconds() >= sign_in.LEAST_S for answer in answers)
    # The right link still works: a guesser locks nobody out.
    ask(browser)
    (link,) = mailed(site)
    assert browser.submit(link, on=link).status_code == 303


@pytest.mark.parametrize("address", ["", "karl", "x" * 400 + "@office.example"])
def test_what_is_no_address_is_told_and_kept_in_the_field(site: Site, address: str):
    page = site.browser().submit("/sign-in", address=address)
    assert page.status_code == 400
    assert "Das ist keine E-Mail-Adresse" in page.text
    assert f'value="{address}"' in page.text


@pytest.mark.parametrize("more", ["\r\nBcc: a@evil.example", "\x00", ",a@b.example"])
def test_no_address_brings_headers_of_its_own(site: Site, more: str):
    assert ask(site.browser(), USERS["clerk"] + more) == 303
    assert mailed(site) == []


def test_the_base_of_links_is_the_settings_never_the_request(site: Site):
    browser = site.browser()
    token = browser.token()
    answer = browser.post(
        "/sign-in",
        data={"csrf_token": token, "address": USERS["clerk"]},
        headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"},
    )
    assert answer.status_code == 303
    with site.app.store.reading() as tx:
        (head,) = tx.connection.execute(select(outgoing.c.head).where(outgoing.c.kind == "sign_in")).one()
    assert b"evil.example" not in head
    refused = browser.get("/sign-in", headers={"host": "evil.example"})
    assert refused.status_code == 421
    assert site.app.settings.web.site in refused.text
