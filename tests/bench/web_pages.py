"""How long each page takes with 1,000 and with 100,000 answers (50 and 5,000 items), on SQLite and PostgreSQL.

    python tests/bench/web_pages.py [sqlite] [postgresql] [--rounds 15]

Asked over HTTP, as a browser does, from this machine. Promise: under 50 ms in the middle case, and at most 1.5 times
the time with 1,000 answers. Exit status 1 where a page breaks it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from json import dumps
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import structlog
from bureau import office_without_servers
from pages import WEB, serve
from servers import free_port
from servers_postgresql import Postgresql
from sqlalchemy import func, insert, select, text, true

from rsvp_mailer.domain import (
    Address,
    Answer,
    Attendance,
    Circumstances,
    Correspondent,
    Cursor,
    Evidence,
    Kind,
    Reading,
    Reason,
    Tag,
)
from rsvp_mailer.store import suggestions, tallies
from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.guest_tables import guest, guest_term, twin
from rsvp_mailer.store.guests import counted_terms, sort_key, terms_of
from rsvp_mailer.store.mails import CIRCUMSTANCES, CORRESPONDENT, READING
from rsvp_mailer.store.tables import answer, head_count_day, mail, outgoing, review

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pages import Browser
    from sqlalchemy import Connection, Table

    from rsvp_mailer.app import App

MOST_MS, MOST_TIMES = 50, 1.5
SIZES = ((1_000, 50), (100_000, 5_000))
_AT_ONCE = 5_000
_EVENT = "konferenz"
_FIRST = (
    "Anna",
    "Ben",
    "Cem",
    "Dana",
    "Eva",
    "Fatma",
    "Georg",
    "Hala",
    "Ida",
    "Jörg",
    "Kim",
    "Leyla",
    "Mia",
    "Nils",
    "Omar",
    "Pia",
    "Rana",
    "Sven",
    "Tarik",
    "Uta",
)
_LAST = (
    "Adler",
    "Berg",
    "Çelik",
    "Dorn",
    "Ernst",
    "Fuchs",
    "Günther",
    "Haddad",
    "Irmer",
    "Jahn",
    "Kaya",
    "Lang",
    "Müller",
    "Noack",
    "Özdemir",
    "Petri",
)
_ENDINGS = ("", "mann", "er", "ski", "oglu", "sen", "stein", "bach", "feld", "hoff", "horst", "kamp", "ler", "lein")
_REASONS = [Reason.PARTY_SIZE_LARGE, Reason.PARTY_SIZE_MISSING, Reason.ATTENDANCE_UNCLEAR, Reason.CONTRADICTION]
_WORDS = "Guten Tag,\n\nvielen Dank für die Einladung. Wir kommen gerne mit {n} Personen.\n\nViele Grüße"


def fill(app: App, answers: int, items: int) -> None:
    """Rows as the program writes them, in bulk."""
    random, now = Random(7), datetime.now(UTC)
    moved: Counter[tuple[date, Attendance | None]] = Counter()
    with app.store.writing() as tx:
        tallies.drop(tx.connection)  # one by one in a single transaction is not how they come
        tx.cursors.start(Cursor("office", "INBOX", now, 1, answers + items))
        put = _Putting(tx.connection)
        for number in range(1, answers + items + 1):
            at = now - timedelta(seconds=(answers + items - number) * 20)
            person, name = _person(number, random)
            said = _said(number, name, random)
            held = number > answers
            put(mail, _mail(number, person, said, at, held=held))
            if held:
                put(review, _item(number - answers, number, said, at))
                continue
            put(answer, _answer(number, person, said, at))
            put(outgoing, _outgoing(number, person, at))
            put(guest, _guest(number, person, said))
            moved[at.date(), said.attendance] += said.party_size or 0
            for term in terms_of(said, person) | counted_terms(said, _EVENT):
                put(guest_term, {"term": term, "guest_id": number})
            if number % 50 == 0:
                put(twin, {"event": _EVENT, "first_id": number - 1, "second_id": number, "found_at": at})
        put.rest()
        days = {day: {"certain": moved[day, Attendance.YES], "maybe": moved[day, Attendance.MAYBE]} for day, _ in moved}
        for day, counts in days.items():
            tx.connection.execute(insert(head_count_day), {"event": _EVENT, "day": day, **counts})
        tallies.lay(tx.connection)
        suggestions.weigh(tx.connection, true())
    with app.store.writing() as tx:
        if tx.connection.dialect.name == "postgresql":  # the next entries must not collide with ours
            for table in (mail, answer, outgoing, guest, review, twin):
                newest = select(func.coalesce(func.max(table.c.id), 1)).scalar_subquery()
                tx.connection.execute(select(func.setval(f"{table.name}_id_seq", newest)))
            tx.connection.execute(text("ANALYZE"))


class _Putting:
    """Rows in bulk, a table's references before it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[Table, list[dict[str, Any]]] = {
            table: [] for table in (mail, answer, review, outgoing, guest, guest_term, twin)
        }

    def __call__(self, table: Table, row: dict[str, Any]) -> None:
        self._rows[table].append(row)
        if len(self._rows[table]) >= _AT_ONCE:
            self.rest()

    def rest(self) -> None:
        for table, rows in self._rows.items():
            if rows and self._connection.dialect.name == "postgresql":
                self._copy(table, rows)
            elif rows:
                self._connection.execute(insert(table), rows)
            rows.clear()

    def _copy(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """PostgreSQL's own way for many rows."""
        defaults = {column.name: column.default.arg for column in table.c if column.default is not None}
        rows = [{**defaults, **row} for row in rows]
        columns = list(rows[0])
        driver = self._connection.connection.driver_connection
        assert driver is not None
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([dumps(each) if isinstance(each, dict | list) else each for each in row.values()])


def _person(number: int, random: Random) -> tuple[str, str]:
    name = f"{random.choice(_FIRST)} {random.choice(_LAST)}{random.choice(_ENDINGS)}"
    return f"gast.{number}@verein{number % 97}.example", name


def _said(number: int, name: str, random: Random) -> Answer:
    attendance = random.choices(list(Attendance), (70, 20, 10))[0]
    size = 0 if attendance is Attendance.NO else random.randint(1, 6)
    return Answer(
        attendance,
        size,
        language=random.choices(("de", "en", "ar", "fa", "fr"), (70, 10, 10, 5, 5))[0],
        name=name,
        size_stated=True,
        interpreter=("ar",) if number % 11 == 0 else (),
        tags=(Tag.DIET,) if number % 13 == 0 else (),
    )


def _mail(number: int, person: str, said: Answer, at: datetime, *, held: bool) -> dict[str, Any]:
    words = _WORDS.format(n=said.party_size)
    start = words.index("Wir")
    evidence = (Evidence("attendance", "de.come", "reply_text", words[start : start + 10], start, start + 10),)
    reasons = (_REASONS[number % len(_REASONS)],) if held else ()
    reading = Reading(Kind.RSVP, said.attendance, said.party_size, reasons, said.language, evidence=evidence)
    to = Correspondent(Address(person, said.name), "Re: Einladung", f"<{number}@verein.example>", in_thread=True)
    return {
        "id": number,
        "mailbox": "office",
        "folder": "INBOX",
        "uidvalidity": 1,
        "uid": number,
        "fingerprint": f"{number:064x}",
        "state": "held" if held else "recorded",
        "reason": "held" if held else "record.answer",
        "seen_at": at,
        "person": person,
        "event": _EVENT,
        "message_id": to.message_id,
        "subject": to.subject,
        "arrived_at": at,
        "raw": b"x" * 600,
        "own_words": words,
        "reading": READING.dump_python(reading, mode="json"),
        "circumstances": CIRCUMSTANCES.dump_python(Circumstances(at, sender_name=said.name), mode="json"),
        "correspondent": CORRESPONDENT.dump_python(to, mode="json"),
    }


def _item(number: int, mail_id: int, said: Answer, at: datetime) -> dict[str, Any]:
    reason = _REASONS[mail_id % len(_REASONS)]
    suggestion = ANSWER.dump_python(said, mode="json")
    return {
        "id": number,
        "kind": "held",
        "mail_id": mail_id,
        "reasons": [reason],
        "topic": reason,
        "suggestion": suggestion,
        "opened_at": at,
    }


def _answer(number: int, person: str, said: Answer, at: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "event": _EVENT,
        "person": person,
        "mail_id": number,
        "recorded_at": at,
        "by": "auto",
        "attendance": said.attendance,
        "party_size": said.party_size,
        "told_by_hand": False,
        "answer": ANSWER.dump_python(said, mode="json"),
    }


def _outgoing(number: int, person: str, at: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "key": f"confirmation:{number}",
        "kind": "confirmation",
        "event": _EVENT,
        "person": person,
        "recipient": person,
        "answer_id": number,
        "mail_id": number,
        "message_id": f"<{number}.r@office.example>",
        "token": f"{number:032x}",
        "subject": "Re: Einladung",
        "head": b"x" * 200,
        "tail": b"",
        "state": "sent",
        "attempts": 1,
        "created_at": at,
        "due_at": at,
        "sent_at": at,
        "brings_steckbrief": True,
    }


def _guest(number: int, person: str, said: Answer) -> dict[str, Any]:
    return {
        "id": number,
        "event": _EVENT,
        "person": person,
        "answer_id": number,
        "language": said.language,
        "sort_key": sort_key(said.name, person),
        "attendance": said.attendance,
        "party_size": said.party_size,
        "part_of": None,
    }


def paths(answers: int, items: int) -> dict[str, str]:
    """What is asked for."""
    middle = answers // 2
    return {
        "overview": "/",
        "queue": "/queue",
        "queue, in its middle": f"/queue?page={items // 50}",
        "queue, one reason": f"/queue?topic={_REASONS[0]}",
        "item": f"/queue/{items // 2}",
        "guests": "/guests",
        "guests, in their middle": f"/guests?after={middle}",
        "guests, maybe": "/guests?attendance=maybe",
        "guests, French": "/guests?language=fr",
        "guests, interpreter": "/guests?interpreter=ar",
        "guests, diet and yes": "/guests?tag=diet&attendance=yes",
        "guests, searched by name": "/guests?text=muell+jorg",
        "guests, searched by address": f"/guests?text=gast.{middle}",
        "guests, undelivered": "/guests?undelivered=1",
        "person": f"/guests/{middle}",
        "entry": "/guests/new",
        "twice?": "/guests/twins",
    }


def measure(browser: Browser, path: str, rounds: int) -> tuple[float, float]:
    """Medians in milliseconds: by the clock, and of this process's own work (server, client, SQLite)."""
    taken, worked = [], []
    for _ in range(rounds + 3):
        begun, busy = perf_counter(), process_time()
        response = browser.get(path)
        taken.append((perf_counter() - begun) * 1000)
        worked.append((process_time() - busy) * 1000)
        assert response.status_code == 200, (path, response.status_code)
    return median(islice(taken, 3, None)), median(islice(worked, 3, None))


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'rsvp.db'}"
        return
    with Postgresql() as server:
        name = server.create_database()
        yield server.url(name)
        server.drop_database(name)


def times(kind: str, answers: int, items: int, rounds: int) -> dict[str, tuple[float, float]]:
    """Each page's medians on a database of this size."""
    with tempfile.TemporaryDirectory() as folder, _database(kind, Path(folder)) as url:
        office = office_without_servers(Path(folder), url)
        office.tables["web"] = {**WEB, "port": free_port()}
        with office.app() as app:
            begun = perf_counter()
            fill(app, answers, items)
            print(f"{kind}: {answers} answers, {items} items filled in {perf_counter() - begun:.0f} s", flush=True)
            with serve(app) as site:
                browser = site.browser("clerk")
                return {name: measure(browser, path, rounds) for name, path in paths(answers, items).items()}


def main() -> int:
    """Print a table for each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=["sqlite", "postgresql"])
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    broken = 0
    for kind in asked.kinds:
        small, large = (times(kind, *size, asked.rounds) for size in SIZES)
        print(f"\n{kind:28} {'1,000':>9} {'100,000':>9}  ratio   work alone")
        for name, (taken, worked) in large.items():
            ratio = taken / small[name][0]
            fails = taken > MOST_MS or ratio > MOST_TIMES
            broken += fails
            told = f"{name:28} {small[name][0]:6.1f} ms {taken:6.1f} ms  {ratio:5.2f}"
            print(f"{told}   {small[name][1]:.1f} -> {worked:.1f} ms{'  <-- too slow' if fails else ''}")
        print(flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
