"""``lexicon check``: whoever adds a wording, without Python, learns whether it does what it should."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rsvp_mailer.reading.lexicon import FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

RULE = """
[[rule]]
id = "de.come.mine"
means = "come"
phrases = ["bin mit an bord"]
fires = ["{}"]
"""


def test_the_languages_in_use_are_proven(rsvp_mailer: Run):
    result = rsvp_mailer("lexicon", "check")
    assert result.returncode == 0
    assert all(code in result.stdout for code in ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"))


def test_a_new_wording_is_proven_or_refused(rsvp_mailer: Run, tmp_path: Path):
    folder = tmp_path / "languages"
    shutil.copytree(FOLDER, folder)
    file = folder / "de.toml"
    german = file.read_text(encoding="utf-8")
    file.write_text(german + RULE.format("Ich [bin mit an Bord]."), encoding="utf-8")
    assert rsvp_mailer("lexicon", "check", folder).returncode == 0
    file.write_text(german + RULE.format("Ich [bin auf dem Schiff]."), encoding="utf-8")
    result = rsvp_mailer("lexicon", "check", folder)
    assert result.returncode == 1
    assert "de.come.mine" in result.stdout


def test_a_folder_without_languages_is_named(rsvp_mailer: Run, tmp_path: Path):
    result = rsvp_mailer("lexicon", "check", tmp_path)
    assert result.returncode == 2
    assert str(tmp_path) in result.stderr
