"""Promise 10: bad input gets a clear error and costs nothing.

Wrong settings are reported all at once with key and reason; unreachable servers mean retry with a log line, never a
crash; a refused login is not a network fault (wait 30 minutes, three tries, then stop and alert: more would lock the
owner's account); disk full or database locked means the cursor does not move.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import PASSWORD_VARIABLE, make_office, reply
from scenes import LONG_AGO, balance, position, received, rows, states
from servers import absent, free_port
from servers_smtp import Step, drop, hang, wait_until

import rsvp_mailer.store.engine
from rsvp_mailer.daemon import Daemon
from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.inbox.imap import ImapInbox
from rsvp_mailer.store.engine import open_engine
from rsvp_mailer.store.schema import migrate
from rsvp_mailer.store.tables import alert

YES = reply("Wir kommen zu zweit.")
SINCE = ("--since", "2000-01-01")


def refuses(outcome, *words, lines=1):
    """One clear line (for each fault), no traceback, exit status 2."""
    assert outcome.status == 2, (outcome.out, outcome.err)
    complaints = [line for line in outcome.err.splitlines() if line.startswith("rsvp-mailer: ")]
    assert len(complaints) == lines, outcome.err
    for word in words:
        assert word in complaints[0]
    assert "Traceback" not in outcome.err
    return complaints[0]


def test_promise_10_all_wrong_settings_are_told_at_once(office, command):
    """Every fault with its key and what to do, in one report; nothing was started or created."""
    office.tables["mailboxes"].update(port=99_999, after="burn", folder="")
    office.tables["events"]["ends_at"] = office.tables["events"]["starts_at"]
    office.tables["digest"]["weekdays"] = ["mon", "caturday"]
    office.tables["smtp"]["hosst"] = "x"
    del office.tables["sender"]["organisation"]
    outcome = command(office, "poll", *SINCE)
    assert outcome.status == 2
    for key in ("port", "after", "folder", "ends_at", "weekdays", "hosst", "organisation"):
        assert sum(key in line for line in outcome.err.splitlines()) >= 1, key
    assert "Traceback" not in outcome.err
    assert not (office.folder / "rsvp.db").exists()


def missing_folder(office):
    office.tables["mailboxes"]["folder"] = "Gibtsnicht"


def missing_target(office):
    office.tables["mailboxes"].update(after="move", move_to="Gibtsnicht")


def untrusted_certificate(office):
    office.tables["mailboxes"].update(security="tls", host="localhost", port=office.account.server.imaps_port)


def missing_steckbrief(office):
    office.tables["events"]["steckbrief"] = "gibtsnicht.pdf"


def steckbrief_that_is_none(office):
    (office.folder / "bild.pdf").write_bytes(b"GIF89a")
    office.tables["events"]["steckbrief"] = "bild.pdf"


def unreadable_template(office):
    folder = office.folder / "vorlagen" / "de"
    folder.mkdir(parents=True)
    (folder / "yes.jinja").write_bytes(b"{% if answer %} \xff")
    office.tables["events"]["templates"] = "vorlagen"


def newer_database(office):
    engine = open_engine(office.database_url)
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'from_the_future'")
    engine.dispose()


WRONG = {
    missing_folder: "Gibtsnicht",
    missing_target: "Gibtsnicht",
    untrusted_certificate: "ca_file",
    missing_steckbrief: "teckbrief",
    steckbrief_that_is_none: "teckbrief",
    unreadable_template: "yes.jinja",
    newer_database: "newer version",
}


@pytest.mark.parametrize("make_wrong", WRONG, ids=lambda made: made.__name__)
def test_promise_10_what_is_wrong_is_one_clear_line_and_nothing_changes(
    office, account, owner, command, smtp_server, make_wrong
):
    """Certificate, folders, Steckbrief, template, database: said in one line, before any mail is touched."""
    account.append(YES)
    make_wrong(office)
    complaint = refuses(command(office, "poll", *SINCE), WRONG[make_wrong])
    assert account.password not in complaint
    assert smtp_server.mails == []
    if make_wrong is not newer_database and Path(office.folder / "rsvp.db").exists():
        assert states(office) == {}
    checked = command(office, "check")
    assert checked.status == 1 or (checked.status == 2 and "rsvp-mailer: " in checked.err)


def test_promise_10_the_first_run_asks_where_to_start(office, account, command):
    """Years of old mail are never answered by accident."""
    account.append(YES, internaldate=datetime.now(UTC) - timedelta(hours=1))
    refuses(command(office, "poll"), "--since")
    refuses(command(office, "poll", "--since", "gestern"), "--since")
    assert command(office, "poll", "--since", "now").status == 0
    assert states(office) == {}


def test_promise_10_a_wrong_password_is_named_and_not_repeated(office, account, command):
    """One attempt for a poll, one clear line, without the password."""
    account.append(YES)
    complaint = refuses(command(office, "poll", *SINCE, **{PASSWORD_VARIABLE: "Birnbaum-99"}), "login")
    assert "Birnbaum-99" not in complaint


def test_promise_10_a_refused_login_is_tried_three_times_then_rests_and_alerts(office, account):
    """More would lock the owner's account; sending goes on, ``status`` says why nothing is read."""
    account.append(YES)
    office.account = replace(account, password="Birnbaum-99")
    tries = []
    with office.app() as app:
        daemon = Daemon(app, ensure_lock=lambda: None, start_at=LONG_AGO, login_pause_s=0.05)
        reader = daemon._reader
        connect = ImapInbox.connect

        def counted(self):
            tries.append(1)
            connect(self)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ImapInbox, "connect", counted)
            reader.start()
            reader.join(20)
        assert not reader.is_alive()
    assert len(tries) == 3
    (told,) = rows(office, alert)
    assert told.part == "mailbox office"
    assert "3 of 3" in told.message
    assert "Birnbaum-99" not in told.message
    assert states(office) == {}


def test_promise_10_servers_that_refuse_or_hang_are_tried_again(office, account, command, smtp_server):
    """No IMAP server: one line, status 2. No SMTP server: what is due waits. Both there again: all is made good."""
    account.append(YES)
    office.tables["mailboxes"].update(port=free_port(), timeout_s=1)
    refuses(command(office, "poll", *SINCE), "office")
    office.tables["mailboxes"]["port"] = account.server.imap_port
    office.tables["smtp"]["timeout_s"] = 1
    for fault in (drop(Step.CONNECT), hang(Step.CONNECT)):
        smtp_server.script(fault)
        outcome = command(office, "poll", *SINCE)
        assert outcome.status == 1
        assert "Traceback" not in outcome.err
        with office.app() as app, app.store.writing() as tx:
            for sending in tx.sendings.of_person("anna.berg@verein.example", "konferenz"):
                tx.sendings.change(sending.id, due_at=LONG_AGO)  # the pause is over
    assert command(office, "poll").status == 0
    assert len(received(smtp_server)) == 1
    assert balance(office).recorded == 1


def test_promise_10_a_daemon_outlives_a_mailbox_that_is_away(office, account, smtp_server, monkeypatch):
    """The IMAP server comes and goes: a log line, an alert, another attempt; then the alert is gone."""
    monkeypatch.setattr("rsvp_mailer.daemon.pauses", lambda _random: iter([0.05] * 1000))
    away, connect = threading.Event(), ImapInbox.connect
    away.set()

    def connect_if_there(self):
        if away.is_set():
            raise TemporaryError("no connection")
        connect(self)

    monkeypatch.setattr(ImapInbox, "connect", connect_if_there)
    account.append(YES)
    with office.app() as app:
        daemon = Daemon(app, ensure_lock=lambda: None, start_at=LONG_AGO)
        daemon._sender.start()
        daemon._reader.start()
        try:
            wait_until(lambda: bool(rows(office, alert)), what="an alert")
            away.clear()
            wait_until(lambda: states(office) == {1: "recorded"}, what="reading")
            wait_until(lambda: not any(row.message for row in rows(office, alert)), what="the end of the alert")
            smtp_server.wait_for(1)
        finally:
            daemon.stop()
            daemon._sender.stop()
            daemon._reader.join(10)
            daemon._sender.join(10)


# --- the store ---------------------------------------------------------------------------------------------------


def test_promise_10_a_locked_database_costs_nothing(office, account, command, smtp_server, monkeypatch):
    """Another program holds the file: one line, the cursor stays, and the next round does it all."""
    monkeypatch.setattr(rsvp_mailer.store.engine, "LOCK_TIMEOUT_S", 0.3)
    account.append_all([YES, reply("Ich komme.", sender="ben@verein.example", name="Ben")])
    assert command(office, "poll", "--since", "now").status == 0
    account.append(reply("Ich komme.", sender="clara@verein.example", name="Clara"))
    before = (position(office), balance(office))
    holder = sqlite3.connect(office.folder / "rsvp.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    complaint = refuses(command(office, "poll"), "locked")
    assert "clara" not in complaint
    holder.execute("ROLLBACK")
    holder.close()
    assert (position(office), balance(office)) == before
    assert command(office, "poll").status == 0
    assert "clara@verein.example" in {sent.recipients[0] for sent in received(smtp_server)}


def test_promise_10_a_full_disk_costs_nothing(tmp_path, account, smtp_server, command):
    """No room for another page: one line, the cursor stays, nothing is half written; with room, all is made good."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.getuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(disk)], check=False, capture_output=True
        ).returncode
    ):
        absent("a small disk can be made by root only (mount -t tmpfs)")
    try:
        office = make_office(tmp_path, account, smtp_server.port, f"sqlite:///{disk / 'rsvp.db'}")
        account.append(YES)
        office.poll()
        account.append_all([reply("Ich komme.", sender=f"gast{n}@verein.example", name=f"Gast {n}") for n in range(20)])
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            file.write(bytes(shutil.disk_usage(disk).free - 20_000))
        refuses(command(office, "poll"), "disk")
        ballast.unlink()
        stopped_at = position(office)
        assert stopped_at < 21
        assert balance(office).seen == stopped_at
        assert command(office, "poll").status == 0
        assert balance(office).recorded == 21
        assert len({sent.message["Message-ID"] for sent in received(smtp_server)}) == 21
        assert len(received(smtp_server)) == 21
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_promise_10_a_database_that_is_none(office, command):
    """Another file under this name is told, and left as it is."""
    (office.folder / "rsvp.db").write_bytes(b"Das ist ein Brief und keine Datenbank. " * 100)
    refuses(command(office, "poll", *SINCE), "database")
    assert (office.folder / "rsvp.db").read_bytes().startswith(b"Das ist ein Brief")


def test_promise_10_a_missing_folder_of_the_store(office, command, tmp_path):
    """A folder that does not exist is named."""
    office.database_url = f"sqlite:///{tmp_path}/gibtsnicht/rsvp.db"
    refuses(command(office, "poll", *SINCE), "gibtsnicht")
