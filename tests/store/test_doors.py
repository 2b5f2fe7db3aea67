"""Sign-in links, sessions and limits, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from rsvp_mailer.store.doors import sha256
from rsvp_mailer.store.store import Store
from rsvp_mailer.store.tables import attempt, sign_in_link, web_session

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOW = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
LINK, BROWSER = sha256("link"), sha256("browser")


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


def keep(store: Store, token: str = LINK, browser: str | None = BROWSER) -> None:
    with store.writing() as tx:
        tx.doors.add_link(token, "a@office.example", browser_sha256=browser, return_to="/", now=NOW, for_=QUARTER)


def use(store: Store, *, token: str = LINK, browser: str = BROWSER, at: datetime = NOW) -> bool:
    with store.writing() as tx:
        return tx.doors.use_link(token, browser, at)


def test_one_of_many_clicks_at_once_opens_the_door(store: Store):
    keep(store)
    with ThreadPoolExecutor(6) as clicks:
        opened = list(clicks.map(lambda _: use(store), range(6)))
    assert sorted(opened) == [False] * 5 + [True]


@pytest.mark.parametrize(
    "wrong", [{"token": sha256("x")}, {"browser": sha256("x")}, {"at": NOW + QUARTER}, {"at": NOW + timedelta(days=1)}]
)
def test_what_is_wrong_opens_nothing_and_uses_nothing_up(store: Store, wrong: dict[str, object]):
    keep(store)
    assert not use(store, **wrong)
    assert use(store, at=NOW + QUARTER - timedelta(seconds=1))


def test_a_link_of_the_terminal_fits_any_browser_once(store: Store):
    keep(store, browser=None)
    assert use(store, browser=sha256("whichever"))
    assert not use(store, browser=sha256("whichever"))


def test_a_session_is_found_by_its_token_until_it_is_ended_by_whom_it_belongs_to(store: Store):
    with store.writing() as tx:
        tx.doors.open_session(sha256("s"), "a@office.example", "x" * 1000, NOW)
    with store.reading() as tx:
        session = tx.doors.session(sha256("s"))
        assert tx.doors.session("s") is None
    assert session is not None
    assert len(session.browser) == 200
    with store.writing() as tx:
        assert not tx.doors.end_session(session.id, NOW, "b@office.example")
        assert tx.doors.end_session(session.id, NOW, "a@office.example")
        assert not tx.doors.end_session(session.id, NOW)
        assert tx.doors.session(sha256("s")) is None


def test_attempts_are_counted_within_their_period_and_forgotten_after_a_day(store: Store):
    keep(store)
    with store.writing() as tx:
        for minutes in (0, 30, 59):
            tx.doors.count("link to:x", NOW + timedelta(minutes=minutes))
        tx.doors.open_session(sha256("s"), "a@office.example", "", NOW)
        assert tx.doors.attempts("link to:x", NOW) == 2
        assert tx.doors.attempts("link to:y", NOW - timedelta(days=1)) == 0
        tx.doors.tidy(NOW + timedelta(days=2))
        left = [
            tx.connection.execute(select(func.count()).select_from(t)).scalar_one() for t in (attempt, sign_in_link)
        ]
        assert left == [0, 0]
        assert tx.doors.session(sha256("s")) is not None
        tx.doors.tidy(NOW + timedelta(days=31))
        assert tx.connection.execute(select(func.count()).select_from(web_session)).scalar_one() == 0
