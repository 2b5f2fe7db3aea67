"""Try it: type a reply, read how it is understood and what would be sent back. Nothing is stored or sent."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from rsvp_mailer.card import card
from rsvp_mailer.decide import circumstances_of, decide
from rsvp_mailer.demo.text import Isolated
from rsvp_mailer.domain import Action, Address, Correspondent, RawMail
from rsvp_mailer.explain import Explained

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from rsvp_mailer.app import App
    from rsvp_mailer.domain import Decision, OutgoingMail

_YOU = Address("you@example.org")
_PROMPT = "Your reply> "
_TOKEN = "0" * 32
_NOTHING_GOES_OUT = {
    Action.HOLD: "Nothing goes out: a person at the office reads it first and decides.",
    Action.IGNORE: "Nothing goes out: this mail is left alone, as if it had never been seen.",
    Action.NOTHING_NEW: "Nothing goes out: it says nothing new.",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """Reads lines from the terminal until an empty one, Ctrl-D or Ctrl-C."""

    app: App
    console: Console

    def run(self) -> None:
        """Ask, show, ask again."""
        if importlib.util.find_spec("readline"):
            __import__("readline")  # arrow keys and history for input()
        self.console.print(
            "[bold]Try it.[/] Type a reply to the invitation, in any language, and press Enter. "
            "An empty line ends the demo."
        )
        while words := self._ask():
            self.show(words)
        self.console.print("Bye.")

    def _ask(self) -> str:
        self.console.print()
        try:
            # Not through the console: readline must know how wide the prompt is.
            return input(_PROMPT).strip()
        except (EOFError, KeyboardInterrupt):
            self.console.print()
            return ""

    def show(self, words: str) -> None:
        """Tell how a reply with these words is understood, and what would be sent back."""
        now = self.app.clock.now()
        mail = RawMail(reply_to_invitation(self.app, words, now), now)
        message, reading = self.app.intake().understand(mail)
        decision = decide(reading, circumstances_of(message), None, self.app.event)
        self.console.print(card(Explained("your reply", None, message, reading, decision)))
        answer = self._what_goes_back(
            decision, Correspondent(_YOU, message.subject, message.message_id, in_thread=True)
        )
        if answer is None:
            self.console.print(Padding(_NOTHING_GOES_OUT.get(decision.action, "Nothing goes out."), (0, 2)))
        else:
            title = Text(f"goes back: {answer.subject}")
            self.console.print(Panel(Isolated(plain_text(answer.octets)), title=title, title_align="left"))

    def _what_goes_back(self, decision: Decision, to: Correspondent) -> OutgoingMail | None:
        composer, now = self.app.desk.composer, self.app.clock.now()
        if decision.action in {Action.RECORD, Action.CHANGE} and decision.answer:
            return composer.confirmation(decision.answer, None, to, token=_TOKEN, now=now, sequence=0, first=True)
        if decision.ask_party_size and decision.suggestion:
            return composer.question(to, decision.suggestion, token=_TOKEN, now=now)
        return None


def reply_to_invitation(app: App, words: str, now: datetime) -> bytes:
    """The octets of a reply in the invitation's thread; half characters that a terminal gave are replaced."""
    event, settings = app.settings.events[0], app.settings
    mail = EmailMessage(policy.SMTP)
    mail["From"] = Mailbox(addr_spec=_YOU.address)
    mail["To"] = Mailbox(settings.sender.name, addr_spec=settings.sender.address)
    mail["Subject"] = f"Re: {event.title}"
    mail["Date"] = format_datetime(now.astimezone(event.timezone))
    mail["Message-ID"] = f"<{int(now.timestamp() * 1000)}@example.org>"
    mail["In-Reply-To"] = mail["References"] = next(iter(event.message_ids), "")
    mail.set_content(words.encode("utf-8", "replace").decode() + "\n")
    return mail.as_bytes()


def plain_text(octets: bytes) -> str:
    """The text part of a mail of ours."""
    mail = message_from_bytes(octets, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n").strip() if body else ""
