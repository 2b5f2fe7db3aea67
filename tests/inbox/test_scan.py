"""What is new in a mailbox, on a real Dovecot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from rsvp_mailer.errors import TemporaryError


def test_everything_comes_in_order_and_octet_for_octet(account, open_inbox, cursor, mail):
    strange = [
        "Größe: süß".encode("latin-1") + b"\xff\x80\r\n",  # 8-bit without any declaration
        b"\r\n",
        b"no header at all",
        b"Subject: {12}\r\n\r\n* 3 FETCH (UID 1 BODY[] {5}\r\n)\r\n",  # looks like the protocol
        b'Subject: "quoted" \\ and ) (\r\n\r\n.\r\n..\r\n',
        b"X: " + b"y" * 200_000 + b"\r\n\r\nlong line\r\n",
    ]
    raws = [mail(n) for n in range(120)] + strange + [mail(n) for n in range(120, 140)]
    uids = account.append_all(raws)
    found = list(open_inbox(account).scan(cursor()))
    assert [mail.place.uid for mail in found] == uids
    assert [mail.raw for mail in found] == raws
    assert all(mail.complete for mail in found)
    assert {(mail.place.mailbox, mail.place.folder) for mail in found} == {("office", "INBOX")}


def test_after_the_last_message_nothing_comes(account, open_inbox, cursor, mail):
    """``n:*`` names the last message even where n lies beyond it."""
    last = account.append_all([mail(1), mail(2)])[-1]
    inbox = open_inbox(account)
    assert [found.place.uid for found in inbox.scan(cursor(last_uid=last - 1))] == [last]
    assert list(inbox.scan(cursor(last_uid=last))) == []
    assert list(inbox.scan(cursor(last_uid=last + 100))) == []


def test_an_empty_folder_is_no_fault(account, open_inbox, cursor):
    inbox = open_inbox(account)
    state = inbox.open("INBOX")
    assert (state.messages, state.uidnext) == (0, 1)
    assert list(inbox.scan(cursor())) == []


def test_mail_from_before_the_start_is_never_looked_at(account, open_inbox, cursor, mail):
    start = datetime(2017, 11, 6, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    before = [start - timedelta(days=900), start - timedelta(hours=30), start - timedelta(seconds=1)]
    after = [start, start + timedelta(seconds=1), start + timedelta(days=3)]
    for moment in (*before, *after):
        account.append(mail(), internaldate=moment)
    found = list(open_inbox(account).scan(cursor(start_at=start)))
    assert [mail.arrived_at for mail in found] == after


def test_mail_that_arrives_in_the_very_second_of_the_start_counts(account, open_inbox, cursor, mail):
    """INTERNALDATE has no fractions: what arrives 0.7 s after noon is dated noon."""
    noon = datetime(2017, 11, 6, 12, tzinfo=UTC)
    account.append(mail(), internaldate=noon)
    assert len(list(open_inbox(account).scan(cursor(start_at=noon.replace(microsecond=500_000))))) == 1


@pytest.mark.parametrize("hours", [-12, -5, 0, 1, 14])
def test_the_servers_zone_does_not_matter(account, open_inbox, cursor, mail, hours):
    start = datetime(2017, 11, 6, 12, tzinfo=UTC)
    zone = timezone(timedelta(hours=hours))
    account.append(mail(1), internaldate=(start - timedelta(minutes=1)).astimezone(zone))
    account.append(mail(2), internaldate=(start + timedelta(minutes=1)).astimezone(zone))
    found = list(open_inbox(account).scan(cursor(start_at=start)))
    assert [mail.arrived_at for mail in found] == [start + timedelta(minutes=1)]


def test_of_a_message_over_the_limit_only_the_header_is_taken(account, open_inbox, cursor, mail):
    small, large = mail(1), mail(2, body="x" * 5_000)
    account.append_all([small, large, small])
    found = list(open_inbox(account, max_message_bytes=1_000).scan(cursor()))
    assert [mail.complete for mail in found] == [True, False, True]
    assert found[1].raw == large[: large.index(b"\r\n\r\n") + 4]
    assert found[0].raw == found[2].raw == small


def test_a_header_that_makes_a_message_large_is_cut(account, open_inbox, cursor):
    account.append(b"Subject: x\r\nX-Filler: " + b"y" * 3_000_000 + b"\r\n\r\nhallo\r\n")
    found = list(open_inbox(account, max_message_bytes=2_000_000).scan(cursor()))
    assert not found[0].complete
    assert len(found[0].raw) == 1_000_000


def test_large_messages_together_are_fetched_in_groups(account, open_inbox, cursor, mail):
    raws = [mail(n, body="x" * 3_000_000) for n in range(7)]
    account.append_all(raws)
    assert [found.raw for found in open_inbox(account).scan(cursor())] == raws


def test_other_folders_are_read_by_the_same_road(account, open_inbox, cursor, mail):
    owner = account.client()
    owner.create("Konferenz.R&APw-ckmeldungen")  # Rückmeldungen
    owner.logout()
    account.append(mail(5), folder="Konferenz.R&APw-ckmeldungen")
    inbox = open_inbox(account)
    for name in ("Konferenz.Rückmeldungen", "Konferenz/Rückmeldungen"):
        state = inbox.open(name)
        assert state.messages == 1
        found = list(inbox.scan(cursor(name, uidvalidity=state.uidvalidity)))
        assert [(message.raw, message.place.folder) for message in found] == [(mail(5), name)]


def test_a_scan_goes_on_while_another_folder_is_visited(account, open_inbox, cursor, mail):
    raws = [mail(n) for n in range(120)]
    account.append_all(raws)
    owner = account.client()
    owner.create("Ablage")
    owner.logout()
    account.append(mail(999), folder="Ablage")
    inbox, found = open_inbox(account), []
    for message in inbox.scan(cursor()):
        found.append(message.raw)
        if len(found) % 10 == 0:
            inbox.open("Ablage")
    assert found == raws


def test_a_folder_made_anew_is_told_by_its_uidvalidity(account, open_inbox, cursor, mail):
    owner = account.client()
    owner.create("Antworten")
    account.append_all([mail(1), mail(2)], folder="Antworten")
    inbox = open_inbox(account, folder="Antworten")
    before = inbox.open("Antworten")
    done = cursor("Antworten", uidvalidity=before.uidvalidity, last_uid=2)
    assert list(inbox.scan(done)) == []
    inbox.close()

    owner.delete("Antworten")
    owner.create("Antworten")
    owner.logout()
    account.append_all([mail(1), mail(2), mail(3)], folder="Antworten")
    inbox.connect()
    after = inbox.open("Antworten")
    assert after.uidvalidity != before.uidvalidity
    with pytest.raises(TemporaryError, match="made anew"):
        list(inbox.scan(done))
    rebased = cursor("Antworten", uidvalidity=after.uidvalidity)
    assert [found.raw for found in inbox.scan(rebased)] == [mail(1), mail(2), mail(3)]


def test_a_folder_made_anew_while_it_is_open_ends_in_a_new_connection(account, open_inbox, cursor, mail):
    owner = account.client()
    owner.create("Antworten")
    account.append_all([mail(n) for n in range(3)], folder="Antworten")
    inbox = open_inbox(account, folder="Antworten")
    state = inbox.open("Antworten")
    owner.delete("Antworten")
    owner.create("Antworten")
    owner.logout()
    account.append_all([mail(n) for n in range(10, 15)], folder="Antworten")
    at = cursor("Antworten", uidvalidity=state.uidvalidity, last_uid=3)
    for _ in range(5):  # Dovecot notices with the first or the second command
        try:
            if inbox.open("Antworten").uidvalidity != state.uidvalidity:
                break
            assert list(inbox.scan(at)) == []
        except TemporaryError:
            inbox.connect()
    fresh = inbox.open("Antworten")
    assert fresh.uidvalidity != state.uidvalidity
    assert len(list(inbox.scan(cursor("Antworten", uidvalidity=fresh.uidvalidity)))) == 5


def test_summaries_name_sender_and_subject_and_leave_no_trace(account, open_inbox):
    uids = account.append_all(
        [
            b"From: =?utf-8?q?G=C3=BClay?= <g@schule.example>\r\nSubject: =?utf-8?b?WnVzYWdl?=\r\n folded\r\n\r\nx",
            b"From: a@b.example\r\nSubject: =?utf-8?b?a?= broken\x1b[31m\r\n\r\nx",
            b"nothing",
        ]
    )
    found = open_inbox(account).summaries([*uids, 4711])
    assert found[uids[0]] == ("Gülay <g@schule.example>", "Zusage folded")
    assert found[uids[1]] == ("a@b.example", "=?utf-8?b?a?= broken[31m")
    assert found[uids[2]] == ("", "")
    assert 4711 not in found
    owner = account.client()
    owner.select(readonly=True)
    assert b"Seen" not in b"".join(owner.fetch("1:*", "(FLAGS)")[1])
    owner.logout()


def test_one_message_can_be_fetched_once_more(account, open_inbox, cursor, mail):
    owner = account.client()
    owner.create("Ablage")
    account.append_all([mail(1), mail(2), mail(3)])
    account.append(mail(9), folder="Ablage")
    inbox = open_inbox(account)
    found = list(inbox.scan(cursor()))
    inbox.open("Ablage")
    assert inbox.fetch(found[1].place) == found[1]
    owner.select()
    owner.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
    owner.expunge()
    owner.logout()
    assert inbox.fetch(found[1].place) is None
    assert inbox.fetch(replace(found[2].place, uidvalidity=1)) is None


def test_a_late_start_searches_an_old_mailbox_once(scripted, scripted_inbox, cursor, mail):
    """All that lies there is older; nothing moves the cursor until the first answer comes."""
    scripted.messages = {uid: mail(uid) for uid in range(1, 31)}
    inbox = scripted_inbox()
    inbox.connect()
    at = cursor(start_at=datetime(2017, 11, 20, tzinfo=UTC), uidvalidity=7)
    for _ in range(3):
        inbox.open("INBOX")
        assert list(inbox.scan(at)) == []
    searches = [said.split()[3] for said in scripted.said if said.startswith("UID SEARCH")]
    assert searches == ["1:*", "31:*", "31:*"]
    scripted.messages[31] = mail(31)
    scripted.on["NOOP"] = lambda _: b"* 31 EXISTS\r\nTAG OK done\r\n"
    inbox.open("INBOX")
    earlier = cursor(uidvalidity=7)
    assert len(list(inbox.scan(earlier))) == 31, "another cursor is another question"
