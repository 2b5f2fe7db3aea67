"""Whole replies: no wrong automatic decision on any labelled case, and nothing makes the reader fall over."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading_cases import EVENT, cases, is_kept, message_of

from rsvp_mailer.domain import Attendance, CalendarReply, Kind, Message, OwnWords, Piece, Reason, Tie
from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply

LEXICON = load_lexicon()
CASES = [case for case in cases() if not is_kept(case)]
# Read wrongly today and known: each line is a debt, and the test says when it is paid.
KNOWN_WRONG = frozenset(
    (
        "enx-180",
        "frx-165",
        "r6kmr-006",
        # "I think so", "probably": read as a maybe (guide 3.3, "voraussichtlich"), labelled a yes or a review
        "r6de-071",
        "r6en-015",
        "r6fr-020",
    )
)


def reply(text: str, *, subject: str = "Re: Einladung", tie: Tie = Tie.THREAD) -> Message:
    return Message("<a@example.org>", "f", None, None, subject, OwnWords(text), tie=tie)


def _marked(case):
    known = case["id"] in KNOWN_WRONG
    return pytest.param(case, id=case["id"], marks=[pytest.mark.xfail(strict=True)] if known else [])


@pytest.mark.parametrize("case", [_marked(case) for case in CASES])
def test_no_wrong_automatic_decision(case):
    gold, reading = case["gold"], read_reply(message_of(case), EVENT, LEXICON)
    if reading.reasons:
        return
    assert gold["decision"] in ("auto", "either")
    assert (reading.kind, reading.attendance, reading.party_size) == (
        gold["kind"],
        gold["attendance"],
        gold["party_size"],
    )


@pytest.mark.parametrize("code", ["de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"])
def test_own_plain_replies_are_decided(code):
    """The plain replies of our own corpora: most of them must not need a person."""
    sure = [c for c in CASES if c["id"].startswith(f"own-{code}-") and c["gold"]["decision"] == "auto"]
    decided = [c for c in sure if not read_reply(message_of(c), EVENT, LEXICON).reasons]
    assert len(decided) >= 0.75 * len(sure) > 0


@given(st.text(max_size=400))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_text_gives_a_reading(text):
    reading = read_reply(reply(text), EVENT, LEXICON)
    for evidence in reading.evidence:
        assert text[evidence.start : evidence.end] == evidence.text


_WORDS = ("ich", "komme", "nicht", "mit", "meiner", "Frau", "und", "3", "Personen", ",", ".", "?", "aber", "wenn")
ALPHABET = st.sampled_from((*_WORDS, "vielleicht", "\n", "(", ")", "+", "zu", "dritt", "als", "statt", "von"))


@given(st.lists(ALPHABET, max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_row_of_known_words_gives_a_reading(words):
    read_reply(reply(" ".join(words)), EVENT, LEXICON)


@pytest.mark.parametrize(
    ("plain", "variant"),
    [
        ("Wir kommen zu dritt.", "WIR KOMMEN ZU DRITT!"),
        ("Wir kommen zu fünft.", "wir kommen zu fuenft"),
        ("Wir kommen mit 3 Personen.", "Wir kommen mit ٣ Personen."),
        ("Ich komme gern.", "Hallo Herr Yaman,\n\nich komme gern.\n\nMit freundlichen Grüßen\nPetra Holm"),
        ("Ich kann leider nicht kommen.", "Ich kann\nleider nicht kommen"),
    ],
)
def test_spelling_and_frame_change_nothing(plain, variant):
    first, second = (read_reply(reply(text), EVENT, LEXICON) for text in (plain, variant))
    assert first.reasons == second.reasons == ()
    assert (first.attendance, first.party_size) == (second.attendance, second.party_size)


@pytest.mark.parametrize("kind", [Kind.AUTO_REPLY, Kind.BOUNCE, Kind.UNRELATED, Kind.STECKBRIEF])
def test_kind_wins_over_words(kind):
    reading = read_reply(replace(reply("Ich komme zu dritt."), kind=kind), EVENT, LEXICON)
    assert (reading.kind, reading.attendance, reading.party_size, reading.reasons) == (kind, None, None, ())


def test_tie_decides_about_the_event():
    assert read_reply(reply("Ich komme gern.", tie=Tie.OTHER), EVENT, LEXICON).kind is Kind.UNRELATED
    loose = read_reply(reply("Ich komme gern.", subject="Hallo", tie=Tie.NONE), EVENT, LEXICON)
    assert loose.attendance is Attendance.YES
    assert Reason.UNSURE_ABOUT_EVENT in loose.reasons


def test_subject_counts_where_the_body_is_empty():
    reading = read_reply(reply("", subject="Zusage 2 Personen", tie=Tie.NAMED), EVENT, LEXICON)
    assert (reading.attendance, reading.party_size, reading.reasons) == (Attendance.YES, 2, ())
    assert read_reply(reply("", subject="Re: Einladung"), EVENT, LEXICON).reasons


def test_an_assent_below_another_question_is_no_answer():
    quote = 'Daher fügen wir dieser Einladung einen "Steckbrief" bei'
    message = replace(reply("Ja, gerne!"), own_words=OwnWords("Ja, gerne!", (Piece(0, 10, "text/plain", quote),)))
    assert read_reply(message, EVENT, LEXICON).reasons
    asked = "ob Sie bzw. mit wie vielen Personen Sie zur Konferenz kommen werden"
    message = replace(reply("Ja, gerne!"), own_words=OwnWords("Ja, gerne!", (Piece(0, 10, "text/plain", asked),)))
    assert read_reply(message, EVENT, LEXICON).attendance is Attendance.YES
    assert not read_reply(message, EVENT, LEXICON).reasons


def test_thanks_for_our_confirmation_change_nothing():
    reading = read_reply(replace(reply("Danke, passt so."), tokens=("0" * 32,)), EVENT, LEXICON)
    assert (reading.attendance, reading.agrees, reading.reasons) == (None, True, ())
    assert read_reply(reply("Danke, passt so."), EVENT, LEXICON).reasons


def test_one_more_needs_the_stored_answer():
    reading = read_reply(reply("Es kommt eine Person mehr als gemeldet."), EVENT, LEXICON)
    assert (reading.size_change, reading.reasons) == (1, (Reason.NEEDS_HISTORY,))


def test_a_pressed_button_and_its_words():
    pressed = CalendarReply("REPLY", Attendance.YES, "a@example.org", 2, "")
    reading = read_reply(replace(reply(""), calendar=pressed), EVENT, LEXICON)
    assert (reading.attendance, reading.party_size, reading.reasons) == (Attendance.YES, 3, ())
    other = replace(reply("Ich kann leider nicht kommen."), calendar=pressed)
    assert read_reply(other, EVENT, LEXICON).reasons
    counter = replace(reply(""), calendar=replace(pressed, method="COUNTER"))
    assert read_reply(counter, EVENT, LEXICON).reasons


def test_arrival_and_departure():
    reading = read_reply(reply("Ich komme gegen 17:45 Uhr, muss um 19 Uhr wieder weg."), EVENT, LEXICON)
    assert (reading.arrival, reading.departure) == ("17:45", "19:00")


def test_an_interpreter_is_a_wish_and_never_inferred():
    wish = read_reply(reply("Ich komme gern und brauche einen Dolmetscher für Arabisch."), EVENT, LEXICON)
    assert wish.interpreter == ("ar",)
    assert read_reply(reply("سأحضر إن شاء الله"), EVENT, LEXICON).interpreter == ()
