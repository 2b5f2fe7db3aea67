"""The servers that other tests stand on behave as they say."""

from __future__ import annotations

import smtplib
import time
from typing import TYPE_CHECKING

import pytest
from servers_smtp import SmtpServer, Step, drop, hang, refuse, slow, wait_until

if TYPE_CHECKING:
    from servers_dovecot import Account, Dovecot
    from servers_postfix import Postfix, SmtpSink

MAIL = b"Subject: Zusage\r\n\r\n.Wir kommen zu dritt.\r\n"
TO = "anna@kita.example"


def send(port: int, *, to: str = TO, timeout: float = 5) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=timeout) as client:
        client.sendmail("office@essen.example", [to], MAIL)


def test_a_mail_is_kept_octet_for_octet(smtp_server: SmtpServer):
    send(smtp_server.port)
    (mail,) = smtp_server.wait_for(1)
    assert (mail.sender, mail.recipients, mail.octets) == ("office@essen.example", (TO,), MAIL)


def test_a_refusal_strikes_once_and_at_its_step(smtp_server: SmtpServer):
    smtp_server.script(refuse("450 4.2.0 busy"), refuse("552 5.3.4 too much", at=Step.DOT))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp_server.port)
    with pytest.raises(smtplib.SMTPDataError):
        send(smtp_server.port)
    send(smtp_server.port)
    assert len(smtp_server.mails) == 1
    assert smtp_server.script_left == 0


def test_one_recipient_is_refused_for_good(smtp_server: SmtpServer):
    smtp_server.refused[TO] = "550 5.1.1 no such person"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(smtp_server.port)
    send(smtp_server.port, to="bert@kita.example")
    assert [mail.recipients for mail in smtp_server.mails] == [("bert@kita.example",)]


@pytest.mark.parametrize("step", [Step.CONNECT, Step.MAIL, Step.RCPT, Step.DATA, Step.BODY, Step.DOT])
def test_a_dropped_connection_keeps_nothing(smtp_server: SmtpServer, step: Step):
    smtp_server.script(drop(step))
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        send(smtp_server.port)
    assert smtp_server.mails == []
    assert smtp_server.script_left == 0


def test_a_mail_is_accepted_but_the_answer_is_lost(smtp_server: SmtpServer):
    smtp_server.script(drop(Step.ACCEPTED))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(smtp_server.port)
    assert len(smtp_server.mails) == 1


@pytest.mark.parametrize("step", [Step.CONNECT, Step.DATA, Step.BODY, Step.ACCEPTED])
def test_a_server_that_hangs_says_nothing(smtp_server: SmtpServer, step: Step):
    smtp_server.script(hang(step))
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        send(smtp_server.port, timeout=0.3)


def test_a_slow_server_answers_late(smtp_server: SmtpServer):
    smtp_server.script(slow(0.3))
    began = time.monotonic()
    send(smtp_server.port)
    assert time.monotonic() - began > 0.3
    assert len(smtp_server.mails) == 1


def test_a_restart_keeps_the_port(smtp_server: SmtpServer):
    port = smtp_server.port
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        smtp_server.stop()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
            client.noop()
    with pytest.raises(ConnectionRefusedError):
        send(port)
    smtp_server.start()
    send(port)
    assert len(smtp_server.mails) == 1


def test_login_is_demanded():
    with SmtpServer(login=("office", "Eibisch-3")) as server:
        with pytest.raises(smtplib.SMTPException):
            send(server.port)
        with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("office", "wrong")
            client.login("office", "Eibisch-3")
            client.sendmail("office@essen.example", [TO], MAIL)
        assert [mail.login for mail in server.mails] == ["office"]
        assert server.logins[-1] == ("office", True)


@pytest.mark.parametrize("implicit", [True, False])
def test_tls(dovecot: Dovecot, implicit: bool):
    import ssl

    from servers_dovecot import tls_context

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(dovecot.ca_file, dovecot.home / "key.pem")
    trust = tls_context(dovecot.ca_file)
    with SmtpServer(tls=context, implicit_tls=implicit) as server:
        if implicit:
            client: smtplib.SMTP = smtplib.SMTP_SSL("localhost", server.port, timeout=5, context=trust)
        else:
            client = smtplib.SMTP("localhost", server.port, timeout=5)
            client.starttls(context=trust)
        with client:
            client.sendmail("office@essen.example", [TO], MAIL)
        assert server.connections == 1
        assert [mail.octets for mail in server.mails] == [MAIL]


def test_smtp_sink_takes_mail(smtp_sink: SmtpSink):
    send(smtp_sink.port)


def test_mail_travels_through_postfix_into_dovecot(postfix: Postfix, account: Account):
    send(postfix.port, to=account.address)
    client = account.client()
    try:

        def arrived() -> bool:
            return client.select("INBOX")[1] == [b"1"]

        wait_until(arrived, seconds=20, what=f"delivery of the mail ({postfix.log[-2000:]})")
        (_, body), *_ = client.fetch("1", "(BODY.PEEK[TEXT])")[1]
        assert body == b".Wir kommen zu dritt.\r\n"
    finally:
        client.logout()
