"""Which language a sentence and a mail are in: the lexicon's own words first, py3langid where they are silent.

py3langid knows Sorani as Farsi-like and costs a second to load, so it is asked only about text that no
language file explains; its answer then tells an unsupported language from a misspelt one.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from py3langid.langid import LanguageIdentifier

    from rsvp_mailer.reading.lexicon import Lexicon
    from rsvp_mailer.reading.tokens import Token
    from rsvp_mailer.reading.vocabulary import Language

# Supported languages and their neighbours in Essen's mail; a closed list keeps short texts from exotic guesses.
CANDIDATES = (
    "de",
    "en",
    "fr",
    "ar",
    "fa",
    "ku",
    "tr",
    "uk",
    "ru",
    "es",
    "it",
    "pt",
    "pl",
    "nl",
    "ro",
    "el",
    "bg",
    "sq",
    "hr",
)
ENOUGH_KNOWN = 0.5
STAYING_BONUS = 0.3  # a sentence that two languages know equally well is in the one before
SHORT_SENTENCE_WORDS, SHORT_STAYING_BONUS = 3, 1.2  # one word alone ("Karin Busse") changes no language
PART_WEIGHT = 0.6  # a word known by its beginning or end alone


def best_language(tokens: Sequence[Token], lexicon: Lexicon, before: Language | None) -> tuple[Language, float]:
    """The language that knows most of a sentence's words, and the share it knows; ties go to ``before``."""
    words = [t.word for t in tokens if t.kind == "word"]
    scores = dict.fromkeys(lexicon.languages, 0.0)
    for word in words:
        for language in lexicon.speakers.get(word, ()):
            scores[language] += 1.0
    bonus = SHORT_STAYING_BONUS if len(words) <= SHORT_SENTENCE_WORDS else STAYING_BONUS
    best = max(scores, key=lambda language: scores[language] + (bonus if language is before else 0.0))
    known = scores[best]
    if known < len(words):
        known += sum(
            PART_WEIGHT for word in words if best not in lexicon.speakers.get(word, ()) and best.classes_of(word)
        )
    return best, known / max(len(words), 1)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  # a quarter of a second

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(CANDIDATES))
    return identifier


def guess_language(text: str) -> tuple[str, float]:
    """py3langid's answer among ``CANDIDATES``, as ISO 639 code and probability."""
    code, probability = _identifier().classify(text)
    return str(code), float(probability)
