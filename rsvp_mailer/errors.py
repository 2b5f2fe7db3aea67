"""The errors of the program, grouped by what happens next.

Edges translate library errors into these, with ``from``, and keep what an operator needs as fields. Doubt is
no error: it is a reading with reasons, and it goes to review.
"""

from __future__ import annotations


class RsvpMailerError(Exception):
    """Base class; ``str()`` is one line in plain words that says what to do and quotes no invitee."""


class ConfigError(RsvpMailerError, ValueError):
    """Stop: the settings, a template or the Steckbrief cannot be used. ``faults`` holds all of them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class TemporaryError(RsvpMailerError, ConnectionError):
    """Retry later: a server cannot be reached, hangs up, or asks to wait; a disk is full, a table locked.

    ``smtp_code``: of a server that asked to wait. ``uncertain``: the connection was lost after the message had
    been handed over and before the server said yes or no: only the very same octets may go again.
    """

    def __init__(self, message: str = "", *, smtp_code: int | None = None, uncertain: bool = False) -> None:
        super().__init__(message)
        self.smtp_code = smtp_code
        self.uncertain = uncertain


class LoginRefusedError(RsvpMailerError, PermissionError):
    """Not a network fault: retried three times, half an hour apart, for more would lock the account."""


class PermanentDeliveryError(RsvpMailerError):
    """Give up on one outgoing mail and show it: the server refused the recipient or the message for good."""

    def __init__(self, message: str, *, smtp_code: int | None, recipient: str) -> None:
        super().__init__(message)
        self.smtp_code = smtp_code
        self.recipient = recipient


class MalformedMail(RsvpMailerError, ValueError):
    """Hold: these octets are no mail that can be taken apart."""
