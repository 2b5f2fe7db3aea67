"""One tree of settings out of layers: the TOML file, the environment over it, systemd's credentials for secrets.

What may live here: how values reach the settings, and how a fault is told. What keys there are, and what they
mean, stands in ``tables``.

**Environment.** ``RSVP_MAILER__SMTP__HOST`` overrides ``smtp.host``; items of lists are addressed by index
(``RSVP_MAILER__MAILBOXES__0__HOST``), the index after the last one appends; a whole list or table may be given
as JSON. A name that fits no key is a fault, for a misspelt override is one that silently does nothing.

**Secrets** come from a file (``password_file``), from ``$CREDENTIALS_DIRECTORY/<name>`` (systemd's
LoadCredential) or from the environment; one that stands in the settings file is a fault. Values are never
quoted in a fault.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import PydanticBaseSettingsSource

from rsvp_mailer.errors import ConfigError
from rsvp_mailer.settings.faults import unknown_key
from rsvp_mailer.settings.kinds import BesideFile
from rsvp_mailer.settings.shape import (
    DELIMITER,
    PREFIX,
    Location,
    alternatives,
    children,
    dotted,
    field_at,
    item_of,
    marks_of,
    model_of,
    variable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings


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
                for mark in marks_of(field):
                    if isinstance(mark, BesideFile):
                        node[key] = mark.settle(value, self.file.parent)
                if SecretStr in alternatives(field.annotation):
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
