"""The command that takes things out: tables, the list at the door, the sheet for caterer and interpreters."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from rsvp_mailer.cli import AsOfOption, ConfigOption, app
from rsvp_mailer.cli_office import open_parts
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.export.kinds import Kind  # noqa: TC001 - Typer reads the types of parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeVar

    T = TypeVar("T")

_STDOUT = Path("-")
_WORTH_A_BAR = 2000  # steps; fewer take no time
_LANGUAGES = ("de", "en")


@app.command()
def export(
    context: typer.Context,
    kind: Annotated[
        Kind,
        typer.Argument(
            metavar="xlsx|csv|json|doors|planning",
            help="Table of all answers; doors: list for the entrance (PDF); planning: sheet without names (PDF).",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help='Where to; "-" is standard output. Default: a name with the day.'),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    language: Annotated[
        str | None, typer.Option("--language", metavar="de|en", help="Default: that of the digest.")
    ] = None,
    bom: Annotated[bool, typer.Option("--bom", help="CSV: begin with the mark by which Excel knows UTF-8.")] = False,
    delimiter: Annotated[
        str, typer.Option("--delimiter", metavar="CHARACTER", help="CSV: between columns; German Excel expects ;")
    ] = ",",
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Write answers, door list or planning sheet into a file that only you can read."""
    if language not in (None, *_LANGUAGES):
        message = "is not supported; use de or en"
        raise typer.BadParameter(message, param_hint="--language")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        message = 'is no single character that can stand between columns; use "," or ";"'
        raise typer.BadParameter(message, param_hint="--delimiter")
    from rsvp_mailer.export.exports import Csv, prepare  # noqa: PLC0415
    from rsvp_mailer.export.wording import LANGUAGES  # noqa: PLC0415

    with open_parts(context, config, as_of) as opened, opened.store.reading() as tx:
        prepared = prepare(
            tx,
            opened.event,
            kind,
            LANGUAGES[language or opened.settings.digest.language],
            now=opened.clock.now(),
            watch=_progress_bar,
            csv=Csv(byte_order_mark=bom, delimiter=delimiter),
        )
        if out == _STDOUT:
            prepared.write(sys.stdout.buffer)
            return
        target = out / prepared.name if out is not None and out.is_dir() else out or Path(prepared.name)
        with _appearing(target, force=force) as file:
            prepared.write(file)
    typer.echo(f"written: {target}")


@contextmanager
def _appearing(target: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file for its owner alone, which is there when it is complete, or not at all."""
    if target.exists() and not force:
        fault = f"--out: {target} is there already; name another file, or replace it with --force"
        raise ConfigError([fault])
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            yield file
        partial.replace(target)
    except OSError as error:
        fault = f"--out: {target} cannot be written ({error.strerror or type(error).__name__})"
        raise ConfigError([fault]) from error
    finally:
        partial.unlink(missing_ok=True)


def _progress_bar(steps: Iterable[T], how_many: int) -> Iterable[T]:
    if how_many < _WORTH_A_BAR or not sys.stderr.isatty():
        return steps
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import track  # noqa: PLC0415

    return track(steps, "writing", total=how_many, console=Console(stderr=True), transient=True)
