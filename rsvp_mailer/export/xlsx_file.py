"""The table of guests as an Excel workbook, with a second sheet of the figures."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

import xlsxwriter

from rsvp_mailer.export.columns import Value, clean, columns, event_zone, rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo
    from typing import BinaryIO

    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from rsvp_mailer.domain import Event, Figures
    from rsvp_mailer.export.wording import Wording
    from rsvp_mailer.store.register import Entry

_MAX_CELL = 32_767  # characters; Excel's limit
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


def write_xlsx(out: BinaryIO, entries: Iterable[Entry], figures: Figures, event: Event, wording: Wording) -> None:
    """Write the workbook: numbers, times and instants as such, filters, the title line stays in sight.

    Text is text, also where it looks like a formula, and stays so when somebody edits the cell. Rows go to a
    temporary file as they come, so that memory does not grow.
    """
    zone = event_zone(event)
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        book.set_properties({"title": f"{event.title}: {wording['answers']}"})
        _write_guests(book, entries, wording, zone)
        _write_figures(book, figures, wording, zone)


def _formats(book: Workbook) -> dict[type, Format]:
    common = {"valign": "top"}
    return {
        str: book.add_format({**common, "quote_prefix": True, "num_format": "@"}),
        int: book.add_format({**common, "num_format": "0"}),
        bool: book.add_format({**common, "align": "center"}),
        time: book.add_format({**common, "num_format": "hh:mm"}),
        datetime: book.add_format({**common, "num_format": "yyyy-mm-dd hh:mm"}),
    }


def _write_guests(book: Workbook, entries: Iterable[Entry], wording: Wording, zone: tzinfo) -> None:
    sheet: Worksheet = book.add_worksheet(wording["answers"])
    formats, title, last = _formats(book), book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8F1F8"}), 0
    for at, column in enumerate(columns()):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, wording.columns[column.key], title)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    for last, row in enumerate(rows(entries, wording, zone), 1):
        for at, value in enumerate(row):
            _write(sheet, last, at, value, formats)
    sheet.autofilter(0, 0, last, len(columns()) - 1)


def _write(sheet: Worksheet, row: int, at: int, value: Value, formats: dict[type, Format]) -> None:
    match value:
        case None | False | "":
            return
        case True:
            sheet.write_boolean(row, at, boolean=True, cell_format=formats[bool])
        case int():
            sheet.write_number(row, at, value, formats[int])
        case datetime() | time():
            sheet.write_datetime(row, at, value, formats[type(value)])
        case _:
            sheet.write_string(row, at, clean(value)[:_MAX_CELL], formats[str])


def _write_figures(book: Workbook, figures: Figures, wording: Wording, zone: tzinfo) -> None:
    sheet: Worksheet = book.add_worksheet(wording["figures"])
    formats, title = _formats(book), book.add_format({"bold": True, "bottom": 1, "bg_color": "#E8F1F8"})
    sheet.set_column(0, 0, 52)
    sheet.set_column(1, 1, 18)
    sheet.write_string(0, 0, wording["figure"], title)
    sheet.write_string(0, 1, wording["value"], title)
    sheet.freeze_panes(1, 0)
    as_of = figures.as_of.astimezone(zone).replace(tzinfo=None, microsecond=0)
    told_: list[tuple[str, Value]] = [(wording["as_of"], as_of), *told(figures, wording)]
    for row, (words, value) in enumerate(told_, 1):
        sheet.write_string(row, 0, words)
        _write(sheet, row, 1, value, formats)
        if value == 0:
            sheet.write_number(row, 1, 0, formats[int])


def told(figures: Figures, wording: Wording) -> list[tuple[str, int]]:
    """The figures by name, as digest and dashboard have them."""
    count = figures.head_count
    return [
        (wording["certain"], count.certain),
        (wording["maybe_persons"], count.maybe),
        (wording["lowest"], count.lowest),
        (wording["highest"], count.highest),
        (wording["answers_yes"], count.answers_yes),
        (wording["answers_maybe"], count.answers_maybe),
        (wording["answers_no"], count.answers_no),
        (wording["unknown_sizes"], count.unknown_sizes),
        (wording["in_review"], count.held_items),
        *((f"{wording['interpreters']}: {wording[code]}", number) for code, number in figures.interpreters),
        *((f"{wording['needs']}: {wording[code]}", number) for code, number in figures.needs),
        (wording["sheets"], figures.sheets),
    ]
