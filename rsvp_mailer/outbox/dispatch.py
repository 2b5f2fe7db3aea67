"""The store's side of sending: which rows may go now, and what became of them.

The caps of promise 6 are applied here, when a row is claimed: what is above a cap waits, and since a newer answer
supersedes what waits, only the newest state of a person goes out in the end. Digests and notices to the office are
not capped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from rsvp_mailer.decide import Cap, next_slot
from rsvp_mailer.outbox.courier import Claimed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rsvp_mailer.store.sendings import Sending
    from rsvp_mailer.store.store import Store, Transaction

log = structlog.get_logger()

CAPPED = frozenset({"confirmation", "question", "thanks", "steckbrief"})


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Implements ``outbox.courier.Outgoing``. ``per_address`` and ``in_all``: caps for answers to invitees."""

    store: Store
    clock: Callable[[], datetime]
    per_address: tuple[Cap, ...]
    in_all: Cap

    def claim(self, now: datetime, limit: int) -> Sequence[Claimed]:
        """Mark up to ``limit`` rows as being sent; put off those that are above a cap of their address."""
        with self.store.writing() as tx:
            free = self.in_all.most - tx.sendings.sent_in_all(now - self.in_all.period)
            chosen: list[Sending] = []
            while not chosen and (due := tx.sendings.due(now, limit, capped=free > 0)):
                chosen = self._choose(tx, due, now, free)
            octets = tx.sendings.claim([each.id for each in chosen]) if chosen else {}
        return [Claimed(each.id, each.recipient, each.attempts + 1, octets[each.id]) for each in chosen]

    def _choose(self, tx: Transaction, due: Sequence[Sending], now: datetime, free: int) -> list[Sending]:
        """Those that may go now; the others are put off, or left for when the cap in all has room."""
        longest = max(cap.period for cap in self.per_address)
        sent = tx.sendings.sent_to({each.recipient for each in due if each.kind in CAPPED}, now - longest)
        chosen: list[Sending] = []
        for each in due:
            if each.kind in CAPPED:
                slot = next_slot(now, sent[each.recipient], self.per_address)
                if slot > now:
                    tx.sendings.postpone(each.id, slot)
                    log.warning("answer capped", outgoing_id=each.id, due_at=slot.isoformat())
                    continue
                if free <= 0:
                    continue
                free -= 1
                sent[each.recipient].append(now)
            chosen.append(each)
        return chosen

    def release(self, ids: Sequence[int]) -> None:
        """Give back claims of which no octet was sent."""
        with self.store.writing() as tx:
            for sending_id in ids:
                sending = tx.sendings.get(sending_id)
                assert sending is not None
                tx.sendings.change(sending_id, state="waiting", attempts=sending.attempts - 1)

    def mark_sent(self, id: int, now: datetime) -> None:  # noqa: A002 - the column's name
        """Note that the server took it."""
        with self.store.writing() as tx:
            tx.sendings.mark_sent(id, now)

    def mark_retry(self, id: int, due_at: datetime, smtp_code: int | None, error: str) -> None:  # noqa: A002
        """Let it wait until ``due_at``."""
        with self.store.writing() as tx:
            tx.sendings.change(id, state="waiting", due_at=due_at, smtp_code=smtp_code, last_error=error)

    def mark_failed(self, id: int, smtp_code: int | None, error: str) -> None:  # noqa: A002
        """Give up on it, and put it into the queue."""
        with self.store.writing() as tx:
            sending = tx.sendings.get(id)
            assert sending is not None
            tx.sendings.change(id, state="failed", smtp_code=smtp_code, last_error=error)
            tx.reviews.open("undelivered", (), now=self.clock(), outgoing_id=id, mail_id=sending.mail_id)


def caps(per_hour: int, per_day: int, in_all_per_hour: int) -> tuple[tuple[Cap, ...], Cap]:
    """The caps of promise 6 from the settings' figures: per address, and in all."""
    hour, day = timedelta(hours=1), timedelta(days=1)
    return (Cap(per_hour, hour), Cap(per_day, day)), Cap(in_all_per_hour, hour)
