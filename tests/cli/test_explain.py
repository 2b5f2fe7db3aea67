"""``explain`` as in design.md: one line for each message, whatever the files hold, and the same next year."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Run

KEYS = [
    *("path", "message_id", "kind", "attendance", "party_size", "decision", "reasons", "language"),
    *("arrival", "departure", "interpreter", "tags", "reply_text", "evidence"),
]
ROOT = Path(__file__).parents[2]
INVITATION = "<einladung-2017-11-14@jugendamt.essen.example>"
CANARY = "kanarienvogel-4711"


def mail(words: str, *, sender: str = "Vera Lindner <vera@example.org>", number: int = 1, subject: str = "") -> bytes:
    """A reply in the invitation's thread, received in time."""
    head = [
        "Received: from mx.example.org by mx1.essen.example with ESMTPS; Mon, 06 Nov 2017 09:12:00 +0100",
        f"From: {sender}",
        "To: halil.yaman@jugendamt.essen.example",
        f"Subject: {subject or 'Re: Einladung zur 1. Integrationskonferenz im Stadtbezirk I'}",
        "Date: Mon, 06 Nov 2017 09:11:58 +0100",
        f"Message-ID: <antwort-{number}@example.org>",
        f"In-Reply-To: {INVITATION}",
        f"References: {INVITATION}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    return ("\r\n".join([*head, "", *words.split("\n")]) + "\r\n").encode()


ZU_DRITT = "Guten Tag,\n\nwir kommen zu dritt.\n\nViele Grüße\nVera Lindner"


def records(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.eml").write_bytes(mail(ZU_DRITT))
    return tmp_path


def test_one_line_with_all_values_in_the_order_of_the_design(rsvp_mailer: Run, folder: Path):
    done = rsvp_mailer("explain", "--json", "a.eml")
    assert (done.returncode, done.stderr) == (0, "")
    (record,) = records(done.stdout)
    assert list(record) == KEYS
    assert record["path"] == "a.eml"
    assert record["message_id"] == "<antwort-1@example.org>"
    assert (record["kind"], record["attendance"], record["party_size"]) == ("rsvp", "yes", 3)
    assert (record["decision"], record["reasons"], record["language"]) == ("auto", [], "de")
    assert (record["arrival"], record["departure"]) == (None, None)
    assert (record["interpreter"], record["tags"]) == ([], [])
    assert record["reply_text"] == ZU_DRITT
    assert {item["field"] for item in record["evidence"]} >= {"attendance", "party_size"}
    for item in record["evidence"]:
        assert list(item) == ["field", "rule", "source", "text", "start", "end"]
        if item["source"] == "reply_text":
            assert record["reply_text"][item["start"] : item["end"]] == item["text"]
    size = next(item for item in record["evidence"] if item["field"] == "party_size")
    assert "zu dritt" in size["text"]


def test_what_is_unsure_is_held_with_its_reason(rsvp_mailer: Run, folder: Path):
    (folder / "b.eml").write_bytes(mail("Danke für die Einladung! Wo kann man parken?"))
    (record,) = records(rsvp_mailer("explain", "--json", "b.eml").stdout)
    assert record["decision"] == "review"
    assert record["attendance"] is None
    assert record["reasons"]


def test_an_answer_after_the_event_is_held_by_the_topmost_received_field(rsvp_mailer: Run, folder: Path):
    late = mail(ZU_DRITT).replace(b"Mon, 06 Nov 2017 09:12:00", b"Wed, 15 Nov 2017 09:12:00")
    (folder / "late.eml").write_bytes(late)
    by_date = late.partition(b"\r\n")[2].replace(b"Date: Mon, 06", b"Date: Wed, 15")
    (folder / "undated.eml").write_bytes(by_date)
    late_one, undated = records(rsvp_mailer("explain", "--json", "late.eml", "undated.eml").stdout)
    assert (late_one["decision"], late_one["reasons"]) == ("review", ["after_deadline"])
    assert (undated["decision"], undated["reasons"]) == ("review", ["after_deadline"])


def test_other_mail_is_no_answer(rsvp_mailer: Run, folder: Path):
    robot = mail("Ich bin bis 10.11. nicht im Haus.", subject="Abwesenheitsnotiz").replace(
        b"MIME-Version", b"Auto-Submitted: auto-replied\r\nMIME-Version"
    )
    (folder / "robot.eml").write_bytes(robot)
    (record,) = records(rsvp_mailer("explain", "--json", "robot.eml").stdout)
    assert (record["kind"], record["decision"], record["attendance"], record["party_size"]) == (
        *("auto_reply", "auto"),
        *(None, None),
    )


def test_messages_of_an_mbox_carry_their_index(rsvp_mailer: Run, folder: Path):
    mails = [mail(ZU_DRITT, number=n).replace(b"\r\n", b"\n") for n in range(3)]
    (folder / "alle.mbox").write_bytes(b"".join(b"From - Mon Nov  6 09:12:00 2017\n" + m + b"\n" for m in mails))
    found = records(rsvp_mailer("explain", "--json", "alle.mbox", "a.eml").stdout)
    assert [record.get("index") for record in found] == [0, 1, 2, None]
    assert [record["message_id"] for record in found[:3]] == [f"<antwort-{n}@example.org>" for n in range(3)]
    assert list(found[0]) == ["path", "index", *KEYS[1:]]


def test_a_folder_is_read_in_the_order_of_its_names(rsvp_mailer: Run, folder: Path):
    for name in ("10.eml", "2.eml", "unter/1.eml"):
        (folder / "post" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "post" / name).write_bytes(mail(ZU_DRITT))
    found = records(rsvp_mailer("explain", "--json", "post").stdout)
    assert [record["path"] for record in found] == ["post/10.eml", "post/2.eml", "post/unter/1.eml"]


NO_MAIL = {
    "empty": b"",
    "zeros": b"\0" * 3000,
    "random": b"\xff\xfe\xfa" * 500,
    "blank lines": b"\r\n" * 50,
    "cut off": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x",
}


@pytest.mark.parametrize("octets", NO_MAIL.values(), ids=NO_MAIL)
def test_what_no_mail_can_be_made_of_is_one_unreadable_line(rsvp_mailer: Run, folder: Path, octets: bytes):
    (folder / "kaputt.eml").write_bytes(octets)
    done = rsvp_mailer("explain", "--json", "kaputt.eml", "a.eml")
    assert (done.returncode, done.stderr) == (0, "")
    broken, fine = records(done.stdout)
    assert list(broken) == KEYS
    assert (broken["path"], broken["decision"]) == ("kaputt.eml", "review")
    assert (broken["attendance"], broken["party_size"]) == (None, None)
    assert "unreadable" in broken["reasons"]
    assert fine["decision"] == "auto"


def test_a_path_that_is_not_there_has_its_line_and_is_a_wrong_argument(rsvp_mailer: Run, folder: Path):
    done = rsvp_mailer("explain", "--json", "fehlt.eml", "a.eml")
    missing, fine = records(done.stdout)
    assert (missing["path"], missing["decision"], missing["reasons"]) == ("fehlt.eml", "review", ["unreadable"])
    assert list(missing) == KEYS
    assert fine["decision"] == "auto"
    assert done.returncode == 2
    assert done.stderr == "fehlt.eml: no such file or folder\n"


def test_no_state_is_carried_from_one_message_to_the_next(rsvp_mailer: Run, folder: Path):
    (folder / "b.eml").write_bytes(mail("Leider kann ich doch nicht kommen.", number=2))
    once = rsvp_mailer("explain", "--json", "a.eml", "b.eml", "a.eml").stdout.splitlines()
    alone = rsvp_mailer("explain", "--json", "b.eml").stdout.splitlines()
    assert once[0] == once[2]
    assert once[1] == alone[0]


def test_output_is_utf8_and_one_line_each_whatever_the_locale(rsvp_mailer: Run, folder: Path):
    words = "سنحضر نحن الثلاثة\u2028Grüße\u0085\x0bVera"
    (folder / "ar.eml").write_bytes(mail(words, sender="ليلى <leila@example.org>"))
    done = rsvp_mailer("explain", "--json", "ar.eml", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0
    assert "سنحضر" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_file_name_that_is_no_utf8_stays_readable(folder: Path, command: list[str], environment: dict[str, str]):
    odd = os.fsencode(folder) + b"/b\xfcro.eml"
    Path(os.fsdecode(odd)).write_bytes(mail(ZU_DRITT))
    done = subprocess.run(
        [*command, "explain", "--json", odd], capture_output=True, env=environment, check=True, timeout=60
    )
    assert json.loads(done.stdout)["path"] == os.fsdecode(odd)


def test_lines_come_as_they_are_ready_and_a_closed_pipe_is_no_error(
    folder: Path, command: list[str], environment: dict[str, str]
):
    (folder / "viele").mkdir()
    for n in range(300):
        (folder / "viele" / f"{n:03}.eml").write_bytes(mail(ZU_DRITT, number=n))
    process = subprocess.Popen(
        [*command, "explain", "--json", str(folder / "viele")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["path"].endswith("000.eml")
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_interruption_ends_it_without_a_traceback(folder: Path, command: list[str], environment: dict[str, str]):
    os.mkfifo(folder / "wartet")  # nobody ever writes to it
    with subprocess.Popen(
        [*command, "explain", "--json", "a.eml", "wartet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["decision"] == "auto"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert b"Traceback" not in process.stderr.read()


def test_a_thousand_files_are_one_process_and_a_thousand_lines(folder: Path, environment: dict[str, str]):
    (folder / "viele").mkdir()
    for n in range(1000):
        (folder / "viele" / f"{n:04}.eml").write_bytes(mail(ZU_DRITT, number=n))
    code = "from rsvp_mailer.cli import main; main()"  # without the checks of Python's development mode
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, "explain", "--json", str(folder / "viele")],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=100,
    )
    taken_s = time.monotonic() - began
    found = records(done.stdout)
    assert len(found) == 1000
    assert {record["decision"] for record in found} == {"auto"}
    assert taken_s < 30  # 4 s where nothing else runs


def test_other_settings_mean_another_event(rsvp_mailer: Run, folder: Path):
    done = rsvp_mailer("explain", "--json", "a.eml", RSVP_MAILER__EVENTS__0__ANSWERS_UNTIL="2017-11-01")
    (record,) = records(done.stdout)
    assert record["reasons"] == ["after_deadline"]


def test_neither_network_nor_database_nor_secrets_are_needed(rsvp_mailer: Run, folder: Path):
    before = sorted(ROOT.joinpath("config").iterdir())
    done = rsvp_mailer(
        "explain",
        "--json",
        "a.eml",
        RSVP_MAILER__DATABASE__URL="postgresql://127.0.0.1:1/none",
        RSVP_MAILER__SMTP__PASSWORD_FILE="/nowhere",
        RSVP_MAILER__EVENTS__0__STECKBRIEF="/nowhere",
    )
    assert (done.returncode, len(records(done.stdout))) == (0, 1)
    assert sorted(ROOT.joinpath("config").iterdir()) == before
    assert sorted(folder.iterdir()) == [folder / "a.eml"]


# --- cards ---------------------------------------------------------------------------------------------------------


def test_a_card_shows_values_words_and_rules(rsvp_mailer: Run, folder: Path):
    done = rsvp_mailer("explain", "a.eml")
    assert done.returncode == 0
    for shown in ("a.eml", "attendance", "yes", "party_size", "3", "wir kommen zu dritt.", "party_size"):
        assert shown in done.stdout
    (record,) = records(rsvp_mailer("explain", "--json", "a.eml").stdout)
    for item in record["evidence"]:
        assert item["rule"] in done.stdout
    assert "\x1b" not in done.stdout  # no colours into a file


def test_a_card_of_an_unreadable_file_says_why(rsvp_mailer: Run, folder: Path):
    done = rsvp_mailer("explain", "fehlt.eml")
    assert "unreadable" in done.stdout
    assert "No such file" in done.stdout


def test_right_to_left_words_are_isolated_line_by_line(rsvp_mailer: Run, folder: Path):
    (folder / "ar.eml").write_bytes(mail("السلام عليكم\nسنحضر نحن الثلاثة"))
    done = rsvp_mailer("explain", "ar.eml")
    assert "\u2068السلام عليكم\u2069" in done.stdout
    assert "\u2068سنحضر نحن الثلاثة\u2069" in done.stdout


def test_words_of_others_cannot_command_the_terminal(rsvp_mailer: Run, folder: Path):
    words = "wir kommen zu dritt\x1b[2J\x1b]0;x\x07 \u202ethcin\u202c [red]rot[/red]"
    (folder / "b.eml").write_bytes(mail(words))
    done = rsvp_mailer("explain", "b.eml")
    assert done.returncode == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stdout)
    assert "[red]rot[/red]" in done.stdout


def test_on_a_terminal_the_deciding_words_are_in_colour(folder: Path, command: list[str], environment: dict[str, str]):
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, "explain", str(folder / "a.eml")],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environment | {"TERM": "xterm-256color", "COLUMNS": "120"},
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            pass  # how a pseudo-terminal says that the other side has gone
        assert process.wait(60) == 0
    os.close(ours)
    assert "\x1b[1;36mzu dritt" in shown.decode()


# --- nothing leaks -------------------------------------------------------------------------------------------------


def test_a_fault_of_ours_yields_its_line_and_quotes_nobody(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    from rsvp_mailer import explain
    from rsvp_mailer.settings import load_settings

    def fail(*_: object) -> None:
        raise RuntimeError(CANARY)

    steps = iter([fail, explain.read_reply])
    monkeypatch.setattr(explain, "read_reply", lambda *given: next(steps)(*given))  # noqa: PLW0108 - one each time
    explain.explain_paths([folder / "a.eml"] * 2, load_settings(None, {}), sys.stdout, as_json=True)
    out, err = capsys.readouterr()
    broken, fine = records(out)
    assert (broken["decision"], broken["reasons"]) == ("review", ["unreadable"])
    assert fine["decision"] == "auto"
    assert CANARY not in out + err
    assert "RuntimeError" in err
