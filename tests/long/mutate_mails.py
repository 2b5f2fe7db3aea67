"""Read mutated mails and report: ``mutate_mails.py TESTS COUNT SEED`` prints one JSON object."""

import importlib.util
import json
import random
import resource
import sys
import time
from pathlib import Path

from rsvp_mailer.domain import Message, RawMail
from rsvp_mailer.message.parse import parse_message

tests, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
spec = importlib.util.spec_from_file_location("facts", tests / "message" / "conftest.py")
facts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(facts)
event, identity = facts.conference(), facts.mailbox()
seeds = [path.read_bytes() for path in sorted((tests / "messages").rglob("*.eml"))]
dice = random.Random(seed)
SPLICES = [
    *(
        b"\r\n",
        b"--",
        b"> ",
        b"<div>",
        b"<blockquote type=cite>",
        b"=?utf-8?q?",
        b"charset=utf-16",
        b"\x00",
        b"\xff\xfe",
    ),
    *(b"Content-Type: multipart/mixed; boundary=x", b"Content-Transfer-Encoding: base64", b"Von: ", b"BEGIN:VEVENT"),
    b"\xff\xfe",
    *(b"&#1234567890;", b";" * 50),
]


def cut(raw):
    at = dice.randrange(len(raw))
    return raw[:at] + raw[at + dice.randrange(1, 200) :]


def flip(raw):
    octets = bytearray(raw)
    for _ in range(dice.randrange(1, 30)):
        octets[dice.randrange(len(octets))] = dice.randrange(256)
    return bytes(octets)


def splice(raw):
    at = dice.randrange(len(raw))
    return raw[:at] + dice.choice(SPLICES) * dice.choice((1, 1, 2, 40)) + raw[at:]


def cross(raw):
    other = dice.choice(seeds)
    return raw[: dice.randrange(len(raw))] + other[dice.randrange(len(other)) :]


def repeat(raw):
    at = dice.randrange(len(raw))
    piece = raw[at : at + dice.randrange(1, 300)]
    return raw[:at] + piece * dice.randrange(2, 20) + raw[at:]


def shuffle(raw):
    lines = raw.split(b"\n")
    at = dice.randrange(len(lines))
    part = lines[at : at + 12]
    dice.shuffle(part)
    lines[at : at + 12] = part
    return b"\n".join(lines)


parse_message(RawMail(seeds[0]), event, identity)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
slowest, damaged = 0.0, 0
for number in range(count):
    raw = dice.choice(seeds)
    for _ in range(dice.randrange(1, 5)):
        raw = dice.choice((cut, flip, splice, cross, repeat, shuffle))(raw or b"x")
    start = time.process_time()
    try:
        message = parse_message(RawMail(raw), event, identity)
        assert isinstance(message, Message)
        damaged += message.unreadable == "damaged"
    except Exception as error:
        print(json.dumps({"crash": repr(error)[:300], "number": number, "raw": raw.hex()[:20000]}))
        sys.exit(1)
    slowest = max(slowest, time.process_time() - start)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"slowest_s": slowest, "grown_kb": grown, "damaged": damaged}))
