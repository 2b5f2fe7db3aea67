"""From a message's own words to their meaning: the one door of this room.

The way of the words: ``normalise`` folds spellings, ``tokens`` cuts words and sentences, ``language`` chooses
the language of each sentence, ``vocabulary`` gives words their classes, ``letter`` takes greeting and closing
away, ``clauses`` cuts clauses, ``patterns`` applies the rules, ``statements`` judges each clause,
``attendance`` combines the statements, ``party`` counts people. What no rule explains is held.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Attendance, Evidence, Kind, Reading, Reason, Tag, Tie
from rsvp_mailer.reading.attendance import decide_attendance
from rsvp_mailer.reading.bare import bare_words, only_agrees
from rsvp_mailer.reading.calendar import read_calendar
from rsvp_mailer.reading.clauses import Clause, cut, without_brackets
from rsvp_mailer.reading.language import ENOUGH_KNOWN, best_language, guess_language
from rsvp_mailer.reading.letter import names_several, strip_frame
from rsvp_mailer.reading.normalise import Folded, fold
from rsvp_mailer.reading.party import Party, count_people, speaks_for_several
from rsvp_mailer.reading.patterns import find_matches
from rsvp_mailer.reading.statements import Statement, judge
from rsvp_mailer.reading.times import find_times
from rsvp_mailer.reading.tokens import Sentence, scan, sentences
from rsvp_mailer.reading.vocabulary import classify
from rsvp_mailer.reading.wishes import asks_something, find_interpreters, find_tags

if TYPE_CHECKING:
    from rsvp_mailer.domain import Event, Message
    from rsvp_mailer.reading.leftovers import Verdict
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.terms import Term
    from rsvp_mailer.reading.vocabulary import Language

_REPLY_PREFIX = re.compile(r"\s*(?:re|aw|antw|wg|fwd?|tr|rép|sv|odp|ynt|پاسخ|رد)\s*:", re.IGNORECASE)
DARK_SHARE, DARK_WORDS = 0.4, 3  # a sentence of so many words of which less is known: nobody has read it
MAX_CHARACTERS = 20_000  # a longer reply has said what it has to say; the rest only costs time


@dataclass(frozen=True, slots=True)
class Text:
    """One source of words (``reply_text``, ``subject``, ``calendar``), analysed. ``words``: how many."""

    source: str
    folded: Folded
    statements: list[Statement]
    language: str
    words: int
    foreign: bool
    dark: bool
    signed_by_several: bool

    def evidence(self, field: str, rule: str, statement: Statement, part: Match | Term) -> Evidence:
        """The words of ``part`` as the sender wrote them."""
        tokens = statement.clause.tokens
        start, end = self.folded.span(tokens[part.start].start, tokens[part.end - 1].end)
        return Evidence(field, rule, self.source, self.folded.original[start:end], start, end)


def read_reply(message: Message, event: Event, lexicon: Lexicon) -> Reading:
    """What ``message`` says about coming to ``event``; never raises, whatever the text."""
    by_form = message.kind if message.kind is not Kind.RSVP else None
    if by_form is not None or message.tie is Tie.OTHER:
        return Reading(kind=by_form or Kind.UNRELATED)
    text = analyse(message.own_words.text, "reply_text", event, lexicon)
    _mark_answers(text, message, lexicon)
    if message.calendar is not None:
        if not text.words:
            text = analyse(message.calendar.comment, "calendar", event, lexicon)
        return read_calendar(message.calendar, _read_text(text, event, message), said_something=_says_more(text))
    written = "" if _REPLY_PREFIX.match(message.subject) else message.subject
    if not text.words and written:
        return _read_text(analyse(written, "subject", event, lexicon), event, message)
    reading = _read_text(text, event, message, receipt=not written and _names_receipt(message.subject, lexicon))
    if reading.attendance is None and _only_brings_the_sheet(message, text):
        return Reading(kind=Kind.STECKBRIEF, language=reading.language)
    if written and reading.kind is Kind.RSVP and not reading.reasons:
        heading = analyse(written, "subject", event, lexicon)
        people = any(t.kind == "many" for s in heading.statements for row in s.groups for t in row)
        return _agreeing(reading, _read_text(heading, event, message), people=people)
    return reading


def _only_brings_the_sheet(message: Message, text: Text) -> bool:
    """Whether one statement that speaks of nobody's coming is all that stands beside a returned Steckbrief."""
    if not message.kind_rule.startswith("steckbrief") or len(text.statements) != 1:
        return False
    (statement,) = text.statements
    about_somebody = any({"i", "we"} & set(token.classes) for token in statement.clause.tokens)
    explained = not about_somebody or bool(statement.clause.means("nothing"))
    return explained and not statement.polarity and "question" not in statement.flags


def _mark_answers(text: Text, message: Message, lexicon: Lexicon) -> None:
    """Note the clauses written below a quoted line that asks for something else than coming."""
    others = [p for p in message.own_words.pieces if p.answers and not _asks_about_coming(p.answers, lexicon)]
    for statement in text.statements:
        place = text.folded.origin(statement.clause.tokens[0].start)
        if any(piece.start <= place < piece.end for piece in others):
            statement.flags.add("answers_other")


def _asks_about_coming(quoted: str, lexicon: Lexicon) -> bool:
    tokens = scan(fold(quoted))
    language, _ = best_language(tokens, lexicon, None)
    return any(language.classes_of(token.word) & {"come_inf", "people"} for token in tokens)


def _says_more(text: Text) -> bool:
    """Whether words beside a pressed button say more than thanks."""
    return bool(text.words) and not only_agrees(text.statements)


def _agreeing(reading: Reading, subject: Reading, *, people: bool) -> Reading:
    """Hold a body that a subject of the sender's own contradicts; ``people``: the subject counts some."""
    said = subject.attendance is not None and subject.attendance is not reading.attendance
    counted = subject.size_stated and subject.party_size != reading.party_size
    counted = counted or (subject.attendance is None and people and reading.attendance is Attendance.NO)
    if said or counted:
        return replace(reading, attendance=None, party_size=None, reasons=(Reason.CONTRADICTION,))
    return reading


def analyse(words: str, source: str, event: Event, lexicon: Lexicon) -> Text:
    """Cut, classify and judge one text."""
    folded = fold(words[:MAX_CHARACTERS])
    parts = list(sentences(scan(folded), lexicon.abbreviations, lexicon.months))
    chosen: dict[int, Language] = {}
    known = total = 0.0
    language: Language | None = None
    weights: dict[str, float] = {}
    foreign = False
    unread: set[int] = set()
    for sentence in parts:
        language, share = best_language(sentence.tokens, lexicon, language)
        chosen[id(sentence)] = language
        sentence.tokens = classify(sentence.tokens, language, event.starts_at.date())
        count = sum(t.kind == "word" for t in sentence.tokens)
        weights[language.code] = weights.get(language.code, 0.0) + share * count
        known, total = known + share * count, total + count
        unread |= {id(sentence)} if share < DARK_SHARE and count >= DARK_WORDS else set()
    written = [token for part in parts for token in part.tokens]
    body = strip_frame(parts)  # names below a closing are no words that somebody should have read
    dark = any(id(part) in unread for part in body)
    statements = [s for number, part in enumerate(body) for s in _judge_sentence(number, part, chosen[id(part)])]
    for place, statement in enumerate(statements):
        statement.place = place
    code = max(weights, key=weights.__getitem__, default="und")
    share = known / total if total else 1.0
    if share < ENOUGH_KNOWN and total:
        guess, probability = guess_language(words)
        foreign = guess not in ("de", "en", "fr", "ar", "fa", "ku") and probability > 0.5
        code = guess if foreign else code
    counted = sum(t.kind in ("word", "number") for part in body for t in part.tokens)
    end = max((part.tokens[-1].start for part in body), default=-1)
    several = names_several([token for token in written if token.start > end])
    return Text(source, folded, statements, code, counted, foreign, dark, several)


def _judge_sentence(number: int, sentence: Sentence, language: Language) -> list[Statement]:
    statements = []
    for place, (opener, tokens) in enumerate(cut(without_brackets(sentence.tokens))):
        clause = Clause(tokens, language, number, opener, sentence.mark, sentence.own_line, sentence.paragraph)
        clause.sentence_start = place == 0
        clause.apply(find_matches(language.graph, tokens, 0, len(tokens)))
        statements.append(judge(clause))
        _inherit_subject(statements)
    _free_from_question(statements)
    return statements


_ASKED = frozenset(("event_ask", "tag", "interpreter"))


def _free_from_question(statements: list[Statement]) -> None:
    """In "Wir kommen zu dritt, gibt es Parkplätze?" only the last clause asks, and not about coming."""
    if len(statements) < 2 or "question" not in statements[-1].flags:
        return
    last = statements[-1]
    if last.polarity or not last.flags & _ASKED or last.clause.opener in ("cond", "whether", "that"):
        return
    for statement in statements[:-1]:
        first = statement.clause.tokens[0].classes
        if statement.polarity and statement.subject == "self" and "v" not in first and "ask" not in first:
            statement.flags.discard("question")
            statement.clause.mark = ","


def _inherit_subject(statements: list[Statement]) -> None:
    """In "Meine Frau ist krank und kann nicht kommen" the second clause speaks of the same person."""
    if len(statements) < 2:
        return
    before, last = statements[-2:]
    tokens = last.clause.tokens
    if last.nobodys and _goes_on(before, last):
        last.polarity, last.nobodys = "yes", False
    if _is_infinitive_of(before, last):
        last.borrowed, last.subject = before.groups, "self" if _speaks(before) else "others"
    if last.polarity and not last.subject and "and" in tokens[0].classes | tokens[min(1, len(tokens) - 1)].classes:
        kinds = {term.kind for row in before.groups for term in row}
        named = kinds & {"one", "many", "they", "name", "crowd", "org"} and not kinds & {"i", "we"}
        last.subject = "others" if named or before.subject == "others" else "self"
        if last.subject == "others" and not last.groups:
            last.borrowed = before.people


def _goes_on(before: Statement, last: Statement) -> bool:
    """Whether it is "Wir haben uns gefreut | und kommen": the same people, without a word for them."""
    clause = before.clause
    joined = "and" in last.clause.tokens[0].classes and not last.clause.opener
    said = clause.mark != "?" and clause.opener in ("", "that") and not clause.has("neg") and not clause.has("hedge")
    about_us = _speaks(before) or any(m.rule.who in ("i", "we") for m in clause.matches)
    return joined and said and about_us and before.polarity in ("", "yes", "wish") and clause.has("v")


def _is_infinitive_of(before: Statement, last: Statement) -> bool:
    """Whether it is "Eine Kollegin und ich würden uns freuen, | teilnehmen zu dürfen"."""
    bare = last.polarity in ("yes", "wish") and not last.subject and not last.groups and not last.clause.opener
    return bare and not before.polarity and bool(before.groups) and not any(m.rule.who for m in last.clause.matches)


def _speaks(statement: Statement) -> bool:
    return any(term.kind in ("i", "we") for row in statement.groups for term in row)


def _names_receipt(subject: str, lexicon: Lexicon) -> bool:
    """Whether a reply's subject is that of a confirmation of ours, whose Message-ID a relay may have rewritten."""
    tokens = scan(fold(_REPLY_PREFIX.sub("", subject)))
    language, _ = best_language(tokens, lexicon, None)
    return any("receipt" in language.classes_of(token.word) for token in tokens)


def _read_text(text: Text, event: Event, message: Message, *, receipt: bool = False) -> Reading:
    """``receipt``: the mail answers a confirmation of ours."""
    verdict = decide_attendance(text.statements, text.words)
    reasons = list(verdict.reasons)
    party = count_people(verdict.coming) if verdict.coming else Party(None, (), False, True, ())
    size = party.size
    if size is not None and verdict.coming and any(_counted_needs(s) > size for s in text.statements):
        reasons.append(Reason.CONTRADICTION)
    if size == 1 and not party.stated and verdict.attendance is Attendance.MAYBE and _several(text):
        size = None
    if verdict.attendance is Attendance.YES and size == 1 and not party.stated and _speaks_of_us(text, verdict):
        size = None
        reasons.append(Reason.PARTY_SIZE_MISSING)
    if verdict.attendance is Attendance.YES:
        reasons += party.reasons
    elif verdict.attendance is Attendance.MAYBE:
        reasons += [r for r in party.reasons if r is Reason.CONTRADICTION or r is Reason.PARTY_SIZE_LARGE]
    elif verdict.attendance is Attendance.NO:
        size = 0
    else:
        size = None
    reading = _reading(text, event, verdict, party, size)
    if text.foreign:
        reasons = [Reason.UNSUPPORTED_LANGUAGE]
    if (text.dark and verdict.attendance is not None) or any(not s.clause.language.ready for s in verdict.resting_on):
        reasons.append(Reason.ATTENDANCE_UNCLEAR)
    change = _size_change(text)
    if change and not any(s.clause.means("total", "corrected") for s in text.statements):
        reading = replace(reading, attendance=Attendance.YES, party_size=None, size_change=change, corrects=True)
        reasons = [Reason.NEEDS_HISTORY]
    if (message.tokens or receipt) and only_agrees(text.statements):
        return Reading(kind=Kind.RSVP, language=text.language, agrees=True)
    return _tied(replace(reading, reasons=tuple(dict.fromkeys(reasons))), message, text)


def _speaks_of_us(text: Text, verdict: Verdict) -> bool:
    """Whether an answer that names nobody stands in a mail that says "we", or that several sign."""
    named = any(s.clause.has("i") or any(m.rule.who == "i" for m in s.clause.matches) for s in verdict.resting_on)
    return not named and (text.signed_by_several or any(s.clause.has("we") for s in text.statements))


def _counted_needs(statement: Statement) -> int:
    """How many people a clause about diet, access or child care names."""
    if not statement.clause.means("tag"):
        return 0
    return max((t.count or 0 for row in statement.groups for t in row if t.kind in ("many", "bare")), default=0)


def _several(text: Text) -> bool:
    """Whether the mail says "we" anywhere about coming, be it in a condition."""
    return any(
        speaks_for_several(s) or (s.polarity and any(t.kind == "we" for r in s.groups for t in r))
        for s in text.statements
    )


def _size_change(text: Text) -> int | None:
    """So many more or fewer than before, or ``None``."""
    for statement in text.statements:
        for match in statement.clause.means("more", "fewer"):
            values = [v for i in match.tokens if (v := statement.clause.tokens[i].value) is not None]
            return (values[0] if values else 1) * (1 if match.rule.means == "more" else -1)
    return None


def _reading(text: Text, event: Event, verdict: Verdict, party: Party, size: int | None) -> Reading:
    arrival, departure = find_times(text.statements, event)
    interpreters = find_interpreters(text.statements)
    tags = find_tags(text.statements)
    evidence = [
        text.evidence("attendance", s.evidence.rule.id, s, s.evidence)
        for s in verdict.resting_on
        if s.evidence is not None
    ]
    bare = [s for s in verdict.resting_on if s.evidence is None]
    evidence += [text.evidence("attendance", f"bare.{part.kind}", s, part) for s in bare for part in bare_words(s)]
    for statement, part in party.evidence:
        rule = part.rule.id if hasattr(part, "rule") else f"party.{part.kind}"
        evidence.append(text.evidence("party_size", rule, statement, part))
    for name, found in (("arrival", arrival), ("departure", departure)):
        if found is not None:
            evidence.append(text.evidence(name, found[2].rule.id, found[1], found[2]))
    evidence += [text.evidence("interpreter", m.rule.id, s, m) for _, s, m in interpreters]
    evidence += [text.evidence("tags", m.rule.id, s, m) for _, s, m in tags]
    names = [Tag(value) for value, _, _ in tags]
    if Tag.QUESTION not in names and asks_something(text.statements):
        names.append(Tag.QUESTION)
    return Reading(
        kind=Kind.RSVP,
        attendance=verdict.attendance,
        party_size=size,
        language=text.language,
        arrival=arrival[0] if arrival else None,
        departure=departure[0] if departure else None,
        interpreter=tuple(code for code, _, _ in interpreters),
        tags=tuple(tag for tag in Tag if tag in names),
        evidence=tuple(evidence),
        size_stated=party.stated,
        singular=party.singular and not _several(text),
        corrects=any("correction" in s.flags for s in text.statements),
        people=party.names,
    )


def _tied(reading: Reading, message: Message, text: Text) -> Reading:
    """What the tie to our event makes of the words."""
    # What nobody can read by machine may be an answer; it is no proof of anything else.
    speaks = text.dark or message.unreadable is not None or message.tie_rule == "none.answered"
    speaks = speaks or reading.attendance is not None
    speaks = speaks or any(
        s.clause.means("total", "couple") and (s.clause.has("we") or s.clause.has("i")) for s in text.statements
    )
    speaks = speaks or any(s.polarity or s.flags & {"event_ask", "event", "ourday"} for s in text.statements)
    if message.tie is Tie.NONE:
        if not speaks:
            return Reading(kind=Kind.UNRELATED, language=reading.language)
        return replace(reading, reasons=(Reason.UNSURE_ABOUT_EVENT, *reading.reasons))
    if reading.attendance is None and not reading.reasons:
        return replace(reading, reasons=(Reason.ATTENDANCE_UNCLEAR,))
    if reading.attendance is None and Tag.QUESTION in reading.tags and Reason.ATTENDANCE_UNCLEAR in reading.reasons:
        return replace(reading, reasons=(Reason.QUESTION_ONLY,))
    return reading
