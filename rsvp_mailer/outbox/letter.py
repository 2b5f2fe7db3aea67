"""A mail in a person's own words, in the thread of the mail that it answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from rsvp_mailer.outbox.mime import thread_lines, write_mail

if TYPE_CHECKING:
    from datetime import datetime

    from rsvp_mailer.domain import Correspondent, OutgoingMail
    from rsvp_mailer.outbox.sender import Sender

_FROM_RIGHT = frozenset({"ar", "fa", "prs", "ckb", "ur", "he"})
_BCP_47 = {"prs": "fa-AF", "kmr": "ku", "ckb": "ckb"}
_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="{language}" dir="{direction}">'
    '<head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="font-family:Arial,sans-serif;font-size:16px;line-height:1.5">{paragraphs}</body></html>\n'
)


def compose_letter(
    sender: Sender, to: Correspondent, text: str, *, subject: str, language: str, token: str, now: datetime
) -> OutgoingMail:
    """The words as typed, plain and as HTML. ``language``: code of the reading guide. ``now``: in local time."""
    words = text.replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"
    html_code = _BCP_47.get(language, language)
    paragraphs = Markup("\n").join(
        Markup("<p>{}</p>").format(Markup("<br>\n").join(escape(line) for line in paragraph.split("\n")))
        for paragraph in re.split(r"\n\s*\n", words.strip())
    )
    return write_mail(
        sender=sender,
        recipient=to.address.address,
        subject=subject,
        token=token,
        now=now,
        text=words,
        html=_PAGE.format(
            language=html_code,
            direction="rtl" if language in _FROM_RIGHT else "ltr",
            title=subject,
            paragraphs=paragraphs,
        ),
        languages=(html_code,),
        automatic="auto-generated",
        thread=thread_lines(to.message_id, to.references),
    )
