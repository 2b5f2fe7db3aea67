"""What building one confirmation costs, beside a naive one in the same run; exits with 1 over a fifth.

Naive: ``EmailMessage`` with the same text, HTML, calendar file and Steckbrief, the attachment added anew each time;
the words are given to it, so that it has nothing to render. Run: python tests/bench/build_confirmation.py
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rsvp_mailer.domain import Address, Answer, Attendance, Correspondent, Event
from rsvp_mailer.outbox.confirmation import Composer

if TYPE_CHECKING:
    from collections.abc import Callable

STECKBRIEF = Path(__file__).parents[2] / "config" / "steckbrief"
NOW = datetime(2017, 11, 6, 7, tzinfo=UTC)
ROUNDS, COUNT = 5, 60
LIMIT = 0.2


def office() -> SimpleNamespace:
    return SimpleNamespace(
        address="halil.yaman@jugendamt.essen.example",
        name="Jugendamt Essen, Integrationskonferenz",
        organisation="Jugendamt der Stadt Essen",
        contact="Halil Yaman, Telefon 0201 88-0",
        message_id_domain="jugendamt.essen.example",
        legal_basis="Art. 6 Abs. 1 lit. e DSGVO",
        kept_days=90,
    )


def conference() -> Event:
    berlin = ZoneInfo("Europe/Berlin")
    return Event(
        id="konferenz",
        title="1. Integrationskonferenz im Stadtbezirk I",
        starts_at=datetime(2017, 11, 14, 17, tzinfo=berlin),
        ends_at=datetime(2017, 11, 14, 20, tzinfo=berlin),
        place="Kirche St. Gertrud, Gertrudissaal",
        street_address="Rottstraße 36, 45127 Essen",
        interpreter_languages=("ar", "ku", "prs", "fa", "fr", "en"),
    )


def naive(words: EmailMessage, files: dict[str, bytes], number: int) -> bytes:
    """The way it is usually written."""
    mail = EmailMessage(policy=policy.SMTP)
    for name in ("From", "Subject", "In-Reply-To", "References", "Auto-Submitted", "X-Auto-Response-Suppress"):
        mail[name] = str(words[name])
    mail["To"] = f"person{number}@example.org"
    mail["Date"] = format_datetime(NOW)
    mail["Message-ID"] = f"<{number:032x}.rsvp@jugendamt.essen.example>"
    plain, html = words.get_body(("plain",)), words.get_body(("html",))
    calendar = next(part for part in words.iter_attachments() if part.get_content_type() == "text/calendar")
    assert plain is not None
    assert html is not None
    mail.set_content(plain.get_content())
    mail.add_alternative(html.get_content(), subtype="html")
    mail.add_attachment(calendar.get_content(), subtype="calendar", filename="termin.ics", params={"method": "PUBLISH"})
    for name, octets in files.items():
        mail.add_attachment(octets, maintype="application", subtype="pdf", filename=name)
    return mail.as_bytes()


def best_ms(build: Callable[[int], object]) -> float:
    """Milliseconds for one, the best of some rounds after a first."""
    build(0)
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for number in range(COUNT):
            build(number)
        rounds.append(time.perf_counter() - started)
    return min(rounds) / COUNT * 1000


def main() -> int:
    composer = Composer(conference(), office(), steckbrief=STECKBRIEF)

    def ours(number: int, language: str = "de") -> bytes:
        # Names and subjects differ from mail to mail, the answer seldom does.
        to = Correspondent(
            Address(f"person{number}@example.org", f"Kim Beispiel-{number}"),
            f"AW: Einladung {number}",
            f"<{number}@example.org>",
            ("<einladung@jugendamt.essen.example>",),
            in_thread=True,
        )
        answer = Answer(Attendance.YES, 1 + number % 4, language)
        mail = composer.confirmation(answer, None, to, token=f"{number:032x}", now=NOW, sequence=0, first=True)
        # Head and tail are what is made and stored; the attachment is stored once.
        return mail.head + mail.tail

    words = message_from_bytes(
        composer.confirmation(
            Answer(Attendance.YES, 2),
            None,
            Correspondent(Address("a@example.org", "Kim"), "Einladung", "<1@example.org>", (), in_thread=True),
            token="0" * 32,
            now=NOW,
            sequence=0,
            first=True,
        ).octets,
        policy=policy.default,
    )
    assert isinstance(words, EmailMessage)
    names = ("steckbrief-de.pdf", "steckbrief-de-einfach.pdf")
    files = {name: (STECKBRIEF / name).read_bytes() for name in names}
    naive_ms, german_ms, arabic_ms = (
        best_ms(lambda number: naive(words, files, number)),
        best_ms(ours),
        best_ms(lambda number: ours(number, "ar")),
    )
    print(f"naive, German          {naive_ms:6.3f} ms")
    print(f"ours, German           {german_ms:6.3f} ms")
    print(f"ours, Arabic + German  {arabic_ms:6.3f} ms")
    print(f"ratio                  {arabic_ms / naive_ms:6.3f}   (at most {LIMIT})")
    return 0 if arabic_ms <= LIMIT * naive_ms else 1


if __name__ == "__main__":
    sys.exit(main())
