"""The language files: what loading refuses, and what every language must be able to do."""

from __future__ import annotations

import tomllib

import pytest

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.message.folding import clean, fold
from rsvp_mailer.message.lines import plain_lines
from rsvp_mailer.message.patterns import FOLDER, load_patterns
from rsvp_mailer.message.reply_text import own_words_of

FILES = sorted(FOLDER.glob("*.toml"))
READ_LANGUAGES = {"de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"}


def tables(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_eight_languages_and_at_least_twenty_more_are_there():
    codes = {path.stem for path in FILES}
    assert codes >= READ_LANGUAGES
    assert len(codes - READ_LANGUAGES) >= 20


@pytest.mark.parametrize("code", sorted(READ_LANGUAGES))
def test_the_eight_languages_fill_the_whole_shape(code):
    shape = {
        f"{table}.{key}" for table, keys in tables(FOLDER / "en.toml").items() if table != "language" for key in keys
    }
    own = {
        f"{table}.{key}"
        for table, keys in tables(FOLDER / f"{code}.toml").items()
        if table != "language"
        for key in keys
    }
    assert shape - own <= {"labels.other"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_language_cuts_its_header_block_in_any_usual_dress(path):
    labels = tables(path)["labels"]
    rows = [
        (labels["from"][0], "Halil Yaman <halil.yaman@jugendamt.essen.example>"),
        (labels["sent"][0], "02.11.2017 09:30"),
        (labels["to"][0], "verteiler@jugendamt.essen.example"),
        (labels["subject"][0], "Einladung"),
    ]
    for dress in ("{}: {}", "*{}:* {}", "{} : {}", "\u200f{}: {}", "{}：{}", "**{}:** {}"):
        block = "\n".join(dress.format(*row) for row in rows)
        words = own_words_of(plain_lines(clean(f"3 Personen\n\n{block}\n\nalter Text")))
        assert words.text == "3 Personen", dress


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_language_cuts_its_separators(path):
    quote = tables(path)["quote"]
    for phrase in (*quote["original"], *quote["forwarded"]):
        for dress in ("-----{}-----", "-------- {} --------", "---------- {} ---------"):
            words = own_words_of(plain_lines(clean(f"3 Personen\n\n{dress.format(phrase)}\nalter Text")))
            assert words.text == "3 Personen", phrase


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('language = "xx"\n[cut]\ndevices = ["a"]', "cut.devices is unknown"),
        ('language = "xx"\n[cut]\ndevice = [""]', "cut.device is unknown, or no list of phrases"),
        ('language = "yy"', 'begins with language = "xx"'),
        ("language = ", "cannot be read"),
        ('language = "xx"\n[relevance]\nmonths = ["January"]', "give the twelve"),
    ],
)
def test_a_faulty_file_is_refused_with_its_name_and_what_to_do(tmp_path, text, fault):
    (tmp_path / "xx.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_patterns(tmp_path)
    assert "xx.toml" in str(caught.value)
    assert fault in str(caught.value)


def test_folding_makes_spellings_comparable():
    assert fold("Mit  FREUNDLICHEM\u00a0Gru\u00df") == fold("mit freundlichem gruss")
    assert fold("می\u200cآییم") == fold("میآییم")
    assert fold("l\u2019équipe") == "l'équipe"


def test_cleaning_keeps_what_persian_and_emoji_need():
    assert clean("می\u200cآییم") == "می\u200cآییم"
    assert clean("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"
    assert clean("a\u200bb\u00adc\ufeff\u202ad\r\ne\rf") == "abcd\ne\nf"
