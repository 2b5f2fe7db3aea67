"""The figures: what digest, pages and exports show is what the rows say, however it is counted."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from rsvp_mailer.domain import Answer, Attendance, DayCount, HeadCount, Moved, Tag
from rsvp_mailer.store.figures import MOST_LISTED, take_figures
from rsvp_mailer.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

EVENT = "konferenz"
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2017, 11, 6, 8, tzinfo=BERLIN)
YES, NO, MAYBE = Attendance.YES, Attendance.NO, Attendance.MAYBE


@pytest.fixture
def store(engine: Engine) -> Store:
    return Store(engine)


@pytest.fixture
def answered(store: Store) -> Callable[..., None]:
    """Somebody answers; by the one road that writes answers."""

    def answered(person: str, attendance: Attendance | None, size: int | None, at: datetime = MONDAY, **more) -> None:
        with store.writing() as tx:
            tx.answers.append(
                Answer(attendance, size, **more),
                person=person,
                event=EVENT,
                now=at,
                by="auto",
                mail_id=None,
                ruling_id=None,
            )

    return answered


@pytest.fixture
def figures(store: Store):
    def figures(since: datetime | None = None, now: datetime = MONDAY + timedelta(days=30)):
        with store.reading() as tx:
            return take_figures(tx, EVENT, now=now, since=since)

    return figures


def test_the_head_count_is_the_sum_of_the_present_answers(answered, figures):
    """Against a count of our own, after 300 answers of 60 people who change their minds."""
    dice, present = random.Random(7), dict[str, Answer]()
    for step in range(300):
        person = f"p{dice.randrange(60)}@example.org"
        attendance = dice.choice([YES, YES, MAYBE, NO, None])
        size = 0 if attendance is NO else None if attendance is None else dice.choice([1, 2, 5, None])
        more = {"interpreter": tuple(dice.sample(["ar", "ku", "fr"], dice.randrange(3)))}
        more["tags"] = tuple(dice.sample([Tag.DIET, Tag.QUESTION, Tag.CHILDCARE], dice.randrange(3)))
        more["part_of"] = "p0@example.org" if dice.random() < 0.1 else ""
        more["language"] = dice.choice(["de", "ar"])
        answered(person, attendance, size, MONDAY + timedelta(hours=step), **more)
        present[person] = Answer(attendance, size, **more)

    def persons(answer: Answer) -> int:
        return 0 if answer.part_of else 1 if answer.party_size is None else answer.party_size

    by = {each: [a for a in present.values() if a.attendance is each] for each in Attendance}
    coming = [a for a in by[YES] + by[MAYBE] if not a.part_of]
    found = figures()
    assert found.head_count == HeadCount(
        certain=sum(map(persons, by[YES])),
        maybe=sum(map(persons, by[MAYBE])),
        answers_yes=len(by[YES]),
        answers_maybe=len(by[MAYBE]),
        answers_no=len(by[NO]),
        unknown_sizes=sum(a.party_size is None for a in coming),
    )
    assert found.interpreters == tuple(sorted(Counter(code for a in coming for code in a.interpreter).items()))
    needs = Counter(tag.value for a in coming for tag in a.tags if tag is not Tag.QUESTION)
    assert found.needs == tuple(sorted(needs.items()))
    assert dict(found.languages) == Counter(a.language for a in present.values())
    assert found.curve[-1].certain == found.head_count.certain
    assert found.curve[-1].maybe == found.head_count.maybe
    assert [day.day for day in found.curve] == sorted({day.day for day in found.curve})


def test_the_curve_follows_local_days(answered, figures):
    answered("a@example.org", YES, 2, datetime(2017, 11, 6, 23, 30, tzinfo=BERLIN))
    answered("b@example.org", YES, 3, datetime(2017, 11, 7, 0, 30, tzinfo=BERLIN))
    answered("a@example.org", MAYBE, 2, datetime(2017, 11, 9, 8, tzinfo=BERLIN))
    days = [datetime(2017, 11, day, tzinfo=BERLIN).date() for day in (6, 7, 9)]
    assert figures().curve == (DayCount(days[0], 2, 0), DayCount(days[1], 5, 0), DayCount(days[2], 3, 2))


def test_what_moved_since_the_last_digest(answered, figures):
    for person, size in (("stays", 1), ("grows", 2), ("cancels", 3), ("withdrawn", 4)):
        answered(f"{person}@example.org", YES, size)
    answered("returns@example.org", NO, 0)
    told, later = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2)
    assert figures(since=told).moved == Moved()
    answered("grows@example.org", YES, 5, later)
    answered("cancels@example.org", NO, 0, later)
    answered("withdrawn@example.org", None, None, later)
    answered("returns@example.org", YES, 2, later)
    answered("new@example.org", YES, None, later)
    answered("gone@example.org", YES, 9, later)
    answered("gone@example.org", None, None, later)
    found = figures(since=told)
    assert found.moved == Moved(new=1, changed=2, cancelled=2, certain=3 - 3 - 4 + 2 + 1)
    assert {change.person.partition("@")[0] for change in found.changes} == {
        "grows", "cancels", "withdrawn", "returns", "new",
    }  # fmt: skip
    assert next(c.before.party_size for c in found.changes if c.person.startswith("grows")) == 2
    everything = figures()
    assert (everything.moved.new, everything.moved.certain) == (5, everything.head_count.certain)


def test_lists_are_cut_off_and_counts_are_not(answered, figures):
    for number in range(MOST_LISTED + 20):
        answered(f"p{number}@example.org", YES, 1, MONDAY + timedelta(minutes=number))
    found = figures(since=MONDAY - timedelta(days=1))
    assert len(found.changes) == MOST_LISTED
    assert found.moved.new == MOST_LISTED + 20
    assert found.changes[0].person == f"p{MOST_LISTED + 19}@example.org", "the newest first"


def test_the_queue_is_counted_by_age(store, figures):
    now = MONDAY
    with store.writing() as tx:
        for days in (0.1, 0.9, 1.5, 3, 6.9, 7.1, 40):
            tx.reviews.open("undelivered" if days > 7 else "held", (), now=now - timedelta(days=days))
        closed = tx.reviews.open("set_aside", (), now=now)
        tx.reviews.close("set_aside", now=now, by="chef")
        assert closed
    queue = figures(now=now).queue
    assert queue.total == 7
    assert (queue.today, queue.yesterday, queue.this_week, queue.older) == (2, 1, 2, 2)
    assert dict(queue.kinds) == {"held": 5, "undelivered": 2}
    assert figures(now=now).undelivered == 2
    assert [item.opened_at for item in figures(now=now).waiting] == sorted(
        item.opened_at for item in figures(now=now).waiting
    )


def test_alerts_are_told_once_a_day(store):
    with store.writing() as tx:
        tx.alerts.raise_("smtp", "away", MONDAY)
        assert tx.alerts.unnoticed(MONDAY - timedelta(hours=1), MONDAY) == []
        (alert,) = tx.alerts.unnoticed(MONDAY, MONDAY)
        tx.alerts.raise_("smtp", "still away", MONDAY + timedelta(hours=1))
        assert tx.alerts.all() == [replace(alert, message="still away")]
        tx.alerts.note(["smtp"], MONDAY + timedelta(hours=1))
        assert tx.alerts.unnoticed(MONDAY + timedelta(hours=2), MONDAY) == []
        assert len(tx.alerts.unnoticed(MONDAY + timedelta(hours=26), MONDAY + timedelta(hours=2))) == 1
        tx.alerts.clear("smtp")
        tx.alerts.raise_("smtp", "again", MONDAY + timedelta(hours=3))
        assert [each.since for each in tx.alerts.all()] == [(MONDAY + timedelta(hours=3)).astimezone(UTC)]
