"""What goes out: rows with their final octets, and the only places where their state changes.

A row is written once, in the transaction of its cause, and its octets never change. ``claim`` hands a row to the
sender and notes the attempt before the first octet leaves; a row still ``sending`` when the program starts was
claimed by a run that died, and is sent again as it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, exists, func, insert, or_, select, update

from rsvp_mailer.store import tallies
from rsvp_mailer.store.answers import ANSWER
from rsvp_mailer.store.tables import answer, blob, mail, outgoing, review, ruling

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from rsvp_mailer.domain import Answer, OutgoingMail


@dataclass(frozen=True, slots=True)
class Sending:
    """An outgoing row without its octets."""

    id: int
    kind: str
    person: str | None
    recipient: str
    message_id: str
    token: str
    subject: str
    state: str
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    answer_id: int | None
    mail_id: int | None
    smtp_code: int | None
    last_error: str | None


_COLUMNS = (
    outgoing.c.id,
    outgoing.c.kind,
    outgoing.c.person,
    outgoing.c.recipient,
    outgoing.c.message_id,
    outgoing.c.token,
    outgoing.c.subject,
    outgoing.c.state,
    outgoing.c.attempts,
    outgoing.c.due_at,
    outgoing.c.sent_at,
    outgoing.c.answer_id,
    outgoing.c.mail_id,
    outgoing.c.smtp_code,
    outgoing.c.last_error,
)
_DUE = (
    select(*_COLUMNS)
    .where(outgoing.c.state == "waiting", outgoing.c.due_at <= bindparam("by_now"))
    .order_by(outgoing.c.due_at, outgoing.c.id)
    .limit(bindparam("at_most"))
)
_UNCAPPED_DUE = _DUE.where(outgoing.c.kind.in_(("digest", "notice", "sign_in")))
_ALL_OCTETS = select(outgoing.c.id, outgoing.c.head, outgoing.c.attachment, outgoing.c.tail).where(
    outgoing.c.id.in_(bindparam("any_of", expanding=True))
)
_BLOB = select(blob.c.octets).where(blob.c.sha256 == bindparam("of_sha256"))
_ADD = insert(outgoing)
_HAS_BLOB = select(blob.c.sha256).where(blob.c.sha256 == bindparam("of_sha256"))
_CLAIM = (
    update(outgoing)
    .where(outgoing.c.id.in_(bindparam("any_of", expanding=True)))
    .values(state="sending", attempts=outgoing.c.attempts + 1)
)
_SENT = (
    update(outgoing)
    .where(outgoing.c.id == bindparam("of_id"))
    .values(state="sent", sent_at=bindparam("at"), last_error=None)
)
_CHANGE = update(outgoing).where(outgoing.c.id == bindparam("of_id"))
_TO_INVITEES = ("confirmation", "question", "thanks", "steckbrief")  # what the caps count
_SENT_TO = select(outgoing.c.recipient, outgoing.c.sent_at).where(
    outgoing.c.recipient.in_(bindparam("any_of", expanding=True)),
    outgoing.c.sent_at > bindparam("after"),
    outgoing.c.kind.in_(_TO_INVITEES),
)
_SENT_IN_ALL = select(func.count()).where(outgoing.c.sent_at > bindparam("after"), outgoing.c.kind.in_(_TO_INVITEES))
_OF_TOKENS = select(outgoing.c.person, outgoing.c.token).where(
    outgoing.c.token.in_(bindparam("any_of", expanding=True))
)
_OF_MESSAGE_IDS = select(mail.c.person).where(mail.c.message_id.in_(bindparam("any_of", expanding=True)))
_undoing = ruling.alias("undoing")
_CONFIRMED = select(outgoing.c.answer_id).where(
    outgoing.c.person == bindparam("of_person"),
    outgoing.c.event == bindparam("of_event"),
    outgoing.c.kind == "confirmation",
    outgoing.c.state.in_(("sending", "sent")),
)
# What somebody at the office said by other means counts, unless that very decision was taken back.
_TOLD = (
    select(answer.c.answer)
    .where(
        answer.c.person == bindparam("of_person"),
        answer.c.event == bindparam("of_event"),
        or_(
            answer.c.id.in_(_CONFIRMED),
            and_(answer.c.told_by_hand, ~exists().where(_undoing.c.undoes == answer.c.ruling_id)),
        ),
    )
    .order_by(answer.c.id.desc())
    .limit(1)
)


class Sendings:
    """Rows of ``outgoing`` and ``blob`` within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # --- writing rows --------------------------------------------------------------------------------------------

    def add(
        self,
        new: OutgoingMail,
        *,
        key: str,
        kind: str,
        event: str,
        now: datetime,
        person: str | None = None,
        answer_id: int | None = None,
        mail_id: int | None = None,
        parked: bool = False,
        due_at: datetime | None = None,
    ) -> int:
        """Write a mail that is to go out; ``parked`` ones wait for a click. A used ``key`` is an IntegrityError.

        ``due_at``: not before this instant.
        """
        result = self._connection.execute(
            _ADD,
            {
                "key": key,
                "kind": kind,
                "event": event,
                "person": person,
                "recipient": new.recipient,
                "answer_id": answer_id,
                "mail_id": mail_id,
                "message_id": new.message_id,
                "token": new.token,
                "subject": new.subject,
                "head": new.head,
                "attachment": self._keep_blob(new.attachment) if new.attachment else None,
                "tail": new.tail,
                "state": "parked" if parked else "waiting",
                "attempts": 0,
                "created_at": now,
                "due_at": due_at or now,
                "brings_steckbrief": bool(new.attachment),
            },
        )
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def _keep_blob(self, octets: bytes) -> str:
        sha256 = _sha256(octets)
        if self._connection.execute(_HAS_BLOB, {"of_sha256": sha256}).first() is None:
            self._connection.execute(insert(blob), {"sha256": sha256, "octets": octets})
        return sha256

    def has_key(self, key: str) -> bool:
        """Whether a row for this cause was ever written."""
        return self._connection.execute(select(outgoing.c.id).where(outgoing.c.key == key)).first() is not None

    def supersede(self, person: str, event: str, *, now: datetime) -> None:
        """Withdraw what waits for this person, and the click it may wait for: only the newest state goes out."""
        withdrawn = and_(
            outgoing.c.person == person,
            outgoing.c.event == event,
            outgoing.c.kind.in_(("confirmation", "question")),
            outgoing.c.state.in_(("waiting", "parked")),
        )
        self._connection.execute(
            update(review)
            .where(review.c.closed_at.is_(None), review.c.outgoing_id.in_(select(outgoing.c.id).where(withdrawn)))
            .values(closed_at=now, closed_by="auto")
        )
        self._connection.execute(update(outgoing).where(withdrawn).values(state="superseded"))

    # --- what was told before ------------------------------------------------------------------------------------

    def told(self, person: str, event: str) -> Answer | None:
        """Return the answer that the invitee was told last: by a confirmation that (perhaps) went out, or by hand."""
        stored = self._connection.execute(_TOLD, {"of_person": person, "of_event": event}).scalar_one_or_none()
        return None if stored is None else ANSWER.validate_python(stored)

    def confirmations(self, person: str, event: str) -> int:
        """How many confirmations were ever written for a person: the calendar's SEQUENCE."""
        return self._connection.execute(
            select(func.count()).where(
                outgoing.c.person == person, outgoing.c.event == event, outgoing.c.kind == "confirmation"
            )
        ).scalar_one()

    def has_steckbrief(self, person: str, event: str) -> bool:
        """Whether the profile sheet went, or is on its way, to a person."""
        return (
            self._connection.execute(
                select(outgoing.c.id).where(
                    outgoing.c.person == person,
                    outgoing.c.event == event,
                    outgoing.c.brings_steckbrief,
                    outgoing.c.state.in_(("waiting", "parked", "sending", "sent")),
                )
            ).first()
            is not None
        )

    def brought_steckbrief(self, mail_id: int) -> bool:
        """Whether the profile sheet went, or goes, to somebody in answer to this mail."""
        found = select(outgoing.c.id).where(outgoing.c.mail_id == mail_id, outgoing.c.brings_steckbrief).limit(1)
        return self._connection.execute(found).first() is not None

    def owners(self, tokens: Sequence[str]) -> set[str]:
        """Return the persons to whom mails with these thread tokens were written."""
        if not tokens:
            return set()
        return {row.person for row in self._connection.execute(_OF_TOKENS, {"any_of": list(tokens)}) if row.person}

    def correspondents(self, message_ids: Sequence[str]) -> set[str]:
        """Return the persons from whom mails with these Message-IDs came (a relay may have rewritten ours)."""
        if not message_ids:
            return set()
        rows = self._connection.execute(_OF_MESSAGE_IDS, {"any_of": list(message_ids)})
        return {row.person for row in rows if row.person}

    # --- sending -------------------------------------------------------------------------------------------------

    def release_claims(self) -> int:
        """Return to ``waiting`` what a run that died had claimed; only the holder of the mailbox's lock may."""
        return self._connection.execute(
            update(outgoing).where(outgoing.c.state == "sending").values(state="waiting")
        ).rowcount

    def due(self, now: datetime, limit: int, *, capped: bool = True) -> list[Sending]:
        """Return rows whose time has come, longest due first; without ``capped`` only mail to the office."""
        rows = self._connection.execute(_DUE if capped else _UNCAPPED_DUE, {"by_now": now, "at_most": limit})
        return [_sending(row) for row in rows]

    def sent_to(self, recipients: Collection[str], after: datetime) -> dict[str, list[datetime]]:
        """Return when automatic mails went to each of these addresses after an instant."""
        sent: dict[str, list[datetime]] = {recipient: [] for recipient in recipients}
        for row in self._connection.execute(_SENT_TO, {"any_of": list(recipients), "after": after}):
            sent[row.recipient].append(row.sent_at)
        return sent

    def sent_in_all(self, after: datetime) -> int:
        """Return how many automatic mails went to anybody after an instant."""
        return int(self._connection.execute(_SENT_IN_ALL, {"after": after}).scalar_one())

    def claim(self, ids: Collection[int]) -> dict[int, bytes]:
        """Note an attempt for each row and return the octets to send."""
        self._connection.execute(_CLAIM, {"any_of": list(ids)})
        rows = self._connection.execute(_ALL_OCTETS, {"any_of": list(ids)}).all()
        shared = {sha256: self._blob(sha256) for sha256 in {row.attachment for row in rows} if sha256 is not None}
        return {row.id: row.head + shared.get(row.attachment, b"") + row.tail for row in rows}

    def _blob(self, sha256: str) -> bytes:
        return bytes(self._connection.execute(_BLOB, {"of_sha256": sha256}).scalar_one())

    def octets(self, sending_id: int) -> bytes:
        """Return what was, or will be, sent."""
        row = self._connection.execute(_ALL_OCTETS, {"any_of": [sending_id]}).one()
        return bytes(row.head + (self._blob(row.attachment) if row.attachment else b"") + row.tail)

    def change(self, sending_id: int, **columns: object) -> None:
        """Set some columns of one row."""
        self._connection.execute(_CHANGE, {"of_id": sending_id, **columns})

    def mark_sent(self, sending_id: int, now: datetime) -> None:
        """Note that the server took it."""
        self._connection.execute(_SENT, {"of_id": sending_id, "at": now})

    def postpone(self, sending_id: int, due_at: datetime) -> None:
        """Let a row wait (above a cap), without counting an attempt."""
        self.change(sending_id, due_at=due_at)

    def get(self, sending_id: int) -> Sending | None:
        """Return a row by its id."""
        row = self._connection.execute(select(*_COLUMNS).where(outgoing.c.id == sending_id)).one_or_none()
        return _sending(row) if row else None

    def by_message_id(self, message_id: str) -> Sending | None:
        """Return the row with this Message-ID (for bounces)."""
        row = self._connection.execute(select(*_COLUMNS).where(outgoing.c.message_id == message_id)).one_or_none()
        return _sending(row) if row else None

    def of_person(self, person: str, event: str) -> list[Sending]:
        """Return what was written to a person, oldest first."""
        rows = self._connection.execute(
            select(*_COLUMNS).where(outgoing.c.person == person, outgoing.c.event == event).order_by(outgoing.c.id)
        )
        return [_sending(row) for row in rows]

    def withdraw(self, key: str) -> bool:
        """Stop what was written for this cause; false where it went out, or was stopped, before."""
        stopped = self._connection.execute(
            update(outgoing)
            .where(outgoing.c.key == key, outgoing.c.state.in_(("waiting", "parked")))
            .values(state="superseded")
        )
        return stopped.rowcount > 0

    def newest(self) -> int:
        """Return the newest row's id."""
        return int(self._connection.execute(select(func.coalesce(func.max(outgoing.c.id), 0))).scalar_one())

    def written_after(self, sending_id: int) -> list[Sending]:
        """Return rows newer than this one that are still to go out."""
        rows = self._connection.execute(
            select(*_COLUMNS)
            .where(outgoing.c.id > sending_id, outgoing.c.state.in_(("waiting", "parked")))
            .order_by(outgoing.c.id)
        )
        return [_sending(row) for row in rows]

    def states(self) -> dict[str, int]:
        """Count the rows by state."""
        return tallies.counts(self._connection, "outgoing")

    def last_notice(self) -> datetime | None:
        """Return when the administrator was last written to."""
        written_at: datetime | None = self._connection.execute(
            select(func.max(outgoing.c.created_at)).where(outgoing.c.kind == "notice")
        ).scalar_one()
        return written_at

    def withdraw_notices(self) -> None:
        """Let a notice that could not be sent yet go: a newer one takes its place."""
        waiting = outgoing.c.kind == "notice", outgoing.c.state == "waiting"
        self._connection.execute(update(outgoing).where(*waiting).values(state="superseded"))

    def last_digest(self, event: str, recipient: str) -> datetime | None:
        """Return up to when the newest digest to a recipient told everything."""
        told_at: datetime | None = self._connection.execute(
            select(func.max(outgoing.c.created_at)).where(
                outgoing.c.event == event, outgoing.c.kind == "digest", outgoing.c.recipient == recipient
            )
        ).scalar_one()
        return told_at


@lru_cache(4)
def _sha256(octets: bytes) -> str:
    """The attachment is the same object in every mail."""
    return hashlib.sha256(octets).hexdigest()


def _sending(row: Row[*tuple[Any, ...]]) -> Sending:
    return Sending(**row._mapping)
