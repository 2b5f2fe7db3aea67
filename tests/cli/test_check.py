"""``check`` tries what a run needs, on real servers, says for each what to do, and changes nothing."""

from __future__ import annotations

import sqlite3
import ssl
from typing import TYPE_CHECKING

import pytest
from servers_dovecot import make_certificate
from servers_smtp import SmtpServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers_dovecot import Account

    from .conftest import Run

CANARY = "kanarienvogel-4711"
SMTP_PASSWORD = "Apfelbaum-11"
MAIL = b"From: a@example.org\r\nSubject: Re: Einladung\r\n\r\nIch komme gern.\r\n"


@pytest.fixture(scope="module")
def smtp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SmtpServer, Path]]:
    folder = tmp_path_factory.mktemp("smtp")
    make_certificate(folder / "ca.pem", folder / "key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    with SmtpServer(login=("buero", SMTP_PASSWORD), tls=context) as server:
        yield server, folder / "ca.pem"


@pytest.fixture
def environ(account: Account, smtp: tuple[SmtpServer, Path], tmp_path: Path) -> dict[str, str]:
    """What fits the shipped settings to the servers of the test; each test changes what it is about."""
    server, ca_file = smtp
    (tmp_path / "imap").write_text(account.password)
    (tmp_path / "imap").chmod(0o600)
    settings = {
        "DATABASE__URL": f"sqlite:///{tmp_path}/rsvp.db",
        "MAILBOXES__0__HOST": "127.0.0.1",
        "MAILBOXES__0__PORT": str(account.server.imaps_port),
        "MAILBOXES__0__USER": account.address,
        "MAILBOXES__0__PASSWORD_FILE": str(tmp_path / "imap"),
        "MAILBOXES__0__CA_FILE": str(account.server.ca_file),
        "SMTP__HOST": "localhost",
        "SMTP__PORT": str(server.port),
        "SMTP__USER": "buero",
        "SMTP__PASSWORD": SMTP_PASSWORD,
        "SMTP__CA_FILE": str(ca_file),
    }
    return {f"RSVP_MAILER__{name}": value for name, value in settings.items()}


def faults(output: str) -> list[str]:
    return [line.removeprefix("FAULT").strip() for line in output.splitlines() if line.startswith("FAULT")]


def test_when_everything_is_there_it_says_so_and_changes_nothing(
    rsvp_mailer: Run, environ: dict[str, str], account: Account, tmp_path: Path, smtp: tuple[SmtpServer, Path]
):
    account.append(MAIL)
    before = sorted(tmp_path.iterdir())
    done = rsvp_mailer("check", "--as-of", "2017-11-06", **environ)
    assert (done.returncode, faults(done.stdout), done.stderr) == (0, [], "")
    assert all(line.startswith(("ok ", "note ")) for line in done.stdout.splitlines())
    for tried in ("settings", "event", "Steckbrief", "templates", "IMAP login", 'folder "INBOX"', "smtp: login"):
        assert any(line.startswith("ok ") and tried in line for line in done.stdout.splitlines()), tried
    assert f"note   database: {tmp_path}/rsvp.db will be created by the first run" in done.stdout.splitlines()
    assert sorted(tmp_path.iterdir()) == before
    client = account.client()
    client.select("INBOX", readonly=True)
    assert client.fetch("1", "(FLAGS)")[1] == [b"1 (FLAGS (\\Recent))"]
    client.logout()
    assert smtp[0].mails == []


def test_an_event_that_is_over_is_told_but_stops_no_run(rsvp_mailer: Run, environ: dict[str, str]):
    done = rsvp_mailer("check", **environ)
    assert "the event is over: every answer will be held" in done.stdout
    assert done.returncode == 0
    passed = rsvp_mailer(
        "check", "--as-of", "2017-11-06", **environ, RSVP_MAILER__EVENTS__0__ANSWERS_UNTIL="2017-11-01"
    )
    assert "answers_until has passed" in passed.stdout


WRONG = {
    "wrong IMAP password": ({"MAILBOXES__0__PASSWORD": CANARY}, "IMAP login", "refuses the login"),
    "no IMAP password": ({"MAILBOXES__0__PASSWORD_FILE": "/nowhere/x"}, "mailbox office", "cannot be read"),
    "IMAP server absent": ({"MAILBOXES__0__PORT": "1"}, "IMAP login", "no connection to 127.0.0.1:1"),
    "IMAP certificate": ({"MAILBOXES__0__CA_FILE": "/etc/ssl/certs/ca-certificates.crt"}, "IMAP login", "not trusted"),
    "folder missing": ({"MAILBOXES__0__FOLDER": "Fehlt"}, 'IMAP folder "Fehlt"', "Fehlt"),
    "further folder missing": ({"MAILBOXES__0__ALSO_SEARCH": '["Weg"]'}, 'IMAP folder "Weg"', "Weg"),
    "target missing": ({"MAILBOXES__0__AFTER": "move", "MAILBOXES__0__MOVE_TO": "Ziel"}, 'after = "move"', "Ziel"),
    "wrong SMTP password": ({"SMTP__PASSWORD": CANARY}, "smtp: login", "refuses the login"),
    "no SMTP password": ({"SMTP__PASSWORD_FILE": "/nowhere/x"}, "mail server (SMTP)", "cannot be read"),
    "SMTP server absent": ({"SMTP__PORT": "1"}, "smtp: localhost:1", "cannot be reached"),
    "SMTP certificate": ({"SMTP__CA_FILE": "/etc/ssl/certs/ca-certificates.crt"}, "smtp: localhost", "not trusted"),
    "Steckbrief missing": ({"EVENTS__0__STECKBRIEF": "/nowhere/blatt.pdf"}, "Steckbrief", "No such file"),
    "Steckbrief is no PDF": ({"EVENTS__0__STECKBRIEF": __file__}, "Steckbrief", "PDF"),
    "Steckbrief too large": ({"LIMITS__MAX_STECKBRIEF_BYTES": "1000"}, "Steckbrief", "too large"),
    "templates missing": ({"EVENTS__0__TEMPLATES": "/nowhere"}, "templates", "/nowhere is no folder"),
    "database folder": ({"DATABASE__URL": "sqlite:////nowhere/rsvp.db"}, "database", "folder /nowhere does not exist"),
    "no database": ({"DATABASE__URL": f"sqlite:///{__file__}"}, "database", "no SQLite database"),
    "database server absent": ({"DATABASE__URL": "postgresql://127.0.0.1:1/x"}, "database", "cannot be reached"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line_that_says_what_to_do_and_all_else_is_still_tried(
    rsvp_mailer: Run, environ: dict[str, str], case: str
):
    changed, tried, says = WRONG[case]
    if "SMTP__PASSWORD_FILE" in changed:
        del environ["RSVP_MAILER__SMTP__PASSWORD"]
    done = rsvp_mailer("check", **environ | {f"RSVP_MAILER__{name}": value for name, value in changed.items()})
    assert done.returncode == 1
    (fault,) = faults(done.stdout)
    assert tried in fault
    assert says in fault
    assert "smtp: " in done.stdout.splitlines()[-1] or "mail server" in done.stdout.splitlines()[-1]
    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["yes", "digest"])
def test_an_unreadable_template_is_named(rsvp_mailer: Run, environ: dict[str, str], tmp_path: Path, name: str):
    folder = tmp_path / "vorlagen" / "de"
    folder.mkdir(parents=True)
    (folder / f"{name}.jinja").write_text("Betreff\n{{ gibt_es_nicht }}\n")
    done = rsvp_mailer("check", **environ, RSVP_MAILER__EVENTS__0__TEMPLATES=str(folder.parent))
    assert done.returncode == 1
    assert any("templates" in fault and "gibt_es_nicht" in fault for fault in faults(done.stdout))


def test_an_existing_database_is_looked_at_and_not_touched(rsvp_mailer: Run, environ: dict[str, str], tmp_path: Path):
    from rsvp_mailer.store.engine import open_engine
    from rsvp_mailer.store.schema import migrate

    file = tmp_path / "rsvp.db"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    before = file.read_bytes()
    done = rsvp_mailer("check", **environ)
    assert "ok     database" in done.stdout.splitlines()
    assert file.read_bytes() == before
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffff'")
    connection.close()
    done = rsvp_mailer("check", **environ)
    assert done.returncode == 1
    assert faults(done.stdout)[0].startswith("database: is of a newer version of rsvp-mailer")


def test_an_empty_file_becomes_a_database_only_by_a_run(rsvp_mailer: Run, environ: dict[str, str], tmp_path: Path):
    (tmp_path / "rsvp.db").touch()
    done = rsvp_mailer("check", **environ)
    assert "note   database: is empty: the first run will set it up" in done.stdout.splitlines()
    assert (tmp_path / "rsvp.db").stat().st_size == 0


def test_postgresql_is_looked_at(rsvp_mailer: Run, environ: dict[str, str], postgresql_url: str):
    environ["RSVP_MAILER__DATABASE__URL"] = postgresql_url
    done = rsvp_mailer("check", **environ)
    assert "note   database: is empty: the first run will set it up" in done.stdout.splitlines()


def test_a_password_that_everybody_can_read_is_noted(rsvp_mailer: Run, environ: dict[str, str], tmp_path: Path):
    (tmp_path / "imap").chmod(0o644)
    done = rsvp_mailer("check", **environ)
    assert f"run: chmod o= {tmp_path}/imap" in done.stdout
    assert done.returncode == 0


def test_bounces_that_nobody_would_see_are_noted(rsvp_mailer: Run, environ: dict[str, str]):
    done = rsvp_mailer("check", **environ, RSVP_MAILER__SMTP__ENVELOPE_SENDER="fremd@example.org")
    assert "note   undeliverable mail returns to fremd@example.org: " in done.stdout
