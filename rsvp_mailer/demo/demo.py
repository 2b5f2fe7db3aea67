"""``rsvp-mailer demo``: a fortnight at the office within seconds, then a prompt to try replies of one's own.

Servers, database and mail are real, the world around them is played (see ``replay``). All files lie in one
temporary folder, which stays: settings, database, log and each mail that went out.
"""

from __future__ import annotations

import json
import logging
import secrets
import shlex
import shutil
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from rsvp_mailer.app import open_app
from rsvp_mailer.clock import Clock
from rsvp_mailer.demo.mailbox import sample_mails, sent_to
from rsvp_mailer.demo.prompt import Prompt, plain_text
from rsvp_mailer.demo.replay import Outcome, Stage, StagedTime
from rsvp_mailer.demo.text import Isolated
from rsvp_mailer.demo.wording import balance_line, result, words
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.log import configure_log
from rsvp_mailer.review.web.serve import WebThread
from rsvp_mailer.review.web.sign_in import print_link
from rsvp_mailer.settings import LogSettings, Settings, load_settings, shipped

try:
    from rsvp_mailer.demo.servers import HOST, ImapServer, SmtpServer
except ImportError as error:
    FAULT = "the demo needs its mail servers; install them with: pip install 'rsvp-mailer[demo]'"
    raise ConfigError([FAULT]) from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from rsvp_mailer.app import App
    from rsvp_mailer.domain import Balance

_BEGIN, _END = datetime(2017, 10, 23, 8, 30), datetime(2017, 11, 6, 8, 0)  # noqa: DTZ001 - local to the event
_NARROW_COLUMNS = 90
_STYLES = {"recorded": "green", "held": "yellow", "set_aside": "red", "ignored": "dim"}


def run_demo(*, once: bool = False, out: TextIO | None = None) -> list[Outcome]:
    """Play the fortnight and show what came of it; on a terminal, unless ``once``, offer the prompt.

    Raises ``ConfigError`` where the shipped settings or templates have been broken, ``TemporaryError`` where the
    servers do not get on; leaves nothing running either way.
    """
    out = out or sys.stdout
    console = Console(file=out, highlight=False, soft_wrap=False)
    folder = Path(tempfile.mkdtemp(prefix="rsvp-mailer-demo-"))
    outgoing = folder / "outgoing"
    outgoing.mkdir()
    login = {"user": "halil.yaman@jugendamt.essen.example", "password": secrets.token_hex(8)}
    with _logged(folder), ImapServer(**login) as imap, SmtpServer(outgoing, **login) as smtp:
        settings = _settings(folder, imap, smtp)
        zone = settings.events[0].timezone
        time = StagedTime(_BEGIN.replace(tzinfo=zone))
        with open_app(settings, Clock(system=time)) as app:
            outcomes = _play(Stage(app, time, imap, outgoing), _END.replace(tzinfo=zone), console)
            show_outcomes(outcomes, app.figures().balance, console)
            _show_digest(sent_to(settings.digest.recipients[0], outgoing)[-1], console)
            _show_where(folder, len(list(outgoing.iterdir())), console)
            if not once and sys.stdin.isatty() and out.isatty():
                with _pages(app, login["user"], console):
                    Prompt(app, console).run()
    return outcomes


def _settings(folder: Path, imap: ImapServer, smtp: SmtpServer) -> Settings:
    """Those that ship, copied to ``folder`` with the files beside them, and the embedded servers over them."""
    shutil.copytree(shipped().parent, folder, dirs_exist_ok=True)
    return load_settings(
        folder / shipped().name,
        {
            "RSVP_MAILER__MAILBOXES__0__HOST": HOST,
            "RSVP_MAILER__MAILBOXES__0__PORT": str(imap.port),
            "RSVP_MAILER__MAILBOXES__0__SECURITY": "none",
            "RSVP_MAILER__MAILBOXES__0__PASSWORD": imap.password,
            "RSVP_MAILER__SMTP__HOST": HOST,
            "RSVP_MAILER__SMTP__PORT": str(smtp.port),
            "RSVP_MAILER__SMTP__SECURITY": "none",
            "RSVP_MAILER__SMTP__PASSWORD": imap.password,
            "RSVP_MAILER__LIMITS__CONFIRM_AFTER_MIN": "0",
            "RSVP_MAILER__WEB__WITHIN_RUN": "false",  # the fortnight needs none; see _pages
            "RSVP_MAILER__WEB__PORT": str(_free_port()),
            "RSVP_MAILER__DIGEST__RECIPIENTS": json.dumps([imap.user]),
        },
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _pages(app: App, user: str, console: Console) -> Iterator[None]:
    """The pages for the office, as they are after the fortnight, for as long as the prompt stands."""
    thread = WebThread(app.office())
    thread.start()
    console.print("The pages for the office; one click signs you in (until you leave this prompt):")
    console.print(f"  {print_link(app.office(), user)}", soft_wrap=True)
    console.print()
    try:
        yield
    finally:
        thread.stop()
        thread.join()


@contextmanager
def _logged(folder: Path) -> Iterator[None]:
    """What the program logs goes to a file, not between the tables; a crash is still seen."""
    hooks, chain, root = (sys.excepthook, threading.excepthook), structlog.get_config(), logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        with (folder / "rsvp-mailer.log").open("w", encoding="utf-8") as stream:
            configure_log(LogSettings(format="json"), stream)
            sys.excepthook, threading.excepthook = hooks
            yield
    finally:
        structlog.configure(**chain)
        root.handlers[:] = handlers
        root.setLevel(level)


def _play(stage: Stage, end: datetime, console: Console) -> list[Outcome]:
    mails = sample_mails()
    console.print(
        f"[bold]A fortnight in seconds.[/] The invitation is out, {len(mails)} mails reach the office's mailbox, and "
        "the program reads, decides and answers: real IMAP, real SMTP, all within this process."
    )
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(mails))

        def tell(outcome: Outcome) -> None:
            progress.update(task, advance=1, description=f"{outcome.mail.arrived_at:%a %d %b %H:%M}")

        return stage.play(mails, end, tell)


# --- what is shown -----------------------------------------------------------------------------------------------


def show_outcomes(outcomes: Sequence[Outcome], balance: Balance, console: Console) -> None:
    """A line for each mail, as a table where there is room for one, and the balance below."""
    console.print()
    rows: list[tuple[RenderableType, ...]] = [
        (_date(each), _sender(each), _words(each), _result(each)) for each in outcomes
    ]
    if console.width < _NARROW_COLUMNS:
        table = Table.grid(padding=(0, 1))
        for date, sender, *rest in rows:
            table.add_row(date, sender)
            for cell in rest:
                table.add_row("", cell)
    else:
        table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
        table.add_column("Date", no_wrap=True)
        table.add_column("From", max_width=console.width // 4)
        table.add_column("The words that decide", ratio=1)
        table.add_column("What becomes of it", ratio=1)
        for row in rows:
            table.add_row(*row)
    console.print(table)
    console.print()
    console.print(balance_line(balance), style="bold" if balance.holds else "bold red")


def _date(outcome: Outcome) -> Text:
    return Text(f"{outcome.mail.arrived_at:%d %b}", style="dim")


def _sender(outcome: Outcome) -> Isolated:
    sender = outcome.message.sender
    return Isolated((sender.name or sender.address) if sender else "nobody", style="bold")


def _words(outcome: Outcome) -> Isolated:
    text, decide = words(outcome)
    return Isolated(text, style="" if decide else "dim")


def _result(outcome: Outcome) -> Text:
    return Text(result(outcome), style="yellow" if outcome.returned else _STYLES[outcome.state])


def _show_digest(file: Path, console: Console) -> None:
    octets = file.read_bytes()
    console.print()
    title = Text("The office's digest of Monday, 7.30 (in German, as they read it)")
    console.print(Panel(Isolated(plain_text(octets), office=True), title=title, title_align="left"))


def _show_where(folder: Path, sent: int, console: Console) -> None:
    beside = Path(sys.executable).with_name("rsvp-mailer")
    program = shlex.quote(str(beside)) if beside.exists() else "rsvp-mailer"
    config = shlex.quote(str(folder / shipped().name))
    console.print(f"Each of the {sent} mails that went out lies here:")
    console.print(f"  {folder / 'outgoing'}", soft_wrap=True)
    console.print("Look closer at the database that the fortnight has left behind:")
    for command in ("status", "review list", "digest --preview"):
        console.print(f"  {program} --config {config} --as-of {_END:%Y-%m-%dT%H:%M} {command}", soft_wrap=True)
    console.print()
