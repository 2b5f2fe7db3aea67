"""The sample mailbox: what arrived at the office in the fortnight after the invitation, one file a mail.

The files in ``mails/`` are named by the time of arrival. Some answer a mail of ours, whose Message-ID is random;
they say ``<our-last-mail-to.somebody=example.org@demo.invalid>`` instead, which is replaced on delivery.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_OUR_MAIL = re.compile(rb"<our-last-mail-to\.([^=>]+)=([^@>]+)@demo\.invalid>")


@dataclass(frozen=True, slots=True)
class SampleMail:
    """One mail of the fortnight. ``arrived_at``: aware; ``raw``: octets with CRLF line ends."""

    name: str
    arrived_at: datetime
    raw: bytes

    def in_thread(self, outgoing: Path) -> bytes:
        """The octets, answering what really went out: ``outgoing`` is the folder that ``SmtpServer`` fills."""

        def message_id(found: re.Match[bytes]) -> bytes:
            address = f"{found[1].decode()}@{found[2].decode()}"
            sent = sent_to(address, outgoing)
            return message_from_bytes(sent[-1].read_bytes())["Message-ID"].encode() if sent else found[0]

        return _OUR_MAIL.sub(message_id, self.raw)


def sample_mails() -> list[SampleMail]:
    """All of them, in the order of arrival."""
    folder = files("rsvp_mailer.demo") / "mails"
    mails = [_read(file.name, file.read_bytes()) for file in folder.iterdir() if file.name.endswith(".eml")]
    return sorted(mails, key=lambda mail: mail.arrived_at)


def sent_to(address: str, outgoing: Path) -> list[Path]:
    """The mails of ours to an address, in the order in which they went out."""
    return sorted(file for file in outgoing.iterdir() if file.name.partition(" ")[2] == f"{address}.eml")


def _read(name: str, octets: bytes) -> SampleMail:
    raw = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    # The topmost Received field is our own server's.
    return SampleMail(name, parsedate_to_datetime(message_from_bytes(raw)["Received"].rpartition(";")[2]), raw)
