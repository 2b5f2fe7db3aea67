"""How well replies are read: ``python -m tests.score [--files GLOB] [-v]``.

Prints each wrong automatic decision, then per language and part: cases, wrong automatic decisions, share decided
and right of those the labels decide, share of must-hold cases held, sizes found. Of the ``kept`` part, on which
nobody tunes, only the figures are shown.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "reading"))
from reading_cases import CORPUS, EVENT, cases, is_kept, message_of

from rsvp_mailer.reading.lexicon import load_lexicon
from rsvp_mailer.reading.read import read_reply


@dataclass
class Score:
    cases: int = 0
    autos: int = 0
    wrong: int = 0
    sure: int = 0
    sure_right: int = 0
    must_hold: int = 0
    held: int = 0
    sizes: int = 0
    sizes_found: int = 0
    language: int = 0


def compare(reading: Any, gold: dict[str, Any]) -> tuple[bool, bool]:
    """Whether the reading decides, and whether its values are the labelled ones."""
    auto = not reading.reasons
    same = (reading.kind.value, reading.attendance and reading.attendance.value, reading.party_size) == (
        gold["kind"],
        gold["attendance"],
        gold["party_size"],
    )
    return auto, same


def part_of(case: dict[str, Any]) -> str:
    """``kept``: no rule was ever tuned on it; ``nothing``: sentences that answer no invitation."""
    if is_kept(case):
        return "kept"
    return "nothing" if case["group"] == "nothing" else "tuned"


def main() -> None:
    """Score every corpus file, or those whose path contains the given words."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*", help="only files whose path contains one of these")
    parser.add_argument("-v", action="store_true", help="show cases that were held although the labels decide")
    options = parser.parse_args()
    lexicon = load_lexicon()
    scores: dict[str, Score] = defaultdict(Score)
    for case in cases(CORPUS):
        if options.words and not any(word in f"{case['lang']} {case['id']}" for word in options.words):
            continue
        gold, score = case["gold"], scores[f"{case['lang']} {part_of(case)}"]
        reading = read_reply(message_of(case), EVENT, lexicon)
        auto, same = compare(reading, gold)
        score.cases += 1
        score.language += reading.language == gold.get("language", reading.language)
        decides = gold["decision"] == "auto"
        allowed = gold["decision"] in ("auto", "either")
        size = gold["party_size"] or 0
        score.sizes += size > 1
        score.sizes_found += size > 1 and reading.party_size == size
        score.sure += decides
        score.sure_right += decides and auto and same
        score.must_hold += gold["decision"] == "review"
        score.held += gold["decision"] == "review" and not auto
        wrong = auto and not (allowed and same)
        score.autos += auto
        score.wrong += wrong
        if not is_kept(case) and (wrong or (options.v and decides and not auto)):
            show("WRONG" if wrong else "held", case, reading)
    for name, s in sorted(scores.items()):
        share = s.sure_right / max(s.sure, 1)
        print(
            f"{name:10} {s.cases:4} cases  wrong autos {s.wrong} of {s.autos}"
            f"  decided and right {s.sure_right}/{s.sure} ({share:.0%})  held {s.held}/{s.must_hold}"
            f"  sizes of two and more {s.sizes_found}/{s.sizes}  language {s.language / s.cases:.0%}"
        )


def show(label: str, case: dict[str, Any], reading: Any) -> None:
    gold = case["gold"]
    print(
        f"{label} {case['id']}: read {reading.kind} {reading.attendance} {reading.party_size} {list(reading.reasons)}"
        f" wanted {gold['kind']} {gold['attendance']} {gold['party_size']} {gold['decision']}"
        f"\n      {case['subject']!r} | {case['body'][:400]!r}"
        f"\n      {[(e.field, e.rule, e.text) for e in reading.evidence]}"
    )


if __name__ == "__main__":
    main()
