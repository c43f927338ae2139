"""Texts cut into pieces, those marked that a label or a verdict points at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import IntFlag

from livesteward.prompts.fence import visible


class Layer(IntFlag):
    """Who points at a piece of text."""

    LABEL = 1
    NOW = 2
    BEFORE = 4


Piece = tuple[str, int]
"""A piece of a text, and the layers that point at it."""


def pieces(text: str, quotes: Mapping[Layer, Iterable[str]]) -> list[Piece]:
    """Cut a stranger's text where one of the quotes begins or ends; text and quotes are made visible.

    A quote is found whatever its case and spacing: character recognition drops spaces.

    Args:
        text: Any text.
        quotes: What each layer quotes of it.
    """
    shown = visible(text)
    marks = [0] * len(shown)
    for layer, quoted in quotes.items():
        for quote in quoted:
            letters = [re.escape(letter) for letter in visible(quote) if not letter.isspace()]
            for found in re.finditer(r"\s*".join(letters), shown, re.IGNORECASE) if letters else ():
                for place in range(found.start(), found.end()):
                    marks[place] |= layer
    cut: list[Piece] = []
    start = 0
    for place in range(1, len(shown) + 1):
        if place == len(shown) or marks[place] != marks[start]:
            cut.append((shown[start:place], marks[start]))
            start = place
    return cut
