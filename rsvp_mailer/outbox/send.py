"""Hands finished mails to the mail server over one kept connection. The only importer of aiosmtplib.

**Connection.** TLS from the first octet, STARTTLS, or plain (loopback only, as the settings see to). One message
after the other; nothing is sent between them. The next message's MAIL is the probe of a connection that rested:
losing it there has handed nothing over, so the message is tried once more on a new connection at once.

**Who says yes.** Octets and final dot are one write. From then until the server's answer nobody can know whether
it took the message: a loss or time-out there is a ``TemporaryError`` with ``uncertain`` set, and only the very
same octets may go again. The final answer is awaited for up to 10 minutes (RFC 5321, 4.5.3.2.6), since giving up
early is how duplicates are made.

**Failures.** 4xx, lost connections, time-outs: ``TemporaryError``; without an SMTP code, or with 421, it concerns
the server rather than the message. 5xx for the recipient or the message: ``PermanentDeliveryError``. 5xx for our
own address, an untrusted certificate, no STARTTLS: ``ConfigError``, since no mail of ours would get through.
A refused login: ``LoginRefusedError``, after one attempt by one mechanism: each one counts against the account.

Errors carry codes (550, 5.1.1) and words of our own, never the server's text, which may quote the recipient.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING

import structlog
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from rsvp_mailer.domain import Finding
from rsvp_mailer.errors import ConfigError, LoginRefusedError, PermanentDeliveryError, RsvpMailerError, TemporaryError
from rsvp_mailer.outbox.mime import is_address

if TYPE_CHECKING:
    from pathlib import Path

    from aiosmtplib.protocol import SMTPProtocol

    from rsvp_mailer.outbox.sender import MailServer

FINAL_ANSWER_TIMEOUT_S = 600.0
_MECHANISMS = ("plain", "login", "cram-md5")  # the password is safe within TLS; CRAM-MD5 needs it stored in clear
_UNAVAILABLE = 421
_LOGIN_NEEDED = 530
_TOO_LARGE = 552
_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")  # RFC 3463

log = structlog.get_logger()


class SmtpSession:
    """One kept connection to one server, used within one asyncio loop. Connects when first needed."""

    def __init__(
        self, settings: MailServer, *, password: str | None, final_answer_timeout_s: float = FINAL_ANSWER_TIMEOUT_S
    ) -> None:
        self._settings = settings
        self._password = password
        self._final_answer_timeout_s = final_answer_timeout_s
        self._smtp: SMTP | None = None
        self._tls = None if settings.security == "none" else _tls_context(settings.ca_file)

    async def send(self, octets: bytes, *, sender: str, recipient: str) -> None:
        """Return when the server has taken the message; ``sender`` and ``recipient`` are the envelope's.

        ``octets``: CRLF line ends. ``TemporaryError``, ``PermanentDeliveryError``, ``LoginRefusedError`` or
        ``ConfigError`` as the module says.
        """
        fault = _fault(octets, recipient)
        if fault:
            raise PermanentDeliveryError(fault, smtp_code=None, recipient=recipient)
        rested = self._smtp is not None
        try:
            await self._hand_over(octets, sender, recipient)
        except TemporaryError as error:
            hung_up = error.smtp_code in (None, _UNAVAILABLE) and not error.uncertain
            if not (rested and hung_up):
                raise
            await self._hand_over(octets, sender, recipient)

    async def close(self) -> None:
        """Say goodbye and hang up; never raises."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            await smtp.quit(timeout=1)
        except (SMTPException, OSError):
            pass  # the connection is closed either way
        finally:
            smtp.close()

    async def findings(self) -> list[Finding]:
        """What ``check`` tells about the server: one line for the connection, one for the login."""
        settings = self._settings
        where = f"smtp: {settings.host}:{settings.port} ({settings.security})"
        login = f"smtp: login of {settings.user}" if settings.user else "smtp: no login asked for"
        try:
            await self._connected()
        except LoginRefusedError as error:
            return [Finding(where, ok=True), Finding(login, ok=False, advice=str(error))]
        except RsvpMailerError as error:
            return [Finding(where, ok=False, advice=str(error))]
        return [Finding(where, ok=True), Finding(login, ok=True)]

    async def _hand_over(self, octets: bytes, sender: str, recipient: str) -> None:
        smtp = await self._connected()
        handed_over = False
        try:
            await self._envelope(smtp, sender, recipient, len(octets))
            await _expect(smtp, b"DATA", 354)
            protocol = _write_content(smtp, octets)
            handed_over = True
            response = await protocol.read_response(timeout=self._final_answer_timeout_s)
            if response.code // 100 != 2:  # 2yz is a yes: RFC 5321, 4.2.1
                raise SMTPResponseException(response.code, response.message)
        except asyncio.CancelledError:
            self._drop()  # in the middle of a dialogue: what the server says next would answer the wrong question
            raise
        except SMTPResponseException as error:
            await self._recover(smtp, error.code)
            raise _translated(error, recipient, uncertain=handed_over) from error
        except (SMTPException, OSError) as error:
            self._drop()
            raise _lost(error, uncertain=handed_over) from error

    async def _envelope(self, smtp: SMTP, sender: str, recipient: str, size_bytes: int) -> None:
        options = [f"SIZE={size_bytes}"] if smtp.supports_extension("size") else []
        encoding = "ascii"
        if not (sender + recipient).isascii():
            if not smtp.supports_extension("smtputf8"):
                advice = "the address has letters outside ASCII, which the mail server does not support (SMTPUTF8)"
                raise PermanentDeliveryError(advice, smtp_code=None, recipient=recipient)
            options.append("SMTPUTF8")
            encoding = "utf-8"
        await smtp.mail(sender, options=options, encoding=encoding)
        await smtp.rcpt(recipient, encoding=encoding)

    async def _connected(self) -> SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        settings = self._settings
        smtp = SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._tls,
            timeout=settings.timeout_s,
        )
        try:
            await smtp.connect()
            await _greet(smtp)
            await self._log_in(smtp)
        except BaseException as error:
            smtp.close()
            if isinstance(error, (SMTPException, OSError)):
                raise self._unreachable(error) from error
            raise
        self._smtp = smtp
        log.info("smtp.connected", host=settings.host, port=settings.port)
        return smtp

    async def _log_in(self, smtp: SMTP) -> None:
        """One mechanism, one attempt: aiosmtplib's ``login`` would try the same wrong password with each."""
        user, password = self._settings.user, self._password
        if user is None:
            return
        if password is None:
            raise ConfigError(["smtp.password: is missing for smtp.user; set password_file or the environment"])
        mechanism = next((m for m in _MECHANISMS if m in smtp.server_auth_methods), None)
        if mechanism is None:
            advice = "smtp.user: the server offers no login that we know; leave user out, or use TLS or another port"
            raise ConfigError([advice])
        log_in = {"plain": smtp.auth_plain, "login": smtp.auth_login, "cram-md5": smtp.auth_crammd5}[mechanism]
        await log_in(user, password)

    async def _recover(self, smtp: SMTP, code: int) -> None:
        """Make the connection fit for the next message after a refusal, or drop it."""
        if code == _UNAVAILABLE or code // 100 not in (4, 5):
            self._drop()
            return
        try:
            await smtp.rset()
        except (SMTPException, OSError):
            self._drop()
        except asyncio.CancelledError:
            self._drop()
            raise

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _unreachable(self, error: Exception) -> RsvpMailerError:
        """What went wrong while connecting, and whose turn it is."""
        host = f"{self._settings.host}:{self._settings.port}"
        causes = (error, error.__cause__)
        if isinstance(error, SMTPAuthenticationError) and error.code // 100 == 5:
            return LoginRefusedError(
                f"smtp: {host} refuses the login ({_codes(error)}); correct smtp.user or its password"
            )
        untrusted = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
        if untrusted is not None:
            advice = "name the authority's certificate in smtp.ca_file, or correct smtp.host"
            why = untrusted.verify_message
            return ConfigError([f"smtp: the certificate of {host} is not trusted ({why}); {advice}"])
        if any(isinstance(cause, ssl.SSLError) for cause in causes):
            return ConfigError([f"smtp: {host} does not speak TLS as expected; correct smtp.port or smtp.security"])
        if isinstance(error, SMTPResponseException):
            # Without the code: it concerns the server, not the message that is about to go.
            return TemporaryError(f"smtp: {host} does not want to talk now ({_codes(error)})")
        if type(error) is SMTPException and self._settings.security == "starttls":
            return ConfigError([f"smtp: {host} offers no STARTTLS; correct smtp.port or smtp.security"])
        return TemporaryError(f"smtp: {host} cannot be reached ({type(error.__cause__ or error).__name__})")


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError([f"smtp.ca_file: {ca_file} cannot be used; name a readable PEM file"]) from error


async def _greet(smtp: SMTP) -> None:
    """EHLO; HELO for a server from before 1995."""
    try:
        await smtp.ehlo()
    except SMTPHeloError:
        await smtp.helo()


def _write_content(smtp: SMTP, octets: bytes) -> SMTPProtocol:
    """Write the message and the final dot at once; the server's word is still to be read.

    Not ``SMTP.data``: it looks for line ends to repair in every message, three passes by regular expression over
    140 KB which are right already; and it does not tell a loss before from one after the message.
    """
    protocol = smtp.protocol
    if protocol is None:
        raise ConnectionResetError
    stuffed = octets.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    protocol.write(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))
    return protocol


def _fault(octets: bytes, recipient: str) -> str:
    """Why this can never be sent, or nothing."""
    if not octets.count(b"\r\n") == octets.count(b"\n") == octets.count(b"\r"):
        # Servers read bare CR and LF differently, which is how one message becomes two.
        return "the message has line ends other than CRLF"
    if not is_address(recipient):
        # aiosmtplib would make something of it, and write to whom nobody meant.
        return "the address cannot be written in SMTP"
    return ""


async def _expect(smtp: SMTP, command: bytes, code: int) -> None:
    response = await smtp.execute_command(command)
    if response.code != code:
        raise SMTPResponseException(response.code, response.message)


def _codes(error: SMTPResponseException) -> str:
    """All of a server's answer that is fit to be repeated: "550 5.1.1"."""
    enhanced = _ENHANCED_CODE.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)


def _translated(error: SMTPResponseException, recipient: str, *, uncertain: bool) -> RsvpMailerError:
    codes = _codes(error)
    if error.code // 100 == 4:
        return TemporaryError(f"the mail server asks to wait ({codes})", smtp_code=error.code)
    if error.code // 100 != 5:
        return TemporaryError("the mail server's answer made no sense", uncertain=uncertain)
    if error.code == _LOGIN_NEEDED:
        return ConfigError([f"smtp.user: the mail server wants a login ({codes}); set smtp.user and a password"])
    if isinstance(error, SMTPSenderRefused) and error.code != _TOO_LARGE:
        return ConfigError([f"smtp: the mail server refuses our own address ({codes}); ask its operator to permit it"])
    what = "recipient" if isinstance(error, SMTPRecipientRefused) else "message"
    return PermanentDeliveryError(
        f"the mail server refused the {what} ({codes})", smtp_code=error.code, recipient=recipient
    )


def _lost(error: Exception, *, uncertain: bool) -> TemporaryError:
    late = isinstance(error, TimeoutError)
    what = "the mail server did not answer in time" if late else "the mail server hung up"
    if uncertain:
        return TemporaryError(f"{what} after the message; it may have arrived", uncertain=True)
    return TemporaryError(what)
