"""What exports and the digest cost with 100,000 answers: time against a floor, and the most memory they ever hold.

    python tests/bench/exports.py [--answers 100000] [--queue 5000] [--most-mb 200] [--doors]

Each is the real command in a process of its own. The floor, on the same machine in the same run: ``csv.writer`` over
the same rows, as they come from SQLite, with nothing in between. Prints seconds, ratio to the floor and peak memory
(of the command and, apart, of the typesetter it starts); ends with status 1 where a peak is above ``--most-mb``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from office import make_office
from servers_dovecot import Account
from sqlalchemy import insert, true

from rsvp_mailer.domain import Answer, Attendance, Tag
from rsvp_mailer.store import suggestions, tallies
from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.guest_tables import guest, guest_term
from rsvp_mailer.store.guests import counted_terms, sort_key, terms_of
from rsvp_mailer.store.schema import migrate
from rsvp_mailer.store.store import Store
from rsvp_mailer.store.tables import answer, head_count_day, mail, review

FIRST = ("Anna", "Mehmet", "Łukasz", "محمد", "Zoë", "Jürgen", "Roj", "Farah", "Oleksandr", "Nguyễn")
LAST = ("Ärmel", "Berg", "Çelik", "العلي", "Ohm", "Schmidt-Rottluff", "Xanî", "Żuk", "von der Heide", "Thị Hoa")
NOW = datetime.now(UTC)


def fill(url: str, answers: int, queue: int) -> None:
    """Write answers and held mail as the program would have, only faster."""
    dice, store = random.Random(4), Store(open_engine(url))
    days: dict[str, list[int]] = {}
    with store.writing() as tx:
        tallies.drop(tx.connection)  # one by one in a single transaction is not how they come
        for start in range(1, answers + 1, 5000):
            rows, guests, terms = [], [], []
            for number in range(start, min(start + 5000, answers + 1)):
                person, given = f"gast{number}@example.org", an_answer(dice, number)
                at = NOW - timedelta(minutes=(answers - number) % 40_000)
                stored = {"event": "konferenz", "person": person}
                value = given.attendance.value if given.attendance else None
                counted = {"attendance": value, "party_size": given.party_size}
                dumped = ANSWER.dump_python(given, mode="json")
                rows.append({"id": number, **stored, **counted, "recorded_at": at, "by": "auto", "answer": dumped})
                key = {"id": number, "answer_id": number, "sort_key": sort_key(given.name, person), "language": "de"}
                guests.append({**stored, **counted, **key})
                found = terms_of(given, person) | counted_terms(given, "konferenz")
                terms += [{"term": term, "guest_id": number} for term in found]
                day = days.setdefault(at.date().isoformat(), [0, 0])
                day[0] += (given.party_size or 1) * (given.attendance is Attendance.YES)
                day[1] += (given.party_size or 1) * (given.attendance is Attendance.MAYBE)
            for table, values in ((answer, rows), (guest, guests), (guest_term, terms)):
                tx.connection.execute(insert(table), values)
        moved = [
            {"event": "konferenz", "day": datetime.fromisoformat(day).date(), "certain": certain, "maybe": maybe}
            for day, (certain, maybe) in days.items()
        ]
        tx.connection.execute(insert(head_count_day), moved)
        place = {"mailbox": "office", "folder": "INBOX", "uidvalidity": 1, "state": "held", "event": "konferenz"}
        held = [
            {**place, "id": n, "uid": n, "fingerprint": f"{n:064}", "seen_at": NOW, "person": f"gast{n}@example.org"}
            for n in range(1, queue + 1)
        ]
        suggestion = ANSWER.dump_python(Answer(Attendance.YES, 4), mode="json")
        waiting = [
            {"kind": "held", "mail_id": n, "reasons": ["party_size_large"], "topic": "party_size_large"}
            | {"opened_at": NOW - timedelta(minutes=n), "suggestion": suggestion}
            for n in range(1, queue + 1)
        ]
        if queue:
            tx.connection.execute(insert(mail), held)
            tx.connection.execute(insert(review), waiting)
        tallies.lay(tx.connection)
        suggestions.weigh(tx.connection, true())
    store.close()


def an_answer(dice: random.Random, number: int) -> Answer:
    """Somebody's answer; every tenth has wishes."""
    attendance = dice.choice((Attendance.YES, Attendance.YES, Attendance.MAYBE, Attendance.NO))
    size = 0 if attendance is Attendance.NO else dice.choice((1, 2, 3, None))
    name = f"{dice.choice(FIRST)} {dice.choice(LAST)} {number}"
    if number % 10:
        return Answer(attendance, size, name=name)
    return Answer(attendance, size, name=name, interpreter=("ar",), tags=(Tag.DIET,), people=("Karl Ohm",))


def floor_s(url: str) -> float:
    """Seconds for the same rows through ``csv.writer`` alone."""
    began, out = time.perf_counter(), io.StringIO()
    store, writer = Store(open_engine(url)), csv.writer(out)
    with store.reading() as tx:
        rows = tx.connection.exec_driver_sql(
            "select guest.person, answer.recorded_at, answer.answer from guest join answer on answer.id = answer_id "
            "order by sort_key"
        )
        for person, recorded_at, stored in rows:
            writer.writerow([person, recorded_at, *json.loads(stored).values()])
    store.close()
    return time.perf_counter() - began


def measured(command: list[str], environ: dict[str, str]) -> tuple[float, float, float]:
    """Seconds, peak memory of the process, and of the largest process it started, in megabytes."""
    watch = (
        "import resource, runpy, sys, atexit\n"
        "def tell():\n"
        "    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):\n"
        "        print('PEAK', resource.getrusage(who).ru_maxrss, file=sys.stderr)\n"
        "atexit.register(tell)\n"
        "sys.argv[:] = ['rsvp-mailer', *sys.argv[1:]]\n"
        "runpy.run_module('rsvp_mailer', run_name='__main__', alter_sys=False)\n"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", watch, *command],
        env={**os.environ, **environ},
        check=False,
        capture_output=True,
        text=True,
    )
    took = time.perf_counter() - began
    if done.returncode:
        sys.exit(done.stderr)
    own, children = (int(line.split()[1]) / 1024 for line in done.stderr.splitlines() if line.startswith("PEAK"))
    return took, own, children


def main() -> int:
    """Fill, measure, and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--answers", type=int, default=100_000)
    arguments.add_argument("--queue", type=int, default=5_000)
    arguments.add_argument("--most-mb", type=float, default=200.0)
    arguments.add_argument("--doors", action="store_true", help="the door list too: a hundred volumes, a minute")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'rsvp.db'}"
        migrate(open_engine(url))
        fill(url, given.answers, given.queue)
        account = Account(SimpleNamespace(imap_port=9), "buero@office.example")  # no server is asked
        office = make_office(folder, account, 9, url)
        floor = min(floor_s(url) for _ in range(2))
        print(f"{given.answers} answers; floor, csv.writer over the same rows: {floor:.2f} s")
        kinds = ["csv", "json", "xlsx", "planning", *(["doors"] if given.doors else [])]
        commands = {kind: ["export", kind, "--out", str(folder / f"out.{kind}")] for kind in kinds}
        commands["digest"] = ["digest", "--preview", "--out", str(folder / "digest.eml")]
        peaks = []
        for what, command in commands.items():
            took, own, children = measured(["--config", str(office.config), *command], office.environ)
            peaks += [own, children]
            print(
                f"{what:9} {took:6.2f} s  ratio to the floor {took / floor:5.1f}  "
                f"peak {own:4.0f} MB, typesetter {children:4.0f} MB"
            )
    return 0 if max(peaks) <= given.most_mb else 1


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
