"""The log tells operators what happens and nobody what an invitee wrote."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from rsvp_mailer.domain import Address, Kind, Message, OwnWords, Reason
from rsvp_mailer.errors import TemporaryError
from rsvp_mailer.log import PERSONAL_FIELDS, bare_traceback, configure_log
from rsvp_mailer.settings import LogSettings

CANARY = "kanarienvogel-4711"


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch):
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    out = io.StringIO()
    configure_log(LogSettings(format="json", level="info"), out)
    return out


def fail_with(words: str) -> None:
    local_variable = words  # what a traceback with locals would show
    raise ValueError(local_variable)


def test_a_line_is_one_json_object_with_time_level_and_plain_fields(stream: io.StringIO):
    log = structlog.get_logger()
    log.info("read", message_id="<a@b>", rules=("de.yes.komme",), kind=Kind.RSVP, at=datetime(2030, 1, 1, tzinfo=UTC))
    log.debug("not told")
    (line,) = written(stream)
    assert (line["event"], line["level"]) == ("read", "info")
    assert (line["message_id"], line["rules"], line["kind"]) == ("<a@b>", ["de.yes.komme"], "rsvp")
    assert line["at"] == "2030-01-01 00:00:00+00:00"
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("field", sorted(PERSONAL_FIELDS))
def test_fields_that_carry_words_or_data_of_people_are_left_out(stream: io.StringIO, field: str):
    structlog.get_logger().info("read", **{field: CANARY})
    assert CANARY not in stream.getvalue()
    assert written(stream)[0]["left_out"] == [field]


def test_a_number_under_such_a_name_is_an_id_and_stays(stream: io.StringIO):
    structlog.get_logger().info("read", mail=12, answer=None)
    assert written(stream)[0]["mail"] == 12


def test_values_shrink_to_their_type(stream: io.StringIO):
    message = Message(CANARY, "f", None, Address(CANARY), CANARY, OwnWords(CANARY))
    structlog.get_logger().info(
        "read", message=message, error=ValueError(CANARY), octets=CANARY.encode(), all=[message]
    )
    assert CANARY not in stream.getvalue()
    line = written(stream)[0]
    assert (line["message"], line["error"], line["octets"]) == ("<Message>", "<ValueError>", "<bytes>")


def test_what_helps_an_operator_is_shown_in_full(stream: io.StringIO):
    structlog.get_logger().warning(
        "later",
        error=TemporaryError("the server hung up"),
        file=Path("/srv/x"),
        reasons=[Reason.UNREADABLE],
        retry_s=2.5,
    )
    line = written(stream)[0]
    assert (line["error"], line["file"]) == ("the server hung up", "/srv/x")
    assert (line["reasons"], line["retry_s"]) == (["unreadable"], 2.5)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_names_the_place_and_the_type_but_quotes_nothing(log_format: str):
    stream = io.StringIO()
    configure_log(LogSettings(format=log_format), stream)
    try:
        try:
            fail_with(CANARY)
        except ValueError as error:
            raise KeyError(CANARY) from error
    except KeyError:
        structlog.get_logger().exception("failed")
    text = stream.getvalue()
    assert CANARY not in text
    for named in ("fail_with", "ValueError", "KeyError", "test_log.py"):
        assert named in text


def test_a_runaway_recursion_stays_readable():
    def deeper() -> None:
        deeper()

    with pytest.raises(RecursionError) as caught:
        deeper()
    assert len(bare_traceback(caught.value).splitlines()) < 150
    assert bare_traceback(caught.value).endswith("RecursionError")


def test_an_error_that_is_its_own_context_ends():
    error, other = ValueError(CANARY), KeyError(CANARY)
    error.__context__, other.__context__ = other, error
    assert bare_traceback(error) == "KeyError\nled to:\nValueError"


def test_libraries_are_heard_without_their_arguments(stream: io.StringIO):
    library = logging.getLogger("apscheduler.executors.default")
    library.info("told to nobody %s", CANARY)
    library.warning("job %s missed", CANARY)
    library.warning(f"job {CANARY} missed")
    try:
        fail_with(CANARY)
    except ValueError:
        library.exception("job %s raised", CANARY)
    assert CANARY not in stream.getvalue()
    first, second, third = written(stream)
    assert (first["library"], first["says"]) == ("apscheduler.executors.default", "job %s missed")
    assert second["says"] == "a library reports a problem"
    assert (third["level"], "ValueError" in str(third["traceback"])) == ("error", True)


def test_a_crash_is_told_without_words_also_in_a_thread(stream: io.StringIO):
    thread = threading.Thread(target=fail_with, args=(CANARY,))
    thread.start()
    thread.join()
    try:
        fail_with(CANARY)
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert CANARY not in stream.getvalue()
    assert [line["event"] for line in written(stream)] == ["thread_crashed", "crashed"]


def test_configuring_twice_tells_everything_once(stream: io.StringIO):
    configure_log(LogSettings(format="json", level="error"), stream)
    logging.getLogger("x").error("only %s", "once")
    structlog.get_logger().warning("below the level")
    assert len(written(stream)) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_auto_is_json_for_programs_and_text_for_people():
    for stream, readable in ((io.StringIO(), False), (Terminal(), True)):
        configure_log(LogSettings(), stream)
        structlog.get_logger().info("read", uid=7)
        assert stream.getvalue().startswith("{") is not readable
        assert ("\x1b[" in stream.getvalue()) is readable


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_no_work():
    configure_log(LogSettings(format="json"), FullDisk())
    structlog.get_logger().info("sent", uid=7)
