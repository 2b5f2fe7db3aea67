"""The pages for the office: HTML made on the server, which works without JavaScript.

How to add a page (``dashboard.py`` is a short one to copy):

1. Write a view in a module here: ``def show(visit: Visit) -> Response``. It runs in a worker thread, may use
   ``visit.office`` (settings, store, queue, figures, clock) and returns ``visit.page("mine.html", rows=rows)`` or,
   after a POST, ``visit.go("/mine", notice="mine.saved")``. What cannot be done is ``raise Refusal(404)``.
2. Name it in ``routes.py``: ``Page("/mine/{id:int}", mine.show, Role.CLERK)``; a form's target is a ``Page`` of its
   own with ``method="POST"``. The role is checked before the view runs. A GET never changes anything.
3. Write ``templates/mine.html``: ``{% extends "base.html" %}``, blocks ``title`` and ``content``. No inline style
   or script: the Content-Security-Policy forbids both. Everything is escaped; never use ``|safe``.
4. A form is ``<form method="post" action="/mine/7">{{ form_token }}`` and its fields; what was typed arrives as
   ``visit.field("name")``. A failure on the way (signed out, database away) offers to send the same fields again.
5. Words stand in ``languages/de/mine.toml`` and ``languages/en/mine.toml`` under equal keys, in templates
   ``{{ t("mine.title") }}``, with values ``t("mine.persons", count=3)``; a table with ``one`` and ``other`` is
   chosen by ``count``. ``visit.text`` is the same in Python.
6. A link in the bar above is a line of ``routes.NAVIGATION``. Style: ``static/pages.css``; comfort:
   ``static/pages.js``, or a file of your own there, linked in block ``scripts`` by ``static("mine.js")``.
"""
