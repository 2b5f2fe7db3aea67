"""Kinds of values that a setting can have: what is accepted, and how a refusal is worded."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, NaiveDatetime

from rsvp_mailer.errors import ConfigError


@dataclass(frozen=True, slots=True)
class BesideFile:
    """Marks a key whose relative path counts from the folder of the settings file."""

    def settle(self, value: str, folder: Path) -> str:
        """Make a path, or the path in an SQLite address, absolute."""
        if "://" not in value:
            return str(folder / Path(value).expanduser())
        relative = _SQLITE_RELATIVE.fullmatch(value)
        return relative[1] + str(folder / relative[2]) if relative else value


_SQLITE_RELATIVE = re.compile(r"(sqlite[+a-z]*:///)([^/:].*)")


def _address(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>,;:\"()]+@[^@\s<>,;:\"()]+", value):
        msg = "is no e-mail address; write it bare, as name@example.org"
        raise ValueError(msg)
    return value.lower()


def _one_line(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        msg = "holds a line break or another control character; write it on one line"
        raise ValueError(msg)
    return unicodedata.normalize("NFC", value).strip()


def _filled(value: str) -> str:
    if not value:
        msg = "is empty"
        raise ValueError(msg)
    return value


def _host(value: str) -> str:
    if not re.fullmatch(r"[\w.:-]+", value):
        msg = "is no host name; write it without port, path or protocol, as imap.example.org"
        raise ValueError(msg)
    return value


def _whole_day(value: object) -> object:
    """A deadline that names a day alone means the end of that day."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        value = date.fromisoformat(value.strip())
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time.max.replace(microsecond=0))
    return value


def _with_time(value: object) -> object:
    if isinstance(value, int | float) or (isinstance(value, date) and not isinstance(value, datetime)):
        msg = "names no time of day; write day and time, as 2017-11-14T17:00"
        raise ValueError(msg)
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d", value):
        msg = "is no day and time; write it as 2017-11-14T17:00"
        raise ValueError(msg)
    return value


def _readable_text(value: Path) -> Path:
    try:
        value.read_text("utf-8")
    except OSError as error:
        msg = f"names a file that cannot be read ({error.strerror}: {value}); correct the path, or its permissions"
        raise ValueError(msg) from None
    except UnicodeDecodeError:
        msg = f"names a file that is not UTF-8 ({value}); save it as UTF-8"
        raise ValueError(msg) from None
    return value


def _known_zone(value: object) -> object:
    if isinstance(value, str):
        try:
            return ZoneInfo(value)
        except (OSError, ValueError, LookupError):
            msg = "is no time zone; write it as in Europe/Berlin"
            raise ValueError(msg) from None
    return value


def _day_or_now(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value != "now":
        try:
            date.fromisoformat(value)
        except ValueError:
            msg = 'is no day; write it as 2017-10-20, or "now"'
            raise ValueError(msg) from None
    return value


def _database(value: str) -> str:
    if not re.match(r"(sqlite|postgresql)(\+[a-z]+)?://", value):
        msg = 'is no address of a database; write "sqlite:///rsvp-mailer.db" or "postgresql://user@host/name"'
        raise ValueError(msg)
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        msg = "is no address of a site; write it without a path, as https://rsvp.example.org"
        raise ValueError(msg)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        msg = "must begin with https://, or what is read and typed could be overheard; see deploy/ for a proxy with TLS"
        raise ValueError(msg)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _network_address(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value)) if "/" in value else str(ipaddress.ip_address(value))
    except ValueError:
        msg = "is no IP address or network; write it as 10.0.0.5 or 10.0.0.0/24"
        raise ValueError(msg) from None


Line = Annotated[str, AfterValidator(_one_line)]
FilledLine = Annotated[Line, AfterValidator(_filled)]
EmailAddress = Annotated[str, AfterValidator(_address)]
Host = Annotated[str, AfterValidator(_host)]
LocalTime = Annotated[NaiveDatetime, BeforeValidator(_with_time)]
Deadline = Annotated[LocalTime, BeforeValidator(_whole_day)]
Zone = Annotated[ZoneInfo, BeforeValidator(_known_zone)]
MessageId = Annotated[str, Field(pattern=r"^<[^<>\s]+>$")]
FilePath = Annotated[Path, BesideFile()]
TextFile = Annotated[FilePath, AfterValidator(_readable_text)]
DayOrNow = Annotated[str, BeforeValidator(_day_or_now)]
DatabaseAddress = Annotated[str, BesideFile(), AfterValidator(_database)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
NetworkAddress = Annotated[str, AfterValidator(_network_address)]
Security = Literal["tls", "starttls", "none"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing can be overheard on the way."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def only_line(file: Path, key: str) -> str:
    """The one line that a password file holds; ``ConfigError`` that names ``key`` and quotes nothing."""
    try:
        value = file.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        fault = f"{key}: {file} cannot be read ({error.strerror}); correct the path, or let this account read it"
        raise ConfigError([fault]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{key}: {file} is not UTF-8; save it as UTF-8"]) from None
    if not value or "\n" in value:
        raise ConfigError([f"{key}: {file} must hold the password on its only line"])
    return value
