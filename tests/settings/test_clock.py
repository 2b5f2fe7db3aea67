"""A shifted clock shows another moment, runs on, and takes the servers' arrival times along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rsvp_mailer.clock import Clock, parse_moment

BERLIN = ZoneInfo("Europe/Berlin")
SYSTEM = datetime(2030, 3, 31, 0, 30, tzinfo=UTC)  # half an hour before Berlin's clocks change
MOMENT = datetime(2017, 11, 6, 8, 0, tzinfo=BERLIN)


def test_the_clock_of_a_run_is_the_systems():
    before = datetime.now(UTC)
    assert before <= Clock().now() <= datetime.now(UTC)
    assert Clock().arrival(before) == before == Clock().server_time(before)


def test_a_shifted_clock_starts_at_its_moment_and_runs_on_at_the_usual_speed():
    elapsed = timedelta()
    clock = Clock.as_of(MOMENT, lambda: SYSTEM + elapsed)
    assert clock.now() == MOMENT
    assert clock.now().tzinfo == UTC
    elapsed = timedelta(hours=2)
    assert clock.now() == MOMENT + elapsed


def test_what_has_just_arrived_at_a_server_has_just_arrived_by_the_shifted_clock():
    clock = Clock.as_of(MOMENT, lambda: SYSTEM)
    assert clock.arrival(SYSTEM - timedelta(minutes=5)) == MOMENT - timedelta(minutes=5)


def test_server_time_is_the_inverse_of_arrival_whatever_the_zone():
    clock = Clock.as_of(MOMENT, lambda: SYSTEM)
    for moment in (MOMENT, SYSTEM, datetime(2030, 10, 27, 2, 30, tzinfo=BERLIN)):
        assert clock.arrival(clock.server_time(moment)) == moment
        assert clock.server_time(clock.arrival(moment)) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017-11-06T08:00", datetime(2017, 11, 6, 7, 0, tzinfo=UTC)),
        ("2017-11-06 08:00:30", datetime(2017, 11, 6, 7, 0, 30, tzinfo=UTC)),
        ("2017-07-06", datetime(2017, 7, 5, 22, 0, tzinfo=UTC)),
        ("2017-11-06T08:00+00:00", datetime(2017, 11, 6, 8, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_local_to_the_event_unless_it_says_otherwise(text: str, moment: datetime):
    assert parse_moment(text, BERLIN) == moment


@pytest.mark.parametrize("text", ["", "gestern", "6.11.2017", "2017-11-31"])
def test_what_is_no_moment_is_refused(text: str):
    with pytest.raises(ValueError, match=r"isoformat|range"):
        parse_moment(text, BERLIN)
