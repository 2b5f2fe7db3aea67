"""What a poll that finds nothing new costs in a folder of 50,000 messages, against one of 50, on Dovecot.

    python tests/bench/poll_cost.py [--storage maildir|sdbox] [--polls 1000] [--most 1.2]

Prints both costs and their ratio; ends with status 1 where the ratio is above ``--most``. A poll is what the
daemon does over a kept connection: ``open`` and ``scan``. The two folders take turns, so that whatever else the
machine does meets both; each figure is the first quartile: what a poll costs when nobody else wants the processor.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from servers_dovecot import Account, Dovecot

from rsvp_mailer.domain import Cursor
from rsvp_mailer.inbox.imap import ImapInbox
from rsvp_mailer.settings import MailboxSettings

MAIL = b"From: gast@beispiel.example\r\nSubject: Antwort\r\n\r\n" + b"Ich komme gern.\r\n" * 20


def connected(account: Account) -> ImapInbox:
    """A connection to the account, as ``run`` keeps one."""
    settings = MailboxSettings(
        host="127.0.0.1",
        port=account.server.imap_port,
        security="none",
        user=account.address,
        addresses=(account.address,),
    )
    inbox = ImapInbox(settings, password=account.password)
    inbox.connect()
    return inbox


def poll(inbox: ImapInbox, cursor: Cursor) -> float:
    """Seconds that one poll takes, which must find nothing."""
    began = time.perf_counter()
    inbox.open(cursor.folder)
    found = sum(1 for _ in inbox.scan(cursor))
    took = time.perf_counter() - began
    if found:
        msg = f"{found} messages are new"
        raise RuntimeError(msg)
    return took


def main() -> int:
    """Fill both folders, measure, and print."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--storage", default="maildir", choices=["maildir", "sdbox"])
    arguments.add_argument("--polls", type=int, default=1000)
    arguments.add_argument("--most", type=float, default=1.2)
    options = arguments.parse_args()
    start_at = datetime.now(UTC) - timedelta(days=1)
    with Dovecot(storage=options.storage) as server:
        inboxes: dict[int, tuple[ImapInbox, Cursor]] = {}
        costs: dict[int, list[float]] = {50: [], 50_000: []}
        for size in costs:
            account = server.add_account()
            last = account.append_all(MAIL for _ in range(size))[-1]
            inbox = connected(account)
            uidvalidity = inbox.open("INBOX").uidvalidity
            inboxes[size] = inbox, Cursor("office", "INBOX", start_at, uidvalidity, last)
        for _ in range(options.polls):
            for size, (inbox, cursor) in inboxes.items():
                costs[size].append(poll(inbox, cursor))
        for inbox, _ in inboxes.values():
            inbox.close()
    quartiles = {size: statistics.quantiles(values)[0] for size, values in costs.items()}
    for size, quartile in quartiles.items():
        print(f"{size:>6} messages: {quartile * 1e6:8.0f} µs a poll")
    ratio = quartiles[50_000] / quartiles[50]
    print(f"ratio: {ratio:.2f} (at most {options.most})")
    return int(ratio > options.most)


if __name__ == "__main__":
    sys.exit(main())
