"""One connection to an IMAP server: the commands that we ever send, and what their failures mean.

**Purpose.** To be the only importer of imap_tools, and the one place where it can be checked that nothing else is
sent: LOGIN or AUTHENTICATE PLAIN, STARTTLS, CAPABILITY, LIST, STATUS, EXAMINE or SELECT, NOOP, IDLE, UID SEARCH,
UID FETCH (BODY.PEEK only), and for a message that has been dealt with UID STORE, UID COPY, UID MOVE, UID EXPUNGE.

Never EXPUNGE and never CLOSE, which destroy what the mailbox's owner has marked ``\\Deleted``; ``flag()``,
``delete()`` and ``move()`` of imap_tools end in EXPUNGE.

**Failures.** ``TemporaryError``: the server cannot be reached, hangs, hangs up, or says no for now. Unless it said
no, there is no connection any more. ``LoginRefusedError``: the credentials. ``ConfigError``: certificate, folder,
encryption; says what to do. Texts of protocol errors may quote mail and are not passed on.

**Settings read:** name, host, port, security, user, timeout_s (of each step), ca_file, and after, which decides
whether folders are opened for reading only.

A long file, so that what imap_tools is asked to do stays on one page.
"""

from __future__ import annotations

import imaplib
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from imap_tools import (
    AND,
    BaseMailBox,
    ImapToolsError,
    MailBox,
    MailboxFolderSelectError,
    MailboxLoginError,
    MailboxTaggedResponseError,
    MailBoxUnencrypted,
    UnexpectedCommandStatusError,
)
from imap_tools.utils import encode_folder

from rsvp_mailer.errors import ConfigError, LoginRefusedError, RsvpMailerError, TemporaryError
from rsvp_mailer.inbox.listening import hears
from rsvp_mailer.inbox.responses import (
    Folder,
    Refusal,
    Row,
    classify_refusal,
    find_folder,
    on_one_line,
    read_rows,
    read_summary,
    uid_set,
)
from rsvp_mailer.settings import is_loopback

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Sequence
    from datetime import date

    from rsvp_mailer.settings import MailboxSettings

_GOODBYE_S = 2.0
_NUMBERS = frozenset({"UIDVALIDITY", "UIDNEXT", "EXISTS"})
_SLICE_S = 5.0  # of IDLE, in which nobody but the server can wake us


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as opened. Another ``uidvalidity`` than the cursor's: start again at UID 0 (it sends nothing twice).

    ``uidnext``: the UIDs of all messages in it are lower. ``messages``: how many there are.
    ``keeps_keyword``: whether the keyword of the settings can be set in it.
    """

    uidvalidity: int
    uidnext: int
    messages: int
    keeps_keyword: bool = True


class Connection:
    """See the head of this file. ``folder``: the one that is open; ``news``: its messages have come or gone since."""

    def __init__(self, settings: MailboxSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._box: BaseMailBox | None = None
        self._names: dict[str, str] = {}  # the server's name for each name in the settings
        self.capabilities: frozenset[str] = frozenset()
        self.folder: str | None = None
        self.news = False

    # --- hello and goodbye ---------------------------------------------------------------------------------------

    def log_in(self) -> None:
        """Connect anew. Raises ``TemporaryError``, ``LoginRefusedError`` or ``ConfigError``."""
        self.close()
        try:
            with self._edge():
                self._box = self._dial()
                if self._settings.security == "starttls":
                    self._start_tls(self._box.client)
                self._authenticate(self._box)
                # Asked anew: before the login servers hide most of what they can do.
                capabilities = self._box.client.capability()[1]
        except RsvpMailerError:
            self._hang_up()
            raise
        self.capabilities = frozenset(b" ".join(capabilities).decode("ascii", "replace").upper().split())

    def close(self) -> None:
        """Say goodbye and hang up; never raises, never waits longer than two seconds for an answer."""
        if self._box is not None:
            with suppress(OSError, imaplib.IMAP4.error, ImapToolsError):
                self._box.client.sock.settimeout(_GOODBYE_S)
                self._box.logout()
        self._hang_up()

    def _dial(self) -> BaseMailBox:
        settings = self._settings
        if settings.security == "tls":
            return MailBox(settings.host, settings.port, settings.timeout_s, ssl_context=self._tls())
        if settings.security == "none" and not is_loopback(settings.host):
            raise self.config_error('without TLS a connection may not leave this machine; set security = "tls"')
        return MailBoxUnencrypted(settings.host, settings.port, settings.timeout_s)

    def _start_tls(self, client: imaplib.IMAP4) -> None:
        if "STARTTLS" not in client.capabilities:
            raise self.config_error('the server offers no STARTTLS; set security = "tls" and the port for it')
        client.starttls(self._tls())

    def _tls(self) -> ssl.SSLContext:
        ca_file = self._settings.ca_file
        try:
            return ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise self.config_error(
                f"ca_file {ca_file} cannot be read as PEM ({error.strerror}); correct it"
            ) from error

    def _authenticate(self, box: BaseMailBox) -> None:
        """LOGIN, or SASL PLAIN for what a quoted string cannot carry (umlauts, control characters)."""
        user, password = self._settings.user, self._password
        simple = (user + password).isascii() and (user + password).isprintable()
        login = box.login if simple and "LOGINDISABLED" not in box.client.capabilities else box.login_utf8
        try:
            login(user, password, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, MailboxLoginError) as error:
            said = error.command_result[1] if isinstance(error, MailboxLoginError) else error.args
            raise self._refusal(self._printable(said)) from None

    def _refusal(self, said: str) -> RsvpMailerError:
        match classify_refusal(said):
            case Refusal.WAIT:
                return self.temporary_error(f"the login has to wait ({said})")
            case Refusal.ENCRYPT:
                return self.config_error('the server wants an encrypted login; set security = "tls" or "starttls"')
            case Refusal.CREDENTIALS:
                settings = self._settings
                advice = f"{settings.host} refuses the login ({said}); check user and password"
                return LoginRefusedError(f"mailbox {settings.name}: {advice}")

    # --- folders -------------------------------------------------------------------------------------------------

    def select(self, folder: str) -> FolderState:
        """Open a folder of the settings: by EXAMINE with ``after = "leave"``, else by SELECT."""
        self.folder = None
        with self._edge():
            try:
                self._select(self._names.get(folder, folder))
            except MailboxFolderSelectError:
                self._select(self.name_on_server(folder))
            state = self._read_state(folder)
            self._client.untagged_responses.clear()
        self.folder, self.news = folder, False
        return state

    def name_on_server(self, folder: str) -> str:
        """The server's name of a folder of the settings; ``ConfigError`` where there is none."""
        if folder not in self._names:
            with self._edge():
                listed = [
                    Folder(
                        info.name,
                        "" if info.delim == "NIL" else info.delim,
                        not {"\\noselect", "\\nonexistent"} & {flag.lower() for flag in info.flags},
                    )
                    for info in self._mailbox.folder.list()
                ]
            name = find_folder(folder, listed)
            if name is None:
                raise self.config_error(f'there is no folder "{folder}"; create it, or correct its name')
            self._names[folder] = name
        return self._names[folder]

    def look_for_news(self) -> bool:
        """Ask whether messages have come to the open folder, or gone from it, since it was opened."""
        with self._edge():
            self._client.noop()
        return self.heard_news()

    def heard_news(self) -> bool:
        """The same, as far as the server has said so by itself. Forgets all else that it said, which would pile up."""
        said = self._client.untagged_responses
        self.news = self.news or "EXISTS" in said or "EXPUNGE" in said
        said.clear()
        return self.news

    def _select(self, name: str) -> None:
        try:
            self._mailbox.folder.set(name, readonly=self._settings.after == "leave")
        except imaplib.IMAP4.readonly:
            raise self.config_error(f'folder "{name}" can only be read by this user; set after = "leave"') from None

    def _read_state(self, folder: str) -> FolderState:
        """From what SELECT or EXAMINE said; the few servers that leave something out are asked for it."""
        said = self._client.untagged_responses
        found = {name: int(cast("bytes", values[-1])) for name, values in said.items() if name in _NUMBERS}
        flags = cast("list[bytes]", said.get("PERMANENTFLAGS", [b"(\\*)"]))[-1].strip(b"()").decode("ascii", "replace")
        keeps = not {"\\*", self._settings.keyword.lower()}.isdisjoint(flags.lower().split())
        if "UIDVALIDITY" not in found:
            found |= self._mailbox.folder.status(self._names.get(folder, folder), ("UIDVALIDITY",))
        if "UIDNEXT" not in found:  # not by STATUS, which may know of messages that this session does not see yet
            found["UIDNEXT"] = max(read_rows(self._client.uid("FETCH", "*", "(UID)")[1]), default=0) + 1
        return FolderState(found["UIDVALIDITY"], found["UIDNEXT"], found.get("EXISTS", 0), keeps)

    # --- messages of the open folder -----------------------------------------------------------------------------

    def search(self, first_uid: int, since: date) -> list[int]:
        """UIDs from ``first_uid`` on that arrived on that day or later, by the server's own calendar; ascending."""
        found = self._search(f"UID {first_uid}:* {AND(date_gte=since)}")
        # "n:*" names the last message even where its UID is below n (RFC 3501, 6.4.8).
        return [uid for uid in found if uid >= first_uid]

    def existing(self, uids: Sequence[int]) -> set[int]:
        """Those of the UIDs that the open folder still holds."""
        return set(self._search(f"UID {uid_set(uids)}"))

    def fetch(self, uids: Sequence[int], items: str) -> dict[int, Row]:
        """Ask for ``items`` of the messages; those that have gone meanwhile are missing in the answer.

        The answer holds only what the server put together with a UID: it may say other things in between.
        """
        with self._edge():
            client = self._client
            client.untagged_responses.pop("FETCH", None)
            status, data = client.uid("FETCH", uid_set(uids), items)
            if status != "OK":  # [EXPUNGEISSUED], RFC 5530: some have gone, and the others were answered all the same
                data = client.response("FETCH")[1]
        return read_rows(data)

    def summaries(self, uids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Sender and subject, decoded, of those messages that are still there."""
        rows = self.fetch(uids, "(UID BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])")
        return {uid: read_summary(row.octets) for uid, row in rows.items() if row.octets is not None}

    def add_keyword(self, uid: int, keyword: str) -> None:
        """Set a keyword; nothing happens if the message has gone."""
        self._command("STORE", str(uid), "+FLAGS.SILENT", f"({keyword})")

    def move(self, uid: int, folder: str) -> None:
        """Move one message; nothing happens if it has gone. The server must know MOVE or UIDPLUS."""
        target = encode_folder(self.name_on_server(folder)).decode("ascii")
        if "MOVE" in self.capabilities:
            self._command("MOVE", str(uid), target)
            return
        self._command("COPY", str(uid), target)
        self._command("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
        self._command("EXPUNGE", str(uid))

    def _search(self, criteria: str) -> list[int]:
        answers = self._command("SEARCH", criteria)
        return sorted({int(uid) for answer in answers if answer for uid in answer.split() if uid.isdigit()})

    def _command(self, command: str, *arguments: str) -> list[bytes | None]:
        with self._edge():
            result: tuple[str, list[bytes | None]] = self._client.uid(command, *arguments)
            if result[0] != "OK":
                self._judge_no(result)
        return result[1]

    def _judge_no(self, result: tuple[str, list[bytes | None]]) -> None:
        said = b" ".join(part for part in result[1] if part).upper()
        if b"[TRYCREATE]" in said:
            self._names.clear()
            raise self.config_error("the folder in move_to is gone; create it, or correct move_to")
        if b"[EXPUNGEISSUED]" not in said:  # the message has gone: nothing is left to be done
            raise UnexpectedCommandStatusError(result, "OK")

    # --- waiting -------------------------------------------------------------------------------------------------

    def idle(self, seconds: float, stop: threading.Event) -> None:
        """Return once the server says anything, the time is up, or (within five seconds) ``stop`` is set."""
        end = time.monotonic() + seconds
        with self._edge():
            idle = self._mailbox.idle
            idle.start()  # type: ignore[no-untyped-call]  # imap_tools annotates no method without arguments
            while not stop.is_set() and (left := end - time.monotonic()) > 0:
                if hears(self._client, min(left, _SLICE_S)):
                    break
            idle.stop()  # type: ignore[no-untyped-call]

    # --- failures ------------------------------------------------------------------------------------------------

    @contextmanager
    def _edge(self) -> Iterator[None]:
        """Translate what can go wrong with a server. Afterwards the connection is in order, or there is none."""
        settings = self._settings
        try:
            yield
        except RsvpMailerError:
            raise
        except ssl.SSLCertVerificationError as error:
            self._hang_up()
            raise self.config_error(
                f"the certificate of {settings.host}:{settings.port} is not trusted ({error.verify_message}); "
                "name the certificate of your own authority in ca_file, or correct host"
            ) from error
        except OSError as error:
            self._hang_up()
            reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
            raise self.temporary_error(f"no connection to {settings.host}:{settings.port} ({reason})") from error
        except UnexpectedCommandStatusError as error:
            if isinstance(error, MailboxTaggedResponseError):  # amid IDLE, where nobody knows any more whose turn it is
                self._hang_up()
            raise self.temporary_error(f"the server refused ({self._printable(error.command_result[1])})") from None
        except (imaplib.IMAP4.error, ImapToolsError, ValueError, LookupError) as error:
            reason = self._last_words(error)
            self._hang_up()
            # Without the cause: its text may quote mail.
            raise self.temporary_error(f"{settings.host} {reason}") from None

    def _last_words(self, error: Exception) -> str:
        greeting = error.args[0] if error.args else ""
        bye: list[object] = [greeting] if isinstance(greeting, bytes) and greeting.startswith(b"* BYE") else []
        if self._box is not None:
            bye += self._box.client.untagged_responses.get("BYE", [])
        if bye:
            return f"ended the connection ({self._printable(bye)})"
        return "hung up" if "socket error" in str(greeting) else "broke the protocol"

    def _hang_up(self) -> None:
        box, self._box, self.folder, self.news = self._box, None, None, False
        self._names.clear()
        if box is not None:
            with suppress(OSError):
                box.client.shutdown()

    @property
    def _mailbox(self) -> BaseMailBox:
        if self._box is None:
            raise self.temporary_error("there is no connection")
        return self._box

    @property
    def _client(self) -> imaplib.IMAP4:
        return self._mailbox.client

    def temporary_error(self, what: str) -> TemporaryError:
        """Retry later; ``what`` happened to this mailbox."""
        return TemporaryError(f"mailbox {self._settings.name}: {what}; will be tried again")

    def config_error(self, fault: str) -> ConfigError:
        """Stop: ``fault`` says what is wrong with this mailbox, and what to do."""
        return ConfigError([f"mailbox {self._settings.name}: {fault}"])

    def _printable(self, said: object) -> str:
        """What a server said, fit for one line of a log, and without our password should it echo that."""
        said = said if isinstance(said, list | tuple) else [said]
        text = " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in said)
        text = text.replace(self._password, "***") if self._password else text
        return on_one_line(text)[:200]
