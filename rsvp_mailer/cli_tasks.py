"""The commands for tasks: what replies ask for beside an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rsvp_mailer.cli import AsOfOption, ConfigOption, app
from rsvp_mailer.cli_office import ByOption, open_parts
from rsvp_mailer.errors import ConfigError

if TYPE_CHECKING:
    from rsvp_mailer.store.tasks import TaskText

tasks = typer.Typer(help="What replies ask for beside an answer: questions, calls, needs.", no_args_is_help=True)
app.add_typer(tasks, name="tasks")

TaskArgument = Annotated[int, typer.Argument(metavar="TASK", help="Number of the task, as in tasks list.")]
_MOST = 500
_WORDS_CHARS = 300
_KINDS = {
    "question": "answer a question",
    "diet": "food: note what is needed",
    "accessibility": "accessibility: see to it",
    "childcare": "child care: see to it",
    "list_change": "change the mailing list",
    "erase_request": "erase this person's data",
    "steckbrief_wanted": "send the Steckbrief otherwise, if the one in our mail was of no use",
    "callback": "ring back",
    "sheet_to_read": "look at a returned Steckbrief: rsvp-mailer steckbrief list",
}


@tasks.command("list")
def list_tasks(
    context: typer.Context,
    done: Annotated[bool, typer.Option("--done", help="Those done last, instead of the open ones.")] = False,
    config: ConfigOption = None,
    as_of: AsOfOption = None,
) -> None:
    """List open tasks, oldest first, with the words they come from."""
    with open_parts(context, config, as_of) as opened, opened.store.reading() as tx:
        event, zone = opened.event.id, opened.event.starts_at.tzinfo
        found = tx.tasks.done_texts(event, limit=_MOST) if done else tx.tasks.open_texts(event, limit=_MOST)
    for each in found:
        who = f"{each.task.name} <{each.task.person}>" if each.task.name else each.task.person
        ticked = f"  done by {each.task.done_by}" if each.task.done_by else ""
        typer.echo(
            f"{each.task.id}  {each.task.opened_at.astimezone(zone):%d.%m. %H:%M}  {_KINDS[each.task.kind]}{ticked}"
        )
        typer.echo(f"    {who}: {_words(each)}")
    if not found:
        typer.echo("nothing was done yet" if done else "nothing to do")
    elif not done:
        typer.echo("to tick one: rsvp-mailer tasks done TASK")


def _words(text: TaskText) -> str:
    words = " ".join((text.own_words or text.subject).split())
    return words if len(words) <= _WORDS_CHARS else words[:_WORDS_CHARS].rsplit(" ", 1)[0] + " …"


@tasks.command("done")
def done(
    context: typer.Context, task: TaskArgument, by: ByOption, config: ConfigOption = None, as_of: AsOfOption = None
) -> None:
    """Tick a task; it leaves the digest."""
    with open_parts(context, config, as_of) as opened, opened.store.writing() as tx:
        if not tx.tasks.finish(task, by=by, now=opened.clock.now()):
            raise ConfigError([_why_not(tx.tasks.get(task), task)])
    typer.echo(f"task {task} done; to take it back: rsvp-mailer tasks reopen {task}")


def _why_not(found: TaskText | None, task: int) -> str:
    if found is None:
        return f"there is no task {task}; see rsvp-mailer tasks list"
    return f"task {task} was done already, by {found.task.done_by}"


@tasks.command("reopen")
def reopen(context: typer.Context, task: TaskArgument, config: ConfigOption = None, as_of: AsOfOption = None) -> None:
    """Take a tick back."""
    with open_parts(context, config, as_of) as opened, opened.store.writing() as tx:
        if not tx.tasks.reopen(task):
            fault = f"there is no task {task} that was done; see rsvp-mailer tasks list --done"
            raise ConfigError([fault])
    typer.echo(f"task {task} is open again")
