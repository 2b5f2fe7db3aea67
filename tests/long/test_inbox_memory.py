"""A folder of 20,000 messages is read in the memory that a small one takes."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

from rsvp_mailer.domain import Cursor
from rsvp_mailer.inbox.imap import ImapInbox
from rsvp_mailer.settings import MailboxSettings

COUNT = 20_000
BODY = b"Sehr geehrter Herr Yaman,\r\nwir kommen zu dritt.\r\n" * 200  # 10 KB


def test_memory_is_flat_over_20_000_messages(account):
    account.append_all(b"Subject: Antwort %d\r\n\r\n%b" % (number, BODY) for number in range(COUNT))
    settings = MailboxSettings(
        host="127.0.0.1",
        port=account.server.imap_port,
        security="none",
        user=account.address,
        addresses=(account.address,),
    )
    inbox = ImapInbox(settings, password=account.password)
    inbox.connect()
    peaks, last_uid = [], 0
    tracemalloc.start()
    try:
        for number, mail in enumerate(inbox.scan(Cursor("office", "INBOX", datetime(2000, 1, 1, tzinfo=UTC))), 1):
            assert mail.place.uid > last_uid
            last_uid = mail.place.uid
            if number % 2_000 == 0:
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.reset_peak()
    finally:
        tracemalloc.stop()
        inbox.close()
    assert number == COUNT
    assert max(peaks) < 12_000_000
    assert max(peaks[5:]) < max(peaks[:5]) + 1_000_000
