"""The embedded servers, tried with the standard library's plain clients."""

from __future__ import annotations

import gc
import imaplib
import smtplib
import threading
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from rsvp_mailer.demo.servers import HOST, ImapServer, SmtpServer

LOGIN = {"user": "staff", "password": "secret"}
ARRIVED_AT = datetime(2017, 10, 23, 9, 15, tzinfo=UTC)


def mail(subject):
    message = EmailMessage()
    message["From"], message["Subject"] = "Mira Ahrens <mira@example.org>", subject
    message.set_content("Wir kommen zu dritt.\n.\nBis dann")
    return message


def octets(subject):
    return mail(subject).as_bytes().replace(b"\n", b"\r\n")


def test_what_is_delivered_can_be_fetched_one_by_one_and_in_bulk():
    subjects = [f"Zusage {n}" for n in range(40)]
    with ImapServer(**LOGIN) as server:
        places = [server.deliver(ARRIVED_AT, octets(subject)) for subject in subjects]
        with imaplib.IMAP4(HOST, server.port) as client:
            client.login("staff", "secret")
            client.select("INBOX", readonly=True)
            _, [uids] = client.uid("SEARCH", "ALL")
            assert [int(uid) for uid in uids.split()] == [uid for _, uid in places]
            _, [(row, raw), _] = client.uid("FETCH", uids.split()[7], "(INTERNALDATE FLAGS BODY.PEEK[])")
            assert raw == octets("Zusage 7")
            assert b'"23-Oct-2017 09:15:00 +0000"' in row
            assert rb"\Seen" not in row
            _, rows = client.uid("FETCH", uids.replace(b" ", b",").decode(), "(UID BODY.PEEK[])")
            assert [row[1] for row in rows if isinstance(row, tuple)] == [octets(subject) for subject in subjects]


def test_a_wrong_password_is_refused():
    with (
        ImapServer(**LOGIN) as server,
        imaplib.IMAP4(HOST, server.port) as client,
        pytest.raises(imaplib.IMAP4.error),
    ):
        client.login("staff", "guess")


def test_an_idle_client_survives_a_garbage_collection():
    with ImapServer(**LOGIN) as server, imaplib.IMAP4(HOST, server.port, timeout=5) as client:
        client.login("staff", "secret")
        gc.collect()
        assert client.noop()[0] == "OK"


def test_an_idle_client_can_be_told_of_what_came_just_before():
    with ImapServer(**LOGIN) as server, imaplib.IMAP4(HOST, server.port, timeout=5) as client:
        client.login(**LOGIN)
        client.select("INBOX", readonly=True)
        server.deliver(ARRIVED_AT, octets("unnoticed"))
        client.send(b"I1 IDLE\r\n")
        assert client.readline().startswith(b"+")
        server.remind()
        assert client.readline() == b"* 1 EXISTS\r\n"
        assert client.readline() == b"* 1 FETCH (FLAGS (\\Flagged))\r\n"
        assert client.readline() == b"* 1 FETCH (FLAGS ())\r\n"
        client.send(b"DONE\r\n")
        assert client.readline().startswith(b"I1 OK")


def test_each_mail_sent_lies_in_the_folder_as_sent_in_order_of_arrival(tmp_path):
    with SmtpServer(tmp_path, **LOGIN) as server, smtplib.SMTP(HOST, server.port) as client:
        client.sendmail("office@example.org", ["zoe@example.org"], octets("first"))
        client.sendmail("office@example.org", ["a/../b@example.org"], octets("second"))
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["001 zoe@example.org.eml", "002 a_.._b@example.org.eml"]
    assert [file.read_bytes() for file in files] == [octets("first"), octets("second")]


def test_a_wrong_password_is_refused_by_smtp_too(tmp_path):
    with (
        SmtpServer(tmp_path, **LOGIN) as server,
        smtplib.SMTP(HOST, server.port) as client,
    ):
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("staff", "guess")
        assert client.login("staff", "secret")[0] == 235


def test_servers_end_with_their_block_even_under_a_client_that_stays(tmp_path):
    with ImapServer(**LOGIN) as imap, SmtpServer(tmp_path, **LOGIN) as smtp:
        idle, open_session = imaplib.IMAP4(HOST, imap.port), smtplib.SMTP(HOST, smtp.port)
        idle.login("staff", "secret")
    assert not [thread.name for thread in threading.enumerate() if thread.name in {"ImapServer", "SmtpServer"}]
    for port in (imap.port, smtp.port):
        with pytest.raises(ConnectionRefusedError):
            imaplib.IMAP4(HOST, port)
    idle.shutdown()
    open_session.close()
