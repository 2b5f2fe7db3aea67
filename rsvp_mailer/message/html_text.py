"""HTML to lines, in the tree: what mail programs mark as quote or signature is known before any text is read.

What may live here: one walk over the tree that selectolax (lexbor) builds, without recursion, for hostile mail
nests deeper than Python. An unmarked blockquote stays text ("weak").

Hidden text (``display:none``, no size, the background's colour, preheaders) is not what a person wrote and is
left out without a trace: no reader has seen it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from rsvp_mailer.message.folding import clean
from rsvp_mailer.message.html_style import is_colour, is_invisible, look_of
from rsvp_mailer.message.lines import Line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

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
DEEPEST_ELEMENT = 2_000  # the HTML parser looks through all open elements: deeper, its time grows quadratically
_LONG_QUOTE = 1_000  # characters; shorter ones may have an answer below that needs their last line whole
_MANY_TAGS = 4_000  # fewer cannot nest too deeply, and need no count
_TAG = re.compile(r"<[^<>]{0,1000}>?")
_TAG_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,20})")
_RULE = "________________________________"  # as many as stand together are one
_VOID = frozenset(("br", "img", "hr", "meta", "link", "input", "p", "li", "td", "tr", "th", "wbr", "col", "area"))
_MARKS = {"attribution": "quote.attribution", "signature": "signature.client"}
_State = tuple[int, str, bool, str, str, bool]


def _deepest(html: str) -> int:
    """How deep open elements pile up, counted as they are written: what is never closed counts."""
    depth = deepest = 0
    for closing, name in _TAG_NAME.findall(html):
        if name.lower() not in _VOID:
            depth = max(depth - 1, 0) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def html_lines(html: str) -> list[Line]:
    """The visible lines of an HTML part, in reading order; never raises on any text."""
    if html.count("<") > _MANY_TAGS and _deepest(html) > DEEPEST_ELEMENT:
        return [Line(clean(" ".join(text.split())), PART) for text in _TAG.split(html) if text.strip()]
    tree = LexborHTMLParser(html)
    body = tree.body or tree.root
    return _Walk().run(body) if body is not None else []


class _Walk:
    """The state of one walk: what the present element has inherited, and the line being written.

    Text goes into ``pieces`` until a block begins or ends. ``state`` is what an element inherits and gives back
    when it closes: depth, mark, weak, colour, background, preformatted.
    """

    __slots__ = ("lines", "pieces", "state", "tinted")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.pieces: list[str] = []
        self.state: _State = (0, "", False, "", "", False)
        self.tinted = False

    def run(self, body: LexborNode) -> list[Line]:
        """Walk depth first: children, then siblings, then up; the state is restored on the way up."""
        node: LexborNode | None = body.first_child
        stack: list[tuple[LexborNode, _State, str]] = []
        while node is not None or stack:
            if node is None:
                node, state, tag = stack.pop()
                self._close(tag, state)
                node = node.next
                continue
            tag = node.tag or ""
            if tag == "-text":
                self._text(node.text_content or "")
            elif tag == "br":
                self._break(blank=True)
            elif tag == "img":
                self._image(node)
            elif tag and tag[0] not in "-_!" and tag not in _SKIPPED:
                state = self.state
                if self._open(node, tag):
                    child = node.first_child if len(stack) < DEEPEST_ELEMENT else None
                    if child is not None:
                        stack.append((node, state, tag))
                        node = child
                        continue
                    self._close(tag, state)
                self.state = state
            node = node.next
        self._break()
        return self.lines

    def _open(self, node: LexborNode, tag: str) -> bool:
        """Enter an element; ``False`` where nothing of it is to be read, for it is hidden or already taken."""
        if tag in _BLOCKS:
            self._break()
        elif tag in {"td", "th"} and self.pieces:
            self.pieces.append("\t")
        spaced = tag in _SPACED
        attributes = node.attributes
        depth, mark, weak, colour, background, pre = self.state
        if attributes:
            look = look_of(tag, attributes)
            colour, background = look.colour or colour, look.background or background
            if look.hidden or ((look.colour or look.background) and is_invisible(colour, background)):
                return False
            spaced = spaced and not look.margin_free
            if look.role == "quote" and self._take_whole(node, depth + 1):
                return False
            if look.role:
                depth, mark = self._begin(look.role, depth, mark)
            weak = weak or (tag == "blockquote" and not look.role)
        elif tag == "blockquote":
            weak = True
        self.state = (depth, mark, weak, colour, background, pre or tag == "pre")
        if spaced:
            self._blank()
        if tag == "hr" and not (self.lines and self.lines[-1].text == _RULE):
            self._add(_RULE)
        return True

    def _begin(self, role: str, depth: int, mark: str) -> tuple[int, str]:
        """Depth and mark inside of an element with a client's mark."""
        self._break()
        if role == "rest":
            self.lines.append(Line("", PART, depth, "rest.client"))
        if role in {"quote", "box"}:
            return depth + 1, "box" if role == "box" else mark
        return depth, mark or _MARKS.get(role, "")

    def _take_whole(self, node: LexborNode, depth: int) -> bool:
        """Take a long quote in one step: where its lines break inside a sentence does not matter there."""
        self._break()
        text = node.text(separator="\n")
        if len(text) < _LONG_QUOTE:
            return False
        mark, weak = self.state[1:3]
        self.lines += [
            Line(line, PART, depth, mark, weak) for each in clean(text).split("\n") if (line := each.strip())
        ]
        return True

    def _close(self, tag: str, state: _State) -> None:
        if tag in _BLOCKS:
            self._break()
            if tag in _SPACED and tag != "p":
                self._blank()
        self.state = state

    def _add(self, text: str) -> None:
        depth, mark, weak, _, _, _ = self.state
        self.lines.append(Line(text, PART, depth, mark, weak, self.tinted))
        self.tinted = False

    def _text(self, text: str) -> None:
        if self.state[5] and "\n" in text:
            *whole, text = text.replace("\r\n", "\n").split("\n")
            for piece in whole:
                self.pieces.append(piece)
                self._break(blank=True)
        blank = text.isspace()
        if text and (not blank or self.pieces or "\xa0" in text):  # Outlook's empty lines hold a lone &nbsp;
            self.pieces.append(text)
        if text and not blank:
            self.tinted = self.tinted or (bool(self.state[3]) and is_colour(self.state[3]))

    def _image(self, node: LexborNode) -> None:
        """An emoji that a program shows as a picture is text; any other picture is not."""
        alt = (node.attributes.get("alt") or "").strip()
        if alt and len(alt) <= 8 and not alt.isascii() and not any(map(str.isalpha, alt)):
            self.pieces.append(alt)

    def _break(self, *, blank: bool = False) -> None:
        """End the line; with ``blank``, an empty line counts too (``<br>``)."""
        if self.pieces:
            joined = self.pieces[0] if len(self.pieces) == 1 else "".join(self.pieces)
            self.pieces.clear()
            text = clean(joined)
            self._add(text.replace("\n", " ").strip() if self.state[5] else " ".join(text.split()))
        elif blank:
            self._add("")

    def _blank(self) -> None:
        if self.lines and self.lines[-1].text:
            self._add("")
