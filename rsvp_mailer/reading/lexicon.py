"""The languages' words and rules, read once from ``languages/*.toml``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that the program knows of languages; frozen and shared by every reading."""

    version: str = "0"


def load_lexicon() -> Lexicon:
    """Read and validate every language file."""
    return Lexicon()
