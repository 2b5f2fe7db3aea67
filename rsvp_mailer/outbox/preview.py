"""Mail to invitees as files, to be looked at before anybody gets it: each mail in a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import PurePath
from typing import TYPE_CHECKING

from markupsafe import Markup

from rsvp_mailer.domain import Address, Answer, Attendance, Correspondent
from rsvp_mailer.outbox.confirmation import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from rsvp_mailer.domain import OutgoingMail
    from rsvp_mailer.outbox.confirmation import Composer

_TOKEN = "0" * 32
_INVITEE = "kim.beispiel@example.org"
_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="de"><head><meta charset="utf-8"><title>Vorschau</title></head>\n'
    '<body style="font-family:sans-serif"><h1>Vorschau</h1>\n<ul>\n{}\n</ul></body></html>\n'
)
_LINE = Markup('<li><a href="{0}/mail.html">{0}</a>: <bdi>{1}</bdi></li>')


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail to look at: a "confirmation" (``before``: what was told last), "question", "thanks" or "steckbrief"."""

    what: str
    answer: Answer
    before: Answer | None = None

    @property
    def name(self) -> str:
        """Of its folder: "ar-yes"."""
        kind = kind_of(self.answer, self.before) if self.what == "confirmation" else self.what
        return f"{self.answer.language}-{kind}"

    def compose(self, composer: Composer, now: datetime, invitee: str = "Kim Beispiel") -> OutgoingMail:
        """The mail as ``invitee`` would get it."""
        to = Correspondent(Address(_INVITEE, invitee), in_thread=True)
        if self.what == "question":
            return composer.question(to, self.answer, token=_TOKEN, now=now)
        if self.what in {"thanks", "steckbrief"}:
            write = composer.thanks if self.what == "thanks" else composer.form
            return write(to, language=self.answer.language, token=_TOKEN, now=now)
        sequence, first = (0, True) if self.before is None else (1, False)
        return composer.confirmation(
            self.answer, self.before, to, token=_TOKEN, now=now, sequence=sequence, first=first
        )


def all_samples(languages: Iterable[str], *, form: bool = True) -> Iterator[Sample]:
    """Each kind of mail in each language; ``form``: there is a Steckbrief to send."""
    for code in languages:
        yes = Answer(Attendance.YES, 3, code, arrival="17:30", interpreter=("ar",))
        no = Answer(Attendance.NO, 0, code)
        yield Sample("confirmation", yes)
        yield Sample("confirmation", no)
        yield Sample("confirmation", Answer(Attendance.MAYBE, 2, code))
        yield Sample("confirmation", Answer(Attendance.YES, 2, code), yes)
        yield Sample("confirmation", no, yes)
        yield Sample("question", Answer(Attendance.YES, None, code))
        yield Sample("thanks", Answer(None, None, code))
        if form:
            yield Sample("steckbrief", Answer(None, None, code))


def write_mail_files(mail: OutgoingMail, folder: Path) -> list[Path]:
    """Write ``mail.eml``, ``mail.html``, ``mail.txt`` and the attachments; ``OSError`` where that cannot be done."""
    message = message_from_bytes(mail.octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    files = {
        "mail.eml": mail.octets,
        "mail.html": str(html.get_content()).encode(),
        "mail.txt": f"{message['Subject']}\n\n{text.get_content()}".encode(),
    }
    for part in message.iter_attachments():
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        files[PurePath(part.get_filename() or "attachment").name] = payload
    return _write(files, folder)


def write_index(subjects: Mapping[str, str], folder: Path) -> Path:
    """A page that leads to the previews; ``subjects`` by name of their folder."""
    lines = Markup("\n").join(_LINE.format(name, subject) for name, subject in subjects.items())
    return _write({"index.html": _PAGE.format(lines).encode()}, folder)[0]


def _write(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, octets in files.items():
        (folder / name).write_bytes(octets)
    return [folder / name for name in files]
