"""UTF-8 that some program on the way took for another charset ("GrÃ¼ÃŸe"), undone.

What may live here: pure functions on text. Only runs of characters that are whole UTF-8 when written in the wrong
charset again, and then say something that people write, are touched; several layers come off one by one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Doubt

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_LAYERS = 3
_FEWEST_FOREIGN = 3  # "OÙ…" in capitals is, by accident, an Arabic letter; three accidents in one mail are none
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
# Each wrong charset by what its misreading leaves: lead octets of UTF-8 before continuation octets.
_TRACES = {
    "cp1252": re.compile(
        "[\u00c2-\u00f4][\u0080-\u00bf\u20ac\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u017d"
        "\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u017e\u0178]"
    ),
    "cp1256": re.compile(
        "[\u0637-\u063a\u0622-\u0626][^\\W\u0620-\u064a\u0660-\u0669]|[\u0637-\u063a\u0622-\u0626][^\\w\\s.,!?\u060c]|\u00e2\u20ac"
    ),
    "mac_roman": re.compile("[\u221a\u201a\u0178][^\x00-\x7f]"),
    "cp850": re.compile("[\u251c\u252c\u2518\u00cf\u253c\u2500][^\x00-\x7f]"),
    "cp437": re.compile("[\u251c\u252c\u2518\u256a\u253c\u2500][^\x00-\x7f]"),
}
_ANY_TRACE = re.compile(
    "[\u00c2-\u00f4\u0637-\u063a\u0622-\u0626\u221a\u201a\u0178\u251c\u252c\u2518\u256a\u253c\u2500][^\x00-\x7f]"
)
# Scripts of the languages that people answer in, and emoji.
_WRITTEN = re.compile(
    "[\u0080-\u017f\u0192\u0218-\u021b\u02c6\u02dc\u0370-\u03ff\u0400-\u045f\u0490-\u0491\u05d0-\u05ea\u060c-\u06f9"
    "\u200c-\u200f\u2010-\u2044\u20ac\u2122\u2190-\u21ff\u2500-\u27bf\u221a\ufe0f\U0001f1e6-\U0001faff]+"
)


def repair_mojibake(text: str) -> tuple[str, frozenset[Doubt]]:
    """The text as it was typed; ``CHARSET_REPAIRED`` where anything was undone, ``CHARACTERS_LOST`` where not all."""
    # Traces are neighbours outside ASCII, which Western text hardly has.
    if text.isascii() or b"??" not in text.encode("ascii", "replace") or _ANY_TRACE.search(text) is None:
        return text, frozenset()
    traces: list[re.Pattern[str]] = []
    for _ in range(_MOST_LAYERS):
        repaired = _without_layer(text, traces)
        if repaired == text:
            break
        text = repaired
    if not traces:
        return text, frozenset()
    left = any(trace.search(text) for trace in traces)
    return text, frozenset({Doubt.CHARSET_REPAIRED, Doubt.CHARACTERS_LOST} if left else {Doubt.CHARSET_REPAIRED})


def _without_layer(text: str, traces: list[re.Pattern[str]]) -> str:
    """The text with one layer less; the trace by which it was found is noted."""
    for codec, trace in _TRACES.items():
        if trace.search(text) is None:
            continue
        repaired = _NOT_ASCII.sub(_undo(codec), text)
        if repaired != text and _is_believable(text, repaired):
            traces.append(trace)
            return repaired
    return text


def _is_believable(text: str, repaired: str) -> bool:
    """Whether what came out is plain Western text, or too much of anything else for an accident."""
    before = {run[0] for run in _NOT_ASCII.finditer(text)}
    found = "".join(run[0] for run in _NOT_ASCII.finditer(repaired) if run[0] not in before)
    return len(found) >= _FEWEST_FOREIGN or (bool(found) and all(map(_is_plain, found)))


def _is_plain(character: str) -> bool:
    return character <= "\u00ff" or "\u2010" <= character <= "\u20ac" or character > "\uffff"


def _undo(codec: str) -> Callable[[re.Match[str]], str]:
    def undo(run: re.Match[str]) -> str:
        try:
            typed = _octets(run[0], codec).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            return run[0]
        return typed if _WRITTEN.fullmatch(typed) else run[0]

    return undo


def _octets(run: str, codec: str) -> bytes:
    """A run in its wrong charset; where Windows-1252 has gaps, programs leave the octet itself."""
    try:
        return run.encode(codec)
    except UnicodeEncodeError:
        if codec != "cp1252":
            raise
    return b"".join(bytes((ord(each),)) if "\x80" <= each <= "\x9f" else each.encode("cp1252") for each in run)
