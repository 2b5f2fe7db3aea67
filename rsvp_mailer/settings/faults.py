"""What is wrong with the settings, and what to do, in words for operators. Values are never quoted."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from rsvp_mailer.settings.shape import Location, dotted, field_at, item_of, model_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from rsvp_mailer.settings.layers import LayeredSource


def unknown_key(key: str, table: type[BaseModel], at: Location, *, spell: Callable[[Location], str] = dotted) -> str:
    """Say that a key is unknown, and which one was probably meant."""
    known = list(table.model_fields)
    near = get_close_matches(key, known, n=1, cutoff=0.6)
    advice = f"did you mean {spell((*at, near[0]))}?" if near else f"known are: {', '.join(known)}"
    return f"there is no such key; {advice}"


def faults_of(error: ValidationError, model: type[BaseModel], source: LayeredSource) -> list[str]:
    """All that validation found, a line each: where, what is wrong, what to do."""
    found = error.errors(include_url=False, include_input=False)
    places = [details["loc"] for details in found]
    return list(dict.fromkeys(_fault(details, model, source) for details in found if not _follows(details, places)))


def _follows(details: ErrorDetails, places: list[Location]) -> bool:
    """Whether a list is called too short only because its items were refused."""
    at = details["loc"]
    return details["type"] == "too_short" and any(place[: len(at)] == at and place != at for place in places)


def _fault(details: ErrorDetails, model: type[BaseModel], source: LayeredSource) -> str:
    at = details["loc"]
    return f"{_where(at, source)}: {_what(details, at, model)}"


def _where(at: Location, source: LayeredSource) -> str:
    for end in range(len(at), 0, -1):
        if at[:end] in source.origins:
            rest = dotted(at) if end < len(at) else ""
            return source.origins[at[:end]] + (f" ({rest})" if rest else "")
    return f"{source.file.name}: {dotted(at)}" if at else source.file.name


def _what(details: ErrorDetails, at: Location, model: type[BaseModel]) -> str:
    if details["type"] == "extra_forbidden":
        parent = field_at(model, at[:-1])
        annotation: Any = parent.annotation if parent else model
        table = model_of(annotation) or model_of(item_of(annotation)) or model
        return unknown_key(str(at[-1]), table, at[:-1])
    known = _WORDS.get(details["type"])
    words = known.format(**details.get("ctx", {})) if known else details["msg"].removeprefix("Value error, ")
    words = words.replace("Input should be", "should be")
    field = field_at(model, at)
    if ";" in words or field is None or not field.description:
        return words
    return f"{words}; expected: {field.description}"


_WORDS = {
    "missing": "is missing",
    "int_parsing": "is no whole number",
    "int_type": "is no whole number",
    "int_from_float": "is no whole number",
    "string_type": "is no text in quotation marks",
    "float_parsing": "is no number",
    "float_type": "is no number",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "is not spelled like that",
    "time_parsing": "is no time of day",
    "time_type": "is no time of day",
    "too_short": "needs at least {min_length} item(s)",
    "too_long": "takes at most {max_length} item(s)",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "tuple_type": "is no list",
    "model_type": "is no table",
    "path_type": "is no path",
    "timezone_naive": "must be local time, without an offset",
    "timezone_offset": "must be local time, without an offset",
}
