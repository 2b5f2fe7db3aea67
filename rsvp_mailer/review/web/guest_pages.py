"""The guest list, a person's page, answers by telephone and on paper, and who may be there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from rsvp_mailer.domain import Attendance, Tag
from rsvp_mailer.review.guests import CHANNELS, GuestBook, Record, groups
from rsvp_mailer.review.stated import Overtaken, ReviewError
from rsvp_mailer.review.web.mail_view import whole_mail
from rsvp_mailer.review.web.shown import INTERPRETERS, answer_words, details_words, language_name, sender_words
from rsvp_mailer.review.web.typed import stated_from
from rsvp_mailer.review.web.visit import Refusal, Role
from rsvp_mailer.store.guest_list import COUNTED_UP_TO, Wanted

if TYPE_CHECKING:
    from starlette.responses import Response

    from rsvp_mailer.review.web.visit import Visit

ROWS = 50
LANGUAGES = ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb")
_MOST_GROUPS = 8


def _book(visit: Visit) -> GuestBook:
    return GuestBook(visit.office.store, visit.office.queue.desk, visit.office.now)


def _wording(visit: Visit) -> dict[str, Any]:
    return {
        "answer_words": lambda answer: answer_words(visit, answer),
        "details_words": lambda answer: details_words(visit, answer),
        "sender_words": lambda name, person: sender_words(visit, name, person),
        "language_name": lambda code: language_name(visit, code),
        "may_decide": visit.me.role >= Role.CLERK,
    }


def show(visit: Visit) -> Response:
    """The list, narrowed to what was asked for."""
    asked = {name: visit.asked(name)[:100] for name in ("text", "attendance", "language", "interpreter", "tag")}
    wanted = Wanted(**asked, undelivered=bool(visit.asked("undelivered")))
    page = _book(visit).page(wanted, limit=ROWS, after=_place(visit, "after"), before=_place(visit, "before"))
    chosen = {name: value for name, value in asked.items() if value}
    if wanted.undelivered:
        chosen["undelivered"] = "1"
    return visit.page(
        "guests.html",
        page=page,
        wanted=wanted,
        narrowed=bool(chosen),
        link=lambda **place: f"/guests?{urlencode({**chosen, **place})}",
        most=COUNTED_UP_TO,
        attendances=(*[each.value for each in Attendance], "none"),
        codes=LANGUAGES,
        interpreters=INTERPRETERS,
        tags=[tag.value for tag in Tag],
        twins=_book(visit).open_twins() if visit.me.role >= Role.CLERK else 0,
        **_wording(visit),
    )


def _place(visit: Visit, name: str) -> int | None:
    typed = visit.asked(name)
    return int(typed) if typed.isdecimal() and len(typed) < 10 else None


# --- one person ------------------------------------------------------------------------------------------------------


def _record(visit: Visit) -> Record:
    record = _book(visit).record(visit.number("id"))
    if record is None:
        raise Refusal(404)
    return record


def person(visit: Visit) -> Response:
    """Everything known of one person."""
    return _person_page(visit, _record(visit))


def _person_page(
    visit: Visit, record: Record, *, fault: ReviewError | None = None, overtaken: bool = False, status: int = 200
) -> Response:
    sought = visit.field("group") or visit.asked("group")
    return visit.page(
        "person.html",
        status=status,
        record=record,
        fault=fault,
        overtaken=overtaken,
        typed=_typed(visit) if visit.field("channel") else _as_stored(record),
        sought=sought,
        groups=groups(_book(visit).page(Wanted(text=sought), limit=_MOST_GROUPS).guests, record.guest.person)
        if sought
        else [],
        **_form(visit),
        **_wording(visit),
    )


def _form(visit: Visit) -> dict[str, Any]:
    grace_min = round(visit.office.queue.desk.grace.total_seconds() / 60)
    return {"interpreters": INTERPRETERS, "channels": CHANNELS, "grace_min": grace_min}


def _typed(visit: Visit) -> dict[str, Any]:
    fields: dict[str, Any] = {name: visit.field(name) for name in visit.form}
    return fields | {"interpreter": [str(code) for code in visit.form.getlist("interpreter")]}


def _as_stored(record: Record) -> dict[str, Any]:
    answer = record.guest.answer
    return {
        "attendance": answer.attendance.value if answer.attendance else "",
        "persons": str(answer.party_size) if answer.party_size else "",
        "name": answer.name,
        "people": "\n".join(answer.people),
        "interpreter": list(answer.interpreter),
        "arrival": answer.arrival or "",
        "departure": answer.departure or "",
    }


def change(visit: Visit) -> Response:
    """Store another answer of a person."""
    record = _record(visit)
    typed = visit.field("version")
    version = int(typed) if typed.isdecimal() and len(typed) < 12 else -1
    try:
        entered = _book(visit).change(
            visit.me.name,
            record.guest.id,
            stated_from(visit),
            channel=visit.field("channel"),
            note=visit.field("note")[:2000],
            version=version,
        )
    except Overtaken:
        return _person_page(visit, _record(visit), overtaken=True, status=409)
    except ReviewError as fault:
        return _person_page(visit, record, fault=fault, status=422)
    visit.office.wake()
    return visit.go(f"/guests/{entered.guest.id}", notice="told" if entered.letters else "stored")


def merge(visit: Visit) -> Response:
    """Count this answer with another one."""
    record = _record(visit)
    chosen = visit.field("into")
    into = _book(visit).record(int(chosen)) if chosen.isdecimal() and len(chosen) < 10 else None
    try:
        if into is None:
            message = "choose with whom it is counted"
            raise ReviewError(message, code="group_missing", field="into")
        _book(visit).merge(visit.me.name, record.guest.person, into.guest.person)
    except ReviewError as fault:
        return _person_page(visit, record, fault=fault, status=422)
    return visit.go(f"/guests/{record.guest.id}", notice="merged")


def undo_entry(visit: Visit) -> Response:
    """Take back an entry or a merging."""
    try:
        ruling = visit.office.queue.undo_entry(visit.number("id"), visit.me.name)
    except ReviewError as error:
        raise Refusal(409, "409" if error.code == "nothing_to_undo" else "counts_others") from error
    visit.office.wake()
    guest = _book(visit).find(ruling.person)
    return visit.go(f"/guests/{guest.id}" if guest else "/guests", notice="undone")


def mail(visit: Visit) -> Response:
    """A whole mail of a person."""
    with visit.office.store.reading() as tx:
        found, raw = tx.mails.get(visit.number("id")), tx.mails.raw(visit.number("id"))
    if found is None or raw is None:
        raise Refusal(404)
    guest = _book(visit).find(found.person) if found.person else None
    return visit.page("mail.html", found=found, whole=whole_mail(raw), guest=guest)


# --- entering --------------------------------------------------------------------------------------------------------


def entry(visit: Visit) -> Response:
    """An empty form for an answer by telephone or on paper."""
    return _entry_page(visit)


def _entry_page(visit: Visit, fault: ReviewError | None = None, status: int = 200) -> Response:
    address = visit.field("address").lower()
    known = _book(visit).find(address) if fault is not None and fault.code == "known_address" else None
    typed = {"interpreter": [], "channel": "telephone", **_typed(visit)} if visit.form else {"channel": "telephone"}
    return visit.page("entry.html", status=status, fault=fault, known=known, typed=typed, **_form(visit))


def enter(visit: Visit) -> Response:
    """Store it, under the clerk's name."""
    try:
        entered = _book(visit).enter(
            visit.me.name,
            stated_from(visit),
            channel=visit.field("channel"),
            address=visit.field("address"),
            note=visit.field("note")[:2000],
        )
    except ReviewError as fault:
        return _entry_page(visit, fault, 422)
    visit.office.wake()
    return visit.go(f"/guests/{entered.guest.id}", notice="told" if entered.letters else "stored")


# --- the same group twice --------------------------------------------------------------------------------------------


def twins(visit: Visit) -> Response:
    """Who may be there twice."""
    apart = _place(visit, "apart")
    with visit.office.store.reading() as tx:
        just_now = tx.guests.twin(apart) if apart else None
    return visit.page("twins.html", twins=_book(visit).twins(), apart=just_now, **_wording(visit))


def settle_twin(visit: Visit) -> Response:
    """They are the same group, counted with the first or the second; or they are not; or that was a slip."""
    with visit.office.store.reading() as tx:
        found = tx.guests.twin(visit.number("id"))
    if found is None:
        raise Refusal(404)
    match visit.field("keep"):
        case "both":
            _book(visit).keep_apart(visit.me.name, found.id)
            return visit.go("/guests/twins", apart=found.id)
        case "again":
            _book(visit).propose_again(found.id)
            return visit.go("/guests/twins", notice="undone")
        case "first" | "second" as kept:
            keep, drop = (found.first, found.second) if kept == "first" else (found.second, found.first)
            try:
                _book(visit).merge(visit.me.name, drop.person, keep.person)
            except ReviewError as error:
                raise Refusal(409) from error
            return visit.go(f"/guests/{drop.id}", notice="merged")
        case _:
            raise Refusal(400)
