"""The command as an operator runs it: a process of its own, with an environment that the test names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-W", "error", "-c", "from rsvp_mailer.cli import main; main()"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command() -> list[str]:
    """``rsvp-mailer`` for tests that talk to the process themselves; it needs ``environment``."""
    return COMMAND


@pytest.fixture
def environment() -> dict[str, str]:
    """As little as a process can do with."""
    return {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def rsvp_mailer(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run ``rsvp-mailer`` in an empty folder; keywords are environment variables."""

    def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment | {"LANG": "C.UTF-8", "COLUMNS": "120"} | environ,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
