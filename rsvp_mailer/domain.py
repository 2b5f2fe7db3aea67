"""The nouns of the program: read this file first.

Data moves one way: ``RawMail`` (what the server holds) becomes a ``Message`` (whose words are these?), a
``Reading`` (what do they mean?) and, together with what is stored, a ``Decision`` (what do we do?), which may
call for an ``OutgoingMail``.

Rules for this file: frozen values only, no I/O, no clock, no logging, nothing imported from this package.
Every ``datetime`` here is aware. All text is NFC with ``\\n`` line ends. Values that are written to the
database or printed by ``explain`` are string enums, spelled as in the reading guide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime  # noqa: TC003 - the store rebuilds these values from JSON and resolves the names
from enum import StrEnum


class Kind(StrEnum):
    """What sort of mail a message is; everything but ``RSVP`` needs no person."""

    RSVP = "rsvp"
    STECKBRIEF = "steckbrief"
    AUTO_REPLY = "auto_reply"
    BOUNCE = "bounce"
    UNRELATED = "unrelated"


class Attendance(StrEnum):
    """Will anybody come because of this message?"""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


class Reason(StrEnum):
    """Why a person must look; worded for people only where it is shown."""

    ATTENDANCE_UNCLEAR = "attendance_unclear"
    CONTRADICTION = "contradiction"
    PARTY_SIZE_MISSING = "party_size_missing"
    PARTY_SIZE_APPROXIMATE = "party_size_approximate"
    PARTY_SIZE_LARGE = "party_size_large"
    OTHER_DATE = "other_date"
    NEEDS_HISTORY = "needs_history"
    UNSURE_ABOUT_EVENT = "unsure_about_event"
    QUESTION_ONLY = "question_only"
    SEVERAL_SENDERS = "several_senders"
    UNSUPPORTED_LANGUAGE = "unsupported_language"
    UNREADABLE = "unreadable"
    SENDER_UNVERIFIED = "sender_unverified"
    AFTER_DEADLINE = "after_deadline"


class Tag(StrEnum):
    """Something a person at the office should see, even beside an automatic answer."""

    QUESTION = "question"
    DIET = "diet"
    ACCESSIBILITY = "accessibility"
    CHILDCARE = "childcare"
    LIST_CHANGE = "list_change"
    ERASE_REQUEST = "erase_request"
    STECKBRIEF_WANTED = "steckbrief_wanted"
    CALLBACK = "callback"
    SHEET_TO_READ = "sheet_to_read"  # no word says so: a returned Steckbrief that no program could read


class Tie(StrEnum):
    """How a message hangs together with our event (``message.relevance`` says by which proof)."""

    THREAD = "thread"  # answers the invitation or a mail of ours
    NAMED = "named"  # names title, date or place, or quotes the invitation
    NONE = "none"  # no proof in either direction
    OTHER = "other"  # positive proof that it is about something else


class Doubt(StrEnum):
    """A fact about how own words were obtained that may raise review, never silence."""

    TEXT_AFTER_QUOTE = "text_after_quote"
    NOTHING_LEFT = "nothing_left"  # the mail had text, but all of it was cut
    HEADER_RESIDUE = "header_residue"  # left-over header words inside the own words
    CHARSET_REPAIRED = "charset_repaired"
    CHARACTERS_LOST = "characters_lost"
    PARTS_DISAGREE = "parts_disagree"  # text and HTML part say different things
    FORWARDED = "forwarded"  # carries somebody else's mail
    ATTACHED_MAIL = "attached_mail"  # as a file of its own, which may bring an answer of theirs


@dataclass(frozen=True, slots=True)
class Address:
    """One RFC 5322 mailbox. ``address`` is lower case throughout, so that it can be compared."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MailboxIdentity:
    """What tells our own mail, and our own server's verdicts, from everybody else's.

    ``addresses``: lower case. ``authserv_id``: the only one whose Authentication-Results count (RFC 8601).
    ``message_id_domain``: the right-hand side of the Message-IDs that we generate.
    """

    addresses: frozenset[str]
    authserv_id: str | None = None
    message_id_domain: str = "localhost"


@dataclass(frozen=True, slots=True)
class Event:
    """The occasion people are invited to.

    ``message_ids``: of the invitation's mails, with angle brackets. ``own_texts``: invitation and
    confirmations as sent, so that quotes of them can be told from the sender's words.
    ``interpreter_languages``: codes of the reading guide (``ar ku prs fa fr en``).
    """

    id: str
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    street_address: str
    answers_until: datetime | None = None
    message_ids: frozenset[str] = frozenset()
    calendar_uid: str = ""
    own_texts: tuple[str, ...] = ()
    interpreter_languages: tuple[str, ...] = ()

    @property
    def closes_at(self) -> datetime:
        """Arrivals after this instant are held: the deadline, or the event's end."""
        return self.answers_until or self.ends_at


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message lies. A UID means nothing without its UIDVALIDITY (RFC 9051, 2.3.1.1)."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a folder has been read: every UID up to ``last_uid`` has been dealt with.

    ``start_at``: mail that arrived earlier is never looked at, not even after a change of UIDVALIDITY.
    ``uidvalidity`` is ``None`` until the folder was opened once.
    """

    mailbox: str
    folder: str
    start_at: datetime
    uidvalidity: int | None = None
    last_uid: int = 0


@dataclass(frozen=True, slots=True)
class RawMail:
    """One message as the inbox hands it over.

    ``raw``: the octets as served; the header section alone where ``complete`` is false (over the size limit).
    ``arrived_at``: IMAP INTERNALDATE; ``None`` for files, whose Received or Date header then counts.
    ``place``: ``None`` for files.
    """

    raw: bytes
    arrived_at: datetime | None = None
    place: Place | None = None
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch ``[start, end)`` of own words, the MIME part it came from, and the quoted line it answers."""

    start: int
    end: int
    part: str  # content type, for instance "text/html"
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch that was left out, and the rule that took it out ("quote.outlook_header", "signature.dashes")."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What the sender typed: no quote, signature after ``-- ``, device line, disclaimer or advertising."""

    text: str = ""
    pieces: tuple[Piece, ...] = ()
    cuts: tuple[Cut, ...] = ()
    doubts: frozenset[Doubt] = frozenset()


@dataclass(frozen=True, slots=True)
class CalendarReply:
    """An iTIP REPLY or COUNTER (RFC 5546) about our event.

    ``attendee``: lower-case address. ``guests``: ``X-NUM-GUESTS``, people besides the attendee.
    ``attendance``: ``None`` for a PARTSTAT that says neither (``NEEDS-ACTION``, ``DELEGATED``).
    """

    method: str
    attendance: Attendance | None
    attendee: str | None
    guests: int
    comment: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is no body text. ``size_bytes`` is the decoded size."""

    name: str
    content_type: str
    size_bytes: int


class SheetState(StrEnum):
    """What became of a returned Steckbrief when it was opened."""

    FILLED = "filled"  # its fields were read
    BLANK = "blank"  # our form, with nothing in it
    TO_READ = "to_read"  # a scan, a photo, another kind of document: a person reads it
    UNSAFE = "unsafe"  # brings a program, other files or the like: kept, never opened
    UNREADABLE = "unreadable"  # locked, damaged, or beyond every limit


@dataclass(frozen=True, slots=True)
class SheetFile:
    """An attachment that is, or may be, a returned Steckbrief; ``octets`` as attached."""

    name: str
    content_type: str
    octets: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A returned Steckbrief, opened. ``rule``: why it is in its state ("pdf.javascript").

    ``form``: the code printed on our forms ("STECKBRIEF-AR-1"), which says language and edition; empty for others.
    ``fields``: names of the form's fields and what stands in them; boxes as "yes" or "".
    """

    file: SheetFile
    state: SheetState
    rule: str
    form: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A mail whose form is understood, before any meaning.

    ``kind``: set where the form alone decides (auto-reply, bounce, returned sheet, foreign calendar reply);
    ``None`` leaves it to the words; ``kind_rule`` names the rule either way.
    ``sender``: the one usable From address, else ``None``; ``sender_faults``: rule names, any of which means
    ``sender_unverified``. ``sender_verified``: our own server said dmarc=pass.
    ``message_id``, ``references`` (In-Reply-To first): with angle brackets.
    ``tokens``: the random parts of Message-IDs of our own making found in ``references``.
    ``unreadable``: rule name where nobody can read it by machine (encrypted, damaged, picture only, too large).
    ``answerable``: false for automatic and list mail and null senders: they never get a mail from us.
    ``fingerprint``: hex SHA-256; equal for equal Message-ID, sender and own words; of the raw octets where
    there is no Message-ID.
    ``sheets``: attachments that are, or may be, returned Steckbriefe.
    ``bounced``: Message-IDs, and ``bounced_recipients``: addresses, that a bounce returns.
    """

    message_id: str | None
    fingerprint: str
    arrived_at: datetime | None
    sender: Address | None
    subject: str
    own_words: OwnWords
    kind: Kind | None = None
    kind_rule: str = ""
    tie: Tie = Tie.NONE
    tie_rule: str = ""
    references: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    sender_faults: tuple[str, ...] = ()
    sender_verified: bool = False
    unreadable: str | None = None
    answerable: bool = True
    calendar: CalendarReply | None = None
    attachments: tuple[Attachment, ...] = ()
    sheets: tuple[SheetFile, ...] = ()
    bounced: tuple[str, ...] = ()
    bounced_recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words that a value rests on.

    ``field``: a field of ``Reading``. ``source``: ``reply_text``, ``subject``, ``calendar`` or ``quoted``;
    ``start``/``end`` count characters within that source.
    """

    field: str
    rule: str
    source: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message says, whoever sent it and whatever was stored before.

    ``party_size``: people in all, the sender included if the sender comes; 0 with ``no``; ``None``: unsaid.
    ``size_stated``: the words (or guests of a calendar reply) give the number; an implied 1 does not.
    ``size_change``: "eine Person mehr" is +1; resolved against the stored answer.
    ``singular``: one speaker, for himself alone ("ich kann nicht"), as against a group or an organisation.
    ``corrects``: a correcting word stands there ("doch", "statt", "Korrektur").
    ``agrees``: only thanks or agrees ("Danke, passt so"): says nothing new in answer to a confirmation.
    ``people``: names of persons said to come, beside the sender.
    ``arrival``, ``departure``: ``HH:MM`` on the day, local time of the event.
    ``reasons``: why these words alone would need a person; empty means that they decide.
    """

    kind: Kind
    attendance: Attendance | None = None
    party_size: int | None = None
    reasons: tuple[Reason, ...] = ()
    language: str = "und"
    arrival: str | None = None
    departure: str | None = None
    interpreter: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    size_stated: bool = False
    size_change: int | None = None
    singular: bool = True
    corrects: bool = False
    agrees: bool = False
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All that a decision needs to know of a message beside its reading; small, and stored with the mail.

    ``sender_name``: the display name of From. ``answers_us``: a reply within a mail of ours.
    ``foreign_token``: a thread token of somebody else's answer.
    """

    arrived_at: datetime | None
    sender_name: str = ""
    sender_faults: tuple[str, ...] = ()
    unreadable: str | None = None
    doubts: frozenset[Doubt] = frozenset()
    answerable: bool = True
    answers_us: bool = False
    foreign_token: bool = False
    by_calendar: bool = False
    brings_sheet: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The present answer of one person (or the group that the person speaks for).

    ``attendance`` is ``None`` only after an undo that left no answer. ``party_size`` as in ``Reading``.
    ``part_of``: the person whose answer already counts this group; empty for an answer that counts itself.
    """

    attendance: Attendance | None
    party_size: int | None
    language: str = "de"
    name: str = ""
    size_stated: bool = False
    arrival: str | None = None
    departure: str | None = None
    interpreter: tuple[str, ...] = ()
    tags: tuple[Tag, ...] = ()
    people: tuple[str, ...] = ()
    part_of: str = ""


class Action(StrEnum):
    """What a decision does."""

    RECORD = "record"  # a first answer
    CHANGE = "change"  # another answer than the stored one
    NOTHING_NEW = "nothing_new"
    KEEP_SHEET = "keep_sheet"  # a returned Steckbrief
    HOLD = "hold"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of the decision table; ``row`` names the row that claimed the message.

    ``answer``: the present answer afterwards (unchanged, or ``None``, where nothing is stored).
    ``suggestion``: what a held message would store if a person simply agreed; ``None``: no guess.
    ``ask_party_size``: the one question that may go out by itself although the item is held.
    """

    action: Action
    row: str
    reasons: tuple[Reason, ...] = ()
    answer: Answer | None = None
    suggestion: Answer | None = None
    ask_party_size: bool = False

    @property
    def automatic(self) -> bool:
        """Whether no person is needed."""
        return self.action is not Action.HOLD


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail of ours, finished to the last octet (CRLF line ends), cut around its one large attachment.

    The octets sent are ``head + attachment + tail``. ``attachment`` is the encoded MIME body of the
    Steckbrief, the same object in every mail, so that the store keeps it once.
    ``message_id``: with angle brackets; ``token``: its random part, by which a reply finds its answer.
    """

    recipient: str
    message_id: str
    token: str
    subject: str
    head: bytes
    attachment: bytes = b""
    tail: bytes = b""

    @property
    def octets(self) -> bytes:
        """What goes over the wire between DATA and the final dot."""
        return self.head + self.attachment + self.tail


@dataclass(frozen=True, slots=True)
class Correspondent:
    """To whom, and in reply to what, a mail of ours goes.

    ``message_id`` and ``references`` (oldest first) are those of the mail that is answered; ``None`` and empty
    for a telephone answer. ``in_thread``: that mail answered the invitation or a mail of ours.
    ``verified``: our own server said dmarc=pass for it.
    """

    address: Address
    subject: str = ""
    message_id: str | None = None
    references: tuple[str, ...] = ()
    in_thread: bool = False
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """Promise 9: every message seen is exactly one of the four; ``seen`` is counted on its own."""

    seen: int
    recorded: int
    in_review: int
    ignored: int
    set_aside: int

    @property
    def holds(self) -> bool:
        """Whether the books are right."""
        return self.seen == self.recorded + self.in_review + self.ignored + self.set_aside


@dataclass(frozen=True, slots=True)
class HeadCount:
    """Persons and answers. ``certain`` sums the sizes of yes; an unknown size counts 1 and is in ``unknown_sizes``.

    ``held_persons``: how many more would come, ``held_fewer``: how many of the certain ones would not, if each
    suggestion that waits in review were accepted; part of no other figure.
    """

    certain: int = 0
    maybe: int = 0
    answers_yes: int = 0
    answers_maybe: int = 0
    answers_no: int = 0
    unknown_sizes: int = 0
    held_persons: int = 0
    held_fewer: int = 0
    held_items: int = 0

    @property
    def lowest(self) -> int:
        """Persons to be expected if every maybe stays away and every held mail means fewer."""
        return max(0, self.certain - self.held_fewer)

    @property
    def highest(self) -> int:
        """Persons to be expected if every maybe comes and every held mail means more."""
        return self.certain + self.maybe + self.held_persons


@dataclass(frozen=True, slots=True)
class Change:
    """A present answer that differs from the one at the last digest; ``before`` is ``None`` for a new one."""

    name: str
    person: str
    before: Answer | None
    after: Answer


@dataclass(frozen=True, slots=True)
class Moved:
    """What happened since the last digest. Answers, but for ``certain``: persons more (or fewer) in the head count.

    ``cancelled``: a yes or maybe that became a no, or was withdrawn; ``changed``: every other difference.
    """

    new: int = 0
    changed: int = 0
    cancelled: int = 0
    certain: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open review item. ``kind``: ``held``, ``late``, ``undelivered`` or ``set_aside``."""

    id: int
    kind: str
    name: str
    person: str
    reasons: tuple[str, ...]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class QueueCount:
    """All open review items: by kind, and by how many whole days they have waited (0, 1, 2 to 6, 7 and more)."""

    kinds: tuple[tuple[str, int], ...] = ()
    today: int = 0
    yesterday: int = 0
    this_week: int = 0
    older: int = 0

    @property
    def total(self) -> int:
        """How many wait."""
        return sum(count for _, count in self.kinds)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do for a person at the office, beside an answer. ``kind``: what the mail's ``Tag`` asks for.

    ``mail_id``: the mail in which it stands. ``done_at`` is ``None`` while it is open.
    """

    id: int
    kind: Tag
    name: str
    person: str
    mail_id: int
    opened_at: datetime
    done_at: datetime | None = None
    done_by: str = ""


@dataclass(frozen=True, slots=True)
class DayCount:
    """The head count as it stood at the end of a day (local day of the event)."""

    day: date
    certain: int
    maybe: int


@dataclass(frozen=True, slots=True)
class Alert:
    """``part`` ("mailbox office", "smtp") has not worked ``since``; ``message`` says why and what to do."""

    part: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What digest, ``status``, dashboard and exports show, taken in one read of the store: all show the same.

    ``since``: the instant up to which the previous digest told everything; ``None`` before the first.
    ``changes`` (newest first), ``waiting`` and ``tasks`` (oldest first) are cut off at ``figures.MOST_LISTED``;
    ``moved``, ``queue`` and ``open_tasks`` (by kind) count all of them.
    ``outgoing``: number of outgoing rows by state. ``interpreters`` (by language code), ``needs`` (``diet``,
    ``accessibility``, ``childcare``): answers of those who come, or may come, that name such a wish.
    ``languages``: answers by the language they were written in. ``sheets``: mails that brought a Steckbrief.
    ``curve``: one entry for each day on which the head count moved, in order.
    """

    as_of: datetime
    since: datetime | None = None
    head_count: HeadCount = HeadCount()
    moved: Moved = Moved()
    changes: tuple[Change, ...] = ()
    queue: QueueCount = QueueCount()
    waiting: tuple[Waiting, ...] = ()
    open_tasks: tuple[tuple[str, int], ...] = ()
    tasks: tuple[Task, ...] = ()
    balance: Balance = Balance(0, 0, 0, 0, 0)
    outgoing: tuple[tuple[str, int], ...] = ()
    interpreters: tuple[tuple[str, int], ...] = ()
    needs: tuple[tuple[str, int], ...] = ()
    languages: tuple[tuple[str, int], ...] = ()
    sheets: int = 0
    curve: tuple[DayCount, ...] = ()
    alerts: tuple[Alert, ...] = ()

    @property
    def undelivered(self) -> int:
        """Mails of ours that could not be delivered, and that nobody has dealt with."""
        return dict(self.queue.kinds).get("undelivered", 0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``check``: what was tried, whether a run could use it, and otherwise what to do."""

    what: str
    ok: bool
    advice: str = ""
