"""Waiting for mail: by IDLE where the server knows it."""

from __future__ import annotations

import threading
import time

import pytest

from rsvp_mailer.errors import TemporaryError


@pytest.fixture
def stop():
    return threading.Event()


def later(seconds, what, *arguments):
    timer = threading.Timer(seconds, what, arguments)
    timer.start()
    return timer


@pytest.mark.parametrize("security", ["none", "tls"])
def test_new_mail_wakes_at_once(account, open_inbox, cursor, mail, stop, security):
    inbox = open_inbox(account, security=security, ca_file=account.server.ca_file)
    assert list(inbox.scan(cursor())) == []
    timer = later(0.5, account.append, mail(1))
    began = time.monotonic()
    assert inbox.wait(60, stop)
    assert time.monotonic() - began < 4
    timer.join()
    inbox.open("INBOX")
    assert [found.raw for found in inbox.scan(cursor())] == [mail(1)]


def test_nothing_new_ends_with_the_time(account, open_inbox, cursor, stop):
    inbox = open_inbox(account)
    list(inbox.scan(cursor()))
    began = time.monotonic()
    assert not inbox.wait(1, stop)
    assert 0.9 < time.monotonic() - began < 3
    assert not inbox.wait(0.2, stop), "waiting can be repeated"


def test_stop_is_obeyed_within_five_seconds(account, open_inbox, cursor, stop):
    inbox = open_inbox(account)
    list(inbox.scan(cursor()))
    timer = later(0.3, stop.set)
    began = time.monotonic()
    assert not inbox.wait(60, stop)
    assert time.monotonic() - began < 6
    timer.join()


def test_the_owner_reading_mail_wakes_nobody(account, open_inbox, cursor, mail, stop):
    account.append(mail())
    inbox = open_inbox(account)
    list(inbox.scan(cursor()))
    owner = account.client()
    owner.select()
    timer = later(0.3, owner.store, "1", "+FLAGS", "(\\Seen)")
    began = time.monotonic()
    assert not inbox.wait(2.5, stop)
    assert time.monotonic() - began > 2.4
    timer.join()
    owner.logout()


def test_mail_that_came_between_scan_and_wait_is_not_slept_over(account, open_inbox, cursor, mail, stop):
    inbox = open_inbox(account)
    list(inbox.scan(cursor()))
    account.append(mail())
    began = time.monotonic()
    assert inbox.wait(60, stop)
    assert time.monotonic() - began < 4


def test_mail_that_came_while_other_folders_were_read_is_not_slept_over(account, open_inbox, cursor, mail, stop):
    owner = account.client()
    owner.create("Ablage")
    owner.logout()
    inbox = open_inbox(account, also_search=("Ablage",))
    list(inbox.scan(cursor()))
    account.append(mail())
    inbox.open("Ablage")
    list(inbox.scan(cursor("Ablage")))
    began = time.monotonic()
    assert inbox.wait(60, stop)
    assert time.monotonic() - began < 1
    inbox.open("INBOX")
    assert len(list(inbox.scan(cursor()))) == 1


def test_a_wait_after_other_folders_listens_to_the_first(account, open_inbox, cursor, mail, stop):
    owner = account.client()
    owner.create("Ablage")
    owner.logout()
    inbox = open_inbox(account)
    list(inbox.scan(cursor()))
    inbox.open("Ablage")
    assert not inbox.wait(0.3, stop)
    timer = later(0.3, account.append, mail())
    assert inbox.wait(60, stop)
    timer.join()


def test_a_scan_answers_the_news_that_ended_the_wait(account, open_inbox, cursor, mail, stop):
    """Whoever scans without opening first is not woken for ever by the same mail."""
    inbox = open_inbox(account)
    list(inbox.scan(cursor()))
    account.append(mail())
    assert inbox.wait(60, stop)
    assert len(list(inbox.scan(cursor()))) == 1
    assert not inbox.wait(0.3, stop)


def test_an_update_in_one_packet_with_the_go_ahead_is_seen(scripted, scripted_inbox, cursor, stop):
    scripted.on["IDLE"] = lambda _: b"+ idling\r\n* 1 EXISTS\r\n"
    inbox = scripted_inbox()
    inbox.connect()
    list(inbox.scan(cursor()))
    began = time.monotonic()
    assert inbox.wait(60, stop)
    assert time.monotonic() - began < 2


def test_a_connection_lost_while_waiting_is_noticed_at_once(scripted, scripted_inbox, cursor, stop, hang_up):
    def drop(_):
        raise hang_up(b"+ idling\r\n")

    scripted.on["IDLE"] = drop
    inbox = scripted_inbox()
    inbox.connect()
    list(inbox.scan(cursor()))
    began = time.monotonic()
    with pytest.raises(TemporaryError):
        inbox.wait(60, stop)
    assert time.monotonic() - began < 2


def test_a_server_that_stops_while_we_wait_is_noticed(own_server, open_inbox, cursor, stop):
    inbox = open_inbox(own_server.add_account(), security="tls", ca_file=own_server.ca_file)
    list(inbox.scan(cursor()))
    timer = later(0.3, own_server.stop)
    with pytest.raises(TemporaryError):
        inbox.wait(60, stop)
    timer.join()


def test_half_an_update_is_awaited_but_not_for_ever(scripted, scripted_inbox, cursor, stop):
    scripted.on["IDLE"] = lambda _: b"+ idling\r\n* 1 EXI"
    inbox = scripted_inbox(timeout_s=1)
    inbox.connect()
    list(inbox.scan(cursor()))
    began = time.monotonic()
    with pytest.raises(TemporaryError):
        inbox.wait(60, stop)
    assert time.monotonic() - began < 4


def test_a_refused_idle_is_temporary(scripted, scripted_inbox, cursor, stop):
    scripted.on["IDLE"] = lambda _: b"TAG NO not now\r\n"
    inbox = scripted_inbox()
    inbox.connect()
    list(inbox.scan(cursor()))
    with pytest.raises(TemporaryError):
        inbox.wait(60, stop)
    with pytest.raises(TemporaryError, match="no connection"):
        inbox.open("INBOX")


def test_without_idle_the_poll_interval_passes(scripted, scripted_inbox, cursor, mail, stop):
    scripted.capabilities = "IMAP4rev1 UIDPLUS MOVE"
    inbox = scripted_inbox(poll_interval_s=1)
    inbox.connect()
    list(inbox.scan(cursor()))
    scripted.messages = {1: mail()}
    scripted.on["NOOP"] = lambda _: b"* 1 EXISTS\r\nTAG OK done\r\n"
    began = time.monotonic()
    assert not inbox.wait(60, stop)
    assert 0.9 < time.monotonic() - began < 3
    assert inbox.open("INBOX").messages == 1
    assert len(list(inbox.scan(cursor()))) == 1
    stop.set()
    began = time.monotonic()
    inbox.wait(60, stop)
    assert time.monotonic() - began < 0.5
    assert "IDLE" not in scripted.said
