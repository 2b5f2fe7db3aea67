"""Promise 9: balance.

seen = recorded (answer, change, nothing new, Steckbrief, dismissed) + in review + ignored by reason + set aside:
disjoint, checked at each poll, printed by ``status`` and in the digest. Head count: certain = sizes of yes; maybe and
held suggestions apart; an unknown size counts 1 and is named.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from office import reply
from scenes import at_work, balance, digests, figures, open_items, states, text_of, to_invitees
from sqlalchemy import update

import rsvp_mailer.intake
from rsvp_mailer import operate
from rsvp_mailer.domain import Attendance, Kind
from rsvp_mailer.store.tables import cursor

PRIVATE = reply("Die Waschmaschine ist repariert.", sender="karin@freunde.example", subject="Haus", in_reply_to=None)


def guest(number, words):
    return reply(words, sender=f"gast{number}@verein.example", name=f"Gast {number}")


def counted(office):
    found = balance(office)
    return found.seen, found.recorded, found.in_review, found.ignored, found.set_aside


def test_promise_09_the_books_are_right_after_every_step(each_office, account, owner, smtp_server, monkeypatch):
    """Polls, decisions of every kind, undo, second readings, a folder made anew: the sum is always what was seen."""
    office = each_office
    office.tables["mailboxes"]["folder"] = "Antworten"
    owner.create("Antworten")
    raws = [
        guest(1, "Wir kommen zu dritt."),
        guest(2, "Wann beginnt es?"),
        guest(3, "Wir kommen gern, ungefähr 5 Personen."),
        PRIVATE,
        guest(5, "GIFT"),
        guest(1, "Korrektur: wir kommen doch zu viert."),
        guest(1, "Wir kommen zu viert."),
    ]
    account.append_all([*raws, raws[0]], folder="Antworten")
    parse = rsvp_mailer.intake.parse_message

    def parse_or_raise(raw_mail, *arguments):
        if b"GIFT" in raw_mail.raw:
            raise ValueError
        return parse(raw_mail, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(rsvp_mailer.intake, "parse_message", parse_or_raise)
        office.poll()
    assert counted(office) == (8, 3, 2, 2, 1)
    question, rough, poison = open_items(office)
    with at_work(office) as work:
        queue = work.queue
        for step, expected in [
            (lambda: queue.dismiss(question.id, "chef"), (8, 4, 1, 2, 1)),
            (lambda: queue.accept(rough.id, "chef"), (8, 5, 0, 2, 1)),
            (lambda: queue.undo(rough.id, "chef"), (8, 4, 1, 2, 1)),
            (lambda: queue.undo(question.id, "chef"), (8, 3, 2, 2, 1)),
            (lambda: queue.accept(poison.id, "chef"), (8, 3, 3, 2, 0)),
        ]:
            step()
            assert counted(office) == expected
        # Rules change, and all is read once more: what was an answer may be none, and the other way round.
        read = rsvp_mailer.intake.read_reply
        with monkeypatch.context() as patched:
            patched.setattr(rsvp_mailer.intake, "read_reply", lambda *given: replace(read(*given), kind=Kind.UNRELATED))
            list(operate.reprocess(work.app, uid=2, since=None, apply=False))
            assert counted(office) == (8, 3, 3, 2, 0)
            list(operate.reprocess(work.app, uid=2, since=None, apply=True))
        assert counted(office) == (8, 3, 2, 3, 0)
        list(operate.reprocess(work.app, uid=2, since=None, apply=True))
        assert counted(office) == (8, 3, 3, 2, 0)
    owner.delete("Antworten")
    owner.create("Antworten")
    account.append_all([*reversed(raws), guest(9, "Ich komme.")], folder="Antworten")
    before = len(smtp_server.mails)
    office.poll()
    assert counted(office) == (9, 4, 3, 2, 0)
    assert [sent.recipients[0] for sent in smtp_server.mails[before:]] == ["gast9@verein.example"]


def test_promise_09_head_count(office, account):
    """Certain, maybe and held apart; an unknown size counts one and is named."""
    texts = [
        "Wir kommen zu dritt.",
        "Ich komme gern.",
        "Leider muss ich absagen.",
        "Vielleicht kommen wir zu zweit.",
        "Vielleicht kommen wir.",
        "Wir kommen gern, ungefähr 5 Personen.",
    ]
    account.append_all([guest(number, text) for number, text in enumerate(texts)])
    office.poll()
    count = figures(office).head_count
    assert (count.certain, count.answers_yes) == (4, 2)
    assert (count.maybe, count.answers_maybe, count.unknown_sizes) == (3, 2, 1)
    assert count.answers_no == 1
    assert (count.held_persons, count.held_items) == (5, 1)


def test_promise_09_status_and_digest_print_the_balance(office, account, smtp_server, command):
    """The same figures wherever one looks; a sum that is wrong is shouted, not hidden."""
    account.append_all([guest(1, "Wir kommen zu dritt."), PRIVATE, guest(3, "Wir kommen zu viert.")])
    office.poll()
    status = command(office, "status")
    assert status.status == 0
    assert "3 seen = 2 recorded + 0 in review + 1 ignored + 0 set aside: balanced" in status.out
    assert "7 persons in 2 answers" in status.out
    digest = text_of(digests(smtp_server)[0])
    assert "7 Personen" in digest
    preview = command(office, "digest", "--preview")
    assert preview.status == 0
    for number in ("3", "2", "1"):
        assert number in preview.out
    with office.app() as app, app.store.writing() as tx:
        tx.connection.execute(update(cursor).values(seen=4))
    wrong = command(office, "status")
    assert wrong.status == 1
    assert "DOES NOT ADD UP" in wrong.out


def test_promise_09_a_telephone_answer_is_no_mail(office, command):
    """It counts heads, not mails."""
    assert command(office, "add", "Opa Krause", "yes", "2", "--by", "chef").status == 0
    assert counted(office) == (0, 0, 0, 0, 0)
    assert figures(office).head_count.certain == 2


@pytest.mark.parametrize("attendance", list(Attendance))
def test_promise_09_a_refusal_counts_nobody(office, account, attendance):
    """Each value of attendance moves the one figure that it should."""
    with at_work(office) as work:
        persons = None if attendance is Attendance.NO else 3
        work.queue.add("chef", name="A", address=None, attendance=attendance, persons=persons, new_id=lambda: "a")
    count = figures(office).head_count
    assert (count.certain, count.maybe, count.answers_no) == {
        Attendance.YES: (3, 0, 0),
        Attendance.MAYBE: (0, 3, 0),
        Attendance.NO: (0, 0, 1),
    }[attendance]
    assert to_invitees(office) == []
    assert states(office) == {}
