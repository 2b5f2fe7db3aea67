"""Promises 1 and 2: a person works in the mailbox with a mail program of their own while it is scanned."""

from __future__ import annotations

import random
import re

import pytest


def flags_by_uid(client, folder="INBOX"):
    """Every flag of every message but \\Recent, which is the server's own."""
    client.select(folder, readonly=True)
    rows = client.uid("FETCH", "1:*", "(FLAGS)")[1]
    found = {}
    for row in rows:
        if row is not None:
            uid, flags = re.search(rb"UID (\d+)", row)[1], re.search(rb"FLAGS \(([^)]*)\)", row)[1]
            found[int(uid)] = frozenset(flags.split()) - {b"\\Recent"}
    return found


@pytest.fixture
def owner(account):
    client = account.client()
    yield client
    client.logout()


@pytest.mark.parametrize("after", ["leave", "keyword", "move"])
def test_promise_2_a_scan_leaves_every_flag_as_it_was(account, owner, open_inbox, cursor, mail, after):
    owner.create("Ablage")
    uids = account.append_all([mail(n) for n in range(60)])
    owner.select("INBOX")
    owner.uid("STORE", "1:10", "+FLAGS", "(\\Seen)")
    owner.uid("STORE", "5:15", "+FLAGS", "(\\Flagged wichtig)")
    owner.uid("STORE", "20,30,40", "+FLAGS", "(\\Deleted)")
    before = flags_by_uid(owner)
    inbox = open_inbox(account, after=after, move_to="Ablage")
    assert len(list(inbox.scan(cursor()))) == len(uids)
    inbox.summaries(uids)
    inbox.findings()
    assert flags_by_uid(owner) == before


@pytest.mark.parametrize("after", ["keyword", "move"])
def test_promise_2_what_the_owner_marked_deleted_is_still_there_after_filing(
    account, owner, open_inbox, cursor, mail, after
):
    owner.create("Ablage")
    account.append_all([mail(n) for n in range(10)])
    owner.select("INBOX")
    owner.uid("STORE", "2,4,6", "+FLAGS", "(\\Deleted)")
    inbox = open_inbox(account, after=after, move_to="Ablage")
    for found in inbox.scan(cursor()):
        if found.place.uid in {1, 3, 5}:
            inbox.file(found.place)
    inbox.close()
    left = flags_by_uid(owner)
    assert {uid for uid, flags in left.items() if b"\\Deleted" in flags} == {2, 4, 6}
    filed = {uid for uid, flags in left.items() if b"rsvp-mailer" in flags}
    if after == "keyword":
        assert filed == {1, 3, 5}
        assert len(left) == 10
    else:
        assert left.keys() == {2, 4, 6, 7, 8, 9, 10}
        assert len(flags_by_uid(owner, "Ablage")) == 3
    assert not any(b"\\Seen" in flags for flags in left.values())


def test_promise_1_nothing_is_lost_or_doubled_while_the_owner_works(account, owner, open_inbox, cursor, mail):
    """The owner reads, flags, moves away, marks deleted and expunges at random while two hundred mails are scanned."""
    dice = random.Random(4)
    owner.create("Privat")
    uids = account.append_all([mail(n) for n in range(200)])
    owner.select("INBOX")
    left, gone_before_fetch, found = set(uids), set(), []

    def work():
        uid = dice.choice(sorted(left))
        match dice.randrange(5):
            case 0:
                owner.uid("STORE", str(uid), "+FLAGS", "(\\Seen)")
            case 1:
                owner.uid("STORE", str(uid), "+FLAGS", "(\\Flagged)")
            case 2:
                owner.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
            case 3:
                owner.uid("MOVE", str(uid), "Privat")
                left.discard(uid)
                gone_before_fetch.add(uid)
            case _:
                owner.uid("STORE", str(uid), "+FLAGS", "(\\Deleted)")
                owner.uid("EXPUNGE", str(uid))
                left.discard(uid)
                gone_before_fetch.add(uid)

    for message in open_inbox(account).scan(cursor()):
        found.append(message)
        assert message.raw == mail(uids.index(message.place.uid))
        work()
        if len(found) == 1:  # between the search and most of the bodies
            for _ in range(60):
                work()
    seen = [message.place.uid for message in found]
    assert seen == sorted(set(seen))
    assert set(uids) - set(seen) <= gone_before_fetch
    assert left <= set(seen)
    assert gone_before_fetch - set(seen), "nothing vanished in time: the test has lost its point"


def test_mail_that_comes_and_goes_during_a_scan_is_found_by_the_next_one(account, owner, open_inbox, cursor, mail):
    account.append_all([mail(n) for n in range(120)])
    owner.select("INBOX")
    inbox, found = open_inbox(account), []
    for message in inbox.scan(cursor()):
        found.append(message.place.uid)
        if len(found) == 10:
            account.append(mail(500))
            owner.uid("STORE", "100:110", "+FLAGS", "(\\Deleted)")
            owner.expunge()
    state = inbox.open("INBOX")
    rest = [message.place.uid for message in inbox.scan(cursor(uidvalidity=state.uidvalidity, last_uid=found[-1]))]
    assert found + rest == [*range(1, 100), *range(111, 122)]


def test_hundreds_that_vanish_are_not_asked_for_one_by_one(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {uid: mail(uid) for uid in range(1, 401)}
    inbox = scripted_inbox()
    inbox.connect()
    scan = inbox.scan(cursor())
    assert next(scan).place.uid == 1
    for uid in range(2, 400):
        del scripted.messages[uid]
    assert [message.place.uid for message in scan][-2:] == [50, 400], "what was fetched counts"
    assert len([said for said in scripted.said if said.startswith("UID")]) < 30


def test_everything_vanishes_in_the_middle(account, owner, open_inbox, cursor, mail):
    account.append_all([mail(n) for n in range(120)])
    owner.select("INBOX")
    found = []
    for message in open_inbox(account).scan(cursor()):
        found.append(message.place.uid)
        if len(found) == 1:
            owner.store("1:*", "+FLAGS", "(\\Deleted)")
            owner.expunge()
    assert found == list(range(1, 51)), "what was fetched counts, and no more can come"
