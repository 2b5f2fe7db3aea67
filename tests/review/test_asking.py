"""Asking back: the words to begin with, in the language of whoever wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rsvp_mailer.domain import Reason
from rsvp_mailer.review.asking import first_words

DAYS = {
    "de": "Dienstag, 14. November 2017",
    "en": "Tuesday, 14 November 2017",
    "fr": "mardi 14 novembre 2017",
    "ar": "الثلاثاء، ١٤ تشرين الثاني (نوفمبر) ٢٠١٧",
    "fa": "سه\u200cشنبه ۱۴ نوامبر ۲۰۱۷",
    "prs": "سه\u200cشنبه ۱۴ نومبر ۲۰۱۷",
    "kmr": "sêşem, 14ê mijdara 2017an",
    "ckb": "سێشەممە، ١٤ی تشرینی دووەمی ٢٠١٧",
}


def words(code, *reasons, name="Mara Velic"):
    day = datetime(2017, 11, 14, 17, tzinfo=UTC)
    return first_words(code, reasons, name=name, day=day, by="Erika Muster\nJugendamt")


@pytest.mark.parametrize("code", DAYS)
@pytest.mark.parametrize("reason", [Reason.ATTENDANCE_UNCLEAR, Reason.PARTY_SIZE_MISSING, Reason.OTHER_DATE])
def test_each_language_asks_for_what_is_missing_and_names_the_day_as_our_mails_do(code, reason):
    text = words(code, reason)
    assert DAYS[code] in text
    assert "?" in text or "؟" in text
    assert "Mara Velic" in text.splitlines()[0]
    assert text.endswith("\nErika Muster\nJugendamt")


@pytest.mark.parametrize("code", DAYS)
def test_without_a_name_the_greeting_is_closed(code):
    greeting = words(code, name="").splitlines()[0]
    assert greeting[-2].isalpha() or greeting[-2] == "\u064b"
    assert greeting[-1] in ",،"


@pytest.mark.parametrize("code", DAYS)
def test_where_nothing_is_known_to_be_missing_nothing_is_asked(code):
    assert not set("?؟") & set(words(code, Reason.UNREADABLE))


def test_a_language_without_words_is_asked_in_english():
    assert words("tr", Reason.OTHER_DATE) == words("en", Reason.OTHER_DATE)
