"""The queue: what waits, one item, a decision, its undoing. Every decision is a plain form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import Answer, Attendance
from rsvp_mailer.review.asking import first_words
from rsvp_mailer.review.decisions import Accept, AnsweredByHand, AskBack, Correct, Dismiss, Merge, Split, base_of
from rsvp_mailer.review.guests import GuestBook, groups
from rsvp_mailer.review.stated import Overtaken, ReviewError
from rsvp_mailer.review.web.mail_view import whole_mail
from rsvp_mailer.review.web.shown import (
    INTERPRETERS,
    act_words,
    answer_words,
    details_words,
    done_words,
    language_name,
    marked,
    sender_words,
)
from rsvp_mailer.review.web.typed import PART_LINES, parts_from, stated_from
from rsvp_mailer.review.web.visit import Refusal, Role
from rsvp_mailer.settle import recipient_of
from rsvp_mailer.store.guest_list import Wanted

if TYPE_CHECKING:
    from starlette.responses import Response

    from rsvp_mailer.review.decisions import Decision
    from rsvp_mailer.review.queue import Item
    from rsvp_mailer.review.rehearsal import Letter
    from rsvp_mailer.review.web.visit import Visit

ROWS = 25
_MOST_GROUPS = 8
_GONE = frozenset({"unknown_item", "unknown_guest"})


def show(visit: Visit) -> Response:
    """What waits, oldest first."""
    topic, page = visit.asked("topic")[:40], _page_number(visit)
    piles, listed = visit.office.queue.page(topic=topic, limit=ROWS, offset=page * ROWS)
    count = sum(pile.count for pile in piles if topic in {"", pile.topic})
    return visit.page(
        "queue.html",
        piles=piles,
        total=sum(pile.count for pile in piles),
        listed=listed,
        topic=topic,
        page_number=page,
        pages=(count + ROWS - 1) // ROWS,
        count=count,
        done=_done(visit),
        **_wording(visit),
    )


def _page_number(visit: Visit) -> int:
    typed = visit.asked("page")
    return min(int(typed), 100_000) if typed.isdecimal() else 0


def _wording(visit: Visit) -> dict[str, Any]:
    """What templates ask about answers."""
    return {
        "answer_words": lambda answer: answer_words(visit, answer),
        "details_words": lambda answer: details_words(visit, answer),
        "act_words": lambda answer, told: act_words(visit, answer, told=told),
        "sender_words": lambda name, person: sender_words(visit, name, person),
        "done_words": lambda item: done_words(visit, item),
        "language_name": lambda code: language_name(visit, code),
    }


def _found(visit: Visit, item_id: int) -> Item:
    try:
        return visit.office.queue.item(item_id)
    except ReviewError as error:
        raise Refusal(404) from error


def _done(visit: Visit) -> Item | None:
    """The item that was decided just now, whose undoing is offered."""
    typed = visit.asked("done")
    if not typed.isdecimal() or len(typed) > 9:
        return None
    try:
        return visit.office.queue.item(int(typed))
    except ReviewError:
        return None


def item(visit: Visit) -> Response:
    """One item, with all that is needed to decide it."""
    found = _found(visit, visit.number("id"))
    if visit.me.role >= Role.CLERK:
        visit.office.queue.claim(found, visit.me.name)
    return _item_page(visit, found)


def _item_page(
    visit: Visit,
    found: Item,
    *,
    fault: ReviewError | None = None,
    overtaken: bool = False,
    preview: tuple[Letter, ...] | None = None,
    status: int = 200,
) -> Response:
    topic = (visit.field("topic") or visit.asked("topic"))[:40]
    before, after = visit.office.queue.neighbours(found, topic)
    worked_on_by = found.item.worked_on_by(visit.office.now())
    return visit.page(
        "item.html",
        status=status,
        found=found,
        stretches=marked(found.mail.own_words or "", found.mail.reading.evidence if found.mail.reading else ())
        if found.mail
        else [],
        to=recipient_of(found.mail, visit.office.queue.desk) if found.mail else None,
        base=base_of(found),
        topic=topic,
        before=before,
        after=after,
        somebody=worked_on_by if worked_on_by != visit.me.name else None,
        may_decide=visit.me.role >= Role.CLERK,
        whole=_whole(visit, found) if visit.asked("mail") else None,
        guest=_book(visit).find(found.person) if found.person else None,
        groups=_groups(visit, found),
        question=visit.field("text") or _first_words(visit, found),
        interpreters=INTERPRETERS,
        lines=range(1, PART_LINES + 1),
        fault=fault,
        overtaken=overtaken,
        preview=preview,
        done=_done(visit),
        typed=_typed(visit, found),
        chosen=visit.field("decision"),
        grace_min=round(visit.office.queue.desk.grace.total_seconds() / 60),
        **_wording(visit),
    )


def _typed(visit: Visit, found: Item) -> dict[str, Any]:
    """What stands in the fields: as typed, else as suggested."""
    answer = found.suggestion or Answer(None, None)
    size = answer.party_size if answer.attendance is not Attendance.NO else None
    suggested = {
        "attendance": answer.attendance.value if answer.attendance else "",
        "persons": "" if size is None else str(size),
        "name": base_of(found).name,
        "people": "\n".join(answer.people),
        "interpreter": list(answer.interpreter),
        "arrival": answer.arrival or "",
        "departure": answer.departure or "",
    }
    typed: dict[str, Any] = {name: visit.field(name) for name in visit.form}
    if visit.field("decision") in {"correct", "answered"}:
        boxes = [str(code) for code in visit.form.getlist("interpreter")]
        return suggested | {"attendance": ""} | typed | {"interpreter": boxes}
    return suggested | typed


def _whole(visit: Visit, found: Item) -> Any:  # noqa: ANN401 - for the template
    if found.mail is None:
        return None
    with visit.office.store.reading() as tx:
        raw = tx.mails.raw(found.mail.id)
    return whole_mail(raw) if raw is not None else None


def _book(visit: Visit) -> GuestBook:
    return GuestBook(visit.office.store, visit.office.queue.desk, visit.office.now)


def _groups(visit: Visit, found: Item) -> list[Any]:
    """With whom this answer could be counted: by what was sought, else by the sender's name."""
    wanted = Wanted(text=visit.field("group")) if visit.field("group") else Wanted(full_name=base_of(found).name)
    if found.item.kind != "held" or wanted == Wanted():
        return []
    return groups(_book(visit).page(wanted, limit=_MOST_GROUPS).guests, found.person)


def _first_words(visit: Visit, found: Item) -> str:
    office = visit.office
    return first_words(
        found.language,
        found.item.reasons,
        name=base_of(found).name,
        day=office.event.starts_at,
        by=f"{visit.me.name}\n{office.settings.sender.organisation}",
    )


# --- deciding --------------------------------------------------------------------------------------------------------


def decide(visit: Visit) -> Response:
    """Take a decision, or show what it would send; what was typed stays where a field is wrong."""
    item_id = visit.number("id")
    found = _found(visit, item_id)
    if visit.field("find"):
        return _item_page(visit, found)
    try:
        decision = _decision(visit)
        if visit.field("preview"):
            letters = visit.office.queue.preview(item_id, decision, visit.me.name)
            return _item_page(visit, found, preview=letters)
        visit.office.queue.decide(item_id, decision, visit.me.name, visit.field("version"))
    except Overtaken:
        return _item_page(visit, _found(visit, item_id), overtaken=True, status=409)
    except ReviewError as fault:
        return _item_page(visit, found, fault=fault, status=422)
    visit.office.wake()
    return _on_to_the_next(visit, found)


def _on_to_the_next(visit: Visit, found: Item) -> Response:
    topic = visit.field("topic")[:40]
    before, after = visit.office.queue.neighbours(found, topic)
    following = after or before
    return visit.go(f"/queue/{following}" if following else "/queue", done=found.item.id, **_pile(topic))


def _pile(topic: str) -> dict[str, str]:
    return {"topic": topic} if topic else {}


def _decision(visit: Visit) -> Decision:  # noqa: PLR0911 - one a form
    note = visit.field("note")[:2000]
    match visit.field("decision"):
        case "accept":
            return Accept()
        case "correct":
            return Correct(stated_from(visit), note)
        case "answered":
            return AnsweredByHand(stated_from(visit), note)
        case "dismiss":
            return Dismiss(note)
        case "ask":
            return AskBack(visit.field("text"))
        case "merge":
            return Merge(_group(visit))
        case "split":
            own = stated_from(visit, mark="_0") if visit.field("attendance_0") or visit.field("persons_0") else None
            return Split(own, parts_from(visit))
        case _:
            raise Refusal(400)


def _group(visit: Visit) -> str:
    chosen = visit.field("into")
    record = _book(visit).record(int(chosen)) if chosen.isdecimal() and len(chosen) < 10 else None
    if record is None:
        message = "choose with whom it is counted"
        raise ReviewError(message, code="group_missing", field="into")
    return record.guest.person


def undo(visit: Visit) -> Response:
    """Take the newest decision about an item back; it is shown again."""
    item_id = visit.number("id")
    found = _found(visit, item_id)
    try:
        visit.office.queue.undo(item_id, visit.me.name)
    except ReviewError as fault:
        return _item_page(visit, found, fault=fault, status=409)
    visit.office.wake()
    topic = visit.field("topic")[:40]
    return visit.go(f"/queue/{item_id}", notice="undone", **_pile(topic))


def keys(visit: Visit) -> Response:
    """What the keyboard does."""
    return visit.page("keys.html")
