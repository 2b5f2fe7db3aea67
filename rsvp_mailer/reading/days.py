"""Days, times and measures in words: what is no number of people, and whether a day is the event's.

Forms that need no language ("14.11.2017", "17:30 Uhr") are set apart in ``tokens.py`` already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rsvp_mailer.reading.tokens import Token

if TYPE_CHECKING:
    from datetime import date

    from rsvp_mailer.reading.vocabulary import Language


def merge_days(tokens: list[Token], language: Language, day: date) -> list[Token]:
    """``tokens`` with dates, times, measures and numbered things merged; ``day`` is the event's."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        size, token = _dated(tokens, index, result[-1] if result else None, language, day)
        result.append(token)
        index += size
    return result


def _dated(tokens: list[Token], index: int, before: Token | None, language: Language, day: date) -> tuple[int, Token]:
    """The token at ``index`` and how many it swallows: dates, weekdays, numbered things, measures."""
    token = tokens[index]
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if token.kind == "date":
        return 1, _day(token, token.end, _same_numeric_day(token.word, day))
    if "weekday" in token.classes and token.value is None:
        return _weekday(tokens, index, language, day)
    if "numbered" in token.classes and after is not None and (after.value is not None or _is_code(after)):
        return 2, _merged(token, after, "measure")
    if token.value is None or token.kind not in ("number", "ordinal", "word"):
        if "month" in token.classes and after is not None and after.value is not None and after.value < 32:
            return 2, _day(token, after.end, _is_day(after.value, language.month_numbers[token.word], day))
        return 1, token
    return _counted(tokens, index, before, language, day)


def _counted(tokens: list[Token], index: int, before: Token | None, language: Language, day: date) -> tuple[int, Token]:
    """A number with what follows it, or by itself."""
    token, value = tokens[index], tokens[index].value or 0
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if after is None:
        return 1, _alone(token, None, before, day)
    month = _month_behind(tokens, index, language) if value < 32 else 0
    if month:
        same = _is_day(value, language.month_numbers[tokens[month].word], day)
        year = month + 1 < len(tokens) and (tokens[month + 1].value or 0) > 1900
        return month - index + 1 + year, _day(token, tokens[month + year].end, same)
    if _shares_unit(tokens, index):
        return 1, _merged(token, token, "measure")
    if after.word in language.ordinal_ends and after.start == token.end:
        return 2, _day(token, after.end, value == day.day) if value > 3 else _merged(token, after, "ordinal")
    return (2, _measured(token, after, value)) if "unit" in after.classes else (1, _alone(token, after, before, day))


def _weekday(tokens: list[Token], index: int, language: Language, day: date) -> tuple[int, Token]:
    """A weekday, with the day of the month behind it ("mardi 14")."""
    token, after = tokens[index], tokens[index + 1 : index + 2]
    same = language.weekday_numbers.get(token.word, 0) == day.isoweekday()
    number = after[0].value if after and after[0].kind == "number" else None
    if number is not None and number < 32 and not _is_counted(tokens, index + 1):
        return 2, _day(token, after[0].end, same and number == day.day)
    token.classes |= {"ourday" if same else "otherday"}
    return 1, token


_COUNTED = frozenset(("people", "kin", "kins", "child", "unit", "time"))


def _is_counted(tokens: list[Token], index: int) -> bool:
    """Whether people or a unit follow the number at ``index``."""
    return index + 1 < len(tokens) and bool(tokens[index + 1].classes & _COUNTED)


def _month_behind(tokens: list[Token], index: int, language: Language) -> int:
    """Where the month of "14 November", "14th of December" stands; 0 where there is none."""
    place = index + 1
    if tokens[place].word in language.ordinal_ends and tokens[place].start == tokens[index].end:
        place += 1
    if place < len(tokens) and tokens[place].classes & {"prep", "affil"} and "month" not in tokens[place].classes:
        place += 1
    return place if place < len(tokens) and "month" in tokens[place].classes else 0


def _shares_unit(tokens: list[Token], index: int) -> bool:
    """Whether the number is the first of "6 und 9 Jahre"."""
    joint, second, unit = [*tokens[index + 1 : index + 4], None, None, None][:3]
    if joint is None or second is None or unit is None:
        return False
    linked = bool(joint.classes & {"and", "or"}) or joint.word in (",", "-")
    return linked and second.value is not None and "unit" in unit.classes


def _measured(token: Token, unit: Token, value: int) -> Token:
    merged = _merged(token, unit, "measure")
    merged.classes |= unit.classes & {"minutes", "hours", "time"}
    merged.value = value if merged.classes & {"minutes", "hours"} else None
    merged.word = str(value) if "time" in merged.classes else merged.word
    return merged


def _alone(token: Token, after: Token | None, before: Token | None, day: date) -> Token:
    """A number without unit or month: a year, a day ("am 14."), a time ("um 5"), or a number of people."""
    value = token.value or 0
    behind = before.classes if before is not None else frozenset()
    if token.kind == "ordinal":
        if "on" in behind:
            return _day(token, token.end, value == day.day)
        token.classes = frozenset(("ordinal",))
    elif token.kind == "number" and 1900 <= value <= 2100:
        token.classes = frozenset(("measure",))
    elif token.kind == "number" and not (after is not None and after.classes & {"people", "kin", "kins", "child"}):
        if "on" in behind and (value == day.day or (value <= 31 and "det" not in behind)):
            return _day(token, token.end, value == day.day)
        if "at" in behind and value <= 24:
            token.classes, token.word = frozenset(("time",)), str(value)
    return token


def _is_code(token: Token) -> bool:
    return token.kind == "word" and len(token.word) <= 3 and set(token.word) <= set("ivxabcd")


def _merged(first: Token, last: Token, name: str) -> Token:
    return Token(name, first.word, first.start, last.end, classes=frozenset((name,)))


def _day(first: Token, end: int, same: bool) -> Token:
    return Token("date", first.word, first.start, end, classes=frozenset(("date", "ourday" if same else "otherday")))


def _is_day(number: int, month: int, day: date) -> bool:
    return number == day.day and month == day.month


def _same_numeric_day(text: str, day: date) -> bool:
    parts = [int(part) for part in text.replace("/", ".").replace("-", ".").split(".") if part.strip()]
    if len(parts) == 3 and parts[0] > 31:
        parts.reverse()
    if len(parts) == 3 and parts[2] % 100 != day.year % 100:
        return False
    return len(parts) > 1 and _is_day(parts[0], parts[1], day)
