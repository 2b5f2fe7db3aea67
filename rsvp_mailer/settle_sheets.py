"""What follows from returned Steckbriefe and from the wish for one: thanks, a task for a person, the form once more.

Called by ``settle`` for each mail that brought a sheet or asks for one, whenever everything about its sender is
worked out anew; each of the three happens once, whatever is settled how often. A held mail gets no answer here
either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Kind, SheetState, Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rsvp_mailer.domain import Correspondent, OutgoingMail
    from rsvp_mailer.outbox.confirmation import Composer
    from rsvp_mailer.store.mails import Mail
    from rsvp_mailer.store.sheets import KeptSheet
    from rsvp_mailer.store.store import Transaction

_ARRIVED = frozenset({SheetState.FILLED, SheetState.TO_READ})
_FOR_A_PERSON = frozenset({SheetState.TO_READ, SheetState.UNSAFE, SheetState.UNREADABLE})


@dataclass(frozen=True, slots=True)
class SheetDesk:
    """What is needed beside the store; as in ``settle.Desk``."""

    composer: Composer
    event: str
    new_token: Callable[[], str]
    now: datetime


def concerns_sheets(mail: Mail) -> bool:
    """Whether anything here may follow from a mail; asked for every mail, so that most cost nothing."""
    brings = mail.circumstances is not None and mail.circumstances.brings_sheet
    return brings or wants_form(mail)


def wants_form(mail: Mail) -> bool:
    """Whether the sender asks for the form (missing, unreadable, other format)."""
    return mail.reading is not None and Tag.STECKBRIEF_WANTED in mail.reading.tags


def lacks_form(tx: Transaction, person: str, event: str, *, is_first: bool) -> bool:
    """Whether a person neither got the Steckbrief yet nor sent one; ``is_first``: nothing was ever written to them."""
    got_it = not is_first and tx.sendings.has_steckbrief(person, event)
    return not got_it and not tx.sheets.has_returned(person, event)


def settle_sheets(
    tx: Transaction, desk: SheetDesk, mail: Mail, to: Correspondent | None, *, decided: bool, late: bool
) -> None:
    """Write what follows from one mail. ``to``: whom to answer, if anybody; ``decided``: nobody need look at it first.

    ``late``: what goes out waits for a click.
    """
    sheets = tx.sheets.of_mail(mail.id) if mail.circumstances and mail.circumstances.brings_sheet else []
    if mail.person is not None and _needs_person(mail, sheets):
        tx.tasks.open_for(mail.id, [Tag.SHEET_TO_READ], person=mail.person, event=desk.event, now=desk.now)
    if to is None or not decided or mail.circumstances is None or mail.circumstances.sender_faults:
        return
    if any(each.state in _ARRIVED for each in sheets):
        _thank(tx, desk, mail, to, late=late)
    if wants_form(mail) and not tx.sendings.brought_steckbrief(mail.id) and desk.composer.has_form:
        form = desk.composer.form(to, language=_language(mail), token=desk.new_token(), now=desk.now)
        _send(tx, desk, mail, form, kind="steckbrief", key=f"steckbrief:{desk.event}:{mail.id}", late=late)


def _needs_person(mail: Mail, sheets: Sequence[KeptSheet]) -> bool:
    """A sheet that no program reads, of a sender who is not certain, or sent back with nothing in it."""
    alone = mail.reading is not None and mail.reading.kind is Kind.STECKBRIEF
    doubtful = mail.circumstances is not None and bool(mail.circumstances.sender_faults)
    blank = bool(sheets) and all(each.state is SheetState.BLANK for each in sheets)
    return any(each.state in _FOR_A_PERSON for each in sheets) or (blank and alone) or (bool(sheets) and doubtful)


def _thank(tx: Transaction, desk: SheetDesk, mail: Mail, to: Correspondent, *, late: bool) -> None:
    key = f"thanks:{desk.event}:{mail.person}"
    if not tx.sendings.has_key(key):
        thanks = desk.composer.thanks(to, language=_language(mail), token=desk.new_token(), now=desk.now)
        _send(tx, desk, mail, thanks, kind="thanks", key=key, late=late)


def _language(mail: Mail) -> str:
    language = mail.reading.language if mail.reading else "und"
    return "de" if language == "und" else language


def _send(tx: Transaction, desk: SheetDesk, mail: Mail, new: OutgoingMail, *, kind: str, key: str, late: bool) -> None:
    sending_id = tx.sendings.add(
        new,
        key=key,
        kind=kind,
        event=desk.event,
        now=desk.now,
        person=mail.person,
        mail_id=mail.id,
        parked=late,
    )
    if late:
        tx.reviews.open("late", (), now=desk.now, mail_id=mail.id, outgoing_id=sending_id)
