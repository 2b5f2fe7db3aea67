"""Who our mail comes from: what the outbox needs to know, whatever the settings look like."""

from __future__ import annotations

from typing import Protocol


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
