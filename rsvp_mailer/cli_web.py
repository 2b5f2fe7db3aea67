"""The command for the pages of the office."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from rsvp_mailer.cli import AsOfOption, ConfigOption, app, open_frame
from rsvp_mailer.errors import ConfigError

if TYPE_CHECKING:
    from rsvp_mailer.app import App


@app.command()
def web(
    context: typer.Context,
    login_link: Annotated[
        str | None,
        typer.Option("--login-link", metavar="ADDRESS", help="Print a link that signs this person in; serve nothing."),
    ] = None,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """Serve the pages for the office until told to stop; "run" does it too, unless web.within_run = false."""
    frame = open_frame(context, config, as_of, quiet=login_link is not None)
    from rsvp_mailer.app import open_app  # noqa: PLC0415
    from rsvp_mailer.review.web.sign_in import print_link  # noqa: PLC0415

    users = frame.settings.web.users
    if not users:
        raise ConfigError(["web.users: names nobody, so that nobody could sign in; add a table [[web.users]]"])
    with open_app(frame.settings, frame.clock) as opened:
        if login_link is None:
            _serve(opened)
            return
        try:
            link = print_link(opened.office(), login_link)
        except ValueError:
            known = ", ".join(user.address for user in users)
            fault = f"--login-link: {login_link} is not among web.users; there are: {known}"
            raise ConfigError([fault]) from None
        typer.echo(f"{link}\ngood once, for 15 minutes, in any browser")


def _serve(opened: App) -> None:
    from rsvp_mailer.review.web.serve import WebThread  # noqa: PLC0415

    stop = threading.Event()
    thread = WebThread(opened.office())
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    thread.start()
    typer.echo(f"the pages are at {opened.settings.web.site} (mail is sent by rsvp-mailer run); to stop: Ctrl-C")
    while thread.is_alive() and not stop.wait(0.5):
        pass
    thread.stop()
    thread.join(8.0)
