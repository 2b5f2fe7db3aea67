"""What the clauses around a statement make of it: hopes, wishes, conditions, contents, reports, doubts."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from rsvp_mailer.reading.leftovers import about_others

if TYPE_CHECKING:
    from rsvp_mailer.reading.statements import Statement


def carry_over(statements: list[Statement]) -> None:
    """Give "mein Bruder auch", which has no verb, what the clause before says of the sender."""
    for before, statement in pairwise(statements):
        clause = statement.clause
        if statement.polarity or not clause.has("also") or clause.has("v"):
            continue
        terms = [t for row in statement.groups for t in row]
        bare = not clause.matches and all(t.kind in ("i", "one", "name", "many") for t in terms) and bool(terms)
        loose = any(map(clause.has, ("hedge", "cond", "whether", "or", "with"))) or clause.mark == "?"
        same = before.polarity in ("yes", "no") and clause.has("neg") == (before.polarity == "no")
        if bare and not loose and same and not statement.residue:
            statement.polarity = before.polarity
            statement.subject = "self" if any(t.kind == "i" for t in terms) else "others"


def resolve(said: list[Statement], live: list[Statement], statements: list[Statement]) -> None:
    """Change the polarity of the statements in ``said`` to what they mean where they stand.

    ``live``: the statements that count; ``statements``: all of the mail, conditions and questions included.
    """
    _resolve_hopes(said, live)
    _resolve_wishes(said, live)
    _resolve_conditions(said, statements)
    _resolve_contents(said, statements)
    _resolve_reports(said, statements)
    _resolve_torn(said, statements)


def _resolve_hopes(said: list[Statement], live: list[Statement]) -> None:
    """What stands behind "ich hoffe, dass" is open."""
    for hope in (s for s in live if "hope" in s.flags):
        for statement in said:
            behind = statement.place >= hope.place
            if behind and statement.clause.sentence == hope.clause.sentence and statement.polarity in ("yes", "wish"):
                statement.polarity = "maybe"


def _resolve_wishes(said: list[Statement], live: list[Statement]) -> None:
    others = {s.polarity for s in said if s.polarity not in ("wish", "unreal")}
    hindrances = [s for s in live if "reason" in s.flags and not about_others(s)]
    over = bool(hindrances) and all(s.clause.has("past") and not s.flags & {"event", "ourday"} for s in hindrances)
    hindered = bool(hindrances)
    regret = any("regret" in s.flags for s in live)
    for statement in said:
        if statement.polarity == "wish":
            refused = any(s.polarity == "no" and s.subject != "others" for s in said)
            if refused and statement.subject != "others":
                statement.polarity = "dropped"
            elif "maybe" in others:
                statement.polarity = "maybe"
            elif hindered and (regret or _contrast_after(statement, live)):
                statement.polarity = "doubt" if over else "no"  # "ich war leider krank"
            elif _contrast_after(statement, live):
                statement.polarity = "doubt"
            else:
                statement.polarity = "doubt" if regret else "yes"
        elif statement.polarity == "unreal":
            settled = any("reason" in s.flags for s in live) or regret or "no" in others
            statement.polarity = "no" if settled and not others & {"yes", "maybe"} else "doubt"
    said[:] = [s for s in said if s.polarity != "dropped"]


def _contrast_after(statement: Statement, live: list[Statement]) -> bool:
    """Whether a clause behind begins with a "but" and says nothing about coming that is understood."""
    after = [s for s in live if s.place >= statement.place]
    near = [s for s in after if s.clause.sentence <= statement.clause.sentence + 1]
    return any(
        ("but" in s.flags or "contrast" in s.flags) and not s.polarity and not _harmless(s)
        for s in near
        if s is not statement
    )


def _harmless(statement: Statement) -> bool:
    return bool(statement.flags & {"late", "early", "nothing", "total"}) and not statement.residue


_OFFICES = frozenset(("people", "event", "foreign_event", "otherday"))


def _hangs_on_others(condition: Statement) -> bool:
    """Whether the office must see to it, or it is not so: no answer before a person has looked."""
    clause = condition.clause
    if clause.has("unreal_v"):
        return True
    mine = clause.has("i") or clause.has("we")
    if mine:
        return False
    return clause.has("you") or bool(condition.flags & {"tag", "event_ask"}) or any(map(clause.has, _OFFICES))


def _is_inverted(statement: Statement) -> bool:
    """A condition without an "if": "Wäre es später, käme ich"."""
    clause = statement.clause
    opens = clause.sentence_start and "inverts" in clause.tokens[0].classes and not clause.has("glad")
    return opens and not statement.polarity and clause.mark != "?"


def _resolve_conditions(said: list[Statement], statements: list[Statement]) -> None:
    """A yes in the sentence of a real condition is open; one that hangs on the office is for a person."""
    for condition in statements:
        clause = condition.clause
        branches = clause.has("otherwise") and any(s.clause.opener == "cond" for s in statements)
        if branches or _is_inverted(condition):
            for statement in (s for s in said if s.clause.sentence == clause.sentence):
                statement.polarity = "doubt"
        if clause.opener != "cond" or "polite_condition" in condition.flags:
            continue
        for statement in said:
            if statement.clause.sentence != clause.sentence or statement.polarity not in ("yes", "no", "wish", "maybe"):
                continue
            if statement.place < condition.place and _is_joined(condition, statements):
                continue  # "ich komme mit meiner Frau, und wenn es geht, bringen wir ..."
            if _hangs_on_others(condition):
                statement.polarity = "doubt"
            elif statement.polarity != "maybe":
                statement.polarity = "maybe" if statement.polarity != "no" else "doubt"


def _is_joined(condition: Statement, statements: list[Statement]) -> bool:
    """Whether an "und" stands right before the condition: it belongs to what follows."""
    before = statements[condition.place - 1].clause.tokens if condition.place else []
    return bool(before) and "and" in before[-1].classes


def _resolve_contents(said: list[Statement], statements: list[Statement]) -> None:
    """Openness about something else ("ob das die Adresse ist"), and a promise of something else, decide nothing."""
    for statement in said:
        place = statement.place
        if place + 1 >= len(statements):
            continue
        content = statements[place + 1]
        if content.clause.sentence != statement.clause.sentence:
            continue
        if statement.polarity == "maybe" and content.polarity == "yes" and content.clause.opener == "that":
            content.polarity = "maybe"
        if content.polarity:
            continue
        fitting = statement.polarity == "yes" or statement.means == "fits"
        if statement.evidence is not None and statement.evidence.rule.value == "depends":
            continue  # "es hängt davon ab, ob": whatever it is, coming is open
        if statement.polarity == "yes" and ":" in (statement.clause.tokens[-1].word, content.clause.tokens[0].word):
            if content.clause.free("v"):
                statement.polarity = "doubt"  # "da bin ich dabei: den Steckbrief bekommen Sie"
            continue
        wherever = content.clause.opener == "relative" and "ask" in content.clause.tokens[1:2][0].classes
        if content.clause.opener == "whether" or ((content.clause.opener == "that" or wherever) and fitting):
            statement.polarity = "doubt"


def _resolve_reports(said: list[Statement], statements: list[Statement]) -> None:
    """Behind "sie sagte", "ich dachte", "es ist nicht so, dass" nobody gives an answer."""
    for before in statements:
        told = before.clause.free("told") and not before.flags & {"nothing", "reason"}
        for statement in said:
            place, start = statement.place, before.place
            if (
                place < start
                or (place == start and "reason" in before.flags)
                or statement.clause.sentence != before.clause.sentence
            ):
                continue
            denied = place == start + 1 and statement.clause.opener == "that" and before.clause.free("neg")
            passed_on = "forwarded" in before.flags and statement.subject == "others"
            if told or passed_on or (denied and not before.polarity):
                statement.polarity = "doubt"


def _resolve_torn(said: list[Statement], statements: list[Statement]) -> None:
    """An "I do not know" behind a question, or between a yes and a no, need not be about coming."""
    torn = any(s.clause.free("yes") for s in statements) and any(s.clause.free("no") for s in statements)
    for statement in said:
        if statement.means != "open" or statement.clause.free("come_inf"):
            continue
        place = statement.place
        if _wonders(statement, statements[place + 1 : place + 2]):
            statement.polarity = "doubt"
        asked = place > 0 and "question" in statements[place - 1].flags
        if torn or (asked and not _about_coming(statements[place + 1 : place + 2])):
            statement.polarity = "doubt"


def _wonders(statement: Statement, following: list[Statement]) -> bool:
    """Whether it is not known where, when, who or what: "I don't know where you got my address from"."""
    clause = statement.clause
    known = statement.evidence.end if statement.evidence else 0
    near = [s.clause for s in following if s.clause.sentence == clause.sentence and s.clause.opener != "whether"]
    return any(i >= known for i in clause.free("ask")) or any(
        "ask" in token.classes for other in near for token in other.tokens[:2]
    )


def _about_coming(following: list[Statement]) -> bool:
    return any(s.polarity or s.clause.has("come_inf") for s in following)
