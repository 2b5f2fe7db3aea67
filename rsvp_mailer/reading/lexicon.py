"""The languages' words and rules, read once from ``languages/*.toml`` and checked while reading.

A file holds word classes (``[words]``), numerals, month and weekday names, and rules. Loading refuses unknown
keys, unknown meanings, duplicate ids, dangling ``blocks`` and rules without examples, all in one report;
``check_lexicon`` also proves every example.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rsvp_mailer.domain import Finding
from rsvp_mailer.errors import ConfigError
from rsvp_mailer.reading.meanings import CLASSES, MEANINGS
from rsvp_mailer.reading.normalise import fold_words
from rsvp_mailer.reading.numerals import number_phrases
from rsvp_mailer.reading.patterns import Rule, elements
from rsvp_mailer.reading.vocabulary import GivenNames, Language, build_vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER = Path(__file__).parent / "languages"
NAMES = Path(__file__).parent / "names.toml"
_TOP_KEYS = frozenset(
    ("code", "base", "ready", "interpreter", "letters", "proclitics", "joins", "joined_ends", "abbreviations",
     "ordinal_ends", "enclitics", "plurals", "stem_changes", "words", "months", "weekdays", "numerals", "rule"),
)  # fmt: skip
_RULE_KEYS = frozenset(("id", "means", "who", "value", "phrases", "fires", "silent", "blocks", "source"))
_ORDER = ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb")


@dataclass(frozen=True, slots=True, repr=False)
class Lexicon:
    """All that the program knows of languages; frozen and shared by every reading.

    ``version``: changes with any byte of any file. ``abbreviations`` and ``months``: of all languages, for
    sentences are cut before their language is known. ``speakers``: word to the languages that know it.
    """

    languages: tuple[Language, ...]
    version: str
    abbreviations: frozenset[str]
    months: frozenset[str]
    speakers: Mapping[str, tuple[Language, ...]]

    def language(self, code: str) -> Language:
        """The language with this code; ``KeyError`` where there is none."""
        for language in self.languages:
            if language.code == code:
                return language
        raise KeyError(code)


def load_lexicon(folder: Path = FOLDER) -> Lexicon:
    """Read and validate every language file; ``ConfigError`` lists all faults of all files."""
    contents = {path.stem: path.read_bytes() for path in sorted(folder.glob("*.toml"))}
    names_file = NAMES.read_bytes()
    names = _given_names(tomllib.loads(names_file.decode()))
    faults: list[str] = []
    files: dict[str, dict[str, Any]] = {}
    for name, octets in contents.items():
        try:
            files[name] = tomllib.loads(octets.decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.append(f"{name}.toml: cannot be read ({error}); correct the file")
    languages = [_build(name, files, faults, names) for name in sorted(files, key=_rank) if "code" in files[name]]
    if faults:
        raise ConfigError(faults)
    version = hashlib.sha256(b"".join((*contents.values(), names_file))).hexdigest()[:12]
    return Lexicon(
        tuple(languages),
        version,
        frozenset().union(*(language.abbreviations for language in languages)),
        frozenset().union(*(language.months for language in languages)),
        _speakers(languages),
    )


def _speakers(languages: list[Language]) -> dict[str, tuple[Language, ...]]:
    """Which languages know a word, be it only as part of an entry of several."""
    found: dict[str, tuple[Language, ...]] = {}
    for language in languages:
        words = {word for entry in language.entries for word in entry}.union(language.respellings)
        wider: dict[tuple[Language, ...], tuple[Language, ...]] = {}  # few combinations for many words
        for word in words:
            known = found.get(word, ())
            found[word] = wider.get(known) or wider.setdefault(known, (*known, language))
    return found


def _given_names(file: Mapping[str, Mapping[str, str]]) -> GivenNames:
    """The names of all scripts; a language's own words win over them."""
    tables = file.values()
    return GivenNames(
        frozenset(name for table in tables for name in fold_words(table["names"]).split()),
        frozenset(name for table in tables for name in fold_words(table["also_words"]).split()),
    )


def _rank(name: str) -> tuple[int, str]:
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _build(name: str, files: Mapping[str, dict[str, Any]], faults: list[str], names: GivenNames) -> Language:
    parts = [files[base] for base in files[name].get("base", []) if base in files] + [files[name]]
    faults += [f"{name}.toml: base {base!r} is no file" for base in files[name].get("base", []) if base not in files]
    faults += [f"{name}.toml: unknown key {key!r}" for part in parts for key in part if key not in _TOP_KEYS]
    rules = [rule for part in parts for entry in part.get("rule", []) if (rule := _rule(name, entry, faults))]
    _check_rules(name, rules, faults)
    words = _merge(part.get("words", {}) for part in parts)
    faults += [f"{name}.toml: unknown word class {key!r}" for key in words if key not in CLASSES]
    merged = {key: value for part in parts for key, value in part.items()}
    numerals: dict[tuple[str, ...], int] = {}
    for part in parts:
        table = part.get("numerals", {})
        numerals |= number_phrases(table.get("words", {}), table.get("joined", ()))
    return build_vocabulary(merged, words, numerals, rules, names)


def _merge(tables: Iterable[Mapping[str, str | list[str]]]) -> dict[str, list[str]]:
    """The words of each class, folded. A class is one text, its entries parted by commas (or a list of entries)."""
    merged: dict[str, list[str]] = {}
    for table in tables:
        for key, listed in table.items():
            text = listed if isinstance(listed, str) else ",".join(listed)
            entries = " ".join(fold_words(text).replace("'", " ").split()).split(",")
            merged.setdefault(key, []).extend(entry for entry in map(str.strip, entries) if entry)
    return merged


def _rule(name: str, entry: Mapping[str, Any], faults: list[str]) -> Rule | None:
    where = f"{name}.toml: rule {entry.get('id', '?')!r}"
    unknown = [f"{where}: unknown key {key!r}" for key in entry if key not in _RULE_KEYS]
    missing = [f"{where}: {key} is missing" for key in ("id", "means", "phrases", "fires") if not entry.get(key)]
    faults += unknown + missing
    if unknown or missing:
        return None
    if entry["means"] not in MEANINGS:
        faults.append(f"{where}: unknown meaning {entry['means']!r}")
    return Rule(
        id=entry["id"],
        means=entry["means"],
        phrases=tuple(_fold_phrase(phrase) for phrase in entry["phrases"]),
        fires=tuple(entry["fires"]),
        silent=tuple(entry.get("silent", ())),
        blocks=tuple(entry.get("blocks", ())),
        who=entry.get("who", ""),
        value=entry.get("value", ""),
        source=entry.get("source", ""),
    )


def _fold_phrase(phrase: str) -> str:
    """Fold the words of a pattern; apostrophes separate words as they do in replies."""
    return fold_words(phrase.replace("...", "\x00")).replace("\x00", "...").replace("'", " ")


def _check_rules(name: str, rules: list[Rule], faults: list[str]) -> None:
    ids: set[str] = set()
    for rule in rules:
        if rule.id in ids:
            faults.append(f"{name}.toml: rule id {rule.id!r} is used twice")
        ids.add(rule.id)
    for rule in rules:
        faults += [
            f"{name}.toml: rule {rule.id!r} blocks {other!r}, which is no rule"
            for other in rule.blocks
            if other not in ids
        ]
        for phrase in rule.phrases:
            parts = elements(phrase)
            faults += [
                f"{name}.toml: rule {rule.id!r}: unknown class {part}"
                for part in parts
                if part.startswith("<") and part.rstrip("?").strip("<>") not in CLASSES
            ]
            if parts.count("...") > 2 or not parts or "..." in (parts[0], parts[-1]):
                faults.append(
                    f"{name}.toml: rule {rule.id!r}: a pattern starts and ends with a word and has at most two gaps"
                )


def check_lexicon(folder: Path = FOLDER) -> list[Finding]:
    """One finding a language, and one for every example that does not do what its rule says."""
    from rsvp_mailer.reading.examples import example_faults  # noqa: PLC0415  # it reads, so it needs this module

    try:
        lexicon = load_lexicon(folder)
    except ConfigError as error:
        return [Finding(fault.split(":", 1)[0], False, fault) for fault in error.faults]
    findings = []
    for language in lexicon.languages:
        faults = [fault for rule in language.rules for fault in example_faults(rule, language, lexicon)]
        findings.append(Finding(f"{language.code}: {len(language.rules)} rules", not faults))
        findings += [Finding(f"{language.code}: example", False, fault) for fault in faults]
    return findings
