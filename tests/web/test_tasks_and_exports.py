"""Tasks with a tick, and everything that can be downloaded."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from office import reply

from rsvp_mailer import operate
from rsvp_mailer.domain import Attendance, Cursor, Place, RawMail

if TYPE_CHECKING:
    from pages import Site


@pytest.fixture
def asked(site: Site) -> Site:
    """Two replies were read; one asks and needs a call, with a name that is no markup. A third one telephoned."""
    words = {
        '"<script>alert(1)</script>" <mia@verein.example>': "Ich komme. Gibt es Parkplätze? <b>Rufen</b> Sie mich an!",
        "Ben <ben@verein.example>": "Wir kommen zu dritt.",
    }
    with site.app.store.writing() as tx:
        tx.cursors.start(Cursor("office", "INBOX", datetime(2000, 1, 1, tzinfo=UTC), uidvalidity=1))
    mails = [
        RawMail(reply(text, sender=sender, name=""), datetime.now(UTC), Place("office", "INBOX", 1, uid))
        for uid, (sender, text) in enumerate(words.items(), 1)
    ]
    assert [taken.state for taken in site.app.intake().take_all(mails)] == ["recorded", "recorded"]
    operate.queue(site.app).add(
        "chef", name="=1+1", address=None, attendance=Attendance.YES, persons=2, new_id=lambda: "c" * 32
    )
    return site


def test_a_task_is_ticked_and_taken_back(asked: Site):
    clerk = asked.browser("clerk")
    page = clerk.get("/tasks").text
    assert "2 offene Aufgaben" in page
    assert "Gibt es Parkplätze?" in page
    assert "<script>alert" not in page
    assert "<b>Rufen" not in page
    number = re.search(r'id="task-(\d+)"', page)[1]
    done = clerk.submit(f"/tasks/{number}/done", on="/tasks")
    assert clerk.get(done.headers["location"]).text.count("Aufgabe erledigt.") == 1
    page = clerk.get("/tasks").text
    assert f'id="task-{number}"' not in page
    assert "erledigt von Clerk Beispiel" in page
    clerk.submit(f"/tasks/{number}/reopen", on="/tasks")
    assert f'id="task-{number}"' in clerk.get("/tasks").text


def test_the_second_tick_is_told_not_repeated(asked: Site):
    clerk = asked.browser("clerk")
    number = re.search(r'id="task-(\d+)"', clerk.get("/tasks").text)[1]
    clerk.submit(f"/tasks/{number}/done", on="/tasks")
    again = asked.browser("administrator").submit(f"/tasks/{number}/done", on="/tasks")
    assert "notice=task_was_done" in again.headers["location"]
    with asked.app.store.reading() as tx:
        assert tx.tasks.get(int(number)).task.done_by == "Clerk Beispiel"
    assert clerk.submit("/tasks/999/done", on="/tasks").status_code == 404


def test_a_viewer_sees_tasks_and_ticks_none(asked: Site):
    viewer = asked.browser("viewer")
    page = viewer.get("/tasks").text
    assert "Parkplätze" in page
    assert "/done" not in page
    assert 'href="/export"' not in page
    assert viewer.get("/export/csv").status_code == 403


def test_the_overview_leads_to_the_tasks(asked: Site):
    assert 'href="/tasks"' in asked.browser("viewer").get("/").text


@pytest.mark.parametrize(
    ("kind", "begins", "content_type"),
    [
        ("csv", b"Name,", "text/csv"),
        ("xlsx", b"PK", "application/vnd.openxmlformats"),
        ("json", b"{", "application/json"),
        ("doors", b"%PDF", "application/pdf"),
        ("planning", b"%PDF", "application/pdf"),
    ],
)
def test_everything_can_be_downloaded(asked: Site, kind: str, begins: bytes, content_type: str):
    clerk = asked.browser("clerk")
    assert f'href="/export/{kind}"' in clerk.get("/export").text
    response = clerk.get(f"/export/{kind}")
    assert response.status_code == 200
    assert response.content.startswith(begins)
    assert response.headers["content-type"].startswith(content_type)
    assert response.headers["content-disposition"].startswith('attachment; filename="')
    assert int(response.headers["content-length"]) == len(response.content)
    assert "no-store" in response.headers["cache-control"]
    assert clerk.get("/export/fax").status_code == 404


def test_pages_and_files_show_the_same_figures(asked: Site):
    clerk = asked.browser("clerk")
    told = json.loads(clerk.get("/export/json").content)["figures"]["head_count"]
    assert told["certain"] == 6
    assert "6 Personen haben sicher zugesagt" in clerk.get("/").text
    rows = list(csv.DictReader(io.StringIO(clerk.get("/export/csv").text)))
    assert sum(int(row["Personen"]) for row in rows) == 6
    assert "'=1+1" in [row["Name"] for row in rows]


def test_csv_for_german_excel(asked: Site):
    octets = asked.browser("clerk").get("/export/csv?excel=1").content
    assert octets.startswith(b"\xef\xbb\xbfName;E-Mail;")
