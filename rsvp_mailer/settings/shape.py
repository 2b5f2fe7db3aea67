"""The tree of settings and the models that describe it, walked side by side."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PREFIX = "RSVP_MAILER__"
DELIMITER = "__"

Location = tuple[str | int, ...]  # as in pydantic's errors: ("mailboxes", 0, "host")


def alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations have no common type
    """The members of a union, or the annotation alone, without what it is annotated with."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(kind for part in get_args(annotation) for kind in alternatives(part))
    return (annotation,)


def marks_of(field: FieldInfo) -> list[Any]:
    """What a field is annotated with, also where the annotation is one side of "or nothing"."""
    parts = [part for part in get_args(field.annotation) if get_origin(part) is Annotated]
    return [*field.metadata, *(mark for part in parts for mark in get_args(part)[1:])]


def model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """The table that stands at a key, or ``None``."""
    found = (kind for kind in alternatives(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel))
    return next(found, None)


def item_of(annotation: Any) -> Any:  # noqa: ANN401
    """What the items of the list at a key are, or ``None`` where no list stands."""
    found = (get_args(kind)[0] for kind in alternatives(annotation) if get_origin(kind) in {tuple, list})
    return next(found, None)


def children(node: Any, annotation: Any) -> Iterator[tuple[Any, Any, FieldInfo | None, Any]]:  # noqa: ANN401
    """Key or index, value, field (of a table's key) and annotation of everything directly below ``node``."""
    model, item = model_of(annotation), item_of(annotation)
    if model is not None and isinstance(node, dict):
        for key, value in node.items():
            field = model.model_fields.get(key)
            yield key, value, field, field.annotation if field else None
    elif item is not None and isinstance(node, list):
        for index, value in enumerate(node):
            yield index, value, None, item


def field_at(model: type[BaseModel], at: Location) -> FieldInfo | None:
    """The field that a location names, or the last one on the way to it."""
    annotation: Any = model
    field = None
    for part in at:
        if isinstance(part, int):
            annotation = item_of(annotation)
        elif (table := model_of(annotation)) and part in table.model_fields:
            field = table.model_fields[part]
            annotation = field.annotation
    return field


def dotted(at: Location) -> str:
    """Spell a location as people do: ``mailboxes[0].host``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")


def variable(at: Location) -> str:
    """Spell a location as an environment variable."""
    return PREFIX + DELIMITER.join(str(part).upper() for part in at)
