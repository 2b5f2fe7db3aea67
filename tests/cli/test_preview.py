"""``rsvp-mailer preview``: an office looks at its mail before anybody gets it."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from typer.testing import CliRunner

import rsvp_mailer.cli_preview  # noqa: F401 - adds the command
from rsvp_mailer.cli import app
from rsvp_mailer.errors import ConfigError


@pytest.fixture
def preview(tmp_path, monkeypatch):
    monkeypatch.delenv("RSVP_MAILER_CONFIG", raising=False)

    def preview(*options):
        return CliRunner().invoke(app, ["preview", *options, "--out", str(tmp_path / "out")], catch_exceptions=False)

    return preview


def test_one_mail_is_written_with_all_that_belongs_to_it(preview, tmp_path):
    result = preview("confirmation", "--language", "ar", "--answer", "yes", "--persons", "3", "--arrival", "17:45")
    assert result.exit_code == 0
    folder = tmp_path / "out" / "ar-yes"
    assert {path.name for path in folder.iterdir()} >= {"mail.eml", "mail.html", "mail.txt", "termin.ics"}
    assert any(path.suffix == ".pdf" for path in folder.iterdir())
    mail = message_from_bytes((folder / "mail.eml").read_bytes(), policy=policy.default)
    assert mail["Content-Language"] == "ar, de"
    text = (folder / "mail.txt").read_text("utf-8")
    assert text.startswith(mail["Subject"])
    assert "\u2068٣\u2069 أشخاص" in text
    assert "\u2068١٧:٤٥\u2069" in text
    assert all(str(path) in result.stdout for path in folder.iterdir())


def test_a_changed_answer_and_a_question(preview, tmp_path):
    preview("--persons", "2", "--before", "yes", "--before-persons", "5")
    assert "Bisher: Zusage, 5 Personen" in (tmp_path / "out" / "de-change" / "mail.txt").read_text("utf-8")
    preview("question", "--language", "kmr")
    assert "Hûn çend kes tên?" in (tmp_path / "out" / "kmr-question" / "mail.txt").read_text("utf-8")


def test_all_of_them_with_a_page_that_leads_there(preview, tmp_path):
    assert preview("--all").exit_code == 0
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert len(folders) == 8 * 8
    index = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert all(f'href="{name}/mail.html"' in index for name in folders)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--arrival", "25:99"], "is no time of day; write it as 17:45"),
        (["--persons", "0"], "--persons"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_options_are_told(preview, options, words):
    result = preview(*options)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_an_unknown_language_is_told(preview):
    with pytest.raises(ConfigError, match="--language xx: there are ar ckb de"):
        preview("--language", "xx")


def test_a_folder_that_cannot_be_written_is_told(preview, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(ConfigError, match=r"--out .*: cannot be written"):
        preview()
