"""Servers that refuse, hang, hang up or talk nonsense, and what the program makes of it (promise 10)."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from itertools import islice

import pytest
from servers_dovecot import free_port, make_certificate

from rsvp_mailer.errors import ConfigError, LoginRefusedError, RsvpMailerError, TemporaryError
from rsvp_mailer.inbox.imap import ImapInbox, pauses

CANARY = "Geheimnis-Zwetschge"


def everything_said(error):
    """The text of an error, of its causes and of what hides behind ``from None`` if it is shown."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return " ".join(texts)


# --- the way to the server ------------------------------------------------------------------------------------------


def test_a_closed_port_is_temporary(scripted_inbox):
    with pytest.raises(TemporaryError, match="Connection refused"):
        scripted_inbox(port=free_port()).connect()


def test_an_unknown_host_is_temporary(scripted_inbox):
    with pytest.raises(TemporaryError, match=r"no connection to mail\.invalid:993"):
        scripted_inbox(host="mail.invalid", port=993, security="tls").connect()


@pytest.mark.parametrize("command", ["GREETING", "CAPABILITY", "LOGIN", "EXAMINE"])
def test_a_silent_server_is_given_up_after_the_time_out(scripted, scripted_inbox, hang, command):
    def fall_silent(_):
        raise hang

    scripted.on[command] = fall_silent
    began = time.monotonic()
    with pytest.raises(TemporaryError, match="no answer in time"):
        scripted_inbox(timeout_s=1).connect()
    assert time.monotonic() - began < 4


def test_a_silent_server_behind_tls_is_given_up_too(scripted_inbox):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(TemporaryError, match="no answer in time"):
            scripted_inbox(port=port, security="tls", timeout_s=1).connect()


def test_a_plain_server_where_tls_is_expected_is_named(account, settings_for):
    settings = settings_for(account, security="tls", port=account.server.imap_port, ca_file=account.server.ca_file)
    with pytest.raises(TemporaryError, match=r"(?i)wrong version number"):
        ImapInbox(settings, password=account.password).connect()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_with_a_trusted_certificate(account, open_inbox, cursor, mail, security):
    account.append(mail())
    inbox = open_inbox(account, security=security, ca_file=account.server.ca_file)
    assert [found.raw for found in inbox.scan(cursor())] == [mail()]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_untrusted_certificate_is_refused_before_the_password_is_sent(account, open_inbox, security):
    with pytest.raises(ConfigError, match=r"is not trusted .*ca_file"):
        open_inbox(account, security=security)
    assert f"user=<{account.address}>" not in account.server.log


def test_a_certificate_for_another_host_is_refused(account, open_inbox, tmp_path):
    with pytest.raises(ConfigError, match=r"is not trusted.*127\.0\.0\.2.*correct host"):
        open_inbox(account, host="127.0.0.2", security="tls", port=_forward(account), ca_file=account.server.ca_file)


def _forward(account):
    """127.0.0.2 reaches a listener on all of loopback only, so one is put between."""
    server = socket.create_server(("127.0.0.2", 0))
    inner = socket.create_connection(("127.0.0.1", account.server.imaps_port))

    def pump():
        outer, _ = server.accept()
        with server, inner, outer:
            outer.settimeout(5)
            inner.settimeout(5)
            with suppress(OSError):
                while octets := outer.recv(65536):
                    inner.sendall(octets)
                    outer.sendall(inner.recv(65536))

    import threading

    threading.Thread(target=pump, daemon=True).start()
    return server.getsockname()[1]


def test_a_ca_file_that_cannot_be_used_is_named(account, open_inbox, tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.pem cannot be read"):
        open_inbox(account, security="tls", ca_file=tmp_path / "missing.pem")
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match=r"text\.pem cannot be read as PEM"):
        open_inbox(account, security="tls", ca_file=tmp_path / "text.pem")


def test_another_authority_than_the_servers_is_not_enough(account, open_inbox, tmp_path):
    make_certificate(tmp_path / "other.pem", tmp_path / "other.key")
    with pytest.raises(ConfigError, match="is not trusted"):
        open_inbox(account, security="tls", ca_file=tmp_path / "other.pem")


def test_plain_connections_end_on_this_machine(account, settings_for):
    settings = settings_for(account).model_copy(update={"host": "192.0.2.1"})
    with pytest.raises(ConfigError, match='security = "tls"'):
        ImapInbox(settings, password=account.password).connect()


def test_without_starttls_no_password_is_sent(scripted, scripted_inbox):
    with pytest.raises(ConfigError, match="offers no STARTTLS"):
        scripted_inbox(security="starttls").connect()
    assert not any(said.startswith(("LOGIN", "AUTHENTICATE")) for said in scripted.said)


# --- the login ------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_no_network_fault(account, settings_for):
    inbox = ImapInbox(settings_for(account), password="falsch")
    with pytest.raises(LoginRefusedError, match="check user and password") as caught:
        inbox.connect()
    assert "falsch" not in everything_said(caught.value)


@pytest.mark.parametrize("password", ['mit "Zeichen\\', "mit Leerzeichen und {3}", "Grüße-äöü-ß-سلام", "%(x)s *"])
def test_any_password_reaches_the_server(dovecot, open_inbox, password):
    escaped = password  # as it stands in the users' file of Dovecot
    account = dovecot.add_account(password=escaped)
    assert open_inbox(account).open("INBOX").messages == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("NO [AUTHENTICATIONFAILED] Authentication failed.", LoginRefusedError),
        ("NO Login failed.", LoginRefusedError),
        ("NO [ALERT] Invalid credentials (Failure)", LoginRefusedError),
        ("NO [AUTHENTICATIONFAILED] Temporarily blocked after too many failures", LoginRefusedError),
        ("NO Too many login attempts, account locked. Please try again later", LoginRefusedError),
        ("BAD Invalid characters in password", LoginRefusedError),
        ("NO [UNAVAILABLE] Temporary authentication failure.", TemporaryError),
        ("NO [LIMIT] Maximum number of connections from user+IP exceeded", TemporaryError),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", TemporaryError),
        ("NO Server busy, try again", TemporaryError),
        ("NO [PRIVACYREQUIRED] Plaintext authentication disallowed", ConfigError),
    ],
)
def test_what_a_refused_login_means(scripted, scripted_inbox, answer, error):
    scripted.on["LOGIN"] = lambda _: f"TAG {answer}\r\n".encode()
    with pytest.raises(RsvpMailerError) as caught:
        scripted_inbox().connect()
    assert type(caught.value) is error


def test_goodbye_instead_of_a_greeting(scripted, scripted_inbox):
    scripted.on["GREETING"] = lambda _: b"* BYE Too many connections, come back later\r\n"
    with pytest.raises(TemporaryError, match="Too many connections"):
        scripted_inbox().connect()


def test_a_server_that_echoes_the_password_does_not_make_us_tell_it(scripted, scripted_inbox):
    scripted.on["LOGIN"] = lambda arguments: f"TAG NO not valid: {arguments}\r\n".encode()
    with pytest.raises(LoginRefusedError) as caught:
        scripted_inbox(password=CANARY).connect()
    assert CANARY not in everything_said(caught.value)


def test_a_missing_folder_is_named(account, open_inbox):
    with pytest.raises(ConfigError, match='no folder "Konferenz"; create it'):
        open_inbox(account, folder="Konferenz")


def test_a_folder_that_cannot_be_opened_for_now_is_temporary(scripted, scripted_inbox):
    scripted.on["EXAMINE"] = lambda _: b"TAG NO [SERVERBUG] Internal error occurred\r\n"
    scripted.on["LIST"] = lambda _: b'* LIST () "/" INBOX\r\nTAG OK done\r\n'
    with pytest.raises(TemporaryError, match="Internal error occurred"):
        scripted_inbox().connect()


# --- while fetching -------------------------------------------------------------------------------------------------


def test_after_a_drop_amid_fetch_the_scan_goes_on_from_the_cursor(scripted, scripted_inbox, cursor, mail, hang_up):
    scripted.messages = {uid: mail(uid) for uid in range(1, 121)}

    def fetch(arguments):
        rows = b"".join(scripted.rows(arguments))
        if "BODY" in arguments and arguments.startswith("51:"):
            raise hang_up(rows[: len(rows) // 2])
        return rows + b"TAG OK done\r\n"

    scripted.on["UID FETCH"] = fetch
    inbox, found = scripted_inbox(), []
    inbox.connect()
    with pytest.raises(TemporaryError):
        found.extend(inbox.scan(cursor()))
    assert [message.place.uid for message in found] == list(range(1, 51))
    inbox.connect()
    found.extend(inbox.scan(cursor(last_uid=50)))
    assert [message.raw for message in found] == list(scripted.messages.values())


@pytest.mark.parametrize("part", [5, 60, -3])
def test_what_was_yielded_before_a_drop_is_whole(scripted, scripted_inbox, cursor, mail, hang_up, part):
    scripted.messages = {uid: mail(uid, body=CANARY) for uid in range(1, 101)}

    def fetch(arguments):
        answer = b"".join(scripted.rows(arguments))
        if "BODY" in arguments and arguments.startswith("51"):
            raise hang_up(answer[:part])
        return answer + b"TAG OK done\r\n"

    scripted.on["UID FETCH"] = fetch
    inbox = scripted_inbox()
    inbox.connect()
    scan = inbox.scan(cursor())
    assert [message.raw for message in islice(scan, 50)] == [mail(uid, body=CANARY) for uid in range(1, 51)]
    with pytest.raises(TemporaryError) as caught:
        next(scan)
    assert CANARY not in everything_said(caught.value)
    with pytest.raises(TemporaryError, match="no connection"):
        inbox.open("INBOX")


def test_nonsense_is_told_without_being_quoted(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {1: mail()}
    scripted.on["UID FETCH"] = lambda _: f"{CANARY}\r\nTAG OK done\r\n".encode()
    inbox = scripted_inbox()
    inbox.connect()
    with pytest.raises(TemporaryError, match="broke the protocol") as caught:
        list(inbox.scan(cursor()))
    assert CANARY not in everything_said(caught.value)


def test_promise_5_a_message_that_kills_every_connection_stops_nobody(scripted, scripted_inbox, cursor, mail, hang_up):
    scripted.messages = {uid: mail(uid) for uid in range(1, 11)}

    def fetch(arguments):
        uids = {int(row.split(b"UID ")[1].split()[0]) for row in scripted.rows(arguments)}
        if "BODY" in arguments and 4 in uids:
            raise hang_up(b"")
        return b"".join(scripted.rows(arguments)) + b"TAG OK done\r\n"

    scripted.on["UID FETCH"] = fetch
    inbox, at, found, drops = scripted_inbox(), 0, {}, 0
    while drops < 20:
        try:
            inbox.connect()
            for message in inbox.scan(cursor(last_uid=at)):
                at = message.place.uid
                found[at] = message
            break
        except TemporaryError:
            drops += 1
    assert drops == 5
    assert list(found) == list(range(1, 11))
    assert (found[4].raw, found[4].complete) == (b"", False)
    assert all(found[uid].complete and found[uid].raw == mail(uid) for uid in found if uid != 4)


def test_where_only_the_body_cannot_be_served_the_header_is_taken(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {uid: mail(uid) for uid in range(1, 4)}

    def fetch(arguments):
        rows = [row for row in scripted.rows(arguments) if b"UID 2 BODY[]" not in row]
        return b"".join(rows) + b"TAG NO [SERVERBUG] Internal error occurred\r\n"

    scripted.on["UID FETCH"] = fetch
    inbox, at, found, refusals = scripted_inbox(), 0, {}, 0
    while refusals < 20:
        try:
            inbox.connect()
            for message in inbox.scan(cursor(last_uid=at)):
                at = message.place.uid
                found[at] = message.complete
            break
        except TemporaryError as error:
            assert "UID 2" in str(error)
            refusals += 1
    assert found == {1: True, 2: False, 3: True}


# --- a talkative server ---------------------------------------------------------------------------------------------


def test_unasked_rows_in_between_confuse_nothing(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {uid: mail(uid) for uid in range(1, 8)}
    noise = (
        b"* 3 FETCH (FLAGS (\\Seen))\r\n* 9 EXPUNGE\r\n* 2 FETCH (UID 2 FLAGS (\\Deleted))\r\n"
        b"* OK still here\r\n* 30 EXISTS\r\n* 99 FETCH (UID 4711 BODY[] {3}\r\nabc)\r\n"
    )

    def fetch(arguments):
        return noise.join([b"", *reversed(scripted.rows(arguments)), b""]) + b"TAG OK done\r\n"

    scripted.on["UID FETCH"] = fetch
    inbox = scripted_inbox()
    inbox.connect()
    assert {message.place.uid: message.raw for message in inbox.scan(cursor())} == scripted.messages


def test_incomplete_rows_are_asked_for_one_by_one(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {uid: mail(uid) for uid in range(1, 8)}

    def fetch(arguments):
        rows = scripted.rows(arguments)
        if len(rows) > 1:  # one without its UID, one without what was asked for, one not at all
            rows = [rows[0].replace(b"UID 1 ", b""), b"* 2 FETCH (UID 2 FLAGS ())\r\n", *rows[3:]]
        return b"".join(rows) + b"TAG OK done\r\n"

    scripted.on["UID FETCH"] = fetch
    inbox = scripted_inbox()
    inbox.connect()
    assert {message.place.uid: message.raw for message in inbox.scan(cursor())} == scripted.messages


def test_an_answer_to_search_may_carry_more_than_uids_and_come_in_pieces(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {uid: mail(uid) for uid in (2, 9, 30)}
    scripted.on["UID SEARCH"] = lambda _: b"* SEARCH 9 2\r\n* SEARCH 30 (MODSEQ 917162500)\r\nTAG OK done\r\n"
    inbox = scripted_inbox()
    inbox.connect()
    assert [message.place.uid for message in inbox.scan(cursor())] == [2, 9, 30]


def test_a_message_of_unknown_size_is_not_fetched_whole(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {1: mail(1)}
    real = scripted.row
    scripted.row = lambda uid, items: real(uid, items).replace(b"RFC822.SIZE", b"X-SIZE")
    inbox = scripted_inbox()
    inbox.connect()
    (found,) = inbox.scan(cursor())
    assert not found.complete
    assert not any("BODY.PEEK[]" in said for said in scripted.said)


def test_an_unreadable_internaldate_loses_nothing(scripted, scripted_inbox, cursor, mail):
    scripted.messages = {1: mail(1)}
    real = scripted.row
    scripted.row = lambda uid, items: real(uid, items).replace(b"14-Nov-2017", b"99-Foo-2017")
    inbox = scripted_inbox()
    inbox.connect()
    (found,) = inbox.scan(cursor())
    assert (found.raw, found.arrived_at) == (mail(1), None)


def test_a_server_that_leaves_something_out_is_asked_for_it(scripted, scripted_inbox, mail):
    scripted.messages = {3: mail(3), 11: mail(11)}
    scripted.on["EXAMINE"] = lambda _: b"* 2 EXISTS\r\nTAG OK done\r\n"
    scripted.on["STATUS"] = lambda _: b"* STATUS INBOX (UIDVALIDITY 9)\r\nTAG OK done\r\n"
    inbox = scripted_inbox()
    inbox.connect()
    state = inbox.open("INBOX")
    assert (state.uidvalidity, state.uidnext, state.messages) == (9, 12, 2)


def test_a_server_without_uidvalidity_is_not_used(scripted, scripted_inbox):
    scripted.on["EXAMINE"] = lambda _: b"* 2 EXISTS\r\nTAG OK done\r\n"
    with pytest.raises(TemporaryError):
        scripted_inbox().connect()


# --- afterwards -----------------------------------------------------------------------------------------------------


def test_closing_never_raises_and_never_hangs(scripted, scripted_inbox, hang):
    def fall_silent(_):
        raise hang

    scripted.on["LOGOUT"] = fall_silent
    inbox = scripted_inbox(timeout_s=30)
    inbox.close()
    inbox.connect()
    began = time.monotonic()
    inbox.close()
    inbox.close()
    assert time.monotonic() - began < 4


def test_a_restarted_server_is_found_again(own_server, open_inbox, cursor, mail):
    account = own_server.add_account()
    account.append(mail(1))
    inbox = open_inbox(account)
    assert len(list(inbox.scan(cursor()))) == 1
    own_server.stop()
    with pytest.raises(TemporaryError):
        list(inbox.scan(cursor()))
    with pytest.raises(TemporaryError):
        inbox.connect()
    own_server.start()
    inbox.connect()
    assert len(list(inbox.scan(cursor()))) == 1


def test_pauses_grow_to_five_minutes_and_are_never_equal_for_all():
    assert list(islice(pauses(lambda: 0.0), 11)) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert list(islice(pauses(lambda: 0.999), 3)) == pytest.approx([0.5, 1, 2], rel=0.01)
