"""What can be taken out of the store, each as one file: for the command line and for the pages.

One transaction is one state of things: the figures in an export are those of its rows.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from babel.dates import format_date, format_time

from rsvp_mailer.export.columns import event_zone
from rsvp_mailer.export.csv_file import write_csv
from rsvp_mailer.export.door_list import Volume, door_list, volumes
from rsvp_mailer.export.json_file import write_json
from rsvp_mailer.export.kinds import Kind
from rsvp_mailer.export.planning import planning_sheet
from rsvp_mailer.export.xlsx_file import write_xlsx
from rsvp_mailer.store.figures import take_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from rsvp_mailer.domain import Event, Figures
    from rsvp_mailer.export.wording import Wording
    from rsvp_mailer.store.register import Entry
    from rsvp_mailer.store.store import Transaction

T = TypeVar("T")


class Watch(Protocol):
    """Told of each step as it is taken: ``for each in watch(steps, how_many)``."""

    def __call__(self, steps: Iterable[T], how_many: int) -> Iterable[T]:
        """Pass every step on."""


@dataclass(frozen=True, slots=True)
class Csv:
    """How CSV is written: see ``write_csv``."""

    byte_order_mark: bool = False
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Export:
    """A file about to be written. ``write`` may be called once, within the transaction it was prepared in."""

    name: str
    content_type: str
    write: Callable[[BinaryIO], None]


def _unwatched(steps: Iterable[T], how_many: int) -> Iterable[T]:
    del how_many
    return steps


def prepare(
    tx: Transaction,
    event: Event,
    kind: Kind,
    wording: Wording,
    *,
    now: datetime,
    watch: Watch = _unwatched,
    csv: Csv = Csv(),
) -> Export:
    """Say what the file is called and of what type, and how to write it.

    A door list of more than ``door_list.GUESTS_PER_VOLUME`` guests is a ZIP archive of several.
    ``write`` raises ``TemporaryError`` where a PDF cannot be set; what was written so far is then worthless.
    """
    shop = _Shop(tx, event, wording, now, watch)
    match kind:
        case Kind.CSV:
            return Export(shop.file_name("answers", "csv"), "text/csv; charset=utf-8", lambda out: shop.csv(out, csv))
        case Kind.XLSX:
            excel = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            return Export(shop.file_name("answers", "xlsx"), excel, shop.xlsx)
        case Kind.JSON:
            return Export(shop.file_name("answers", "json"), "application/json", shop.json)
        case Kind.PLANNING:
            return Export(shop.file_name("planning", "pdf"), "application/pdf", shop.planning)
        case Kind.DOORS:
            return shop.doors()


@dataclass(frozen=True, slots=True)
class _Shop:
    tx: Transaction
    event: Event
    wording: Wording
    now: datetime
    watch: Watch

    def file_name(self, word: str, suffix: str) -> str:
        return f"{self.wording[f'file_{word}']}-{self.event.id}-{self._local_now():%Y-%m-%d}.{suffix}"

    def _local_now(self) -> datetime:
        return self.now.astimezone(event_zone(self.event))

    def _entries(self) -> Iterable[Entry]:
        register, event = self.tx.register, self.event.id
        return self.watch(register.entries(event), register.count(event))

    def _as_of(self) -> str:
        local, locale = self._local_now(), self.wording.locale
        clock = f"{format_time(local, 'short', locale=locale)} {self.wording['clock']}".strip()
        return f"{format_date(local, 'long', locale=locale)}, {clock}"

    def csv(self, out: BinaryIO, how: Csv) -> None:
        write_csv(
            out,
            self._entries(),
            self.wording,
            event_zone(self.event),
            byte_order_mark=how.byte_order_mark,
            delimiter=how.delimiter,
        )

    def xlsx(self, out: BinaryIO) -> None:
        write_xlsx(out, self._entries(), self._figures(), self.event, self.wording)

    def json(self, out: BinaryIO) -> None:
        write_json(out, self._entries(), self._figures(), self.event)

    def _figures(self) -> Figures:
        return take_figures(self.tx, self.event.id, now=self.now, since=None)

    def planning(self, out: BinaryIO) -> None:
        locale, event = self.wording.locale, self.event
        begins, ends = (format_time(each, "short", locale=locale) for each in (event.starts_at, event.ends_at))
        day = f"{format_date(event.starts_at, 'full', locale=locale)}, {begins} – {ends} {self.wording['clock']}"
        out.write(
            planning_sheet(self._figures(), self._entries(), event, self.wording, day=day.strip(), as_of=self._as_of())
        )

    def doors(self) -> Export:
        parts = volumes(self.tx.register, self.event.id)
        if len(parts) == 1:
            name = self.file_name("doors", "pdf")
            return Export(name, "application/pdf", lambda out: self._one_volume(out, parts[0]))
        name = self.file_name("doors", "zip")
        return Export(name, "application/zip", lambda out: self._all_volumes(out, parts))

    def _one_volume(self, out: BinaryIO, volume: Volume) -> None:
        entries = self.tx.register.by_ids(volume.ids, self.event.id)
        out.write(door_list(volume, entries, self.event, self.wording, as_of=self._as_of()))

    def _all_volumes(self, out: BinaryIO, parts: list[Volume]) -> None:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # a PDF is compressed already
            for volume in self.watch(parts, len(parts)):
                with archive.open(f"{self.wording['file_doors']}-{volume.number:03}.pdf", "w") as file:
                    self._one_volume(file, volume)  # type: ignore[arg-type]  # a writable IO[bytes], typed wider
