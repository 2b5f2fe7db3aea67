"""The command that shows an office its mail before anybody gets it."""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rsvp_mailer.cli import AsOfOption, ConfigOption, app, open_frame
from rsvp_mailer.domain import Answer, Attendance, Tag
from rsvp_mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rsvp_mailer.outbox.confirmation import Composer
    from rsvp_mailer.outbox.preview import Sample


class What(StrEnum):
    """Mails to invitees."""

    CONFIRMATION = "confirmation"
    QUESTION = "question"
    THANKS = "thanks"
    STECKBRIEF = "steckbrief"


def _clock_time(value: str) -> str:
    try:
        return time.fromisoformat(value).strftime("%H:%M")
    except ValueError:
        message = "is no time of day; write it as 17:45"
        raise typer.BadParameter(message) from None


@app.command()
def preview(
    context: typer.Context,
    what: Annotated[What, typer.Argument(metavar="[MAIL]", help="confirmation, question, thanks or steckbrief.")] = (
        What.CONFIRMATION
    ),
    language: Annotated[str, typer.Option("--language", help="de en fr ar fa prs kmr ckb, or one of your own.")] = "de",
    answer: Annotated[Attendance, typer.Option("--answer", help="What the invitee answered.")] = Attendance.YES,
    persons: Annotated[int | None, typer.Option("--persons", min=1, help="Persons in all.")] = None,
    before: Annotated[Attendance | None, typer.Option("--before", help="What was answered before.")] = None,
    before_persons: Annotated[int | None, typer.Option("--before-persons", min=1, help="With how many.")] = None,
    arrival: Annotated[
        str | None, typer.Option("--arrival", metavar="HH:MM", parser=_clock_time, help="Comes later.")
    ] = None,
    departure: Annotated[
        str | None, typer.Option("--departure", metavar="HH:MM", parser=_clock_time, help="Leaves earlier.")
    ] = None,
    interpreter: Annotated[
        list[str] | None,
        typer.Option("--interpreter", metavar="CODE", help="Wants an interpreter: ar ku prs ..."),
    ] = None,
    question: Annotated[bool, typer.Option("--question", help="Asked something, too.")] = False,
    name: Annotated[str, typer.Option("--name", help="Name of the invitee.")] = "Kim Beispiel",
    everything: Annotated[bool, typer.Option("--all", help="All mails in all languages.")] = False,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to.")] = Path("preview"),
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Write a mail to an invitee to files: .eml, .html, .txt and what is attached. Nothing is sent."""
    frame = open_frame(context, config, as_of, shipped_will_do=True, quiet=True)
    from rsvp_mailer.app import build_composer  # noqa: PLC0415
    from rsvp_mailer.outbox.preview import Sample, all_samples  # noqa: PLC0415

    composer = build_composer(frame.settings)
    if language not in composer.languages:
        raise ConfigError([f"--language {language}: there are {' '.join(composer.languages)}"])
    if what is What.STECKBRIEF and not composer.has_form:
        raise ConfigError(["preview steckbrief: the settings name no form; set events[0].steckbrief"])
    wanted = Answer(
        answer,
        0 if answer is Attendance.NO else persons,
        language,
        arrival=arrival,
        departure=departure,
        interpreter=tuple(interpreter or ()),
        tags=(Tag.QUESTION,) if question else (),
    )
    told = None if before is None else Answer(before, 0 if before is Attendance.NO else before_persons, language)
    samples = (
        list(all_samples(composer.languages, form=composer.has_form)) if everything else [Sample(what, wanted, told)]
    )
    for line in _write_all(samples, composer, out, name, frame.clock.now()):
        typer.echo(line)


def _write_all(samples: Sequence[Sample], composer: Composer, out: Path, name: str, now: datetime) -> list[Path]:
    """Write the samples and a page that leads to them; return what to look at."""
    from rsvp_mailer.outbox.preview import write_index, write_mail_files  # noqa: PLC0415

    subjects: dict[str, str] = {}
    written: list[Path] = []
    try:
        for sample in samples:
            mail = sample.compose(composer, now, name)
            subjects[sample.name] = mail.subject
            written += write_mail_files(mail, out / sample.name)
        index = write_index(subjects, out)
    except OSError as error:
        raise ConfigError([f"--out {out}: cannot be written ({error.strerror}); name another folder"]) from error
    return [*written, index] if len(samples) == 1 else [index]
