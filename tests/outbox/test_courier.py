"""Between store and server: nothing lost, nothing twice, back-off, pauses, alerts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from servers_smtp import SmtpServer, Step, drop, hang, refuse

from rsvp_mailer.errors import ConfigError, LoginRefusedError, PermanentDeliveryError, TemporaryError
from rsvp_mailer.outbox.courier import MAX_ATTEMPTS, Claimed, Courier

OFFICE = "office@jugendamt.essen.example"
MAIL = b"Subject: Zusage\r\n\r\nEs bleibt dabei.\r\n"
START = datetime(2017, 11, 6, 8, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def forward(self, **span):
        self.now += timedelta(**span)


@dataclass
class Row:
    recipient: str
    state: str = "waiting"
    due_at: datetime = START
    attempts: int = 0
    smtp_code: int | None = None
    error: str = ""


@dataclass
class Rows:
    """The store's side in memory, as the state table of the schema has it."""

    rows: list[Row]
    broken: list[str] = field(default_factory=list)  # calls that fail once, in order

    def _fails(self, call):
        if self.broken and self.broken[0] == call:
            self.broken.pop(0)
            raise TemporaryError("database locked")

    def claim(self, now, limit):
        self._fails("claim")
        due = [(i, row) for i, row in enumerate(self.rows) if row.state == "waiting" and row.due_at <= now][:limit]
        for _, row in due:
            row.state, row.attempts = "sending", row.attempts + 1
        return [Claimed(i, row.recipient, row.attempts, MAIL) for i, row in due]

    def release(self, ids):
        self._fails("release")
        for i in ids:
            assert self.rows[i].state == "sending"
            self.rows[i].state, self.rows[i].attempts = "waiting", self.rows[i].attempts - 1

    def mark_sent(self, i, now):
        self._fails("mark_sent")
        assert self.rows[i].state == "sending"
        self.rows[i].state = "sent"

    def mark_retry(self, i, due_at, smtp_code, error):
        self._fails("mark_retry")
        row = self.rows[i]
        row.state, row.due_at, row.smtp_code, row.error = "waiting", due_at, smtp_code, error

    def mark_failed(self, i, smtp_code, error):
        self._fails("mark_failed")
        row = self.rows[i]
        row.state, row.smtp_code, row.error = "failed", smtp_code, error

    @property
    def states(self):
        return [row.state for row in self.rows]


class Scripted:
    """A session that raises what the script holds, then takes everything."""

    def __init__(self, *script):
        self.script, self.sent, self.tried, self.closed = list(script), [], 0, 0

    async def send(self, octets, *, sender, recipient):
        self.tried += 1
        if self.script and (error := self.script.pop(0)) is not None:
            raise error
        self.sent.append(recipient)

    async def close(self):
        self.closed += 1


def rows(count):
    return Rows([Row(f"person{number}@example.org") for number in range(count)])


@pytest.fixture
def clock():
    return Clock()


def courier(store, session, clock, **options):
    return Courier(store, session, sender=OFFICE, clock=clock, **options)


def once(made):
    return asyncio.run(made.run_once())


def test_everything_due_goes_over_one_connection(smtp_server, clock, open_session):
    store = rows(25)
    store.rows[3].due_at = START + timedelta(minutes=1)

    async def main():
        session = open_session(smtp_server.port)
        done = await courier(store, session, clock).run_once()
        await session.close()
        return done

    assert asyncio.run(main()).sent == 24
    assert store.states.count("sent") == 24
    assert store.states[3] == "waiting"
    assert smtp_server.connections == 1
    assert {mail.sender for mail in smtp_server.mails} == {OFFICE}
    assert len({mail.recipients for mail in smtp_server.mails}) == 24


def test_refusals_concern_one_message(smtp_server, clock, open_session):
    store = rows(5)
    smtp_server.refused["person1@example.org"] = "450 4.2.0 full"
    smtp_server.refused["person3@example.org"] = "550 5.1.1 unknown"

    async def main():
        session = open_session(smtp_server.port)
        await courier(store, session, clock).run_once()
        await session.close()

    asyncio.run(main())
    assert store.states == ["sent", "waiting", "sent", "failed", "sent"]
    assert (store.rows[1].smtp_code, store.rows[1].due_at) == (450, START + timedelta(minutes=1))
    assert store.rows[3].smtp_code == 550
    assert "person" not in store.rows[1].error + store.rows[3].error


def test_the_lost_answer_sends_the_same_octets_once_more(smtp_server, clock, open_session):
    store = rows(2)
    smtp_server.script(drop(Step.ACCEPTED))

    async def main():
        session = open_session(smtp_server.port)
        made = courier(store, session, clock)
        assert (await made.run_once()).interrupted
        assert store.states == ["waiting", "waiting"]
        clock.forward(minutes=2)
        await made.run_once()
        await session.close()

    asyncio.run(main())
    assert store.states == ["sent", "sent"]
    assert [mail.recipients[0] for mail in smtp_server.mails].count("person0@example.org") == 2
    assert len({mail.octets for mail in smtp_server.mails}) == 1


def test_back_off_grows_and_ends_after_two_days(clock):
    store = rows(1)
    made = courier(store, Scripted(*[TemporaryError("wait", smtp_code=450)] * 99), clock)
    waits = []
    while store.states == ["waiting"]:
        once(made)
        waits.append((store.rows[0].due_at - clock.now).total_seconds() / 60)
        clock.now = max(clock.now, store.rows[0].due_at)
    assert waits[:6] == [1, 5, 15, 60, 60, 60]
    assert len(waits) == MAX_ATTEMPTS
    assert timedelta(hours=47) < clock.now - START < timedelta(hours=50)
    assert store.states == ["failed"]
    assert store.rows[0].smtp_code == 450


def test_a_server_that_is_down_costs_the_others_nothing(clock):
    store = rows(30)
    session = Scripted(TemporaryError("cannot be reached"))
    made = courier(store, session, clock)
    assert once(made).interrupted
    assert session.tried == 1
    assert [row.attempts for row in store.rows] == [1] + [0] * 29
    assert once(made).sent == 0
    assert session.tried == 1  # pausing
    clock.forward(seconds=6)
    assert once(made).sent == 29


def test_pauses_for_a_server_that_is_down_grow_to_five_minutes(clock):
    store = rows(60)
    session = Scripted(*[TemporaryError("cannot be reached")] * 30)
    made = courier(store, session, clock)
    tries = []
    for _ in range(1800):
        before = session.tried
        once(made)
        if session.tried > before:
            tries.append((clock.now - START).total_seconds())
        clock.forward(seconds=1)
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[:7] == [5, 10, 20, 40, 80, 160, 300]
    assert set(gaps[7:]) == {300}


def test_a_refused_login_is_tried_three_times_half_an_hour_apart(clock):
    store = rows(3)
    session = Scripted(*[LoginRefusedError("smtp: login refused")] * 9)
    made = courier(store, session, clock)
    for minute in range(300):
        once(made)
        assert session.tried == min(3, minute // 30 + 1)
        clock.forward(minutes=1)
    assert made.gave_up
    assert "login refused" in made.alert
    assert "tried 3 times" in made.alert
    assert store.states == ["waiting"] * 3
    assert [row.attempts for row in store.rows] == [0, 0, 0]


def test_an_alert_ends_with_the_next_success(clock):
    store = rows(1)
    made = courier(store, Scripted(ConfigError(["smtp: certificate not trusted"]), None), clock)
    once(made)
    assert made.alert == "smtp: certificate not trusted"
    clock.forward(minutes=29)
    assert once(made).sent == 0
    clock.forward(minutes=2)
    assert once(made).sent == 1
    assert made.alert == ""


def test_permanent_failures_do_not_stop_the_round(clock):
    store = rows(3)
    refusal = PermanentDeliveryError("refused", smtp_code=550, recipient="person0@example.org")
    assert once(courier(store, Scripted(refusal), clock)).failed == 1
    assert store.states == ["failed", "sent", "sent"]


@pytest.mark.parametrize("call", ["mark_sent", "mark_retry", "mark_failed"])
def test_an_outcome_that_could_not_be_written_is_written_before_anything_else(clock, call):
    """A message that went out is not sent again because the database was locked at that moment."""
    store = rows(3)
    store.broken = [call]
    outcome = {
        "mark_sent": None,
        "mark_retry": TemporaryError("wait", smtp_code=450),
        "mark_failed": PermanentDeliveryError("no", smtp_code=550, recipient="x"),
    }[call]
    session = Scripted(outcome)
    made = courier(store, session, clock)
    with pytest.raises(TemporaryError, match="locked"):
        once(made)
    once(made)
    state = {"mark_sent": "sent", "mark_retry": "waiting", "mark_failed": "failed"}[call]
    assert store.states == [state, "sent", "sent"]
    assert session.tried == 3


def test_run_sends_what_is_new_when_woken_and_stops(smtp_server, clock, open_session):
    store = rows(1)

    async def main():
        stop, wake = asyncio.Event(), asyncio.Event()
        session = open_session(smtp_server.port)
        running = asyncio.create_task(courier(store, session, clock, rest_s=60).run(stop, wake))
        await asyncio.to_thread(smtp_server.wait_for, 1)
        store.rows.append(Row("late@example.org"))
        wake.set()
        await asyncio.to_thread(smtp_server.wait_for, 2)
        stop.set()
        await asyncio.wait_for(running, 2)

    asyncio.run(main())
    assert store.states == ["sent", "sent"]
    assert smtp_server.connections == 1


def test_run_outlives_a_locked_store(clock):
    store = rows(1)
    store.broken = ["claim", "mark_sent"]
    session = Scripted()

    async def main():
        stop, wake = asyncio.Event(), asyncio.Event()
        running = asyncio.create_task(courier(store, session, clock, rest_s=0.02).run(stop, wake))
        async with asyncio.timeout(5):
            while store.states != ["sent"]:
                await asyncio.sleep(0.01)
        stop.set()
        await running

    asyncio.run(main())
    assert session.tried == 1


def test_a_connection_at_rest_is_closed(clock):
    session = Scripted()

    async def main():
        stop = asyncio.Event()
        running = asyncio.create_task(courier(rows(1), session, clock, rest_s=0.02).run(stop, asyncio.Event()))
        async with asyncio.timeout(5):
            while not session.closed:
                await asyncio.sleep(0.01)
        stop.set()
        await running

    asyncio.run(main())


def test_stop_in_the_middle_of_a_message_leaves_it_claimed_and_gives_the_rest_back(clock, monkeypatch, open_session):
    """The server has the message and says nothing: the row stays "sending", to go again at the next start."""
    monkeypatch.setattr("rsvp_mailer.outbox.courier._STOP_GRACE_S", 0.2)
    store = rows(3)

    async def main(smtp_server):
        stop = asyncio.Event()
        session = open_session(smtp_server.port)
        running = asyncio.create_task(courier(store, session, clock).run(stop, asyncio.Event()))
        await asyncio.to_thread(smtp_server.wait_for, 1)
        stop.set()
        await asyncio.wait_for(running, 3)

    with SmtpServer() as smtp_server:
        smtp_server.script(hang(Step.ACCEPTED))
        asyncio.run(main(smtp_server))
    assert store.states == ["sending", "waiting", "waiting"]


def test_stop_between_messages_gives_the_rest_back(clock):
    store = rows(8)
    stop = asyncio.Event()

    class Stopping(Scripted):
        async def send(self, octets, *, sender, recipient):
            await super().send(octets, sender=sender, recipient=recipient)
            if len(self.sent) == 3:
                stop.set()

    asyncio.run(courier(store, Stopping(), clock).run_once(stop))
    assert store.states == ["sent"] * 3 + ["waiting"] * 5


def test_421_ends_the_round(smtp_server, clock, open_session):
    store = rows(3)
    smtp_server.script(refuse("421 4.3.2 going down", at=Step.RCPT))

    async def main():
        session = open_session(smtp_server.port)
        made = courier(store, session, clock)
        assert (await made.run_once()).interrupted
        await session.close()

    asyncio.run(main())
    assert [row.attempts for row in store.rows] == [1, 0, 0]
