"""How far each folder was read, and how many messages were seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, insert, select, update

from rsvp_mailer.domain import Cursor
from rsvp_mailer.store.tables import cursor

if TYPE_CHECKING:
    from sqlalchemy import Connection

_HERE = and_(cursor.c.mailbox == bindparam("at_mailbox"), cursor.c.folder == bindparam("at_folder"))
_STEP = update(cursor).where(_HERE).values(last_uid=bindparam("to_uid"), seen=cursor.c.seen + 1, crashes=0)


class Cursors:
    """Rows of ``cursor`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, mailbox: str, folder: str) -> Cursor | None:
        """Return the cursor, ``None`` where this folder was never started."""
        columns = (cursor.c.mailbox, cursor.c.folder, cursor.c.start_at, cursor.c.uidvalidity, cursor.c.last_uid)
        row = self._connection.execute(
            select(*columns).where(_HERE), {"at_mailbox": mailbox, "at_folder": folder}
        ).one_or_none()
        return Cursor(*row) if row else None

    def start(self, new: Cursor) -> None:
        """Write the first cursor of a folder."""
        self._connection.execute(
            insert(cursor).values(
                mailbox=new.mailbox,
                folder=new.folder,
                start_at=new.start_at,
                uidvalidity=new.uidvalidity,
                last_uid=new.last_uid,
            )
        )

    def rebase(self, mailbox: str, folder: str, uidvalidity: int) -> None:
        """Begin anew under another UIDVALIDITY: everything is looked at again, and recognised by fingerprint."""
        self._connection.execute(
            update(cursor).where(_HERE).values(uidvalidity=uidvalidity, last_uid=0),
            {"at_mailbox": mailbox, "at_folder": folder},
        )

    def step(self, mailbox: str, folder: str, uid: int) -> None:
        """Move past one message that was not known before."""
        self._connection.execute(_STEP, {"at_mailbox": mailbox, "at_folder": folder, "to_uid": uid})

    def skip(self, mailbox: str, folder: str, uid: int) -> None:
        """Move past one message that was counted before."""
        self._connection.execute(
            update(cursor).where(_HERE).values(last_uid=uid, crashes=0), {"at_mailbox": mailbox, "at_folder": folder}
        )

    def begin_scan(self, mailbox: str, folder: str) -> int:
        """Note that work starts at this position; return how many earlier starts from here never moved on."""
        self._connection.execute(
            update(cursor).where(_HERE).values(crashes=cursor.c.crashes + 1),
            {"at_mailbox": mailbox, "at_folder": folder},
        )
        started = self._connection.execute(
            select(cursor.c.crashes).where(_HERE), {"at_mailbox": mailbox, "at_folder": folder}
        ).scalar_one()
        return int(started) - 1

    def end_scan(self, mailbox: str, folder: str) -> None:
        """Note that the scan came to its end, or to an error that was understood."""
        self._connection.execute(
            update(cursor).where(_HERE).values(crashes=0), {"at_mailbox": mailbox, "at_folder": folder}
        )

    def all(self) -> list[Cursor]:
        """Return all cursors."""
        columns = (cursor.c.mailbox, cursor.c.folder, cursor.c.start_at, cursor.c.uidvalidity, cursor.c.last_uid)
        return [Cursor(*row) for row in self._connection.execute(select(*columns).order_by(*columns[:2]))]

    def seen(self) -> int:
        """Messages seen in all folders, counted apart from the mail rows."""
        return int(self._connection.execute(select(func.coalesce(func.sum(cursor.c.seen), 0))).scalar_one())
