"""Answers, reasons and decisions in the words of the pages; the stretches of own words that values rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rsvp_mailer.domain import Answer, Evidence
    from rsvp_mailer.review.queue import Item
    from rsvp_mailer.review.web.visit import Visit

INTERPRETERS = ("ar", "ku", "prs", "fa", "fr", "en")


def answer_words(visit: Visit, answer: Answer | None) -> str:
    """An answer in a few words: "Zusage, 3 Personen"."""
    if answer is None or answer.attendance is None:
        return visit.text("answers.none")
    if answer.attendance is Attendance.NO:
        return visit.text("answers.no")
    if answer.party_size is None:
        return visit.text(f"answers.{answer.attendance}_unknown")
    return visit.text(f"answers.{answer.attendance}", count=answer.party_size)


def details_words(visit: Visit, answer: Answer) -> list[str]:
    """Everything beside attendance and number, each in a few words."""
    found = [visit.text("answers.from", time=answer.arrival)] if answer.arrival else []
    found += [visit.text("answers.until", time=answer.departure)] if answer.departure else []
    found += [visit.text("answers.interpreter", language=language_name(visit, code)) for code in answer.interpreter]
    found += [visit.text("answers.people", names=", ".join(answer.people))] if answer.people else []
    return found + [visit.text(f"answers.tag.{tag}") for tag in answer.tags]


def language_name(visit: Visit, code: str) -> str:
    """The name of a language; an unknown one as its code."""
    key = f"answers.language.{code}"
    return visit.text(key) if visit.pages.words(visit.language).knows(key) else code


def act_words(visit: Visit, answer: Answer, *, told: bool) -> str:
    """What a button does: "Zusage für 3 Personen bestätigen"; ``told``: a confirmation goes out."""
    does = "confirm" if told else "store"
    if answer.attendance is Attendance.NO:
        return visit.text(f"queue.act.{does}.no")
    if answer.party_size is None:
        return visit.text(f"queue.act.{does}.{answer.attendance}_unknown")
    return visit.text(f"queue.act.{does}.{answer.attendance}", count=answer.party_size)


def sender_words(visit: Visit, name: str, person: str) -> str:
    """Who wrote: a name, else an address, else that nobody is named."""
    return name or (person if "@" in person else visit.text("queue.no_sender"))


def done_words(visit: Visit, item: Item) -> str:
    """What was decided about an item."""
    ruling = item.ruling
    if ruling is None:
        return visit.text("queue.done.auto")
    answer = answer_words(visit, ruling.answer)
    return visit.text(f"queue.done.{ruling.verdict}", answer=answer)


def marked(words: str, evidence: Iterable[Evidence]) -> list[tuple[str, bool]]:
    """Own words in stretches; true for those that values rest on."""
    spans = sorted((each.start, each.end) for each in evidence if each.source == "reply_text")
    found: list[tuple[str, bool]] = []
    at = 0
    for start, end in spans:
        if end <= at:
            continue
        found += [(words[at : max(at, start)], False), (words[max(at, start) : end], True)]
        at = end
    return [stretch for stretch in [*found, (words[at:], False)] if stretch[0]]
