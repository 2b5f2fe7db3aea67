"""Every mail of ``tests/messages`` gives what stands beside it.

A pair is ``NAME.eml`` and ``NAME.json``; folders group by what they show. Keys of the JSON file are fields of
``Message`` with these forms, and only the given ones are compared:

- ``reply_text``: the own words exactly; ``words``: the same with white space squeezed (HTML spacing is no promise)
- ``doubts``: sorted; ``cuts``: rules that must have cut something; ``answers``: own stretch -> line it answers
- ``sender``: the address; everything else as spelled in ``domain``
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rsvp_mailer.domain import Message, RawMail
from rsvp_mailer.message.parse import parse_message

FOLDER = Path(__file__).parents[1] / "messages"
PAIRS = sorted(FOLDER.rglob("*.eml"))


def seen(message: Message, key: str) -> Any:
    words = message.own_words
    values: dict[str, Any] = {
        "reply_text": words.text,
        "words": " ".join(words.text.split()),
        "doubts": sorted(words.doubts),
        "cuts": sorted({cut.rule for cut in words.cuts}),
        "answers": {words.text[piece.start : piece.end]: piece.answers for piece in words.pieces if piece.answers},
        "sender": message.sender.address if message.sender else None,
        "arrived_at": message.arrived_at.isoformat() if message.arrived_at else None,
        "attendance": message.calendar.attendance if message.calendar else None,
        "guests": message.calendar.guests if message.calendar else None,
        "comment": message.calendar.comment if message.calendar else None,
    }
    value = values[key] if key in values else getattr(message, key)
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.relative_to(FOLDER).with_suffix("").as_posix())
def test_mail_gives_what_stands_beside_it(path, event, identity):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    message = parse_message(RawMail(path.read_bytes()), event, identity)
    found = {key: seen(message, key) for key in expected}
    if "cuts" in expected:
        found["cuts"] = sorted(set(expected["cuts"]) & set(found["cuts"]))
    assert found == expected


def test_every_mail_has_its_expectation_and_there_are_many():
    assert {path.with_suffix(".json") for path in PAIRS} == set(FOLDER.rglob("*.json"))
    assert len(PAIRS) >= 250
