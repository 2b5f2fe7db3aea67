"""The queue and the guest list as they are looked at: piles, pages, search, history, proposals."""

from __future__ import annotations

import pytest

from rsvp_mailer.domain import Attendance
from rsvp_mailer.review.decisions import AskBack
from rsvp_mailer.review.stated import Overtaken, ReviewError, Stated
from rsvp_mailer.store.guest_list import Wanted
from rsvp_mailer.store.guests import full_name, sort_key

YES, NO, MAYBE = Attendance.YES, Attendance.NO, Attendance.MAYBE
GROUP = "Wir kommen mit 20 Personen."


def who(name, domain="verein.example"):
    return {"name": name, "sender": f"{name.lower().replace(' ', '.')}@{domain}"}


def names(page):
    return [guest.answer.name for guest in page.guests]


def enter(bureau, name, attendance=YES, persons=1, **stated):
    """By telephone."""
    persons = None if attendance is NO else persons
    return bureau.book.enter("Karl", Stated(attendance, persons, name=name, **stated), channel="telephone")


def test_the_queue_is_oldest_first_in_piles_and_pages(bureau):
    large = [bureau.held(GROUP, **who(f"Gast {letter}")) for letter in "ABC"]
    unclear = bureau.held("Danke für die Einladung!", **who("Dana Ro"))
    piles, listed = bureau.queue.page(limit=10)
    assert [(pile.topic, pile.count) for pile in piles] == [("party_size_large", 3), ("attendance_unclear", 1)]
    assert [each.item.id for each in listed] == [*large, unclear]
    assert listed[0].sender_name == "Gast A"
    assert listed[0].own_words == GROUP
    assert listed[0].suggestion.party_size == 20
    assert [each.item.id for each in bureau.queue.page(limit=2, offset=2)[1]] == [large[2], unclear]
    assert [each.item.id for each in bureau.queue.page(topic="attendance_unclear", limit=9)[1]] == [unclear]


def test_what_waits_for_a_reply_comes_last_and_then_first(bureau):
    asked = bureau.held("Danke für die Einladung!", **who("Dana Ro"))
    other = bureau.held(GROUP)
    bureau.queue.decide(asked, AskBack("Kommen Sie?"), "Karl")
    assert [each.item.id for each in bureau.queue.page(limit=9)[1]] == [other, asked]
    bureau.time.pass_by(days=5)
    assert [each.item.id for each in bureau.queue.page(limit=9)[1]] == [asked, other]
    assert bureau.queue.neighbours(bureau.queue.item(asked)) == (None, other)
    assert bureau.queue.neighbours(bureau.queue.item(other)) == (asked, None)


def test_neighbours_of_an_item_that_was_just_decided(bureau):
    items = [bureau.held(GROUP, **who(f"Gast {letter}")) for letter in "ABC"]
    before = bureau.queue.item(items[1])
    bureau.queue.accept(items[1], "Karl")
    assert bureau.queue.neighbours(before) == (items[0], items[2])


@pytest.mark.parametrize(
    ("name", "key"),
    [("Anna Berg", "berg, anna"), ("Frau Dr. Anna Berg", "berg, anna"), ("Berg, Anna", "berg, anna"), ("", "x@y")],
)
def test_names_are_sorted_by_the_family_name(name, key):
    assert sort_key(name, "x@y") == key


def test_a_first_name_alone_is_nobodys_name():
    assert full_name("Anna") == full_name("Frau Berg") == ""
    assert full_name("Berg, Anna") == full_name("anna BERG") == "anna berg"


def test_pages_of_guests_go_forth_and_back(bureau):
    for name in ("Dana Adler", "Anna Berg", "Cem Celik", "Eva Dorn", "Ben Ernst"):
        enter(bureau, name)
    first = bureau.book.page(Wanted(), limit=2)
    assert (names(first), first.before, first.count) == (["Dana Adler", "Anna Berg"], None, 5)
    second = bureau.book.page(Wanted(), limit=2, after=first.after)
    assert names(second) == ["Cem Celik", "Eva Dorn"]
    third = bureau.book.page(Wanted(), limit=2, after=second.after)
    assert (names(third), third.after) == (["Ben Ernst"], None)
    assert names(bureau.book.page(Wanted(), limit=2, before=third.before)) == ["Cem Celik", "Eva Dorn"]
    back = bureau.book.page(Wanted(), limit=2, before=second.before)
    assert (names(back), back.before) == (["Dana Adler", "Anna Berg"], None)


def test_filters_and_search(bureau):
    enter(bureau, "Jörg Müller", interpreter=("ar",))
    enter(bureau, "Zoë Şahin", MAYBE, people=("Ali Çelik",))
    enter(bureau, "Eva Dorn", NO)
    bureau.mail("I would love to come. Is there vegetarian food? I am vegetarian.", **who("John Doe", "firm.example"))
    found = {
        Wanted(attendance="maybe"): ["Zoë Şahin"],
        Wanted(attendance="no"): ["Eva Dorn"],
        Wanted(language="en"): ["John Doe"],
        Wanted(interpreter="ar"): ["Jörg Müller"],
        Wanted(tag="diet"): ["John Doe"],
        Wanted(text="mull"): ["Jörg Müller"],
        Wanted(text="MUELLER jo"): ["Jörg Müller"],
        Wanted(text="celik"): ["Zoë Şahin"],
        Wanted(text="firm doe"): ["John Doe"],
        Wanted(text="ahin"): [],
        Wanted(text="müller", attendance="no"): [],
        Wanted(undelivered=True): [],
        Wanted(attendance="none"): [],
        Wanted(text="%'\"--"): ["John Doe", "Eva Dorn", "Jörg Müller", "Zoë Şahin"],
    }
    assert {wanted: names(bureau.book.page(wanted, limit=9)) for wanted in found} == found


def test_undelivered_mail_shows_in_the_list(bureau):
    bureau.mail("Wir kommen zu dritt.")
    with bureau.app.store.writing() as tx:
        (sending,) = tx.sendings.of_person("anna.berg@verein.example", "konferenz")
        tx.sendings.change(sending.id, state="failed")
        tx.reviews.open("undelivered", (), now=bureau.time.now(), outgoing_id=sending.id)
    (guest,) = bureau.book.page(Wanted(undelivered=True), limit=9).guests
    assert guest.undelivered


def test_the_list_follows_the_answers(bureau):
    bureau.mail("Wir kommen zu dritt.")
    bureau.mail("Korrektur: leider können wir alle nicht kommen.")
    assert names(bureau.book.page(Wanted(attendance="yes"), limit=9)) == []
    assert names(bureau.book.page(Wanted(attendance="no"), limit=9)) == ["Anna Berg"]


def test_an_entry_by_telephone_carries_the_clerks_name_and_can_be_undone(bureau):
    stated = Stated(YES, 3, name="Eva Dorn", interpreter=("fa",))
    entered = bureau.book.enter("Karl", stated, channel="paper", address="Eva@Verein.example", note="kam mit der Post")
    assert entered.guest.person == "eva@verein.example"
    assert [letter.recipient for letter in entered.letters] == ["eva@verein.example"]
    record = bureau.book.record(entered.guest.id)
    (ruling,) = [each.ruling for each in record.history if each.kind == "ruling"]
    assert (ruling.by, ruling.verdict, ruling.note) == ("Karl", "paper", "kam mit der Post")
    bureau.queue.undo_entry(entered.ruling, "Ada")
    assert bureau.certain() == 0
    assert [each.undone for each in bureau.book.record(entered.guest.id).history if each.ruling] == [True, False]


def test_an_address_that_answered_before_is_not_entered_twice(bureau):
    bureau.mail("Wir kommen zu dritt.")
    with pytest.raises(ReviewError) as known:
        stated = Stated(YES, 1, name="A. Berg")
        bureau.book.enter("Karl", stated, channel="telephone", address="anna.berg@verein.example")
    assert known.value.code == "known_address"
    assert bureau.certain() == 3


def test_a_change_by_telephone_goes_into_the_thread(bureau):
    bureau.mail("Wir kommen zu dritt.")
    bureau.send_due()
    (guest,) = bureau.book.page(Wanted(), limit=9).guests
    version = bureau.book.record(guest.id).version
    entered = bureau.book.change("Karl", guest.id, Stated(YES, 5), channel="telephone", version=version)
    assert entered.letters[0].subject == "Re: Einladung zur Konferenz"
    assert bureau.certain() == 5
    with pytest.raises(Overtaken):
        bureau.book.change("Ada", guest.id, Stated(NO), channel="telephone", version=version)


def test_a_change_that_was_told_by_hand_sends_nothing(bureau):
    bureau.mail("Wir kommen zu dritt.")
    bureau.send_due()
    (guest,) = bureau.book.page(Wanted(), limit=9).guests
    assert bureau.book.change("Karl", guest.id, Stated(YES, 5), channel="answered").letters == ()


@pytest.mark.parametrize(
    ("values", "code"),
    [({"name": " "}, "name_missing"), ({"address": "kein at"}, "address"), ({"channel": "fax"}, "channel")],
)
def test_entries_that_cannot_be(bureau, values, code):
    stated = Stated(YES, 1, name=values.get("name", "Eva Dorn"))
    with pytest.raises(ReviewError) as refused:
        rest = {"channel": "telephone", **{key: value for key, value in values.items() if key != "name"}}
        bureau.book.enter("Karl", stated, **rest)
    assert refused.value.code == code
    assert bureau.certain() == 0


def test_the_history_tells_mails_decisions_and_mails_of_ours_in_order(bureau):
    bureau.mail("Wir kommen zu dritt.")
    bureau.send_due()
    bureau.time.pass_by(seconds=2)
    item = bureau.held("Wir kommen nun mit 20 Personen.")
    bureau.queue.accept(item, "Karl")
    (guest,) = bureau.book.page(Wanted(), limit=9).guests
    kinds = [each.kind for each in bureau.book.record(guest.id).history]
    assert kinds == ["mail", "answer", "sending", "mail", "ruling", "answer", "sending"]


def test_the_same_name_or_group_is_proposed_once_and_never_merged_by_itself(bureau):
    bureau.mail("Wir kommen zu dritt.", **who("Anna Berg"))
    bureau.mail("Wir kommen zu dritt.", **who("Berg Anna", "privat.example"))
    enter(bureau, "Eva Dorn", people=("Berg, Anna",))
    found = bureau.book.twins()
    assert [(twin.first.answer.name, twin.second.answer.name) for twin in found] == [
        ("Anna Berg", "Berg Anna"),
        ("Anna Berg", "Eva Dorn"),
        ("Berg Anna", "Eva Dorn"),
    ]
    assert bureau.certain() == 7
    bureau.book.keep_apart("Karl", found[1].id)
    assert len(bureau.book.twins()) == 2
    bureau.book.propose_again(found[1].id)
    merged = bureau.book.merge("Karl", found[0].second.person, found[0].first.person)
    assert bureau.certain() == 4
    assert [twin.id for twin in bureau.book.twins()] == [found[1].id]
    bureau.queue.undo_entry(merged.ruling, "Karl")
    assert bureau.certain() == 7
    assert len(bureau.book.twins()) == 3


def test_who_declines_is_no_double(bureau):
    bureau.mail("Wir kommen zu dritt.", **who("Anna Berg"))
    bureau.mail("Wir können leider nicht kommen.", **who("Berg Anna", "privat.example"))
    assert bureau.book.twins() == []
