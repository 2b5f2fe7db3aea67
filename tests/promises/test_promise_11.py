"""Promise 11: nobody's words or secrets leak.

Logs, errors and status carry ids and rule names, not invitees' words, not passwords: canaries are planted in mail,
password and template, and everything written is searched for them.
"""

from __future__ import annotations

import os
import re

import pytest
from office import PASSWORD_VARIABLE, reply
from scenes import open_items, states
from servers_smtp import Step, drop, refuse

import rsvp_mailer.intake
from rsvp_mailer.outbox.confirmation import Composer

CANARY = "kanarienvogel"
SECRETS = {
    "text": f"{CANARY}-im-text",
    "subject": f"{CANARY}-im-betreff",
    "name": f"{CANARY} im Namen",
    "address": f"{CANARY}@verein.example",
    "password": f"{CANARY}-passwort",
    "smtp_password": f"{CANARY}-smtp",
    "template": f"{CANARY}-in-der-vorlage",
}


def mails():
    """Answers clear and unclear, private, broken, forged: a canary in every place a person can write to."""
    told = {"sender": SECRETS["address"], "name": SECRETS["name"], "subject": f"Re: {SECRETS['subject']}"}
    text = SECRETS["text"]
    return [
        reply(f"Wir kommen zu zweit. {text}", **told),
        reply(f"Wann beginnt es, {text}?", **told),
        reply(f"Ich komme. {text} GIFT", **told),
        reply(f"Ich komme. {text}", **{**told, "sender": f"zwei.{CANARY}@verein.example"}),
        reply(f"Die Waschmaschine ist da. {text}", in_reply_to=None, **told),
        f"From: {SECRETS['address']}\r\nContent-Type: text/plain; charset={text}\r\n\r\nIch komme {text}\r\n".encode(),
        f"{text} ohne Kopf\r\n".encode(),
    ]  # fmt: skip


def leaks(text):
    """Lines that hold a canary."""
    return [line for line in text.splitlines() if CANARY in line.lower()]


@pytest.fixture
def troubled(office, account, monkeypatch):
    """An office in which parsing, composing and sending fail by turns, with the words of the mail in the errors."""
    parse, compose = rsvp_mailer.intake.parse_message, Composer.confirmation

    def parse_or_raise(mail, *arguments):
        if b"GIFT" in mail.raw:
            raise ValueError(mail.raw.decode())
        return parse(mail, *arguments)

    def compose_or_raise(self, answer, before, to, **named):
        if to.address.address.startswith("zwei."):
            raise RuntimeError(repr((answer, to)))
        return compose(self, answer, before, to, **named)

    monkeypatch.setattr(rsvp_mailer.intake, "parse_message", parse_or_raise)
    monkeypatch.setattr(Composer, "confirmation", compose_or_raise)
    account.append_all(mails())
    office.tables["log"] = {"format": "text", "level": "debug"}
    return office


def test_promise_11_a_round_full_of_errors_tells_nothing(troubled, smtp_server, command):
    """Poll, status, ignored counts: ids, rules and states; of the words, names and addresses nothing."""
    smtp_server.script(
        refuse(f"550 5.1.1 <{SECRETS['address']}> {SECRETS['text']} unknown", at=Step.RCPT), drop(Step.ACCEPTED)
    )
    written = []
    for arguments in (("poll", "--since", "2000-01-01"), ("poll",), ("status",), ("status", "--json"), ("check",)):
        outcome = command(troubled, *arguments)
        if arguments == ("status", "--json"):
            # What waits is listed for the office by name and address; the words of mails are not in it.
            assert SECRETS["text"] not in outcome.out
            assert SECRETS["subject"] not in outcome.out
            written.append(outcome.err)
        else:
            written.append(outcome.out + outcome.err)
    assert sorted(states(troubled).values()).count("set_aside") == 2
    assert len(open_items(troubled)) >= 3
    assert "mail set aside" in written[0]
    assert leaks("\n".join(written)) == []


def test_promise_11_the_log_of_a_process_tells_nothing(office, account):
    """The same from outside, with the real streams of a process of its own."""
    account.append_all(mails())
    done = office.command("poll", "--since", "2000-01-01")
    assert done.returncode == 0, done.stderr
    assert "mail taken" in done.stderr
    assert leaks(done.stdout + done.stderr) == []
    files = [path for path in office.folder.iterdir() if path.is_file() and "rsvp.db" not in path.name]
    for path in files:
        assert leaks(path.read_text(errors="replace")) == [], path


def test_promise_11_passwords_are_never_told(office, account, command):
    """Refused logins, wrong keys, crashes: the password is in no line."""
    account.append(mails()[0])
    office.tables["smtp"]["user"] = "buero"
    environ = {PASSWORD_VARIABLE: SECRETS["password"], "RSVP_MAILER__SMTP__PASSWORD": SECRETS["smtp_password"]}
    written = []
    for arguments in (("poll", "--since", "now"), ("check",), ("status",)):
        outcome = command(office, *arguments, **environ)
        written.append(outcome.out + outcome.err)
    environ["RSVP_MAILER__MAILBOXES__0__PORT"] = f"{CANARY}-passwort"
    outcome = command(office, "check", **environ)
    assert outcome.status == 2
    assert "port" in outcome.err
    written.append(outcome.out + outcome.err)
    assert leaks("\n".join(written)) == []
    assert not any(CANARY in value for name, value in os.environ.items() if not name.startswith("RSVP_MAILER"))


def test_promise_11_a_broken_template_is_not_quoted(office, command):
    """File and line are named; what stands there is not."""
    folder = office.folder / "vorlagen" / "de"
    folder.mkdir(parents=True)
    (folder / "yes.jinja").write_text(
        f"{SECRETS['template']}\n{{{{ answer.{SECRETS['template'].replace('-', '_')}.x }}}}\n{{% endif %}}"
    )
    office.tables["events"]["templates"] = "vorlagen"
    written = []
    for arguments in (("poll", "--since", "now"), ("check",)):
        outcome = command(office, *arguments)
        assert outcome.status != 0
        written.append(outcome.out + outcome.err)
    assert re.search(r"yes\.jinja", written[0])
    assert leaks("\n".join(written)) == []
