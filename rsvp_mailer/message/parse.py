"""Octets to a ``Message``: the road through this room, and nothing else.

What may live here: the order in which the rooms are asked. That order is a rule of the reading guide: a calendar
reply about our event comes before the headers of automatic mail, a delivery report before both wordings, and a
returned sheet last, for its words may say more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.errors import MessageError
from typing import TYPE_CHECKING

from rsvp_mailer.domain import CalendarReply, Doubt, Kind, Message, OwnWords, Tie
from rsvp_mailer.message.authentication import Sender, sender_of
from rsvp_mailer.message.automatic import (
    automatic_rule,
    has_null_sender,
    is_automatically_submitted,
    is_bulk,
    is_newsletter,
)
from rsvp_mailer.message.body_text import BodyText, body_text_of
from rsvp_mailer.message.bounce import Report, delivery_report
from rsvp_mailer.message.calendar_reply import Calendaring, calendar_of
from rsvp_mailer.message.containers import open_container
from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.headers import Fields, addresses_in, arrival_of, decode_text, fields_of, message_ids_in
from rsvp_mailer.message.mime import Body, take_apart
from rsvp_mailer.message.patterns import load_patterns
from rsvp_mailer.message.relevance import Tied, split_subject, thread_tie, word_tie
from rsvp_mailer.message.steckbrief import FORM, Returned, returned_sheets
from rsvp_mailer.message.wire import headers_only, parse_octets

if TYPE_CHECKING:
    from email.message import Message as MimePart

    from rsvp_mailer.domain import Event, MailboxIdentity, RawMail

_LONGEST_SUBJECT = 2_000
_NOT_OURS = frozenset({Kind.AUTO_REPLY, Kind.BOUNCE, Kind.UNRELATED})
_OF_PARSERS = (MessageError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of a mail before its kind is judged."""

    root: MimePart
    fields: Fields
    body: Body
    text: BodyText
    subject: str
    references: tuple[str, ...]
    sender: Sender
    event: Event
    identity: MailboxIdentity


def parse_message(mail: RawMail, event: Event, identity: MailboxIdentity) -> Message:
    """Understand the form of a mail. Pure, and never raises: what cannot be read is ``unreadable``."""
    try:
        return _parse(mail, event, identity)
    except (*_OF_PARSERS, ArithmeticError, AssertionError, RecursionError):
        # Not a broad net: the kinds of error that hostile structure can cause in parsers. Nothing is lost by it.
        return _unparsable(mail)


def _parse(mail: RawMail, event: Event, identity: MailboxIdentity) -> Message:
    root, fault = parse_octets(mail.raw) if mail.complete else (headers_only(mail.raw), "too_large")
    fields = fields_of(root)
    body = Body(faults=[fault]) if fault else take_apart(root, open_container)
    subject = decode_text(fields.first("subject"))[:_LONGEST_SUBJECT]
    references = _references(fields)
    text = body_text_of(body, event)
    facts = _Facts(root, fields, body, text, subject, references, sender_of(fields, identity), event, identity)
    return _judge(facts, mail)


def _references(fields: Fields) -> tuple[str, ...]:
    """In-Reply-To first, then References from the newest to the oldest."""
    newest_first = [each for value in fields.all("references") for each in message_ids_in(value)][::-1]
    direct = [each for value in fields.all("in-reply-to") for each in message_ids_in(value)]
    return tuple(dict.fromkeys([*direct, *newest_first]))[:200]


def _judge(facts: _Facts, mail: RawMail) -> Message:
    calendar = calendar_of(facts.body.parts_of("text/calendar", "application/ics"), facts.event)
    own_words = _without_machine_text(facts, calendar)
    report = None if isinstance(calendar, CalendarReply) else _report(facts)
    tied = _tie(facts, own_words, calendar)
    returned = returned_sheets(
        facts.body.files, facts.subject, own_words.text, forwarded=Doubt.FORWARDED in own_words.doubts
    )
    kind, rule = _kind(facts, own_words, calendar, report, tied, returned)
    identity = message_ids_in(facts.fields.first("message-id"))
    message_id = identity[0] if identity else None
    return Message(
        message_id=message_id,
        fingerprint=_fingerprint(mail.raw, message_id, facts.sender, own_words),
        arrived_at=mail.arrived_at or arrival_of(facts.fields),
        sender=facts.sender.address,
        subject=facts.subject,
        own_words=own_words,
        kind=kind,
        kind_rule=rule,
        tie=tied.tie,
        tie_rule=tied.rule,
        references=facts.references,
        tokens=tied.tokens,
        sender_faults=_sender_faults(facts, calendar),
        sender_verified=facts.sender.verified,
        unreadable=_unreadable(facts, own_words, calendar),
        answerable=kind not in _NOT_OURS and _answerable(facts),
        calendar=calendar if isinstance(calendar, CalendarReply) else None,
        attachments=tuple(facts.body.attachments),
        sheets=() if kind in _NOT_OURS else returned.sheets,
        bounced=report.message_ids if report and report.failed else (),
        bounced_recipients=report.recipients if report and report.failed else (),
    )


# --- kind --------------------------------------------------------------------------------------------------------


def _report(facts: _Facts) -> Report | None:
    return delivery_report(
        facts.root,
        facts.fields,
        facts.body,
        facts.text.visible,
        subject=facts.subject,
        daemon=facts.sender.daemon,
        robot="from.noreply" in facts.sender.faults,
    )


def _kind(  # noqa: PLR0911, PLR0917 - one return a rule, in the order of the guide
    facts: _Facts,
    own_words: OwnWords,
    calendar: CalendarReply | Calendaring,
    report: Report | None,
    tied: Tied,
    returned: Returned,
) -> tuple[Kind | None, str]:
    if isinstance(calendar, CalendarReply):
        return None, "calendar.reply"
    if report:
        return _kind_of_report(facts, report)
    rule = automatic_rule(
        facts.root,
        facts.fields,
        facts.subject,
        own_words.text,
        daemon=facts.sender.daemon,
        event=facts.event,
    )
    if rule == "auto.submitted_generated" and tied.tie in {Tie.NONE, Tie.OTHER} and not facts.references:
        return Kind.UNRELATED, rule
    if rule:
        return Kind.AUTO_REPLY, rule
    sheet = "" if Doubt.FORWARDED in own_words.doubts else returned.rule
    bare = Kind.STECKBRIEF if sheet and not own_words.text.strip() else None
    if sheet == FORM:
        return bare, sheet
    if calendar is Calendaring.FOREIGN and tied.tie is not Tie.THREAD:
        return Kind.UNRELATED, "calendar.other_meeting"
    if tied.tie is Tie.OTHER:
        return Kind.UNRELATED, tied.rule
    return bare, sheet


def _kind_of_report(facts: _Facts, report: Report) -> tuple[Kind, str]:
    """A report about mail that neither our Message-ID nor our event's name marks as ours is not for us."""
    returned = thread_tie([*report.message_ids, *facts.references], facts.event, facts.identity)
    if returned is None and report.message_ids and report.subject:
        named = word_tie(report.subject, "", "", facts.event, replies_elsewhere=False, newsletter=False)
        if named.tie is not Tie.NAMED:
            return Kind.UNRELATED, "bounce.other_mail"
    return Kind.BOUNCE, report.rule


def _tie(facts: _Facts, own_words: OwnWords, calendar: CalendarReply | Calendaring) -> Tied:
    if tied := thread_tie(facts.references, facts.event, facts.identity):
        return tied
    if isinstance(calendar, CalendarReply):
        return Tied(Tie.NAMED, "named.calendar")
    return word_tie(
        facts.subject,
        own_words.text,
        facts.text.quoted,
        facts.event,
        replies_elsewhere="in-reply-to" in facts.fields,
        newsletter=is_newsletter(facts.fields),
    )


def _answerable(facts: _Facts) -> bool:
    """Automatic and list mail, null senders and daemons never get a mail from us."""
    fields = facts.fields
    return not (
        is_automatically_submitted(fields)
        or is_bulk(fields)
        or has_null_sender(fields)
        or facts.sender.daemon
        or facts.sender.address is None
        or "from.own_address" in facts.sender.faults
        or "from.noreply" in facts.sender.faults
    )


def _sender_faults(facts: _Facts, calendar: CalendarReply | Calendaring) -> tuple[str, ...]:
    faults = list(facts.sender.faults)
    if has_null_sender(facts.fields) and not isinstance(calendar, CalendarReply):
        faults.append("return_path.null")  # speaks of coming, or it would be automatic mail: a person looks
    if isinstance(calendar, CalendarReply) and facts.sender.address is not None:
        strange = calendar.attendee is not None and calendar.attendee != facts.sender.address.address
        faults += ["calendar.attendee_is_not_sender"] if strange else []
    return tuple(faults)


# --- words -------------------------------------------------------------------------------------------------------


def _without_machine_text(facts: _Facts, calendar: CalendarReply | Calendaring) -> OwnWords:
    """A calendar program's own sentence ("... has accepted this invitation") is nobody's words."""
    words = facts.text.own_words
    words = OwnWords(words.text, words.pieces, words.cuts, words.doubts | _doubts_of_forwarding(facts))
    if isinstance(calendar, CalendarReply):
        folded = fold(words.text[:5000])
        if folded and load_patterns().words["automatic.calendar"].found_in(folded):
            return OwnWords(doubts=words.doubts - {Doubt.NOTHING_LEFT, Doubt.PARTS_DISAGREE})
    return words


def _doubts_of_forwarding(facts: _Facts) -> set[Doubt]:
    if not all(_is_ours(mail, facts) for mail in facts.body.attached_mails):
        return {Doubt.FORWARDED, Doubt.ATTACHED_MAIL}
    _, reply, forward = split_subject(facts.subject)
    return {Doubt.FORWARDED} if (forward and not reply) or facts.text.forwarded else set()


def _is_ours(mail: MimePart | None, facts: _Facts) -> bool:
    """Whether an attached mail is the invitation or another mail of this mailbox, which says nothing new."""
    if mail is None:
        return False
    fields = fields_of(mail)
    if thread_tie(message_ids_in(fields.first("message-id")), facts.event, facts.identity):
        return True
    senders = {each.address for each in addresses_in(fields.all("from"))}
    return bool(senders) and senders <= facts.identity.addresses


def _unreadable(  # noqa: PLR0911 - one return a rule
    facts: _Facts, own_words: OwnWords, calendar: CalendarReply | Calendaring
) -> str | None:
    limits = [fault for fault in facts.body.faults if fault.startswith("limit.")]
    if limits:
        return limits[0]  # the part that was not read may say the opposite
    if facts.body.faults and not own_words.text.strip():
        return facts.body.faults[0]
    if facts.text.encrypted:
        return "encrypted.pgp"
    if own_words.text.strip() or isinstance(calendar, CalendarReply):
        return None
    images = [each for each in facts.body.attachments if each.content_type.startswith("image/")]
    if images:
        return "picture_only"
    if Doubt.ATTACHED_MAIL in own_words.doubts:
        return None  # it can be read, but they are not this sender's words
    bare, reply, _ = split_subject(facts.subject)
    return "empty" if reply or not bare else None


def _fingerprint(raw: bytes, message_id: str | None, sender: Sender, own_words: OwnWords) -> str:
    if message_id is None:
        return hashlib.sha256(raw).hexdigest()
    address = sender.address.address if sender.address else ""
    words = " ".join(own_words.text.split())
    return hashlib.sha256(f"{message_id}\0{address}\0{words}".encode("utf-8", "surrogatepass")).hexdigest()


def _unparsable(mail: RawMail) -> Message:
    return Message(
        message_id=None,
        fingerprint=hashlib.sha256(mail.raw).hexdigest(),
        arrived_at=mail.arrived_at,
        sender=None,
        subject="",
        own_words=OwnWords(),
        sender_faults=("from.missing",),
        unreadable="damaged",
        answerable=False,
    )
