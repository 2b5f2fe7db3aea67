"""The administrator is told what does not work: after an hour, at most once an hour, whoever restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from office import reply
from scenes import digests, later, rows, text_of

from rsvp_mailer.store.tables import outgoing

if TYPE_CHECKING:
    from office import Office

MAILBOX = "mailbox office"


def notices(office: Office) -> list:
    return [row for row in rows(office, outgoing) if row.kind == "notice"]


def broken(
    office: Office, part: str = MAILBOX, message: str = "the IMAP server cannot be reached", **ago: float
) -> None:
    clock = later(**{unit: -number for unit, number in ago.items()})
    with office.app(clock) as app, app.store.writing() as tx:
        tx.alerts.raise_(part, message, app.clock.now())


def look(office: Office, **period: float) -> int:
    """What the program does each minute, by a clock that is ahead."""
    with office.app(later(**period)) as app:
        return app.queue_notices()


def test_a_mailbox_that_is_away_for_an_hour_is_told_once(each_office):
    broken(each_office, minutes=50)
    assert look(each_office) == 0
    assert look(each_office, minutes=11) == 1
    assert [look(each_office, minutes=minutes) for minutes in (12, 30, 80, 200)] == [0, 0, 0, 0]
    assert look(each_office, hours=25) == 1, "the next day it is said again"
    assert len({row.key for row in notices(each_office)}) == 2


def test_no_restart_repeats_a_notice(office):
    """A new run believes that all is well until it finds out; the store knows better."""
    broken(office, hours=2)
    assert look(office) == 1
    with office.app() as app, app.store.writing() as tx:
        tx.alerts.clear(MAILBOX)
    with office.app(later(minutes=1)) as app, app.store.writing() as tx:
        tx.alerts.raise_(MAILBOX, "still away", app.clock.now())
    assert look(office, minutes=70) == 0
    assert look(office, hours=25) == 1


def test_at_most_one_an_hour_whatever_breaks(office):
    broken(office, hours=2)
    assert look(office) == 1
    broken(office, "smtp", "the login was refused", hours=2)
    assert look(office, minutes=5) == 0
    assert look(office, minutes=61) == 1
    assert len(notices(office)) == 2


def test_the_notice_says_what_since_when_and_what_to_do(office, smtp_server):
    office.tables["digest"]["notices_to"] = ["technik@office.example"]
    broken(office, hours=2)
    look(office)
    office.send_due()
    (sent,) = [each for each in smtp_server.mails if "technik@office.example" in each.recipients]
    text = text_of(sent)
    assert text.startswith("Störung: Das Postfach wird nicht gelesen – 1. Integrationskonferenz")
    for words in ("the IMAP server cannot be reached", "Seit:", "rsvp-mailer check", "keine Antwort verloren"):
        assert words in text, words
    assert sent.message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("language", ["de", "en"])
def test_by_default_the_digests_readers_are_told_in_their_language(office, smtp_server, language):
    office.tables["digest"]["language"] = language
    broken(office, "smtp", "away", hours=2)
    look(office)
    office.send_due()
    (sent,) = digests(smtp_server)
    assert sent.message["Content-Language"] == language
    assert ("no mail goes out" in text_of(sent)) == (language == "en")


def test_mail_that_waits_for_over_an_hour_is_trouble(office, account):
    account.append_all([reply("Wir kommen zu dritt.")])
    office.poll()
    with office.app() as app, app.store.writing() as tx:
        (row,) = [row for row in rows(office, outgoing) if row.kind == "confirmation"]
        tx.sendings.change(row.id, state="waiting", attempts=2, last_error="451 try later")
    assert look(office, minutes=30) == 0
    assert look(office, minutes=61) == 1
    with office.app(later(minutes=62)) as app, app.store.reading() as tx:
        (alert,) = tx.alerts.all()
    assert alert.part == "deliveries"
    assert "451 try later" in alert.message
    with office.app() as app, app.store.writing() as tx:
        tx.sendings.change(row.id, state="sent")
    assert look(office, hours=3) == 0
    with office.app() as app, app.store.reading() as tx:
        assert tx.alerts.all() == [], "it clears by itself"


def test_deliveries_that_fail_again_and_again_are_trouble(office):
    """One bad address is an item in the queue; three in a day are the machine's."""
    for number in range(1, 4):
        with office.app(later(minutes=-70 + number)) as app, app.store.writing() as tx:
            tx.reviews.open("undelivered", (), now=app.clock.now())
        assert look(office) == (number == 3)


def test_a_notice_that_could_not_leave_gives_way_to_a_newer_one(office):
    broken(office, hours=2)
    assert look(office) == 1
    assert look(office, hours=25) == 1
    assert [row.state for row in notices(office)] == ["superseded", "waiting"]
    assert timedelta(hours=24) < notices(office)[1].created_at - notices(office)[0].created_at
