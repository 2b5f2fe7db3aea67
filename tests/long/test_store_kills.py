"""Promise 1, the ground under it: what a commit has acknowledged survives SIGKILL at any instant, and nothing else."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading

from sqlalchemy import func, select, text

from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.schema import migrate
from rsvp_mailer.store.tables import blob

KILLS = 40
WRITER = """
import os, sys
from sqlalchemy import insert
from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.tables import blob
engine = open_engine(sys.argv[1])
for number in range(1_000_000):
    name = f"{os.getpid()}-{number}"
    with engine.begin() as connection:
        for half in ("left", "right"):
            connection.execute(insert(blob).values(sha256=f"{name}-{half}", octets=b"x" * 5000))
    print(name, flush=True)
"""


def killed_after(url: str, seconds: float) -> list[str]:
    """What a writer says it has committed until it is killed, counted from its first commit."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        names = [process.stdout.readline().strip()]
        killer = threading.Timer(seconds, process.send_signal, [signal.SIGKILL])
        killer.start()
        names += [line.strip() for line in process.stdout if line.endswith("\n")]
    killer.join()
    process.wait()
    return names


def test_promise_1_acknowledged_commits_survive_sigkill(database_url: str):
    engine = open_engine(database_url)
    migrate(engine)
    chance = random.Random(20171114)
    for _ in range(KILLS):
        acknowledged = killed_after(database_url, chance.uniform(0, 0.2))
        with engine.begin() as connection:  # a lock that the dead left behind would end here, after ten seconds
            kept = set(connection.execute(select(blob.c.sha256)).scalars())
            connection.execute(blob.delete())
        halves = {f"{name}-{half}" for name in acknowledged for half in ("left", "right")}
        assert halves <= kept
        # At most the one transaction whose commit was not told any more, and that one whole.
        assert len(kept - halves) in {0, 2}
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
        assert connection.execute(select(func.count()).select_from(blob)).scalar_one() == 0
    engine.dispose()
