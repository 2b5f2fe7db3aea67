"""Promise 7: a stored answer is only changed by its owner or by staff.

Every change can be undone and is on record. Owner: same From address; a thread token, if there is one, must be of
that answer; authentication not failed. A valid token from another address holds. Where a relay rewrites Message-IDs,
the invitee's own Message-ID in References serves.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from office import INVITATION_ID, reply
from scenes import at_work, balance, figures, later, open_items, persons, received, rows, text_of, to_invitees

from rsvp_mailer.domain import Attendance
from rsvp_mailer.review.queue import ReviewError
from rsvp_mailer.store.tables import answer, ruling

A_MOMENT = timedelta(seconds=2)
ANNA, BEN = "anna.berg@verein.example", "ben@verein.example"


def history(office, person=ANNA):
    """Attendance, size and author of each row, oldest first."""
    return [(row.attendance, row.party_size, row.by) for row in rows(office, answer) if row.person == person]


def only_item(office):
    """Number of the one item that waits."""
    (item,) = open_items(office)
    return item.id


def test_promise_07_the_owner_changes_an_answer_and_each_change_is_on_record(each_office, account, smtp_server):
    """The same address says another thing: stored, confirmed, and the former answer stays in the history."""
    account.append(reply("Wir kommen zu viert."))
    each_office.poll()
    account.append(reply("Korrektur: wir kommen doch nur zu zweit."))
    each_office.poll()
    assert persons(each_office) == {ANNA: ("yes", 2)}
    assert history(each_office) == [("yes", 4, "auto"), ("yes", 2, "auto")]
    assert "2 Personen" in text_of(received(smtp_server)[1])
    assert figures(each_office).head_count.certain == 2


def test_promise_07_somebody_else_in_her_thread_changes_nothing(each_office, account, smtp_server):
    """Our confirmation was passed on, and another address answers it: held, her answer stands, nobody is told."""
    account.append(reply("Wir kommen zu viert."))
    each_office.poll()
    ours = received(smtp_server)[0].message["Message-ID"]
    account.append(reply("Wir kommen doch nicht.", sender=BEN, name="Ben Tal", in_reply_to=ours))
    each_office.poll()
    assert persons(each_office) == {ANNA: ("yes", 4)}
    (item,) = open_items(each_office)
    assert "sender_unverified" in item.reasons
    assert len(received(smtp_server)) == 1
    assert balance(each_office).in_review == 1


FORGED = {
    "dmarc failed": {"Authentication-Results": "mx.office.example; dmarc=fail header.from=verein.example"},
    "spf and dkim failed": {"Authentication-Results": "mx.office.example; spf=fail; dkim=fail"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_promise_07_a_forged_sender_changes_nothing(office, account, smtp_server, headers):
    """Our own server says that it was not she: a person looks."""
    account.append(reply("Wir kommen zu viert."))
    account.append(reply("Korrektur: wir kommen doch nicht.", headers=headers))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 4)}
    assert open_items(office)[0].reasons == ["sender_unverified"]
    assert len(received(smtp_server)) == 1


def test_promise_07_a_verdict_of_some_other_server_counts_for_nothing(office, account):
    """Anybody can write a header; only the own server's name is believed, for good and for ill."""
    account.append(reply("Ich komme.", headers={"Authentication-Results": "mx.fremd.example; dmarc=fail"}))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 1)}


def test_promise_07_another_person_at_the_same_address_is_looked_at(office, account, smtp_server):
    """A shared mailbox: the second one's answer does not replace the first one's by itself."""
    account.append(reply("Ich komme mit meiner Schwester."))
    account.append(reply("Ich komme allein.", name="Jonas Krug"))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 2)}
    assert open_items(office)[0].reasons == ["contradiction"]
    assert len(received(smtp_server)) == 1


def in_rewritten_thread(words):
    """Her answer to a confirmation whose Message-ID a relay has replaced."""
    return reply(words, in_reply_to="<neu-geschrieben@relay.example>").replace(
        b"References: <neu-geschrieben@relay.example>",
        f"References: {INVITATION_ID}\r\n <anna-1@verein.example>\r\n <neu-geschrieben@relay.example>".encode(),
    )


@pytest.mark.parametrize("relayed", [False, True], ids=["our Message-ID", "rewritten"])
def test_promise_07_thanks_for_a_confirmed_refusal_are_no_assent(office, account, smtp_server, relayed):
    """ "Passt so" after a cancellation agrees with the cancellation."""
    account.append(reply("Ich kann leider nicht kommen.", message_id="<anna-1@verein.example>"))
    office.poll()
    words, ours = "Danke, passt so!", received(smtp_server)[0].message["Message-ID"]
    account.append(in_rewritten_thread(words) if relayed else reply(words, in_reply_to=ours))
    office.poll()
    assert persons(office) == {ANNA: ("no", 0)}
    assert len(received(smtp_server)) == 1


def test_promise_07_a_relay_that_rewrites_our_message_ids_does_no_harm(office, account, smtp_server):
    """Our Message-ID is another one in her thread, but her own is still there: it is she who answers our question."""
    account.append(reply("Wir kommen gerne.", message_id="<anna-1@verein.example>"))
    office.poll()
    assert len(received(smtp_server)) == 1
    account.append(in_rewritten_thread("Zu dritt."))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 3)}
    account.append(in_rewritten_thread("Danke, passt so!"))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 3)}
    assert len(received(smtp_server)) == 2


def test_promise_07_staff_correct_and_undo_and_the_invitee_is_told_each_time(each_office, account, smtp_server):
    """A correction is stored with who and when, confirmed, taken back, confirmed again; nothing is overwritten."""
    office = each_office
    account.append(reply("Wir kommen zu viert."))
    account.append(reply("Wir kommen mit 5 bis 6 Personen."))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 4)}
    item = only_item(office)
    with at_work(office) as work:
        work.queue.correct(item, "frau.kurz", attendance=Attendance.YES, persons=5, note="angerufen")
        assert persons(office) == {ANNA: ("yes", 5)}
        with pytest.raises(ReviewError):
            work.queue.correct(item, "herr.lang", attendance=Attendance.NO, persons=None)
    office.send_due()
    assert "5 Personen" in text_of(received(smtp_server)[1])
    with at_work(office) as work:
        work.queue.undo(item, "herr.lang")
    assert persons(office) == {ANNA: ("yes", 4)}
    assert len(open_items(office)) == 1
    office.send_due()
    assert "4 Personen" in text_of(received(smtp_server)[2])
    assert [by for *_, by in history(office)][:2] == ["auto", "frau.kurz"]
    assert [(row.verdict, row.by, row.note) for row in rows(office, ruling)] == [
        ("correct", "frau.kurz", "angerufen"),
        ("undo", "herr.lang", ""),
    ]
    assert balance(office).seen == 2
    with at_work(office) as work:
        work.queue.accept(only_item(office), "frau.kurz")
    office.send_due(later(hours=2))  # three an hour went already
    assert persons(office) == {ANNA: ("yes", 6)}
    assert len(received(smtp_server)) == 4


def test_promise_07_an_accepted_suggestion_can_be_taken_back_before_it_went_out(office, account, smtp_server):
    """Undone within the minute: the confirmation that waited never goes, and none says "withdrawn"."""
    account.append(reply("Wir kommen gern, ungefähr 5 Personen."))
    office.poll()
    item = only_item(office)
    with at_work(office) as work:
        work.queue.accept(item, "chef")
        assert [row.state for row in to_invitees(office)] == ["waiting"]
        work.queue.undo(item, "chef")
    office.send_due()
    assert received(smtp_server) == []
    assert persons(office) == {ANNA: (None, None)}
    assert figures(office).head_count.certain == 0
    assert figures(office).head_count.held_items == 1


def test_promise_07_answers_by_telephone(each_office, account, smtp_server):
    """Entered by hand: with an address it is confirmed and may be changed by mail; without, it stands for itself."""
    office = each_office
    ids = iter(["eins", "zwei"])
    with at_work(office) as work:
        first = work.queue.add(
            "chef", name="Anna Berg", address="Anna.Berg@verein.example", attendance=Attendance.YES, persons=3,
            new_id=lambda: next(ids),
        )  # fmt: skip
        second = work.queue.add(
            "chef", name="Opa Krause", address=None, attendance=Attendance.YES, persons=2, new_id=lambda: next(ids)
        )
    office.poll()
    assert [sent.recipients for sent in received(smtp_server)] == [(ANNA,)]
    assert figures(office).head_count.certain == 5
    # INTERNALDATE knows no fractions of a second.
    account.append(reply("Korrektur: wir kommen doch nur zu zweit."), internaldate=datetime.now(UTC) + A_MOMENT)
    office.poll()
    assert persons(office)[ANNA] == ("yes", 2)
    with at_work(office) as work:
        work.queue.undo_entry(second, "chef")
        with pytest.raises(ReviewError):
            work.queue.undo_entry(second, "chef")
        work.queue.undo_entry(first, "chef")
    assert persons(office) == {ANNA: ("yes", 2), "tel:eins": (None, None)}
    assert figures(office).head_count.certain == 2
    assert len(received(smtp_server)) == 2
    assert balance(office).seen == 1


def test_promise_07_the_order_of_arrival_counts_not_the_order_of_processing(office, account, smtp_server):
    """An older mail that is found later (filed away, restored) does not undo a newer word."""
    now = datetime.now(UTC)
    account.append(reply("Korrektur: wir kommen doch zu zweit."), internaldate=now - timedelta(hours=1))
    office.poll()
    account.append(reply("Wir kommen zu viert."), internaldate=now - timedelta(hours=5))
    office.poll()
    assert persons(office) == {ANNA: ("yes", 2)}
    assert len(received(smtp_server)) == 1
