"""Promise 8: never a wrong confirmation rather than a review.

Every automatic decision can show the words it rests on; a number, person or negation in the decisive sentence which
no rule explains means review.
"""

from __future__ import annotations

from office import reply
from scenes import at_work, figures, open_items, persons, received, rows, text_of, to_invitees

from rsvp_mailer.domain import Attendance
from rsvp_mailer.store.tables import mail

CLEAR = {
    "Ich komme gern mit zwei Kolleginnen.": ("yes", 3),
    "Wir kommen zu viert.": ("yes", 4),
    "Leider muss ich absagen.": ("no", 0),
    "Ich kann leider nicht kommen, wünsche aber viel Erfolg.": ("no", 0),
    "Vielleicht komme ich.": ("maybe", 1),
    "I would love to come, there will be three of us.": ("yes", 3),
    "Unfortunately I cannot attend.": ("no", 0),
}
# What a careful colleague would not decide alone, and one reason that must be among those given.
DOUBTFUL = {
    "Ich komme mit 3 oder 4 Personen.": "party_size_approximate",
    "Wir kommen zu zweit mit 3 Personen.": "contradiction",
    "Wir kommen mit 40 Personen.": "party_size_large",
    "Ich komme am 15.11. gern.": "other_date",
    "Eine Person mehr als gemeldet.": "needs_history",
    "Ich komme gern. Ich komme nicht.": "contradiction",
    "Ich komme nicht nicht.": "attendance_unclear",
    "Danke für die Einladung!": "attendance_unclear",
    "Kann man dort parken?": "question_only",
    "Katılıyorum, iki kişi geliyoruz.": "unsupported_language",
}


def address(number):
    return f"gast{number}@verein.example"


def ask(account, texts):
    """One mail for each text, each from somebody else."""
    account.append_all([reply(text, sender=address(n), name=f"Gast {n}") for n, text in enumerate(texts)])


def test_promise_08_every_automatic_answer_shows_the_words_it_rests_on(office, account, smtp_server):
    """Evidence is kept with the mail, points at the very words, and names the rule."""
    ask(account, CLEAR)
    office.poll()
    assert persons(office) == {address(n): expected for n, expected in enumerate(CLEAR.values())}
    for row in rows(office, mail):
        assert row.state == "recorded"
        fields = set()
        for evidence in row.reading["evidence"]:
            assert evidence["rule"]
            source = row.own_words if evidence["source"] == "reply_text" else row.subject
            assert source[evidence["start"] : evidence["end"]] == evidence["text"] != ""
            fields.add(evidence["field"])
        assert "attendance" in fields, row.own_words
        if row.reading["size_stated"] and row.reading["attendance"] == "yes":
            assert "party_size" in fields, row.own_words
    assert len(received(smtp_server)) == len(CLEAR)


def test_promise_08_what_is_in_doubt_waits_and_no_result_is_claimed(office, account, smtp_server):
    """Residue of numbers and negations, other days, other languages: a person decides, nobody is confirmed."""
    ask(account, DOUBTFUL)
    office.poll()
    reasons = {row.mail_id: row.reasons for row in open_items(office)}
    found = {row.own_words.strip(): reasons.get(row.id, [row.state]) for row in rows(office, mail)}
    assert {text: wanted in found[text] for text, wanted in DOUBTFUL.items()} == dict.fromkeys(DOUBTFUL, True), found
    assert persons(office) == {}
    assert to_invitees(office) == []
    assert received(smtp_server) == []
    assert figures(office).head_count.certain == 0


def test_promise_08_a_missing_number_is_asked_for_once(office, account, smtp_server):
    """The one mail that goes out although the item waits claims no result; the number completes it."""
    account.append(reply("Wir kommen gerne."))
    office.poll()
    (question,) = received(smtp_server)
    assert "angemeldet" not in text_of(question)
    assert persons(office) == {}
    account.append(reply("Wir kommen wirklich gerne.", in_reply_to=question.message["Message-ID"]))
    office.poll()
    assert len(received(smtp_server)) == 1
    account.append(reply("Zu dritt.", in_reply_to=question.message["Message-ID"]))
    office.poll()
    assert persons(office) == {"anna.berg@verein.example": ("yes", 3)}
    assert "3 Personen" in text_of(received(smtp_server)[1])


def test_promise_08_a_decision_of_staff_is_told_as_it_was_taken(office, account, smtp_server):
    """The suggestion is only a suggestion: what is confirmed is what the person decided."""
    account.append(reply("Ich komme mit 3 oder 4 Personen."))
    office.poll()
    (item,) = open_items(office)
    with at_work(office) as work:
        assert work.queue.item(item.id).suggestion.party_size in {4, 5}
        work.queue.correct(item.id, "chef", attendance=Attendance.YES, persons=3)
    office.send_due()
    (sent,) = received(smtp_server)
    assert "3 Personen" in text_of(sent)
    assert "4 Personen" not in text_of(sent)
