"""What is not tested is said loudly, and where all is required it is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = """
import pytest
from servers import absent

def test_needs_a_server():
    absent("Exim is not installed (Debian: apt-get install exim4)")

def test_skipped_for_another_reason():
    pytest.skip("it is Sunday")

@pytest.mark.xfail
def test_known_fault():
    assert False
"""
WHOLE_FILE = "import pytest; pytest.skip('never on this machine', allow_module_level=True)"


def run(folder: Path, *, required: bool) -> subprocess.CompletedProcess[str]:
    for name in ("conftest.py", "servers.py"):
        (folder / name).write_text((HERE / name).read_text())
    (folder / "test_it.py").write_text(TESTS)
    environ = {**os.environ, "PYTHONPATH": str(folder), "RSVP_MAILER_REQUIRE_SERVERS": "1" if required else ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, env=environ, check=False, capture_output=True, text=True)


def test_a_missing_server_is_named_in_the_summary(tmp_path: Path):
    (tmp_path / "test_whole_file.py").write_text(WHOLE_FILE)
    done = run(tmp_path, required=False)
    assert done.returncode == 0
    assert "NOT TESTED: 1 tests: Exim is not installed (Debian: apt-get install exim4)" in done.stdout
    assert "3 skipped, 1 xfailed" in done.stdout


def test_where_servers_are_required_every_skip_is_a_failure(tmp_path: Path):
    (tmp_path / "test_whole_file.py").write_text(WHOLE_FILE)
    done = run(tmp_path, required=True)
    assert done.returncode != 0
    assert "skipped, but nothing may be skipped here: never on this machine" in done.stdout
    (tmp_path / "test_whole_file.py").unlink()
    done = run(tmp_path, required=True)
    assert done.returncode != 0
    assert "test_needs_a_server: skipped, but nothing may be skipped here" in done.stdout
    assert "skipped, but nothing may be skipped here: it is Sunday" in done.stdout
    assert "2 failed, 1 xfailed" in done.stdout
