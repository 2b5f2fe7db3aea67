"""What replies ask for beside an answer: open tasks with a tick, and those ticked last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.review.web.shown import sender_words
from rsvp_mailer.review.web.visit import Refusal, Role

if TYPE_CHECKING:
    from starlette.responses import Response

    from rsvp_mailer.review.web.visit import Visit

ROWS = 50
DONE_ROWS = 20


def show(visit: Visit) -> Response:
    """Open tasks, oldest first, a page at a time; below them those that were done last."""
    asked = visit.asked("after")
    after, event = int(asked) if asked.isdecimal() and len(asked) < 10 else 0, visit.office.event.id
    with visit.office.store.reading() as tx:
        found = tx.tasks.open_texts(event, limit=ROWS + 1, after=after)
        done = tx.tasks.done_texts(event, limit=DONE_ROWS)
        total = sum(count for _, count in tx.tasks.counts(event))
    return visit.page(
        "tasks.html",
        tasks=found[:ROWS],
        after=found[ROWS - 1].task.id if len(found) > ROWS else None,
        begins=not after,
        done=done,
        total=total,
        may_decide=visit.me.role >= Role.CLERK,
        sender_words=lambda name, person: sender_words(visit, name, person),
    )


def finish(visit: Visit) -> Response:
    """Tick one; somebody else's tick is told, not repeated."""
    with visit.office.store.writing() as tx:
        found = tx.tasks.get(visit.number("id"))
        if found is None:
            raise Refusal(404)
        if not tx.tasks.finish(found.task.id, by=visit.me.name, now=visit.office.now()):
            return visit.go("/tasks", notice="task_was_done")
    return visit.go("/tasks", notice="task_done")


def reopen(visit: Visit) -> Response:
    """Take a tick back."""
    with visit.office.store.writing() as tx:
        if tx.tasks.get(visit.number("id")) is None:
            raise Refusal(404)
        tx.tasks.reopen(visit.number("id"))
    return visit.go("/tasks", notice="task_reopened")
