"""Who our mail comes from, and which server takes it: what the outbox needs to know of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Sender(Protocol):
    """The office as an invitee sees it."""

    @property
    def address(self) -> str:
        """Of From; answers go there."""

    @property
    def name(self) -> str:
        """Display name of From."""

    @property
    def organisation(self) -> str:
        """Who signs, and who stores the answers."""

    @property
    def contact(self) -> str:
        """Whom to turn to, one line: "Halil Yaman, Telefon 0201 88-0"."""

    @property
    def message_id_domain(self) -> str:
        """Right-hand side of our Message-IDs."""

    @property
    def legal_basis(self) -> str:
        """Of storing answers, as the data-protection notice names it."""

    @property
    def kept_days(self) -> int:
        """How long answers are kept after the event, in days."""


class MailServer(Protocol):
    """How to reach the mail server. ``security``: "tls", "starttls" or "none"."""

    @property
    def host(self) -> str:
        """Name or address."""

    @property
    def port(self) -> int:
        """TCP port."""

    @property
    def security(self) -> str:
        """How the connection is protected."""

    @property
    def user(self) -> str | None:
        """Login name; ``None``: no login."""

    @property
    def timeout_s(self) -> float:
        """For connecting and for each command, in seconds."""

    @property
    def ca_file(self) -> Path | None:
        """Certificates to trust, a PEM file; ``None``: those of the system."""
