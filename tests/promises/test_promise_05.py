"""Promise 5: poison stops nobody.

A message that raises is set aside with its attempt count; the other n-1 are processed in the same poll.
"""

from __future__ import annotations

from base64 import b64encode

import pytest
from office import reply
from scenes import at_work, balance, figures, open_items, position, received, rows, states, to_invitees

import rsvp_mailer.intake
from rsvp_mailer.outbox.confirmation import Composer
from rsvp_mailer.review.queue import ReviewError
from rsvp_mailer.store.tables import mail

PEOPLE = {name: f"{name.lower()}@verein.example" for name in ("Anna", "Ben", "Clara", "Dilan", "Emre")}


def poison(monkeypatch, name, address):
    """Let a step of the intake raise for the mail of one person."""
    step = getattr(rsvp_mailer.intake, name)

    def step_or_raise(*arguments, **named):
        if address in repr(arguments[:2]):
            message = f"geheim: {arguments[0]!r}"
            raise RuntimeError(message)
        return step(*arguments, **named)

    monkeypatch.setattr(rsvp_mailer.intake, name, step_or_raise)


@pytest.mark.parametrize("step", ["parse_message", "read_reply", "settle"])
def test_promise_05_the_others_are_processed_in_the_same_poll(office, account, smtp_server, monkeypatch, step):
    """Whatever step a message makes fail, it alone is set aside, and nothing of it is half written."""
    raws = [reply("Ich komme gern.", sender=address, name=name) for name, address in PEOPLE.items()]
    account.append_all(raws)
    with monkeypatch.context() as patched:
        poison(patched, step, PEOPLE["Clara"])
        office.poll()
    assert states(office) == {1: "recorded", 2: "recorded", 3: "set_aside", 4: "recorded", 5: "recorded"}
    assert position(office) == 5
    assert len(received(smtp_server)) == 4
    assert balance(office).set_aside == 1
    bad = rows(office, mail)[2]
    assert bad.attempts == 1
    assert "RuntimeError" in bad.traceback
    assert "geheim" not in bad.traceback
    with office.app() as app, app.store.reading() as tx:
        assert tx.mails.raw(bad.id) == raws[2]
    assert [item.kind for item in open_items(office)] == ["set_aside"]


def test_promise_05_set_aside_can_be_tried_again(office, account, smtp_server, monkeypatch, command):
    """It waits in the queue; another attempt counts, and when the program can read it, it is an answer as any."""
    account.append_all([reply("Wir kommen zu zweit."), reply("Ich komme.", sender=PEOPLE["Ben"], name="Ben")])
    with monkeypatch.context() as patched:
        poison(patched, "read_reply", "anna.berg@")
        office.poll()
    (item,) = open_items(office)
    assert command(office, "status").status == 1
    listed = command(office, "review", "list")
    assert str(item.id) in listed.out
    assert command(office, "review", "show", str(item.id)).status == 0
    with monkeypatch.context() as patched:
        poison(patched, "read_reply", "anna.berg@")
        refused = command(office, "review", "accept", str(item.id))
    assert refused.status == 2
    assert "cannot be processed" in refused.err
    assert rows(office, mail)[0].attempts == 2
    assert balance(office).set_aside == 1
    assert command(office, "review", "accept", str(item.id)).status == 0
    assert states(office) == {1: "recorded", 2: "recorded"}
    assert open_items(office) == []
    office.poll()
    assert sorted(sent.recipients[0] for sent in received(smtp_server)) == ["anna.berg@verein.example", PEOPLE["Ben"]]
    assert balance(office).recorded == 2
    assert command(office, "status").status == 0


def test_promise_05_set_aside_can_be_left(office, account, monkeypatch):
    """A person who has looked dismisses it: it is dealt with, and nobody is written to."""
    account.append(reply("Ich komme."))
    with monkeypatch.context() as patched:
        poison(patched, "parse_message", "anna.berg@")
        office.poll()
    with at_work(office) as work:
        (item,) = work.queue.waiting()
        work.queue.dismiss(item.item.id, "chef")
        with pytest.raises(ReviewError):
            work.queue.accept(item.item.id, "chef")
    assert balance(office).recorded == 1
    assert to_invitees(office) == []


def test_promise_05_a_failing_composer_is_the_message_s_own_affair(office, account, smtp_server, monkeypatch):
    """Even the answer to a message may fail: then that message waits for a person, unconfirmed and uncounted."""
    compose = Composer.confirmation

    def compose_or_raise(self, answer, *arguments, **named):
        if answer.party_size == 2:
            raise ValueError
        return compose(self, answer, *arguments, **named)

    monkeypatch.setattr(Composer, "confirmation", compose_or_raise)
    account.append_all([reply("Wir kommen zu zweit."), reply("Ich komme.", sender=PEOPLE["Ben"], name="Ben")])
    office.poll()
    assert states(office) == {1: "set_aside", 2: "recorded"}
    assert [sent.recipients[0] for sent in received(smtp_server)] == [PEOPLE["Ben"]]
    assert figures(office).head_count.certain == 1


def _nested(depth):
    """Parts within parts within parts."""
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (level, level) for level in range(depth)
    )
    return b"From: tief@verein.example\r\n" + head + b"Content-Type: text/plain\r\n\r\nIch komme.\r\n"


WILD = {
    "nothing": b"\r\n",
    "no_header": b"Ich komme gern.\r\n",
    "binary": bytes(range(1, 256)) * 40 + b"\r\n",
    "nested": _nested(300),
    "unknown_charset": b"From: a@verein.test\r\nContent-Type: text/plain; charset=klingonisch\r\n\r\nJa \xe4\xff\r\n",
    "broken_base64": b"From: b@verein.example\r\nContent-Transfer-Encoding: base64\r\n\r\nSWNo$$$=a\r\n",
    "long_header": b"From: c@verein.example\r\nSubject: " + b"x" * 200_000 + b"\r\n\r\nIch komme.\r\n",
    "many_recipients": b"From: d@verein.example\r\nTo: "
    + b"x@y.example, " * 5_000
    + b"z@y.example\r\n\r\nIch komme.\r\n",
    "bad_date": b"From: e@verein.example\r\nDate: Mon, 99 Foo 20177 99:99:99 +9999\r\n\r\nIch komme.\r\n",
    "encoded_from": b"From: =?utf-8?b?" + b64encode(b"a@b.example, c@d.example") + b"?=\r\n\r\nIch komme.\r\n",
    "null_octets": b"From: f@verein.example\r\nSubject: =?utf-8?q?=00=00?=\r\n\r\nIch =00 komme.\r\n",
    "surrogates": b"From: =?utf-8?q?=ED=A0=80?= <g@verein.test>\r\nSubject: \xed\xa0\x80\r\n\r\nJa \xed\xa0\x80.\r\n",
}


def test_promise_05_wild_octets_stop_nobody(each_office, account, smtp_server):
    """Mail as no client writes it: each is recorded, held, ignored or set aside, and the next is processed."""
    account.append_all([*WILD.values(), reply("Wir kommen zu viert.")])
    each_office.poll()
    found = states(each_office)
    assert len(found) == len(WILD) + 1
    assert found[len(WILD) + 1] == "recorded"
    assert balance(each_office).seen == len(WILD) + 1
    assert "set_aside" not in found.values(), dict(zip(WILD, found.values(), strict=False))
    assert [sent.recipients[0] for sent in received(smtp_server, "anna.berg@verein.example")]


def test_promise_05_a_message_too_large_to_fetch_waits_for_a_person(office, account, smtp_server):
    """Over the limit only the header is taken; a person looks, and the next message is processed."""
    office.tables["limits"]["max_message_bytes"] = 20_000
    account.append_all([reply("Ich komme. " + "la " * 10_000), reply("Ich komme.", sender=PEOPLE["Ben"], name="Ben")])
    office.poll()
    assert states(office) == {1: "held", 2: "recorded"}
    assert open_items(office)[0].reasons == ["unreadable"]
    assert [sent.recipients[0] for sent in received(smtp_server)] == [PEOPLE["Ben"]]
