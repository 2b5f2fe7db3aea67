"""Corpus lines as messages, in the manner of the message room but without mail around them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rsvp_mailer.domain import Address, Event, Kind, Message, OwnWords, Piece, Tie

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).parent.parent / "corpus"
BERLIN = ZoneInfo("Europe/Berlin")
EVENT = Event(
    id="integrationskonferenz-2017",
    title="1. Integrationskonferenz im Stadtbezirk I",
    starts_at=datetime(2017, 11, 14, 17, tzinfo=BERLIN),
    ends_at=datetime(2017, 11, 14, 20, tzinfo=BERLIN),
    place="Kirche St. Gertrud, Gertrudissaal",
    street_address="Rottstraße 36, 45127 Essen",
    interpreter_languages=("ar", "ku", "prs", "fa", "fr", "en"),
)
_NAMED = re.compile(
    r"integrationsk|gertrud|rottstr|14\.\s?11\b|14\.? nov|november 14|integration conf|14 novem|konferenz|conf[eé]rence"
    r"|konferans|کۆنفرانس|کنفرانس|مؤتمر",
    re.IGNORECASE,
)
_DEVICE = re.compile(r"^(von meinem|gesendet von|sent from|envoy[ée] de)\b.*$", re.IGNORECASE | re.MULTILINE)


_GOLD = {"kind": "rsvp", "attendance": None, "party_size": None, "decision": "auto", "reasons": []}


def is_kept(case: dict[str, Any]) -> bool:
    """Whether nobody looks at this reply while changing rules: a quarter of ``fresh``, by the SHA-1 of its id."""
    return case.get("part") == "kept"


def cases(folder: Path = CORPUS) -> Iterator[dict[str, Any]]:
    """Every labelled reply of every file, the shared ones included; what a label leaves out has its default."""
    for path in sorted(folder.rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                case = json.loads(line)
                case.setdefault("lang", path.stem)
                case.setdefault("subject", "Re: Einladung zur 1. Integrationskonferenz am 14.11.2017")
                case.setdefault("thread", True)
                case["gold"] = _GOLD | case["gold"]
                case["group"] = path.parent.name  # corpus, shared, fresh, nothing
                yield case


def message_of(case: dict[str, Any]) -> Message:
    """The message that ``case`` would be after parsing."""
    gold = case["gold"]
    body = _DEVICE.sub("", case["body"]).strip("\n")
    text, pieces = _own_words(body)
    kind = Kind(gold["kind"]) if gold["kind"] in ("auto_reply", "bounce") else None
    return Message(
        message_id=f"<{case['id']}@example.org>",
        fingerprint=case["id"],
        arrived_at=datetime(2017, 11, 6, 8, tzinfo=BERLIN),
        sender=Address(case.get("from", "someone@example.org"), case.get("from_name", "")),
        subject=case.get("subject", ""),
        own_words=OwnWords(text, pieces),
        kind=kind,
        tie=_tie(case, body),
    )


def _tie(case: dict[str, Any], body: str) -> Tie:
    if case.get("thread"):
        return Tie.THREAD
    if case.get("tie"):
        return Tie(case["tie"])
    return Tie.NAMED if _NAMED.search(case.get("subject", "") + "\n" + body) else Tie.NONE


def _own_words(body: str) -> tuple[str, tuple[Piece, ...]]:
    """Inline answers: quoted lines are cut and stand beside the words that answer them."""
    if not any(line.startswith(">") for line in body.splitlines()):
        return body, (Piece(0, len(body), "text/plain"),)
    text, pieces, quoted = "", list[Piece](), list[str]()
    fresh = True
    for line in body.splitlines(keepends=True):
        if line.startswith(">"):
            quoted = [line[1:].strip()] if fresh else [*quoted, line[1:].strip()]
            fresh = False
            continue
        if line.strip() and not fresh:
            pieces.append(Piece(len(text), len(text), "text/plain", " ".join(quoted) or None))
            fresh = True
        text += line
    ends = [p.start for p in pieces[1:]] + [len(text)]
    return text, tuple(Piece(p.start, e, p.part, p.answers) for p, e in zip(pieces, ends, strict=True))
