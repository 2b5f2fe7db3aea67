"""Runs until told to stop: threads, jobs, signals.

- Main thread: signals. SIGTERM and SIGINT finish the message in hand; everything ends within 10 seconds.
- One thread for the mailbox: poll, IDLE, connect again.
- One thread with an asyncio loop: the courier.
- One thread for the pages, if the settings name anybody who may see them; a port that cannot be had is tried again
  each minute, and stops nothing else.
- APScheduler's thread looks each minute, and at the start, whether a digest is due. What is due is computed from
  the store; the scheduler's own memory plays no part.

Failure: an unreachable mailbox or mail server is a log line, an alert in the store and another attempt after a
growing pause. A refused login is tried three times, half an hour apart (more would lock the owner's account); then
that thread rests until the program is started again, and ``status`` says so.
"""

from __future__ import annotations

import asyncio
import random
import signal
import threading
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from rsvp_mailer.errors import ConfigError, LoginRefusedError, TemporaryError
from rsvp_mailer.inbox.imap import pauses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rsvp_mailer.app import App
    from rsvp_mailer.poll import Poller
    from rsvp_mailer.review.web.serve import WebThread

log = structlog.get_logger()

IDLE_S = 9 * 60.0  # a scan at each renewal, whatever the server told
LOGIN_PAUSE_S = 30 * 60.0
MAX_LOGIN_ATTEMPTS = 3
STOP_WITHIN_S = 9.0


class Daemon:
    """The running program. ``start_at``: where a folder that was never read begins."""

    def __init__(
        self,
        app: App,
        *,
        ensure_lock: Callable[[], None],
        start_at: datetime | None = None,
        login_pause_s: float = LOGIN_PAUSE_S,
    ) -> None:
        self._app = app
        self._ensure_lock = ensure_lock
        self._poller: Poller = app.poller(start_at)
        self._inbox = app.inbox()  # one for all connections: it remembers which messages end them
        self._login_pause_s = login_pause_s
        self._stop = threading.Event()
        self._sender = _SenderThread(app)
        self._reader = threading.Thread(target=self._read, name="mailbox", daemon=True)
        self._web: WebThread | None = None
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Work until SIGTERM, SIGINT or ``stop``. Raises what made the reader give up for good at the start."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop())
        self._app.release_claims()
        scheduler = BackgroundScheduler(timezone="UTC")
        scheduler.add_job(self._look_after_all, "interval", minutes=1, coalesce=True, misfire_grace_time=None)
        self._sender.start()
        self._reader.start()
        scheduler.start()
        log.info("running", mailbox=self._poller.settings.name)
        try:
            self._look_after_all()
            while not self._stop.wait(1.0):
                pass
        finally:
            log.info("stopping")
            self._stop.set()
            scheduler.shutdown(wait=False)
            self._sender.stop()
            if self._web is not None:
                self._web.stop()
            # An IDLE slice lasts five seconds; the sender has been stopping meanwhile.
            self._reader.join(STOP_WITHIN_S * 2 / 3)
            self._sender.join(STOP_WITHIN_S / 3)
            if self._web is not None:
                self._web.join(STOP_WITHIN_S / 3)
            log.info("stopped")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Finish the message in hand and end."""
        self._stop.set()

    # --- the mailbox's thread ------------------------------------------------------------------------------------

    def _read(self) -> None:
        part = f"mailbox {self._poller.settings.name}"
        worked, troubled, refusals, pausing = False, True, 0, pauses(random.random)
        while not self._stop.is_set():
            try:
                for _ in self._rounds():
                    if troubled:
                        worked, troubled, refusals, pausing = True, False, 0, pauses(random.random)
                        self._note(part, "")
                return
            except LoginRefusedError as error:
                refusals += 1
                log.error("login refused", why=str(error), attempt=refusals)
                self._note(part, f"{error} (attempt {refusals} of {MAX_LOGIN_ATTEMPTS})")
                if refusals >= MAX_LOGIN_ATTEMPTS:
                    return
                pause_s = self._login_pause_s
            except (TemporaryError, ConfigError) as error:
                if isinstance(error, ConfigError) and not worked:
                    # Wrong from the start: somebody is watching, and should read it now.
                    self._failure = error
                    self._stop.set()
                    return
                pause_s = next(pausing)
                log.warning("mailbox unreachable", why=str(error), pause_s=round(pause_s, 1))
                self._note(part, str(error))
            troubled = True
            self._stop.wait(pause_s)

    def _rounds(self) -> Iterator[None]:
        """Poll, tell the sender, wait for news; one connection for as long as it lives."""
        inbox = self._inbox
        try:
            inbox.connect()
            while not self._stop.is_set():
                self._ensure_lock()
                taken = self._poller.poll(inbox, stopping=self._stop.is_set).taken
                if taken:
                    # After the round: two threads that take turns at the store and the interpreter are slower than
                    # one after the other.
                    self._sender.wake()
                yield
                inbox.wait(IDLE_S, self._stop)
        finally:
            inbox.close()

    def _note(self, part: str, message: str) -> None:
        """Keep what ``status`` and the digest show; a store that is away has said so itself."""
        try:
            with self._app.store.writing() as tx:
                if message:
                    tx.alerts.raise_(part, message, self._app.clock.now())
                else:
                    tx.alerts.clear(part)
        except TemporaryError as error:
            log.warning("alert not kept", why=str(error))

    # --- the scheduler's thread ----------------------------------------------------------------------------------

    def _look_after_all(self) -> None:
        self._look_for_digests()
        self._look_for_trouble()
        self._look_for_pages()

    def _look_for_pages(self) -> None:
        web = self._app.settings.web
        if self._stop.is_set() or not (web.users and web.within_run) or (self._web and self._web.is_alive()):
            return
        from rsvp_mailer.review.web.serve import WebThread  # noqa: PLC0415 - only where there are pages

        try:
            self._web = WebThread(self._app.office(self._sender.wake))
        except ConfigError as error:
            log.error("pages not served", why=str(error))
            self._note("pages", str(error))
            return
        self._note("pages", "")
        self._web.start()

    def _look_for_digests(self) -> None:
        try:
            if self._app.queue_digests():
                self._sender.wake()
        except TemporaryError as error:
            log.warning("digest put off", why=str(error))

    def _look_for_trouble(self) -> None:
        """Keep what the sender complains of, and tell the administrator what has not worked for an hour."""
        self._note("smtp", self._sender.alert)
        try:
            if self._app.queue_notices():
                self._sender.wake()
        except TemporaryError as error:
            log.warning("notice put off", why=str(error))


class _SenderThread(threading.Thread):
    """The courier in a loop of its own; ``wake`` and ``stop`` may be called from any thread."""

    def __init__(self, app: App) -> None:
        super().__init__(name="sender", daemon=True)
        self._courier = app.courier()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._waking = asyncio.Event()

    @property
    def alert(self) -> str:
        """Why nothing is being sent; empty when all is well."""
        return self._courier.alert

    def run(self) -> None:
        """Run the courier until ``stop``."""
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()
        await self._courier.run(self._stopping, self._waking)

    def wake(self) -> None:
        """Say that something new is due."""
        self._tell(self._waking)

    def stop(self) -> None:
        """Finish the message in hand and end."""
        self._tell(self._stopping)

    def _tell(self, event: asyncio.Event) -> None:
        self._ready.wait(5.0)
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(event.set)
