"""An event and guests of every sort: names of many scripts, what spreadsheets take for formulas, groups in groups."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from rsvp_mailer.domain import Answer, Attendance, Event, Tag

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2017, 11, 6, 8, tzinfo=BERLIN)
YES, NO, MAYBE = Attendance.YES, Attendance.NO, Attendance.MAYBE
EVENT = Event(
    id="konferenz",
    title="1. Integrationskonferenz im Stadtbezirk I",
    starts_at=datetime(2017, 11, 14, 17, tzinfo=BERLIN),
    ends_at=datetime(2017, 11, 14, 20, tzinfo=BERLIN),
    place="Kirche St. Gertrud, Gertrudissaal",
    street_address="Rottstraße 36, 45127 Essen",
)
GUESTS: dict[str, Answer] = {
    "zeki@example.org": Answer(YES, 3, name="Zeki Arslan", people=("Karl Ohm", "Mia Ohm"), size_stated=True),
    "arm@example.org": Answer(YES, 14, name="Jürgen Ärmel", interpreter=("ku", "prs"), tags=(Tag.DIET,)),
    "arn@example.org": Answer(YES, 1, name="Dr. Ruth Arnold", arrival="17:45", departure="19:00"),
    "mo@example.org": Answer(YES, 2, name="محمد العلي", language="ar", interpreter=("ar",)),
    "aras@example.org": Answer(MAYBE, None, name="ئاراس ڕەشید", language="ckb", interpreter=("ku",)),
    "no@example.org": Answer(NO, 0, name="Nora Nein", tags=(Tag.QUESTION, Tag.DIET)),
    "open@example.org": Answer(YES, None, name="Olga Offen"),
    "tel:0123456789abcdef": Answer(YES, 4, name='=HYPERLINK("http://example.org";"x")'),
    "plus@example.org": Answer(YES, 1, name="+491700000", people=("@SUM(1)", "-2")),
    "lines@example.org": Answer(YES, 1, name='\tTab;"Zitat", Komma\r\nund Zeile'),
    "part@example.org": Answer(YES, 3, name="Mia Ohm", part_of="zeki@example.org"),
    "gone@example.org": Answer(None, None, name="Gerda Gegangen"),
    "verein@example.org": Answer(YES, 2, tags=(Tag.ACCESSIBILITY, Tag.CHILDCARE)),
}
