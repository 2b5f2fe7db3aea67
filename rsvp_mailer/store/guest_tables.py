"""The guest list: what ``tables.answer`` says now, one row a person, and what each is found by.

Nothing here is a fact: ``guests.Guests`` keeps these rows in step with the newest answer of each person, in the same
transaction, so that 100,000 answers are listed, filtered and searched as fast as a hundred.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from rsvp_mailer.store.tables import metadata, own_id, when

# Compared octet by octet on both databases: a prefix is a range of the index.
_Key = String(200).with_variant(String(200, collation="C"), "postgresql")

guest = Table(
    "guest",
    metadata,
    own_id(),
    Column("event", String(100), nullable=False),
    Column("person", String(320), nullable=False),
    Column("answer_id", ForeignKey("answer.id"), nullable=False, index=True),
    Column("sort_key", _Key, nullable=False),
    Column("attendance", String(10)),
    Column("party_size", Integer),
    Column("language", String(20), nullable=False),
    Column("part_of", String(320)),  # the person whose answer counts this one
    UniqueConstraint("event", "person"),
    Index("ix_guest_event_sort_key", "event", "sort_key", "id"),
    Index("ix_guest_event_attendance_sort_key", "event", "attendance", "sort_key", "id"),
    Index("ix_guest_event_language_sort_key", "event", "language", "sort_key", "id"),
    Index("ix_guest_part_of", "part_of"),
    # The head count is read off the index alone.
    Index("ix_guest_event_attendance_party_size", "event", "attendance", "party_size"),
)

# What a guest is found by: "word:berg", "interpreter:ar", "tag:diet", "who:anna berg" (``guests.terms_of``).
guest_term = Table(
    "guest_term",
    metadata,
    Column("term", _Key, primary_key=True),
    Column("guest_id", ForeignKey("guest.id"), primary_key=True, index=True),
)

# Two guests that may be one; a person decides. ``first_id`` is the older one.
twin = Table(
    "twin",
    metadata,
    own_id(),
    Column("event", String(100), nullable=False),
    Column("first_id", ForeignKey("guest.id"), nullable=False),
    Column("second_id", ForeignKey("guest.id"), nullable=False, index=True),
    when("found_at"),
    when("closed_at", nullable=True),
    Column("closed_by", String(200)),
    UniqueConstraint("first_id", "second_id"),
    Index(
        "ix_twin_open",
        "event",
        "id",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)
