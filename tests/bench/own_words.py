"""How long from octets to own words? Beside the standard library's parse alone, in the same run.

``python tests/bench/own_words.py [ROUNDS]`` prints messages a second for replies of about 10 KB with quoted
HTML: ``policy.default`` alone, ``compat32`` alone, a public peer, and ``parse_message``; the ratio to the first is
the figure to watch (1.0 or more is the goal).

The peer is email-reply-parser (a Python port of GitHub's): it cuts plain text by rules alone. Beside that cut, on text
that lies ready, stands the whole road with it: ``policy.default``, the plain part, the cut.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import compat32, default
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from email_reply_parser import EmailReplyParser

from rsvp_mailer.domain import RawMail
from rsvp_mailer.message.parse import parse_message

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location("message_fixtures", ROOT / "message" / "conftest.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_FIXTURES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_FIXTURES)

REPLY = (
    "Sehr geehrter Herr Yaman,\n\nvielen Dank für die Einladung. Wir kommen gern zu dritt.\n\n"
    "Mit freundlichen Grüßen\n{}"
)
NAMES = ("Miriam Kessler", "Jörg Altmann", "Selin Aydın", "Paul Ostermann")


def reply_of(number: int) -> bytes:
    """A reply as a web mailer sends it: plain and HTML, the invitation quoted in both."""
    invitation = _FIXTURES.INVITATION.read_text(encoding="utf-8")
    own = REPLY.format(NAMES[number % len(NAMES)])
    mail = EmailMessage()
    mail["From"] = f"{NAMES[number % len(NAMES)]} <person{number}@verein.example>"
    mail["To"] = "halil.yaman@jugendamt.essen.example"
    mail["Subject"] = "Re: Einladung zur 1. Integrationskonferenz im Stadtbezirk I"
    mail["Message-ID"] = f"<{number}@verein.example>"
    mail["In-Reply-To"] = "<einladung-2017-11-14@jugendamt.essen.example>"
    mail["Date"] = "Mon, 06 Nov 2017 10:12:00 +0100"
    for hop in range(6):
        mail["Received"] = (
            f"from mx{hop}.example by mx{hop + 1}.example with ESMTPS; Mon, 06 Nov 2017 10:12:0{hop} +0100"
        )
    above = "Am Do., 2. Nov. 2017 um 09:30 Uhr schrieb Halil Yaman <halil.yaman@jugendamt.essen.example>:"
    mail.set_content(own + "\n\n" + above + "\n" + "".join(f"> {line}\n" for line in invitation.split("\n")))
    mail.add_alternative(_html(own, above, invitation), subtype="html")
    return mail.as_bytes()


def _html(own: str, above: str, invitation: str) -> str:
    def paragraphs(text: str) -> str:
        return "".join(
            f'<div style="font-family:Arial,sans-serif">{escape(line) or "<br>"}</div>' for line in text.split("\n")
        )

    return (
        f'<html><head><style>p{{margin:0}}</style></head><body><div dir="ltr">{paragraphs(own)}</div><br>'
        f'<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{escape(above)}<br></div>'
        f'<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">'
        f"{paragraphs(invitation)}</blockquote></div></body></html>"
    )


def plain_text_of(raw: bytes) -> str:
    """The plain part of a mail, by the standard library's own means."""
    part = message_from_bytes(raw, policy=default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def best_rates(functions: dict[str, Callable[[bytes], object]], mails: list[bytes], rounds: int) -> dict[str, float]:
    """Messages a second of processor time, the best of several rounds taken in turn, so that noise hits all alike."""
    best = dict.fromkeys(functions, 0.0)
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.process_time()
            for mail in mails:
                function(mail)
            best[name] = max(best[name], len(mails) / (time.process_time() - start))
    return best


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    event, identity = _FIXTURES.conference(), _FIXTURES.mailbox()
    mails = [reply_of(number) for number in range(20)]
    parse_message(RawMail(mails[0]), event, identity)
    texts = {raw: plain_text_of(raw) for raw in mails}
    figures = best_rates(
        {
            "policy.default": lambda raw: message_from_bytes(raw, policy=default),
            "compat32": lambda raw: message_from_bytes(raw, policy=compat32),
            "peer, cut alone": lambda raw: EmailReplyParser.parse_reply(texts[raw]),
            "peer, from octets": lambda raw: EmailReplyParser.parse_reply(plain_text_of(raw)),
            "parse_message": lambda raw: parse_message(RawMail(raw), event, identity),
        },
        mails,
        rounds,
    )
    print(f"{len(mails)} replies of {sum(map(len, mails)) // len(mails)} bytes")
    for name, value in figures.items():
        print(f"{name:17} {value:8.0f} a second   {value / figures['policy.default']:.2f} of policy.default")


if __name__ == "__main__":
    main()
