"""The profile sheet: refused when it would hurt, and what goes to whom."""

from __future__ import annotations

import shutil
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from rsvp_mailer.domain import Address, Answer, Attendance, Correspondent
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.steckbrief import Forms

SHIPPED = Path(__file__).parents[2] / "config" / "steckbrief"
PDF = SHIPPED / "steckbrief-de.pdf"


@pytest.fixture(scope="module")
def forms() -> Forms:
    return Forms(SHIPPED)


def attached(composer, now, language):
    mail = composer.confirmation(
        Answer(Attendance.NO, 0, language),
        None,
        Correspondent(Address("a@example.org")),
        token="0" * 32,
        now=now,
        sequence=0,
        first=True,
    )
    parts = message_from_bytes(mail.octets, policy=policy.default).iter_attachments()
    return {part.get_filename(): part.get_content() for part in parts}


@pytest.mark.parametrize(
    ("language", "names"),
    {
        "de": ["steckbrief-de.pdf", "steckbrief-de-einfach.pdf"],
        "fr": ["steckbrief-fr.pdf", "steckbrief-de.pdf"],
        "kmr": ["steckbrief-kmr.pdf", "steckbrief-de.pdf"],
        "ar": ["steckbrief-ar.pdf", "steckbrief-ar.docx", "steckbrief-de.pdf"],
        "ckb": ["steckbrief-ckb.pdf", "steckbrief-ckb.docx", "steckbrief-de.pdf"],
        "tr": ["steckbrief-en.pdf", "steckbrief-de.pdf"],
    }.items(),
)
def test_each_language_gets_its_form_and_the_german_one_unharmed(composer, now, language, names):
    files = attached(composer, now, language)
    assert list(files) == names
    assert all(octets == (SHIPPED / name).read_bytes() for name, octets in files.items())
    assert sum(map(len, files.values())) < 150_000


def test_on_request_the_word_file_goes_along(forms):
    assert b"steckbrief-de.docx" in forms.part("de", on_request=True).octets
    assert b"steckbrief-de.docx" not in forms.part("de").octets


def test_each_bundle_is_encoded_once(forms):
    assert forms.part("ar") is forms.part("ar")
    assert forms.part("tr") is forms.part("uk")


def test_an_office_may_have_one_form_of_its_own_which_goes_to_all(tmp_path):
    path = tmp_path / "Über uns (groß).pdf"
    path.write_bytes(PDF.read_bytes())
    forms = Forms(path)
    assert b'filename="Ueber_uns_gross_.pdf"' in forms.part("de").header
    assert forms.part("ar", on_request=True) is forms.part("de")


def test_over_the_limit_is_refused():
    with pytest.raises(ConfigError, match=r"too large \(.*allowed are 1,000\)"):
        Forms(PDF, 1000)


def test_files_that_are_too_large_together_are_refused():
    with pytest.raises(ConfigError, match=r"steckbrief-.* and steckbrief-.* together are too large"):
        Forms(SHIPPED, 70_000)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Forms(tmp_path / "weg.pdf")


def test_a_folder_without_the_german_form_is_refused(tmp_path):
    shutil.copy(SHIPPED / "steckbrief-ar.pdf", tmp_path)
    with pytest.raises(ConfigError, match=r"holds no steckbrief-de\.pdf"):
        Forms(tmp_path)


@pytest.mark.parametrize("octets", [b"", b"hello", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 500, PDF.read_bytes()[:9000]])
def test_a_damaged_file_is_refused(tmp_path, octets):
    path = tmp_path / "kaputt.pdf"
    path.write_bytes(octets)
    with pytest.raises(ConfigError, match=r"kaputt\.pdf is (damaged|no PDF)"):
        Forms(path)


@pytest.mark.parametrize("octets", [b"", b"hello", (SHIPPED / "steckbrief-ar.docx").read_bytes()[:2000]])
def test_a_damaged_word_file_is_refused(tmp_path, octets):
    shutil.copy(PDF, tmp_path)
    (tmp_path / "steckbrief-ar.docx").write_bytes(octets)
    with pytest.raises(ConfigError, match=r"steckbrief-ar\.docx is damaged"):
        Forms(tmp_path)
