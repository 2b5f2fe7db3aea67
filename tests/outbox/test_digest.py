"""The digest: what staff must see at a glance."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from rsvp_mailer.domain import (
    Alert,
    Answer,
    Attendance,
    Balance,
    Change,
    DayCount,
    Figures,
    HeadCount,
    Moved,
    QueueCount,
    Tag,
    Task,
    Waiting,
)
from rsvp_mailer.outbox.chart import daily, draw_chart, grid
from rsvp_mailer.outbox.digest import MOST_LISTED, Form, compose_digest, digest_faults
from rsvp_mailer.outbox.rendering import Templates, shipped_or

NOW = datetime(2017, 11, 6, 6, 30, tzinfo=UTC)
YES = Answer(Attendance.YES, 3)
SITE = "https://rsvp.essen.example"
FIGURES = Figures(
    as_of=NOW,
    since=NOW - timedelta(days=3),
    head_count=HeadCount(87, 8, 41, 5, 12, 2, 7, 1, 2),
    moved=Moved(new=2, changed=1, cancelled=0, certain=12),
    changes=(
        Change("Mara Velić", "mara@example.org", None, Answer(Attendance.YES, 14)),
        Change("Karl <b>Ohm</b>", "karl@example.org", Answer(Attendance.YES, 4), Answer(Attendance.YES, 2)),
        Change("", "tel:ab12", None, Answer(Attendance.MAYBE, None)),
    ),
    queue=QueueCount((("held", 2), ("undelivered", 1)), today=2, this_week=1),
    waiting=(
        Waiting(12, "held", "Pia Sand", "pia@example.org", ("party_size_missing",), NOW - timedelta(days=2, hours=3)),
        Waiting(14, "undelivered", "Jo Berg", "jo@example.org", (), NOW - timedelta(hours=5)),
        Waiting(15, "held", "", "x@example.org", ("contradiction", "new_code"), NOW - timedelta(minutes=50)),
    ),
    open_tasks=(("callback", 1), ("question", 1)),
    tasks=(
        Task(3, Tag.QUESTION, "Mara Velić", "mara@example.org", 1, NOW - timedelta(days=2)),
        Task(4, Tag.CALLBACK, "", "y@example.org", 2, NOW - timedelta(hours=5)),
    ),
    balance=Balance(120, 80, 3, 36, 1),
    outgoing=(("sent", 70), ("superseded", 1), ("waiting", 2)),
    interpreters=(("ar", 3), ("ku", 1)),
    needs=(("childcare", 1), ("diet", 2)),
    sheets=5,
    curve=(DayCount(date(2017, 11, 3), 75, 2), DayCount(date(2017, 11, 5), 87, 8)),
)
PEOPLE = ("Mara", "Velić", "Ohm", "Pia", "Sand", "Jo Berg", "example.org")


@pytest.fixture
def digest(event, office, parsed):
    def digest(figures=FIGURES, chart=b"", **form):
        mail = compose_digest(
            figures, event, office, "team@jugendamt.essen.example", Form(**form), token="d" * 32, now=NOW, chart=chart
        )
        message = parsed(mail)
        return message, message.get_body(("plain",)).get_content()

    return digest


def test_subject_and_first_line_carry_head_count_and_what_waits(digest):
    message, text = digest()
    assert text.splitlines()[0] == "87 Personen zugesagt (+12), 3 zu prüfen, 1 nicht zustellbar"
    assert message["Subject"] == f"{text.splitlines()[0]} – 1. Integrationskonferenz im Stadtbezirk I"
    quiet = replace(FIGURES, queue=QueueCount((("held", 3),)))
    assert digest(quiet)[1].splitlines()[0] == "87 Personen zugesagt (+12), 3 zu prüfen"


def test_all_figures_are_there(digest):
    _, text = digest()
    lines = text.splitlines()
    for line in (
        "Für die Bewirtung: 86 bis 102 Personen",
        "Zusagen: 41 Antworten, 87 Personen",
        "Davon ohne Zahl: 2 Antworten, gezählt als je eine Person",
        "Vielleicht: 5 Antworten, 8 Personen",
        "Absagen: 12 Antworten",
        "In Prüfung: 2 E-Mails, bis zu 7 Personen mehr, bis zu 1 weniger (nicht mitgezählt)",
        "2 neu, 1 geändert, 0 abgesagt oder zurückgenommen.",
        "Dolmetschen: Arabisch (3), Kurdisch (1)",
        "Bedarf: Kinderbetreuung (1), Essen (2)",
        "Steckbriefe zurück: 5",
        "- Zusage, 14 Personen",
        "- Zusage, 2 Personen (bisher Zusage, 4 Personen)",
        "- vielleicht, Zahl offen",
        "E-Mails von uns: 70 verschickt, 2 warten auf den Versand",
        "Bestätigungen: eine nicht zustellbar, bitte anders Bescheid geben",
        "Bilanz der Eingänge: 120 gesehen = 80 erfasst + 3 in Prüfung + 36 nicht für uns + 1 beiseitegelegt: stimmt",
        "Betrieb: alles läuft",
    ):
        assert line in lines, line


def test_nobody_is_named_unless_the_settings_say_so(digest):
    for part in ("plain", "html"):
        content = digest(site=SITE)[0].get_body((part,)).get_content()
        for name in PEOPLE:
            assert name not in content, name
    _, text = digest(names=True)
    assert "- Mara Velić <mara@example.org>: Zusage, 14 Personen" in text
    assert "- vielleicht, Zahl offen" in text, "somebody without a name has none"
    assert "- Nr. 12, Pia Sand <pia@example.org>: Personenzahl fehlt – kam vor 2 Tagen" in text


def test_who_waits_longest_comes_first_with_a_plain_link(digest):
    _, text = digest(site=SITE)
    section = text[text.index("Wartet auf Ihre Entscheidung") : text.index("Offene Aufgaben")]
    assert "unter einem Tag 2, ein Tag 0, zwei bis sechs Tage 1" in " ".join(section.split())
    links = [line.strip() for line in section.splitlines() if line.startswith("  http")]
    assert links == [f"{SITE}/queue/{number}" for number in (12, 14, 15)]
    assert "- Nr. 14: Bestätigung nicht zustellbar – kam vor 5 Stunden" in section
    assert "- Nr. 15: widersprüchlich, new_code – kam vor 50 Minuten" in section


def test_every_link_leads_to_the_configured_site(digest):
    """Nothing of a mail becomes an address, and nothing is loaded from anywhere."""
    found = []

    class Links(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.extend(value for name, value in attributes if name in {"href", "src"})

    message, _ = digest(site=SITE, chart=b"png")
    Links().feed(message.get_body(("html",)).get_content())
    assert len(found) == 6
    assert all(url.startswith((f"{SITE}/queue/", f"{SITE}/tasks#", "cid:")) for url in found), found


def test_without_pages_the_command_is_named(digest):
    _, text = digest()
    assert "ansehen mit: rsvp-mailer review show 12" in text
    assert "Ansehen mit: rsvp-mailer tasks list" in text
    assert "http" not in text


def test_open_tasks_stay_until_they_are_done(digest):
    _, text = digest(site=SITE)
    assert "- Aufgabe 3: Frage beantworten – kam vor 2 Tagen" in text
    assert f"  {SITE}/tasks#task-4" in text.splitlines()
    assert "Offene Aufgaben" not in digest(replace(FIGURES, tasks=(), open_tasks=()))[1]


def test_what_is_out_of_order_is_said_aloud(digest):
    alert = Alert("smtp", "the mail server cannot be reached\nBcc: x", NOW - timedelta(hours=2))
    message, text = digest(replace(FIGURES, balance=Balance(121, 80, 3, 36, 1), alerts=(alert,)))
    assert "Die Bilanz stimmt nicht" in text
    assert "STIMMT NICHT" in text
    assert "Gestört seit 06.11.17, 05:30 Uhr" in text
    assert "eine Störung, siehe oben" in text
    html = message.get_body(("html",)).get_content()
    assert "Die Bilanz stimmt nicht" in html
    assert "the mail server cannot be reached" in html
    assert message["Bcc"] is None


def test_the_first_and_quietest_digest_is_sent_too(digest):
    _, text = digest(Figures(NOW))
    assert text.splitlines()[0] == "0 Personen zugesagt, 0 zu prüfen"
    assert "Nichts: Alle Antworten sind bearbeitet." in text
    assert "Keine Änderungen." in text
    assert "Kurve" not in text


def test_a_flood_is_counted_not_listed(digest):
    many = 4 * MOST_LISTED
    figures = replace(
        FIGURES,
        changes=FIGURES.changes[:1] * many,
        moved=Moved(new=5000),
        queue=QueueCount((("held", 5000),), older=5000),
        waiting=FIGURES.waiting[:1] * many,
        open_tasks=(("question", 5000),),
        tasks=FIGURES.tasks[:1] * many,
    )
    message, text = digest(figures, site=SITE)
    assert text.count(f"und {5000 - MOST_LISTED:_} weitere".replace("_", ".")) == 3
    assert text.count("/queue/12") == MOST_LISTED
    assert f"  {SITE}/queue" in text.splitlines()
    assert len(message.as_bytes()) < 100_000


def test_english(digest):
    message, text = digest(language="en")
    assert text.splitlines()[0] == "87 people coming (+12), 3 to review, 1 undeliverable"
    assert message["Content-Language"] == "en"
    assert "came 2 days ago, see it with: rsvp-mailer review show 12" in text
    assert "Needs: childcare (1), food (2)" in text


def test_headers_and_escaping(digest):
    message, _ = digest(names=True)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["To"] == "team@jugendamt.essen.example"
    html = message.get_body(("html",)).get_content()
    assert "&lt;b&gt;Ohm" in html
    assert "<b>Ohm" not in html


def test_the_chart_is_inside_the_mail_with_words_for_those_who_do_not_see_it(digest, event):
    language = shipped_or(None).languages["de"]
    chart = draw_chart(FIGURES.curve, date(2017, 11, 6), language)
    assert chart.startswith(b"\x89PNG")
    assert len(chart) < 60_000
    message, text = digest(chart=chart)
    related = next(part for part in message.walk() if part.get_content_type() == "multipart/related")
    page, picture = related.iter_parts()
    assert picture.get_content() == chart
    assert picture.get_content_disposition() == "inline"
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in page.get_content()
    words = "Kurve der Zusagen vom 3. Nov. bis zum 5. Nov.: zuletzt 87 Personen zugesagt, dazu 8 Personen vielleicht."
    assert f'alt="{words}"' in page.get_content()
    assert words in " ".join(text.split())
    assert words in " ".join(digest()[1].split()), "also where it could not be drawn"


def test_the_chart_knows_every_day(event):
    days = daily(FIGURES.curve, date(2017, 11, 6))
    assert [(each.day.day, each.certain, each.maybe) for each in days] == [
        (2, 0, 0),
        (3, 75, 2),
        (4, 75, 2),
        (5, 87, 8),
        (6, 87, 8),
    ]


@pytest.mark.parametrize("most", [0, 1, 4, 7, 10, 87, 115, 999, 100_000])
def test_the_grid_has_round_figures_up_to_the_top(most):
    lines = grid(most)
    assert lines[0] == 0
    assert lines[-1] >= max(most, 1)
    assert len(lines) <= 5


def test_a_fault_in_a_template_of_the_offices_own_is_found_at_the_start(event, tmp_path):
    (tmp_path / "de").mkdir()
    shipped = (shipped_or(None)._roots[-1] / "de" / "digest.jinja").read_text("utf-8")
    (tmp_path / "de" / "digest.jinja").write_text(shipped.replace("alert.message", "alert.massage"), "utf-8")
    (fault, *_) = digest_faults(event, Templates(tmp_path))
    assert re.search(r"digest\.jinja:\d+: .*massage", fault)
    assert digest_faults(event, Templates()) == []
