"""``deploy/demo.sh`` says what to do where it cannot go on. The whole of it runs in tests/long."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("cat", "cksum", "dirname", "id", "rm", "tail")


@pytest.fixture
def checkout(tmp_path):
    """A checkout in a path with a space, and a PATH that holds nothing but what the script itself needs."""
    place = tmp_path / "check out"
    (place / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "deploy" / "demo.sh", place / "deploy")
    shutil.copy(ROOT / "deploy" / "constraints.txt", place / "deploy")
    shutil.copy(ROOT / "pyproject.toml", place)
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in TOOLS:
        (tools / tool).symlink_to(shutil.which(tool))
    return place, tools


def script(path, body):
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(place, tools):
    return subprocess.run(
        ["/bin/sh", place / "deploy" / "demo.sh"],
        check=False,
        cwd="/",
        env={"PATH": str(tools), "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_without_python_it_names_the_line_that_installs_one(checkout):
    place, tools = checkout
    script(tools / "python3", 'exit "1"')  # a Python that does not fit
    done = run(place, tools)
    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (place / ".venv").exists()


def test_without_venv_it_names_the_line_that_installs_it(checkout):
    place, tools = checkout
    # Like Debian's: no ensurepip until its package is there.
    script(tools / "python3", f'case "$*" in *ensurepip*) exit 1;; *) exec {sys.executable} "$@";; esac')
    done = run(place, tools)
    assert done.returncode == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"apt-get install python{version}-venv" in done.stderr
    assert not (place / ".venv").exists()


def test_an_environment_that_does_not_work_is_not_touched(checkout):
    place, tools = checkout
    (place / ".venv").mkdir()
    (place / ".venv" / "somebody's").touch()
    done = run(place, tools)
    assert done.returncode == 1
    assert f"rm -r '{place}/.venv'" in done.stderr
    assert (place / ".venv" / "somebody's").exists()


def test_a_failed_installation_says_what_pip_says(checkout):
    place, tools = checkout
    folder = place / ".venv" / "bin"
    folder.mkdir(parents=True)
    script(
        folder / "python",
        f'case "$*" in *install*) echo "no index today"; exit 1;; *) exec {sys.executable} "$@";; esac',
    )
    done = run(place, tools)
    assert done.returncode == 1
    assert "no index today" in done.stderr
    assert "Can this machine reach its package index?" in done.stderr
    assert not (place / ".venv" / "rsvp-mailer-demo").exists()


def test_a_failed_environment_leaves_nothing_behind(checkout):
    place, tools = checkout
    script(tools / "python3", f'case "$*" in "-m venv"*) mkdir .venv; exit 1;; *) exec {sys.executable} "$@";; esac')
    (tools / "mkdir").symlink_to(shutil.which("mkdir"))
    done = run(place, tools)
    assert done.returncode == 1
    assert "could not make" in done.stderr
    assert not (place / ".venv").exists()
