"""Promise 3: commit first.

Mail, reading, answer, review item and outgoing rows (with their final bytes) are written in one transaction; the
IMAP side (keyword or folder, if configured at all) follows and may fail.
"""

from __future__ import annotations

import pytest
from office import make_office, reply
from scenes import at_work, balance, flags, open_items, persons, position, received, rows, states, to_invitees
from servers_dovecot import Dovecot

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.confirmation import Composer
from rsvp_mailer.store.tables import mail

YES = "Guten Tag, wir kommen zu zweit. Anna Berg"


def test_promise_03_everything_of_a_message_appears_at_one_instant(each_office, account, owner, monkeypatch):
    """Before the commit nothing can be seen from outside, after it everything; the mailbox comes after both."""
    each_office.tables["mailboxes"]["after"] = "keyword"
    seen_before = []
    compose = Composer.confirmation

    def look_and_compose(*arguments, **named):
        seen_before.append((rows(each_office, mail), to_invitees(each_office), position(each_office)))
        return compose(*arguments, **named)

    def look(*_):
        assert states(each_office) == {1: "recorded"}
        assert persons(each_office) == {"anna.berg@verein.example": ("yes", 2)}
        assert [row.state for row in to_invitees(each_office)] == ["waiting"]
        assert position(each_office) == 1
        assert flags(owner) == {1: set()}

    monkeypatch.setattr(Composer, "confirmation", look_and_compose)
    account.append(reply(YES))
    with at_work(each_office) as work:
        work.poll(watch=look)
    assert seen_before == [([], [], 0)]
    assert flags(owner) == {1: {"rsvp-mailer"}}


def test_promise_03_what_is_sent_is_what_was_committed(each_office, account, smtp_server):
    """The confirmation's octets are final at the commit, attachment included."""
    account.append(reply(YES))
    with at_work(each_office) as work:
        work.poll()
        with work.app.store.reading() as tx:
            committed = tx.sendings.octets(to_invitees(each_office)[0].id)
    each_office.send_due()
    (sent,) = received(smtp_server)
    assert sent.octets == committed
    assert b"application/pdf" in committed


def test_promise_03_a_vanished_folder_costs_nothing(office, account, owner, smtp_server):
    """Filing fails after the commit: the answer stands, and the next round files it."""
    owner.create("Erledigt")
    office.tables["mailboxes"].update(after="move", move_to="Erledigt")
    account.append(reply(YES))
    account.append(reply("Wann beginnt es?", sender="ben@verein.example", name="Ben"))
    with at_work(office) as work, pytest.raises(ConfigError, match="move_to"):
        work.poll(watch=lambda *_: owner.delete("Erledigt"))
    assert states(office) == {1: "recorded", 2: "held"}
    assert persons(office) == {"anna.berg@verein.example": ("yes", 2)}
    assert position(office) == 2
    assert flags(owner).keys() == {1, 2}
    owner.create("Erledigt")
    office.poll()
    assert flags(owner).keys() == {2}  # what waits for a person stays where people look
    assert len(flags(owner, "Erledigt")) == 1
    assert len(received(smtp_server)) == 1
    assert balance(office).seen == 2


def test_promise_03_a_connection_lost_after_the_commit_costs_nothing(tmp_path, smtp_server, sqlite_url):
    """The IMAP server goes away between commit and filing: the next round files, and nothing is taken twice."""
    with Dovecot() as server:
        account = server.add_account()
        office = make_office(tmp_path, account, smtp_server.port, sqlite_url, mailboxes={"after": "keyword"})
        account.append(reply(YES))
        with at_work(office) as work:
            work.poll(watch=lambda *_: server.stop())
        assert states(office) == {1: "recorded"}
        assert rows(office, mail)[0].filed_at is None
        server.start()
        office.poll()
        client = account.client()
        assert flags(client) == {1: {"rsvp-mailer"}}
        client.logout()
    assert len(received(smtp_server)) == 1
    assert balance(office).recorded == 1
    assert open_items(office) == []
