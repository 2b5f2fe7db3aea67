"""Promise 4: at most one confirmation for one change of state.

After a crash, time-out or lost connection between SMTP's acceptance and our note of it the same bytes with the same
Message-ID may go once more, never different ones. Back-off grows; after the last attempt the row is ``failed``,
shown and reported, never dropped. A digest is a row keyed by event, day and recipient: no restart skips or repeats
it; a missed one is caught up; after days down one digest covers all since the last.

Real processes are killed in ``tests/long``.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from office import reply
from scenes import (
    Killed,
    at_work,
    balance,
    digests,
    later,
    open_items,
    persons,
    received,
    rows,
    text_of,
    to_invitees,
)
from servers_smtp import Step, drop, hang, refuse

import rsvp_mailer.app
from rsvp_mailer.clock import Clock
from rsvp_mailer.domain import Attendance
from rsvp_mailer.outbox import courier
from rsvp_mailer.outbox.dispatch import Dispatch
from rsvp_mailer.outbox.send import SmtpSession
from rsvp_mailer.store.tables import outgoing

YES = "Guten Tag, wir kommen zu zweit. Anna Berg"
ANNA = "anna.berg@verein.example"
BERLIN = ZoneInfo("Europe/Berlin")


def sent_row(office):
    """The one row to an invitee."""
    (row,) = to_invitees(office)
    return row


def test_promise_04_the_same_said_twice_is_confirmed_once(each_office, account, smtp_server):
    """Only a change of state is confirmed: repetition and thanks are not, each real change is."""
    account.append(reply(YES))
    each_office.poll()
    account.append_all([reply(YES), reply("Danke, wir kommen zu zweit!")])
    each_office.poll()
    assert len(received(smtp_server)) == 1
    account.append(reply("Korrektur: wir kommen doch zu dritt."))
    each_office.poll()
    each_office.poll()
    assert len(received(smtp_server)) == 2
    assert "3 Personen" in text_of(received(smtp_server)[1])
    assert balance(each_office).recorded == 4


LOST = [drop(Step.ACCEPTED), hang(Step.ACCEPTED), refuse("421 4.3.0 closing", at=Step.ACCEPTED)]


@pytest.mark.parametrize("fault", LOST, ids=["dropped", "timed out", "421"])
def test_promise_04_an_answer_lost_after_the_final_dot_repeats_the_same_octets(
    office, account, smtp_server, fault, monkeypatch
):
    """The server has it and we do not know: the very same mail goes once more, and then never again."""
    monkeypatch.setattr(rsvp_mailer.app, "SmtpSession", partial(SmtpSession, final_answer_timeout_s=1))
    account.append(reply(YES))
    smtp_server.script(fault)
    office.poll()
    assert sent_row(office).state == "waiting"
    office.send_due(later(minutes=2))
    office.send_due(later(hours=3))
    first, second = received(smtp_server)
    assert first.octets == second.octets
    assert first.message["Message-ID"] == sent_row(office).message_id
    assert sent_row(office).state == "sent"
    assert len({sent.message["Message-ID"] for sent in digests(smtp_server)}) == 1


NOT_KEPT = [drop(Step.CONNECT), drop(Step.MAIL), drop(Step.BODY), hang(Step.DATA), drop(Step.DOT)]


@pytest.mark.parametrize("fault", NOT_KEPT, ids=[f"{fault.at}" for fault in NOT_KEPT])
def test_promise_04_what_the_server_did_not_keep_is_sent_once(office, account, smtp_server, fault):
    """Refused connections, drops in the middle, silence: it goes later, once."""
    office.tables["smtp"]["timeout_s"] = 1
    account.append(reply(YES))
    smtp_server.script(fault)
    office.poll()
    assert received(smtp_server) == []
    office.send_due(later(minutes=2))
    office.send_due(later(hours=3))
    assert [sent.message["Message-ID"] for sent in received(smtp_server)] == [sent_row(office).message_id]
    assert len(digests(smtp_server)) == 1


def test_promise_04_a_crash_between_acceptance_and_note_repeats_the_same_octets(
    each_office, account, smtp_server, monkeypatch
):
    """The program dies with the server's yes in its hands: the next start sends the same mail, once."""

    def die(*_):
        raise Killed

    account.append(reply(YES))
    with monkeypatch.context() as patched:
        patched.setattr(Dispatch, "mark_sent", die)
        with pytest.raises(Killed):
            each_office.poll()
    assert sent_row(each_office).state == "sending"
    each_office.poll()
    each_office.poll()
    first, second = received(smtp_server)
    assert first.octets == second.octets
    assert sent_row(each_office).state == "sent"
    assert balance(each_office).recorded == 1


def test_promise_04_a_newer_state_overtakes_an_uncertain_one(office, account, smtp_server):
    """Between two attempts the invitee changes their mind: only the newest state goes out."""
    account.append(reply(YES))
    smtp_server.script(drop(Step.ACCEPTED))
    office.poll()
    account.append(reply("Korrektur: wir kommen doch zu dritt."))
    with at_work(office) as work:
        work.poll()
    office.send_due(later(hours=1))
    first, second = received(smtp_server)
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert [row.state for row in to_invitees(office)] == ["superseded", "sent"]
    assert persons(office) == {ANNA: ("yes", 3)}


def test_promise_04_back_off_grows_and_ends_in_the_queue(each_office, account, smtp_server, monkeypatch):
    """A mailbox that is busy is tried again, later and later; then a person is told, and may try once more."""
    monkeypatch.setattr(courier, "MAX_ATTEMPTS", 4)
    account.append(reply(YES))
    smtp_server.refused[ANNA] = "450 4.2.0 mailbox busy"
    each_office.poll()
    waits, ahead = [], timedelta()
    while sent_row(each_office).state == "waiting":
        row = sent_row(each_office)
        waits.append(row.due_at - (datetime.now(row.due_at.tzinfo) + ahead))
        ahead += waits[-1] + timedelta(seconds=20)
        each_office.send_due(Clock(ahead))
    assert [round(wait.total_seconds() / 60) for wait in waits] == [1, 5, 15]
    assert (sent_row(each_office).state, sent_row(each_office).smtp_code) == ("failed", 450)
    assert [item.kind for item in open_items(each_office)] == ["undelivered"]
    assert persons(each_office) == {ANNA: ("yes", 2)}  # the answer counts all the same
    del smtp_server.refused[ANNA]
    with each_office.app() as app:
        asyncio.run(app.send_due())
        assert received(smtp_server) == []
    message_id = sent_row(each_office).message_id
    with at_work(each_office) as work:
        work.queue.accept(open_items(each_office)[0].id, "chef")
    each_office.send_due()
    assert [sent.message["Message-ID"] for sent in received(smtp_server)] == [message_id]
    assert open_items(each_office) == []


def test_promise_04_a_refusal_for_good_is_shown_and_stops_nobody(office, account, smtp_server, command):
    """5xx: failed at once, in the queue, in status and digest; the next mail goes."""
    account.append_all([reply(YES), reply("Ich komme.", sender="ben@verein.example", name="Ben")])
    smtp_server.refused[ANNA] = "550 5.1.1 no such person"
    result = command(office, "poll", "--since", "2000-01-01")
    assert result.status == 1
    assert "failed: 1" in result.out
    assert [sent.recipients for sent in received(smtp_server)] == [("ben@verein.example",)]
    assert [(row.state, row.smtp_code) for row in to_invitees(office)] == [("failed", 550), ("sent", None)]
    (item,) = open_items(office)
    assert item.kind == "undelivered"
    status = command(office, "status")
    assert status.status == 1
    assert "1 failed" in status.out
    office.send_due(later(days=2))
    assert len(received(smtp_server)) == 1


def test_promise_04_a_bounce_of_our_mail_is_shown(office, account, smtp_server):
    """What comes back as undeliverable is failed, and somebody must reach that person otherwise."""
    account.append(reply(YES))
    office.poll()
    ours = received(smtp_server)[0].message
    account.append(
        b"From: MAILER-DAEMON@mx.office.example\r\nTo: buero@office.example\r\nReturn-Path: <>\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nCould not be delivered.\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.office.example\r\n\r\n"
        b"Final-Recipient: rfc822; anna.berg@verein.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: "
        + ours["Message-ID"].encode()
        + b"\r\nTo: anna.berg@verein.example\r\n\r\n--b--\r\n"
    )
    office.poll()
    assert sent_row(office).state == "failed"
    assert [item.kind for item in open_items(office)] == ["undelivered"]
    assert len(received(smtp_server)) == 1
    assert balance(office).ignored == 1


def test_promise_04_a_bounce_in_plain_words_is_found_by_its_address(office, account, smtp_server):
    """Some servers return no header at all: the newest mail to the address they name is the one that came back."""
    account.append_all([reply(YES), reply("Ich komme.", sender="ben@verein.example", name="Ben")])
    office.poll()
    account.append(
        b"From: MAILER-DAEMON@mx.verein.example\r\nTo: buero@office.example\r\nReturn-Path: <>\r\n"
        b"Subject: Mail delivery failed\r\nMessage-ID: <f1@mx.verein.example>\r\n\r\n"
        b"Your mail to <anna.berg@verein.example> could not be delivered: mailbox is full.\r\n"
    )
    office.poll()
    assert sorted(row.state for row in to_invitees(office)) == ["failed", "sent"]
    (item,) = open_items(office)
    assert item.kind == "undelivered"


# --- digests ---------------------------------------------------------------------------------------------------


def at(text):
    """A moment, local to the event."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def digest_keys(office):
    """Day of each digest row, in the order of writing."""
    return [row.key.split(":")[2] for row in rows(office, outgoing) if row.kind == "digest"]


def restarts(office, *moments):
    """Start the program at each moment; how many digests each start wrote."""
    with office.app() as app:
        return [replace(app, clock=Clock.as_of(at(moment))).queue_digests() for moment in moments]


def test_promise_04_a_digest_is_neither_repeated_nor_skipped_by_restarts(each_office):
    """However often the program starts: one digest for each due time, caught up where it was missed."""
    each_office.tables["digest"]["weekdays"] = ["mon", "tue", "wed", "thu", "fri"]
    moments = {
        "2026-11-02T08:00": 1,  # Monday
        "2026-11-02T08:01": 0,
        "2026-11-02T23:59": 0,
        "2026-11-03T07:29": 0,
        "2026-11-03T07:30": 1,
        "2026-11-03T07:31": 0,
        "2026-11-04T19:00": 1,  # missed in the morning
        "2026-11-04T19:05": 0,
        "2026-11-06T09:00": 1,  # down all Thursday
        "2026-11-07T12:00": 0,  # no digest at weekends
        "2026-11-08T12:00": 0,
        "2026-11-09T07:29": 0,
        "2026-11-09T07:30": 1,
    }
    assert restarts(each_office, *moments) == list(moments.values())
    assert digest_keys(each_office) == ["2026-11-02", "2026-11-03", "2026-11-04", "2026-11-06", "2026-11-09"]


@pytest.mark.parametrize(
    ("due", "moments"),
    [
        ("07:30:00", {"2026-10-24T08:00": 1, "2026-10-25T07:29": 0, "2026-10-25T07:30": 1, "2026-10-26T07:31": 1}),
        ("07:30:00", {"2027-03-27T08:00": 1, "2027-03-28T07:29": 0, "2027-03-28T07:30": 1, "2027-03-29T07:31": 1}),
        # 02:30 does not exist on 28 March, and comes twice on 25 October.
        ("02:30:00", {"2027-03-27T03:00": 1, "2027-03-28T01:59": 0, "2027-03-28T04:00": 1, "2027-03-28T08:00": 0}),
        ("02:30:00", {"2026-10-24T03:00": 1, "2026-10-25T02:29": 0, "2026-10-25T02:45": 1, "2026-10-25T03:30": 0}),
    ],
    ids=["autumn", "spring", "skipped hour", "doubled hour"],
)
def test_promise_04_a_clock_change_neither_repeats_nor_skips_a_digest(office, due, moments):
    """On the days on which the clocks change there is one digest, too."""
    office.tables["digest"]["at"] = due
    assert restarts(office, *moments) == list(moments.values())


def test_promise_04_after_days_down_one_digest_tells_all_since_the_last(each_office, smtp_server):
    """What happened on each of the days in between stands in the one digest that comes."""
    each_office.tables["digest"] |= {"weekdays": ["mon", "tue", "wed", "thu", "fri"], "names": True}
    restarts(each_office, "2026-11-02T08:00")
    with at_work(each_office) as work:
        for moment, name in [("2026-11-02T12:00", "Ben Tal"), ("2026-11-04T12:00", "Clara Weg")]:
            app = replace(work.app, clock=Clock.as_of(at(moment)))
            replace(work.queue, clock=app.clock.now).add(
                "chef", name=name, address=None, attendance=Attendance.YES, persons=2, new_id=name.lower
            )
    assert restarts(each_office, "2026-11-06T16:00", "2026-11-06T16:01") == [1, 0]
    each_office.send_due(Clock.as_of(at("2026-11-06T16:02")))
    first, second = (text_of(sent) for sent in digests(smtp_server))
    assert "Ben Tal" not in first
    assert "Ben Tal" in second
    assert "Clara Weg" in second
    assert restarts(each_office, "2026-11-09T08:00") == [1]
    each_office.send_due(Clock.as_of(at("2026-11-09T08:02")))
    assert "Ben Tal" not in text_of(digests(smtp_server)[2])


def test_promise_04_a_digest_that_cannot_be_sent_waits(office, smtp_server):
    """A server that is away at half past seven: the digest comes later, once, with the same octets."""
    smtp_server.script(drop(Step.ACCEPTED))
    clock = Clock.as_of(at("2026-11-02T07:31"))
    with office.app(clock) as app:
        assert app.queue_digests() == 1
    office.send_due(clock)
    office.send_due(Clock.as_of(at("2026-11-02T07:40")))
    office.send_due(Clock.as_of(at("2026-11-02T19:00")))
    first, second = digests(smtp_server)
    assert first.octets == second.octets
