"""What of a sender's words a mail of ours may repeat (promise 6): never a link, never an instruction to a renderer."""

from __future__ import annotations

import re
import unicodedata

from rsvp_mailer.outbox.mime import one_line

_MAX_ECHO_CHARS = 120
_MAX_NAME_CHARS = 60
# Anything that a mail program might turn into a link: schemes, "www.", and words with a dot before letters.
_LINK = re.compile(r"://|www\.|[^\W_][\w-]*\.[^\W\d_]{2,}|@", re.IGNORECASE)
_BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ue000]")
_REPLY_PREFIX = re.compile(r"^(?:(?:re|aw|antw|antwort|sv|rép|رد|پاسخ)(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)


def _echo(words: str) -> str:
    """The sender's words fit to be repeated, or nothing."""
    words = one_line(_BIDI_CONTROLS.sub("", words))
    if len(words) > _MAX_ECHO_CHARS or _LINK.search(unicodedata.normalize("NFKC", words)):
        return ""
    return words


def greetable(name: str) -> str:
    """A display name to greet with, or nothing."""
    name = _echo(name)
    return name if len(name) <= _MAX_NAME_CHARS and any(c.isalpha() for c in name) else ""


def reply_subject(subject: str) -> str:
    """One "Re:" and the sender's own subject; nothing where it may not be echoed."""
    words = _REPLY_PREFIX.sub("", _echo(subject))
    return f"Re: {words}" if words else ""
