"""Mail inside of containers: S/MIME signed-data, winmail.dat, PGP. Opened where a library does it safely.

What may live here: turning one container part into the mail inside of it, or noting why nobody can read it by
machine. Nothing is decrypted, run or unpacked beyond the limits below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attachment
from rsvp_mailer.message.headers import filename_of

if TYPE_CHECKING:
    from email.message import Message as MimePart

    from rsvp_mailer.message.mime import Body


def open_container(part: MimePart, body: Body) -> MimePart | None:
    """The mail inside of a container part, or ``None`` with a fault noted in ``body``."""
    content_type = part.get_content_type()
    tnef = "tnef" in content_type or filename_of(part).lower() in {"winmail.dat", "win.dat"}
    body.faults.append("container.tnef" if tnef else "encrypted.smime")
    body.attachments.append(Attachment(filename_of(part), content_type, 0))
    return None
