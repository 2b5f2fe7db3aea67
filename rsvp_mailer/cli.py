"""The command line: every command is thin, reads the settings and calls one function that does the work.

Whatever goes wrong in a way that is known (``RsvpMailerError``) is one clear line on stderr and exit status 2,
like a wrong argument. Libraries are imported inside the commands, so that ``--help`` answers at once.

``--config`` and ``--as-of`` are understood before and after the name of a command.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from rsvp_mailer.errors import ConfigError, RsvpMailerError

if TYPE_CHECKING:
    from rsvp_mailer.clock import Clock
    from rsvp_mailer.settings import Settings

app = typer.Typer(
    help="Reads free-text replies to an invitation, confirms what is clear and asks a person about the rest.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would quote mail; see log.py for what is told of a crash.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings file (or RSVP_MAILER_CONFIG in the environment)."),
]
AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="TIME",
        help="Let the clock start at this local time of the event (2017-11-06T08:00): for demonstrations and replays.",
    ),
]


@dataclass(frozen=True, slots=True)
class Given:
    """The options given before the command's name."""

    config: Path | None = None
    as_of: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What nearly every command starts from. ``file``: where the settings came from."""

    settings: Settings
    clock: Clock
    file: Path


@app.callback()
def options(context: typer.Context, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """Keep the options given before the command's name."""
    context.obj = Given(config, as_of)


def open_frame(
    context: typer.Context,
    config: Path | None,
    as_of: str | None,
    *,
    shipped_will_do: bool = False,
    quiet: bool = False,
) -> Frame:
    """Load the settings, set the clock, start the log (on stderr); ``ConfigError`` with all faults.

    Options after the command's name count before those in front of it, those before ``RSVP_MAILER_CONFIG``.
    ``shipped_will_do``: without a settings file the one that ships is used; otherwise there must be one.
    ``quiet``: for commands that answer a person; of the log only errors are shown.
    """
    from rsvp_mailer.log import configure_log  # noqa: PLC0415
    from rsvp_mailer.settings import load_settings, shipped  # noqa: PLC0415

    given: Given = context.obj
    named = config or given.config or _from_environment()
    if named is None and not shipped_will_do:
        fault = (
            "no settings: name your settings file by --config FILE or RSVP_MAILER_CONFIG; "
            f"to begin, copy {shipped()} and the files beside it"
        )
        raise ConfigError([fault])
    settings = load_settings(named, os.environ)
    configure_log(settings.log.model_copy(update={"level": "error"}) if quiet else settings.log)
    return Frame(settings, _clock(given.as_of if as_of is None else as_of, settings), named or shipped())


def _from_environment() -> Path | None:
    named = os.environ.get("RSVP_MAILER_CONFIG")
    return Path(named) if named else None


def _clock(as_of: str | None, settings: Settings) -> Clock:
    from rsvp_mailer.clock import Clock, parse_moment  # noqa: PLC0415

    if as_of is None:
        return Clock()
    try:
        return Clock.as_of(parse_moment(as_of, settings.events[0].timezone))
    except ValueError:
        message = "is no day and time; write it as 2017-11-06T08:00"
        raise typer.BadParameter(message, param_hint="--as-of") from None


@app.command()
def explain(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help=".eml files, folders, mbox files, Maildirs.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line for each message.")] = False,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Show how mail is understood, and on which words that rests; needs no network and no database."""
    frame = open_frame(context, config, as_of, shipped_will_do=True, quiet=True)
    from rsvp_mailer.explain import explain_paths  # noqa: PLC0415

    try:
        explain_paths(paths, frame.settings, sys.stdout, as_json=as_json)
    except BrokenPipeError:
        _forget(sys.stdout)  # the reader has seen enough ("| head")
    missing = [path for path in paths if not path.exists()]
    for path in missing:
        typer.echo(f"{path}: no such file or folder", err=True)
    if missing:
        raise typer.Exit(2)


@app.command()
def check(context: typer.Context, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """Try everything that a run needs, change nothing, and say what is wrong and what to do."""
    frame = open_frame(context, config, as_of, shipped_will_do=True, quiet=True)
    from rsvp_mailer.check import check_all, line_of  # noqa: PLC0415

    fit = True
    for finding in check_all(frame.settings, frame.file, now=frame.clock.now()):
        typer.echo(line_of(finding))
        fit = fit and finding.ok
    raise typer.Exit(0 if fit else 1)


lexicon = typer.Typer(help="What the program knows of languages.", no_args_is_help=True)
app.add_typer(lexicon, name="lexicon")


@lexicon.command("check")
def check_lexicon(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="Language files to check; without it, those in use."),
    ] = None,
) -> None:
    """Prove every rule of every language by its examples; for whoever adds a wording. Needs no settings."""
    from rsvp_mailer.check import line_of  # noqa: PLC0415
    from rsvp_mailer.reading.lexicon import FOLDER, check_lexicon  # noqa: PLC0415

    if folder is not None and not any(folder.glob("*.toml")):
        raise ConfigError([f"{folder}: holds no language file (*.toml); name the folder with the files"])
    findings = check_lexicon(folder or FOLDER)
    for finding in findings:
        typer.echo(line_of(finding))
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DAY",
        help='For the first run: mail that arrived before this day (2017-10-20), or before "now", is never looked at.',
    ),
]


@app.command()
def run(
    context: typer.Context, since: SinceOption = None, config: ConfigOption = None, as_of: AsOfOption = None
) -> None:
    """Read the mailbox, confirm, and send the digests, until told to stop."""
    frame = open_frame(context, config, as_of)
    from rsvp_mailer import operate  # noqa: PLC0415
    from rsvp_mailer.log import configure_log  # noqa: PLC0415

    configure_log(frame.settings.log)
    operate.run(frame.settings, frame.clock, since)


@app.command()
def poll(
    context: typer.Context, since: SinceOption = None, config: ConfigOption = None, as_of: AsOfOption = None
) -> None:
    """Do one round: take what is new, confirm it, send the digest if it is due."""
    frame = open_frame(context, config, as_of)
    from rsvp_mailer import operate  # noqa: PLC0415
    from rsvp_mailer.log import configure_log  # noqa: PLC0415

    configure_log(frame.settings.log)
    result = operate.poll(frame.settings, frame.clock, since)
    taken = ", ".join(f"{number} {state}" for state, number in sorted(result.taken.taken.items())) or "nothing new"
    sent = result.sent
    typer.echo(f"taken: {taken}; sent: {sent.sent}, put off: {sent.retried}, failed: {sent.failed}")
    raise typer.Exit(1 if sent.interrupted or sent.failed else 0)


def main() -> None:
    """The entry point ``rsvp-mailer``."""
    import rsvp_mailer.cli_export  # noqa: PLC0415 - each adds its commands
    import rsvp_mailer.cli_office  # noqa: PLC0415
    import rsvp_mailer.cli_preview  # noqa: PLC0415
    import rsvp_mailer.cli_steckbrief  # noqa: PLC0415
    import rsvp_mailer.cli_tasks  # noqa: PLC0415
    import rsvp_mailer.cli_web  # noqa: F401, PLC0415

    for stream in (sys.stdout, sys.stderr):
        # Right under LANG=C too; half a character that a path or mail holds becomes an escape, not an error.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        app(prog_name="rsvp-mailer")
    except ConfigError as error:
        _refuse(error.faults)
    except RsvpMailerError as error:
        _refuse([str(error)])


def _refuse(faults: list[str]) -> None:
    for fault in faults:
        typer.echo(f"rsvp-mailer: {fault}", err=True)
    sys.exit(2)


def _forget(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, or Python complains about the closed pipe at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
