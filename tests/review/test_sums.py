"""Running sums agree with a count from scratch, whatever people do and in whatever order."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from sqlalchemy import delete, true, update

from rsvp_mailer.domain import Attendance
from rsvp_mailer.review.stated import ReviewError
from rsvp_mailer.store import suggestions, tallies
from rsvp_mailer.store.tables import mail, review, tally

PEOPLE = ("anna@verein.example", "ben@verein.example", "cem@verein.example")
WORDS = (
    "Wir kommen zu dritt.",
    "Ich komme gerne. Gibt es einen Dolmetscher für Arabisch?",
    "Wir kommen mit 40 Personen.",
    "Ich kann leider nicht kommen.",
    "Vielleicht kommen wir zu zweit, eine Person isst vegetarisch.",
    "Wir kommen gerne.",
    "Nous viendrons à quatre.",
)


def faults(bureau) -> tuple[set[tuple[object, ...]], int]:
    """Sums that differ from the rows, and held items whose weight is not what their rows say."""
    with bureau.app.store.writing() as tx:
        return tallies.differences(tx.connection), suggestions.weigh(tx.connection, true())


def test_sums_follow_every_change_undo_and_merge(bureau):
    dice, items, entries, done = random.Random(11), [], [], set()

    def merge() -> None:
        entries.append(bureau.book.merge("Karl", *dice.sample(PEOPLE, 2)).ruling)

    def reply() -> None:
        item = bureau.mail(dice.choice(WORDS), sender=dice.choice(PEOPLE))
        items.extend([item] if item else [])

    acts = {
        "reply": reply,
        "accept": lambda: bureau.queue.accept(dice.choice(items), "Karl"),
        "correct": lambda: bureau.queue.correct(
            dice.choice(items), "Karl", attendance=Attendance.YES, persons=dice.randint(1, 5)
        ),
        "dismiss": lambda: bureau.queue.dismiss(dice.choice(items), "Karl"),
        "undo": lambda: bureau.queue.undo(dice.choice(items), "Karl"),
        "merge": merge,
        "undo a merge": lambda: bureau.queue.undo_entry(entries.pop(), "Karl"),
    }
    for _ in range(90):
        act = dice.choice(["reply", "reply", *acts])
        with suppress(ReviewError, IndexError):  # some of it is refused, and must leave no trace in the sums either
            acts[act]()
            done.add(act)
        bureau.time.pass_by(minutes=dice.choice([0, 1, 10]))
        bureau.send_due()
        assert faults(bureau) == (set(), 0), act
    assert done == acts.keys()


def test_a_transaction_that_fails_leaves_the_sums(bureau):
    bureau.mail(WORDS[0], sender=PEOPLE[0])
    before = bureau.rows(tally)
    with pytest.raises(RuntimeError), bureau.app.store.writing() as tx:
        tx.connection.execute(update(mail).values(state="held"))
        raise RuntimeError
    assert bureau.rows(tally) == before


def test_what_is_out_of_step_is_seen(bureau):
    """The comparison itself can fail."""
    bureau.mail(WORDS[0], sender=PEOPLE[0])
    assert bureau.held(WORDS[2], sender=PEOPLE[1])
    with bureau.app.store.writing() as tx:
        tx.connection.execute(delete(tally).where(tally.c.kind == "attendance"))
        tx.connection.execute(update(review).values(adds=7))
    different, weighed = faults(bureau)
    assert {row[1] for row in different} == {"attendance"}
    assert weighed == 1
    with bureau.app.store.writing() as tx:
        tallies.drop(tx.connection)
        tallies.lay(tx.connection)
    assert faults(bureau) == (set(), 0)
