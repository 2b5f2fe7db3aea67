"""Structured logs that cannot quote an invitee.

A line is an event and some plain fields: ids, rule names, counts, decisions. Whatever else is handed over by
mistake does not reach the stream: fields that carry a person's words or data are dropped by name
(``left_out`` tells which), values that are no plain scalar shrink to the name of their type, tracebacks lose the
text of their exception, and the words of libraries lose their arguments.

Limits: a scalar under a harmless name passes. Callers log ids.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import suppress
from datetime import date, time, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from rsvp_mailer.errors import RsvpMailerError

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import TracebackType

    from structlog.typing import Processor

    from rsvp_mailer.settings import LogSettings

# Fields that would hold what an invitee wrote or is called, or a secret. Numbers under these names are ids.
PERSONAL_FIELDS = frozenset(
    {
        *("address", "addresses", "from", "from_address", "person", "people", "recipient", "recipients", "to", "user"),
        *("name", "sender", "sender_name"),
        *("answer", "attachment", "body", "content", "evidence", "headers", "mail", "own_words", "raw", "reply_text"),
        *("subject", "suggestion", "text", "words"),
        *("authorization", "password", "secret"),
    }
)
_AS_TEXT = (date, time, timedelta, PurePath, RsvpMailerError)  # a datetime is a date
_NUMBER = (int, float, type(None))
_INNERMOST_FRAMES = 40  # a runaway recursion has thousands, all alike


def configure_log(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Set up structlog, and what libraries say through ``logging``, for this process; ``stream``: stderr."""
    out = _Unfailing(stream or sys.stderr)
    as_text = settings.format == "text" or (settings.format == "auto" and out.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        without_exception_text,
        without_personal_fields,
        renderer,
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),  # type: ignore[arg-type] # needs write and flush only
        cache_logger_on_first_use=False,
    )
    _listen_to_libraries(max(level, logging.WARNING))
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


class _Unfailing:
    """A stream whose failing (disk full, reader gone) never stops the work that is being told of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def without_personal_fields(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop what may hold a person's words or data, and reduce what is no plain value to its type."""
    del logger, method
    left_out = sorted(field for field in event.keys() & PERSONAL_FIELDS if not isinstance(event[field], _NUMBER))
    for field in left_out:
        del event[field]
    for field, value in event.items():
        event[field] = _plain(value)
    if left_out:
        event["left_out"] = left_out
    return event


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a caller logs
    if isinstance(value, str):
        return str(value)  # the value of a StrEnum, without its name
    if isinstance(value, _NUMBER):
        return value
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return f"<{type(value).__name__}>"


def without_exception_text(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turn ``exc_info`` into a traceback that names the exception's type but not its text."""
    del logger, method
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if given and error is None:
        error = sys.exc_info()[1]
    if error is not None:
        event["traceback"] = bare_traceback(error)
    return event


def bare_traceback(error: BaseException) -> str:
    """Where an error came from, and its type; never its text, which may quote a mail.

    Causes come first, as Python prints them; source lines are our own or a library's, so they stay.
    """
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = traceback.format_tb(current.__traceback__, limit=-_INNERMOST_FRAMES)
        parts.append("".join(frames) + type(current).__qualname__)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nled to:\n".join(reversed(parts))


class _LibraryHandler(logging.Handler):
    """Passes on what libraries log: their fixed words, never the arguments they put into them."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        words = record.msg if record.args and isinstance(record.msg, str) else "a library reports a problem"
        log.log(record.levelno, "library", library=record.name, says=words, exc_info=record.exc_info or None)


def _listen_to_libraries(level: int) -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _LibraryHandler)]:
        root.removeHandler(handler)
    root.addHandler(_LibraryHandler())
    root.setLevel(level)


def _log_crash(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    del kind, frames
    structlog.get_logger().critical("crashed", exc_info=error)


def _log_thread_crash(args: threading.ExceptHookArgs) -> None:
    structlog.get_logger().critical("thread_crashed", exc_info=args.exc_value)
