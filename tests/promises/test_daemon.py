"""``rsvp-mailer run`` and the office's commands, as processes and from end to end."""

from __future__ import annotations

import signal
import time

from office import reply
from scenes import balance, open_items, persons, position, received, states
from servers_smtp import wait_until

SINCE = ("--since", "2000-01-01")
ANNA = "anna.berg@verein.example"


def test_run_reads_confirms_refuses_a_second_one_and_stops_at_once(office, account, smtp_server, command):
    """Waiting mail first, then new mail as it comes; SIGTERM ends it within ten seconds, with nothing left to mend."""
    account.append(reply("Wir kommen zu zweit."))
    with office.running(*SINCE) as process:
        smtp_server.wait_for(2, seconds=40)  # the confirmation and the digest
        wait_until(lambda: position(office) == 1)
        second = command(office, "run")
        assert second.status == 2
        assert "another rsvp-mailer is working on mailbox office" in second.err
        assert command(office, "poll").status == 2
        for number in range(3):
            sent_before = len(smtp_server.mails)
            began = time.monotonic()
            account.append(reply("Ich komme.", sender=f"gast{number}@verein.example", name=f"Gast {number}"))
            smtp_server.wait_for(sent_before + 1, seconds=20)
            print(f"arrival to confirmation: {time.monotonic() - began:.2f} s")
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        print(f"stopped within {time.monotonic() - began:.2f} s")
    assert states(office) == dict.fromkeys(range(1, 5), "recorded")
    assert len(received(smtp_server)) == 4
    assert balance(office).recorded == 4
    log = (office.folder / "run.log").read_text()
    assert "stopped" in log
    assert "Traceback" not in log
    assert ANNA not in log
    assert command(office, "poll").status == 0  # the lock was given back
    assert len(received(smtp_server)) == 4


def test_status_tells_by_its_exit_whether_a_person_is_needed(office, account, command):
    """0 when all is well, 1 while something waits."""
    account.append(reply("Ich komme."))
    assert command(office, "poll", *SINCE).status == 0
    assert command(office, "status").status == 0
    account.append(reply("Wann beginnt es?", sender="ben@verein.example", name="Ben"))
    assert command(office, "poll").status == 0
    waiting = command(office, "status")
    assert waiting.status == 1
    assert "waiting for a person: 1 items" in waiting.out
    (item,) = open_items(office)
    assert command(office, "review", "dismiss", str(item.id), "--by", "chef").status == 0
    assert command(office, "status").status == 0


def test_the_queue_from_the_terminal(office, account, smtp_server, command):
    """list, show, accept, correct, undo: each does what it says, and says what it did."""
    account.append(reply("Wir kommen mit 5 bis 6 Personen."))
    command(office, "poll", *SINCE)
    (item,) = open_items(office)
    number = str(item.id)
    listed = command(office, "review", "list")
    assert ANNA in listed.out or "Anna Berg" in listed.out
    shown = command(office, "review", "show", number)
    assert "5 bis 6" in shown.out
    assert command(office, "review", "accept", number, "--by", "chef").status == 0
    assert persons(office) == {ANNA: ("yes", 6)}
    again = command(office, "review", "accept", number)
    assert again.status == 2
    assert "undo" in again.err
    assert command(office, "review", "undo", number).status == 0
    (item,) = open_items(office)
    assert command(office, "review", "correct", str(item.id), "yes", "5", "--by", "chef").status == 0
    assert command(office, "review", "correct", "999", "yes", "5").status == 2
    command(office, "poll")
    assert persons(office) == {ANNA: ("yes", 5)}
    assert len(received(smtp_server)) == 1


def test_a_telephone_answer_from_the_terminal(office, smtp_server, command):
    """add enters it, confirms where there is an address, and says how to take it back."""
    done = command(office, "add", "Anna Berg", "yes", "3", "--address", ANNA, "--by", "chef")
    assert done.status == 0
    assert "T1" in done.out
    assert command(office, "add", "Ben", "yes", "--by", "chef").status == 2  # how many?
    command(office, "poll", "--since", "now")
    assert [sent.recipients for sent in received(smtp_server)] == [(ANNA,)]
    assert command(office, "review", "undo", "T1").status == 0
    assert persons(office) == {ANNA: (None, None)}


def test_ignored_and_reprocess(office, account, owner, smtp_server, command):
    """What was left alone is listed live; a second look changes nothing by itself and confirms nothing twice."""
    private = reply("Die Waschmaschine ist da.", sender="karin@freunde.example", subject="Haus", in_reply_to=None)
    account.append_all([private, reply("Wir kommen zu zweit.")])
    command(office, "poll", *SINCE)
    listed = command(office, "ignored")
    assert listed.status == 0
    assert "karin@freunde.example" in listed.out
    assert "Haus" in listed.out
    for arguments in (("2",), ("2", "--apply"), ("1", "--apply"), ("--since", "2000-01-01", "--apply")):
        outcome = command(office, "reprocess", *arguments)
        assert outcome.status == 0, outcome.err
        assert outcome.out.startswith("0 ")
    command(office, "poll")
    assert len(received(smtp_server)) == 1
    assert command(office, "reprocess", "77").status == 2
    owner.select("INBOX")
    owner.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
    owner.expunge()
    assert "no longer there" in command(office, "ignored").out
    assert balance(office).seen == 2
