"""Everything about the guests as one JSON object, for other programs. Keys are stable and English."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rsvp_mailer.export.columns import clean, event_zone, shown_address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo
    from typing import BinaryIO

    from rsvp_mailer.domain import Event, Figures
    from rsvp_mailer.store.register import Entry


def write_json(out: BinaryIO, entries: Iterable[Entry], figures: Figures, event: Event) -> None:
    """Write ``{"event", "as_of", "figures", "answers"}``, one answer a line; instants with their offset."""
    zone = event_zone(event)
    text = io.TextIOWrapper(out, "utf-8", newline="\n", write_through=False)
    opening = {
        "event": {"id": event.id, "title": event.title, "starts_at": event.starts_at.isoformat()},
        "as_of": figures.as_of.astimezone(zone).isoformat(timespec="seconds"),
        "figures": _figures(figures),
    }
    text.write(json.dumps(opening, ensure_ascii=False)[:-1] + ', "answers": [')
    separator = "\n"
    for entry in entries:
        text.write(separator + clean(json.dumps(_answer(entry, zone), ensure_ascii=False)))
        separator = ",\n"
    text.write("\n]}\n")
    text.flush()
    text.detach()


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "head_count": {
            **asdict(figures.head_count),
            "lowest": figures.head_count.lowest,
            "highest": figures.head_count.highest,
        },
        "interpreters": dict(figures.interpreters),
        "needs": dict(figures.needs),
        "languages": dict(figures.languages),
        "sheets": figures.sheets,
        "curve": [{"day": d.day.isoformat(), "certain": d.certain, "maybe": d.maybe} for d in figures.curve],
        "balance": asdict(figures.balance),
    }


def _answer(entry: Entry, zone: tzinfo) -> dict[str, Any]:
    answer = entry.answer
    return {
        "name": answer.name,
        "address": shown_address(entry.person) or None,
        "attendance": answer.attendance,
        "party_size": answer.party_size,
        "persons": entry.persons,
        "people": answer.people,
        "arrival": answer.arrival,
        "departure": answer.departure,
        "interpreter": answer.interpreter,
        "tags": answer.tags,
        "language": answer.language,
        "first_at": entry.first_at.astimezone(zone).isoformat(timespec="seconds"),
        "recorded_at": entry.recorded_at.astimezone(zone).isoformat(timespec="seconds"),
        "by": entry.by,
        "note": entry.note,
        "undelivered": entry.undelivered,
        "sheet": entry.sheet,
        "counted_with": shown_address(answer.part_of) or None,
    }
