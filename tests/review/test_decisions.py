"""What people decide: stored, told, undone, never overwritten."""

from __future__ import annotations

import pytest

from rsvp_mailer.domain import Attendance
from rsvp_mailer.review.decisions import (
    Accept,
    AnsweredByHand,
    AskBack,
    Correct,
    Dismiss,
    Merge,
    Part,
    Split,
)
from rsvp_mailer.review.stated import Overtaken, ReviewError, Stated
from rsvp_mailer.store.tables import mail, outgoing, review

ANNA = "anna.berg@verein.example"
BEN = {"sender": "ben.tal@verein.example", "name": "Ben Tal"}
YES, NO, MAYBE = Attendance.YES, Attendance.NO, Attendance.MAYBE
GROUP = "Wir kommen mit 20 Personen."  # held: a large group


def states(bureau):
    return [row.state for row in bureau.rows(outgoing)]


def test_a_confirmation_waits_the_grace_period_and_undo_stops_it(bureau):
    item = bureau.held(GROUP)
    decided = bureau.queue.decide(item, Accept(), "Karl")
    assert [letter.recipient for letter in decided.letters] == [ANNA]
    assert bureau.present() == {ANNA: (YES, 20)}
    assert bureau.send_due() == []
    reopened = bureau.queue.undo(item, "Karl")
    assert reopened.item.id == item
    assert reopened.item.closed_at is None
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == []
    assert bureau.present() == {ANNA: (None, None)}


def test_a_confirmation_that_went_is_followed_by_a_correction(bureau):
    item = bureau.held(GROUP)
    bureau.queue.accept(item, "Karl")
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == [ANNA]
    bureau.queue.undo(item, "Karl")
    bureau.queue.correct(item, "Karl", attendance=YES, persons=12)
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == [ANNA]
    assert bureau.present() == {ANNA: (YES, 12)}


def test_what_was_told_is_not_silently_dropped(bureau):
    """Dismissing after a confirmation went out would leave the invitee with a yes that nobody counts."""
    item = bureau.held(GROUP)
    bureau.queue.accept(item, "Karl")
    bureau.time.pass_by(minutes=6)
    bureau.send_due()
    bureau.queue.undo(item, "Karl")
    with pytest.raises(ReviewError) as refused:
        bureau.queue.dismiss(item, "Karl")
    assert refused.value.code == "was_told"
    assert bureau.queue.item(item).item.closed_at is None


def test_the_same_decision_twice_sends_nothing_twice(bureau):
    item = bureau.held(GROUP)
    bureau.queue.accept(item, "Karl")
    bureau.time.pass_by(minutes=6)
    bureau.send_due()
    bureau.queue.undo(item, "Karl")
    bureau.queue.accept(item, "Karl")
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == []


def test_a_late_second_decision_is_told_and_overwrites_nothing(bureau):
    item = bureau.held(GROUP)
    seen = bureau.queue.item(item).version
    bureau.queue.decide(item, Accept(), "Karl", seen)
    with pytest.raises(Overtaken) as late:
        bureau.queue.decide(item, Correct(Stated(NO)), "Ada", seen)
    assert late.value.code == "decided_already"
    assert bureau.present() == {ANNA: (YES, 20)}
    assert bureau.queue.item(item).ruling.by == "Karl"


def test_a_page_is_stale_when_the_sender_wrote_again(bureau):
    item = bureau.held(GROUP)
    seen = bureau.queue.item(item).version
    bureau.mail("Korrektur: wir kommen doch nur zu zweit.")
    with pytest.raises(Overtaken) as stale:
        bureau.queue.decide(item, Accept(), "Karl", seen)
    assert stale.value.code == "changed_meanwhile"
    assert bureau.present() == {ANNA: (YES, 2)}


def test_looking_changes_no_version(bureau):
    item = bureau.held(GROUP)
    seen = bureau.queue.item(item)
    bureau.queue.claim(seen, "Ada")
    bureau.queue.decide(item, Accept(), "Karl", seen.version)


def test_who_works_on_an_item_is_seen_until_the_lease_ends(bureau):
    item = bureau.held(GROUP)
    bureau.queue.claim(bureau.queue.item(item), "Ada")
    bureau.queue.claim(bureau.queue.item(item), "Karl")
    assert bureau.queue.item(item).item.worked_on_by(bureau.time.now()) == "Ada"
    bureau.time.pass_by(minutes=6)
    assert bureau.queue.item(item).item.worked_on_by(bureau.time.now()) is None
    bureau.queue.claim(bureau.queue.item(item), "Karl")
    assert bureau.queue.item(item).item.worked_on_by(bureau.time.now()) == "Karl"


def test_all_that_can_be_said_about_an_answer(bureau):
    item = bureau.held(GROUP)
    stated = Stated(MAYBE, 4, name="Anna B.", people=("Cem Ak",), interpreter=("ar",), arrival="17.30", departure="")
    bureau.queue.decide(item, Correct(stated, "rief an"), "Karl")
    with bureau.app.store.reading() as tx:
        stored = tx.answers.present(ANNA, "konferenz").answer
    assert (stored.attendance, stored.party_size, stored.name, stored.people) == (MAYBE, 4, "Anna B.", ("Cem Ak",))
    assert (stored.interpreter, stored.arrival, stored.departure) == (("ar",), "17:30", None)
    assert bureau.queue.item(item).ruling.note == "rief an"


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        (Stated(YES), "persons_missing"),
        (Stated(YES, 0), "persons_range"),
        (Stated(YES, 501), "persons_range"),
        (Stated(NO, 2), "no_has_no_persons"),
        (Stated(YES, 2, arrival="halb sechs"), "clock"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(bureau, stated, code):
    item = bureau.held(GROUP)
    with pytest.raises(ReviewError) as refused:
        bureau.queue.decide(item, Correct(stated), "Karl")
    assert refused.value.code == code
    assert bureau.queue.item(item).item.closed_at is None
    assert bureau.present() == {}


def test_answered_by_hand_stores_and_sends_nothing_and_later_changes_are_told(bureau):
    item = bureau.held(GROUP)
    assert bureau.queue.decide(item, AnsweredByHand(Stated(YES, 18)), "Karl").letters == ()
    assert bureau.present() == {ANNA: (YES, 18)}
    bureau.time.pass_by(hours=1)
    assert bureau.send_due() == []
    bureau.mail("Leider müssen wir alle absagen, wir können nicht kommen.")
    assert bureau.send_due() == [ANNA]
    bureau.mail("Korrektur: wir kommen doch, zu zweit.")
    assert bureau.send_due() == [ANNA]


def test_undoing_what_was_answered_by_hand_tells_nothing(bureau):
    bureau.mail("Wir kommen zu dritt.")
    bureau.send_due()
    item = bureau.held(GROUP)
    bureau.queue.decide(item, AnsweredByHand(Stated(YES, 18)), "Karl")
    bureau.queue.undo(item, "Karl")
    bureau.time.pass_by(hours=1)
    assert bureau.send_due() == []
    assert bureau.present() == {ANNA: (YES, 3)}


def test_no_answer_to_the_invitation(bureau):
    item = bureau.held(GROUP)
    assert bureau.queue.decide(item, Dismiss("gehört zu etwas anderem"), "Karl").letters == ()
    assert bureau.present() == {}
    assert [row.state for row in bureau.rows(mail)] == ["recorded"]
    bureau.queue.undo(item, "Karl")
    assert [row.state for row in bureau.rows(mail)] == ["held"]


def test_asking_back_waits_and_a_clear_reply_closes_the_item(bureau):
    item = bureau.held("Danke für die Einladung!", subject="Re: Einladung zur Konferenz")
    decided = bureau.queue.decide(item, AskBack("Liebe Frau Berg,\n\nkommen Sie?"), "Karl")
    assert decided.letters[0].subject == "Re: Einladung zur Konferenz"
    asked = bureau.queue.item(item).item
    assert asked.closed_at is None
    assert asked.due_at is not None
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == [ANNA]
    bureau.mail("Ja, wir kommen zu dritt.")
    assert bureau.queue.item(item).item.closed_at is not None
    assert bureau.present() == {ANNA: (YES, 3)}


def test_asking_back_is_undone_before_it_goes(bureau):
    item = bureau.held("Danke für die Einladung!")
    bureau.queue.decide(item, AskBack("Kommen Sie?"), "Karl")
    bureau.queue.undo(item, "Karl")
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == []
    assert bureau.queue.item(item).item.due_at is None


def test_a_question_can_be_decided_while_it_waits(bureau):
    item = bureau.held("Danke für die Einladung!")
    bureau.queue.decide(item, AskBack("Kommen Sie?"), "Karl")
    bureau.queue.correct(item, "Karl", attendance=NO, persons=None)
    assert states(bureau) == ["superseded", "waiting"]
    assert bureau.present() == {ANNA: (NO, 0)}


@pytest.mark.parametrize(("text", "code"), [("  ", "text_missing"), ("x" * 5001, "text_long")])
def test_an_empty_or_endless_question_is_refused(bureau, text, code):
    item = bureau.held("Danke für die Einladung!")
    with pytest.raises(ReviewError) as refused:
        bureau.queue.decide(item, AskBack(text), "Karl")
    assert refused.value.code == code
    assert bureau.queue.item(item).ruling is None


def test_the_same_group_is_counted_once_and_both_are_told(bureau):
    bureau.mail("Wir kommen zu viert.")
    item = bureau.held("Wir kommen gerne.", **BEN)
    decided = bureau.queue.decide(item, Merge(ANNA), "Karl")
    assert bureau.present() == {ANNA: (YES, 4), BEN["sender"]: (YES, 4)}
    assert bureau.certain() == 4
    assert [letter.recipient for letter in decided.letters] == [BEN["sender"]]
    bureau.queue.undo(item, "Karl")
    assert bureau.present()[BEN["sender"]] == (None, None)


def test_a_member_of_a_group_who_says_something_else_is_looked_at(bureau):
    bureau.mail("Wir kommen zu viert.")
    item = bureau.held("Wir kommen gerne.", **BEN)
    bureau.queue.decide(item, Merge(ANNA), "Karl")
    again = bureau.held("Leider können wir alle nicht kommen.", **BEN)
    assert "several_senders" in bureau.queue.item(again).item.reasons
    assert bureau.certain() == 4


def test_groups_cannot_be_merged_in_circles_or_with_nobody(bureau):
    bureau.mail("Wir kommen zu viert.")
    bureau.mail("Wir kommen zu dritt.", **BEN)
    bureau.book.merge("Karl", BEN["sender"], ANNA)
    assert bureau.certain() == 4
    for person, into in ((ANNA, BEN["sender"]), (ANNA, ANNA), (ANNA, "niemand@verein.example")):
        with pytest.raises(ReviewError):
            bureau.book.merge("Karl", person, into)
    assert bureau.certain() == 4


def test_an_answer_that_counts_another_one_is_not_undone_under_it(bureau):
    first = bureau.held(GROUP)
    bureau.queue.accept(first, "Karl")
    bureau.mail("Wir kommen zu dritt.", **BEN)
    merged = bureau.book.merge("Karl", BEN["sender"], ANNA)
    with pytest.raises(ReviewError) as refused:
        bureau.queue.undo(first, "Karl")
    assert refused.value.code == "counts_others"
    bureau.queue.undo_entry(merged.ruling, "Karl")
    bureau.queue.undo(first, "Karl")
    assert bureau.certain() == 3


def test_one_mail_becomes_several_answers_and_undo_takes_all_back(bureau):
    item = bureau.held(GROUP)
    parts = (Part("Cem Ak", Stated(YES, 1), "cem.ak@verein.example"), Part("Verein B", Stated(YES, 3)))
    decided = bureau.queue.decide(item, Split(None, parts), "Karl")
    assert [letter.recipient for letter in decided.letters] == ["cem.ak@verein.example"]
    assert bureau.certain() == 4
    assert bureau.queue.item(item).item.closed_at is not None
    bureau.queue.undo(item, "Karl")
    assert bureau.certain() == 0
    assert bureau.queue.item(item).item.closed_at is None
    bureau.time.pass_by(minutes=6)
    assert bureau.send_due() == []


def test_a_split_keeps_the_senders_own_part(bureau):
    item = bureau.held(GROUP)
    bureau.queue.decide(item, Split(Stated(YES, 5), (Part("Verein B", Stated(YES, 15)),)), "Karl")
    assert bureau.present()[ANNA] == (YES, 5)
    assert bureau.certain() == 20


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((Part("Verein B", Stated(YES, 3)),), "one_part"),
        ((Part("A", Stated(YES, 3)), Part("", Stated(YES, 3))), "name_missing"),
        ((Part("A", Stated(YES, 3)), Part("B", Stated(YES, 1), ANNA)), "own_address"),
        ((Part("A", Stated(YES, 3)), Part("B", Stated(YES, 1), "b at example")), "address"),
    ],
)
def test_a_split_that_cannot_be_stores_no_part(bureau, parts, code):
    item = bureau.held(GROUP)
    with pytest.raises(ReviewError) as refused:
        bureau.queue.decide(item, Split(None, parts), "Karl")
    assert refused.value.code == code
    assert bureau.present() == {}


def test_a_preview_shows_the_mail_to_the_letter_and_writes_nothing(bureau):
    item = bureau.held(GROUP)
    (letter,) = bureau.queue.preview(item, Accept(), "Karl")
    assert letter.recipient == ANNA
    assert "20" in letter.text
    assert letter.attachments
    assert bureau.rows(outgoing) == []
    assert bureau.queue.item(item).item.closed_at is None
    (no,) = bureau.queue.preview(item, Correct(Stated(NO)), "Karl")
    assert no.text != letter.text


def test_mails_of_ours_that_wait_or_failed_are_decided_and_undone(bureau):
    bureau.mail("Wir kommen zu dritt.")
    with bureau.app.store.writing() as tx:
        (row,) = tx.connection.execute(outgoing.select())
        tx.sendings.change(row.id, state="failed")
        item = tx.reviews.open("undelivered", (), now=bureau.time.now(), outgoing_id=row.id, mail_id=row.mail_id)
    bureau.queue.accept(item, "Karl")
    assert states(bureau) == ["waiting"]
    bureau.queue.undo(item, "Karl")
    assert states(bureau) == ["failed"]
    bureau.queue.accept(item, "Karl")
    bureau.time.pass_by(minutes=6)
    bureau.send_due()
    with pytest.raises(Overtaken) as gone:
        bureau.queue.undo(item, "Karl")
    assert gone.value.code == "sent_already"


def test_a_failed_mail_told_otherwise_is_undone(bureau):
    bureau.mail("Wir kommen zu dritt.")
    with bureau.app.store.writing() as tx:
        (row,) = tx.connection.execute(outgoing.select())
        tx.sendings.change(row.id, state="failed")
        item = tx.reviews.open("undelivered", (), now=bureau.time.now(), outgoing_id=row.id, mail_id=row.mail_id)
    bureau.queue.dismiss(item, "Karl")
    assert [row.closed_by for row in bureau.rows(review)] == ["Karl"]
    assert bureau.queue.undo(item, "Karl").item.closed_at is None


def test_an_unknown_item_and_nothing_to_undo(bureau):
    with pytest.raises(ReviewError, match="there is no item 7"):
        bureau.queue.accept(7, "Karl")
    item = bureau.held(GROUP)
    with pytest.raises(ReviewError) as nothing:
        bureau.queue.undo(item, "Karl")
    assert nothing.value.code == "nothing_to_undo"
