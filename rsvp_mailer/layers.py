"""One tree of settings out of layers: the TOML file, the environment over it, systemd's credentials for secrets.

What may live here: how values reach the settings, and how a fault is told. What keys there are, and what they
mean, stands in ``settings``.

**Environment.** ``RSVP_MAILER__SMTP__HOST`` overrides ``smtp.host``; items of lists are addressed by index
(``RSVP_MAILER__MAILBOXES__0__HOST``), the index after the last one appends; a whole list or table may be given
as JSON. A name that fits no key is a fault, for a misspelt override is one that silently does nothing.

**Secrets** come from a file (``password_file``), from ``$CREDENTIALS_DIRECTORY/<name>`` (systemd's
LoadCredential) or from the environment; one that stands in the settings file is a fault. Values are never
quoted in a fault.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr
from pydantic_settings import PydanticBaseSettingsSource

from rsvp_mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails
    from pydantic_settings import BaseSettings

PREFIX = "RSVP_MAILER__"
DELIMITER = "__"

Location = tuple[str | int, ...]  # as in pydantic's errors: ("mailboxes", 0, "host")


@dataclass(frozen=True, slots=True)
class BesideFile:
    """Marks a key whose relative path counts from the folder of the settings file."""

    def settle(self, value: str, folder: Path) -> str:
        """Make a path, or the path in an SQLite address, absolute."""
        if "://" not in value:
            return str(folder / Path(value).expanduser())
        relative = _SQLITE_RELATIVE.fullmatch(value)
        return relative[1] + str(folder / relative[2]) if relative else value


_SQLITE_RELATIVE = re.compile(r"(sqlite[+a-z]*:///)([^/:].*)")


class LayeredSource(PydanticBaseSettingsSource):
    """The layers as pydantic-settings wants them; ``faults`` and ``origins`` are filled by the call.

    ``origins`` names the environment variable that a value came from.
    """

    def __init__(self, settings_cls: type[BaseSettings], file: Path, environ: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self.file = file
        self.environ = environ
        self.faults: list[str] = []
        self.origins: dict[Location, str] = {}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: the whole tree is handed over at once, since lists are merged item by item."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """Read and merge; ``ConfigError`` where the file cannot be read at all."""
        tree = read_toml(self.file)
        self._settle(tree, self.settings_cls, ())
        self._overlay(tree)
        self._add_credentials(tree)
        return tree

    def _settle(self, node: Any, annotation: Any, at: Location) -> None:  # noqa: ANN401 - a tree of TOML values
        """Make relative paths absolute, and refuse secrets that stand in the file."""
        for key, value, field, below in children(node, annotation):
            here = (*at, key)
            if field is not None and isinstance(value, str):
                for mark in field.metadata:
                    if isinstance(mark, BesideFile):
                        node[key] = mark.settle(value, self.file.parent)
                if SecretStr in _alternatives(field.annotation):
                    self.faults.append(f"{self.file.name}: {dotted(here)}: {_NOT_IN_FILE}")
                elif _has_password(value):
                    self.faults.append(f"{self.file.name}: {dotted(here)}: {_NOT_IN_URL}")
            self._settle(value, below, here)

    def _overlay(self, tree: dict[str, Any]) -> None:
        names = [name for name in self.environ if name.upper().startswith(PREFIX)]
        for name in sorted(names, key=_whole_before_parts):
            try:
                at = put(tree, self.settings_cls, parts_of(name), self.environ[name])
            except ValueError as error:
                self.faults.append(f"{name}: {error}")
            else:
                self.origins[at] = name

    def _add_credentials(self, tree: dict[str, Any]) -> None:
        """Let a systemd credential stand in where neither a password nor a file for it is named."""
        folder = self.environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            return
        mailboxes = [node for node in _items(tree.get("mailboxes")) if isinstance(node, dict)]
        default = field_at(self.settings_cls, ("mailboxes", 0, "name"))
        owners = [(f"mailbox-{node.get('name', default and default.default)}-password", node) for node in mailboxes]
        owners += [("smtp-password", node) for node in [tree.get("smtp")] if isinstance(node, dict)]
        for name, node in owners:
            credential = Path(folder, name)
            if not node.keys() & {"password", "password_file"} and credential.is_file():
                node["password_file"] = str(credential)


_NOT_IN_FILE = (
    "a password does not belong in this file; put it into a file of its own (password_file), "
    "a systemd credential or the environment"
)
_NOT_IN_URL = (
    "a password does not belong in this file; write ?passfile=/PATH at the end of the address, "
    "or put the whole address into the environment"
)


def read_toml(file: Path) -> dict[str, Any]:
    """Read the file; ``ConfigError`` with the line where it is no TOML, or with the reason why it cannot be read."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read ({error.strerror}); name a settings file by --config"]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{file.name}: line {line} is not UTF-8; save the file as UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{file.name}: {_toml_fault(error)}; write it as TOML (https://toml.io)"]) from None


def _toml_fault(error: tomllib.TOMLDecodeError) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]


# --- the shape of the tree -----------------------------------------------------------------------------------


def _alternatives(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations have no common type
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(kind for part in get_args(annotation) for kind in _alternatives(part))
    return (annotation,)


def model_of(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401
    """The table that stands at a key, or ``None``."""
    found = (kind for kind in _alternatives(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel))
    return next(found, None)


def item_of(annotation: Any) -> Any:  # noqa: ANN401
    """What the items of the list at a key are, or ``None`` where no list stands."""
    found = (get_args(kind)[0] for kind in _alternatives(annotation) if get_origin(kind) in {tuple, list})
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


def _items(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else []


def _has_password(value: str) -> bool:
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False


# --- the environment -------------------------------------------------------------------------------------------


def parts_of(name: str) -> list[str]:
    """``RSVP_MAILER__MAILBOXES__0__HOST`` is ``["mailboxes", "0", "host"]``."""
    return name[len(PREFIX) :].lower().split(DELIMITER)


def _whole_before_parts(name: str) -> tuple[int, list[str]]:
    parts = parts_of(name)
    return len(parts), [part.zfill(6) for part in parts]


def put(tree: dict[str, Any], model: type[BaseModel], parts: list[str], text: str) -> Location:
    """Set one value in the tree and return where; ``ValueError`` in plain words for a name that fits no key."""
    node: Any = tree
    annotation: Any = model
    at: Location = ()
    for depth, part in enumerate(parts):
        if not isinstance(node, dict if model_of(annotation) else list):
            return at  # the file holds something else there, which validation reports
        key, annotation = _step(node, annotation, part, at)
        at = (*at, key)
        last = depth == len(parts) - 1
        if not last and model_of(annotation) is None and item_of(annotation) is None:
            msg = f"{dotted(at)} is a single value; end the name there"
            raise ValueError(msg)
        empty: Any = {} if model_of(annotation) else []
        value = _decode(text, annotation) if last else empty
        node = _place(node, key, value, replace=last)
    return at


def _step(node: Any, annotation: Any, part: str, at: Location) -> tuple[str | int, Any]:  # noqa: ANN401
    """Find the key or index that a part of a name means, and what stands there."""
    table, item = model_of(annotation), item_of(annotation)
    if table is not None:
        if part not in table.model_fields:
            raise ValueError(unknown_key(part, table, at, spell=variable))
        return part, table.model_fields[part].annotation
    if not part.isascii() or not part.isdigit() or int(part) > len(_items(node)):
        msg = f"{dotted(at)} is a list of {len(_items(node))}; write an index from 0 to {len(_items(node))}"
        raise ValueError(msg)
    return int(part), item


def _place(node: Any, key: Any, value: Any, *, replace: bool) -> Any:  # noqa: ANN401
    if isinstance(node, list) and key == len(node):
        node.append(value)
    elif replace or (isinstance(node, dict) and key not in node):
        node[key] = value
    return node[key]


def _decode(text: str, annotation: Any) -> Any:  # noqa: ANN401
    if model_of(annotation) is None and item_of(annotation) is None:
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        msg = 'is no JSON; write a list as ["a", "b"] and a table as {"key": "value"}'
        raise ValueError(msg) from None


# --- faults in words -------------------------------------------------------------------------------------------


def variable(at: Location) -> str:
    """Spell a location as an environment variable."""
    return PREFIX + DELIMITER.join(str(part).upper() for part in at)


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
