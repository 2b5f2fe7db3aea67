"""``rsvp-mailer export`` and ``rsvp-mailer tasks`` as somebody types them."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from office import make_office, reply

from rsvp_mailer.domain import Cursor, Place, RawMail

if TYPE_CHECKING:
    from pathlib import Path

    from office import Office
    from servers_dovecot import Dovecot


@pytest.fixture
def office(tmp_path: Path, dovecot: Dovecot, sqlite_url: str) -> Office:
    """Three replies were read: one asks something and needs a call, one is held."""
    office = make_office(tmp_path, dovecot.add_account(), 9, sqlite_url)
    words = {
        "mia@verein.example": "Hallo, ich komme gern. Gibt es Parkplätze? Bitte rufen Sie mich an, 0201 555.",
        "ben@verein.example": "Wir kommen zu dritt.",
        "ole@verein.example": "Ist das Haus barrierefrei? Ich habe einen Rollstuhl.",
    }
    with office.app() as app:
        with app.store.writing() as tx:
            tx.cursors.start(Cursor("office", "INBOX", datetime(2000, 1, 1, tzinfo=UTC), uidvalidity=1))
        mails = [
            RawMail(
                reply(text, sender=sender, name=sender.partition("@")[0].title()),
                datetime.now(UTC),
                Place("office", "INBOX", 1, uid),
            )
            for uid, (sender, text) in enumerate(words.items(), 1)
        ]
        assert [taken.state for taken in app.intake().take_all(mails)] == ["recorded", "recorded", "held"]
    return office


def test_a_table_is_written_for_its_owner_alone(command, office, tmp_path):
    done = command(office, "export", "csv", "--out", str(tmp_path / "answers.csv"))
    assert done.status == 0, done.err
    assert "answers.csv" in done.out
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        names = {row["Name"]: row["Personen"] for row in csv.DictReader(file)}
    assert names["Ben"] == "3"
    assert stat.S_IMODE((tmp_path / "answers.csv").stat().st_mode) == 0o600
    assert not list(tmp_path.glob(".answers*"))


def test_nothing_is_replaced_unasked(command, office, tmp_path):
    target = tmp_path / "answers.xlsx"
    target.write_text("edited by hand")
    refused = command(office, "export", "xlsx", "--out", str(target))
    assert refused.status == 2
    assert "--force" in refused.err
    assert target.read_text() == "edited by hand"
    assert command(office, "export", "xlsx", "--out", str(target), "--force").status == 0
    assert target.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("csv", "--delimiter", ""), "single character"),
        (("csv", "--language", "tlh"), "use de or en"),
        (("csv", "--out", "/nowhere/a.csv"), "cannot be written"),
        (("fax",), "fax"),
    ],
)
def test_wrong_arguments_say_what_to_do(command, office, arguments, says):
    done = command(office, "export", *arguments)
    assert done.status == 2
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_folder_gets_a_file_with_the_day_and_standard_output_the_octets(command, office, tmp_path):
    (tmp_path / "out").mkdir()
    done = command(office, "export", "doors", "--out", str(tmp_path / "out"))
    assert done.status == 0, done.err
    (file,) = (tmp_path / "out").iterdir()
    assert file.name.startswith("tuerliste-konferenz-2")
    assert file.read_bytes().startswith(b"%PDF")
    done = command(office, "export", "json", "--out", "-")
    assert '"answers": [' in done.out


def test_a_task_is_listed_ticked_and_taken_back(command, office):
    listed = command(office, "tasks", "list").out
    assert "answer a question" in listed
    assert "ring back" in listed
    assert "Gibt es Parkplätze?" in listed
    number = next(line.split()[0] for line in listed.splitlines() if "ring back" in line)
    assert command(office, "tasks", "done", number, "--by", "Karla").status == 0
    assert "ring back" not in command(office, "tasks", "list").out
    assert "done by Karla" in command(office, "tasks", "list", "--done").out
    again = command(office, "tasks", "done", number, "--by", "Jens")
    assert again.status == 2
    assert "by Karla" in again.err
    assert command(office, "tasks", "reopen", number).status == 0
    assert "ring back" in command(office, "tasks", "list").out
    assert "no task 999" in command(office, "tasks", "done", "999").err


def test_what_is_held_opens_a_task_once_somebody_has_decided(command, office):
    """While it waits in the queue, whoever decides sees its tags there; dismissing it does not do the work."""
    assert "accessibility" not in command(office, "tasks", "list").out
    item = command(office, "review", "list").out
    number = next(word for word in item.split() if word.isdecimal())
    assert command(office, "review", "dismiss", number).status == 0
    tasks = command(office, "tasks", "list").out
    assert "accessibility" in tasks
    assert "ole@verein.example" in tasks
    assert command(office, "review", "undo", number).status == 0
    assert "accessibility" not in command(office, "tasks", "list").out


def test_the_digest_can_be_looked_at_before_it_goes(command, office, tmp_path):
    """The whole mail, with its chart; nothing is sent or kept. Its figures are those of the export."""
    done = command(office, "digest", "--preview", "--out", str(tmp_path / "digest.eml"))
    assert done.status == 0, done.err
    mail = message_from_bytes((tmp_path / "digest.eml").read_bytes(), policy=policy.default)
    assert mail["Subject"].startswith("4 Personen zugesagt, 1 zu prüfen")
    assert "image/png" in [part.get_content_type() for part in mail.walk()]
    text = mail.get_body(("plain",)).get_content()
    assert "Frage beantworten" in text
    assert "Mia" not in text
    told = json.loads(command(office, "export", "json", "--out", "-").out)["figures"]["head_count"]
    assert told["certain"] == 4
    with office.app() as app, app.store.reading() as tx:
        assert tx.sendings.last_digest(app.event.id, "team@office.example") is None
