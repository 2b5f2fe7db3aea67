"""The fortnight of the demo comes out as a careful colleague would have it, and a newcomer can try replies."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from email import message_from_bytes
from pathlib import Path

import httpx
import pexpect
import pytest
from rich.cells import cell_len

from rsvp_mailer.demo.demo import run_demo
from rsvp_mailer.demo.mailbox import sample_mails
from rsvp_mailer.demo.wording import result

COMMAND = [sys.executable, "-c", "from rsvp_mailer.cli import main; main()", "demo"]

# What each mail should come to. A reading that is not sure may hold any of them, but never say anything else.
EXPECTED = {
    "10-23-0941-lehrerin-mit-kollegin": "comes, 2 people → confirmed",
    "10-23-1005-iphone-ich-komme": "comes, 1 person → confirmed",
    "10-23-1006-abwesenheitsnotiz": "left alone: an automatic reply",
    "10-23-1006-unzustellbar": "left alone: undeliverable mail",
    "10-23-1648-gmail-englisch-zwei-kolleginnen": "comes, 3 people → confirmed",
    "10-24-0630-newsletter": "left alone: not about the conference",
    "10-24-0803-lehrerin-danke": "nothing new, no answer needed",
    "10-24-0902-privat-abendessen": "left alone: not about the conference",
    "10-24-1230-gmail-franzoesisch-familie": "comes, 4 people → confirmed",
    "10-24-1755-gmail-arabisch": "comes, 3 people → confirmed",
    "10-25-0748-gmx-vielleicht": "comes perhaps, 1 person → confirmed",
    "10-25-1010-outlook-absage": "does not come → confirmed",
    "10-25-1337-verein-vier-personen": "comes, 4 people → confirmed",
    "10-26-0930-webde-kurmanji": "comes, 3 people → confirmed",
    "10-26-1111-gmail-farsi": "comes, 2 people → confirmed",
    "10-26-1500-iphone-dari-dolmetscher": "comes, 5 people, Dari interpreter → confirmed",
    "10-27-1020-gmail-sorani": "comes, 2 people → confirmed",
    "10-27-1402-steckbrief-zurueck": "profile sheet kept → thanked",
    "10-27-1645-zusage-mit-frage": "comes, 1 person, question → confirmed",
    "10-30-0855-gmx-nur-frage": "waits for a person: a question, no answer",
    "10-30-0920-iphone-wir-kommen-gerne": "waits for a person: does not say how many come → asked: how many?",
    "10-30-1202-iphone-zu-fuenft": "comes, 5 people → confirmed",
    "10-30-1315-outlook-acht-bis-zehn": "waits for a person: only about how many come",
    "10-30-1830-kalender-zusage": "comes, 1 person → confirmed",
    "10-31-1102-beschaedigt": "waits for a person: cannot be read",
    "10-31-1210-zweimal-zugestellt": "comes, 1 person → confirmed",
    "10-31-1214-zweimal-zugestellt-nochmal": "left alone: the same mail again",
    "11-02-0840-verein-doch-nur-zwei": "comes, 2 people instead of 4 → confirmed",
    "11-02-1001-iphone-absage-krank": "cancelled → confirmed",
    "11-02-1425-gmail-tuerkisch": "waits for a person: a language that we do not read",
    "11-03-0812-gmail-ukrainisch": "waits for a person: a language that we do not read",
    "11-03-0905-beratungstermin": "left alone: not about the conference",
    "11-03-1130-gefaelschter-absender": "waits for a person: is it really from this sender?",
    "11-03-1510-outlook-weitergeleitet": "waits for a person: speaks for somebody else",
    "11-03-1722-nur-betreff": "comes, 2 people → confirmed",
    "11-03-1723-bestaetigung-unzustellbar": "our own mail came back: a person must reach them otherwise",
    "11-04-1919-gmx-familie-mit-kindern": "comes, 4 people, diet → confirmed",
    "11-05-1148-iphone-spaeter": "comes, 1 person, at 18:00 → confirmed",
    "11-05-1402-gmail-zweite-adresse": "waits for a person: is it really from this sender?",
    "11-05-2130-rollstuhl-zu-zweit": "comes, 2 people, accessibility → confirmed",
    "11-06-0748-gmail-englisch-absage": "does not come → confirmed",
}
# What the demo is there to show; here "waits for a person" would be a failure too.
SHOWN = [
    "10-27-1402-steckbrief-zurueck",
    "10-23-0941-lehrerin-mit-kollegin",
    "10-23-1006-abwesenheitsnotiz",
    "10-23-1006-unzustellbar",
    "10-24-0630-newsletter",
    "10-24-0803-lehrerin-danke",
    "10-24-0902-privat-abendessen",
    "10-25-1010-outlook-absage",
    "10-25-1337-verein-vier-personen",
    "10-27-1645-zusage-mit-frage",
    "10-30-0920-iphone-wir-kommen-gerne",
    "10-30-1202-iphone-zu-fuenft",
    "10-31-1210-zweimal-zugestellt",
    "10-31-1214-zweimal-zugestellt-nochmal",
    "11-02-0840-verein-doch-nur-zwei",
    "11-02-1001-iphone-absage-krank",
    "11-03-0905-beratungstermin",
    "11-03-1722-nur-betreff",
    "11-03-1723-bestaetigung-unzustellbar",
    "11-06-0748-gmail-englisch-absage",
]
HELD = [name for name, expected in EXPECTED.items() if expected.startswith("waits")]


@pytest.fixture(scope="module")
def fortnight(tmp_path_factory):
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("demo")))
        outcomes = run_demo(once=True, out=out)
    folder = Path(re.search(r"^ +(/.*outgoing)$", out.getvalue(), re.MULTILINE)[1])
    return {outcome.mail.name.removesuffix(".eml"): outcome for outcome in outcomes}, out.getvalue(), folder


def test_every_mail_is_dealt_with_in_the_order_of_arrival(fortnight):
    outcomes, _, _ = fortnight
    assert list(outcomes) == [mail.name.removesuffix(".eml") for mail in sample_mails()]
    assert outcomes.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_no_mail_is_taken_for_anything_that_it_is_not(fortnight, name):
    said = result(fortnight[0][name])
    assert said == EXPECTED[name] or said.startswith("waits for a person: ")


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_clear_is_decided(fortnight, name):
    assert result(fortnight[0][name]) == EXPECTED[name]


@pytest.mark.parametrize("name", HELD)
def test_what_is_not_clear_waits(fortnight, name):
    assert fortnight[0][name].state == "held"


def test_the_books_balance(fortnight):
    line = next(line for line in fortnight[1].splitlines() if "mails seen" in line)
    seen, *parts = [int(number) for number in re.findall(r"\d+", line)]
    assert seen == sum(parts) == len(EXPECTED)


def test_each_outgoing_mail_lies_in_the_folder_and_says_why_it_came(fortnight):
    outcomes, text, folder = fortnight
    files = sorted(folder.iterdir())
    assert f"Each of the {len(files)} mails that went out" in text
    assert {file for outcome in outcomes.values() for file in outcome.sent} < set(files)
    confirmation = message_from_bytes(outcomes["11-02-0840-verein-doch-nur-zwei"].sent[0].read_bytes())
    assert confirmation["To"].endswith("info@nachbarschaftshilfe.example")
    assert confirmation["In-Reply-To"] == "<e7d6c5b4-a392-4817-0f0e-1d2c3b4a5968@nachbarschaftshilfe.example>"
    assert confirmation["Date"].startswith("Thu, 02 Nov 2017 08:40:")


def test_nobody_is_answered_who_must_not_be(fortnight):
    recipients = {file.name.split(" ", 1)[1] for file in fortnight[2].iterdir()}
    assert not recipients & {
        "karin.overbeck@wohlfahrt.example.eml",
        "newsletter@bildungsportal.example.eml",
        "mailer-daemon@mx1.essen.example.eml",
        "selda.yaman@freemail.example.eml",
        "petra.junghans@anderswo.example.eml",
        "torben.aschoff@freemail.example.eml",
        "w.pohlmann@anderswo.example.eml",
    }


def test_the_office_gets_one_digest_each_working_day_and_the_last_is_shown(fortnight):
    _, text, folder = fortnight
    digests = sorted(folder.glob("* halil.yaman@*"))
    assert len(digests) == 11
    assert "Personen zugesagt" in text
    assert "06.11.17, 07:30" in text


def test_text_for_machines_has_no_colour_and_keeps_to_the_width(fortnight):
    text = fortnight[1]
    assert "\x1b" not in text
    assert max(cell_len(line) for line in text.splitlines() if "/" not in line) <= 80


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "TMPDIR": str(tmp_path), "LANG": "C"}


def end_of(process):
    """Exit status; fails where the process left another one behind."""
    status = process.wait(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    return status


def test_without_a_terminal_the_command_ends_by_itself(environment):
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=environment,
    )
    text = process.stdout.read().decode()
    process.stdout.close()
    assert end_of(process) == 0
    assert "the books balance" in " ".join(text.split())
    assert "Your reply" not in text


def test_ctrl_c_ends_it_at_once(environment):
    process = subprocess.Popen(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=environment
    )
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    _, errors = process.communicate(timeout=30)
    assert end_of(process) == 130
    assert time.monotonic() - begun < 10
    assert b"Traceback" not in errors


@pytest.fixture
def terminal(environment):
    process = pexpect.spawn(
        COMMAND[0], COMMAND[1:], env=environment, encoding="utf-8", dimensions=(40, 100), timeout=60
    )
    process.expect("Your reply> ")
    yield process
    process.close(force=True)


def test_a_typed_reply_is_read_and_answered(terminal):
    terminal.sendline("Wir kommen zu dritt.")
    terminal.expect("Your reply> ")
    shown = terminal.before
    assert re.search(r"party_size\W.*\W3\W", re.sub(r"\x1b\[[\d;]*m", "", shown))
    assert "Personen insgesamt: 3" in shown
    terminal.sendline("Wir kommen gerne.")
    terminal.expect("Your reply> ")
    assert "party_size_missing" in terminal.before
    assert "Mit wie vielen Personen kommen Sie?" in terminal.before
    terminal.sendline("Bis wann muss man sich anmelden?")
    terminal.expect("Your reply> ")
    assert "Nothing goes out: a person at the office reads it first" in terminal.before
    terminal.sendline("")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0


def test_the_pages_stand_open_as_long_as_the_prompt(terminal):
    link = re.search(r"http://127\.0\.0\.1:\d+/sign-in/\w+", terminal.before)
    assert link
    with httpx.Client(follow_redirects=True, trust_env=False) as browser:
        token = re.search(r'name="csrf_token" value="(\w+)"', browser.get(link[0]).text)
        assert token
        page = browser.post(link[0], data={"csrf_token": token[1]}).text
    assert "Zu erwarten sind" in page
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    with pytest.raises(httpx.ConnectError):
        httpx.get(link[0], trust_env=False)


def test_ctrl_d_ends_the_prompt(terminal):
    terminal.sendeof()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
