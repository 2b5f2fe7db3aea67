"""The printable document for the evaluation: all answers to each question together, then sheet by sheet."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader

from rsvp_mailer.domain import SheetState
from rsvp_mailer.export.columns import clean
from rsvp_mailer.typesetting import pdf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rsvp_mailer.export.sheets import Entry

_FOLDER = Path(__file__).parent
_RIGHT_TO_LEFT = ("R", "AL")
_WORDS = {
    "de": {
        "title": "Auswertung der Steckbriefe",
        "shared_title": "Steckbriefe",
        "as_of": "Stand",
        "page": "Seite",
        "of": "von",
        "filled": "ausgefüllte Steckbriefe",
        "shareable": "dürfen auf der Konferenz gezeigt werden",
        "by_hand": "sind von Hand zu lesen",
        "by_question": "Antworten nach Fragen",
        "by_sheet": "Steckbrief für Steckbrief",
        "others": "Nicht maschinell gelesen",
        "others_note": "Diese Dateien liest eine Person: rsvp-mailer steckbrief save NUMMER",
        "may_show": "Darf gezeigt werden",
        "may_show_all": "Darf gezeigt werden, mit Ansprechperson",
        "may_not_show": "Nur für das Vorbereitungsteam",
        "none": "Noch ist kein ausgefüllter Steckbrief zurückgekommen.",
        "number": "Nr.",
    },
    "en": {
        "title": "Evaluation of the profile sheets",
        "shared_title": "Profile sheets",
        "as_of": "As of",
        "page": "Page",
        "of": "of",
        "filled": "sheets filled in",
        "shareable": "may be shown at the conference",
        "by_hand": "have to be read by hand",
        "by_question": "Answers by question",
        "by_sheet": "Sheet by sheet",
        "others": "Not read by machine",
        "others_note": "A person reads these files: rsvp-mailer steckbrief save NUMBER",
        "may_show": "May be shown",
        "may_show_all": "May be shown, contact included",
        "may_not_show": "For the preparation team only",
        "none": "No sheet has come back filled in yet.",
        "number": "No.",
    },
}


@dataclass(frozen=True, slots=True)
class Document:
    """What the document tells. ``shared_only``: for the conference, without anything that others may not see."""

    event_title: str
    language: str
    as_of: datetime
    entries: Sequence[Entry]
    questions: Sequence[tuple[str, str]]
    shared_only: bool = False

    def as_pdf(self) -> bytes:
        """A tagged PDF; ``TemporaryError`` where it could not be set."""
        return pdf(_FOLDER / "sheets.typ", self._values())

    def as_html(self) -> bytes:
        """One page that loads nothing."""
        environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True)
        return environment.get_template("sheets.html.jinja").render(self._values()).encode()

    def _values(self) -> dict[str, Any]:
        words = _WORDS[self.language]
        filled = [each for each in self.entries if each.sheet.state is SheetState.FILLED and each.newest]
        unread = (SheetState.TO_READ, SheetState.UNSAFE, SheetState.UNREADABLE)
        others = [each for each in self.entries if each.sheet.state in unread and not self.shared_only]
        return {
            "words": words,
            "language": self.language,
            "title": words["shared_title" if self.shared_only else "title"],
            "event": clean(self.event_title),
            "as_of": f"{self.as_of:%d.%m.%Y %H:%M}",
            "shared_only": self.shared_only,
            "filled": len(filled),
            "shareable": sum(each.shared for each in filled),
            "unread": len(others),
            "questions": [] if self.shared_only else self._by_question(filled),
            "sheets": [self._sheet(each) for each in filled],
            "others": [
                {"id": each.sheet.id, "name": clean(each.sheet.name), "title": clean(each.title)} for each in others
            ],
        }

    def _by_question(self, filled: Sequence[Entry]) -> list[dict[str, Any]]:
        asked = [
            (
                title,
                [{"who": _told(each.title), **_told(words)} for each in filled if (words := each.answers.get(name))],
            )
            for name, title in self.questions
            if name not in {"name", "address", "contact", "phone", "email", "website"}
        ]
        return [{"title": title, "answers": answers} for title, answers in asked if answers]

    def _sheet(self, each: Entry) -> dict[str, Any]:
        words = _WORDS[self.language]
        consent = "may_show_all" if each.contact_shared else "may_show" if each.shared else "may_not_show"
        answers = [
            {"title": title, **_told(each.answers[name])}
            for name, title in self.questions
            if name != "name" and each.answers.get(name)
        ]
        return {
            "id": each.sheet.id,
            "title": _told(each.title),
            "sender": "" if self.shared_only else clean(f"{each.sheet.sender_name} {each.sheet.person}".strip()),
            "consent": "" if self.shared_only else words[consent],
            "answers": answers,
        }


def _told(words: str) -> dict[str, str | bool]:
    return {"text": clean(words), "rtl": _runs_right_to_left(words)}


def _runs_right_to_left(words: str) -> bool:
    """By its first strong letter (UAX #9, P2)."""
    strong = (kind for letter in words if (kind := unicodedata.bidirectional(letter)) in {"L", *_RIGHT_TO_LEFT})
    return next(strong, "L") in _RIGHT_TO_LEFT
