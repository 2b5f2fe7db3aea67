"""Returned profile sheets (Steckbriefe), each with the octets as they came."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select

from rsvp_mailer.domain import SheetState
from rsvp_mailer.store.tables import blob, mail, sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from rsvp_mailer.domain import Sheet


@dataclass(frozen=True, slots=True)
class KeptSheet:
    """A returned sheet. ``version``: 1 for the first one of its sender. ``fields`` by name, ``form``: as in domain.

    ``sender_name``: the display name of the mail's From.
    """

    id: int
    person: str
    sender_name: str
    mail_id: int
    received_at: datetime
    number: int
    version: int
    state: SheetState
    rule: str
    form: str
    fields: dict[str, str]
    name: str
    content_type: str


_COLUMNS = (
    sheet.c.id,
    sheet.c.person,
    sheet.c.mail_id,
    sheet.c.received_at,
    sheet.c.number,
    sheet.c.version,
    sheet.c.state,
    sheet.c.rule,
    sheet.c.form,
    sheet.c.fields,
    sheet.c.name,
    sheet.c.content_type,
    mail.c.circumstances,
)


class Sheets:
    """Rows of ``sheet`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(self, sheets: Sequence[Sheet], *, mail_id: int, person: str, event: str, now: datetime) -> None:
        """Keep what a mail brought, in the place of what an earlier reading of it found."""
        self._connection.execute(delete(sheet).where(sheet.c.mail_id == mail_id))
        before = self._connection.execute(
            select(func.count()).where(sheet.c.event == event, sheet.c.person == person)
        ).scalar_one()
        for number, each in enumerate(sheets, start=1):
            self._connection.execute(
                insert(sheet),
                {
                    "event": event,
                    "person": person,
                    "mail_id": mail_id,
                    "received_at": now,
                    "number": number,
                    "version": before + number,
                    "state": each.state.value,
                    "rule": each.rule,
                    "form": each.form[:50],
                    "fields": dict(each.fields),
                    "name": each.file.name,
                    "content_type": each.file.content_type[:200],
                    "octets": self._keep_blob(each.file.octets),
                },
            )

    def _keep_blob(self, octets: bytes) -> str:
        sha256 = hashlib.sha256(octets).hexdigest()
        if self._connection.execute(select(blob.c.sha256).where(blob.c.sha256 == sha256)).first() is None:
            self._connection.execute(insert(blob), {"sha256": sha256, "octets": octets})
        return sha256

    def of_mail(self, mail_id: int) -> list[KeptSheet]:
        """Return what one mail brought."""
        return self._kept(sheet.c.mail_id == mail_id)

    def all(self, event: str) -> list[KeptSheet]:
        """Return every sheet of an event, in the order of their arrival."""
        return self._kept(sheet.c.event == event)

    def get(self, sheet_id: int) -> KeptSheet | None:
        """Return a sheet by its id."""
        return next(iter(self._kept(sheet.c.id == sheet_id)), None)

    def octets(self, sheet_id: int) -> bytes:
        """Return the file as it was attached."""
        found = select(blob.c.octets).join(sheet, sheet.c.octets == blob.c.sha256).where(sheet.c.id == sheet_id)
        return bytes(self._connection.execute(found).scalar_one())

    def has_returned(self, person: str, event: str) -> bool:
        """Whether a person sent a sheet in which something stands, or that somebody has to read."""
        wanted = sheet.c.state.in_((SheetState.FILLED.value, SheetState.TO_READ.value))
        found = select(sheet.c.id).where(sheet.c.person == person, sheet.c.event == event, wanted).limit(1)
        return self._connection.execute(found).first() is not None

    def _kept(self, condition: ColumnElement[bool]) -> list[KeptSheet]:
        rows = self._connection.execute(
            select(*_COLUMNS).join(mail, mail.c.id == sheet.c.mail_id).where(condition).order_by(sheet.c.id)
        )
        return [_kept(row) for row in rows]


def _kept(row: Row[*tuple[Any, ...]]) -> KeptSheet:
    values = {name: value for name, value in row._mapping.items() if name != "circumstances"}
    values["state"] = SheetState(row.state)
    return KeptSheet(**values, sender_name=(row.circumstances or {}).get("sender_name", ""))
