"""The form as its folder tells it: which questions there are, and how each language words them.

What may live here: reading ``form.toml`` and the file of each language beside it (``de.toml``, ``de-einfach.toml``,
``ar.toml``, ...), and what all readers of a form agree on: names of fields, and the code printed on every form.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rsvp_mailer.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Kind: TypeAlias = Literal["line", "text", "box"]

SOURCE = "form.toml"
PREFIX = "steckbrief_"  # of field names in PDF and Word files: by them a returned form is recognised
CODE_FIELD = "form"  # the hidden field of the PDF that holds the form's code
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "prs", "ckb", "he", "ur"})


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that can be filled in. ``lines``: its height; ``half``: the next half field stands beside it."""

    id: str
    kind: Kind
    lines: int = 1
    half: bool = False

    @property
    def name(self) -> str:
        """As the field is called in PDF and Word files."""
        return PREFIX + self.id


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered question with its fields."""

    id: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one language. ``code``: the file's name without its ending, ``de-einfach``."""

    code: str
    title: str
    subtitle: str
    introduction: tuple[str, ...]
    closing: str
    page: str
    sections: Mapping[str, str]
    fields: Mapping[str, str]

    @property
    def language(self) -> str:
        """The language's code as in the reading guide."""
        return self.code.partition("-")[0]

    @property
    def right_to_left(self) -> bool:
        """Whether it is written from right to left."""
        return self.language in _RIGHT_TO_LEFT

    def tooltip(self, section: Section, field: Field) -> str:
        """What a screen reader says for a field: the question, and the label where that says more."""
        return f"{self.sections[section.id]} {self.fields[field.id]}"


@dataclass(frozen=True)
class Form:
    """All of it. ``edition``: raised with each change of the questions."""

    edition: int
    organisation: str
    sections: tuple[Section, ...]
    wordings: Mapping[str, Wording]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in the order of the form."""
        return tuple(field for section in self.sections for field in section.fields)

    def form_code(self, wording: Wording) -> str:
        """What is printed on each form, by which it is known again: ``STECKBRIEF-DE-EINFACH-1``."""
        return f"STECKBRIEF-{wording.code.upper()}-{self.edition}"

    def walk(self) -> Iterator[tuple[Section, Field]]:
        """Each field with its section, in the order of the form."""
        return ((section, field) for section in self.sections for field in section.fields)


def form_in(path: Path | None) -> Form | None:
    """The form of the folder that the settings name; ``None`` for files without their source. ``ConfigError``."""
    return load_form(path) if path is not None and (path / SOURCE).is_file() else None


def load_form(folder: Path) -> Form:
    """Read a form's folder; ``ConfigError`` with every fault, each with its file."""
    source = _toml(folder / SOURCE)
    try:
        sections = tuple(
            Section(each["id"], tuple(Field(**field) for field in each["fields"])) for each in source["sections"]
        )
        form = Form(source["edition"], source["organisation"], sections, {})
    except (KeyError, TypeError) as error:
        raise ConfigError([f"{folder / SOURCE}: {error} is missing or misspelt"]) from error
    files = sorted(path for path in folder.glob("*.toml") if path.name != SOURCE)
    wordings, faults = {}, list[str]()
    for path in files:
        table = _toml(path)
        faults += [f"{path}: {fault}" for fault in _faults(table, form)]
        if not faults:
            table["introduction"] = tuple(table["introduction"])
            wordings[path.stem] = Wording(code=path.stem, **table)
    if not files:
        faults = [f"{folder}: holds no language file (de.toml)"]
    if faults:
        raise ConfigError(faults)
    return Form(form.edition, form.organisation, sections, wordings)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error


def _faults(table: dict[str, Any], form: Form) -> list[str]:
    wanted = {
        "sections": {section.id for section in form.sections},
        "fields": {field.id for field in form.fields},
        "": set(Wording.__dataclass_fields__) - {"code"},
    }
    given = {"sections": table.get("sections", {}), "fields": table.get("fields", {}), "": table}
    return [
        f"{where or 'the file'} {'lacks' if key in keys else 'does not know'} {key}"
        for where, keys in wanted.items()
        for key in sorted(keys ^ given[where].keys())
    ]
