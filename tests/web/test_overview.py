"""The overview says what is wrong in words for the office, and the charts are drawn to scale."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsvp_mailer.domain import DayCount, HeadCount
from rsvp_mailer.review.web.charts import curve, nice_step, range_bar
from rsvp_mailer.store.tables import cursor

if TYPE_CHECKING:
    from pages import Site

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("mailbox office", "Das Postfach ist nicht erreichbar."),
        ("smtp", "Es gehen keine E-Mails hinaus."),
        ("pages", "Ein Teil dieser Seiten wurde nicht gestartet."),
        ("something new", "Etwas braucht die Technik."),
    ],
)
def test_what_fails_is_told_in_plain_words_with_the_details_below(site: Site, part: str, says: str):
    browser = site.browser("viewer")
    assert says not in browser.get("/").text
    with site.app.store.writing() as tx:
        tx.alerts.raise_(part, "imap: <mail.example> cannot be reached", site.app.clock.now())
    page = browser.get("/").text
    assert says in page
    assert "imap: &lt;mail.example&gt; cannot be reached" in page
    assert "Einzelheiten für die Technik" in page


def test_books_that_do_not_add_up_are_an_alarm(site: Site):
    browser = site.browser("viewer")
    assert "Stimmt: Jede gesehene E-Mail" in browser.get("/").text
    with site.app.store.writing() as tx:
        now = site.app.clock.now()
        row = {"mailbox": "office", "folder": "INBOX", "start_at": now, "last_uid": 3, "seen": 3, "crashes": 0}
        tx.connection.execute(cursor.insert(), row)
    page = browser.get("/").text
    assert 'class="alarm"' in page
    assert "Vielleicht fehlt eine Antwort." in page


# --- charts --------------------------------------------------------------------------------------------------------

persons = st.integers(0, 5000)


@given(persons, persons, persons, persons, st.none() | st.integers(1, 9000))
def test_the_bar_is_to_scale_and_fits(certain: int, maybe: int, more: int, fewer: int, capacity: int | None):
    count = HeadCount(certain=certain, maybe=maybe, held_persons=more, held_fewer=min(fewer, certain))
    bar = range_bar(count, capacity)
    assert sum(each.persons for each in bar.stretches) == count.highest
    for each in bar.stretches:
        assert each.start + each.length <= 1000
        assert each.length / 1000 == pytest.approx(each.persons / max(count.highest, capacity or 0) / 1.02, abs=0.001)
    assert bar.capacity is None or 0 < bar.capacity < 1000


@given(
    st.lists(st.tuples(st.integers(0, 200), persons, persons), max_size=40, unique_by=lambda row: row[0]),
    st.none() | st.integers(1, 9000),
    st.sampled_from([330, 1040]),
)
def test_the_curve_stays_within_its_frame(rows: list[tuple[int, int, int]], capacity: int | None, width: int):
    days = [DayCount(TODAY - timedelta(days=ago), certain, maybe) for ago, certain, maybe in sorted(rows, reverse=True)]
    drawn = curve(days, TODAY, width=width, height=300, capacity=capacity)
    if not days:
        assert drawn is None
        return
    assert drawn is not None
    for x in re.findall(r"[MHL]([\d.]+)", drawn.certain + drawn.highest + drawn.line):
        assert drawn.left <= float(x) <= width
    for y in re.findall(r"V([\d.]+)", drawn.certain + drawn.highest + drawn.line):
        assert 0 <= float(y) <= drawn.bottom
    assert "-" not in drawn.certain + drawn.highest + drawn.line
    places = [tick.at for tick in drawn.days]
    assert all(later - earlier >= 40 for earlier, later in pairwise(places))
    assert 2 <= len(drawn.persons) <= 7
    assert drawn.capacity is None or 0 <= drawn.capacity <= drawn.bottom


@given(st.integers(1, 10**7))
def test_grid_lines_are_round_and_few(most: int):
    assert str(nice_step(most)).rstrip("0") in {"1", "2", "5"}
    assert 1 <= -(-most // nice_step(most)) <= 5
