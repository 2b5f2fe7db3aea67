"""The engine by itself, on an invented language: nothing here depends on a real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from reading_cases import EVENT, message_of

from rsvp_mailer.domain import Reason
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply

XX = load_lexicon(Path(__file__).parent / "xx")


def read(body):
    case = {"id": "xx", "subject": "Re: kunveno", "body": body, "thread": True, "gold": {"kind": "rsvp"}}
    return read_reply(message_of(case), EVENT, XX)


@pytest.mark.parametrize(
    ("body", "attendance", "size"),
    [
        ("mo venas", "yes", 1),
        ("mo et frato venas", "yes", 2),
        ("mo venas kun bi fratoj", "yes", 3),
        ("mos venas, entute dek tri", "yes", 23),
        ("tri homoj et bi homoj venas", "yes", 5),
        ("mo nul venas", "no", 0),
        ("mo forse venas", "maybe", 1),
        ("saluton, mo estas cheeste", "yes", 1),
    ],
)
def test_what_the_rules_explain_is_decided(body, attendance, size):
    reading = read(body)
    assert (reading.attendance, reading.party_size) == (attendance, size)
    assert [r for r in reading.reasons if r is not Reason.PARTY_SIZE_LARGE] == []


@pytest.mark.parametrize(
    "body",
    [
        "mo venas kverko",  # an unknown word in the deciding clause
        "mo nul nul venas",  # two negations
        "mos venas",  # nobody said how many
        "mo venas kun klano",  # a crowd
        "mo venas al menso",  # an idiom that is no coming
        "mo venas. mo nul venas",  # yes and no
        "venas mo?",  # a question
        "kverko blipo zumo",  # not a word known
    ],
)
def test_what_no_rule_explains_is_held(body):
    assert read(body).reasons


def test_evidence_names_rule_and_words():
    reading = read("Saluton,\nmo venas kun bi fratoj")
    found = {(e.field, e.rule): e for e in reading.evidence}
    came = found["attendance", "xx.come"]
    assert (came.text, came.source) == ("venas", "reply_text")
    assert "Saluton,\nmo venas kun bi fratoj"[came.start : came.end] == "venas"
    assert found["party_size", "party.many"].text == "bi fratoj"
