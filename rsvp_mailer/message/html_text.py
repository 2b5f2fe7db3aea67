"""HTML to lines, in the tree: what mail programs mark as quote or signature is known before any text is read.

What may live here: one walk over the tree that selectolax (lexbor) builds, without recursion, for hostile mail
nests deeper than Python. Client marks are data: ``clients.toml``. An unmarked blockquote stays text ("weak").

Hidden text (``display:none``, no size, the background's colour, preheaders) is not what a person wrote and is
left out without a trace: no reader has seen it.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from rsvp_mailer.message.folding import clean
from rsvp_mailer.message.lines import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectolax.lexbor import LexborNode

CLIENTS = Path(__file__).with_name("clients.toml")
PART = "text/html"

_SKIPPED = frozenset(
    [
        "head",
        "style",
        "script",
        "title",
        "noscript",
        "template",
        "object",
        "svg",
        "math",
        "select",
        "textarea",
        "iframe",
        "audio",
        "video",
        "canvas",
        "map",
        "meta",
        "link",
        "base",
        "o:p-skip",
        "xml",
    ]
)
_BLOCKS = frozenset(
    [
        "div",
        "p",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "blockquote",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "center",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "form",
        "dl",
        "dt",
        "dd",
        "fieldset",
        "address",
        "hr",
        "body",
        "tbody",
        "thead",
        "tfoot",
        "caption",
        "figure",
        "aside",
        "nav",
        "details",
        "summary",
        "html",
    ]
)
_SPACED = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "dl"))
_WHITE = re.compile(r"[ \t\r\n\f]+")
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


def html_lines(html: str) -> list[Line]:
    """The visible lines of an HTML part, in reading order; never raises on any text."""
    tree = LexborHTMLParser(html)
    body = tree.body or tree.root
    return _Walk().run(body) if body is not None else []


class _Walk:
    """The state of one walk: what the present element has inherited, and the line being written.

    ``frames`` holds what to restore when an element closes; text nodes go into ``pieces`` until a block begins
    or ends.
    """

    __slots__ = ("background", "coloured", "depth", "ids_classes", "lines", "mark", "pieces", "pre", "weak")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.pieces: list[str] = []
        self.depth = 0
        self.mark = ""
        self.weak = False
        self.coloured = False
        self.background = ""
        self.pre = False

    def run(self, body: LexborNode) -> list[Line]:
        """Walk depth first: children, then siblings, then up; state is restored on the way up."""
        node: LexborNode | None = body.first_child
        stack: list[tuple[LexborNode, tuple[int, str, bool, bool, str, bool], str]] = []
        while node is not None or stack:
            if node is None:
                closed, state, tag = stack.pop()
                self._close(tag)
                self.depth, self.mark, self.weak, self.coloured, self.background, self.pre = state
                node = closed.next
                continue
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "")
                node = node.next
                continue
            if tag == "br":
                self._break(blank=True)
            elif tag == "img":
                self._image(node)
            elif tag and tag[0] not in "-_!" and tag not in _SKIPPED:
                state = (self.depth, self.mark, self.weak, self.coloured, self.background, self.pre)
                if self._open(node, tag):
                    child = node.first_child
                    if child is not None:
                        stack.append((node, state, tag))
                        node = child
                        continue
                    self._close(tag)
                self.depth, self.mark, self.weak, self.coloured, self.background, self.pre = state
            node = node.next
        self._break()
        return self.lines

    def _open(self, node: LexborNode, tag: str) -> bool:
        """Enter an element; ``False`` where it is hidden."""
        if tag in _BLOCKS:
            self._break()
        elif tag in {"td", "th"} and self.pieces:
            self.pieces.append("\t")
        attributes = node.attributes
        spaced = tag in _SPACED
        if attributes:
            declared = _declared(attributes.get("style"))
            if "hidden" in attributes or (declared and self._hidden(declared)):
                return False
            if tag == "font" and (colour := (attributes.get("color") or "").lower()):
                self._colour(colour)
            if not self._apply(_role(tag, attributes), tag, attributes):
                return False
            spaced = spaced and not _margin_free(declared) and "mso" not in (attributes.get("class") or "").lower()
        elif tag == "blockquote":
            self.weak = True
        if spaced:
            self._blank()
        if tag == "pre":
            self.pre = True
        elif tag == "hr":
            self.lines.append(Line("________________________________", PART, self.depth, self.mark, self.weak))
        return True

    def _apply(self, role: str, tag: str, attributes: Mapping[str, str | None]) -> bool:
        if role == "hidden":
            return False
        if role == "quote" or (tag == "blockquote" and attributes.get("cite")):
            self._break()
            self.depth += 1
        elif role == "rest":
            self._break()
            self.lines.append(Line("", PART, self.depth, "rest.client"))
        elif role in {"attribution", "signature"}:
            self._break()
            self.mark = self.mark or ("quote.attribution" if role == "attribution" else "signature.client")
        elif tag == "blockquote":
            self.weak = True
        return True

    def _hidden(self, declared: Mapping[str, str]) -> bool:
        """Whether a style shows nothing; also takes over its colours."""
        if declared.get("display", "").startswith("none") or declared.get("visibility", "") == "hidden":
            return True
        if declared.get("mso-hide", "").strip() == "all" or declared.get("opacity", "").strip() in {"0", "0.0", "0%"}:
            return True
        if any(_is_nothing(declared.get(name, "")) for name in ("font-size", "max-height", "line-height")):
            return not _is_spacer(declared)
        background = declared.get("background-color") or declared.get("background", "")
        if background:
            self.background = background.strip().replace(" ", "").split("!")[0]
        colour = declared.get("color", "").strip().replace(" ", "").split("!")[0]
        if not colour:
            return False
        if colour == self.background or (colour in _WHITES and not self.background):
            return True
        self._colour(colour)
        return False

    def _colour(self, colour: str) -> None:
        self.coloured = colour.replace(" ", "") not in _DULL and not _is_grey(colour)

    def _text(self, text: str) -> None:
        if self.pre and "\n" in text:
            for piece in text.replace("\r\n", "\n").split("\n")[:-1]:
                self.pieces.append(piece)
                self._break(blank=True)
            text = text.rpartition("\n")[2]
        if text and (not text.isspace() or (self.pieces and not self.pieces[-1].endswith(" "))):
            self.pieces.append(text)

    def _image(self, node: LexborNode) -> None:
        """An emoji that a program shows as a picture is text; any other picture is not."""
        attributes = node.attributes
        alt = (attributes.get("alt") or "").strip()
        if alt and len(alt) <= 8 and not alt.isascii() and not any(character.isalpha() for character in alt):
            self.pieces.append(alt)

    def _break(self, *, blank: bool = False) -> None:
        """End the line; with ``blank``, an empty line counts too (``<br>``)."""
        if not self.pieces and not blank:
            return
        joined = "".join(self.pieces)
        text = joined.rstrip("\n") if self.pre else _WHITE.sub(" ", joined).strip(" ")
        self.pieces.clear()
        self.lines.append(Line(clean(text).strip(), PART, self.depth, self.mark, self.weak, self.coloured))

    def _blank(self) -> None:
        self._break()
        if self.lines and self.lines[-1].text:
            self.lines.append(Line("", PART, self.depth, self.mark, self.weak))

    def _close(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._break()
            if tag in _SPACED and self.lines and self.lines[-1].text and tag != "p":
                self.lines.append(Line("", PART, self.depth, self.mark, self.weak))


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


def _is_spacer(declared: Mapping[str, str]) -> bool:
    """``line-height: 1`` is a factor, not a length."""
    return all(not _is_nothing(declared.get(name, "")) for name in ("font-size", "max-height")) and (
        _NUMBER.fullmatch(declared.get("line-height", "").strip()) is not None
        and declared["line-height"].strip() != "0"
    )


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
