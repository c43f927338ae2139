"""Which language a text is in: a hint for people and for speech recognition, on which no rule may hang.

Mixed languages such as Hinglish or Singlish are read as English or as a neighbour.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

from livesteward.agents.perception.extras import installed_version

LANGUAGES = (
    "ARABIC BENGALI CHINESE DUTCH ENGLISH FRENCH GERMAN HINDI INDONESIAN ITALIAN JAPANESE KOREAN MALAY POLISH "
    "PORTUGUESE RUSSIAN SPANISH TAGALOG TAMIL THAI TURKISH UKRAINIAN URDU VIETNAMESE"
).split()
"""Those that it tells apart; few, since each costs memory and makes the others less certain."""
MIN_LETTERS = 20
MAX_CHARS = 2_000

_loading = threading.Lock()


def language_version() -> str:
    """Return the detector with its version.

    Raises:
        AbsentError: If it is not installed.
    """
    return installed_version("lingua-language-detector", "lingua")


@lru_cache(maxsize=1)
def _detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    chosen = [getattr(Language, name) for name in LANGUAGES]
    # The low-accuracy models need a fraction of the memory and are right on anything longer than a few words.
    return LanguageDetectorBuilder.from_languages(*chosen).with_low_accuracy_mode().build()


def detect_language(text: str) -> tuple[str, float] | None:
    """Return the likeliest language as an ISO 639-1 code with its probability, or ``None`` where the text is too short to tell."""
    text = text[:MAX_CHARS]
    if sum(letter.isalpha() for letter in text) < MIN_LETTERS:
        return None
    with _loading:
        detector = _detector()
    values = detector.compute_language_confidence_values(text)
    if not values or values[0].value <= 0:
        return None
    return str(values[0].language.iso_code_639_1.name).lower(), round(float(values[0].value), 4)
