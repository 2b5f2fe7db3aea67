"""What an operator may rely on: every key can be set in the file and in the environment, and every fault is told."""

# ruff: noqa: DTZ001 - settings hold local times
from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.settings import Settings, load_settings, shipped
from rsvp_mailer.settings.shape import children, item_of, model_of, variable

BERLIN = ZoneInfo("Europe/Berlin")
CANARY = "kanarienvogel-4711"

SMALL = """
[[events]]
id = "fest"
title = "Sommerfest"
starts_at = 2030-06-01T15:00:00
ends_at = 2030-06-01T18:00:00
place = "Garten"
street_address = "Weg 1, 45127 Essen"
invitation = "einladung.txt"

[[mailboxes]]
host = "imap.example.org"
user = "buero"
addresses = ["Buero@Example.org"]

[smtp]
host = "smtp.example.org"

[sender]
address = "buero@example.org"
name = "Büro"
organisation = "Verein"
contact = "Büro, 0201 1"
legal_basis = "Einwilligung"

[digest]
recipients = ["buero@example.org"]

[database]
url = "sqlite:///rsvp.db"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "einladung.txt").write_text("Kommen Sie?\n", "utf-8")
    return tmp_path


def load(folder: Path, text: str = SMALL, **environ: str) -> Settings:
    file = folder / "fest.toml"
    file.write_text(text, "utf-8")
    return load_settings(file, environ)


def faults(folder: Path, text: str = SMALL, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **environ)
    return caught.value.faults


def all_keys(annotation: object = Settings, at: tuple[str | int, ...] = ()):
    """Every key there is, as a location with index 0 for lists of tables, with its field."""
    for name, field in model_of(annotation).model_fields.items():
        here = (*at, name)
        item = item_of(field.annotation)
        if model_of(field.annotation):
            yield from all_keys(field.annotation, here)
        elif item is not None and model_of(item):
            yield from all_keys(item, (*here, 0))
        else:
            yield here, field


def value_at(settings: object, at: tuple[str | int, ...]) -> object:
    for part in at:
        settings = settings[part] if isinstance(part, int) else getattr(settings, part)
    return settings


# --- the file that ships ---------------------------------------------------------------------------------------


def test_the_shipped_settings_describe_the_conference():
    settings = load_settings(None, {})
    event = settings.events[0].event(own_texts=("Ihre Zusage",))
    assert event.title == "1. Integrationskonferenz im Stadtbezirk I"
    assert event.starts_at == datetime(2017, 11, 14, 16, 0, tzinfo=UTC)
    assert event.closes_at == datetime(2017, 11, 14, 19, 0, tzinfo=UTC)
    assert (event.place, event.street_address) == ("Kirche St. Gertrud, Gertrudissaal", "Rottstraße 36, 45127 Essen")
    assert event.message_ids == {"<einladung-2017-11-14@jugendamt.essen.example>"}
    assert event.calendar_uid == "integrationskonferenz-2017-11-14@jugendamt.essen.example"
    assert "mit wie vielen Personen Sie zur Konferenz kommen" in event.own_texts[0]
    assert event.own_texts[1] == "Ihre Zusage"
    identity = settings.mailboxes[0].identity()
    assert identity.addresses == {"halil.yaman@jugendamt.essen.example"}
    assert identity.authserv_id == "mx1.essen.example"
    assert identity.message_id_domain == settings.sender.message_id_domain == "jugendamt.essen.example"
    assert settings.digest.at == time(7, 30)
    assert settings.digest.weekdays == ("mon", "tue", "wed", "thu", "fri")


def lines_of_shipped_file() -> list[str]:
    return shipped().read_text("utf-8").splitlines()


def keys_shown() -> dict[tuple[str, str], tuple[str, str | None]]:
    """(table, key) of the shipped file, on or behind a "#": the comment above it, and its value if it is off."""
    shown: dict[tuple[str, str], tuple[str, str | None]] = {}
    table, comment = "", ""
    for line in lines_of_shipped_file():
        heading = re.fullmatch(r"\[+(\w+)\]+", line)
        key = re.fullmatch(r"(# )?(\w+) = (.*)", line)
        if heading:
            table, comment = heading[1], ""
        elif key:
            shown[table, key[2]] = (comment, key[3] if key[1] else None)
        else:
            comment = f"{comment} {line[2:]}".strip() if line.startswith("#") else ""
    return shown


def test_every_key_is_shown_in_the_shipped_file_with_a_comment_and_no_other_key_is():
    shown = keys_shown()
    known = {(str(at[0]), str(at[-1])) for at, _ in all_keys()}
    assert set(shown) == known
    self_evident = {("smtp", "host"), ("sender", "name")}  # told by the heading of the table
    silent = {place for place, (comment, _) in shown.items() if not comment}
    # A comment may stand for the line below it as well.
    assert silent <= {
        ("events", "ends_at"),
        ("events", "street_address"),
        ("limits", "answers_per_address_per_day"),
    } | (self_evident)


def test_every_key_is_described_and_says_its_default():
    for at, field in all_keys():
        assert field.description, at
        if not field.is_required() and at[-1] not in {"password", "move_to"}:
            assert "default" in field.description, at


def test_a_key_that_is_off_shows_its_default_where_it_has_one():
    settings = load_settings(None, {})
    for table, key in keys_shown():
        off = keys_shown()[table, key][1]
        if off is None:
            continue
        node = getattr(settings, table)
        actual = getattr(node[0] if isinstance(node, tuple) else node, key)
        if actual not in (None, ()):
            assert tomllib.loads(f"x = {off}")["x"] == actual, (table, key)


def test_the_shipped_file_is_right_with_everything_switched_on(folder: Path):
    text = "\n".join(
        re.sub(r"^# (\w+ = )", r"\1", line) for line in lines_of_shipped_file() if not line.startswith("# password =")
    )
    (folder / "invitation.txt").write_text("Einladung", "utf-8")
    settings = load(folder, text)
    assert settings.mailboxes[0].also_search == ("Archiv",)
    assert settings.events[0].answers_until == datetime(2017, 11, 10, 23, 59, 59)


def test_an_installed_package_brings_its_settings_along(tmp_path: Path):
    checkout = shipped().parents[1]
    shutil.copytree(checkout / "rsvp_mailer", tmp_path / "rsvp_mailer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(checkout / "config", tmp_path / "rsvp_mailer" / "config")  # as pyproject.toml's force-include
    code = "from rsvp_mailer.settings import *; print(shipped(), load_settings(None, {}).events[0].invitation)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    folder = tmp_path / "rsvp_mailer" / "config"
    assert done.stdout.split() == [str(folder / "rsvp-mailer.toml"), str(folder / "invitation.txt")]


# --- the environment -------------------------------------------------------------------------------------------

OVERRIDES: dict[str, tuple[str, object]] = {
    "events.0.id": ("anderes-fest", "anderes-fest"),
    "events.0.title": ("Winterfest", "Winterfest"),
    "events.0.timezone": ("Europe/London", ZoneInfo("Europe/London")),
    "events.0.starts_at": ("2030-06-01T16:30", datetime(2030, 6, 1, 16, 30)),
    "events.0.ends_at": ("2030-06-01 19:00", datetime(2030, 6, 1, 19, 0)),
    "events.0.answers_until": ("2030-05-20", datetime(2030, 5, 20, 23, 59, 59)),
    "events.0.place": ("Saal", "Saal"),
    "events.0.street_address": ("Platz 2, 45127 Essen", "Platz 2, 45127 Essen"),
    "events.0.capacity": ("120", 120),
    "events.0.interpreter_languages": ('["ar", "ku"]', ("ar", "ku")),
    "events.0.invitation": (str(shipped("invitation.txt")), shipped("invitation.txt")),
    "events.0.message_ids": ('["<a@b>"]', ("<a@b>",)),
    "events.0.calendar_uid": ("uid-1", "uid-1"),
    "events.0.calendar_request": ("true", True),
    "events.0.steckbrief": ("/srv/blatt.pdf", Path("/srv/blatt.pdf")),
    "events.0.templates": ("/srv/vorlagen", Path("/srv/vorlagen")),
    "mailboxes.0.host": ("127.0.0.1", "127.0.0.1"),
    "mailboxes.0.security": ("starttls", "starttls"),
    "mailboxes.0.password": (CANARY, None),
    "mailboxes.0.password_file": ("/run/secret", Path("/run/secret")),
    "mailboxes.0.timeout_s": ("12.5", 12.5),
    "mailboxes.0.ca_file": ("/etc/ca.pem", Path("/etc/ca.pem")),
    "mailboxes.0.name": ("zweites", "zweites"),
    "mailboxes.0.port": ("10143", 10143),
    "mailboxes.0.user": ("anna", "anna"),
    "mailboxes.0.addresses": ('["A@example.org", "buero@example.org"]', ("a@example.org", "buero@example.org")),
    "mailboxes.0.authserv_id": ("mx.example.org", "mx.example.org"),
    "mailboxes.0.folder": ("Eingang", "Eingang"),
    "mailboxes.0.also_search": ('["Ablage"]', ("Ablage",)),
    "mailboxes.0.after": ("keyword", "keyword"),
    "mailboxes.0.keyword": ("$Gelesen", "$Gelesen"),
    "mailboxes.0.move_to": ("Fest", "Fest"),
    "mailboxes.0.poll_interval_s": ("5", 5.0),
    "mailboxes.0.start": ("2030-01-01", "2030-01-01"),
    "smtp.host": ("mail.example.org", "mail.example.org"),
    "smtp.security": ("starttls", "starttls"),
    "smtp.password": (CANARY, None),
    "smtp.password_file": ("/run/secret", Path("/run/secret")),
    "smtp.timeout_s": ("99", 99.0),
    "smtp.ca_file": ("/etc/ca.pem", Path("/etc/ca.pem")),
    "smtp.port": ("2525", 2525),
    "smtp.user": ("anna", "anna"),
    "smtp.envelope_sender": ("zurueck@example.org", "zurueck@example.org"),
    "sender.address": ("BUERO@example.org", "buero@example.org"),
    "sender.name": ("Anna", "Anna"),
    "sender.organisation": ("Stadt", "Stadt"),
    "sender.contact": ("Anna, 0201 2", "Anna, 0201 2"),
    "sender.legal_basis": ("Vertrag", "Vertrag"),
    "sender.kept_days": ("30", 30),
    "digest.recipients": ('["chef@example.org"]', ("chef@example.org",)),
    "digest.at": ("06:15", time(6, 15)),
    "digest.weekdays": ('["sun"]', ("sun",)),
    "digest.language": ("en", "en"),
    "digest.names": ("true", True),
    "digest.notices_to": ('["technik@example.org"]', ("technik@example.org",)),
    "web.users.0.address": ("Chef@example.org", "chef@example.org"),
    "web.users.0.name": ("Chef", "Chef"),
    "web.users.0.role": ("viewer", "viewer"),
    "web.within_run": ("false", False),
    "web.host": ("localhost", "localhost"),
    "web.port": ("8080", 8080),
    "web.base_url": ("https://RSVP.example.org/", "https://rsvp.example.org"),
    "web.trusted_proxies": ('["10.0.0.0/24"]', ("10.0.0.0/24",)),
    "web.language": ("en", "en"),
    "web.signed_in_h": ("24", 24),
    "limits.max_message_bytes": ("10000", 10_000),
    "limits.max_steckbrief_bytes": ("2000", 2_000),
    "limits.answers_per_address_per_hour": ("1000000", 1_000_000),
    "limits.answers_per_address_per_day": ("11", 11),
    "limits.automatic_mails_per_hour": ("61", 61),
    "limits.late_after_h": ("0.5", 0.5),
    "limits.confirm_after_min": ("0", 0.0),
    "database.url": ("postgresql://rsvp@/rsvp", "postgresql://rsvp@/rsvp"),
    "log.format": ("json", "json"),
    "log.level": ("debug", "debug"),
}


def test_no_key_is_forgotten_below():
    assert {".".join(map(str, at)) for at, _ in all_keys()} == set(OVERRIDES)


@pytest.mark.parametrize("key", OVERRIDES)
def test_every_key_can_be_set_by_the_environment(folder: Path, key: str):
    at = tuple(int(part) if part.isdigit() else part for part in key.split("."))
    text, expected = OVERRIDES[key]
    somebody = '[[web.users]]\naddress = "anna@example.org"\nname = "Anna"\n'
    overridden = value_at(load(folder, SMALL + somebody, **{variable(at): text}), at)
    if at[-1] == "password":
        assert overridden.get_secret_value() == text
    else:
        assert overridden == expected


def test_lists_take_an_index_an_appended_item_or_json(folder: Path):
    settings = load(
        folder,
        RSVP_MAILER__DIGEST__RECIPIENTS__0="eins@example.org",
        RSVP_MAILER__DIGEST__RECIPIENTS__1="zwei@example.org",
        RSVP_MAILER__MAILBOXES=json.dumps(
            [{"name": "zwei", "host": "imap2.example.org", "user": "u", "addresses": ["buero@example.org"]}]
        ),
        RSVP_MAILER__MAILBOXES__0__HOST="imap3.example.org",
        RSVP_MAILER__EVENTS__0__INTERPRETER_LANGUAGES__0="fa",
        RSVP_MAILER__LOG='{"format": "json"}',
        RSVP_MAILER__LOG__LEVEL="error",
    )
    assert settings.digest.recipients == ("eins@example.org", "zwei@example.org")
    assert [(mailbox.name, mailbox.host) for mailbox in settings.mailboxes] == [("zwei", "imap3.example.org")]
    assert settings.events[0].interpreter_languages == ("fa",)
    assert (settings.log.format, settings.log.level) == ("json", "error")


def test_ten_and_more_items_keep_their_order(folder: Path):
    names = {f"RSVP_MAILER__DIGEST__RECIPIENTS__{i}": f"a{i}@example.org" for i in reversed(range(12))}
    assert load(folder, **names).digest.recipients == tuple(f"a{i}@example.org" for i in range(12))


def test_other_environment_variables_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOG", '{"format": "json"}')
    monkeypatch.setenv("RSVP_MAILER__LOG__FORMAT", "json")  # the process's own environment is not looked at
    assert load(folder, RSVP_MAILER_CONFIG="x", HOME="/", SMTP="y").log.format == "auto"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RSVP_MAILER__SMTP__HOSTT", "x", "did you mean RSVP_MAILER__SMTP__HOST?"),
        ("RSVP_MAILER__SMPT__HOST", "x", "did you mean RSVP_MAILER__SMTP?"),
        ("RSVP_MAILER__MAILBOXES__0__HOTS", "x", "did you mean RSVP_MAILER__MAILBOXES__0__HOST?"),
        ("RSVP_MAILER__QUATSCH", "x", "known are: events, mailboxes"),
        ("RSVP_MAILER__SMTP__HOST__NAME", "x", "smtp.host is a single value"),
        ("RSVP_MAILER__MAILBOXES__HOST", "x", "write an index from 0 to 1"),
        ("RSVP_MAILER__MAILBOXES__2__HOST", "x", "write an index from 0 to 1"),
        ("RSVP_MAILER__DIGEST__WEEKDAYS", "mon,tue", "is no JSON"),
        ("RSVP_MAILER__SMTP", "x", "is no JSON"),
        ("RSVP_MAILER__SMTP__PORT", "abc", "is no whole number; expected: TCP port"),
        ("RSVP_MAILER__LOG", '{"level": "laut"}', "must be 'debug', 'info', 'warning' or 'error'"),
        ("RSVP_MAILER__", "x", "there is no such key"),
    ],
)
def test_a_wrong_variable_is_named_with_what_to_do(folder: Path, name: str, value: str, says: str):
    (fault,) = faults(folder, **{name: value})
    assert fault.startswith(name)
    assert says in fault


# --- faults ------------------------------------------------------------------------------------------------------

WRONG = f"""
[[events]]
id = "Fest 1"
tittle = "Sommerfest"
timezone = "Europe/Esen"
starts_at = 2030-06-01
ends_at = "abends"
answers_until = "bald"
place = ""
street_address = "Weg 1\\nBcc: a@example.org"
interpreter_languages = ["de"]
invitation = "fehlt.txt"
message_ids = ["a@b"]

[[mailboxes]]
name = "Zwei Worte"
host = "imaps://imap.example.org"
port = "{CANARY}"
security = "ssl"
password = "{CANARY}"
adresses = ["a@example.org"]
addresses = ["Anna <a@example.org>"]
after = "move"
keyword = "zwei worte"
timeout_s = 0
poll_interval_s = 0
start = "gestern"

[smtp]
host = "smtp.example.org"
security = "none"
port = 99999

[sender]
address = "niemand"
name = "Büro"
kept_days = 0.5

[digest]
recipients = []
at = "25:00"
weekdays = ["montag"]
language = "fr"

[limits]
max_message_bytes = 1
late_after_h = "viel"

[database]
url = "mysql://rsvp:{CANARY}@db/rsvp"

[log]
format = "bunt"
level = "laut"

[mailer]
x = 1
"""


def test_all_faults_are_told_in_one_report(folder: Path):
    told = faults(folder, WRONG, RSVP_MAILER__SMTP__TIMEOUT_S="0", RSVP_MAILER__SMTP__NAME="x")
    expected = {
        "events[0].id": "expected: short name",
        "events[0].title": "is missing",
        "events[0].tittle": "did you mean events[0].title?",
        "events[0].timezone": "Europe/Berlin",
        "events[0].starts_at": "names no time of day",
        "events[0].ends_at": "2017-11-14T17:00",
        "events[0].answers_until": "is no day",
        "events[0].place": "is empty",
        "events[0].street_address": "write it on one line",
        "events[0].interpreter_languages[0]": "must be 'ar'",
        "events[0].invitation": "cannot be read (No such file or directory",
        "events[0].message_ids[0]": "angle brackets",
        "mailboxes[0].name": "expected: short name",
        "mailboxes[0].host": "without port, path or protocol",
        "mailboxes[0].port": "is no whole number",
        "mailboxes[0].security": "must be 'tls', 'starttls' or 'none'",
        "mailboxes[0].password": "does not belong in this file",
        "mailboxes[0].adresses": "did you mean mailboxes[0].addresses?",
        "mailboxes[0].addresses[0]": "write it bare",
        "mailboxes[0].user": "is missing",
        "mailboxes[0].move_to": "name the folder",
        "mailboxes[0].keyword": "without spaces",
        "mailboxes[0].timeout_s": "must be at least 1",
        "mailboxes[0].poll_interval_s": "must be at least 1",
        "mailboxes[0].start": 'write it as 2017-10-20, or "now"',
        "smtp.security": "only for a server on this machine",
        "smtp.port": "must be at most 65535",
        "sender.address": "is no e-mail address",
        "sender.organisation": "is missing",
        "sender.contact": "is missing",
        "sender.legal_basis": "is missing",
        "sender.kept_days": "is no whole number",
        "digest.recipients": "needs at least 1",
        "digest.at": "is no time of day",
        "digest.weekdays[0]": "must be 'mon'",
        "digest.language": "must be 'de' or 'en'",
        "limits.max_message_bytes": "must be at least 10000",
        "limits.late_after_h": "is no number",
        "database.url": "does not belong in this file",
        "log.format": "must be",
        "log.level": "must be",
        "mailer": "did you mean mailboxes?",
    }
    for key, says in expected.items():
        lines = [fault for fault in told if fault.startswith(f"fest.toml: {key}: ")]
        assert lines, f"{key} is not told"
        assert any(says in line for line in lines), lines
    assert any(fault.startswith("RSVP_MAILER__SMTP__TIMEOUT_S: must be at least 1") for fault in told)
    assert any(fault.startswith("RSVP_MAILER__SMTP__NAME: there is no such key") for fault in told)
    for fault in told:
        assert CANARY not in fault
        assert "\n" not in fault
        assert ";" in fault, f"says not what to do: {fault}"


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"[smtp]\nhost = \n", "at line 2"),
        (b"[smtp]\n[smtp]\n", "at line 2"),
        ("a = 1\nname = 'Büro'\n".encode("latin-1"), "line 2 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(folder: Path, octets: bytes, says: str):
    file = folder / "kaputt.toml"
    file.write_bytes(octets)
    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})
    (fault,) = caught.value.faults
    assert fault.startswith("kaputt.toml: ")
    assert says in fault


@pytest.mark.parametrize(("name", "says"), [("fehlt.toml", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_told_with_its_path(folder: Path, name: str, says: str):
    with pytest.raises(ConfigError, match=says) as caught:
        load_settings(folder / name, {})
    assert str(folder) in str(caught.value)
    assert "--config" in str(caught.value)


def test_a_file_saved_by_a_windows_editor_is_read(folder: Path):
    file = folder / "fest.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_settings(file, {}).sender.name == "Büro"


@pytest.mark.parametrize("value", ["3", '["a"]', '"x"', "{ a = 1 }", "[[1]]"])
@pytest.mark.parametrize("key", ["events", "mailboxes", "smtp", "limits", "log"])
def test_a_value_of_the_wrong_shape_is_a_fault_and_no_crash(folder: Path, key: str, value: str):
    tables = re.sub(rf"(?m)^\[+{key}\]+\n(.+\n)*", "", SMALL)
    told = faults(folder, f"{key} = {value}\n{tables}", RSVP_MAILER__SMTP__PORT="1", RSVP_MAILER__EVENTS__0__ID="x")
    assert any(key in fault for fault in told)


@pytest.mark.parametrize(
    ("line", "replacement", "says"),
    [
        ("ends_at = 2030-06-01T18:00:00", "ends_at = 2030-06-01T15:00:00", "events[0].ends_at: is not after starts_at"),
        ("ends_at = 2030-06-01T18:00:00", "ends_at = 2030-06-01T18:00:00Z", "events[0].ends_at: must be local time"),
        ('address = "buero@example.org"', 'address = "fremd@example.org"', "sender: address belongs to no mailbox"),
        ('host = "smtp.example.org"', 'host = "smtp.example.org"\nsecurity = "none"', "smtp.security: "),
        ('user = "buero"', 'user = "buero"\nafter = "move"\nmove_to = "INBOX"', "mailboxes[0].move_to: is one of"),
        ('user = "buero"', 'user = "buero"\nport = 0', "mailboxes[0].port: must be at least 1"),
        ("[smtp]", "[[events]]\n[smtp]", "events[1].id: is missing"),
        ('id = "fest"', 'id = "fest"\n"" = 1', "events[0].: there is no such key"),
    ],
)
def test_values_that_do_not_fit_together(folder: Path, line: str, replacement: str, says: str):
    assert any(f"fest.toml: {says}" in fault for fault in faults(folder, SMALL.replace(line, replacement)))


@pytest.mark.parametrize("table", ["events", "mailboxes"])
def test_a_second_event_or_mailbox_is_refused_rather_than_ignored(folder: Path, table: str):
    (first,) = re.findall(rf"(?m)^\[\[{table}\]\]\n(?:.+\n)*", SMALL)
    assert any(f"{table}: takes at most 1" in fault for fault in faults(folder, SMALL + first))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_plain_connections_stay_on_this_machine(folder: Path, host: str):
    settings = load(folder, RSVP_MAILER__SMTP__HOST=host, RSVP_MAILER__SMTP__SECURITY="none")
    assert settings.smtp.port == 25


# --- meaning -----------------------------------------------------------------------------------------------------


def test_ports_follow_from_the_security(folder: Path):
    settings = load(folder)
    assert (settings.mailboxes[0].port, settings.smtp.port) == (993, 465)
    settings = load(folder, RSVP_MAILER__SMTP__SECURITY="starttls", RSVP_MAILER__MAILBOXES__0__SECURITY="starttls")
    assert (settings.mailboxes[0].port, settings.smtp.port) == (143, 587)


def test_paths_count_from_the_folder_of_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir("/")
    text = SMALL.replace("[smtp]", 'password_file = "geheim"\n[smtp]\nca_file = "/etc/ca.pem"')
    settings = load(folder, text.replace("rsvp.db", "daten/rsvp.db"))
    assert settings.mailboxes[0].password_file == folder / "geheim"
    assert settings.smtp.ca_file == Path("/etc/ca.pem")
    assert settings.database.url == f"sqlite:///{folder}/daten/rsvp.db"


@pytest.mark.parametrize("url", ["sqlite:////srv/rsvp.db", "postgresql://rsvp@/rsvp", "postgresql+psycopg://h/d"])
def test_other_database_addresses_stay_as_they_are(folder: Path, url: str):
    assert load(folder, SMALL.replace("sqlite:///rsvp.db", url)).database.url == url


@pytest.mark.parametrize(
    ("deadline", "closes_at"),
    [
        ("2030-05-20", datetime(2030, 5, 20, 23, 59, 59, tzinfo=BERLIN)),
        ("'2030-05-20'", datetime(2030, 5, 20, 23, 59, 59, tzinfo=BERLIN)),
        ("2030-05-20T12:00:00", datetime(2030, 5, 20, 12, 0, tzinfo=BERLIN)),
    ],
)
def test_a_deadline_may_be_a_day_or_a_moment(folder: Path, deadline: str, closes_at: datetime):
    text = SMALL.replace('place = "Garten"', f'place = "Garten"\nanswers_until = {deadline}')
    assert load(folder, text).events[0].event().closes_at == closes_at


def test_times_are_local_through_the_change_of_clocks(folder: Path):
    winter = SMALL.replace("2030-06-01", "2030-01-07")
    assert load(folder).events[0].event().starts_at.astimezone(UTC).hour == 13
    assert load(folder, winter).events[0].event().starts_at.astimezone(UTC).hour == 14


def test_own_texts_are_normalised(folder: Path):
    (folder / "einladung.txt").write_bytes("\ufeffGru\u0308ße\r\nEssen\r\n".encode())
    assert load(folder).events[0].event().own_texts == ("Grüße\nEssen\n",)


def test_start_is_a_day_in_the_events_zone_or_now(folder: Path):
    now = datetime(2030, 5, 1, 12, 0, tzinfo=BERLIN)
    assert load(folder).mailboxes[0].start_at(now) is None
    assert load(folder, RSVP_MAILER__MAILBOXES__0__START="now").mailboxes[0].start_at(now) == now
    text = SMALL.replace('user = "buero"', 'user = "buero"\nstart = 2030-04-01')
    assert load(folder, text).mailboxes[0].start_at(now) == datetime(2030, 4, 1, tzinfo=BERLIN)


def test_settings_cannot_be_changed_by_accident(folder: Path):
    with pytest.raises(ValueError, match="frozen"):
        load(folder).smtp.host = "x"


# --- secrets -----------------------------------------------------------------------------------------------------


def test_a_password_comes_from_the_environment_a_file_or_a_credential_in_this_order(folder: Path):
    secret = folder / "geheim"
    secret.write_text(f"{CANARY}\r\n")
    (folder / "mailbox-office-password").write_text("aus systemd\n")
    (folder / "smtp-password").write_text("auch aus systemd")
    systemd = {"CREDENTIALS_DIRECTORY": str(folder), "RSVP_MAILER__SMTP__USER": "u"}
    settings = load(folder, **systemd)
    assert settings.mailboxes[0].read_password() == "aus systemd"
    assert settings.smtp.read_password() == "auch aus systemd"
    by_file = SMALL.replace("[smtp]", 'password_file = "geheim"\n[smtp]\npassword_file = "geheim"')
    settings = load(folder, by_file, **systemd)
    assert settings.mailboxes[0].read_password() == settings.smtp.read_password() == CANARY
    named = {"RSVP_MAILER__MAILBOXES__0__PASSWORD": "p1 ", "RSVP_MAILER__SMTP__PASSWORD": "p2"}
    settings = load(folder, by_file, **systemd, **named)
    assert (settings.mailboxes[0].read_password(), settings.smtp.read_password()) == ("p1 ", "p2")


def test_without_a_login_no_password_is_needed(folder: Path):
    assert load(folder).smtp.read_password() is None


def test_a_missing_password_is_no_fault_until_it_is_needed(folder: Path):
    settings = load(folder)
    with pytest.raises(ConfigError, match="mailbox-office-password or RSVP_MAILER__MAILBOXES__0__PASSWORD"):
        settings.mailboxes[0].read_password()


@pytest.mark.parametrize("content", [None, b"", b"\n", f"eins\n{CANARY}\n".encode(), b"\xff" + CANARY.encode()])
def test_a_password_file_that_cannot_be_used_is_told_and_not_quoted(folder: Path, content: bytes | None):
    if content is not None:
        (folder / "geheim").write_bytes(content)
    settings = load(folder, SMALL.replace("[smtp]", 'password_file = "geheim"\n[smtp]'))
    with pytest.raises(ConfigError, match=r"password_file: .*geheim") as caught:
        settings.mailboxes[0].read_password()
    assert CANARY not in str(caught.value)


def test_no_secret_shows_in_what_settings_look_like_or_complain_about(folder: Path):
    secrets = {
        "RSVP_MAILER__MAILBOXES__0__PASSWORD": CANARY,
        "RSVP_MAILER__SMTP__PASSWORD": CANARY,
        "RSVP_MAILER__DATABASE__URL": f"postgresql://rsvp:{CANARY}@db/rsvp",
    }
    settings = load(folder, **secrets)
    assert settings.database.url.count(CANARY) == 1
    for shown in (repr(settings), str(settings), repr(settings.smtp), f"{settings.database}", repr(settings.mailboxes)):
        assert CANARY not in shown
    for fault in faults(folder, SMALL.replace("Sommerfest", ""), **secrets):
        assert CANARY not in fault
    told = faults(folder, RSVP_MAILER__DATABASE__URL=f"mysql://rsvp:{CANARY}@db/rsvp")
    assert CANARY not in str(told)


def test_a_password_in_the_file_is_refused_wherever_it_stands(folder: Path):
    text = SMALL.replace("[smtp]", f'password = "{CANARY}"\n[smtp]\npassword = "{CANARY}"')
    told = faults(folder, text.replace("sqlite:///rsvp.db", f"postgresql://rsvp:{CANARY}@db/rsvp"))
    assert [fault.split(": ")[1] for fault in told] == ["mailboxes[0].password", "smtp.password", "database.url"]
    assert CANARY not in str(told)


def test_walking_a_tree_skips_what_has_another_shape():
    assert next(iter(children({"smtp": 3}, Settings)))[1] == 3
    assert list(children(3, Settings)) == []
