"""The commands for the office: the state of things, the queue, answers by telephone, a second look."""

from __future__ import annotations

import getpass
import json
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - Typer reads the types of parameters
from typing import TYPE_CHECKING, Annotated

import typer

from rsvp_mailer.cli import AsOfOption, ConfigOption, app, open_frame
from rsvp_mailer.domain import Attendance  # noqa: TC001 - Typer reads the types of parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from rsvp_mailer.app import App
    from rsvp_mailer.domain import Figures

review = typer.Typer(help="Decide what the program would not decide alone.", no_args_is_help=True)
app.add_typer(review, name="review")

ItemArgument = Annotated[int, typer.Argument(metavar="ITEM", help="Number of the item, as in review list.")]
ByOption = Annotated[
    str,
    typer.Option("--by", metavar="NAME", help="Who decides; kept with the decision.", default_factory=getpass.getuser),
]
PersonsArgument = Annotated[
    int | None, typer.Argument(metavar="[PERSONS]", help="Persons in all, whoever answers included.")
]
NoteOption = Annotated[str, typer.Option("--note", help="A remark to keep with the decision.")]


@contextmanager
def open_parts(context: typer.Context, config: Path | None, as_of: str | None) -> Iterator[App]:
    """The program's parts, for one command."""
    frame = open_frame(context, config, as_of)
    from rsvp_mailer.app import open_app  # noqa: PLC0415
    from rsvp_mailer.log import configure_log  # noqa: PLC0415

    configure_log(frame.settings.log)
    with open_app(frame.settings, frame.clock) as opened:
        yield opened


def wide_console() -> Console:
    """A terminal that wraps nothing for a pipe."""
    from rich.console import Console  # noqa: PLC0415

    # Piped output is for other programs: no wrapping at 80 columns.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 200)


# --- the state of things -------------------------------------------------------------------------------------------


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Print head count, balance and what waits; exit status 1 when something needs a person."""
    from rsvp_mailer import operate  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        state = operate.status(opened)
    if as_json:
        typer.echo(json.dumps(asdict(state), default=str, ensure_ascii=False))
    else:
        for line in _lines(state.figures):
            typer.echo(line)
        for cursor in state.cursors:
            typer.echo(f"{cursor.mailbox}/{cursor.folder}: read up to UID {cursor.last_uid}")
        for alert in state.alerts:
            typer.echo(f"ALERT {alert.message} (since {alert.since:%Y-%m-%d %H:%M} UTC)")
    raise typer.Exit(1 if state.needs_a_person else 0)


def _lines(figures: Figures) -> list[str]:
    count, balance = figures.head_count, figures.balance
    unknown = f", {count.unknown_sizes} of them of unknown size" if count.unknown_sizes else ""
    verdict = "balanced" if balance.holds else "DOES NOT ADD UP"
    outgoing = ", ".join(f"{number} {state}" for state, number in figures.outgoing) or "none"
    return [
        f"coming: {count.certain} persons in {count.answers_yes} answers{unknown}",
        f"maybe: {count.maybe} persons in {count.answers_maybe} answers; no: {count.answers_no} answers",
        f"waiting for a person: {figures.queue.total} items (held suggestions: {count.held_persons} persons)",
        (
            f"balance: {balance.seen} seen = {balance.recorded} recorded + {balance.in_review} in review + "
            f"{balance.ignored} ignored + {balance.set_aside} set aside: {verdict}"
        ),
        f"outgoing mail: {outgoing}",
    ]


@app.command()
def digest(
    context: typer.Context,
    preview: Annotated[bool, typer.Option("--preview", help="Show it as it would be now; send nothing.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Show its HTML instead of its text.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="With --preview: write the whole mail, for a mail program."),
    ] = None,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Write the digest that is due, if it was not written yet (run sends it), or preview it."""
    with open_parts(context, config, as_of) as opened:
        if not preview:
            queued = opened.queue_digests()
            typer.echo(f"{queued} written, to be sent by run or poll" if queued else "nothing is due")
            return
        if out is not None:
            out.write_bytes(opened.preview_digest_mail().octets)
            typer.echo(f"written: {out}")
            return
        section = opened.preview_digest()
    typer.echo(section.html if html else f"Subject: {section.subject}\n\n{section.text}")


# --- the queue -----------------------------------------------------------------------------------------------------


@review.command("list")
def list_items(context: typer.Context, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """List what waits, the most urgent first."""
    from rsvp_mailer import operate  # noqa: PLC0415
    from rsvp_mailer.review.terminal import show_list  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        show_list(wide_console(), operate.queue(opened).waiting(), now=opened.clock.now())


@review.command()
def show(context: typer.Context, item: ItemArgument, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """Show one item: own words with the evidence marked, reasons, suggestion, history."""
    from rsvp_mailer import operate  # noqa: PLC0415
    from rsvp_mailer.review.terminal import show_item  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        show_item(wide_console(), operate.queue(opened).item(item), zone=opened.settings.events[0].timezone)


@review.command()
def accept(
    context: typer.Context, item: ItemArgument, by: ByOption, config: ConfigOption = None, as_of: AsOfOption = None
) -> None:
    """Do what the item suggests; the invitee is told like after a clear reply."""
    from rsvp_mailer import operate  # noqa: PLC0415
    from rsvp_mailer.review.terminal import worded  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        done = operate.queue(opened).accept(item, by)
    stored = f" ({worded(done.suggestion)})" if done.item.kind == "held" else ""
    typer.echo(f"item {item} accepted{stored}; to take it back: rsvp-mailer review undo {item}")


@review.command()
def correct(
    context: typer.Context,
    item: ItemArgument,
    attendance: Annotated[Attendance, typer.Argument(metavar="yes|no|maybe")],
    by: ByOption,
    persons: Annotated[
        int | None, typer.Argument(metavar="[PERSONS]", help="Persons in all, the sender included.")
    ] = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Store another answer than the suggested one."""
    from rsvp_mailer import operate  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        operate.queue(opened).correct(item, by, attendance=attendance, persons=persons, note=note)
    typer.echo(f"item {item} corrected; to take it back: rsvp-mailer review undo {item}")


@review.command()
def dismiss(
    context: typer.Context,
    item: ItemArgument,
    by: ByOption,
    note: NoteOption = "",
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Say that there is nothing to do: answers stay as they are, nobody is written to."""
    from rsvp_mailer import operate  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        operate.queue(opened).dismiss(item, by, note)
    typer.echo(f"item {item} dismissed")


@review.command()
def undo(
    context: typer.Context,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Number of the item, or T and the number of an entry.")],
    by: ByOption,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Take back a decision, or an answer entered by hand (T12)."""
    from rsvp_mailer import operate  # noqa: PLC0415

    entered = item[:1] in {"T", "t"}
    number = item[1:] if entered else item
    if not number.isdecimal():
        message = "is neither the number of an item nor of an entry (T12)"
        raise typer.BadParameter(message, param_hint="ITEM")
    with open_parts(context, config, as_of) as opened:
        queue = operate.queue(opened)
        if entered:
            queue.undo_entry(int(number), by)
        else:
            queue.undo(int(number), by)
    typer.echo(f"{item} taken back")


@app.command()
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who answered.")],
    attendance: Annotated[Attendance, typer.Argument(metavar="yes|no|maybe")],
    by: ByOption,
    persons: PersonsArgument = None,
    address: Annotated[
        str | None, typer.Option("--address", metavar="E-MAIL", help="Address, which gets a confirmation.")
    ] = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Enter an answer given by telephone or on paper."""
    from rsvp_mailer import operate  # noqa: PLC0415
    from rsvp_mailer.app import random_token  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        entry = operate.queue(opened).add(
            by, name=name, address=address, attendance=attendance, persons=persons, note=note, new_id=random_token
        )
    typer.echo(f"entered as T{entry}; to take it back: rsvp-mailer review undo T{entry}")


# --- what was left alone -------------------------------------------------------------------------------------------


@app.command()
def ignored(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the newest first.")] = 50,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """List mail that was left alone: UID and reason are kept; sender and subject are fetched live."""
    from rsvp_mailer import operate  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened:
        for each in operate.ignored(opened, limit):
            shown = f"{each.sender}  {each.subject}".strip() or "(no longer there)"
            typer.echo(f"{each.place.folder} {each.place.uid}  {each.reason}  {shown}")


@app.command()
def reprocess(
    context: typer.Context,
    uid: Annotated[int | None, typer.Argument(metavar="[UID]", help="UID in the mailbox's folder.")] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="All mail seen since this day.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without it, only show what would change.")] = False,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Read mail once more, with the rules of today; nobody is confirmed the same answer twice."""
    from rsvp_mailer import operate  # noqa: PLC0415

    if (uid is None) == (since is None):
        message = "give either a UID or --since DAY"
        raise typer.BadParameter(message)
    with open_parts(context, config, as_of) as opened:
        start = operate.start_of(since, opened.clock, opened.settings)
        changed = 0
        for each in operate.reprocess(opened, uid=uid, since=start, apply=apply):
            if each.changed:
                changed += 1
                typer.echo(
                    f"{each.place.folder} {each.place.uid}: {each.before} -> {each.after.state} {each.after.reason}"
                )
    typer.echo(
        f"{changed} changed" if apply else f"{changed} would change" + ("; repeat with --apply" if changed else "")
    )


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the tables, without the prompt.")] = False,
) -> None:
    """Show the whole way on sample mail, with mail servers of its own on this machine."""
    from rsvp_mailer.demo.demo import run_demo  # noqa: PLC0415

    run_demo(once=once)
