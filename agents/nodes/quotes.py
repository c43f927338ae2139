"""Finding what a judge quotes in the text that it is said to come from."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from livesteward.models.control_tokens import UNBROKEN
from livesteward.prompts.answer import MAX_QUOTE_CHARS
from livesteward.prompts.fence import REPLACEMENT, visible
from livesteward.prompts.transcript import LINE_BREAK

_MARKS: Final = "\"'“”‘’«»「」 "
_JOINERS: Final = "\u200c\u200d"
_UNBROKEN: Final = str.maketrans({**dict.fromkeys("˂〈⟨❮〈《«﹤＜ᐸ", "<"), **UNBROKEN})
_LAST_LATIN: Final = "\u024f"


def verbatim(quote: str, text: str) -> str | None:
    """Return the part of ``text`` that ``quote`` means, as it stands there, or ``None``.

    Case, width, runs of spaces, line breaks, quotation marks around it and characters that nobody sees make no difference, since a model is
    shown the text in one line, with hidden characters made visible and false fences and control tokens broken. A quote may not begin or end
    inside a word of Latin letters: "kill" does not stand in "skill".
    """
    wanted = _folded(quote.strip(_MARKS))[0].strip(_MARKS)
    if not wanted:
        return None
    folded, places = _folded(text)
    start = folded.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        # A quote as long as an answer may hold was cut off, wherever that was.
        if not _joined(folded, start) and (len(quote) >= MAX_QUOTE_CHARS or not _joined(folded, end)):
            return text[places[start] : places[end - 1] + 1]
        start = folded.find(wanted, start + 1)
    return None


@lru_cache(maxsize=64)
def _folded(text: str) -> tuple[str, tuple[int, ...]]:
    """Return the text in one form, and for each character of it the place in ``text`` that it comes from."""
    chars: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if " " < char <= "~":
            one = char.lower()
        elif char in _JOINERS or visible(char) == REPLACEMENT:
            one = ""
        elif char.isspace() or char == LINE_BREAK:
            one = " " if chars and chars[-1] != " " else ""
        else:
            one = unicodedata.normalize("NFKC", char).casefold().translate(_UNBROKEN)
        chars.extend(one)
        places.extend([place] * len(one))
    return "".join(chars), tuple(places)


def _joined(text: str, place: int) -> bool:
    return 0 < place < len(text) and _is_latin(text[place - 1]) and _is_latin(text[place])


def _is_latin(char: str) -> bool:
    return char <= _LAST_LATIN and char.isalpha()
