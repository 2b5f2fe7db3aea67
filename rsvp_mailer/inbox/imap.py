"""One mailbox over IMAP: what is new in it, and what becomes of mail that has been dealt with.

**Purpose.** ``scan`` yields what arrived after a cursor; ``wait`` sleeps until there may be more; ``file`` marks
or moves one message. An ``ImapInbox`` is one connection with one folder open at a time, used by one thread.

**The mailbox belongs to a person**, who works in it with other programs at the same time. ``\\Seen`` is neither
changed nor looked at. With ``after = "leave"`` folders are opened for reading only, so that the server itself
refuses any change. A message that disappears during a scan has been filed by its owner, and is left out. Which
commands are sent at all: see ``connection``.

**Limits.** Sizes are asked first; of a message over ``max_message_bytes`` only the header section is fetched. At
most 8 MB of bodies are in memory, or one message.

**Failures.** ``TemporaryError``: connect again after a pause (see ``pauses``); what was yielded counts. Raised by
every method but ``close`` and ``findings``, as is ``ConfigError`` by those that open a folder or file a message.
A message that the server cannot deliver, because fetching it ends the connection each time, is handed over
incomplete after five tries; it would hold up all that follow it.

**Settings read:** all of ``MailboxSettings`` but ``addresses``, ``authserv_id`` and ``start``.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from rsvp_mailer.domain import Finding, Place, RawMail
from rsvp_mailer.errors import RsvpMailerError
from rsvp_mailer.inbox.connection import Connection, FolderState
from rsvp_mailer.inbox.responses import Row

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rsvp_mailer.domain import Cursor
    from rsvp_mailer.settings import MailboxSettings

log = structlog.get_logger()

_GROUP_MESSAGES = 50
_GROUP_BYTES = 8_000_000
_ASKED_AT_ONCE = 500  # scattered UIDs of ten digits make a line of 5,500 octets; servers take 8,000 (RFC 2683)
_IDLE_RENEWAL_S = 9 * 60.0  # some routers forget a silent connection after ten minutes, servers after thirty
_SIZES = "(UID RFC822.SIZE INTERNALDATE)"
_WHOLE = "(UID BODY.PEEK[])"
_HEADER = "(UID BODY.PEEK[HEADER]<0.1000000>)"  # limited too: the header may be what makes a message large
_TRIES_OF_WHOLE, _TRIES = 3, 5


def pauses(random: Callable[[], float]) -> Iterator[float]:
    """How long to wait before each new attempt to connect, in seconds: 1, 2, 4 ... 300, less up to a half.

    ``random``: in [0, 1); without it all who lost the same server would knock at the same instant.
    """
    pause = 1.0
    while True:
        yield pause * (1 - random() / 2)
        pause = min(pause * 2, 300.0)


class ImapInbox:
    """One mailbox; see the head of this file. ``max_message_bytes``: what is larger is not fetched as a whole."""

    def __init__(self, settings: MailboxSettings, *, password: str, max_message_bytes: int = 25_000_000) -> None:
        self._settings = settings
        self._max_message_bytes = max_message_bytes
        self._connection = Connection(settings, password)
        self._states: dict[str, FolderState] = {}  # of each folder, when it was last opened
        self._scanned: dict[str, FolderState] = {}  # of each folder, when it was last searched
        self._found_nothing: dict[str, tuple[Cursor, int]] = {}  # in each folder: after which cursor, below which UID
        self._failed_tries: Counter[Place] = Counter()  # outlives connections: fetching these may be what ends them

    def connect(self) -> None:
        """Log in anew and open the folder that answers arrive in.

        Raises ``TemporaryError``, ``LoginRefusedError``, and ``ConfigError`` for an untrusted certificate, a
        missing folder, or an ``after`` that this server cannot do.
        """
        self._states.clear()
        self._scanned.clear()
        try:
            self._connection.log_in()
            self.open(self._settings.folder)
            self._check_filing()
        except RsvpMailerError:
            self.close()
            raise

    def close(self) -> None:
        """Hang up; never raises."""
        self._connection.close()

    def open(self, folder: str) -> FolderState:
        """Open a folder of the settings; costs one short answer while it is open and nothing happens in it."""
        connection = self._connection
        if connection.folder != folder or connection.look_for_news():
            self._select(folder)
        return self._states[folder]

    def _select(self, folder: str) -> None:
        self._states[folder] = self._connection.select(folder)

    def _enter(self, folder: str, uidvalidity: int | None) -> FolderState:
        """Make sure that UIDs mean what they meant; the caller may have opened another folder meanwhile."""
        if self._connection.folder != folder:
            self._select(folder)
        state = self._states[folder]
        if uidvalidity not in {None, state.uidvalidity}:
            raise self._connection.temporary_error(f'folder "{folder}" was made anew and has to be read from its start')
        return state

    # --- what is new ---------------------------------------------------------------------------------------------

    def scan(self, cursor: Cursor) -> Iterator[RawMail]:
        """Yield all mail after the cursor that arrived at ``start_at`` or later, by ascending UID.

        Between two messages the caller may ``file`` and ``open``. Raises ``TemporaryError`` also where the folder's
        UIDVALIDITY is not the cursor's.
        """
        if self._connection.heard_news():
            self._select(cursor.folder)
        state = self._scanned[cursor.folder] = self._enter(cursor.folder, cursor.uidvalidity)
        place_of = partial(Place, cursor.mailbox, cursor.folder, state.uidvalidity)
        start_at = cursor.start_at.astimezone(UTC).replace(microsecond=0)  # INTERNALDATE knows no fractions
        # A first run with a late start would search all of an old mailbox again and again.
        before, first_uid = self._found_nothing.get(cursor.folder, (None, 0))
        first_uid = max(cursor.last_uid + 1, first_uid if before == cursor else 0)
        # SEARCH compares days in a zone of the server's choice, which may be a day behind UTC.
        uids = self._connection.search(first_uid, start_at.date() - timedelta(days=1))
        found = False
        for first in range(0, len(uids), _ASKED_AT_ONCE):
            self._enter(cursor.folder, state.uidvalidity)
            sized = list(self._measure(uids[first : first + _ASKED_AT_ONCE]))
            wanted = [row for row in sized if row.arrived_at is None or row.arrived_at >= start_at]
            for group in self._groups(wanted, place_of):
                self._enter(cursor.folder, state.uidvalidity)
                for mail in self._bring(group, place_of):
                    found = True
                    yield mail
        if not found:
            self._found_nothing[cursor.folder] = replace(cursor, uidvalidity=state.uidvalidity), state.uidnext

    def fetch(self, place: Place) -> RawMail | None:
        """One message once more; ``None`` if it has gone, or its folder was made anew."""
        if self._enter(place.folder, None).uidvalidity != place.uidvalidity:
            return None
        place_of = partial(Place, place.mailbox, place.folder, place.uidvalidity)
        groups = self._groups(self._measure([place.uid]), place_of)
        return next((mail for group in groups for mail in self._bring(group, place_of)), None)

    def _measure(self, uids: Sequence[int]) -> list[Row]:
        """Size and time of arrival of those that are still there."""
        return self._ask(uids, _SIZES, _has_size_and_date)

    def _ask(self, uids: Sequence[int], items: str, is_complete: Callable[[Row], bool]) -> list[Row]:
        """Rows of all that are still there; one by one of those that the common answer leaves in doubt."""
        rows = self._connection.fetch(uids, items)
        doubtful = {uid for uid in uids if uid not in rows or not is_complete(rows[uid])}
        alive = self._connection.existing(sorted(doubtful)) if doubtful else set()
        for uid in sorted(alive):
            rows |= self._connection.fetch([uid], items)
        return [rows.get(uid, Row(uid)) for uid in uids if uid not in doubtful or uid in alive]

    def _groups(self, rows: Iterable[Row], place_of: Callable[[int], Place]) -> Iterator[list[Row]]:
        """Cut into groups that one command fetches each; what needs care is a group of its own."""
        group: list[Row] = []
        weight = 0
        for row in rows:
            size = row.size_bytes or 0
            alone = self._too_large(row) or place_of(row.uid) in self._failed_tries
            if group and (alone or len(group) == _GROUP_MESSAGES or weight + size > _GROUP_BYTES):
                yield group
                group, weight = [], 0
            group.append(row)
            weight += size
            if alone:
                yield group
                group, weight = [], 0
        if group:
            yield group

    def _too_large(self, row: Row) -> bool:
        """An unknown size may be any size."""
        return row.size_bytes is None or row.size_bytes > self._max_message_bytes

    def _bring(self, group: Sequence[Row], place_of: Callable[[int], Place]) -> Iterator[RawMail]:
        places = [place_of(row.uid) for row in group]
        tries = self._failed_tries[places[0]]
        complete = tries < _TRIES_OF_WHOLE and not self._too_large(group[0])
        served = self._fetch(places, _WHOLE if complete else _HEADER) if tries < _TRIES else self._give_up(places[0])
        for row, place in zip(group, places, strict=True):
            if (octets := served.pop(place, None)) is not None:
                yield RawMail(octets, row.arrived_at, place, complete)

    def _fetch(self, places: Sequence[Place], items: str) -> dict[Place, bytes]:
        """The octets of those messages that are still there."""
        # Counted before: what ends the connection does not come back to be counted.
        self._failed_tries.update(places)
        rows = {row.uid: row for row in self._ask([place.uid for place in places], items, _has_octets)}
        served = {place: row.octets for place in places if (row := rows.get(place.uid)) and row.octets is not None}
        for place in places:
            if place in served or place.uid not in rows:
                del self._failed_tries[place]
        if undelivered := rows.keys() - {place.uid for place in served}:
            raise self._connection.temporary_error(f"the server does not deliver message UID {min(undelivered)}")
        return served

    def _give_up(self, place: Place) -> dict[Place, bytes]:
        log.warning("message_not_delivered", mailbox=place.mailbox, folder=place.folder, uid=place.uid, tries=_TRIES)
        del self._failed_tries[place]
        return {place: b""}

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Sleep until something changes in the first folder of the settings; ``False``: time is up, or ``stop``.

        With IDLE for ``seconds``, at most nine minutes, and within five of ``stop``; then it is time to scan, which
        also finds out whether the connection is alive. Without IDLE for ``poll_interval_s`` at most.
        """
        connection, folder = self._connection, self._settings.folder
        if "IDLE" not in connection.capabilities:
            stop.wait(min(seconds, self._settings.poll_interval_s))
            return False
        if self._enter(folder, None) != self._scanned.get(folder):
            return True
        end = time.monotonic() + min(seconds, _IDLE_RENEWAL_S)
        while not connection.heard_news() and not stop.is_set() and (left := end - time.monotonic()) > 0:
            connection.idle(left, stop)
        return connection.news

    # --- what has been dealt with --------------------------------------------------------------------------------

    def file(self, place: Place) -> None:
        """Mark or move one message as ``after`` says; nothing happens if it has gone, or its folder was made anew.

        May be called again for the same message. Raises ``ConfigError`` where the folder in ``move_to`` is missing.
        """
        if self._settings.after == "leave":
            return
        if self._enter(place.folder, None).uidvalidity != place.uidvalidity:
            log.info("filing_overtaken", mailbox=place.mailbox, folder=place.folder, uid=place.uid)
        elif self._settings.after == "keyword":
            self._connection.add_keyword(place.uid, self._settings.keyword)
        else:
            self._connection.move(place.uid, self._settings.move_to or "")

    def summaries(self, uids: Iterable[int]) -> Mapping[int, tuple[str, str]]:
        """Sender and subject of messages of the open folder, decoded; without those that have gone."""
        asked = sorted(set(uids))
        found: dict[int, tuple[str, str]] = {}
        for first in range(0, len(asked), _ASKED_AT_ONCE):
            found |= self._connection.summaries(asked[first : first + _ASKED_AT_ONCE])
        return found

    # --- check ---------------------------------------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """Try what a run needs, change nothing, and hang up; never raises for what server or settings lack."""
        settings = self._settings
        self._states.clear()
        found = [_tried(f"IMAP login at {settings.host}:{settings.port}", self._connection.log_in)]
        if found[0].ok:
            folders = (settings.folder, *settings.also_search)
            found += [_tried(f'IMAP folder "{folder}"', partial(self.open, folder)) for folder in folders]
            found.append(_tried(f'IMAP, after = "{settings.after}"', self._check_filing))
            if "IDLE" not in self._connection.capabilities:
                advice = f"the server does not tell of new mail; it is looked for every {settings.poll_interval_s:g} s"
                found.append(Finding("IMAP IDLE", ok=True, advice=advice))
        self.close()
        return found

    def _check_filing(self) -> None:
        """Raise ``ConfigError`` where this server cannot do what ``after`` asks for."""
        connection, after = self._connection, self._settings.after
        if after == "keyword" and not all(state.keeps_keyword for state in self._states.values()):
            raise connection.config_error('the server keeps no keywords of ours; set after = "leave" or "move"')
        if after == "move":
            if not connection.capabilities & {"MOVE", "UIDPLUS"}:
                fault = 'the server cannot move one message without touching others; set after = "leave" or "keyword"'
                raise connection.config_error(fault)
            connection.name_on_server(self._settings.move_to or "")


def _has_size_and_date(row: Row) -> bool:
    return row.size_bytes is not None and row.arrived_at is not None


def _has_octets(row: Row) -> bool:
    return row.octets is not None


def _tried(what: str, step: Callable[[], object]) -> Finding:
    try:
        step()
    except RsvpMailerError as error:
        return Finding(what, ok=False, advice=str(error))
    return Finding(what, ok=True)
