"""A faulty template stops the program at start, with file and line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import rsvp_mailer.outbox
from rsvp_mailer.domain import Address, Answer, Attendance, Correspondent
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.confirmation import KINDS, Composer
from rsvp_mailer.outbox.rendering import Templates

SHIPPED = Path(rsvp_mailer.outbox.__file__).parent / "templates"


def faults_of(event, office, folder):
    with pytest.raises(ConfigError) as caught:
        Composer(event, office, templates=folder)
    return caught.value.faults


def write(folder, name, words):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words, "utf-8")
    return path


def test_every_shipped_language_has_every_kind():
    for language in ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb"):
        files = {path.stem for path in (SHIPPED / language).glob("*.jinja")}
        assert files >= {*KINDS, "base"}, language


def test_a_file_of_ones_own_replaces_the_shipped_one(event, office, tmp_path, parsed, now):
    write(tmp_path, "de/yes.jinja", '{% extends "de/base.jinja" %}{% block headline %}Bis dann!{% endblock %}')
    mail = Composer(event, office, templates=tmp_path).confirmation(
        Answer(Attendance.YES, 1),
        None,
        Correspondent(Address("a@b.example")),
        token="a" * 32,
        now=now,
        sequence=0,
        first=False,
    )
    text = parsed(mail).get_body(("plain",)).get_content()
    assert text.startswith("Bis dann!")
    assert "Rottstraße 36" in text


def test_a_misspelt_variable_is_named_with_file_and_line(event, office, tmp_path):
    path = write(
        tmp_path,
        "de/yes.jinja",
        '{% extends "de/base.jinja" %}\n\n{% block headline %}Hallo {{ nmae }}{% endblock %}\n',
    )
    assert faults_of(event, office, tmp_path) == [f"{path}:3: 'nmae' is undefined; did you mean 'name'?"]


def test_a_variable_missing_in_a_rare_branch_is_found(event, office, tmp_path):
    path = write(
        tmp_path,
        "en/no.jinja",
        '{% extends "shipped/en/no.jinja" %}\n{% block opening %}\n'
        "{% if question %}{{ qestion }}{% endif %}\n{% endblock %}\n",
    )
    assert faults_of(event, office, tmp_path)[0] == f"{path}:3: 'qestion' is undefined; did you mean 'question'?"


def test_a_template_without_its_headline_is_refused(event, office, tmp_path):
    path = write(tmp_path, "fr/yes.jinja", '{% extends "fr/base.jinja" %}\n')
    assert f"{path}:1: has no headline; add {{% block headline %}}...{{% endblock %}}" in faults_of(
        event, office, tmp_path
    )


def test_a_template_may_build_on_the_shipped_one(event, office, tmp_path):
    write(tmp_path, "de/no.jinja", '{% extends "shipped/de/no.jinja" %}{% block headline %}Schade!{% endblock %}')
    Composer(event, office, templates=tmp_path)


def test_a_template_that_extends_itself_is_refused(event, office, tmp_path):
    path = write(tmp_path, "de/no.jinja", '{% extends "de/no.jinja" %}')
    assert f'{path}:1: extends itself; the shipped one is {{% extends "shipped/de/no.jinja" %}}' in faults_of(
        event, office, tmp_path
    )


def test_broken_syntax_is_named_with_file_and_line(event, office, tmp_path):
    path = write(tmp_path, "de/maybe.jinja", '{% extends "de/base.jinja" %}\n{% block headline %}offen\n')
    (fault, *_) = faults_of(event, office, tmp_path)
    assert fault.startswith(f"{path}:")
    assert "endblock" in fault


def test_a_wrong_expression_is_named_with_file_and_line(event, office, tmp_path):
    path = write(
        tmp_path, "de/thanks.jinja", '{% extends "de/base.jinja" %}\n{% block headline %}{{ 1 / 0 }}{% endblock %}\n'
    )
    assert faults_of(event, office, tmp_path)[0].startswith(f"{path}:2: ZeroDivisionError")


def test_a_new_language_must_be_complete(event, office, tmp_path):
    shutil.copytree(SHIPPED / "en", tmp_path / "tr")
    (tmp_path / "tr" / "maybe.jinja").unlink()
    for path in (tmp_path / "tr").glob("*.jinja"):
        path.write_text(path.read_text("utf-8").replace('"en/', '"tr/'), "utf-8")
    faults = faults_of(event, office, tmp_path)
    assert "templates/tr/maybe.jinja: missing; add it, or remove the folder templates/tr" in faults


def test_a_new_language_is_a_folder(event, office, tmp_path, parsed, now):
    shutil.copytree(SHIPPED / "en", tmp_path / "ur")
    (tmp_path / "ur" / "language.toml").write_text('locale = "ur_PK"\n', "utf-8")
    composer = Composer(event, office, templates=tmp_path)
    to = Correspondent(Address("a@b.example"))
    mail = composer.confirmation(
        Answer(Attendance.YES, 3, "ur"), None, to, token="a" * 32, now=now, sequence=0, first=False
    )
    message = parsed(mail)
    assert message["Content-Language"] == "ur, de"
    assert '<html lang="ur" dir="rtl"' in message.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    "toml",
    [
        "",
        'locale = "klingonisch_XX"',
        "locale = [",
        'locale = "tr"\n[format]\nmonths = ["Ocak"]',
        'locale = "tr"\n[format]\nclock = "HH"',
    ],
)
def test_a_language_without_a_usable_locale_is_refused(event, office, tmp_path, toml):
    shutil.copytree(SHIPPED / "en", tmp_path / "tr")
    (tmp_path / "tr" / "language.toml").write_text(toml, "utf-8")
    (fault,) = faults_of(event, office, tmp_path)
    assert "language.toml" in fault


def test_a_digest_template_is_checked_too(event, office, tmp_path):
    path = write(
        tmp_path, "de/digest.jinja", '{% extends "layout.jinja" %}\n{% block subject %}{{ nix }}{% endblock %}'
    )
    assert faults_of(event, office, tmp_path)[0].startswith(f"{path}:2: 'nix' is undefined; known are ")


def test_all_faults_come_at_once(event, office, tmp_path):
    for name in ("yes", "no"):
        write(tmp_path, f"de/{name}.jinja", '{% extends "de/base.jinja" %}{% block headline %}{{ nix }}{% endblock %}')
    assert len(faults_of(event, office, tmp_path)) == 2


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no folder"):
        Templates(tmp_path / "gone")


def test_a_file_that_nothing_uses_is_refused(event, office, tmp_path):
    path = write(tmp_path, "de/ja.jinja", "x")
    (fault,) = faults_of(event, office, tmp_path)
    assert fault.startswith(f"{path}: nothing uses it; known are base.jinja, ")


def test_a_part_of_ones_own_is_no_stray_file(event, office, tmp_path):
    write(tmp_path, "de/_parking.jinja", "Bitte kommen Sie mit der Bahn.")
    write(
        tmp_path,
        "de/question.jinja",
        '{% extends "shipped/de/question.jinja" %}{% block notes %}{% include "de/_parking.jinja" %}{% endblock %}',
    )
    Composer(event, office, templates=tmp_path)


def test_a_file_in_another_encoding_is_refused_with_its_line(event, office, tmp_path):
    path = tmp_path / "de" / "no.jinja"
    path.parent.mkdir()
    path.write_bytes('{% extends "shipped/de/no.jinja" %}\n{% block headline %}Schön{% endblock %}'.encode("latin-1"))
    assert faults_of(event, office, tmp_path) == [f"{path}:2: is not UTF-8; save the file in that encoding"]


def test_the_sheet_of_styles_can_be_replaced(event, office, tmp_path, parsed, now):
    write(tmp_path, "_html/style.css", "h1 { color: #123456; }")
    mail = Composer(event, office, templates=tmp_path).confirmation(
        Answer(Attendance.YES, 1), None, Correspondent(Address("a@b.example")), token="a" * 32, now=now, sequence=0,
        first=False,
    )  # fmt: skip
    assert re.search('<h1[^>]*style="color: #123456', parsed(mail).get_body(("html",)).get_content())


@pytest.mark.parametrize(
    "name", ["_html/document.jinja", "_html/layout.jinja", "_html/parts.jinja", "_text/layout.jinja"]
)
def test_a_fault_in_a_layout_is_found_at_start(event, office, tmp_path, name):
    path = write(tmp_path, name, (SHIPPED / name).read_text("utf-8") + "\n{{ nix + 1 }}\n")
    last = len(path.read_text("utf-8").splitlines())
    faults = faults_of(event, office, tmp_path)
    assert faults[0].startswith(f"{path}:{last}: 'nix' is undefined")
