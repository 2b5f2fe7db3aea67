"""Whatever command it is: settings are found, faults are plain lines, and help comes at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Run

ROOT = Path(__file__).parents[2]


def test_help_names_the_commands(rsvp_mailer: Run):
    done = rsvp_mailer("--help")
    assert done.returncode == 0
    assert "explain" in done.stdout
    assert "check" in done.stdout


def test_help_loads_nothing_that_only_a_run_needs():
    heavy = "{'pydantic', 'sqlalchemy', 'imap_tools', 'aiosmtplib', 'dateparser', 'jinja2', 'structlog', 'pypdf'}"
    code = f"import sys, rsvp_mailer.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_wrong_settings_are_told_line_by_line_without_a_traceback(rsvp_mailer: Run, tmp_path: Path):
    (tmp_path / "x.toml").write_text('[smtp]\nhots = "a"\nport = "kanarienvogel"\n')
    for command in (("explain", "x.eml"), ("check",)):
        done = rsvp_mailer("--config", "x.toml", *command)
        assert done.returncode == 2
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert "rsvp-mailer: x.toml: smtp.hots: there is no such key; did you mean smtp.host?" in lines
        assert any(line.startswith("rsvp-mailer: x.toml: mailboxes: is missing") for line in lines)
        assert all(line.startswith("rsvp-mailer: ") for line in lines)
        assert "kanarienvogel" not in done.stderr


@pytest.mark.parametrize("arguments", [("check", "--config", "no.toml"), ("--config", "no.toml", "check")])
def test_a_settings_file_that_is_not_there(rsvp_mailer: Run, arguments: tuple[str, ...]):
    done = rsvp_mailer(*arguments)
    assert done.returncode == 2
    assert done.stderr == (
        "rsvp-mailer: no.toml: cannot be read (No such file or directory); name a settings file by --config\n"
    )


def test_the_settings_file_may_come_from_the_environment_but_an_option_wins(rsvp_mailer: Run):
    assert "one.toml: cannot be read" in rsvp_mailer("check", RSVP_MAILER_CONFIG="one.toml").stderr
    assert "two.toml: cannot" in rsvp_mailer("--config", "two.toml", "check", RSVP_MAILER_CONFIG="one.toml").stderr
    done = rsvp_mailer("--config", "two.toml", "check", "--config", "three.toml", RSVP_MAILER_CONFIG="one.toml")
    assert "three.toml: cannot" in done.stderr


def test_a_misspelt_variable_is_refused(rsvp_mailer: Run):
    done = rsvp_mailer("check", RSVP_MAILER__SMTP__HOSTS="x")
    assert done.returncode == 2
    assert "RSVP_MAILER__SMTP__HOSTS: there is no such key; did you mean RSVP_MAILER__SMTP__HOST?" in done.stderr


@pytest.mark.parametrize("text", ["gestern", "6.11.2017", ""])
def test_a_time_that_is_none(rsvp_mailer: Run, text: str):
    done = rsvp_mailer("check", "--as-of", text)
    assert done.returncode == 2
    assert "2017-11-06T08:00" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("explain",), ("check", "--nonsense")])
def test_wrong_arguments_end_with_status_2(rsvp_mailer: Run, arguments: tuple[str, ...]):
    done = rsvp_mailer(*arguments)
    assert done.returncode == 2
    assert "Usage" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_help_is_quick(rsvp_mailer: Run):
    rsvp_mailer("--help")
    taken_s = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from rsvp_mailer.cli import main; main()", "--help"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=60,
        )
        taken_s.append(time.perf_counter() - began)
    assert min(taken_s) < 1  # 0.3 s where nothing else runs
