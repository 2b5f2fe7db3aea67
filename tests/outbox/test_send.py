"""Handing mail over, to real servers on loopback that refuse, hang, break off and lose answers."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from servers_dovecot import make_certificate
from servers_smtp import SmtpServer, Step, drop, hang, refuse, slow

from rsvp_mailer.errors import ConfigError, LoginRefusedError, PermanentDeliveryError, TemporaryError
from rsvp_mailer.outbox.send import SmtpSession

if TYPE_CHECKING:
    from pathlib import Path

OFFICE = "office@jugendamt.essen.example"
MARA = "mara.velic@example.org"
MAIL = b"Subject: Zusage\r\n\r\nEs bleibt dabei.\r\n.. und\r\n.\r\n.ein Punkt am Anfang\r\n"


@dataclass(frozen=True)
class Server:
    host: str = "127.0.0.1"
    port: int = 0
    security: str = "none"
    user: str | None = None
    timeout_s: float = 5
    ca_file: Path | None = None


def send(server, *mails, password=None, final_answer_timeout_s=5, recipient=MARA):
    """Send mails over one session; an outcome for each: ``None`` or the error."""

    async def all_of_them():
        session = SmtpSession(server, password=password, final_answer_timeout_s=final_answer_timeout_s)
        outcomes = []
        for mail in mails:
            try:
                await session.send(mail, sender=OFFICE, recipient=recipient)
            except (TemporaryError, PermanentDeliveryError, LoginRefusedError, ConfigError) as error:
                outcomes.append(error)
            else:
                outcomes.append(None)
        await session.close()
        return outcomes

    return asyncio.run(all_of_them())


@pytest.fixture
def server(smtp_server):
    return Server(port=smtp_server.port)


# --- the good road ---------------------------------------------------------------------------------------------------


def test_octets_arrive_as_they_are(smtp_server, server):
    assert send(server, MAIL) == [None]
    (mail,) = smtp_server.mails
    assert mail.octets == MAIL
    assert (mail.sender, mail.recipients) == (OFFICE, (MARA,))


def test_mail_that_begins_with_a_dot_or_lacks_its_last_line_end(smtp_server, server):
    assert send(server, b".x: 1\r\n\r\n.", b"A: b\r\n\r\nc") == [None, None]
    assert [mail.octets for mail in smtp_server.mails] == [b".x: 1\r\n\r\n.\r\n", b"A: b\r\n\r\nc\r\n"]


def test_several_messages_share_a_connection(smtp_server, server):
    assert send(server, *[MAIL] * 20) == [None] * 20
    assert smtp_server.connections == 1


@pytest.mark.parametrize("octets", [b"A: b\n\nc\n", b"A: b\r\n\r\nc\r.\r\n", b"A: b\r\n\n\r"])
def test_bare_line_ends_are_refused_before_anything_is_sent(smtp_server, server, octets):
    (error,) = send(server, octets)
    assert isinstance(error, PermanentDeliveryError)
    assert smtp_server.connections == 0


def test_a_sender_may_be_null(smtp_server, server):
    async def bounce():
        session = SmtpSession(server, password=None)
        await session.send(MAIL, sender="", recipient=MARA)
        await session.close()

    asyncio.run(bounce())
    assert smtp_server.mails[0].sender == "<>"  # as aiosmtpd calls it


def test_an_address_outside_ascii_needs_the_servers_help(smtp_server, server, smtp_sink):
    assert send(server, MAIL, recipient="zoë@bücher.example") == [None]
    assert smtp_server.mails[0].recipients == ("zoë@bücher.example",)
    (error,) = send(Server(port=smtp_sink.port), MAIL, recipient="zoë@bücher.example")
    assert isinstance(error, PermanentDeliveryError)
    assert error.recipient == "zoë@bücher.example"
    assert "SMTPUTF8" in str(error)


@pytest.mark.parametrize("recipient", ["a@b> SIZE=1", "a@b\r\nRSET", "a b@c"])
def test_an_address_cannot_smuggle_commands(smtp_server, server, recipient):
    (error,) = send(server, MAIL, recipient=recipient)
    assert isinstance(error, PermanentDeliveryError)
    assert smtp_server.mails == []
    assert send(server, MAIL) == [None]


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Step.RCPT, Step.DATA, Step.DOT])
def test_4xx_waits_and_the_connection_goes_on(smtp_server, server, step):
    smtp_server.script(refuse("451 4.7.1 greylisted, mara.velic@example.org", at=step))
    first, second = send(server, MAIL, MAIL)
    assert isinstance(first, TemporaryError)
    assert (first.smtp_code, first.uncertain) == (451, False)
    assert "451 4.7.1" in str(first)
    assert second is None
    assert len(smtp_server.mails) == 1
    assert smtp_server.connections == 1


@pytest.mark.parametrize("step", [Step.RCPT, Step.DATA, Step.DOT])
def test_5xx_gives_up_with_code_and_recipient(smtp_server, server, step):
    smtp_server.script(refuse("550 5.1.1 <mara.velic@example.org> is unknown here", at=step))
    first, second = send(server, MAIL, MAIL)
    assert isinstance(first, PermanentDeliveryError)
    assert (first.smtp_code, first.recipient) == (550, MARA)
    assert "550 5.1.1" in str(first)
    assert "mara" not in str(first)
    assert second is None


def test_a_sender_that_is_refused_is_a_matter_of_settings(smtp_server, server):
    smtp_server.script(refuse("553 5.7.1 not owned by you", at=Step.MAIL))
    (error,) = send(server, MAIL)
    assert isinstance(error, ConfigError)
    assert "553 5.7.1" in str(error)


def test_a_message_that_is_too_large_is_no_matter_of_settings(smtp_server, server):
    smtp_server.script(refuse("552 5.3.4 too large", at=Step.MAIL))
    first, second = send(server, MAIL, MAIL)
    assert isinstance(first, PermanentDeliveryError)
    assert first.smtp_code == 552
    assert second is None


def test_a_login_that_is_wanted_is_a_matter_of_settings():
    with SmtpServer(login=("yaman", "geheim")) as smtp_server:
        (error,) = send(Server(port=smtp_server.port), MAIL)
    assert isinstance(error, ConfigError)
    assert "smtp.user" in str(error)


@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA])
def test_421_on_a_new_connection_waits(smtp_server, server, step):
    smtp_server.script(refuse("421 4.3.2 shutting down", at=step))
    first, second = send(server, MAIL, MAIL)
    assert isinstance(first, TemporaryError)
    assert (first.smtp_code, first.uncertain) == (421, False)
    assert second is None
    assert smtp_server.connections == 2


def test_a_greeting_that_refuses_concerns_the_server(smtp_server, server):
    smtp_server.script(refuse("554 5.3.2 no service", at=Step.CONNECT))
    (error,) = send(server, MAIL)
    assert isinstance(error, TemporaryError)
    assert error.smtp_code is None


# --- lost connections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [drop(Step.MAIL), drop(Step.RCPT), drop(Step.DATA), refuse("421 4.4.2 idle", at=Step.MAIL)]
)
def test_a_server_that_hung_up_between_messages_gets_the_message_at_once(smtp_server, server, fault):
    async def with_a_rest():
        session = SmtpSession(server, password=None)
        await session.send(MAIL, sender=OFFICE, recipient=MARA)
        smtp_server.script(fault)
        await session.send(MAIL, sender=OFFICE, recipient=MARA)
        await session.close()

    asyncio.run(with_a_rest())
    assert len(smtp_server.mails) == 2
    assert smtp_server.connections == 2
    assert smtp_server.script_left == 0


def test_a_connection_closed_while_it_rested(smtp_server, server):
    async def with_a_rest():
        session = SmtpSession(server, password=None)
        await session.send(MAIL, sender=OFFICE, recipient=MARA)
        smtp_server.hang_up()
        await asyncio.sleep(0.1)
        await session.send(MAIL, sender=OFFICE, recipient=MARA)
        await session.close()

    asyncio.run(with_a_rest())
    assert len(smtp_server.mails) == 2


@pytest.mark.parametrize("step", [Step.MAIL, Step.RCPT, Step.DATA])
def test_a_loss_before_the_message_is_certain(smtp_server, server, step):
    smtp_server.script(drop(step))
    (error,) = send(server, MAIL)
    assert isinstance(error, TemporaryError)
    assert (error.smtp_code, error.uncertain) == (None, False)
    assert smtp_server.mails == []


@pytest.mark.parametrize("step", [Step.BODY, Step.DOT, Step.ACCEPTED])
def test_a_loss_after_the_message_is_uncertain_and_not_tried_again_here(smtp_server, server, step):
    async def second_one_is_lost():
        session = SmtpSession(server, password=None)
        await session.send(MAIL, sender=OFFICE, recipient=MARA)
        smtp_server.script(drop(step))
        with pytest.raises(TemporaryError) as caught:
            await session.send(MAIL, sender=OFFICE, recipient=MARA)
        await session.close()
        return caught.value

    error = asyncio.run(second_one_is_lost())
    assert error.uncertain
    assert len(smtp_server.mails) == (2 if step is Step.ACCEPTED else 1)


def test_nobody_listens(smtp_server, server):
    smtp_server.stop()
    (error,) = send(server, MAIL)
    assert isinstance(error, TemporaryError)
    assert (error.smtp_code, error.uncertain) == (None, False)
    assert "cannot be reached" in str(error)


def test_an_unknown_host_is_a_matter_of_time():
    (error,) = send(Server(host="mail.invalid", port=25), MAIL)
    assert isinstance(error, TemporaryError)


# --- time-outs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [Step.CONNECT, Step.MAIL, Step.RCPT, Step.DATA])
def test_a_server_that_falls_silent_is_left(smtp_server, server, step):
    smtp_server.script(hang(step))
    started = time.monotonic()
    first, second = send(replace(server, timeout_s=0.3), MAIL, MAIL)
    assert time.monotonic() - started < 3
    assert isinstance(first, TemporaryError)
    assert not first.uncertain
    assert second is None


def test_silence_after_the_message_is_uncertain(smtp_server, server):
    smtp_server.script(hang(Step.ACCEPTED))
    (error,) = send(server, MAIL, final_answer_timeout_s=0.3)
    assert isinstance(error, TemporaryError)
    assert error.uncertain


def test_a_slow_final_answer_is_waited_for(smtp_server, server):
    smtp_server.script(slow(1, at=Step.DOT))
    assert send(replace(server, timeout_s=0.3), MAIL, final_answer_timeout_s=10) == [None]


def test_a_cancelled_message_does_not_confuse_the_next(smtp_server, server):
    async def cancelled():
        session = SmtpSession(server, password=None)
        smtp_server.script(hang(Step.RCPT))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.send(MAIL, sender=OFFICE, recipient=MARA), 0.3)
        await session.send(MAIL, sender=OFFICE, recipient=MARA)
        await session.close()

    asyncio.run(cancelled())
    assert len(smtp_server.mails) == 1


# --- TLS and login ---------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(*files)
    return files


@pytest.fixture
def tls(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return context


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_tls_with_a_trusted_certificate_and_a_login(tls, certificate, security):
    with SmtpServer(tls=tls, implicit_tls=security == "tls", login=("yaman", "geheim")) as smtp_server:
        server = Server("localhost", smtp_server.port, security, "yaman", ca_file=certificate[0])
        assert send(server, MAIL, MAIL, password="geheim") == [None, None]
        assert [mail.login for mail in smtp_server.mails] == ["yaman", "yaman"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_untrusted_certificate_is_a_matter_of_settings(tls, security):
    with SmtpServer(tls=tls, implicit_tls=security == "tls") as smtp_server:
        (error,) = send(Server("localhost", smtp_server.port, security), MAIL)
    assert isinstance(error, ConfigError)
    assert "smtp.ca_file" in str(error)
    assert smtp_server.mails == []


def test_starttls_is_never_left_out(smtp_server, server):
    (error,) = send(replace(server, security="starttls"), MAIL)
    assert isinstance(error, ConfigError)
    assert "STARTTLS" in str(error)
    assert smtp_server.mails == []


def test_tls_on_a_plain_port_is_a_matter_of_settings(smtp_server, server):
    (error,) = send(replace(server, security="tls"), MAIL)
    assert isinstance(error, ConfigError)
    assert "does not speak TLS" in str(error)


def test_a_ca_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="ca_file"):
        SmtpSession(Server(security="tls", ca_file=tmp_path / "gone.pem"), password=None)


def test_a_refused_login_costs_one_attempt_only():
    with SmtpServer(login=("yaman", "geheim")) as smtp_server:
        (error,) = send(Server(port=smtp_server.port, user="yaman"), MAIL, password="falsch")
        assert smtp_server.logins == [("yaman", False)]
    assert isinstance(error, LoginRefusedError)
    assert "535" in str(error)
    assert "falsch" not in str(error)


def test_a_login_service_that_is_down_is_a_matter_of_time():
    with SmtpServer(login=("yaman", "geheim")) as smtp_server:
        smtp_server.script(refuse("454 4.7.0 try later", at=Step.AUTH))
        first, second = send(Server(port=smtp_server.port, user="yaman"), MAIL, MAIL, password="geheim")
    assert isinstance(first, TemporaryError)
    assert first.smtp_code is None
    assert second is None


@pytest.fixture
def simple_server():
    """Answers each command's first word as told, "250 ok" to all others; keeps what it heard."""
    heard = []

    def serve(answers):
        listener = socket.create_server(("127.0.0.1", 0))

        def talk():
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as stream:
                stream.write(b"220 here\r\n")
                stream.flush()
                for line in stream:
                    heard.append(line)
                    stream.write(answers.get(line.split()[0] if line.split() else b"", b"250 ok") + b"\r\n")
                    stream.flush()

        threading.Thread(target=talk, daemon=True).start()
        listeners.append(listener)
        return Server(port=listener.getsockname()[1], timeout_s=1), heard

    listeners = []
    yield serve
    for listener in listeners:
        listener.close()


def test_a_server_without_login(simple_server):
    server, heard = simple_server({})
    (error,) = send(replace(server, user="yaman"), MAIL, password="geheim")
    assert isinstance(error, ConfigError)
    assert "smtp.user" in str(error)
    assert not [line for line in heard if line.startswith(b"AUTH")]


def test_a_server_that_only_knows_helo(simple_server):
    server, heard = simple_server({b"EHLO": b"502 what", b"DATA": b"354 go", b".": b"250 taken"})
    assert send(server, b"A: b\r\n") == [None]
    assert heard[1].startswith(b"HELO")
    assert b"SIZE" not in heard[2]


@pytest.mark.parametrize("answer", [b"hello", b"250 taken already", b"99999 no", b"999 no"])
def test_an_answer_to_data_that_makes_no_sense(simple_server, answer):
    server, heard = simple_server({b"DATA": answer})
    (error,) = send(server, b"A: b\r\n")
    assert isinstance(error, TemporaryError)
    assert not error.uncertain
    assert b"A: b\r\n" not in heard


@pytest.mark.parametrize("answer", [b"hello", b"354 more", b"999 no"])
def test_a_final_answer_that_makes_no_sense_is_uncertain(simple_server, answer):
    server, _ = simple_server({b"DATA": b"354 go", b"A:": answer})
    (error,) = send(server, b"A: b\r\n")
    assert isinstance(error, TemporaryError)
    assert error.uncertain


# --- check -----------------------------------------------------------------------------------------------------------


def findings(server, password=None):
    async def ask():
        session = SmtpSession(server, password=password)
        found = await session.findings()
        await session.close()
        return found

    return asyncio.run(ask())


def test_findings_of_a_good_server():
    with SmtpServer(login=("yaman", "geheim")) as smtp_server:
        found = findings(Server(port=smtp_server.port, user="yaman"), "geheim")
    assert [finding.ok for finding in found] == [True, True]


def test_findings_say_what_to_do(smtp_server, server):
    with SmtpServer(login=("yaman", "geheim")) as strict:
        found = findings(Server(port=strict.port, user="yaman"), "falsch")
    assert [finding.ok for finding in found] == [True, False]
    assert "correct smtp.user or its password" in found[1].advice
    smtp_server.stop()
    (down,) = findings(server)
    assert not down.ok
    assert "cannot be reached" in down.advice


# --- speed -----------------------------------------------------------------------------------------------------------


def test_sending_is_about_as_fast_as_smtplib(smtp_sink):
    """Measured at 1.0 to 1.2 times smtplib's speed; half of it is the alarm."""
    octets = b"Subject: x\r\n\r\n" + (b"A" * 76 + b"\r\n") * 1800
    count = 150

    def floor_s():
        with smtplib.SMTP("127.0.0.1", smtp_sink.port) as plain:
            started = time.perf_counter()
            for _ in range(count):
                plain.sendmail(OFFICE, [MARA], octets)
            return time.perf_counter() - started

    def ours_s():
        started = time.perf_counter()
        assert send(Server(port=smtp_sink.port), *[octets] * count) == [None] * count
        return time.perf_counter() - started

    assert min(ours_s() for _ in range(3)) < 2 * min(floor_s() for _ in range(3))
