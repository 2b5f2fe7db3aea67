"""The digest: what staff must see at a glance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from rsvp_mailer.domain import Answer, Attendance, Balance, Change, Figures, HeadCount, Moved, QueueCount, Waiting
from rsvp_mailer.outbox.digest import compose_digest

NOW = datetime(2017, 11, 6, 6, 30, tzinfo=UTC)
YES = Answer(Attendance.YES, 3)
FIGURES = Figures(
    as_of=NOW,
    since=NOW - timedelta(days=3),
    head_count=HeadCount(87, 8, 41, 5, 12, 2, 7, 1, 3),
    moved=Moved(new=2, changed=1, cancelled=0, certain=12),
    queue=QueueCount((("held", 2), ("undelivered", 1)), today=2, this_week=1),
    changes=(
        Change("Mara Velić", "mara@example.org", None, Answer(Attendance.YES, 14)),
        Change("Karl <b>Ohm</b>", "karl@example.org", Answer(Attendance.YES, 4), Answer(Attendance.YES, 2)),
        Change("", "tel:ab12", None, Answer(Attendance.MAYBE, None)),
    ),
    waiting=(
        Waiting(14, "undelivered", "Jo Berg", "jo@example.org", (), NOW - timedelta(hours=5)),
        Waiting(12, "held", "Pia Sand", "pia@example.org", ("party_size_missing",), NOW - timedelta(days=2, hours=3)),
        Waiting(15, "held", "", "x@example.org", ("contradiction", "new_code"), NOW - timedelta(minutes=50)),
    ),
    balance=Balance(120, 80, 3, 36, 1),
    outgoing=(("sent", 70), ("waiting", 2), ("failed", 0), ("superseded", 1)),
    interpreters=(("ar", 3), ("ku", 1)),
    needs=(("diet", 2),),
    sheets=5,
)


@pytest.fixture
def digest(event, office, parsed):
    def digest(figures=FIGURES, language="de"):
        mail = compose_digest(
            figures, event, office, "team@jugendamt.essen.example", token="d" * 32, now=NOW, language=language
        )
        message = parsed(mail)
        return message, message.get_body(("plain",)).get_content()

    return digest


def test_subject_and_first_line_carry_head_count_and_what_waits(digest):
    message, text = digest()
    assert text.splitlines()[0] == "87 Personen zugesagt (+12), 3 zu prüfen"
    assert message["Subject"] == "87 Personen zugesagt (+12), 3 zu prüfen – 1. Integrationskonferenz im Stadtbezirk I"


def test_failures_stand_in_the_first_line(digest):
    _, text = digest(replace(FIGURES, outgoing=(("failed", 2),)))
    assert text.splitlines()[0].endswith(", 2 nicht zustellbar")
    assert "2 NICHT ZUSTELLBAR" in text


def test_all_figures_are_there(digest):
    _, text = digest()
    for line in (
        "Zusagen: 41 Antworten, 87 Personen",
        "Davon ohne Zahl: 2 Antworten, gezählt als je eine Person",
        "Vielleicht: 5 Antworten, 8 Personen",
        "Absagen: 12 Antworten",
        "In Prüfung: 3 E-Mails, vermutlich 7 Personen (oben nicht mitgezählt)",
        "Dolmetschen gewünscht: Arabisch (3), Kurdisch (1)",
        "Hinweise: Essen (2)",
        "Steckbriefe zurück: 5",
        "- Mara Velić <mara@example.org>: Zusage, 14 Personen",
        "- Karl <b>Ohm</b> <karl@example.org>: Zusage, 2 Personen (bisher Zusage, 4 Personen)",
        "- Tel.: vielleicht, Zahl offen",
        "E-Mails von uns: 70 verschickt",
        "E-Mails von uns: 2 warten auf den Versand",
        "Bilanz der Eingänge: 120 gesehen = 80 erfasst + 3 in Prüfung + 36 nicht für uns + 1 beiseitegelegt: stimmt",
    ):
        assert line in text.splitlines(), line


def test_who_waits_longest_comes_first_with_the_command(digest):
    _, text = digest()
    waiting = [line for line in text.splitlines() if "review show" in line]
    assert waiting == [
        "- Pia Sand <pia@example.org>: Personenzahl fehlt – kam vor 2 Tagen, ansehen mit: rsvp-mailer review show 12",
        (
            "- Jo Berg <jo@example.org>: Bestätigung nicht zustellbar – kam vor 5 Stunden, "
            "ansehen mit: rsvp-mailer review show 14"
        ),
        "- x@example.org: widersprüchlich, new_code – kam vor 50 Minuten, ansehen mit: rsvp-mailer review show 15",
    ]


def test_a_balance_that_does_not_hold_is_said_aloud(digest):
    message, text = digest(replace(FIGURES, balance=Balance(121, 80, 3, 36, 1)))
    assert "Die Bilanz stimmt nicht" in text
    assert "STIMMT NICHT" in text
    assert "Die Bilanz stimmt nicht" in message.get_body(("html",)).get_content()


def test_the_first_and_quietest_digest_is_sent_too(digest):
    quiet = Figures(NOW)
    _, text = digest(quiet)
    assert text.splitlines()[0] == "0 Personen zugesagt, 0 zu prüfen"
    assert "Nichts: Alle Antworten sind bearbeitet." in text
    assert "Keine Änderungen." in text


def test_a_flood_of_changes_is_counted_not_listed(digest):
    _, text = digest(replace(FIGURES, changes=FIGURES.changes * 50, moved=Moved(new=150)))
    assert "- und 50 weitere" in text


def test_english(digest):
    message, text = digest(language="en")
    assert text.splitlines()[0] == "87 people coming (+12), 3 to review"
    assert message["Content-Language"] == "en"
    assert "came 2 days ago, see it with: rsvp-mailer review show 12" in text


def test_headers_and_escaping(digest):
    message, _ = digest()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "team@jugendamt.essen.example"
    html = message.get_body(("html",)).get_content()
    assert "&lt;b&gt;Ohm" in html
    assert "<b>Ohm" not in html
    assert "rsvp-mailer review show 12" in html
