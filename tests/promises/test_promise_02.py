"""Promise 2: the mailbox belongs to its human.

``\\Seen`` is never state and never changed; only UID commands; mail that is not ours is not touched, answered or
kept; a human's \\Deleted message is still there afterwards. The cursor is (mailbox, folder, UIDVALIDITY, UID); a
changed UIDVALIDITY means a rescan that sends nothing twice. What was fetched counts, whatever a second client does to
it; what a person filed away before that is found in the other folders that the settings name. Same Message-ID, sender
and own words: a duplicate. Same Message-ID with other content: processed. No Message-ID: a hash of the raw bytes.
"""

from __future__ import annotations

import pytest
from office import reply
from scenes import at_work, balance, flags, open_items, persons, received, rows, states, to_invitees

import rsvp_mailer.intake
from rsvp_mailer.store.tables import cursor, mail

ANNA = "anna.berg@verein.example"
PRIVATE = reply(
    "Lieber Halil, die Waschmaschine ist repariert. Rechnung liegt in der Küche. Gruß, Karin",
    sender="karin@freunde.example",
    name="Karin",
    subject="Waschmaschine",
    in_reply_to=None,
)
NEWSLETTER = reply(
    "Unser Angebot des Monats: Büromöbel.",
    sender="news@moebel.example",
    subject="Newsletter November",
    in_reply_to=None,
    headers={"List-Unsubscribe": "<mailto:weg@moebel.example>"},
)


def guest(number, words="Ich komme gern."):
    return reply(words, sender=f"gast{number}@verein.example", name=f"Gast {number}")


@pytest.mark.parametrize("after", ["leave", "keyword", "move"])
def test_promise_02_the_owner_s_marks_stay_as_they_were(office, account, owner, smtp_server, after):
    """Read, flagged, marked deleted: nothing of it changes, and what is marked deleted is not expunged."""
    owner.create("Konferenz")
    office.tables["mailboxes"].update(after=after, **({"move_to": "Konferenz"} if after == "move" else {}))
    account.append_all([PRIVATE, guest(2), guest(3), NEWSLETTER, guest(5), guest(6, "Wo kann man parken?"), PRIVATE])
    owner.select("INBOX")
    owner.uid("STORE", "3,4", "+FLAGS", "(\\Seen)")
    owner.uid("STORE", "1,5", "+FLAGS", "(\\Flagged wichtig)")
    owner.uid("STORE", "2,7", "+FLAGS", "(\\Deleted)")
    before = flags(owner)
    office.poll()
    office.poll()
    settled = {2, 3, 5}
    assert {uid for uid, state in states(office).items() if state == "recorded"} == settled
    inbox, filed = flags(owner), flags(owner, "Konferenz")
    if after == "leave":
        assert inbox == before
    elif after == "keyword":
        assert inbox == {uid: marks | ({"rsvp-mailer"} if uid in settled else set()) for uid, marks in before.items()}
    else:
        assert inbox == {uid: marks for uid, marks in before.items() if uid not in settled}
        assert sorted(filed.values(), key=sorted) == sorted((before[uid] for uid in settled), key=sorted)
    assert len(received(smtp_server)) == 3


def test_promise_02_nothing_of_private_mail_is_kept(each_office, account):
    """Of mail that is not ours the store knows where it lies, that it was left alone, and why."""
    account.append_all([PRIVATE, NEWSLETTER])
    each_office.poll()
    for row in rows(each_office, mail):
        assert (row.state, bool(row.reason)) == ("ignored", True)
        kept = (row.person, row.subject, row.message_id, row.raw, row.own_words, row.reading, row.correspondent)
        assert kept == (None,) * 7
    assert "waschmaschine" not in repr(rows(each_office, mail)).lower()
    assert to_invitees(each_office) == []


def test_promise_02_a_second_client_at_work_during_a_poll(office, account, owner, smtp_server):
    """The owner reads, flags, files, marks deleted and expunges while the program reads: each answer counts once."""
    office.tables["mailboxes"].update(after="keyword", also_search=["Archiv"])
    office.tables["limits"]["automatic_mails_per_hour"] = 500
    owner.create("Archiv")
    account.append_all([guest(number) for number in range(1, 111)] + [PRIVATE])
    steps = iter(range(1_000))

    def work_beside(*_):
        step = next(steps)
        owner.select("INBOX")
        if step == 0:
            owner.uid("STORE", "1:20", "+FLAGS", "(\\Seen)")
            owner.uid("STORE", "5,6,80", "+FLAGS", "(\\Flagged)")
            owner.uid("MOVE", "1,2,60:70", "Archiv")  # the program has fetched the first two, not the others
        elif step == 3:
            owner.uid("STORE", "10,11", "+FLAGS", "(\\Deleted)")
            owner.expunge()  # both were fetched
            owner.uid("STORE", "100", "+FLAGS", "(\\Deleted)")
            owner.expunge()  # was not
            owner.uid("STORE", "12,90,111", "+FLAGS", "(\\Deleted)")

    with at_work(office) as work:
        work.poll(watch=work_beside)
        work.poll()
    office.poll()
    there = {f"gast{number}@verein.example" for number in range(1, 111) if number != 100}
    assert persons(office).keys() == there
    assert sorted(sent.recipients[0] for sent in received(smtp_server)) == sorted(there)
    left = flags(owner)
    assert {uid for uid, marks in left.items() if "\\Deleted" in marks} == {12, 90, 111}
    assert {uid for uid, marks in left.items() if "\\Seen" in marks} == set(range(3, 21)) - {10, 11}
    assert left[111] == {"\\Deleted"}
    assert len(flags(owner, "Archiv")) == 13
    assert balance(office).recorded == len(there)


def test_promise_02_a_folder_made_anew_is_read_anew_and_nothing_is_sent_twice(
    each_office, account, owner, smtp_server, monkeypatch
):
    """Another UIDVALIDITY: every message is recognised, in whatever order it lies now; what is new is processed."""
    office = each_office
    office.tables["mailboxes"]["folder"] = "Antworten"
    owner.create("Antworten")
    broken = guest(5, "KAPUTT, ich komme.")
    raws = [guest(1), guest(2, "Wo kann man parken?"), PRIVATE, guest(4, "Wir kommen gern."), broken, NEWSLETTER]
    account.append_all(raws, folder="Antworten")
    parse = rsvp_mailer.intake.parse_message

    def parse_or_raise(raw_mail, *arguments):
        if b"KAPUTT" in raw_mail.raw:
            raise ValueError
        return parse(raw_mail, *arguments)

    monkeypatch.setattr(rsvp_mailer.intake, "parse_message", parse_or_raise)
    office.poll()
    before, sent, items = balance(office), list(smtp_server.mails), len(open_items(office))
    assert (before.recorded, before.in_review, before.ignored, before.set_aside) == (1, 2, 2, 1)
    (validity,) = {row.uidvalidity for row in rows(office, cursor)}

    owner.delete("Antworten")
    owner.create("Antworten")
    account.append_all([*reversed(raws), guest(7)], folder="Antworten")
    office.poll()
    (new_validity,) = {row.uidvalidity for row in rows(office, cursor)}
    assert new_validity != validity
    after = balance(office)
    assert (after.seen, after.recorded) == (before.seen + 1, before.recorded + 1)
    assert (after.in_review, after.ignored, after.set_aside) == (2, 2, 1)
    assert len(open_items(office)) == items
    assert [each.recipients for each in smtp_server.mails[len(sent) :]] == [("gast7@verein.example",)]
    assert {row.uidvalidity for row in rows(office, mail)} == {new_validity}
    # What waits can still be decided, and its message be found.
    held = next(item for item in open_items(office) if item.kind == "held")
    with at_work(office) as work:
        work.queue.dismiss(held.id, "chef")
    assert balance(office).in_review == 1


def test_promise_02_filing_after_a_folder_was_made_anew_touches_nobody_else(office, account, owner):
    """A UID of the former folder is another message now: it is not marked in place of the right one."""
    office.tables["mailboxes"].update(folder="Antworten", after="keyword")
    owner.create("Antworten")
    one, two = guest(1), guest(2)
    account.append_all([one, two], folder="Antworten")

    def make_anew(*_):
        if make_anew.done:
            return
        make_anew.done = True
        owner.delete("Antworten")
        owner.create("Antworten")
        account.append_all([PRIVATE, two, one], folder="Antworten")

    make_anew.done = False
    with at_work(office) as work:
        try:
            work.poll(watch=make_anew)
        except ConnectionError:
            assert make_anew.done
    office.poll()
    office.poll()
    client = account.client()  # the owner's own connection ended with the folder it had open
    assert flags(client, "Antworten") == {1: set(), 2: {"rsvp-mailer"}, 3: {"rsvp-mailer"}}
    client.logout()
    assert balance(office).recorded == 2


def test_promise_02_duplicates(each_office, account, smtp_server):
    """Delivered twice: once. The same Message-ID on another text: another mail. Without one, the octets decide."""
    one = reply("Wir kommen zu zweit.", message_id="<gleich@verein.example>")
    again = b"Received: from b by mx.office.example; Mon, 2 Nov 2026 10:00:00 +0100\r\n" + one
    other = reply("Korrektur: wir kommen doch zu dritt.", message_id="<gleich@verein.example>")
    nameless = guest(4).replace(b"Message-ID: ", b"X-Removed: ")
    account.append_all([one, again, other, nameless, nameless, nameless.replace(b"komme gern", b"komme doch gern")])
    each_office.poll()
    assert states(each_office) == {
        1: "recorded",
        2: "ignored",
        3: "recorded",
        4: "recorded",
        5: "ignored",
        6: "recorded",
    }
    assert [row.reason for row in rows(each_office, mail) if row.state == "ignored"] == ["duplicate", "duplicate"]
    assert persons(each_office)[ANNA] == ("yes", 3)
    # Both of hers had come before the first could be confirmed: the newest state goes out.
    assert sorted(sent.recipients[0] for sent in received(smtp_server)) == [ANNA, "gast4@verein.example"]
    assert balance(each_office).seen == 6


def test_promise_02_mail_filed_away_before_it_was_read_is_found(office, account, owner, smtp_server):
    """Moved by a person or a filter before the program came by: looked for where the settings say; copies once."""
    office.tables["mailboxes"]["also_search"] = ["Archiv/2026", "Vereine"]
    for folder in ("Archiv", "Archiv/2026", "Vereine"):
        owner.create(folder.replace("/", "."))
    account.append(guest(1), folder="Archiv.2026")
    account.append(guest(2))
    account.append(guest(3))
    owner.select("INBOX")
    owner.uid("MOVE", "2", "Vereine")
    office.poll()
    assert persons(office).keys() == {f"gast{number}@verein.example" for number in (1, 2, 3)}
    owner.select("INBOX")
    owner.uid("MOVE", "1", "Vereine")  # filed after it was read
    office.poll()
    assert len(received(smtp_server)) == 3
    assert balance(office).recorded == 3
    assert balance(office).ignored == 1


def test_promise_02_seen_is_no_state(office, account, owner):
    """What the owner has read is read by the program as well, and what the program has read stays unread."""
    account.append_all([guest(1), guest(2)])
    owner.select("INBOX")
    owner.uid("STORE", "1", "+FLAGS", "(\\Seen)")
    office.poll()
    assert states(office) == {1: "recorded", 2: "recorded"}
    assert flags(owner) == {1: {"\\Seen"}, 2: set()}
