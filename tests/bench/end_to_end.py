"""From 2,000 replies waiting in Dovecot to the last confirmation taken by Postfix's smtp-sink, beside a floor.

The floor, in the same run: a bare ``imaplib`` bulk fetch of the same messages, and bare ``smtplib`` sending of the
very octets that the program sent, over one connection. It reads nothing, decides nothing and stores nothing.

    python tests/bench/end_to_end.py [N]

Prints the ratio floor/program (1 would be the floor's speed; 0.3 is asked for). Absolute times are orientation only.
"""

from __future__ import annotations

import imaplib
import logging
import smtplib
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import structlog
from office import make_office, reply
from servers_dovecot import Dovecot
from servers_postfix import SmtpSink

from rsvp_mailer.clock import Clock
from rsvp_mailer.daemon import Daemon
from rsvp_mailer.operate import exclusive, start_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers_dovecot import Account

    from rsvp_mailer.app import App

WORDS = (
    "Guten Tag,\n\nwir kommen gerne zu dritt.\n\nMit freundlichen Grüßen\n{name}",
    "Hallo Herr Yaman,\n\nvielen Dank für die Einladung, ich bin gerne dabei.\n\n{name}",
    "Sehr geehrte Damen und Herren,\n\nleider kann ich nicht kommen.\n\n{name}",
    "Dear all,\n\nI will come with two colleagues.\n\nBest regards\n{name}",
)


def _name(n: int) -> str:
    return f"{('Anna', 'Bernd', 'Clara', 'David')[n // 7 % 4]} {('Berger', 'Conrad', 'Dahlmann', 'Ebert')[n // 3 % 4]}"


def replies(number: int, invitation: str) -> list[bytes]:
    """Replies of as many people, each with the invitation quoted below."""
    quote = "\n".join(f"> {line}" for line in invitation.splitlines())
    return [
        reply(
            f"{WORDS[n % len(WORDS)].format(name=_name(n))}\n\nAm 23.10.2017 um 09:12 schrieb Halil Yaman:\n{quote}\n",
            sender=f"gast{n}@verein{n % 50}.example",
            name=_name(n),
        )
        for n in range(number)
    ]


def run_program(app: App, number: int, ensure_lock: Callable[[], None]) -> float:
    """Seconds from the start of the daemon to the last acceptance."""
    daemon = Daemon(app, ensure_lock=ensure_lock, start_at=start_of("2000-01-01", app.clock, app.settings))
    end: list[float] = []

    def watch() -> None:
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            with app.store.reading() as tx:
                if tx.sendings.states().get("sent", 0) >= number + 1:  # and the day's digest
                    break
            time.sleep(0.1)
        end.append(time.perf_counter())
        daemon.stop()

    watcher = threading.Thread(target=watch)
    begin = time.perf_counter()
    watcher.start()
    daemon.run()
    watcher.join()
    return end[0] - begin


def run_floor(account: Account, sink: SmtpSink, mails: list[tuple[str, bytes]]) -> float:
    """Seconds for fetching all and sending all, and nothing else."""
    begin = time.perf_counter()
    client = account.client()
    client.select("INBOX", readonly=True)
    fetched = client.uid("FETCH", "1:*", "(UID BODY.PEEK[])")[1]
    client.logout()
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=60) as smtp:
        for recipient, octets in mails:
            smtp.sendmail("buero@office.example", [recipient], octets)
    assert sum(isinstance(row, tuple) for row in fetched) == len(mails) - 1
    return time.perf_counter() - begin


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    imaplib._MAXLINE = 100_000_000  # type: ignore[attr-defined]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with ExitStack() as stack:
        dovecot, sink = stack.enter_context(Dovecot()), stack.enter_context(SmtpSink())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        account = dovecot.add_account()
        caps = {"automatic_mails_per_hour": 1_000_000}
        office = make_office(folder, account, sink.port, f"sqlite:///{folder}/rsvp.db", limits=caps)
        account.append_all(replies(number, (folder / "invitation.txt").read_text("utf-8")))
        app, ensure_lock = stack.enter_context(exclusive(office.settings(), Clock()))
        seconds = run_program(app, number, ensure_lock)
        with app.store.reading() as tx:
            mails = [
                (sending.recipient, tx.sendings.octets(sending.id))
                for sending in (tx.sendings.get(n) for n in range(1, number + 2))
                if sending is not None and sending.state == "sent"
            ]
        assert len(mails) == number + 1, len(mails)
        floor = run_floor(account, sink, mails)
    size = sum(len(octets) for _, octets in mails) / len(mails) / 1000
    print(f"{number} replies, {len(mails)} mails of {size:.0f} KB in the middle")
    print(f"program {seconds:.2f} s ({number / seconds:.0f} a second)")
    print(f"floor   {floor:.2f} s ({number / floor:.0f} a second)")
    print(f"ratio floor/program: {floor / seconds:.2f} (0.3 asked for)")


if __name__ == "__main__":
    main()
