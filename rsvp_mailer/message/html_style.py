"""What one HTML element tells by itself: a client's mark, whether it shows anything, its colours.

What may live here: judging a tag with its attributes, without its surroundings. The answers are cached, for a
mail repeats the same few styles hundreds of times. Client marks are data: ``clients.toml``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENTS = Path(__file__).with_name("clients.toml")
_LONGEST_VALUE = 1_000
_MOST_ATTRIBUTES = 30
_STYLE_HINT = re.compile(r"display|visib|font|size|height|opacity|color|background|mso-hide|margin", re.IGNORECASE)
_DECLARATION = re.compile(r"([a-z-]{3,40})\s{0,9}:\s{0,9}([^;]{1,200})")
_NO_STYLE: Mapping[str, str] = {}
_NUMBER = re.compile(r"[\d.]+")
_WHITES = frozenset({"#fff", "#ffffff", "white", "rgb(255,255,255)", "transparent", "rgba(0,0,0,0)"})
_DULL = frozenset(
    [
        "black",
        "#000",
        "#000000",
        "windowtext",
        "inherit",
        "initial",
        "rgb(0,0,0)",
        "auto",
        "#212121",
        "#222222",
        "#222",
        "#333",
        "#333333",
        "#1f497d",
        "#44546a",
        "gray",
        "grey",
        "#666",
        "#666666",
        "#999",
        "#999999",
        "#050505",
        "#1a1a1a",
        "currentcolor",
        "unset",
        "#202124",
        "rgb(34,34,34)",
        "rgb(32,33,36)",
        "#242424",
    ]
)


@cache
def _marks() -> tuple[Mapping[str, str], Mapping[str, str], tuple[tuple[str, str], ...], Mapping[tuple[str, str], str]]:
    """Client marks as look-ups: by id, by class (and tag.class), by beginning of id, by (attribute, value)."""
    ids: dict[str, str] = {}
    classes: dict[str, str] = {}
    beginnings: list[tuple[str, str]] = []
    attributes: dict[tuple[str, str], str] = {}
    for table in tomllib.loads(CLIENTS.read_text(encoding="utf-8")).values():
        for role, selectors in table.items():
            for selector in selectors:
                spelled = selector.lower()
                if spelled.startswith("["):
                    name, _, value = spelled.strip("[]").partition("=")
                    attributes[name, value] = role
                elif spelled.endswith("*"):
                    beginnings.append((spelled[1:-1], role))
                elif spelled.startswith("#"):
                    ids[spelled[1:]] = role
                else:
                    classes[spelled.removeprefix(".")] = role
    return ids, classes, tuple(beginnings), attributes


@dataclass(frozen=True, slots=True)
class Look:
    """An element by itself. ``role``: of a client's mark, or "". ``colour``, ``background``: "" where unset."""

    role: str = ""
    hidden: bool = False
    colour: str = ""
    background: str = ""
    margin_free: bool = False


def look_of(tag: str, attributes: Mapping[str, str | None]) -> Look:
    """Judge an element; long values are cut, for no mark and no style that matters is long."""
    items = list(attributes.items())[:_MOST_ATTRIBUTES]
    return _look(tag, tuple((name, value[:_LONGEST_VALUE] if value else value) for name, value in items))


@lru_cache(maxsize=2_000)
def _look(tag: str, items: tuple[tuple[str, str | None], ...]) -> Look:
    attributes = dict(items)
    declared = _declared(attributes.get("style"))
    colour = _colour_name(declared.get("color") or (attributes.get("color") if tag == "font" else ""))
    background = _colour_name(
        declared.get("background-color") or declared.get("background") or attributes.get("bgcolor")
    )
    role = _role(tag, attributes)
    if tag == "blockquote" and not role and attributes.get("cite"):
        role = "quote"
    return Look(
        role,
        role == "hidden" or "hidden" in attributes or _shows_nothing(declared),
        colour,
        background,
        _margin_free(declared) or "mso" in (attributes.get("class") or "").lower(),
    )


def is_invisible(colour: str, background: str) -> bool:
    """Whether text of this colour cannot be seen on this background ("": the page's own)."""
    return bool(colour) and (colour == background or (colour in _WHITES and background in {"", *_WHITES}))


def is_colour(colour: str) -> bool:
    """Whether text of this colour stands out: not black, not grey, not Outlook's usual dark blue."""
    return bool(colour) and colour not in _DULL and not _is_grey(colour)


def _colour_name(value: str | None) -> str:
    return value.lower().strip().replace(" ", "").partition("!")[0] if value else ""


def _shows_nothing(declared: Mapping[str, str]) -> bool:
    if declared.get("display", "").startswith("none") or declared.get("visibility", "").startswith("hidden"):
        return True
    if declared.get("mso-hide", "").strip() == "all" or declared.get("opacity", "").strip() in {"0", "0.0", "0%"}:
        return True
    return any(_is_nothing(declared.get(name, "")) for name in ("font-size", "max-height"))


def _declared(style: str | None) -> Mapping[str, str]:
    """The declarations of a style attribute; empty where none of them could matter here."""
    if not style or _STYLE_HINT.search(style) is None:
        return _NO_STYLE
    return dict(_DECLARATION.findall(style.lower()[:2000]))


def _role(tag: str, attributes: Mapping[str, str | None]) -> str:
    """The role that a client's mark gives an element, or the empty string."""
    ids, classes, beginnings, by_value = _marks()
    for name, value in attributes.items():
        if not value:
            continue
        if name == "class":
            for word in value.lower().split()[:20]:
                bare = word.removeprefix("x_")
                if role := classes.get(bare) or classes.get(f"{tag}.{bare}"):
                    return role
        elif name == "id":
            bare = value.lower()
            while bare.startswith("x_"):
                bare = bare[2:]
            if role := ids.get(bare) or next((role for start, role in beginnings if bare.startswith(start)), ""):
                return role
        elif len(value) < 40 and (role := by_value.get((name, value.lower()), "")):
            return role
    return ""


def _is_nothing(value: str) -> bool:
    """Whether a length is below what anybody can read (two pixels)."""
    number = _NUMBER.match(value.strip())
    if number is None or value.strip().startswith("."):
        return False
    try:
        return float(number[0]) < 2 and not value.strip().endswith(("em", "rem", "%", "cm", "in")) and "." not in value
    except ValueError:
        return False


def _margin_free(declared: Mapping[str, str]) -> bool:
    if not declared:
        return False
    margin = declared.get("margin", "") or declared.get("margin-bottom", "")
    return bool(margin) and all(part.startswith("0") for part in margin.split())


def _is_grey(colour: str) -> bool:
    """Three equal parts: a shade, not a colour."""
    hexed = colour.removeprefix("#")
    if colour.startswith("#") and len(hexed) in {3, 6}:
        step = len(hexed) // 3
        return hexed[:step] == hexed[step : 2 * step] == hexed[2 * step :]
    parts = _NUMBER.findall(colour)
    return colour.startswith("rgb") and len(parts) >= 3 and parts[0] == parts[1] == parts[2]
