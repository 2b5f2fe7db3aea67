"""Whether the examples inside a rule do what the rule says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from rsvp_mailer.reading.clauses import cut, without_brackets
from rsvp_mailer.reading.normalise import fold, fold_words
from rsvp_mailer.reading.patterns import find_matches
from rsvp_mailer.reading.tokens import scan, sentences
from rsvp_mailer.reading.vocabulary import classify

if TYPE_CHECKING:
    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.reading.patterns import Rule
    from rsvp_mailer.reading.vocabulary import Language

EXAMPLE_DAY = date(2017, 11, 14)


def rule_spans(text: str, rule: Rule, language: Language, lexicon: Lexicon) -> list[str]:
    """The stretches of ``text`` (folded) in which ``rule`` fires."""
    folded = fold(text)
    spans: list[str] = []
    for sentence in sentences(scan(folded), lexicon.abbreviations, lexicon.months):
        for _, tokens in cut(without_brackets(classify(sentence.tokens, language, EXAMPLE_DAY))):
            found = find_matches(language.graph, tokens, 0, len(tokens))
            spans += [folded.text[tokens[m.start].start : tokens[m.end - 1].end] for m in found if m.rule.id == rule.id]
    return spans


def example_faults(rule: Rule, language: Language, lexicon: Lexicon) -> list[str]:
    """One sentence for every example that fires with another span, or not at all, or should have been silent."""
    faults = []
    for example in rule.fires:
        wanted = fold_words(example[example.find("[") + 1 : example.find("]")]) if "[" in example else ""
        spans = rule_spans(example.replace("[", "").replace("]", ""), rule, language, lexicon)
        if not wanted:
            faults.append(f"{rule.id}: mark the words that fire with [ ] in {example!r}")
        elif wanted not in spans:
            faults.append(f"{rule.id}: {example!r} fires {spans or 'not'}, not [{wanted}]")
    loud = [example for example in rule.silent if rule_spans(example, rule, language, lexicon)]
    return faults + [f"{rule.id}: fires in {example!r}, where it must stay silent" for example in loud]
