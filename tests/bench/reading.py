"""How long from own words to a reading? Beside the standard library's parse of the whole mail, in the same run.

``python tests/bench/reading.py [ROUNDS]`` prints milliseconds of processor time for replies of about 60 words in
each language, the ratio to ``message_from_bytes`` with ``policy.default`` of the mail that carries them (1.0 or
less is the goal), the time in which all language files load (a fresh process; the goal is 0.3 s), and the time for
100 KB of text (the goal is 0.5 s).
"""

from __future__ import annotations

import subprocess
import sys
import time
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parents[1] / "reading"), str(Path(__file__).parent)]
from own_words import reply_of  # noqa: E402
from reading_cases import EVENT, cases, message_of  # noqa: E402

from rsvp_mailer.domain import Message, OwnWords, Tie  # noqa: E402
from rsvp_mailer.reading.lexicon import load_lexicon  # noqa: E402
from rsvp_mailer.reading.read import read_reply  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

LANGUAGES = ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb")
WORDS = 60
LOAD = (
    "import time\n"
    "from rsvp_mailer.reading.lexicon import load_lexicon\n"
    "start = time.process_time()\nload_lexicon()\nprint(time.process_time() - start)"
)


def replies(code: str) -> list[Message]:
    """Labelled replies of one language, joined until each has about sixty words."""
    joined: list[str] = []
    for case in cases():
        if case["lang"] == code and len(case["body"].split()) < WORDS:
            if not joined or len(joined[-1].split()) >= WORDS:
                joined.append(case["body"])
            else:
                joined[-1] += "\n" + case["body"]
    return [Message("<a@example.org>", "f", None, None, "Re: Einladung", OwnWords(t), tie=Tie.THREAD) for t in joined]


def milliseconds(function: Callable[[], object], calls: int, rounds: int) -> float:
    """Processor time of one call, the best of several rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best / calls * 1000


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    lexicon = load_lexicon()
    mails = [reply_of(number) for number in range(20)]
    floor = milliseconds(lambda: [message_from_bytes(mail, policy=default) for mail in mails], len(mails), rounds)
    print(f"policy.default: {floor:.2f} ms for a reply of {len(mails[0])} bytes")
    for code in LANGUAGES:
        messages = replies(code)
        spent = milliseconds(lambda ms=messages: [read_reply(m, EVENT, lexicon) for m in ms], len(messages), rounds)
        words = sum(len(m.own_words.text.split()) for m in messages) // len(messages)
        print(f"{code:4} {spent:.2f} ms for {words} words   {spent / floor:.2f} of policy.default")
    loads = [float(subprocess.check_output([sys.executable, "-c", LOAD])) for _ in range(3)]
    print(f"loading all languages: {min(loads):.2f} s")
    long = message_of(
        {"id": "long", "body": "Wir kommen mit drei Personen, wenn es geht. " * 2300, "gold": {"kind": "rsvp"}}
    )
    print(f"100 KB of text: {milliseconds(lambda: read_reply(long, EVENT, lexicon), 1, 3) / 1000:.2f} s")


if __name__ == "__main__":
    main()
