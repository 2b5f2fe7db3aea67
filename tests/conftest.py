"""Fixtures for all rooms: real servers, started when first asked for, and fresh state on them for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from servers import NOT_TESTED, REQUIRED, absent

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from servers_dovecot import Account, Dovecot
    from servers_postfix import Postfix, SmtpSink
    from servers_postgresql import Postgresql
    from servers_smtp import SmtpServer
    from sqlalchemy import Engine


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One Dovecot for the whole run; take an ``account`` of your own on it."""
    from servers_dovecot import Dovecot, dovecot_binary

    if dovecot_binary() is None:
        absent("Dovecot is not installed (Debian: apt-get install dovecot-imapd dovecot-lmtpd)")
    with Dovecot() as server:
        yield server


@pytest.fixture
def account(dovecot: Dovecot) -> Account:
    """A fresh mailbox on Dovecot; its ``address`` is also its login."""
    return dovecot.add_account()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One PostgreSQL server for the whole run; take a ``postgresql_url`` of your own on it."""
    try:
        from servers_postgresql import Postgresql, postgresql_folder
    except ImportError:
        absent("psycopg is not installed (pip install 'psycopg[binary]')")
    if postgresql_folder() is None:
        absent("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with Postgresql() as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: Postgresql) -> Iterator[str]:
    """The address of a fresh, empty PostgreSQL database."""
    name = postgresql.create_database()
    yield postgresql.url(name)
    postgresql.drop_database(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'rsvp.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database; the test runs on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A migrated database; the test runs on each kind."""
    from rsvp_mailer.store.engine import open_engine
    from rsvp_mailer.store.schema import migrate

    engine = open_engine(database_url)
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """An SMTP server that keeps mail and misbehaves as its ``script`` says."""
    from servers_smtp import SmtpServer

    with SmtpServer() as server:
        yield server


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """Postfix's smtp-sink, for load."""
    from servers_postfix import SmtpSink, smtp_sink_fault

    fault = smtp_sink_fault()
    if fault:
        absent(fault)
    with SmtpSink() as sink:
        yield sink


@pytest.fixture(scope="session")
def postfix(dovecot: Dovecot) -> Iterator[Postfix]:
    """A Postfix that delivers everything into ``dovecot``; root only."""
    from servers_postfix import Postfix, postfix_fault

    fault = postfix_fault()
    if fault:
        absent(fault)
    with Postfix(dovecot) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where servers are required, a skipped test is a failed one."""
    report = yield
    _fail_if_required(report, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that skips itself as a whole."""
    report = yield
    _fail_if_required(report, report.nodeid)
    return report


def _fail_if_required(report: pytest.TestReport | pytest.CollectReport, where: str) -> None:
    if REQUIRED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{where}: skipped, but nothing may be skipped here: {_reason(report.longrepr)}"


def _reason(longrepr: Any) -> str:
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly what was not tested, and what to install."""
    reasons = [_reason(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = [reason for reason in reasons if reason.startswith(NOT_TESTED)]
    if missing:
        terminalreporter.section("NOT TESTED", red=True, bold=True)
    for reason in sorted(set(missing)):
        line = f"{NOT_TESTED}{missing.count(reason)} tests: {reason.removeprefix(NOT_TESTED)}"
        terminalreporter.write_line(line, red=True, bold=True)
