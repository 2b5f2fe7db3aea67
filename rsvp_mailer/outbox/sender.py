"""Who our mail comes from: what the outbox needs to know, whatever the settings look like."""

from __future__ import annotations

from typing import Protocol


class Sender(Protocol):
    """The office as an invitee sees it.

    ``address``: of From, answers go there. ``name``: its display name. ``organisation``: who stores the answers.
    ``contact``: a person to turn to, one line ("Halil Yaman, Telefon 0201 88-0").
    ``message_id_domain``: right-hand side of our Message-IDs. ``legal_basis``: of storing answers, named in the
    data-protection notice. ``kept_days``: how long answers are kept after the event, in days.
    """

    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def contact(self) -> str: ...
    @property
    def message_id_domain(self) -> str: ...
    @property
    def legal_basis(self) -> str: ...
    @property
    def kept_days(self) -> int: ...
