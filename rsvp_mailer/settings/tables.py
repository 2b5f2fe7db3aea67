"""Every setting there is: its meaning, unit and default. A key exists only if it has an effect.

One class a table of the file, in the order of the file. Long, because each key is told in full: the same words
stand in the report of a fault.
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from rsvp_mailer.domain import Event, MailboxIdentity
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.settings.kinds import (
    DatabaseAddress,
    DayOrNow,
    Deadline,
    EmailAddress,
    FilePath,
    FilledLine,
    Host,
    Line,
    LocalTime,
    MessageId,
    NetworkAddress,
    Security,
    TextFile,
    WebAddress,
    Weekday,
    Zone,
    is_loopback,
    only_line,
)


class _Table(BaseModel):
    """One table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Login(_Table):
    """What reaching a server takes: the same keys for IMAP and SMTP."""

    host: Host = Field(description="name or address of the server")
    security: Security = Field(
        default="tls",
        description='"tls" from the first octet (default), "starttls", or "none" (only for a server on this machine)',
    )
    password: SecretStr | None = Field(
        default=None, description="password, from the environment only; otherwise see password_file"
    )
    password_file: FilePath | None = Field(
        default=None,
        description="file whose only content is the password (default: the systemd credential, if there is one)",
    )
    timeout_s: float = Field(
        default=30.0, ge=1, le=600, description="how long each step may take, in seconds, 1 to 600 (default 30)"
    )
    ca_file: FilePath | None = Field(
        default=None, description="certificates to trust, a PEM file (default: those of the system)"
    )

    @field_validator("security")
    @classmethod
    def _plain_on_loopback_only(cls, value: str, info: ValidationInfo) -> str:
        if value == "none" and not is_loopback(info.data.get("host", "localhost")):
            msg = 'may be "none" only for a server on this machine; use "tls" or "starttls"'
            raise ValueError(msg)
        return value

    def _read_password(self, where: str, credential: str, variable: str) -> str:
        if self.password is not None:
            return self.password.get_secret_value()
        if self.password_file is None:
            fault = f"{where}.password: is missing; set password_file, systemd's credential {credential} or {variable}"
            raise ConfigError([fault])
        return only_line(self.password_file, f"{where}.password_file")


class EventSettings(_Table):
    """The occasion people are invited to. Times are local times in ``timezone``."""

    id: str = Field(
        pattern=r"^[a-z0-9-]{1,100}$",
        description="short name of the event in the database, of a-z, 0-9 and hyphens; never change it later",
    )
    title: FilledLine = Field(description="title of the event as invitees know it")
    timezone: Zone = Field(
        default=ZoneInfo("Europe/Berlin"), description="time zone of all times (default Europe/Berlin)"
    )
    starts_at: LocalTime = Field(description="day and local time of the beginning, as 2017-11-14T17:00")
    ends_at: LocalTime = Field(description="day and local time of the end, as 2017-11-14T20:00")
    answers_until: Deadline | None = Field(
        default=None,
        description="answers that arrive later are held; a day, or day and local time (default: the end of the event)",
    )
    place: FilledLine = Field(description="name of the place")
    street_address: FilledLine = Field(description="street, number, post code and town of the place")
    capacity: int | None = Field(
        default=None, ge=1, description="how many persons the place holds, for the overview (default: not said)"
    )
    interpreter_languages: tuple[Literal["ar", "ku", "prs", "fa", "fr", "en"], ...] = Field(
        default=(), description="languages interpreted on site: ar ku prs fa fr en (default: none)"
    )
    invitation: TextFile = Field(
        description="text file of the invitation as sent, by which quotes of it are recognised"
    )
    message_ids: tuple[MessageId, ...] = Field(
        default=(), description="Message-IDs of the invitation's mails, with angle brackets (default: none)"
    )
    calendar_uid: Line = Field(default="", description="UID of the calendar entry (default: made of the event's id)")
    calendar_request: bool = Field(
        default=False,
        description="whether the calendar file asks for an answer by button (METHOD:REQUEST) instead of only noting "
        "the date (default false)",
    )
    steckbrief: FilePath | None = Field(
        default=None,
        description="form attached to each person's first confirmation: a folder, or one PDF file (default: none)",
    )
    templates: FilePath | None = Field(
        default=None,
        description="folder of templates of your own, which replace those of the same name (default: none)",
    )

    @field_validator("ends_at")
    @classmethod
    def _ends_after_start(cls, value: datetime, info: ValidationInfo) -> datetime:
        if "starts_at" in info.data and value <= info.data["starts_at"]:
            msg = "is not after starts_at; correct one of them"
            raise ValueError(msg)
        return value

    def event(self, own_texts: tuple[str, ...] = ()) -> Event:
        """The event as the rooms know it; ``own_texts`` (our confirmations) are added to the invitation's text.

        Raises ``OSError`` only if the invitation's file has gone since the settings were loaded.
        """
        invitation = unicodedata.normalize("NFC", self.invitation.read_text("utf-8-sig"))
        return Event(
            id=self.id,
            title=self.title,
            starts_at=self.starts_at.replace(tzinfo=self.timezone),
            ends_at=self.ends_at.replace(tzinfo=self.timezone),
            place=self.place,
            street_address=self.street_address,
            answers_until=self.answers_until.replace(tzinfo=self.timezone) if self.answers_until else None,
            message_ids=frozenset(self.message_ids),
            calendar_uid=self.calendar_uid or self.id,
            own_texts=(invitation, *own_texts),
            interpreter_languages=self.interpreter_languages,
        )


class MailboxSettings(_Login):
    """The mailbox that answers come to. A person works in it: nothing but our own mail is ever touched."""

    name: str = Field(
        default="office",
        pattern=r"^[a-z0-9-]{1,100}$",
        description='short name in the database, of a-z, 0-9 and hyphens; never change it later (default "office")',
    )
    port: int = Field(
        default_factory=lambda data: 993 if data.get("security", "tls") == "tls" else 143,
        ge=1,
        le=65535,
        description="TCP port (default 993 with tls, else 143)",
    )
    user: FilledLine = Field(description="login name, often the e-mail address")
    addresses: tuple[EmailAddress, ...] = Field(
        min_length=1, description="all addresses of this mailbox, bare; mail from them is our own"
    )
    authserv_id: Line | None = Field(
        default=None,
        description="name of the own server in its Authentication-Results headers (default: none of them is trusted)",
    )
    folder: FilledLine = Field(default="INBOX", description='folder that answers arrive in (default "INBOX")')
    also_search: tuple[FilledLine, ...] = Field(
        default=(), description="further folders, to which a person may have moved answers (default: none)"
    )
    after: Literal["leave", "keyword", "move"] = Field(
        default="leave",
        description='what happens to answers once they are stored: "leave" (default), "keyword" or "move"',
    )
    keyword: str = Field(
        default="rsvp-mailer",
        pattern=r"^[A-Za-z0-9$_.-]+$",
        description='IMAP keyword set with after = "keyword", without spaces (default "rsvp-mailer")',
    )
    move_to: FilledLine | None = Field(
        default=None,
        validate_default=True,
        description='folder to move answers to with after = "move", which must exist',
    )
    poll_interval_s: float = Field(
        default=60.0,
        ge=1,
        le=3600,
        description="pause between two looks where the server knows no IDLE, in seconds, 1 to 3600 (default 60)",
    )
    start: DayOrNow | None = Field(
        default=None,
        description='earlier mail is never looked at; a day, or "now" (default: the first run asks for --since)',
    )

    @field_validator("move_to")
    @classmethod
    def _move_needs_a_folder(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("after") == "move" and value is None:
            msg = 'is missing, but after = "move"; name the folder to move answers to'
            raise ValueError(msg)
        if value is not None and value in {info.data.get("folder"), *info.data.get("also_search", ())}:
            msg = "is one of the folders that are searched; name another one"
            raise ValueError(msg)
        return value

    def start_at(self, now: datetime) -> datetime | None:
        """The instant before which mail is never looked at; a day begins in the zone of ``now`` (aware)."""
        if self.start is None:
            return None
        if self.start == "now":
            return now
        return datetime.combine(date.fromisoformat(self.start), time.min, tzinfo=now.tzinfo)

    def identity(self) -> MailboxIdentity:
        """What tells our own mail, and our own server's verdicts, from everybody else's."""
        return MailboxIdentity(frozenset(self.addresses), self.authserv_id, domain_of(self.addresses[0]))

    def read_password(self) -> str:
        """The password, read anew; ``ConfigError`` where it is missing or its file cannot be read."""
        where = f"mailboxes ({self.name})"
        return self._read_password(where, f"mailbox-{self.name}-password", "RSVP_MAILER__MAILBOXES__0__PASSWORD")


class SmtpSettings(_Login):
    """The server that takes our mail."""

    port: int = Field(
        default_factory=lambda data: {"tls": 465, "starttls": 587, "none": 25}[data.get("security", "tls")],
        ge=1,
        le=65535,
        description="TCP port (default 465 with tls, 587 with starttls, else 25)",
    )
    user: FilledLine | None = Field(default=None, description="login name (default: no login)")
    envelope_sender: EmailAddress | None = Field(
        default=None, description="address that undeliverable mail returns to (default: sender.address)"
    )

    def read_password(self) -> str | None:
        """The password, read anew; ``None`` without a login; ``ConfigError`` where it is missing or unreadable."""
        return (
            None if self.user is None else self._read_password("smtp", "smtp-password", "RSVP_MAILER__SMTP__PASSWORD")
        )


class SenderSettings(_Table):
    """Who our mail comes from, as an invitee sees it."""

    address: EmailAddress = Field(description="address that our mail comes from and answers go to, bare")
    name: FilledLine = Field(description="display name of our mail")
    organisation: FilledLine = Field(description="who invites and keeps the answers")
    contact: FilledLine = Field(description="a person to turn to, one line")
    legal_basis: FilledLine = Field(
        description="legal basis of keeping answers, named in the data-protection notice",
    )
    kept_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="how long answers are kept after the event, in days, 1 to 3650 (default 90)",
    )

    @property
    def message_id_domain(self) -> str:
        """The right-hand side of our Message-IDs."""
        return domain_of(self.address)


class DigestSettings(_Table):
    """The one mail a day that tells the staff where things stand."""

    recipients: tuple[EmailAddress, ...] = Field(min_length=1, description="who gets the digest, bare addresses")
    at: time = Field(default=time(7, 30), description="local time of the event's time zone, as 07:30 (default 07:30)")
    weekdays: tuple[Weekday, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"),
        min_length=1,
        description="days of the digest: mon tue wed thu fri sat sun (default: Monday to Friday)",
    )
    language: Literal["de", "en"] = Field(default="de", description='language of the digest, "de" (default) or "en"')
    names: bool = Field(
        default=False, description="whether the digest names people; otherwise it gives numbers (default false)"
    )
    notices_to: tuple[EmailAddress, ...] = Field(
        default=(),
        description="who is told when the mailbox or the mail server does not work (default: digest.recipients)",
    )

    @field_validator("at")
    @classmethod
    def _to_the_minute(cls, value: time) -> time:
        if value.tzinfo is not None:
            msg = "must be local time, without an offset; write it as 07:30"
            raise ValueError(msg)
        return value.replace(second=0, microsecond=0)


class WebUserSettings(_Table):
    """Somebody who may open the pages."""

    address: EmailAddress = Field(description="address that sign-in links are mailed to, bare")
    name: FilledLine = Field(description="name that stands beside this person's decisions")
    role: Literal["viewer", "clerk", "administrator"] = Field(
        default="clerk",
        description='"viewer" looks, "clerk" also decides (default), "administrator" also sees who is signed in',
    )


class WebSettings(_Table):
    """The pages for the office."""

    users: tuple[WebUserSettings, ...] = Field(
        default=(), description="who may open the pages, tables [[web.users]] (default: nobody)"
    )
    within_run: bool = Field(
        default=True, description='whether "run" serves the pages too, if there are users (default true)'
    )
    host: Host = Field(default="127.0.0.1", description="address to listen on (default 127.0.0.1: this machine only)")
    port: int = Field(default=8025, ge=1, le=65535, description="TCP port to listen on (default 8025)")
    base_url: WebAddress | None = Field(
        default=None,
        validate_default=True,
        description="address of the pages as people type it, which links in mails begin with "
        "(default: http://, host and port)",
    )
    trusted_proxies: tuple[NetworkAddress, ...] = Field(
        default=(),
        description="addresses of reverse proxies whose X-Forwarded-For is believed (default: none)",
    )
    language: Literal["de", "en"] = Field(
        default="de", description='language of the pages until somebody chooses another, "de" (default) or "en"'
    )
    signed_in_h: int = Field(
        default=12,
        ge=1,
        le=168,
        description="a sign-in ends after this many hours without use, and after seven days anyway (default 12)",
    )

    @property
    def site(self) -> str:
        """Scheme, host and port that links begin with, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @field_validator("base_url")
    @classmethod
    def _known_beyond_this_machine(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and not is_loopback(info.data.get("host", "localhost")):
            msg = "is missing, but others than this machine may connect; name the proxy's address (https://…)"
            raise ValueError(msg)
        return value

    @field_validator("users")
    @classmethod
    def _each_once(cls, value: tuple[WebUserSettings, ...]) -> tuple[WebUserSettings, ...]:
        addresses = [user.address for user in value]
        if len(set(addresses)) < len(addresses):
            msg = "name an address twice; give each person one role"
            raise ValueError(msg)
        return value


class LimitSettings(_Table):
    """Brakes against loops, floods and late surprises."""

    max_message_bytes: int = Field(
        default=25_000_000,
        ge=10_000,
        description="of larger mail only the headers are fetched, and a person looks, in bytes (default 25 000 000)",
    )
    max_steckbrief_bytes: int = Field(
        default=150_000, ge=1_000, description="a larger Steckbrief is refused at start, in bytes (default 150 000)"
    )
    answers_per_address_per_hour: int = Field(
        default=3, ge=1, description="mails of ours to one address within an hour (default 3)"
    )
    answers_per_address_per_day: int = Field(
        default=10, ge=1, description="mails of ours to one address within 24 hours (default 10)"
    )
    automatic_mails_per_hour: int = Field(
        default=60, ge=1, description="automatic mails of ours in all within an hour (default 60)"
    )
    late_after_h: float = Field(
        default=72.0,
        gt=0,
        description="mail first seen this many hours after it arrived is stored, but its confirmation waits for a "
        "person (default 72)",
    )
    confirm_after_min: float = Field(
        default=5.0,
        ge=0,
        le=120,
        description="mail that a person's decision sends waits this long, so that undoing the decision stops it, "
        "in minutes, 0 to 120 (default 5)",
    )


class DatabaseSettings(_Table):
    """Where answers are kept."""

    url: DatabaseAddress = Field(
        repr=False,
        description='address of the database: "sqlite:///rsvp-mailer.db" for a file beside the settings, or '
        '"postgresql://user@host/name"',
    )


class LogSettings(_Table):
    """What is told to whoever watches the program."""

    format: Literal["auto", "json", "text"] = Field(
        default="auto", description='"json", "text", or "auto" (default): text on a terminal, else JSON'
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description='least urgent level that is written: "debug", "info" (default), "warning" or "error"',
    )


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    events: tuple[EventSettings, ...] = Field(min_length=1, max_length=1, description="the event, a table [[events]]")
    mailboxes: tuple[MailboxSettings, ...] = Field(
        min_length=1, max_length=1, description="the mailbox that answers come to, a table [[mailboxes]]"
    )
    smtp: SmtpSettings = Field(description="the server that takes our mail, a table [smtp]")
    sender: SenderSettings = Field(description="who our mail comes from, a table [sender]")
    digest: DigestSettings = Field(description="the daily digest, a table [digest]")
    web: WebSettings = Field(default=WebSettings(), description="the pages for the office, a table [web]")
    limits: LimitSettings = Field(default=LimitSettings(), description="brakes, a table [limits]")
    database: DatabaseSettings = Field(description="the database, a table [database]")
    log: LogSettings = Field(default=LogSettings(), description="the log, a table [log]")

    @field_validator("sender")
    @classmethod
    def _answers_come_back(cls, value: SenderSettings, info: ValidationInfo) -> SenderSettings:
        """Whoever replies to a confirmation must reach a mailbox that is read, and be recognised there."""
        mailboxes: tuple[MailboxSettings, ...] = info.data.get("mailboxes", ())
        homes = [mailbox for mailbox in mailboxes if value.address in mailbox.addresses]
        if mailboxes and not homes:
            msg = "address belongs to no mailbox; answers to our mail would be lost: add it to mailboxes[0].addresses"
            raise ValueError(msg)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing is read behind our back: neither the process's environment nor a dotenv file."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def domain_of(address: str) -> str:
    """What stands after the at sign."""
    return address.rpartition("@")[2]
