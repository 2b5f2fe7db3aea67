"""What an invitee gets back: confirmation, the one question, thanks for a returned Steckbrief.

Text of the sender's own (name in the greeting, subject) is echoed only where promise 6 allows it. Each mail is in
the sender's language with German below it; a language without templates gets German and English.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from rsvp_mailer.domain import Answer, Attendance, Correspondent, Tag
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.outbox.calendar import CalendarFiles
from rsvp_mailer.outbox.digest import digest_faults
from rsvp_mailer.outbox.echo import greetable, reply_subject
from rsvp_mailer.outbox.language import Isolated, name_in_html, name_in_text
from rsvp_mailer.outbox.letter import compose_letter
from rsvp_mailer.outbox.mime import thread_lines, write_mail
from rsvp_mailer.outbox.notice import notice_faults
from rsvp_mailer.outbox.rendering import map_url, shipped_or
from rsvp_mailer.outbox.steckbrief import MAX_STECKBRIEF_BYTES, Forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rsvp_mailer.domain import Event, OutgoingMail
    from rsvp_mailer.outbox.language import Language
    from rsvp_mailer.outbox.mime import Part
    from rsvp_mailer.outbox.rendering import Section
    from rsvp_mailer.outbox.sender import Sender

KINDS = ("yes", "no", "maybe", "change", "cancellation", "question", "thanks", "steckbrief")
_DATED = frozenset({"yes", "maybe", "change"})  # kinds that bring the date as a calendar file
_REPLACING = frozenset({"change", "cancellation"})  # kinds that name the answer told before
_TONED = _DATED | {"no", "cancellation"}  # kinds that state an answer, and are coloured by it
_NOTES = frozenset({Tag.DIET, Tag.ACCESSIBILITY, Tag.CHILDCARE, Tag.LIST_CHANGE, Tag.ERASE_REQUEST, Tag.CALLBACK})
_NAME = "\ue000"  # a private-use character: no sender's words and no template hold it


@dataclass(frozen=True, slots=True)
class _Words:
    """A mail's words, with ``_NAME`` where the greeting has a name."""

    subject: str
    text: str
    html: str
    languages: tuple[str, ...]


class Composer:
    """Writes all mail to invitees of one event.

    ``templates``: a folder that overrides shipped templates file by file. ``steckbrief``: the form that goes with
    first confirmations (``outbox.steckbrief``), or ``None``. ``ConfigError`` where either cannot be used: all faults.
    """

    def __init__(
        self,
        event: Event,
        sender: Sender,
        *,
        templates: Path | None = None,
        steckbrief: Path | None = None,
        max_steckbrief_bytes: int = MAX_STECKBRIEF_BYTES,
        calendar_request: bool = False,
    ) -> None:
        self._event = event
        self._sender = sender
        self._templates = shipped_or(templates)
        self._calendar = CalendarFiles(event, sender, as_request=calendar_request)
        self._steckbrief = None if steckbrief is None else Forms(steckbrief, max_steckbrief_bytes)
        self._fixed = {code: self._fixed_values(language) for code, language in self._templates.languages.items()}
        self._worded = lru_cache(256)(self._word)
        self._check_templates()

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that there are templates for."""
        return tuple(self._templates.languages)

    def confirmation(
        self,
        answer: Answer,
        before: Answer | None,
        to: Correspondent,
        *,
        token: str,
        now: datetime,
        sequence: int,
        first: bool,
    ) -> OutgoingMail:
        """Says what was understood. ``first`` brings the Steckbrief; ``sequence`` is the calendar's.

        ``before``: the answer that this person was told last, if any. ``ValueError`` without an attendance.
        """
        if answer.attendance is None:
            msg = "there is no answer to confirm"
            raise ValueError(msg)
        kind = kind_of(answer, before)
        files: tuple[Part, ...] = ()
        if kind != "no":
            files = (self._calendar.part(answer.attendance, sequence, now, to.address.address),)
        large = None
        if first and self._steckbrief:
            large = self._steckbrief.part(answer.language, on_request=Tag.STECKBRIEF_WANTED in answer.tags)
        return self._write(kind, answer, before, to, token=token, now=now, files=files, large=large)

    def question(self, to: Correspondent, answer: Answer, *, token: str, now: datetime) -> OutgoingMail:
        """Asks "attending, but how many?"."""
        return self._write("question", answer, None, to, token=token, now=now)

    def thanks(self, to: Correspondent, *, language: str, token: str, now: datetime) -> OutgoingMail:
        """For a returned Steckbrief."""
        return self._write("thanks", Answer(None, None, language), None, to, token=token, now=now)

    @property
    def has_form(self) -> bool:
        """Whether there is a Steckbrief to send."""
        return self._steckbrief is not None

    def form(self, to: Correspondent, *, language: str, token: str, now: datetime) -> OutgoingMail:
        """The Steckbrief once more, in every format, for somebody who asks for it."""
        assert self._steckbrief is not None
        large = self._steckbrief.part(language, on_request=True)
        return self._write("steckbrief", Answer(None, None, language), None, to, token=token, now=now, large=large)

    def letter(self, to: Correspondent, text: str, *, language: str, token: str, now: datetime) -> OutgoingMail:
        """A person's own words to somebody who wrote, in the thread."""
        subject = reply_subject(to.subject) if to.in_thread or to.verified else ""
        return compose_letter(
            self._sender,
            to,
            text,
            subject=subject or self._event.title,
            language=language,
            token=token,
            now=now.astimezone(self._event.starts_at.tzinfo),
        )

    def own_texts(self) -> tuple[str, ...]:
        """What we send, one plain text per kind and language, so that quotes of it can be recognised."""
        return tuple(
            self._templates.plain(kind, code, self._values(kind, code, answer, before, steckbrief=True))[1]
            for code in self._templates.languages
            for kind in KINDS
            for answer, before in _samples(kind)
        )

    def _write(
        self,
        kind: str,
        answer: Answer,
        before: Answer | None,
        to: Correspondent,
        *,
        token: str,
        now: datetime,
        files: tuple[Part, ...] = (),
        large: Part | None = None,
    ) -> OutgoingMail:
        echo = to.in_thread or to.verified
        name = greetable(to.address.name) if echo else ""
        # All but the greeting is the same for everybody who gave the same answer.
        words = self._worded(kind, _impersonal(answer), before and _impersonal(before), bool(name), large is not None)
        return write_mail(
            sender=self._sender,
            recipient=to.address.address,
            subject=(reply_subject(to.subject) if echo else "") or words.subject,
            token=token,
            now=now.astimezone(self._event.starts_at.tzinfo),
            text=words.text.replace(_NAME, name_in_text(name)),
            html=words.html.replace(_NAME, name_in_html(name)),
            languages=words.languages,
            automatic="auto-replied",
            thread=thread_lines(to.message_id, to.references),
            attached=files,
            large=large,
        )

    def _word(self, kind: str, answer: Answer, before: Answer | None, named: bool, steckbrief: bool) -> _Words:
        sections = [
            self._templates.render(
                kind, code, self._values(kind, code, answer, before, name=_NAME if named else "", steckbrief=steckbrief)
            )
            for code in self._codes(answer.language)
        ]
        return _Words(
            subject=sections[0].subject,
            text=_one_below_the_other(sections),
            html=self._templates.document(sections),
            languages=tuple(section.language.html_code for section in sections),
        )

    def _codes(self, language: str) -> tuple[str, ...]:
        """Languages of a mail, the sender's first; German is always one of them."""
        if language == "de":
            return ("de",)
        return (language, "de") if language in self._templates.languages else ("de", "en")

    def _fixed_values(self, language: Language) -> dict[str, Any]:
        event, sender = self._event, self._sender
        return {
            "event_title": language.german(event.title),
            "day": language.day(event.starts_at),
            "begins": language.clock(event.starts_at),
            "ends": language.clock(event.ends_at),
            "place": language.german(event.place),
            "address": language.german(event.street_address),
            "map_url": map_url(event.street_address),
            "interpreters_on_site": language.listing(event.interpreter_languages),
            "contact": language.german(sender.contact),
            "organisation": language.german(sender.organisation),
            "legal_basis": language.german(sender.legal_basis),
            "kept_days": sender.kept_days,
        }

    def _values(
        self, kind: str, code: str, answer: Answer, before: Answer | None, *, name: str = "", steckbrief: bool = False
    ) -> dict[str, Any]:
        """All that templates may use; every name is always there."""
        language = self._templates.languages[code]
        replaced = before if kind in _REPLACING else None
        return {
            **self._fixed[code],
            # Told apart already as text; in HTML by the element that comes with the name.
            "name": Isolated.of(language.isolated(name), Markup("{}").format(name)),
            "attendance": answer.attendance,
            "tone": answer.attendance if kind in _TONED else "",
            "persons": answer.party_size,
            "arrival": _clock(language, answer.arrival),
            "departure": _clock(language, answer.departure),
            "interpreter": language.listing(answer.interpreter),
            "question": Tag.QUESTION in answer.tags,
            "wish": not _NOTES.isdisjoint(answer.tags),
            "before_attendance": replaced.attendance if replaced else None,
            "before_persons": replaced.party_size if replaced else None,
            "calendar": kind in _DATED,
            "steckbrief": steckbrief,
        }

    def _check_templates(self) -> None:
        faults = dict.fromkeys(
            fault
            for code in dict.fromkeys(("de", "en", *self._templates.languages))
            for kind in KINDS
            for number, (answer, before) in enumerate(_samples(kind))
            for fault in self._templates.faults(kind, code, self._sample_values(kind, code, answer, before, number))
        )
        faults |= dict.fromkeys(digest_faults(self._event, self._templates))
        faults |= dict.fromkeys(notice_faults(self._event, self._templates))
        if faults:
            raise ConfigError(list(faults))

    def _sample_values(
        self, kind: str, code: str, answer: Answer, before: Answer | None, number: int
    ) -> dict[str, Any]:
        """Every second sample has all that may be missing elsewhere."""
        name = "Kim Beispiel" if number % 2 else ""
        return self._values(kind, code, answer, before, name=name, steckbrief=bool(number % 2))


def _one_below_the_other(sections: Sequence[Section]) -> str:
    first, *others = sections
    return first.text + "".join(f"\n{'=' * 8} {other.language.name} {'=' * 8}\n\n{other.text}" for other in others)


def kind_of(answer: Answer, before: Answer | None) -> str:
    """Which template tells this answer, given what the person was told before."""
    assert answer.attendance is not None
    told = before.attendance if before else None
    if before is None or told is None or _gist(before) == _gist(answer):
        return answer.attendance.value
    if answer.attendance is Attendance.NO:
        return "no" if told is Attendance.NO else "cancellation"
    return "change"


def _impersonal(answer: Answer) -> Answer:
    return replace(answer, name="")


def _gist(answer: Answer) -> tuple[object, ...]:
    return answer.attendance, answer.party_size, answer.arrival, answer.departure, answer.interpreter


def _clock(language: Language, hh_mm: str | None) -> str:
    return language.clock(time.fromisoformat(hh_mm)) if hh_mm else ""


def _samples(kind: str) -> Iterator[tuple[Answer, Answer | None]]:
    """Answers that lead through every branch of a kind's template."""
    plain = Answer(Attendance.YES, 1)
    full = Answer(
        Attendance.YES, 3, arrival="17:45", departure="19:30", interpreter=("ar", "ku"), tags=(Tag.QUESTION, Tag.DIET)
    )
    unknown = Answer(Attendance.YES, None)
    no = Answer(Attendance.NO, 0)
    if kind == "change":
        yield from ((plain, full), (full, no), (replace(full, attendance=Attendance.MAYBE), unknown))
    elif kind == "cancellation":
        yield from ((no, plain), (replace(no, tags=full.tags), replace(unknown, attendance=Attendance.MAYBE)))
    elif kind == "no":
        yield from ((no, None), (replace(no, tags=full.tags), None))
    else:
        attendance = Attendance.MAYBE if kind == "maybe" else Attendance.YES
        for answer in (plain, full, unknown):
            yield replace(answer, attendance=attendance), None
