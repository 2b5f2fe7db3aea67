"""The command as an operator runs it: a process of its own, with an environment that the test names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-X", "dev", "-W", "error", "-c", "from rsvp_mailer.cli import main; main()"]

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def rsvp_mailer(tmp_path: Path) -> Run:
    """Run ``rsvp-mailer`` in an empty folder; keywords are environment variables."""

    def run(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "120"} | environ,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run
