"""Promise 6: no loops, no backscatter.

Automatic mail, bounces, lists, our own mail, null senders are never answered. At most 3 answers to one address an
hour and 10 a day, 60 automatic mails an hour in all; above a cap answers are stored, mail waits, and only the newest
state per person goes out. Mail first seen more than 72 h after it arrived is recorded, its confirmation waits for one
click. Confirmations go to From, never to Reply-To. Text of the sender's is echoed only in the invitation's thread or
with dmarc=pass, without addresses of pages, at most 120 characters. Our mail carries ``Auto-Submitted``,
``X-Auto-Response-Suppress: All`` and threads by ``In-Reply-To``/``References``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from office import INVITATION_ID, reply
from scenes import (
    TEAM,
    at_work,
    balance,
    digests,
    figures,
    later,
    open_items,
    persons,
    received,
    states,
    text_of,
    to_invitees,
)

ANNA = "anna.berg@verein.example"
COMING = "Ich komme gern mit drei Personen."


def bounce(number):
    """A delivery status notification about a mail we never sent."""
    return (
        b"Return-Path: <>\r\nFrom: Mail Delivery System <MAILER-DAEMON@mx%d.example>\r\nTo: buero@office.example\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMessage-ID: <b%d@mx.example>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nYour message could not be delivered. %s\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; gast@verein.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
    ) % (number % 7, number, COMING.encode())


AUTOMATIC = [
    {"Auto-Submitted": "auto-replied"},
    {"Auto-Submitted": "auto-generated"},
    {"X-Autoreply": "yes"},
    {"Return-Path": "<>"},
    {"X-Auto-Response-Suppress": "All", "Auto-Submitted": "auto-replied (vacation)"},
    {"List-Id": "<liste.verein.example>", "List-Unsubscribe": "<mailto:weg@verein.example>", "Precedence": "bulk"},
]


def test_promise_06_five_hundred_automatic_mails_are_never_answered(office, account, smtp_server):
    """Out-of-office notes, receipts, newsletters and bounces, in our thread, speaking of coming: not one answer."""
    notes = [
        reply(COMING, sender=f"gast{n}@verein.example", name=f"Gast {n}", headers=AUTOMATIC[n % len(AUTOMATIC)])
        for n in range(350)
    ]
    account.append_all(notes + [bounce(n) for n in range(150)])
    office.poll()
    office.poll()
    assert balance(office).seen == 500
    assert to_invitees(office) == []
    # People write through lists: what they say there counts, unanswered. All the rest says nothing.
    through_the_list = {f"gast{n}@verein.example" for n in range(350) if n % len(AUTOMATIC) == 5}
    assert persons(office).keys() <= through_the_list
    assert smtp_server.mails == digests(smtp_server)
    assert len(digests(smtp_server)) == 1


NEVER_ANSWERED = {
    "our own address": reply(COMING, sender="buero@office.example", name="Jugendamt"),
    "a list": reply(COMING, headers={"List-Id": "<a.example>", "List-Post": "<mailto:a@a.example>"}),
    "no sender": reply(COMING).replace(b"From: Anna Berg <anna.berg@verein.example>\r\n", b""),
    "several senders": reply(COMING).replace(b"<anna.berg@verein.example>", b"<a@b.example>, Ben <b@b.example>"),
    "reply elsewhere": reply(COMING, headers={"Reply-To": "opfer@anderswo.example"}),
    "failed dmarc": reply(COMING, headers={"Authentication-Results": "mx.office.example; dmarc=fail"}),
}


def test_promise_06_doubtful_senders_get_no_mail(office, account, smtp_server):
    """Nobody whose address may be forged, or may be a machine's, is written to unasked."""
    account.append_all(NEVER_ANSWERED.values())
    office.poll()
    assert to_invitees(office) == []
    assert received(smtp_server) == []
    assert persons(office).get("buero@office.example") is None
    assert balance(office).seen == len(NEVER_ANSWERED)


def answer_of_a_robot(sent, number):
    """Another answer than the last, in our thread, without any sign of a machine."""
    words = "Korrektur: wir kommen doch zu dritt." if number % 2 else "Korrektur: wir kommen doch zu viert."
    return reply(words, in_reply_to=sent.message["Message-ID"])


def test_promise_06_a_robot_that_answers_every_mail_at_once_is_no_loop(office, account, smtp_server):
    """It changes its mind with each mail of ours: three an hour, ten a day, and all it says is stored."""
    office.tables["limits"]["late_after_h"] = 1_000  # our clock is moved, the server's is not
    answers = []

    def respond(sent):
        if ANNA in sent.recipients:
            answers.append(account.append(answer_of_a_robot(sent, len(answers))))

    smtp_server.on_mail = respond
    account.append(reply("Wir kommen zu zweit."))
    for _ in range(6):
        office.poll()
    assert len(received(smtp_server)) == 3
    assert len(answers) == 3
    with at_work(office) as work:
        assert not work.poll().taken
    for hours in range(1, 24):
        office.poll(later(hours=hours, minutes=hours))
    assert len(received(smtp_server)) == 10
    assert len(states(office)) == 11
    assert balance(office).recorded == 11
    assert [row.state for row in to_invitees(office)].count("waiting") == 1
    smtp_server.on_mail = None
    for hours in range(24, 40):
        office.poll(later(hours=hours, minutes=hours))
    assert len(received(smtp_server)) == 11  # the last word is confirmed in the end
    assert {row.state for row in to_invitees(office)} == {"sent"}


def test_promise_06_above_the_cap_only_the_newest_state_goes_out(office, account, smtp_server):
    """Six changes of mind within minutes: all are stored, three confirmations go, later the newest alone."""
    account.append(reply("Wir kommen zu zweit."))
    for size in ("dritt", "viert", "fünft", "sechst", "siebt"):
        office.poll()
        account.append(reply(f"Korrektur: wir kommen doch zu {size}."))
    office.poll()
    assert len(received(smtp_server)) == 3
    assert persons(office)[ANNA] == ("yes", 7)
    assert figures(office).head_count.certain == 7
    office.send_due(later(minutes=59))
    assert len(received(smtp_server)) == 3
    office.send_due(later(minutes=62))
    office.send_due(later(hours=9))
    assert len(received(smtp_server)) == 4
    assert "7 Personen" in text_of(received(smtp_server)[3])
    assert [row.state for row in to_invitees(office)] == ["sent", "sent", "sent", "superseded", "superseded", "sent"]


def test_promise_06_in_all_there_is_a_cap_an_hour_and_the_digest_is_free_of_it(office, account, smtp_server):
    """A flood is answered slowly; nobody is forgotten, and the staff are told all the same."""
    office.tables["limits"]["automatic_mails_per_hour"] = 4
    account.append_all([reply(COMING, sender=f"gast{n}@verein.example", name=f"Gast {n}") for n in range(10)])
    office.poll()
    assert (len(received(smtp_server)), len(digests(smtp_server))) == (4, 1)
    office.send_due(later(minutes=30))
    assert len(received(smtp_server)) == 4
    office.send_due(later(minutes=61))
    assert len(received(smtp_server)) == 8
    office.send_due(later(minutes=123))
    assert sorted(sent.recipients[0] for sent in received(smtp_server)) == [
        f"gast{n}@verein.example" for n in range(10)
    ]


@pytest.mark.parametrize("decision", ["accept", "dismiss"])
def test_promise_06_late_mail_is_recorded_and_waits_for_one_click(office, account, smtp_server, decision):
    """Found after an outage: the answer counts, its confirmation goes when a person says so."""
    account.append(reply(COMING), internaldate=datetime.now(UTC) - timedelta(hours=73))
    account.append(
        reply("Wir kommen gern.", sender="ben@verein.example", name="Ben"),
        internaldate=datetime.now(UTC) - timedelta(hours=80),
    )
    account.append(
        reply("Ich komme.", sender="clara@verein.example", name="Clara"),
        internaldate=datetime.now(UTC) - timedelta(hours=71),
    )
    office.poll()
    assert [sent.recipients for sent in received(smtp_server)] == [("clara@verein.example",)]
    assert persons(office)[ANNA][0] == "yes"
    assert [row.state for row in to_invitees(office)] == ["parked", "sent"]
    assert sorted(item.kind for item in open_items(office)) == ["held", "late"]
    with at_work(office) as work:
        late = next(item for item in open_items(office) if item.kind == "late")
        getattr(work.queue, decision)(late.id, "chef")
    office.poll()
    expected = [ANNA] if decision == "accept" else []
    assert [sent.recipients[0] for sent in received(smtp_server)][1:] == expected
    assert persons(office)[ANNA][0] == "yes"
    assert [item.kind for item in open_items(office)] == ["held"]


def test_promise_06_confirmations_go_to_from_never_to_reply_to(office, account, smtp_server):
    """Reply-To can name a victim; an address of the same house is no danger and gets nothing either."""
    account.append(reply(COMING, headers={"Reply-To": "sekretariat@verein.example"}))
    office.poll()
    (sent,) = received(smtp_server)
    assert sent.recipients == (ANNA,)
    assert sent.message["To"].addresses[0].addr_spec == ANNA
    assert "sekretariat" not in sent.octets.decode()


def test_promise_06_our_mail_says_that_it_is_automatic_and_where_it_belongs(office, account, smtp_server):
    """Headers by which other machines keep quiet and mail programs find the thread; our own mail is recognised."""
    account.append(reply(COMING, message_id="<gast-1@verein.example>"))
    account.append(reply("Wir kommen gern.", sender="ben@verein.example", name="Ben"))
    office.poll()
    confirmation, question = sorted(received(smtp_server), key=lambda sent: sent.recipients)
    for sent in (confirmation, question, *digests(smtp_server)):
        assert sent.message["Auto-Submitted"].startswith("auto-")
        assert sent.message["X-Auto-Response-Suppress"] == "All"
        assert "Reply-To" not in sent.message
    assert confirmation.message["In-Reply-To"] == "<gast-1@verein.example>"
    assert confirmation.message["References"].split() == [INVITATION_ID, "<gast-1@verein.example>"]
    account.append_all([sent.octets for sent in smtp_server.mails])  # a forwarding rule that goes in circles
    office.poll()
    assert len(smtp_server.mails) == 3
    assert balance(office).seen == 5


BAIT = "Gewinnen Sie jetzt: https://boese.example/klick www.boese.example " + "und noch viel mehr " * 20


def test_promise_06_strangers_words_are_not_echoed(office, account, smtp_server):
    """Outside the thread nothing of the sender's comes back; within it little, and no address of a page."""
    plain = "Ich komme gern zur 1. Integrationskonferenz im Stadtbezirk I."
    account.append(reply(plain, subject=f"Zusage {BAIT}", in_reply_to=None, name="Kauft bei boese.example"))
    account.append(reply(COMING, subject=f"Re: {BAIT}", sender="ben@verein.example", name="Ben"))
    office.poll()
    by_person = {sent.recipients[0]: sent for sent in received(smtp_server)}
    inside = by_person["ben@verein.example"].message["Subject"]
    assert len(inside) <= 130
    assert "boese.example" not in by_person["ben@verein.example"].octets.decode()
    for sent in by_person.values():
        assert "boese" not in text_of(sent)
        assert TEAM not in sent.recipients
