"""Promise 1: no mail is lost.

After any crash, at any point, every message of the folder is exactly one of: recorded, ignored with a reason, set
aside (kept raw, visible, retryable), not yet seen. Real processes are killed in ``tests/long``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from office import reply
from scenes import Killed, at_work, balance, open_items, persons, position, received, rows, states, to_invitees

import rsvp_mailer.intake
import rsvp_mailer.poll
from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.outbox.confirmation import Composer
from rsvp_mailer.store.mails import Mails
from rsvp_mailer.store.tables import mail

YES = "Guten Tag, ich komme gern. Viele Grüße, {}"
OUT_OF_OFFICE = {"Auto-Submitted": "auto-replied"}


def guest(number, words=YES, **more):
    name = f"Gast {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[number]}"
    return reply(words.format(name), sender=f"gast{number}@verein.example", name=name, **more)


def break_parse(monkeypatch, marked, error):
    """From now on parsing a message that contains ``marked`` raises."""
    parse = rsvp_mailer.intake.parse_message

    def parse_or_raise(mail, *arguments):
        if marked in mail.raw:
            raise error
        return parse(mail, *arguments)

    monkeypatch.setattr(rsvp_mailer.intake, "parse_message", parse_or_raise)


def test_promise_01_every_message_is_exactly_one_of_four(each_office, account, smtp_server, monkeypatch):
    """Recorded, ignored with a reason, held or set aside for a person, or not yet seen: nothing in between."""
    before_the_start = datetime.now(UTC) - timedelta(days=400)
    account.append(guest(9), internaldate=before_the_start)
    account.append(guest(0))
    account.append(guest(1, "Wann kann man parken?"))
    account.append(guest(2, "Ich bin bis zum 30. nicht im Büro.", headers=OUT_OF_OFFICE))
    account.append(guest(3, "VERGIFTET, ich komme gern."))
    account.append(guest(4, "Wir kommen zu dritt."))
    break_parse(monkeypatch, b"VERGIFTET", ValueError("no"))
    since = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
    each_office.poll(since=since)
    assert states(each_office) == {2: "recorded", 3: "held", 4: "ignored", 5: "set_aside", 6: "recorded"}
    assert all(row.reason for row in rows(each_office, mail) if row.state == "ignored")
    assert sorted(item.kind for item in open_items(each_office)) == ["held", "set_aside"]
    assert balance(each_office).seen == 5
    account.append(guest(5))
    each_office.poll(since=since)
    assert states(each_office)[7] == "recorded"
    assert balance(each_office).seen == 6
    assert {sent.recipients for sent in received(smtp_server)} == {(f"gast{n}@verein.example",) for n in (0, 4, 5)}


def test_promise_01_a_run_that_dies_after_each_message_loses_and_doubles_nothing(
    each_office, account, smtp_server, monkeypatch
):
    """The program dies after every single message: the next start goes on exactly there."""
    monkeypatch.setattr(rsvp_mailer.poll, "_GROUP_MESSAGES", 1)
    account.append_all(
        [guest(0), guest(1, "Wann geht es los?"), guest(2), guest(0, "Ich muss leider absagen."), guest(3)]
    )

    def die(*_):
        raise Killed

    for uid in range(1, 6):
        with pytest.raises(Killed), at_work(each_office) as work:
            work.poll(watch=die)
        assert position(each_office) == uid
        assert balance(each_office).seen == uid
    each_office.poll()
    assert len(rows(each_office, mail)) == 5
    assert persons(each_office)["gast0@verein.example"][0] == "no"
    assert sorted(sent.recipients[0] for sent in received(smtp_server)) == [
        f"gast{number}@verein.example" for number in (0, 2, 3)
    ]


@pytest.mark.parametrize(
    ("where", "method"), [(Composer, "confirmation"), (Mails, "keep")], ids=["composing", "writing"]
)
def test_promise_01_a_crash_amid_the_transaction_leaves_no_trace(
    each_office, account, smtp_server, monkeypatch, where, method
):
    """What was not committed never was: no row, the cursor has not moved, and the mail is met again."""

    def die(*_, **__):
        raise Killed

    account.append(guest(0))
    with monkeypatch.context() as patched:
        patched.setattr(where, method, die)
        with pytest.raises(Killed), at_work(each_office) as work:
            work.poll()
    assert rows(each_office, mail) == []
    assert to_invitees(each_office) == []
    assert position(each_office) == 0
    each_office.poll()
    assert states(each_office) == {1: "recorded"}
    assert len(received(smtp_server)) == 1


def test_promise_01_a_message_that_kills_the_program_three_times_is_set_aside(
    each_office, account, smtp_server, monkeypatch
):
    """No message holds up the mailbox for ever: after three deaths it goes to a person, raw, and can be retried."""
    deadly = guest(1, "Ich komme gern.\n\nMit freundlichen Grüßen\nTÖDLICH")
    account.append_all([guest(0), deadly, guest(2)])
    deaths = 0
    with monkeypatch.context() as patched:
        break_parse(patched, "TÖDLICH".encode(), Killed())
        while deaths < 10:
            try:
                each_office.poll()
            except Killed:
                deaths += 1
            else:
                break
    assert 3 <= deaths <= 5  # two until it stands alone at the head of a scan, and three there
    assert states(each_office) == {1: "recorded", 2: "set_aside", 3: "recorded"}
    with at_work(each_office) as work:
        (item,) = work.queue.waiting()
        with work.app.store.reading() as tx:
            assert tx.mails.raw(item.mail.id) == deadly
        work.queue.accept(item.item.id, "chef")
    assert states(each_office)[2] == "recorded"
    assert balance(each_office).set_aside == 0
    each_office.send_due()
    assert sorted(sent.recipients[0] for sent in received(smtp_server)) == [f"gast{n}@verein.example" for n in range(3)]


def test_promise_01_troubles_of_the_machine_are_no_deaths(office, account, monkeypatch):
    """A store that fails again and again says nothing about the message that waits: it is taken in the end."""

    def fail(*_, **__):
        raise TemporaryError

    account.append(guest(0))
    with monkeypatch.context() as patched:
        patched.setattr(Mails, "keep", fail)
        for _ in range(5):
            with pytest.raises(TemporaryError):
                office.poll()
    office.poll()
    assert states(office) == {1: "recorded"}
