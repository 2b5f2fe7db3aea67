"""All settings: a TOML file, the environment over it, all faults in one report.

``load_settings`` is the only way in. What keys there are stands in ``tables``, kinds of values in ``kinds``, how
values reach the settings in ``layers``, the wording of faults in ``faults``. Settings are frozen, and their
``repr`` shows no secret. The commented file that ships is ``config/rsvp-mailer.toml``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.settings.faults import faults_of
from rsvp_mailer.settings.kinds import is_loopback
from rsvp_mailer.settings.layers import LayeredSource
from rsvp_mailer.settings.tables import (
    DatabaseSettings,
    DigestSettings,
    EventSettings,
    LimitSettings,
    LogSettings,
    MailboxSettings,
    SenderSettings,
    Settings,
    SmtpSettings,
    WebSettings,
    WebUserSettings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DatabaseSettings",
    "DigestSettings",
    "EventSettings",
    "LimitSettings",
    "LogSettings",
    "MailboxSettings",
    "SenderSettings",
    "Settings",
    "SmtpSettings",
    "WebSettings",
    "WebUserSettings",
    "is_loopback",
    "load_settings",
    "shipped",
]

SHIPPED_FILE = "rsvp-mailer.toml"


def shipped(name: str = SHIPPED_FILE) -> Path:
    """Where a file of ``config/`` lies: within the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "config" / name
    return installed if installed.exists() else package.parent / "config" / name


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read ``path`` (``None``: the file that ships) with the environment over it.

    Raises ``ConfigError`` with all faults, each "where: what is wrong; what to do". No secret is read yet, and
    none is quoted: whoever may not read the password can still use ``explain``.
    """
    source = LayeredSource(Settings, path or shipped(), environ)
    try:
        settings = Settings(_build_sources=((source,), {}))  # type: ignore[call-arg] # dataclass_transform hides it
    except ValidationError as error:
        raise ConfigError([*source.faults, *faults_of(error, Settings, source)]) from None
    if source.faults:
        raise ConfigError(source.faults)
    return settings
