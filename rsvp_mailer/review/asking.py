"""The words with which asking back begins, in the sender's language: ``questions.toml``. A person edits them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Reason
from rsvp_mailer.outbox.rendering import Templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rsvp_mailer.outbox.language import Language

_MISSING = {
    Reason.PARTY_SIZE_MISSING: "size",
    Reason.PARTY_SIZE_APPROXIMATE: "size",
    Reason.PARTY_SIZE_LARGE: "size",
    Reason.OTHER_DATE: "date",
    Reason.ATTENDANCE_UNCLEAR: "attendance",
    Reason.CONTRADICTION: "attendance",
    Reason.NEEDS_HISTORY: "attendance",
    Reason.UNSURE_ABOUT_EVENT: "attendance",
}


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((Path(__file__).parent / "questions.toml").read_text("utf-8"))


@cache
def _languages() -> Mapping[str, Language]:
    return Templates().languages


def first_words(language: str, reasons: Sequence[str], *, name: str, day: datetime, by: str) -> str:
    """A text to edit; a language without one gets English. ``day``: of the event, in its zone."""
    code = language if language in _texts() else "en"
    about = next((_MISSING[Reason(each)] for each in reasons if each in _MISSING), "other")
    text = _texts()[code][about].format(name=name, day=_languages()[code].day(day), by=by)
    return re.sub(r" +([,،])", r"\1", text)  # nobody's name is known
