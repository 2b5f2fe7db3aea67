"""The schema, one for SQLite and PostgreSQL, and the states a mail can be in.

Facts come in (``mail``, ``ruling``); everything else follows from them. ``answer`` is append-only: the present
answer of a person is the newest row, an undo appends another one.

The hand-over instant is the commit that writes a mail: one transaction holds the mail row, its reading, the
answer, the review item, the outgoing rows with their final octets and the cursor's step past the message. Only
then is the message marked or moved on the server, which may fail and is tried again (``filed_at``).

=============  ===================  ==============  ================  ======================
state          mail.state           answer row      open review item  outgoing row
=============  ===================  ==============  ================  ======================
unseen         no row               no              no                no
ignored        ``ignored``+reason   no              no                no
held           ``held``             no              with reasons      no, or one question
recorded       ``recorded``         if changed      no                ``waiting``
late           ``recorded``         if changed      ``late``          ``parked`` (one click)
sending        ``recorded``         yes             no                ``sending``, attempt n
answered       ``recorded``         yes             no                ``sent``
overtaken      ``recorded``         newer one       no                ``superseded``
undeliverable  ``recorded``         yes             ``undelivered``   ``failed``
set aside      ``set_aside``        no              ``set_aside``     no
=============  ===================  ==============  ================  ======================

``sending`` found at start means a crash between the server's acceptance and our note of it: the same octets
with the same Message-ID go once more.

Times are stored in UTC and come back aware; a naive datetime is refused. ``person`` is the lower-case From
address, or ``tel:`` and a random id for somebody without one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class UtcDateTime(TypeDecorator[datetime]):
    """Stores UTC, returns aware, refuses naive values (SQLite itself knows no time zones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Normalise to UTC on the way in; ``ValueError`` for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a naive datetime cannot be stored"
            raise ValueError(msg)
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Make what comes out aware."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _states(column: str, *names: str) -> CheckConstraint:
    quoted = ", ".join(f"'{name}'" for name in names)
    return CheckConstraint(f"{column} in ({quoted})", name=column)


def own_id() -> Column[int]:
    """A row's number, given by the database."""
    return Column("id", Integer, primary_key=True)


def when(name: str, *, nullable: bool = False) -> Column[Any]:
    """An instant."""
    return Column(name, UtcDateTime, nullable=nullable)


cursor = Table(
    "cursor",
    metadata,
    Column("mailbox", String(100), primary_key=True),
    Column("folder", String(500), primary_key=True),
    when("start_at"),
    Column("uidvalidity", BigInteger),
    Column("last_uid", BigInteger, nullable=False, default=0),
    # Counted apart from the mail rows, so that the balance of promise 9 compares two independent figures.
    Column("seen", BigInteger, nullable=False, default=0),
    # Starts of a scan from this very position since it last moved: three mean that the next message kills us.
    Column("crashes", Integer, nullable=False, default=0),
)

mail = Table(
    "mail",
    metadata,
    own_id(),
    Column("mailbox", String(100), nullable=False),
    Column("folder", String(500), nullable=False),
    Column("uidvalidity", BigInteger, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("fingerprint", String(64), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    _states("state", "recorded", "held", "ignored", "set_aside"),
    Column("reason", String(100), nullable=False, default=""),  # row of the decision table, or kind and rule
    when("seen_at"),
    when("filed_at", nullable=True),  # marked or moved on the server, where the settings ask for it
    # All below is null for ignored mail.
    Column("person", String(320), index=True),
    Column("event", String(100)),
    Column("message_id", Text),
    Column("subject", Text),
    when("arrived_at", nullable=True),
    Column("raw", LargeBinary),  # zlib
    Column("own_words", Text),
    Column("reading", JSON),
    Column("circumstances", JSON),
    Column("correspondent", JSON),
    Column("attempts", Integer, nullable=False, default=0),
    Column("traceback", Text),  # without the exception's text, which may quote the mail
    UniqueConstraint("mailbox", "folder", "uidvalidity", "uid"),
    Index("ix_mail_state_seen_at", "state", "seen_at"),
)

ruling = Table(
    "ruling",
    metadata,
    own_id(),
    when("at"),
    Column("by", String(200), nullable=False),
    Column("verdict", String(20), nullable=False),
    _states(
        "verdict",
        *("accept", "correct", "answered", "merge", "split", "part", "dismiss", "asked", "telephone", "paper"),
        *("release", "retry", "close", "undo"),
    ),
    Column("mail_id", ForeignKey("mail.id"), index=True),
    # The item it was decided in; no foreign key, for outgoing rows already lead from items back to rulings.
    Column("review_id", Integer, index=True),
    Column("person", String(320), index=True),
    Column("event", String(100)),
    Column("answer", JSON),  # domain.Answer where the verdict brings one
    Column("note", Text),
    Column("cause_id", ForeignKey("ruling.id"), index=True),  # a part falls with the split that it came from
    Column("undoes", ForeignKey("ruling.id"), unique=True),
)

answer = Table(
    "answer",
    metadata,
    own_id(),
    Column("event", String(100), nullable=False),
    Column("person", String(320), nullable=False),
    Column("mail_id", ForeignKey("mail.id")),
    Column("ruling_id", ForeignKey("ruling.id")),
    when("recorded_at"),
    Column("by", String(200), nullable=False),  # "auto", or who decided
    Column("attendance", String(10)),  # null: withdrawn by an undo
    Column("party_size", Integer),  # what this answer adds to the head count: 0 where another one counts the group
    Column("answer", JSON, nullable=False),  # the whole domain.Answer
    # Somebody told the invitee by other means: no confirmation says it once more.
    Column("told_by_hand", Boolean, nullable=False, default=False),
    Index("ix_answer_event_person", "event", "person", "id"),
    Index("ix_answer_event_recorded_at", "event", "recorded_at", "person"),
)

# By how much a day moved the head count; kept with each answer, so that the curve costs no walk through history.
head_count_day = Table(
    "head_count_day",
    metadata,
    Column("event", String(100), primary_key=True),
    Column("day", Date, primary_key=True),  # local day of the event
    Column("certain", Integer, nullable=False),
    Column("maybe", Integer, nullable=False),
)

# Running sums, kept by triggers (``tallies``): what every page asks for must not be counted each time.
tally = Table(
    "tally",
    metadata,
    Column("event", String(100), primary_key=True),  # empty: of all events
    Column("kind", String(20), primary_key=True),
    Column("term", String(200), primary_key=True),  # a state, a language, ...
    Column("number", Integer, nullable=False),
    Column("persons", Integer, nullable=False),
)

review = Table(
    "review",
    metadata,
    own_id(),
    Column("kind", String(20), nullable=False),
    _states("kind", "held", "late", "undelivered", "set_aside"),
    Column("mail_id", ForeignKey("mail.id"), index=True),
    Column("outgoing_id", ForeignKey("outgoing.id"), index=True),
    Column("reasons", JSON, nullable=False),
    # The pile it lies on: its first reason, or its kind. With ``suggestion`` (domain.Answer) as last settled, so
    # that a page of the queue is one read.
    Column("topic", String(40), nullable=False),
    Column("suggestion", JSON),
    # How many persons the suggestion would add to the present answer of the same person, and take from it
    # (``suggestions.weigh``); 0 for all but held items.
    Column("adds", Integer, nullable=False, default=0),
    Column("takes", Integer, nullable=False, default=0),
    when("opened_at"),
    when("due_at", nullable=True),  # returns to the top of the queue then
    when("closed_at", nullable=True),
    Column("closed_by", String(200)),
    Column("claimed_by", String(200)),  # who looks at it, until when
    when("claimed_until", nullable=True),
    *(
        Index(name, *columns, sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL"))
        for name, columns in {
            "ix_review_open": ("opened_at", "id", "due_at"),
            "ix_review_open_topic": ("topic", "opened_at", "id", "due_at"),
            # The figures of the queue are read off the index alone.
            "ix_review_open_kind": ("kind", "outgoing_id", "opened_at", "adds", "takes"),
        }.items()
    ),
)

# What a mail asks of the office beside an answer; opened in the transaction that records the mail.
task = Table(
    "task",
    metadata,
    own_id(),
    Column("event", String(100), nullable=False),
    Column("kind", String(30), nullable=False),  # domain.Tag
    Column("person", String(320), nullable=False, index=True),
    Column("mail_id", ForeignKey("mail.id"), nullable=False),
    when("opened_at"),
    when("done_at", nullable=True),
    Column("done_by", String(200)),
    UniqueConstraint("mail_id", "kind"),
    Index(
        "ix_task_open",
        "event",
        "id",
        sqlite_where=text("done_at IS NULL"),
        postgresql_where=text("done_at IS NULL"),
    ),
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("octets", LargeBinary, nullable=False),
)

outgoing = Table(
    "outgoing",
    metadata,
    own_id(),
    # At most one row for one cause: "confirmation:<answer id>", "question:<person>", "digest:<day>:<to>".
    Column("key", String(500), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    _states("kind", "confirmation", "question", "thanks", "steckbrief", "digest", "notice", "sign_in"),
    Column("event", String(100), nullable=False),
    Column("person", String(320), index=True),
    Column("recipient", String(320), nullable=False),
    Column("answer_id", ForeignKey("answer.id")),
    Column("mail_id", ForeignKey("mail.id")),
    Column("message_id", String(500), nullable=False, unique=True),
    Column("token", String(64), nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("attachment", ForeignKey("blob.sha256")),
    Column("tail", LargeBinary, nullable=False),
    Column("state", String(20), nullable=False),
    _states("state", "waiting", "parked", "sending", "sent", "failed", "superseded"),
    Column("attempts", Integer, nullable=False, default=0),
    when("created_at"),
    when("due_at"),
    when("sent_at", nullable=True),
    Column("smtp_code", Integer),
    Column("last_error", Text),  # our own words and the code, never the server's echo of the recipient's text
    Column("brings_steckbrief", Boolean, nullable=False, default=False),
    Index("ix_outgoing_state_due_at", "state", "due_at"),
    Index("ix_outgoing_recipient_sent_at", "recipient", "sent_at"),
    Index("ix_outgoing_sent_at_kind", "sent_at", "kind"),
)

sheet = Table(
    "sheet",
    metadata,
    own_id(),
    Column("event", String(100), nullable=False),
    Column("person", String(320), nullable=False, index=True),
    Column("mail_id", ForeignKey("mail.id"), nullable=False),
    when("received_at"),
    Column("number", Integer, nullable=False),  # which of the mail's sheets, from 1
    Column("version", Integer, nullable=False),  # how many sheets of this person there are up to this one
    Column("state", String(20), nullable=False),
    _states("state", "filled", "blank", "to_read", "unsafe", "unreadable"),
    Column("rule", String(100), nullable=False),
    Column("form", String(50), nullable=False, default=""),  # the code on our forms: language and edition
    Column("fields", JSON, nullable=False),  # name -> what stands in it
    Column("name", Text, nullable=False),  # of the file
    Column("content_type", String(200), nullable=False),
    Column("octets", ForeignKey("blob.sha256"), nullable=False),  # as attached
    UniqueConstraint("mail_id", "number"),
)

# What keeps a part of the program from working until somebody acts; a part has at most one line.
alert = Table(
    "alert",
    metadata,
    Column("part", String(100), primary_key=True),  # "mailbox office", "smtp", "deliveries"
    Column("message", Text, nullable=False),
    when("since"),
    when("noticed_at", nullable=True),  # when the administrator was last told
)

# --- the pages: who may see them; tokens are kept as hashes, so that a stolen database opens no door ----------------

sign_in_link = Table(
    "sign_in_link",
    metadata,
    own_id(),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("address", String(320), nullable=False),
    Column("browser_sha256", String(64)),  # that asked for it; null: printed on the terminal, for any browser
    Column("return_to", String(300), nullable=False),
    when("created_at"),
    when("expires_at"),
    when("used_at", nullable=True),
)

web_session = Table(
    "web_session",
    metadata,
    own_id(),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("address", String(320), nullable=False, index=True),
    Column("browser", String(200), nullable=False),  # its User-Agent, for the list of sessions
    when("created_at"),
    when("seen_at"),
    when("ended_at", nullable=True),
)

attempt = Table(
    "attempt",
    metadata,
    own_id(),
    Column("bucket", String(100), nullable=False),  # what is counted, with a hash of whose it is
    when("at"),
    Index("ix_attempt_bucket_at", "bucket", "at"),
)
