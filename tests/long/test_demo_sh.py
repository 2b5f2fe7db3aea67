"""A fresh checkout shows the program at work with one command, wherever it lies and whoever calls it from where."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path):
    place = tmp_path / "a fresh checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)
    return place


def run_demo(place):
    return subprocess.run(
        ["/bin/sh", place / "deploy" / "demo.sh"],
        check=False,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        | {"TMPDIR": str(place)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.timeout(1000)
def test_a_fresh_checkout_shows_the_program_at_work(checkout):
    first = run_demo(checkout)
    assert first.returncode == 0, first.stderr
    assert "the books balance" in " ".join(first.stdout.split())
    assert first.stdout.startswith("Installing into .venv")
    begun = time.monotonic()
    second = run_demo(checkout)
    assert time.monotonic() - begun < 20
    assert second.returncode == 0
    assert "Installing" not in second.stdout
