"""Independent scanners look at the pages: wapiti as an administrator who is signed in, testssl at the proxy's TLS."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from office import make_office, reply
from pages import WEB, serve
from servers import absent, find_program, free_port
from servers_caddy import Caddy, caddy_fault

from rsvp_mailer import operate
from rsvp_mailer.store.doors import Doors

if TYPE_CHECKING:
    from pathlib import Path

    from office import Office
    from servers_dovecot import Dovecot

# Without those that ask a server on the internet whether they got through; headers are looked at in tests/web.
MODULES = "cookieflags,crlf,csp,csrf,exec,file,methods,permanentxss,redirect,sql,xss"


@pytest.fixture
def office(tmp_path: Path, dovecot: Dovecot) -> Office:
    office = make_office(tmp_path, dovecot.add_account(), 9, f"sqlite:///{tmp_path}/rsvp.db")
    office.tables["web"] = {**WEB, "port": free_port()}
    for number, words in enumerate(("Wir kommen zu zweit.", "Wir kommen mit 5 bis 6 Personen.", "Wann beginnt es?")):
        office.account.append(reply(words, sender=f"gast{number}@verein.example", name=f"Gast {number}"))
    return office


def program(name: str) -> str:
    found = find_program(name)
    if found is None:
        absent(f"{name} is not installed (Debian: apt-get install wapiti testssl.sh)")
    return found


@pytest.mark.timeout(900)
def test_wapiti_finds_no_weakness(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    wapiti = program("wapiti")
    monkeypatch.setattr(Doors, "end_session", lambda *_: True)  # or it would sign itself out before it has begun
    with office.app() as app, operate.connected(app) as inbox:
        app.poller(app.clock.now().replace(year=2000)).poll(inbox)
        with serve(app) as site:
            browser = site.browser("administrator")
            session = dict(browser.cookies)["rsvp-session"]
            report = tmp_path / "report.json"
            command = [wapiti, "-u", f"{app.settings.web.site}/", "--flush-session", "-m", MODULES, "-d", "2"]
            command += ["--max-scan-time", "60", "--max-attack-time", "20", "-S", "normal"]
            command += ["-H", f"Cookie: rsvp-session={session}", "-f", "json", "-o", str(report), "--no-bugreport"]
            done = subprocess.run(
                command,
                env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
                timeout=800,
                capture_output=True,
                text=True,
                check=False,
            )
    assert report.exists(), done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert len(found["infos"]) >= 1
    print(done.stdout[-1500:])
    weaknesses = {kind: each for kind, each in found["vulnerabilities"].items() if each}
    weaknesses.pop("Secure Flag cookie", None)  # this site is served without TLS; see tests/web/test_proxy.py
    assert weaknesses == {}, json.dumps(weaknesses, indent=1)[:5000]


@pytest.mark.timeout(600)
def test_testssl_finds_no_weakness_in_the_proxy(office: Office, tmp_path: Path):
    """But for what a test's own certificate brings with it."""
    testssl = program("testssl")
    fault = caddy_fault()
    if fault:
        absent(fault)
    with Caddy(office.tables["web"]["port"]) as caddy:
        office.tables["web"]["base_url"] = caddy.site
        with office.app() as app, serve(app):
            report = tmp_path / "tls.json"
            command = [testssl, "--quiet", "--color", "0", "--jsonfile", str(report), "-p", "-s", "-f", "-U", "-h"]
            subprocess.run(
                [*command, f"localhost:{caddy.port}"], capture_output=True, text=True, check=False, timeout=500
            )
    rows = json.loads(report.read_text())
    assert len(rows) > 20
    severe = [row for row in rows if row["severity"] in {"MEDIUM", "HIGH", "CRITICAL"}]
    assert severe == []
