"""Device lines: "Von meinem iPhone gesendet", "Sent from Outlook for Android", in any language.

What may live here: looking at single lines. Nothing is cut here.
"""

from __future__ import annotations

import re

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.patterns import load_patterns

_DEVICE_WORDS_AT_MOST = 16
_LONGEST_DEVICE_NAME = 3  # words; a longer one has to be known
_ADDRESS_OF_PAGE = re.compile(r"<?https?://[^\s<>]{1,300}>?")


def is_rest_of_device_line(text: str) -> bool:
    """Whether a line can be the second half of a wrapped device line."""
    return fold(text).strip(" .") in load_patterns().singles["cut.device_words"]


def is_device_line(text: str) -> bool:
    """Whether a line says from which device or program a mail was sent."""
    folded = fold(_ADDRESS_OF_PAGE.sub(" ", text) if "://" in text else text).lstrip("<[(*_-–— ")
    patterns = load_patterns()
    found = patterns.starts["cut.device"].match(folded)
    if found is None:
        return False
    words = folded.split()
    if len(words) > _DEVICE_WORDS_AT_MOST or "?" in folded:
        return False
    rest = folded[found.end() :].strip(" .!*_>)]")
    if rest and patterns.words["automatic.personal"].found_in(rest):
        return False
    return len(rest.split()) <= _LONGEST_DEVICE_NAME or patterns.words["cut.device_words"].found_in(rest) is not None
