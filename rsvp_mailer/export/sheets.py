"""Returned Steckbriefe as people evaluate them: one entry a sheet, newest of each organisation marked.

What may live here: which entries there are, what of them may be shown to whom, and their tables (CSV, XLSX). The
printable document is ``sheet_document``.
"""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import xlsxwriter

from rsvp_mailer.domain import SheetState
from rsvp_mailer.export.columns import clean, formula_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo
    from typing import BinaryIO

    from rsvp_mailer.steckbrief.form import Form
    from rsvp_mailer.store.sheets import KeptSheet

CONTACT = ("contact", "phone", "email")  # shown to others only with a box of its own
_CONSENT = ("share_yes", "share_contact", "share_no")
_MAX_CELL = 32_767  # characters; Excel's limit
WORDS = {
    "de": {
        "id": "Nr.",
        "received": "Eingegangen",
        "person": "Absender",
        "sender_name": "Name des Absenders",
        "state": "Zustand",
        "version": "Fassung",
        "newest": "neueste",
        "language": "Sprache",
        "shared": "Darf gezeigt werden",
        "contact_shared": "Kontakt darf gezeigt werden",
        "yes": "ja",
        "no": "nein",
        "filled": "ausgefüllt",
        "blank": "leer",
        "to_read": "von Hand zu lesen",
        "unsafe": "nicht geöffnet",
        "unreadable": "nicht lesbar",
    },
    "en": {
        "id": "No.",
        "received": "Received",
        "person": "Sender",
        "sender_name": "Sender's name",
        "state": "State",
        "version": "Version",
        "newest": "newest",
        "language": "Language",
        "shared": "May be shown",
        "contact_shared": "Contact may be shown",
        "yes": "yes",
        "no": "no",
        "filled": "filled in",
        "blank": "blank",
        "to_read": "to be read by hand",
        "unsafe": "not opened",
        "unreadable": "unreadable",
    },
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A sheet for the evaluation. ``answers``: by the field's name; ``newest``: nothing newer of this organisation."""

    sheet: KeptSheet
    answers: dict[str, str]
    newest: bool

    @property
    def title(self) -> str:
        """Whom it is about."""
        return self.answers.get("name", "").replace("\n", " ").strip() or self.sheet.sender_name or self.sheet.person

    @property
    def shared(self) -> bool:
        """Whether it may be shown at the conference: yes, and not no as well."""
        return bool(self.sheet.fields.get("share_yes")) and not self.sheet.fields.get("share_no")

    @property
    def contact_shared(self) -> bool:
        """Whether the contact person may be shown, too."""
        return self.shared and bool(self.sheet.fields.get("share_contact"))

    @property
    def language(self) -> str:
        """Of the form: "de-einfach"; empty for others."""
        return "-".join(self.sheet.form.split("-")[1:-1]).lower()


def entries_of(sheets: Iterable[KeptSheet]) -> list[Entry]:
    """All entries in the order of their arrival."""
    found = list(sheets)
    newest = {(each.person, _organisation(each)): each.id for each in found if each.state is SheetState.FILLED}
    return [
        Entry(
            each,
            {name: words for name, words in each.fields.items() if name not in _CONSENT},
            each.state is not SheetState.FILLED or newest[each.person, _organisation(each)] == each.id,
        )
        for each in found
    ]


def _organisation(sheet: KeptSheet) -> str:
    return " ".join(sheet.fields.get("name", "").casefold().split())


def for_the_conference(entries: Iterable[Entry]) -> list[Entry]:
    """What others may see: sheets with consent, without a contact person that was not meant to be shown."""
    shown = []
    for each in entries:
        if each.newest and each.shared:
            hidden = () if each.contact_shared else CONTACT
            answers = {name: words for name, words in each.answers.items() if name not in hidden}
            shown.append(Entry(each.sheet, answers, newest=True))
    return shown


def questions_of(entries: Iterable[Entry], form: Form | None) -> list[tuple[str, str]]:
    """Names of all fields that occur, in the order of the form, with the German question."""
    titles: dict[str, str] = {}
    if form is not None and "de" in form.wordings:
        wording = form.wordings["de"]
        for section in form.sections:
            alone = len(section.fields) == 1
            for field in section.fields:
                titles[field.id] = wording.sections[section.id] if alone else wording.fields[field.id]
    for each in entries:
        titles |= {name: name for name in each.answers if name not in titles}
    return [(name, title) for name, title in titles.items() if name not in _CONSENT]


def table(
    entries: Sequence[Entry], questions: Sequence[tuple[str, str]], words: dict[str, str], zone: tzinfo | None
) -> list[list[str]]:
    """Title line and one line a sheet."""
    fixed = ("id", "received", "person", "sender_name", "state", "version", "newest", "language")
    rows = [[*(words[key] for key in (*fixed, "shared", "contact_shared")), *(title for _, title in questions)]]
    for each in entries:
        sheet = each.sheet
        filled = sheet.state is SheetState.FILLED
        rows.append(
            [
                str(sheet.id),
                sheet.received_at.astimezone(zone).replace(tzinfo=None).isoformat(" ", "minutes"),
                sheet.person,
                sheet.sender_name,
                words[sheet.state],
                str(sheet.version),
                words["yes"] if each.newest else "",
                each.language,
                (words["yes"] if each.shared else words["no"]) if filled else "",
                (words["yes"] if each.contact_shared else words["no"]) if filled else "",
                *(each.answers.get(name, "") for name, _ in questions),
            ]
        )
    return rows


def write_sheets_csv(out: BinaryIO, rows: Iterable[Sequence[str]]) -> None:
    """CSV (RFC 4180) in UTF-8 with the mark by which Excel knows it; no cell begins like a formula."""
    out.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(out, "utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([formula_safe(clean(cell)) for cell in row] for row in rows)
    text.flush()
    text.detach()


def write_sheets_xlsx(out: BinaryIO, rows: Sequence[Sequence[str]]) -> None:
    """An Excel workbook; text is text, also where it looks like a formula."""
    options = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        page = book.add_worksheet("Steckbriefe")
        title = book.add_format({"bold": True, "bg_color": "#E8F1F8", "text_wrap": True, "valign": "top"})
        body = book.add_format({"text_wrap": True, "valign": "top"})
        page.freeze_panes(1, 1)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.set_column(0, 0, 6)
        page.set_column(1, 9, 18)
        page.set_column(10, max(10, len(rows[0]) - 1), 34)
        for number, row in enumerate(rows):
            for at, cell in enumerate(row):
                page.write_string(number, at, clean(cell)[:_MAX_CELL], body if number else title)
        page.autofilter(0, 0, max(1, len(rows) - 1), len(rows[0]) - 1)
