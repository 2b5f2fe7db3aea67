"""Every page there is, with the role that it takes. The tests walk this table: none is unguarded."""

from __future__ import annotations

from rsvp_mailer.review.web import (
    dashboard,
    export_pages,
    frame,
    guest_pages,
    queue_pages,
    sessions,
    sign_in,
    task_pages,
)
from rsvp_mailer.review.web.guard import Page
from rsvp_mailer.review.web.visit import Role

PAGES: tuple[Page, ...] = (
    Page("/", dashboard.show, Role.VIEWER),
    Page("/sessions", sessions.show, Role.VIEWER),
    Page("/sessions/{id:int}/end", sessions.end, Role.VIEWER, method="POST"),
    Page("/queue", queue_pages.show, Role.VIEWER),
    Page("/queue/{id:int}", queue_pages.item, Role.VIEWER),
    Page("/queue/{id:int}/decide", queue_pages.decide, Role.CLERK, method="POST"),
    Page("/queue/{id:int}/undo", queue_pages.undo, Role.CLERK, method="POST"),
    Page("/keys", queue_pages.keys, Role.VIEWER),
    Page("/guests", guest_pages.show, Role.VIEWER),
    Page("/guests/new", guest_pages.entry, Role.CLERK),
    Page("/guests/new", guest_pages.enter, Role.CLERK, method="POST"),
    Page("/guests/twins", guest_pages.twins, Role.CLERK),
    Page("/guests/{id:int}", guest_pages.person, Role.VIEWER),
    Page("/guests/{id:int}/change", guest_pages.change, Role.CLERK, method="POST"),
    Page("/guests/{id:int}/merge", guest_pages.merge, Role.CLERK, method="POST"),
    Page("/twins/{id:int}", guest_pages.settle_twin, Role.CLERK, method="POST"),
    Page("/entries/{id:int}/undo", guest_pages.undo_entry, Role.CLERK, method="POST"),
    Page("/mails/{id:int}", guest_pages.mail, Role.VIEWER),
    Page("/tasks", task_pages.show, Role.VIEWER),
    Page("/tasks/{id:int}/done", task_pages.finish, Role.CLERK, method="POST"),
    Page("/tasks/{id:int}/reopen", task_pages.reopen, Role.CLERK, method="POST"),
    Page("/export", export_pages.show, Role.CLERK),
    Page("/export/{kind:str}", export_pages.download, Role.CLERK),
    # Without signing in: the way in, what every page is drawn with, and whether somebody is there.
    Page("/sign-in", sign_in.ask, Role.ANYBODY),
    Page("/sign-in", sign_in.send, Role.ANYBODY, method="POST", least_s=sign_in.LEAST_S),
    Page("/sign-in/sent", sign_in.sent, Role.ANYBODY),
    Page("/sign-in/{token:str}", sign_in.arrive, Role.ANYBODY),
    Page("/sign-in/{token:str}", sign_in.enter, Role.ANYBODY, method="POST", least_s=sign_in.LEAST_S),
    Page("/sign-out", sign_in.leave, Role.VIEWER, method="POST"),
    Page("/language", frame.choose_language, Role.ANYBODY, method="POST"),
    Page("/static/{name:str}", frame.static, Role.ANYBODY, personal=False),
    Page("/health", frame.health, Role.ANYBODY, personal=False),
)

# Path, words and least role of the links in the bar on top.
NAVIGATION: tuple[tuple[str, str, int], ...] = (
    ("/", "dashboard.link", Role.VIEWER),
    ("/queue", "queue.link", Role.VIEWER),
    ("/guests", "guests.link", Role.VIEWER),
    ("/tasks", "tasks.link", Role.VIEWER),
    ("/export", "exports.link", Role.CLERK),
)
