"""The commands for returned Steckbriefe: look, save, export for the evaluation, send the form once more."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rsvp_mailer.cli import AsOfOption, ConfigOption, app
from rsvp_mailer.cli_office import open_parts
from rsvp_mailer.errors import ConfigError

if TYPE_CHECKING:
    from rsvp_mailer.app import App
    from rsvp_mailer.steckbrief.form import Form
    from rsvp_mailer.store.sheets import KeptSheet

steckbrief = typer.Typer(help="Returned Steckbriefe, and their evaluation.", no_args_is_help=True)
app.add_typer(steckbrief, name="steckbrief")

SheetArgument = Annotated[int, typer.Argument(metavar="SHEET", help="Number of the sheet, as in steckbrief list.")]
_STDOUT = Path("-")


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"
    HTML = "html"


_STATES = {
    "filled": "filled in",
    "blank": "blank",
    "to_read": "TO READ by a person",
    "unsafe": "NOT OPENED, unsafe",
    "unreadable": "UNREADABLE",
}


@steckbrief.command("list")
def list_sheets(context: typer.Context, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """List returned sheets in the order of their arrival."""
    from rsvp_mailer.export.sheets import entries_of  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened, opened.store.reading() as tx:
        zone = opened.event.starts_at.tzinfo
        entries = entries_of(tx.sheets.all(opened.event.id))
    for each in entries:
        sheet = each.sheet
        why = f" ({sheet.rule})" if sheet.state not in {"filled", "blank"} else ""
        older = "" if each.newest else "  replaced by a newer one"
        typer.echo(
            f"{sheet.id}  {sheet.received_at.astimezone(zone):%d.%m. %H:%M}  {_STATES[sheet.state]}{why}  "
            f"{_line(each.title)}  <{sheet.person}>{older}"
        )
    if entries:
        typer.echo("\nrsvp-mailer steckbrief show SHEET, save SHEET, export")
    else:
        typer.echo("no sheet came back yet")


@steckbrief.command()
def show(context: typer.Context, sheet: SheetArgument, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """Show what stands in a sheet."""
    from rsvp_mailer.export.sheets import entries_of, questions_of  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        kept, _ = _kept(opened, sheet)
        (entry,) = entries_of([kept])
        questions = questions_of([entry], _form(opened))
    typer.echo(f"{_line(entry.title)}\nfrom {_line(kept.sender_name)} <{kept.person}>, version {kept.version}")
    typer.echo(f"file {_line(kept.name)}: {_STATES[kept.state]} ({kept.rule}) {kept.form}")
    shown = "yes" if entry.shared else "no"
    typer.echo(f"may be shown at the conference: {shown}; with contact: {'yes' if entry.contact_shared else 'no'}")
    for name, title in questions:
        if words := entry.answers.get(name):
            typer.echo(f"\n{title}")
            typer.echo("\n".join(f"    {_line(line)}" for line in words.split("\n")))


@steckbrief.command()
def save(
    context: typer.Context,
    sheet: SheetArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to.")] = Path(),
    unsafe: Annotated[bool, typer.Option("--unsafe", help="Also one that may do harm when it is opened.")] = False,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Save a sheet's file as it was attached, for your eyes only."""
    with open_parts(context, config, as_of) as opened:
        kept, octets = _kept(opened, sheet)
    if kept.state == "unsafe" and not unsafe:
        fault = (
            f"sheet {sheet} may do harm ({kept.rule}); look at it with the mailbox's owner, or save it with --unsafe"
        )
        raise ConfigError([fault])
    plain = re.sub(r"[^\w.-]+", "_", kept.name)[-80:].lstrip(".") or "datei"
    target = out / f"steckbrief-{sheet}-{plain}{'.unsafe' if kept.state == 'unsafe' else ''}"
    _write(target, octets)


@steckbrief.command()
def export(
    context: typer.Context,
    format_: Annotated[Format, typer.Option("--format", metavar="csv|xlsx|pdf|html", help="What to write.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help='"-" is standard output.')] = None,
    shared: Annotated[
        bool, typer.Option("--shared", help="For the conference: only what its senders allow others to see.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Tables: also older versions of a sheet.")] = False,
    language: Annotated[str, typer.Option("--language", metavar="de|en")] = "de",
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Write all sheets: a table (csv, xlsx), or one printable document for the evaluation (pdf, html)."""
    from io import BytesIO  # noqa: PLC0415

    from rsvp_mailer.export import sheets  # noqa: PLC0415
    from rsvp_mailer.export.sheet_document import Document  # noqa: PLC0415

    if language not in sheets.WORDS:
        message = "is not supported; use de or en"
        raise typer.BadParameter(message, param_hint="--language")
    with open_parts(context, config, as_of) as opened:
        with opened.store.reading() as tx:
            entries = sheets.entries_of(tx.sheets.all(opened.event.id))
        entries = sheets.for_the_conference(entries) if shared else [each for each in entries if each.newest or every]
        questions, zone = sheets.questions_of(entries, _form(opened)), opened.event.starts_at.tzinfo
        title, now = opened.event.title, opened.clock.now().astimezone(zone)
    if format_ in {Format.PDF, Format.HTML}:
        document = Document(title, language, now, entries, questions, shared_only=shared)
        octets = document.as_pdf() if format_ is Format.PDF else document.as_html()
    else:
        written = BytesIO()
        rows = sheets.table(entries, questions, sheets.WORDS[language], zone)
        (sheets.write_sheets_csv if format_ is Format.CSV else sheets.write_sheets_xlsx)(written, rows)
        octets = written.getvalue()
    _write(out or Path(f"steckbriefe-{now:%Y-%m-%d}.{format_}"), octets)


@steckbrief.command()
def send(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="E-MAIL", help="Who gets the form, as PDF and Word file.")],
    language: Annotated[str, typer.Option("--language", metavar="CODE", help="de en fr ar fa prs kmr ckb")] = "de",
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Send the form to somebody who asked for it; run sends it with the rest of the mail."""
    from rsvp_mailer.domain import Address, Correspondent  # noqa: PLC0415
    from rsvp_mailer.outbox.mime import is_address  # noqa: PLC0415

    if not is_address(address):
        message = "is no e-mail address"
        raise typer.BadParameter(message, param_hint="E-MAIL")
    with open_parts(context, config, as_of) as opened, opened.store.writing() as tx:
        desk, now = opened.desk, opened.clock.now()
        if not desk.composer.has_form:
            raise ConfigError(["events[0].steckbrief: is not set; there is no form to send"])
        token = desk.new_token()
        form = desk.composer.form(Correspondent(Address(address)), language=language, token=token, now=now)
        key = f"steckbrief:{opened.event.id}:{token}"
        tx.sendings.add(form, key=key, kind="steckbrief", event=opened.event.id, now=now, person=address.lower())
    typer.echo(f"the form goes to {address} with the next mail that run or poll sends")


def _kept(opened: App, number: int) -> tuple[KeptSheet, bytes]:
    with opened.store.reading() as tx:
        found = tx.sheets.get(number)
        if found is None:
            raise ConfigError([f"there is no sheet {number}; see rsvp-mailer steckbrief list"])
        return found, tx.sheets.octets(number)


def _form(opened: App) -> Form | None:
    from rsvp_mailer.steckbrief.form import form_in  # noqa: PLC0415

    return form_in(opened.settings.events[0].steckbrief)


def _line(words: str) -> str:
    """What a sender wrote, fit for a terminal: no control characters, which could drive it."""
    return "".join(letter if letter.isprintable() or letter == " " else " " for letter in words)


def _write(target: Path, octets: bytes) -> None:
    if target == _STDOUT:
        sys.stdout.buffer.write(octets)
        return
    try:
        target.touch(mode=0o600, exist_ok=False)
        target.write_bytes(octets)
    except FileExistsError:
        raise ConfigError([f"--out: {target} is there already; name another one, or remove it"]) from None
    except OSError as error:
        raise ConfigError([f"--out: {target} cannot be written ({error.strerror})"]) from error
    typer.echo(f"written: {target}")
