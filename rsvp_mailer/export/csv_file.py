"""The table of guests as CSV (RFC 4180), in UTF-8."""

from __future__ import annotations

import codecs
import csv
import io
from datetime import datetime, time
from typing import TYPE_CHECKING

from rsvp_mailer.export.columns import Value, clean, columns, formula_safe, rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo
    from typing import BinaryIO

    from rsvp_mailer.export.wording import Wording
    from rsvp_mailer.store.register import Entry


def write_csv(
    out: BinaryIO,
    entries: Iterable[Entry],
    wording: Wording,
    zone: tzinfo,
    *,
    byte_order_mark: bool = False,
    delimiter: str = ",",
) -> None:
    """Write a title line and one line for each guest.

    ``byte_order_mark``: Excel takes a file without one for a local code page. Instants are ISO 8601 in local time
    of the event, to the minute; yes-or-no columns say yes or nothing; no cell begins like a formula.
    """
    if byte_order_mark:
        out.write(codecs.BOM_UTF8)
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=False)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([wording.columns[column.key] for column in columns()])
    for row in rows(entries, wording, zone):
        writer.writerow([_cell(value, wording) for value in row])
    text.flush()
    text.detach()


def _cell(value: Value, wording: Wording) -> str | int:
    match value:
        case None | False:
            return ""
        case True:
            return wording["true"]
        case int():
            return value
        case datetime():
            return value.isoformat(" ", "minutes")
        case time():
            return value.isoformat("minutes")
        case _:
            return formula_safe(clean(value))
