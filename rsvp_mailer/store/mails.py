"""What was received: the mail rows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from sqlalchemy import bindparam, insert, select, update

from rsvp_mailer.domain import Circumstances, Correspondent, Place, Reading
from rsvp_mailer.store import tallies
from rsvp_mailer.store.tables import mail

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

READING = TypeAdapter(Reading)
CIRCUMSTANCES = TypeAdapter(Circumstances)
CORRESPONDENT = TypeAdapter(Correspondent)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was kept (recorded, held or set aside); ``raw`` is fetched apart. States: ``tables``."""

    id: int
    place: Place
    state: str
    reason: str
    seen_at: datetime
    person: str | None
    subject: str | None
    message_id: str | None
    arrived_at: datetime | None
    own_words: str | None
    reading: Reading | None
    circumstances: Circumstances | None
    correspondent: Correspondent | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Content:
    """What is kept of a mail that concerns us. ``raw``: the octets as received."""

    person: str
    event: str
    message_id: str | None
    arrived_at: datetime | None
    raw: bytes
    own_words: str
    reading: Reading
    circumstances: Circumstances
    correspondent: Correspondent

    def columns(self) -> dict[str, object]:
        """The row's values."""
        return {
            "person": self.person,
            "event": self.event,
            "message_id": self.message_id,
            "subject": self.correspondent.subject,
            "arrived_at": self.arrived_at,
            "raw": zlib.compress(self.raw, 1),
            "own_words": self.own_words,
            "reading": READING.dump_python(self.reading, mode="json"),
            "circumstances": CIRCUMSTANCES.dump_python(self.circumstances, mode="json"),
            "correspondent": CORRESPONDENT.dump_python(self.correspondent, mode="json"),
        }


_CONTENT_COLUMNS = (
    "person",
    "event",
    "message_id",
    "subject",
    "arrived_at",
    "raw",
    "own_words",
    "reading",
    "circumstances",
    "correspondent",
)
_COLUMNS = (
    mail.c.id,
    mail.c.mailbox,
    mail.c.folder,
    mail.c.uidvalidity,
    mail.c.uid,
    mail.c.state,
    mail.c.reason,
    mail.c.seen_at,
    mail.c.person,
    mail.c.subject,
    mail.c.message_id,
    mail.c.arrived_at,
    mail.c.own_words,
    mail.c.reading,
    mail.c.circumstances,
    mail.c.correspondent,
    mail.c.attempts,
)
_KNOWN = select(mail.c.id, mail.c.mailbox, mail.c.folder, mail.c.uidvalidity, mail.c.uid).where(
    mail.c.fingerprint == bindparam("of_fingerprint")
)
_INSERT = insert(mail)
_SET_STATE = (
    update(mail)
    .where(mail.c.id == bindparam("of_id"))
    .values(state=bindparam("to_state"), reason=bindparam("for_reason"))
)
_OF_PERSON = select(*_COLUMNS).where(mail.c.person == bindparam("of_person"), mail.c.event == bindparam("of_event"))


class Mails:
    """Rows of ``mail`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def known(self, fingerprint: str) -> list[tuple[int, Place]]:
        """Ids and places of the mails with this fingerprint (one, or copies of it in several places)."""
        rows = self._connection.execute(_KNOWN, {"of_fingerprint": fingerprint})
        return [(row.id, Place(row.mailbox, row.folder, row.uidvalidity, row.uid)) for row in rows]

    def at(self, place: Place) -> int | None:
        """Id of the mail seen at this place."""
        return self._connection.execute(
            select(mail.c.id).where(
                mail.c.mailbox == place.mailbox,
                mail.c.folder == place.folder,
                mail.c.uidvalidity == place.uidvalidity,
                mail.c.uid == place.uid,
            )
        ).scalar_one_or_none()

    def ignore(self, place: Place, fingerprint: str, reason: str, now: datetime) -> int:
        """Keep of a mail that is not ours nothing but its identity and the reason."""
        return self._insert(place, fingerprint, "ignored", reason, now)

    def keep(self, place: Place, fingerprint: str, content: Content, *, now: datetime) -> int:
        """Keep a mail that concerns us, as ``held`` until it is settled; return its id."""
        return self._insert(place, fingerprint, "held", "", now, **content.columns())

    def refill(self, mail_id: int, fingerprint: str, content: Content) -> None:
        """Replace what is kept of a mail by another reading of it; ``held`` until it is settled."""
        self.change(mail_id, fingerprint=fingerprint, state="held", reason="", traceback=None, **content.columns())

    def forget(self, mail_id: int, reason: str) -> None:
        """Keep no more of a mail than its identity and the reason why it is not ours."""
        nothing = dict.fromkeys(_CONTENT_COLUMNS)
        self.change(mail_id, state="ignored", reason=reason[:100], traceback=None, **nothing)

    def set_aside(
        self, place: Place, fingerprint: str, *, now: datetime, raw: bytes, traceback: str, arrived_at: datetime | None
    ) -> int:
        """Keep a mail that could not be processed, raw, with where it failed."""
        return self._insert(
            place,
            fingerprint,
            "set_aside",
            "",
            now,
            raw=zlib.compress(raw, 1),
            traceback=traceback,
            arrived_at=arrived_at,
            attempts=1,
        )

    def _insert(self, place: Place, fingerprint: str, state: str, reason: str, now: datetime, **columns: object) -> int:
        row = {
            "mailbox": place.mailbox,
            "folder": place.folder,
            "uidvalidity": place.uidvalidity,
            "uid": place.uid,
            "fingerprint": fingerprint,
            "state": state,
            "reason": reason[:100],
            "seen_at": now,
            **columns,
        }
        result = self._connection.execute(_INSERT, row)
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def move(self, mail_id: int, place: Place) -> None:
        """Note the new place of a known mail (after a change of UIDVALIDITY)."""
        self.change(mail_id, mailbox=place.mailbox, folder=place.folder, uidvalidity=place.uidvalidity, uid=place.uid)

    def set_state(self, mail_id: int, state: str, reason: str) -> None:
        """Set a mail's state and the reason for it."""
        self._connection.execute(_SET_STATE, {"of_id": mail_id, "to_state": state, "for_reason": reason})

    def change(self, mail_id: int, **columns: object) -> None:
        """Set some columns of one row."""
        self._connection.execute(update(mail).where(mail.c.id == mail_id), columns)

    def get(self, mail_id: int) -> Mail | None:
        """Return a kept or ignored mail by its id."""
        row = self._connection.execute(select(*_COLUMNS).where(mail.c.id == mail_id)).one_or_none()
        return _mail(row) if row else None

    def of_person(self, person: str, event: str) -> list[Mail]:
        """Return all mails kept of one person, in no particular order."""
        return [_mail(row) for row in self._connection.execute(_OF_PERSON, {"of_person": person, "of_event": event})]

    def raw(self, mail_id: int) -> bytes | None:
        """Return the octets as received; ``None`` where they were not kept."""
        packed = self._connection.execute(select(mail.c.raw).where(mail.c.id == mail_id)).scalar_one_or_none()
        return zlib.decompress(packed) if packed is not None else None

    def ignored(self, limit: int) -> Sequence[tuple[Place, str, datetime]]:
        """Return place, reason and time of the newest ignored mails."""
        rows = self._connection.execute(
            select(mail.c.mailbox, mail.c.folder, mail.c.uidvalidity, mail.c.uid, mail.c.reason, mail.c.seen_at)
            .where(mail.c.state == "ignored")
            .order_by(mail.c.id.desc())
            .limit(limit)
        )
        return [(Place(row.mailbox, row.folder, row.uidvalidity, row.uid), row.reason, row.seen_at) for row in rows]

    def unfiled(self, mailbox: str, folder: str) -> list[tuple[int, Place]]:
        """Return settled mails of a folder that were not yet marked or moved on the server."""
        rows = self._connection.execute(
            select(mail.c.id, mail.c.mailbox, mail.c.folder, mail.c.uidvalidity, mail.c.uid)
            .where(
                mail.c.mailbox == mailbox,
                mail.c.folder == folder,
                mail.c.state == "recorded",
                mail.c.filed_at.is_(None),
            )
            .order_by(mail.c.id)
        )
        return [(row.id, Place(row.mailbox, row.folder, row.uidvalidity, row.uid)) for row in rows]

    def states(self) -> dict[str, int]:
        """Count the rows by state."""
        return tallies.counts(self._connection, "mail")

    def chosen(self, mailbox: str, *, uid: int | None, since: datetime | None) -> list[Mail]:
        """Return the mails with a UID (under whatever UIDVALIDITY), or all seen since an instant, in order."""
        wanted = mail.c.uid == uid if uid is not None else mail.c.seen_at >= since
        rows = self._connection.execute(select(*_COLUMNS).where(mail.c.mailbox == mailbox, wanted).order_by(mail.c.id))
        return [_mail(row) for row in rows]


def _mail(row: Row[*tuple[Any, ...]]) -> Mail:
    return Mail(
        id=row.id,
        place=Place(row.mailbox, row.folder, row.uidvalidity, row.uid),
        state=row.state,
        reason=row.reason,
        seen_at=row.seen_at,
        person=row.person,
        subject=row.subject,
        message_id=row.message_id,
        arrived_at=row.arrived_at,
        own_words=row.own_words,
        reading=READING.validate_python(row.reading) if row.reading else None,
        circumstances=CIRCUMSTANCES.validate_python(row.circumstances) if row.circumstances else None,
        correspondent=CORRESPONDENT.validate_python(row.correspondent) if row.correspondent else None,
        attempts=row.attempts,
    )
