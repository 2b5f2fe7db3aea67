"""What becomes of a message that has been dealt with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rsvp_mailer.errors import ConfigError, TemporaryError


def test_leave_opens_for_reading_only_and_files_nothing(account, open_inbox, cursor, mail):
    account.append(mail())
    inbox = open_inbox(account)
    (found,) = inbox.scan(cursor())
    inbox.file(found.place)
    assert [again.place for again in inbox.scan(cursor())] == [found.place]


def test_a_keyword_is_set_and_nothing_else(account, open_inbox, cursor, mail):
    account.append_all([mail(1), mail(2)])
    inbox = open_inbox(account, after="keyword", keyword="rsvp-erledigt")
    first, _ = inbox.scan(cursor())
    inbox.file(first.place)
    inbox.file(first.place)
    owner = account.client()
    owner.select(readonly=True)
    assert owner.search(None, "KEYWORD", "rsvp-erledigt")[1] == [b"1"]
    assert owner.search(None, "UNSEEN")[1] == [b"1 2"]
    owner.logout()


@pytest.mark.parametrize("name", ["Erledigt", "Konferenz/Zusagen & Absagen", "Rückmeldungen", 'Mit "Zeichen"'])
def test_move_puts_the_message_into_the_folder(account, open_inbox, cursor, mail, name):
    owner = account.client()
    for part in ("Erledigt", "Konferenz.Zusagen &- Absagen", "R&APw-ckmeldungen", 'Mit \\"Zeichen\\"'):
        owner.create(f'"{part}"')
    account.append_all([mail(1), mail(2)])
    inbox = open_inbox(account, after="move", move_to=name)
    first, second = inbox.scan(cursor())
    inbox.file(first.place)
    inbox.file(first.place)  # again after a crash: it has gone, and that is all
    assert [left.place for left in inbox.scan(cursor())] == [second.place]
    inbox.open(name)
    assert [moved.raw for moved in inbox.scan(cursor(name))] == [mail(1)]
    owner.logout()


def test_without_move_a_copy_is_made_and_the_one_message_expunged(old_server, open_inbox, cursor, mail):
    account = old_server.add_account()
    owner = account.client()
    owner.create("INBOX.Erledigt")
    account.append_all([mail(1), mail(2), mail(3)])
    owner.select("INBOX")
    owner.store("3", "+FLAGS", "(\\Deleted)")
    inbox = open_inbox(account, after="move", move_to="Erledigt")
    first, *_ = inbox.scan(cursor())
    inbox.file(first.place)
    assert [left.place.uid for left in inbox.scan(cursor())] == [2, 3]
    inbox.open("Erledigt")
    (moved,) = inbox.scan(cursor("Erledigt"))
    assert moved.raw == mail(1)
    owner.select("INBOX.Erledigt", readonly=True)
    assert b"Deleted" not in owner.fetch("1", "(FLAGS)")[1][0]
    owner.logout()


def test_a_server_that_cannot_move_safely_is_refused_at_once(scripted, scripted_inbox):
    scripted.capabilities = "IMAP4rev1"
    with pytest.raises(ConfigError, match="without touching others"):
        scripted_inbox(after="move", move_to="Erledigt").connect()
    assert not any("EXPUNGE" in said for said in scripted.said)


def test_a_missing_target_is_refused_at_once_and_not_created(account, open_inbox):
    with pytest.raises(ConfigError, match='no folder "Erledigt"; create it'):
        open_inbox(account, after="move", move_to="Erledigt")
    owner = account.client()
    assert not any(b"Erledigt" in row for row in owner.list()[1])
    owner.logout()


def test_a_target_that_is_removed_later_is_told(account, open_inbox, cursor, mail):
    owner = account.client()
    owner.create("Erledigt")
    account.append(mail())
    inbox = open_inbox(account, after="move", move_to="Erledigt")
    (found,) = inbox.scan(cursor())
    owner.delete("Erledigt")
    owner.logout()
    with pytest.raises(ConfigError, match="create it"):
        inbox.file(found.place)
    assert [left.place for left in inbox.scan(cursor())] == [found.place]


def test_a_uid_of_a_former_folder_touches_nobody(account, open_inbox, cursor, mail):
    account.append(mail())
    inbox = open_inbox(account, after="keyword")
    (found,) = inbox.scan(cursor())
    inbox.file(replace(found.place, uidvalidity=found.place.uidvalidity - 1))
    owner = account.client()
    owner.select(readonly=True)
    assert owner.search(None, "KEYWORD", "rsvp-mailer")[1] == [b""]
    owner.logout()


def test_a_message_found_in_another_folder_is_filed_from_there(account, open_inbox, cursor, mail):
    owner = account.client()
    owner.create("Persönlich".encode("utf-7").decode().replace("+", "&"))
    account.append(mail(7), folder="Pers&APY-nlich")
    inbox = open_inbox(account, after="keyword", also_search=("Persönlich",))
    inbox.open("Persönlich")
    (found,) = inbox.scan(cursor("Persönlich"))
    inbox.open("INBOX")
    inbox.file(found.place)
    owner.select("Pers&APY-nlich", readonly=True)
    assert owner.search(None, "KEYWORD", "rsvp-mailer")[1] == [b"1"]
    owner.logout()


def test_a_server_that_keeps_no_keywords_is_refused(scripted, scripted_inbox):
    state = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 1]\r\n* OK [PERMANENTFLAGS (\\Seen)] Limited\r\n"
    scripted.on["SELECT"] = lambda _: state + b"TAG OK [READ-WRITE]\r\n"
    with pytest.raises(ConfigError, match="keeps no keywords"):
        scripted_inbox(after="keyword").connect()


def test_a_folder_that_can_only_be_read_is_refused(scripted, scripted_inbox):
    state = b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7]\r\n* OK [UIDNEXT 1]\r\n"
    scripted.on["SELECT"] = lambda _: state + b"TAG OK [READ-ONLY]\r\n"
    with pytest.raises(ConfigError, match="can only be read"):
        scripted_inbox(after="keyword").connect()


def test_a_refused_copy_is_tried_again_and_the_connection_stays(scripted, scripted_inbox, cursor, mail):
    scripted.capabilities = "IMAP4rev1 UIDPLUS"
    scripted.messages = {1: mail(1), 2: mail(2)}
    scripted.on["LIST"] = lambda _: b'* LIST () "/" Erledigt\r\nTAG OK done\r\n'
    scripted.on["UID COPY"] = lambda _: b"TAG NO [OVERQUOTA] The mailbox is full\r\n"
    inbox = scripted_inbox(after="move", move_to="Erledigt")
    inbox.connect()
    first, _ = inbox.scan(cursor())
    with pytest.raises(TemporaryError, match="The mailbox is full"):
        inbox.file(first.place)
    assert len(list(inbox.scan(cursor()))) == 2
    assert not any(said.startswith(("UID STORE", "UID EXPUNGE")) for said in scripted.said)


def test_promise_2_no_command_ever_expunges_what_is_not_ours(scripted, scripted_inbox, cursor, mail):
    scripted.capabilities = "IMAP4rev1 UIDPLUS"
    scripted.messages = {4: mail(4)}
    scripted.on["LIST"] = lambda _: b'* LIST () "/" Erledigt\r\nTAG OK done\r\n'
    inbox = scripted_inbox(after="move", move_to="Erledigt")
    inbox.connect()
    for found in inbox.scan(cursor()):
        inbox.file(found.place)
    inbox.open("INBOX")
    inbox.findings()
    expunging = [said for said in scripted.said if "EXPUNGE" in said or said.startswith("CLOSE")]
    assert expunging == ["UID EXPUNGE 4"]
