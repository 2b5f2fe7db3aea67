"""Every rule proves itself, and a faulty file is refused with all its faults."""

from __future__ import annotations

from datetime import date
from pathlib import Path  # noqa: TC003  # a fixture type

import pytest
from num2words import num2words

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.reading.examples import example_faults
from rsvp_mailer.reading.lexicon import FOLDER, check_lexicon, load_lexicon
from rsvp_mailer.reading.normalise import fold
from rsvp_mailer.reading.tokens import scan
from rsvp_mailer.reading.vocabulary import classify

LEXICON = load_lexicon()
RULES = [(language, rule) for language in LEXICON.languages for rule in language.rules]


@pytest.mark.parametrize(("language", "rule"), RULES, ids=lambda v: v.code if hasattr(v, "code") else v.id)
def test_rule_examples(language, rule):
    """Each example fires with exactly its marked span; each silent one stays silent."""
    assert example_faults(rule, language, LEXICON) == []


def test_all_eight_languages_are_there():
    assert {language.code for language in LEXICON.languages} == {"de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"}


def test_check_lexicon_has_no_complaint():
    findings = check_lexicon()
    assert findings
    assert [f for f in findings if not f.ok] == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('code = "xx"\ncolour = "red"', "unknown key 'colour'"),
        ('code = "xx"\n[[rule]]\nid = "xx.a"\nmeans = "come"\nphrases = ["zum"]', "fires is missing"),
        (
            'code = "xx"\n[[rule]]\nid = "xx.a"\nmeans = "dance"\nphrases = ["zum"]\nfires = ["[zum]"]',
            "unknown meaning",
        ),
        (
            'code = "xx"\n[[rule]]\nid = "a"\nmeans = "come"\nphrases = ["zum"]\nfires = ["[zum]"]\nblocks = ["xx.b"]',
            "which is no rule",
        ),
        (
            'code = "xx"\n' + '[[rule]]\nid = "xx.a"\nmeans = "come"\nphrases = ["zum"]\nfires = ["[zum]"]\n' * 2,
            "used twice",
        ),
        ('code = "xx"\n[words]\nrobots = ["bip"]', "unknown word class"),
        (
            'code = "xx"\n[[rule]]\nid = "xx.a"\nmeans = "come"\nphrases = ["zum ..."]\nfires = ["[zum]"]',
            "starts and ends with a word",
        ),
        ("code = ", "cannot be read"),
    ],
)
def test_faulty_files_are_refused(tmp_path: Path, text: str, complaint: str):
    (tmp_path / "xx.toml").write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_lexicon(tmp_path)


def test_a_faulty_example_is_reported(tmp_path: Path):
    (tmp_path / "xx.toml").write_text(
        'code = "xx"\n[[rule]]\nid = "xx.a"\nmeans = "come"\nphrases = ["zum"]\nfires = ["ble [zam]"]\nsilent = ["zum"]'
    )
    complaints = [f.advice for f in check_lexicon(tmp_path) if not f.ok]
    assert any("fires not, not [zam]" in c for c in complaints)
    assert any("must stay silent" in c for c in complaints)


NUMBERS = {
    "de": {"einundzwanzig": 21, "siebzehn": 17, "neunundneunzig": 99, "zwo": 2, "dreißig": 30},
    "en": {"twenty-one": 21, "forty two": 42, "ninety-nine": 99, "twelve": 12},
    "fr": {"vingt et un": 21, "soixante-quinze": 75, "quatre-vingt-dix-neuf": 99, "dix-sept": 17},
    "ar": {"خمسة وثلاثين": 35, "تسعة عشر": 19, "اثنا عشر": 12, "تسعة وتسعون": 99},
    "fa": {"بیست و نه": 29, "نوزده": 19, "نود و نه": 99, "شصت و هفت": 67},
    "prs": {"نزده": 19, "هژده": 18, "بیست و نه": 29},
    "kmr": {"bîst û yek": 21, "nozdeh": 19, "nod û neh": 99, "yanzdeh": 11},
    "ckb": {"بیست و یەک": 21, "سێ": 3, "سی": 30, "نەوەد و نۆ": 99},
}


@pytest.mark.parametrize(("code", "words", "value"), [(c, w, v) for c, t in NUMBERS.items() for w, v in t.items()])
def test_number_words(code, words, value):
    language = LEXICON.language(code)
    tokens = classify(scan(fold(words)), language, date(2017, 11, 14))
    assert [t.value for t in tokens] == [value]


@pytest.mark.parametrize("code", ["de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"])
def test_every_number_up_to_99_has_a_word(code):
    values = {value for _, value in LEXICON.language(code).entries.values() if value is not None}
    missing = set(range(2, 100)) - values
    assert missing - {9} == set()  # 9 is "نه" in Farsi, which is also "no": told by its noun


def test_files_cover_the_same_meanings():
    """A language that cannot say what all others can has a gap that somebody should know of."""
    needed = {"come", "away", "open", "wish", "thanks", "total", "alone", "interpreter", "late", "reason", "more"}
    for language in LEXICON.languages:
        assert needed <= {rule.means for rule in language.rules}, language.code


def test_folder_holds_only_language_files():
    assert {path.suffix for path in FOLDER.iterdir()} == {".toml"}


# What the table of a language cannot say: "un" is an article too, "نه" is also "no"; a noun behind tells.
AMBIGUOUS = {("fr", 1), ("fa", 9)}


@pytest.mark.parametrize("code", ["de", "en", "fr", "ar", "fa"])
def test_number_words_of_an_independent_source(code):
    language = LEXICON.language(code)
    for number in range(100):
        words = num2words(number, lang=code)
        values = [t.value for t in classify(scan(fold(words)), language, date(2017, 11, 14))]
        assert values == [number] or (code, number) in AMBIGUOUS, words
