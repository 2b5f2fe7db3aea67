"""How many come: arithmetic over the people of the deciding clauses.

Every figure found is either a total ("zu dritt", "insgesamt 4"), or a sum over a row of terms. All totals must
agree, and the names given must not contradict them; otherwise a person looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from rsvp_mailer.domain import Reason
from rsvp_mailer.reading.rows import ADDS, belies, is_label, is_range, total_of, without_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rsvp_mailer.reading.patterns import Match
    from rsvp_mailer.reading.statements import Statement
    from rsvp_mailer.reading.terms import Term

LARGE_PARTY = 15


@dataclass(slots=True)
class Count:
    """The figures of one mail. ``totals``: value to the rule that said it; ``others``: people added up.

    ``sender``: whether the sender is among those who come. ``open``: somebody of unsaid number comes
    too; ``plural``: the sender says "we".
    ``parts``: so many of them are spoken of ("zwei davon vegetarisch"). ``added``: "+ 1", "mit Begleitung".
    ``whole_list``: all stand by name behind a colon. ``crowd``: some of them are named as a group ("die Kinder").
    """

    totals: dict[int, Match | None] = field(default_factory=dict)
    others: int = 0
    sender: bool = False
    open: bool = False
    plural: bool = False
    about: bool = False
    stated: bool = False
    confused: bool = False
    organisation: bool = False
    parts: int = 0
    named_self: bool = False
    says_i: bool = False
    whole_list: bool = False
    added: bool = False
    crowd: bool = False
    names: list[str] = field(default_factory=list)
    evidence: list[tuple[Statement, Match | Term]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Party:
    """The party that a mail speaks of; ``size`` is ``None`` where nobody said it."""

    size: int | None
    reasons: tuple[Reason, ...]
    stated: bool
    singular: bool
    names: tuple[str, ...]
    evidence: tuple[tuple[Statement, Match | Term], ...] = ()


def count_people(coming: Iterable[Statement]) -> Party:
    """Add up the people of the statements that say somebody comes."""
    count = Count()
    for statement in coming:
        _add_statement(count, statement)
    return _conclude(count)


def _add_statement(count: Count, statement: Statement) -> None:
    clause = statement.clause
    said = dict(count.totals)
    _add_figures(count, statement)
    if clause.means("crowd"):
        count.open = True
    if clause.free("about"):
        count.about = True
    figure = statement.people or clause.means("total", "couple")
    stated = statement.polarity or not figure  # a bare "gerne!" is the sender's, "sechs Plätze" is not
    if stated and statement.subject != "others" and statement.means != "dispatch":
        count.sender |= _speaks_for_sender(statement)
    if statement.means == "open" and statement.subject == "others" and not clause.has("come_inf"):
        return  # "mein Chef hat noch nicht zugestimmt": nobody of whom it is said that they come
    for index, row in enumerate(statement.people):
        if _says_again(count, statement, row) or _is_breakdown(count, statement.people[:index], row):
            continue
        _add_row(count, statement, row)
    count.open |= statement.means == "bring" and not count.stated  # whoever it is that comes along
    extra = any(t.extra and t.count for row in statement.groups for t in row)
    count.confused |= statement.means == "bring" and extra and bool(said)  # "zu dritt und bringen noch zwei mit"
    count.confused |= _lacks_a_head(statement) or _is_scattered(statement)
    if speaks_for_several(statement) and not any(t.kind == "i" for row in statement.people for t in row):
        count.plural = True


def _says_again(count: Count, statement: Statement, row: list[Term]) -> bool:
    """Whether a row right behind "mit zwei Kollegen" says who they are; one of another number confuses."""
    figures = [m for m in statement.clause.means("besides") if m.end == row[0].start]
    if not figures or row[0].joined or not statement.groups:
        return False
    count.confused |= sum(term.count or 0 for term in row) != _figure(statement, figures[0])
    return True


def _is_breakdown(count: Count, before: list[list[Term]], row: list[Term]) -> bool:
    """Whether brackets say again who those before are; people of another number confuse ("(12 Kinder)")."""
    if not row[0].bracketed or row[0].joined in ADDS or not (before or count.totals):
        return False
    said = {*count.totals, *(t.count for rows in before for t in rows), sum(t.count or 0 for r in before for t in r)}
    count.confused |= sum(t.count or 0 for t in row) not in said
    return True


def _lacks_a_head(statement: Statement) -> bool:
    """Whether somebody comes "with two colleagues" of whom only a pronoun tells: the sum would lack one."""
    rows, who = statement.people, {m.rule.who for m in statement.clause.matches}
    coming = statement.means in ("come", "wish", "register")
    if rows and rows[0][0].joined == "and" and coming and not who & {"i", "we"}:
        return True
    heads = {t.kind for row in rows for t in row if t.joined not in ("with", "plus", "besides")}
    company = [t for row in statement.people for t in row if t.joined in ("with", "plus") and not t.generic]
    return bool(company) and statement.subject == "others" and heads <= {"they"} and coming


def _is_scattered(statement: Statement) -> bool:
    """Whether people stand apart with nothing that joins them: "moi et mes enfants on vient, papa travail"."""
    rows = [row for row in statement.groups if any(t.kind in ("one", "many", "name") for t in row)]
    if len(rows) > 1 and len(rows[-1]) == 1 and rows[-1][0].generic and rows[-1][0].kind == "many":
        rows.pop()  # "meine Frau, mein Sohn und ich kommen, drei Personen": a total, which must fit
    return statement.means == "come" and any(not row[0].joined or row[0].joined == "," for row in rows[1:])


def _add_figures(count: Count, statement: Statement) -> None:
    """What rules say of numbers: totals, persons besides the sender, figures that are only about right."""
    clause = statement.clause
    for match in clause.means("total", "couple", "alone", "corrected"):
        if match.start and "instead" in clause.tokens[match.start - 1].classes:
            continue
        if match.rule.means == "alone" and _goes_on(statement, match):
            continue  # "nur ich und meine Frau"
        value = _figure(statement, match)
        joined = _goes_on(statement, match) and _is_followed(statement, match)
        torn = any(row[0].start == match.end and len(row) > 1 and row[0].kind == "crowd" for row in statement.groups)
        if value is None or joined or torn:  # "wir beide und unser Sohn", "nous serons deux | collègues et moi"
            count.confused = True
            continue
        count.totals[value] = match
        count.stated = True
        count.evidence.append((statement, match))
    for match in clause.means("besides", "companion"):
        count.added = True
        if match.rule.means == "companion" and _is_named(statement, match):
            continue
        value = 1 if match.rule.means == "companion" else _figure(statement, match)
        count.sender |= match.rule.means == "besides" and not statement.people
        count.others += value or 0
        count.confused |= value is None
        count.stated = True
        count.evidence.append((statement, match))
    for match in clause.means("of"):
        values = [v for i in match.tokens if (v := clause.tokens[i].value) is not None]
        if len(values) == 2:  # "acht von uns zwölf"
            count.totals[min(values)] = match
            count.stated = True
            count.evidence.append((statement, match))
        elif statement.polarity == "yes" and not statement.people:
            count.open = True
    for match in clause.means("about"):
        value = _figure(statement, match)
        count.about = True
        if value is not None:
            count.totals[value] = match
            count.evidence.append((statement, match))


def _goes_on(statement: Statement, match: Match) -> bool:
    """Whether an "and" stands right behind the words."""
    following = statement.clause.tokens[match.end : match.end + 1]
    return any(t.classes & {"and", "plus"} or t.word in ("+", "&") for t in following)


def _is_followed(statement: Statement, match: Match) -> bool:
    """Whether people stand behind the figure: "wir beide und unser Sohn"."""
    return any(row[0].start in (match.end, match.end + 1) and row[0].count for row in statement.groups)


def _is_named(statement: Statement, companion: Match) -> bool:
    """Whether it is said right behind who the companion is: "in Begleitung seiner Gattin"."""
    tokens = statement.clause.tokens
    for row in statement.groups:
        between = tokens[companion.end : row[0].start]
        if row[0].start >= companion.end and row[0].kind in ("one", "name") and all(t.kind == "mark" for t in between):
            return True
    return False


def speaks_for_several(statement: Statement) -> bool:
    """Whether the verb itself says "we"."""
    return any(match.rule.who == "we" for match in statement.clause.matches)


def _speaks_for_sender(statement: Statement) -> bool:
    if statement.means == "register":
        accompanied = any(_stands_before(t, statement) for row in statement.people for t in row if t.kind == "i")
        listed = any(_put_down(t, row) and not _only_speaks(statement, row) for row in statement.people for t in row)
        return accompanied or listed
    return True


def _stands_before(term: Term, statement: Statement) -> bool:
    """Whether company is named right behind the term by a rule: "ich plus eine Begleitperson"."""
    return any(m.start == term.end for m in statement.clause.means("companion", "besides"))


def _put_down(term: Term, row: list[Term]) -> bool:
    """Whether this term puts the sender on the list: "mich", "und ich", "uns", but not "ich melde"."""
    behind = row[row.index(term) + 1 :]
    listed = bool(behind) and behind[0].joined in (ADDS | {","}) - {"without"}
    listed = listed or term.object or term.joined in ("and", "plus", "with", ":")
    return term.kind == "we" or (term.kind == "i" and listed)


def _figure(statement: Statement, match: Match) -> int | None:
    values = [v for i in match.tokens if (v := statement.clause.tokens[i].value) is not None]
    if match.rule.value:
        return int(match.rule.value)
    if match.rule.means == "corrected" and values:
        return values[_corrected_place(statement, match, values)]
    if match.rule.means == "about" and values:
        return max(values)
    return values[0] if len(values) == 1 else None


def _corrected_place(statement: Statement, match: Match, values: list[int]) -> int:
    """Which of two numbers is the new one: not the one behind "statt", nor behind ", nicht" or "and not"."""
    if len(values) == 1:
        return 0
    tokens = statement.clause.tokens
    first, second = [i for i in match.tokens if tokens[i].value is not None][:2]
    between = tokens[first + 1 : second]
    denied = any(t.word == "," or "and" in t.classes for t, after in pairwise(between) if "neg" in after.classes)
    return 0 if denied or any("instead" in t.classes for t in between) else 1


def _add_row(count: Count, statement: Statement, row: list[Term]) -> None:
    head, row = row[0], without_parts(row)
    if head.kind == "we" and head not in row and _is_whole(row):
        count.totals.setdefault(sum(t.count or 0 for t in row), None)  # "wir (Eheleute Kolb nebst Tante)"
        count.stated = True
        return
    if _ends_in_total(row):  # "mit Freundin also 2 Personen", "meine Mutter und ich, zwei Personen"
        count.totals.setdefault(row[-1].count or 0, None)
        row, count.stated = row[:-1], True
    count.confused |= _may_mislead(count, statement, row)
    if any(is_range(one, other) for one, other in pairwise(row)):
        count.about, row = True, [t for t, after in pairwise([*row, row[0]]) if not is_range(t, after)]
    count.confused |= any(is_label(one, other) for one, other in pairwise(row))
    parts = [t for t in row if _is_part(statement, t)]
    if parts:
        row = [t for t in row if t not in parts]
        count.parts = max(count.parts, *(t.count or 0 for t in parts))
    if not row:
        return
    total = None if _is_added(statement, row) else total_of(row)
    if any(term.about for term in row):
        count.about = True
    if total is not None:
        count.totals.setdefault(total, None)
        count.stated = True
        _note(count, statement, row[0])
        count.sender |= any(term.kind in ("i", "we") for term in row)
        return
    before = frozenset(count.names)  # "Herr Kaya und Frau Kaya" are two, "Frau Kaya kommt. Frau Kaya ..." is one
    count.whole_list |= row[0].joined == ":" and len(row) > 1 and all(t.name for t in row)
    for term in row:
        if term.joined != "without" and not (term.name and term.name in before):
            _add_term(count, statement, row, term)
    we = any(term.kind == "we" for term in row) or speaks_for_several(statement)
    if we and not any(term.kind == "i" for term in row) and any(term.joined == "with" for term in row):
        count.plural = True


def _may_mislead(count: Count, statement: Statement, row: list[Term]) -> bool:
    """Whether the row may be no sum: names of things, appositions, people added to nobody, bare numbers."""
    if any((t.kind == "name" and not t.given) or (t.governed and statement.means != "register") for t in row):
        return True
    pairs = list(pairwise(row))
    glued = any(one.kind == "many" and other.kind == "one" and not other.joined for one, other in pairs)
    glued |= any(one.kind == "bare" and other.kind in ("one", "name") and other.joined == "," for one, other in pairs)
    single = statement.polarity and len(row) == 1 and row[0].kind == "bare" and not row[0].joined
    unsaid = single and statement.clause.has("i") and not statement.clause.has("total")
    # "Frau Müller, unsere Leiterin, kommt"
    apposed = any(_may_be_one(one, other) for one, other in pairs) and (len(row) > 2 or row[-1].joined == ",")
    added = any(t.extra for t in row) and not count.sender
    to_nobody = added and (statement.subject == "others" or not statement.polarity)
    return bool(belies(row) or glued or unsaid or apposed or to_nobody)


def _is_added(statement: Statement, row: list[Term]) -> bool:
    """Whether the people of the row come on top of others, so that their number is no total."""
    only = len([other for other in statement.people if not _is_sender(other)]) == 1
    brought = statement.means == "bring" and (only or not row[0].generic)
    one_more = row[0].kind == "one" and statement.polarity and statement.subject == "others"  # "ein Gast kommt auch"
    joined = any(
        other[0].joined == "besides" or (other[0].joined in ADDS and other[0].start > row[0].start)
        for other in statement.people
        if other is not row
    )
    return bool(brought or one_more or (joined and not row[0].generic))  # "die Eheleute Kolb mit zwei Töchtern"


def _ends_in_total(row: list[Term]) -> bool:
    """Whether the last of the row counts all before it, be it rightly or not."""
    head, last = row[:-1], row[-1]
    if not head or not last.generic or last.extra or last.bracketed or last.joined not in ("", ",", ":"):
        return False
    counted = any(t.kind in ("many", "bare") for t in head)
    return not counted or last.count == sum(t.count or 0 for t in head)


def _is_whole(row: list[Term]) -> bool:
    """Whether all of "we" are listed, the sender by name like the others."""
    return bool(row) and all(t.count is not None and t.kind != "i" for t in row)


def _is_for_sender(statement: Statement, term: Term) -> bool:
    """Whether somebody comes for the sender: "meine Kollegin nimmt für mich teil"."""
    before = statement.clause.tokens[term.start - 1].classes if statement.groups and term.start else frozenset()
    return statement.means == "come" and "purpose" in before


def _note(count: Count, statement: Statement, term: Term) -> None:
    """Keep the words as evidence, where they stand in this clause."""
    if statement.groups:
        count.evidence.append((statement, term))


def _add_term(count: Count, statement: Statement, row: list[Term], term: Term) -> None:
    sent = statement.means == "dispatch" and not term.object  # "ich schicke", not "entsendet Frau Thieme und mich"
    if term.kind == "i" and (sent or statement.means == "standin" or _is_for_sender(statement, term)):
        return
    if term.kind == "i":
        count.named_self |= len(row) > 1
        count.says_i |= statement.means in ("come", "bring", "wish", "fits") or _stands_before(term, statement)
        count.sender |= statement.means != "register" or _put_down(term, row)
    elif term.kind == "we" and _only_speaks(statement, row):
        return
    elif term.kind == "we":
        count.sender = count.sender or not any(t.kind == "i" for t in row)
        count.plural |= not any(t.kind in ("one", "many", "name") for t in row)
    elif term.kind in ("one", "name"):
        count.others += 1
        count.names += [term.name] if term.name else []
    elif term.kind in ("many", "bare"):
        count.others += term.count or 0
    count.sender |= term.joined == "besides"  # "außer mir"
    count.crowd |= term.kind == "crowd"
    count.open |= count.crowd
    count.confused |= term.kind == "org" and term.joined in ("and", ",") and any(t.kind in ("one", "i") for t in row)
    count.organisation |= term.kind == "org"
    if term.kind in ("one", "name", "many", "bare"):
        count.stated = True
        _note(count, statement, term)


def _may_be_one(one: Term, other: Term) -> bool:
    """Whether a comma may stand between a person and what that person is: "Mariam, ma voisine, et son frère"."""
    persons = one.kind in ("one", "name") and other.kind in ("one", "name") and other.joined == ","
    return persons and bool(one.name) != bool(other.name)


def _only_speaks(statement: Statement, row: list[Term]) -> bool:
    """Whether "wir" puts others on the list: "wir melden an: Petra Mertens, Heike Klee"."""
    others = [t for other in statement.people if other is not row for t in other]
    return statement.means in ("register", "dispatch") and len(row) == 1 and any(t.count for t in others)


def _is_part(statement: Statement, term: Term) -> bool:
    """Whether it is "zwei davon": some of those who come."""
    if not statement.groups:
        return False
    tokens = statement.clause.tokens
    if term.kind not in ("bare", "many") or term.end >= len(tokens) or "of_which" not in tokens[term.end].classes:
        return False
    following = tokens[term.end + 1 : term.end + 2]  # "vier, davon zwei Kinder" counts four
    return not any(t.classes & {"n", "a", "kin", "kins", "people", "child"} for t in following)


def _is_sender(row: list[Term]) -> bool:
    return all(term.kind in ("i", "we") for term in row)


def _conclude(count: Count) -> Party:
    reasons: list[Reason] = []
    size: int | None
    listed = count.others + (1 if count.sender else 0)
    count.open |= count.plural and not (count.named_self and count.others)
    if len(count.totals) > 1 or count.confused:
        reasons.append(Reason.CONTRADICTION)
        size = max(count.totals, default=None)
    elif count.totals:
        size = next(iter(count.totals))
        fitting = (listed,) if count.named_self or count.says_i else (listed, count.others)
        fitting = (count.others,) if count.whole_list else fitting
        partly = size > listed and count.open and not count.added and (count.crowd or not count.named_self)
        if count.others and size not in fitting and not partly:
            reasons.append(Reason.CONTRADICTION)
    elif count.open or (count.organisation and not count.others and not count.sender):
        size = None
        reasons.append(Reason.PARTY_SIZE_MISSING)
    else:
        size = listed or None
        if size is None:
            reasons.append(Reason.PARTY_SIZE_MISSING)
    if count.about and size is not None:
        reasons.append(Reason.PARTY_SIZE_APPROXIMATE)
    if size is not None and size > LARGE_PARTY:
        reasons.append(Reason.PARTY_SIZE_LARGE)
    if size == 0 or (size is not None and count.parts > size):
        reasons.append(Reason.CONTRADICTION)
    singular = count.sender and not count.others and not count.open and size in (None, 1)
    return Party(size, tuple(reasons), count.stated, singular, tuple(count.names), tuple(count.evidence))
