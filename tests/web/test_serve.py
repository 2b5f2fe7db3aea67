"""The pages as a process: the command of their own, within ``run``, and what happens where the port is taken."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from pages import USERS
from scenes import rows
from servers import end

from rsvp_mailer.store.tables import alert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from office import Office


@contextmanager
def serving(office: Office) -> Iterator[subprocess.Popen[str]]:
    with (office.folder / "web.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rsvp_mailer", "--config", str(office.config), "web"],
            env={**os.environ, **office.environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield process
    finally:
        end(process)


def site_of(office: Office) -> str:
    return f"http://127.0.0.1:{office.tables['web']['port']}"


def wait_for_health(office: Office) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            assert httpx.get(f"{site_of(office)}/health", trust_env=False).text == "ok\n"
        except httpx.TransportError:
            assert time.monotonic() < deadline, (office.folder / "web.log").read_text()
            time.sleep(0.1)
        else:
            return


def test_a_link_from_the_terminal_signs_in_once(web_office: Office):
    """The emergency way: no mail server is needed."""
    with serving(web_office) as process:
        wait_for_health(web_office)
        printed = web_office.command("web", "--login-link", USERS["administrator"].upper())
        assert printed.returncode == 0, printed.stderr
        link = printed.stdout.splitlines()[0]
        assert link.startswith(f"{site_of(web_office)}/sign-in/")
        with httpx.Client(base_url=site_of(web_office), trust_env=False, follow_redirects=True) as browser:
            token = re.search(r'name="csrf_token" value="(\w+)"', browser.get(link).text)
            assert token
            page = browser.post(link, data={"csrf_token": token[1]})
            assert "Administrator Beispiel" in page.text
            assert browser.get(link).status_code == 410
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(8) == 0
        assert time.monotonic() - began < 8
    log = (web_office.folder / "web.log").read_text()
    assert "Traceback" not in log
    assert link.rsplit("/", maxsplit=1)[1] not in log


@pytest.mark.parametrize(("arguments", "says"), [(("--login-link", "x@y.example"), "not among web.users")])
def test_a_link_for_a_stranger_is_refused_and_says_who_is_known(web_office: Office, arguments, says):
    refused = web_office.command("web", *arguments)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert USERS["clerk"] in refused.stderr


def test_without_users_the_command_says_what_to_write(web_office: Office):
    web_office.tables["web"].pop("users")
    refused = web_office.command("web")
    assert refused.returncode == 2
    assert "[[web.users]]" in refused.stderr


def test_a_port_that_is_taken_is_a_clear_error(web_office: Office):
    with socket.socket() as other:
        other.bind(("127.0.0.1", web_office.tables["web"]["port"]))
        other.listen()
        refused = web_office.command("web")
    assert refused.returncode == 2
    assert "web.port" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_run_serves_the_pages_too_and_its_mail_work_survives_a_taken_port(web_office: Office):
    """The port is free: served. It is taken: an alert that says what to do, and the daemon works on."""
    with web_office.running("--since", "2000-01-01") as process:
        wait_for_health(web_office)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(12) == 0
        assert time.monotonic() - began < 10
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", web_office.tables["web"]["port"]))
        other.listen()
        with web_office.running() as process:
            deadline = time.monotonic() + 30
            while not (alerts := [row for row in rows(web_office, alert) if row.part == "pages"]):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert process.poll() is None
    assert "web.within_run = false" in alerts[0].message


def test_run_leaves_the_pages_to_the_other_process_where_the_settings_say_so(web_office: Office):
    web_office.tables["web"]["within_run"] = False
    with web_office.running("--since", "2000-01-01"):
        deadline = time.monotonic() + 30
        while "running" not in (web_office.folder / "run.log").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(1)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{site_of(web_office)}/health", trust_env=False)
