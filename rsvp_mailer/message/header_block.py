"""Header blocks of quoted mail ("From: ... / Sent: ... / To: ..."), in any language.

What may live here: look-ups on lines, none of which cuts anything, each over a bounded number of characters.

A block needs From beside two other roles, and something that only a program writes (an address, a time of day, a
separator above): people write letterheads too. Two roles alone, or labels of a language we do not know, make an
uncertain one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from rsvp_mailer.message.folding import fold
from rsvp_mailer.message.lines import RULE_SIGNS, QuoteStart, next_text
from rsvp_mailer.message.patterns import load_patterns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rsvp_mailer.message.lines import Line

LONGEST_BLOCK = 40
# They begin with the digit, behind which they look back: the search then skips whatever is none.
DATE = re.compile(r"\d(?<![\da-zA-Z+]\d)(?:(?<!-\d)\d{3}(?![\da-zA-Z])|\d?[./-] ?\d{1,2}[./-] ?\d{2,4})")
TIME = re.compile(r"\d(?<![\d.]\d)\d?[:.h]\d{2}(?![\d.])")
_LABEL = re.compile(r"[*_|\s]{0,6}([^\s:：*_][^:：*]{0,28}?)\s?[*_]{0,3}\s?[:：]\s?[*_]{0,3}\s*(.*)", re.DOTALL)
_INLINE_LABEL = re.compile(r"(?:^|[\s*]|(?<=\d))([^\s:：*\d]{1,20}(?: [^\s:：*]{1,12})?)\s?\*{0,2}[:：]")
_LONG_RULE = re.compile(rf"[\s>]*[{RULE_SIGNS}]{{5,}}\s*")
_NAMED_ADDRESS = re.compile(r"[^\s<>@]\s{1,3}<[^<>\s@]{1,80}@[^<>\s]{1,120}>")
_FEWEST_ROLES = 2  # fewer labels are no block, and as few an uncertain one
_FEWEST_UNKNOWN = 3  # lines that make a block whose labels no file knows
_MOST_UNKNOWN = 8
_LONGEST_APART = 8  # lines above a quote, empty ones included
_WRAPPED = 45  # characters: shorter lines are not wrapped by a program


def label_roles(text: str) -> tuple[frozenset[str], str] | None:
    """The roles and the value of a line "From: ...", or ``None``."""
    head = text[:60]
    if ":" not in head and "：" not in head:
        return None
    found = _LABEL.match(text[:300])
    if found is None:
        return None
    roles = _roles_of(found[1])
    return (roles, found[2]) if roles else None


@lru_cache(maxsize=2_000)
def _roles_of(label: str) -> frozenset[str] | None:
    return load_patterns().labels.get(fold(label))


def header_block(lines: Sequence[Line], at: int, *, separated: bool = False) -> QuoteStart | None:
    """The quoted header block that begins at line ``at``, if any."""
    start = at
    if at < len(lines) and _LONG_RULE.fullmatch(lines[at].text[:200]):
        start = next_text(lines, at + 1)
        separated = start < len(lines) and _names_moment(lines, start)
    if start >= len(lines):
        return None
    first = label_roles(lines[start].text)
    if first is None or first[0] <= {"other"}:
        return _unknown_block(lines, at, start)
    if _stands_apart(lines, start):
        return None
    if flat := _flat_block(lines[start].text):
        return QuoteStart(start - at + 1, "quote.header_block", certain=flat > _FEWEST_ROLES)
    return _known_block(lines, at, start, separated=separated) or _unknown_block(lines, at, start)


def _known_block(lines: Sequence[Line], at: int, start: int, *, separated: bool) -> QuoteStart | None:
    """A block whose labels the language files know, one a line, long values folded."""
    seen: list[frozenset[str]] = []
    values: list[str] = []
    end = index = start
    continuation = 0
    wrapped = False
    while index < len(lines) and index - start < LONGEST_BLOCK:
        text = lines[index].text
        found = label_roles(text) if text else None
        if found:
            if len(found[0]) == 1 and found[0] in seen:
                break  # a second From or Subject is another block, or no block at all
            seen.append(found[0])
            values.append(found[1])
            end = index + 1
            continuation = 0
            wrapped = not found[1] or len(text) >= _WRAPPED
        elif text:
            continuation += 1
            # Behind From, a label that no file knows is a program's where the address is one.
            within = frozenset({"from"}) in seen and ("@" in values[-1] or _LABEL.match(text[:300]) is None)
            folded = _continues(text) or (continuation == 1 and (wrapped or within))
            if continuation > 8 or not folded or not _label_follows(lines, index):
                break
            values.append(text)
        index += 1
    certain = _is_block(_distinct(seen), len(seen), " ".join(values)[:2000], separated=separated)
    return QuoteStart(end - at, "quote.header_block", certain=certain) if certain is not None else None


def _stands_apart(lines: Sequence[Line], start: int) -> bool:
    """Whether a person's "An: alle" stands above the block: an empty line parts it from labels that no line parts."""
    second = next_text(lines, start + 1)
    if second == start + 1 or second + 1 >= len(lines):
        return False
    return all(label_roles(lines[index].text) is not None for index in (second, second + 1))


def _continues(text: str) -> bool:
    return "@" in text or text.endswith((";", ",", ">")) or ";" in text


def _label_follows(lines: Sequence[Line], at: int) -> bool:
    """Whether a header label stands within the next few lines, so that this one is a folded value."""
    later = [line.text for line in lines[at + 1 : at + 9] if line.text]
    return any(label_roles(text) is not None for text in later)


def _names_moment(lines: Sequence[Line], start: int) -> bool:
    """Whether a date or an address stands below a bare rule: people draw rules above their own lists."""
    block = " ".join(line.text[:200] for line in lines[start : start + 6])
    return "@" in block or DATE.search(block) is not None


def _is_block(roles: set[str], labels: int, values: str, *, separated: bool) -> bool | None:
    """Whether labels and values make a block for certain; ``None`` where they make none."""
    if labels < _FEWEST_ROLES:
        return None
    address = "@" in values
    moment = TIME.search(values) is not None and DATE.search(values) is not None
    if "from" not in roles and not {"sent", "to", "subject"} <= roles:
        return None
    if len(roles) == _FEWEST_ROLES:
        return True if separated and address else _uncertain(doubtful="sent" in roles and address and moment)
    if address or separated or (moment and {"from", "sent"} <= roles):
        return True
    return _uncertain(doubtful=moment or ("sent" in roles and TIME.search(values) is not None))


def _uncertain(*, doubtful: bool) -> bool | None:
    return False if doubtful else None


def _distinct(seen: list[frozenset[str]]) -> set[str]:
    """Give each label one role, those with a single role first ("De" may be From, "A" may be To)."""
    roles: set[str] = set()
    for options in sorted(seen, key=len):
        free = options - roles - {"other"}
        if free:
            roles.add(min(free, key=("from", "sent", "to", "subject", "cc").index))
    return roles


def _flat_block(text: str) -> int:
    """How many roles a block has that stands in one line, as flattened HTML has it; 0 for no block."""
    text = text[:800]
    labels = load_patterns().labels
    seen = [labels[name] for word in _INLINE_LABEL.findall(text) for name in _last_words(word) if name in labels]
    if len(seen) < _FEWEST_ROLES:
        return 0
    roles = _distinct(seen)
    address = "@" in text
    moment = TIME.search(text) is not None and DATE.search(text) is not None
    if "from" not in roles or len(roles) < _FEWEST_ROLES or not (address or (moment and "sent" in roles)):
        return 0
    whole = address and moment and "sent" in roles
    return len(roles) if len(roles) > _FEWEST_ROLES or whole else 0


def _last_words(word: str) -> list[str]:
    folded = fold(word)
    return list(dict.fromkeys((folded, folded.rpartition(" ")[2])))


def _unknown_block(lines: Sequence[Line], at: int, start: int) -> QuoteStart | None:
    """Labels of no known language: a named address and a date with a time, each behind a label of few words."""
    if not any("@" in line.text[:300] for line in lines[start : start + 2]):
        return None
    below = label_roles(lines[start + 1].text) if start + 1 < len(lines) else None
    if below and "from" in below[0] and label_roles(lines[start].text) is None:
        return None  # "Personen: 3", typed right above a block that is known
    end = start
    address = moment = False
    while end < min(start + _MOST_UNKNOWN, len(lines)):
        text = lines[end].text[:300]
        found = _LABEL.match(text) if ":" in text[:60] else None
        if found is None or any(map(str.isdigit, found[1])):
            break
        address = address or _NAMED_ADDRESS.search(found[2]) is not None
        moment = moment or (DATE.search(found[2]) is not None and TIME.search(found[2]) is not None)
        end += 1
    if end - start < _FEWEST_UNKNOWN or not (address and moment):
        return None
    return QuoteStart(end - at, "quote.header_block", certain=False)


def ends_in_unknown_block(texts: Sequence[str]) -> bool:
    """Whether the last lines are labels that no file knows, a moment behind one: a block without any address."""
    worded = [text for text in texts[-_LONGEST_APART:] if text][-_FEWEST_UNKNOWN:]
    labelled = len(worded) == _FEWEST_UNKNOWN and all(_LABEL.match(text[:300]) for text in worded)
    return labelled and any(DATE.search(text[:300]) and TIME.search(text[:300]) for text in worded)


def looks_written_by_program(text: str) -> bool:
    """Whether a header line has what people do not type: an address or a time of day."""
    return "@" in text or TIME.search(text[:300]) is not None
