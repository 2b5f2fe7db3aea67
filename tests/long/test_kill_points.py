"""Promises 1 and 4 by a real process that is killed at every commit, IMAP and SMTP boundary in turn."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from office import Office, make_office, reply

from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.store import Store
from rsvp_mailer.store.tables import answer, mail, review

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers_dovecot import Account, Dovecot
    from servers_postgresql import Postgresql
    from servers_smtp import SmtpServer

KILLABLE = Path(__file__).with_name("killable.py")
MAILS = (
    reply("Guten Tag, wir kommen gerne zu dritt.", sender="anna@a.example", name="Anna Berg"),
    reply("Leider kann ich nicht kommen.", sender="bernd@b.example", name="Bernd Kurz"),
    reply("Danke für die Einladung!", sender="clara@c.example", name="Clara Lang"),
    reply(
        "Ihr Paket wird morgen zwischen 9 und 12 Uhr zugestellt.",
        sender="info@paket.example",
        name="Paketdienst",
        subject="Ihre Sendung ist unterwegs",
        in_reply_to=None,
        headers={"List-Unsubscribe": "<https://paket.example/aus>", "Precedence": "bulk"},
    ),
    reply("Wir kommen doch nur zu zweit.", sender="anna@a.example", name="Anna Berg"),
    reply("Ich komme gerne, allein.", sender="dora@d.example", name="Dora Klein"),
)
# Anna's two mails are taken in one round: only her newest state goes out, "two persons".
CONFIRMED = {"anna@a.example", "bernd@b.example", "dora@d.example"}
STORED = {
    "anna@a.example": ("yes", 2),
    "bernd@b.example": ("no", 0),
    "dora@d.example": ("yes", 1),
}


class Mortal:
    """The forking process of ``killable``."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(KILLABLE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def poll(self, office: Office, *, die_at: int = 0) -> str:
        """One round; "killed", or "done N"."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(office.config), office.environ, die_at]) + "\n")
        self._process.stdin.flush()
        end = self._process.stdout.readline().strip()
        assert not end.startswith("failed"), (end, (office.folder / "killable.log").read_text()[-2000:])
        assert end, "the process that forks died itself"
        return end

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def mortal() -> Iterator[Mortal]:
    process = Mortal()
    yield process
    process.close()


@contextmanager
def fresh_office(folder: Path, dovecot: Dovecot, smtp: SmtpServer, url: str, after: str) -> Iterator[Office]:
    account = dovecot.add_account()
    account.append_all(MAILS)
    folder.mkdir()
    smtp.mails.clear()
    yield make_office(folder, account, smtp.port, url, mailboxes={"after": after})


def assert_nothing_lost(office: Office) -> None:
    """Every message is exactly one of recorded, ignored, held, set aside; cursor, answers and queue are right."""
    engine = open_engine(office.database_url)
    with Store(engine).reading() as tx:
        rows = tx.connection.execute(mail.select().order_by(mail.c.uid)).all()
        assert [row.uid for row in rows] == list(range(1, len(MAILS) + 1))
        assert Counter(row.state for row in rows) == {"recorded": 4, "held": 1, "ignored": 1}
        cursor = tx.cursors.get("office", "INBOX")
        assert cursor is not None
        assert cursor.last_uid == len(MAILS)
        assert tx.cursors.seen() == len(MAILS)
        present = {row.person: row.answer for row in tx.answers.all_present("konferenz")}
        assert {person: (a.attendance, a.party_size) for person, a in present.items()} == STORED
        assert tx.connection.execute(review.select()).all()[0].kind == "held"
        assert len(tx.connection.execute(review.select()).all()) == 1
        assert len(tx.connection.execute(answer.select()).all()) == 4  # Anna's history has two steps
        assert set(tx.sendings.states()) <= {"sent", "superseded"}
    engine.dispose()


def assert_nobody_told_twice(smtp: SmtpServer) -> None:
    """The one allowed case: after an unacknowledged acceptance, the same octets once more."""
    confirmations = [each for each in smtp.mails if each.recipients != ("team@office.example",)]
    digests = [each for each in smtp.mails if each.recipients == ("team@office.example",)]
    assert {each.recipients[0] for each in confirmations} == CONFIRMED
    assert len({each.octets for each in confirmations}) == len(CONFIRMED)
    assert len({each.octets for each in digests}) == 1
    assert len(confirmations) + len(digests) <= len(CONFIRMED) + 1 + 1


def assert_mailbox_is_its_owners(account: Account, after: str) -> None:
    """Nothing was read, deleted or moved; ours carry the keyword only where the settings ask for it."""
    client = account.client()
    client.select("INBOX", readonly=True)
    flags = dict.fromkeys(range(1, len(MAILS) + 1), b"")
    for row in client.uid("FETCH", "1:*", "(FLAGS)")[1]:
        number = int(row.split(b"UID ")[1].split(b")")[0].split()[0])
        flags[number] = row
    client.logout()
    assert all(flags.values())
    assert not any(b"\\Seen" in row or b"\\Deleted" in row for row in flags.values())
    marked = {uid for uid, row in flags.items() if b"rsvp-mailer" in row}
    assert marked == ({1, 2, 5, 6} if after == "keyword" else set())


def die_everywhere(office_at: object, mortal: Mortal, dovecot: Dovecot, smtp: SmtpServer, after: str, step: int) -> int:
    """Kill at each ``step``-th boundary, restart, and check; return how many deaths there were."""
    boundary, deaths = 1, 0
    while True:
        folder, url = office_at(boundary)  # type: ignore[operator]
        with fresh_office(folder, dovecot, smtp, url, after) as office:
            end = mortal.poll(office, die_at=boundary)
            assert mortal.poll(office).startswith("done")
            if boundary % 5 == 0:  # and once more, which has nothing left to do
                assert mortal.poll(office).startswith("done")
            assert_nothing_lost(office)
            assert_nobody_told_twice(smtp)
            assert_mailbox_is_its_owners(office.account, after)
        if end.startswith("done"):
            return deaths
        deaths += 1
        boundary += step


@pytest.mark.parametrize("after", ["leave", "keyword"])
def test_promises_1_and_4_killed_at_every_boundary_sqlite(
    tmp_path: Path, mortal: Mortal, dovecot: Dovecot, smtp_server: SmtpServer, after: str
):
    """At each point nothing is lost, nothing confirmed twice, the cursor right."""

    def office_at(boundary: int) -> tuple[Path, str]:
        folder = tmp_path / str(boundary)
        return folder, f"sqlite:///{folder}/rsvp.db"

    deaths = die_everywhere(office_at, mortal, dovecot, smtp_server, after, step=1 if after == "leave" else 2)
    print(f"killed at {deaths} boundaries on SQLite, after = {after}")
    assert deaths > 50


def test_promises_1_and_4_killed_at_every_third_boundary_postgresql(
    tmp_path: Path, mortal: Mortal, dovecot: Dovecot, smtp_server: SmtpServer, postgresql: Postgresql
):
    """The same on PostgreSQL."""

    def office_at(boundary: int) -> tuple[Path, str]:
        return tmp_path / str(boundary), postgresql.url(postgresql.create_database())

    deaths = die_everywhere(office_at, mortal, dovecot, smtp_server, "leave", step=3)
    print(f"killed at {deaths} boundaries on PostgreSQL")
    assert deaths > 15
