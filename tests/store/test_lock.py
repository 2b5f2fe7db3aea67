"""Two programs never work on one mailbox, and no dead one blocks it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from servers import free_port

from rsvp_mailer.errors import ConfigError, TemporaryError
from rsvp_mailer.store.lock import is_locked, mailbox_lock

if TYPE_CHECKING:
    from pathlib import Path

    from servers_postgresql import Postgresql

HOLDER = (
    "import sys, time; from rsvp_mailer.store.lock import is_locked, mailbox_lock\n"
    "with mailbox_lock(sys.argv[1], sys.argv[2]): print('held', flush=True); time.sleep(60)"
)


def hold(url: str, mailbox: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, url, mailbox]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "held\n"
    return process


def take_soon(url: str, mailbox: str) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with mailbox_lock(url, mailbox):
                return
        except ConfigError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_another_program_is_refused_until_the_first_is_gone(database_url: str, how: signal.Signals):
    first = hold(database_url, "einladung")
    try:
        with (
            pytest.raises(ConfigError, match="another rsvp-mailer is working on mailbox einladung; stop it first"),
            mailbox_lock(database_url, "einladung"),
        ):
            pass
        with mailbox_lock(database_url, "another mailbox"):
            pass
    finally:
        first.send_signal(how)
        first.wait(10)
    take_soon(database_url, "einladung")


def test_a_lock_can_be_taken_again(database_url: str):
    for _ in range(2):
        with mailbox_lock(database_url, "Büro/1"), pytest.raises(ConfigError), mailbox_lock(database_url, "Büro/1"):
            pass


def test_a_lock_taken_is_still_held_later(database_url: str):
    with mailbox_lock(database_url, "einladung") as ensure:
        ensure()
        with pytest.raises(ConfigError), mailbox_lock(database_url, "einladung"):
            pass
        ensure()


def test_the_lock_lies_beside_the_file_and_tells_nothing(sqlite_url: str, tmp_path: Path):
    with mailbox_lock(sqlite_url, "Büro/../1"):
        (path,) = tmp_path.iterdir()
    assert path.name.startswith("rsvp.db-lock-")
    assert path.stat().st_size == 0
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_missing(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'nowhere' / 'rsvp.db'}"
    with pytest.raises(ConfigError, match="nowhere"), mailbox_lock(url, "einladung"):
        pass


def test_an_unreachable_postgresql_is_tried_later():
    url = f"postgresql://rsvp@127.0.0.1:{free_port()}/rsvp"
    with pytest.raises(TemporaryError), mailbox_lock(url, "einladung"):
        pass


def test_a_restart_of_postgresql_does_not_let_two_in(postgresql: Postgresql):
    name = postgresql.create_database()
    url = postgresql.url(name)
    with mailbox_lock(url, "einladung") as ensure:
        postgresql.stop()
        with pytest.raises(TemporaryError):
            ensure()
        postgresql.start()
        ensure()
        with pytest.raises(ConfigError), mailbox_lock(url, "einladung"):
            pass
    postgresql.stop()
    postgresql.start()
    with mailbox_lock(url, "einladung") as ensure:
        postgresql.stop()
        postgresql.start()
        with mailbox_lock(url, "einladung"), pytest.raises(ConfigError):
            ensure()
    postgresql.drop_database(name)


def test_whether_somebody_works_on_a_mailbox_can_be_asked_without_disturbing_anybody(database_url: str):
    assert not is_locked(database_url, "office")
    with mailbox_lock(database_url, "office") as ensure:
        assert is_locked(database_url, "office")
        assert not is_locked(database_url, "other")
        ensure()
    assert not is_locked(database_url, "office")
    with mailbox_lock(database_url, "office"):
        pass
