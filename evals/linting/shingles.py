"""How much of a text stands in another one, letter for letter, under the spelling that the screen folds texts to."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from livesteward.agents.screen.normalise import normalise

Ints: TypeAlias = NDArray[np.int64]

_LETTERS: Final = 5
"""Length of a shingle in scripts whose words are of several letters."""
_SIGNS: Final = 2
"""The same where a letter is a syllable or a word: Chinese, Japanese, Korean."""
_FIRST_SIGN: Final = "\u1100"


@dataclass(frozen=True)
class Overlap:
    """Two texts that share shingles.

    Attributes:
        one: Place of the first text.
        other: Place of the second.
        containment: How much of the one with less in it stands in the other, 0 to 1; rare shingles weigh more.
        jaccard: What they share of all that is in either, weighed in the same way.
    """

    one: int
    other: int
    containment: float
    jaccard: float


def folded(text: str) -> str:
    """Return letters and digits of ``text`` in one spelling, words apart by single spaces."""
    kept = (char if unicodedata.category(char)[0] in "LMN" else " " for char in normalise(text))
    return " ".join("".join(kept).split())


def weight(text: str) -> int:
    """Return how much a text says, in letters: a sign of Chinese, Japanese or Korean counts as much as two and a half."""
    letters = folded(text).replace(" ", "")
    signs = sum(map(_is_sign, letters))
    return len(letters) - signs + signs * _LETTERS // _SIGNS


def shingles(text: str) -> frozenset[str]:
    """Return the pieces of :func:`folded` text, five letters each, or two signs."""
    flat = folded(text)
    letters = flat.replace(" ", "")
    size = _SIGNS if 2 * sum(map(_is_sign, letters)) > len(letters) else _LETTERS
    flat = letters if size == _SIGNS else flat
    return frozenset(flat[start : start + size] for start in range(max(1, len(flat) - size + 1))) - {""}


def overlaps(texts: Sequence[str], *, asked: int, containment: float, jaccard: float) -> Iterator[Overlap]:
    """Yield each pair of one of the first ``asked`` texts with any other that is at least so near by either measure.

    Every pair is counted, none is guessed from a sketch: an inverted index over all shingles is enough for tens of thousands of texts.
    Broder, "On the resemblance and containment of documents", 1997; a shingle weighs ``log(texts / texts that hold it)``.
    """
    names: dict[str, int] = {}
    held = [np.array(sorted(names.setdefault(one, len(names)) for one in sorted(shingles(text))), dtype=np.int64) for text in texts]
    if not names:
        return
    flat = np.concatenate(held)
    order = np.argsort(flat, kind="stable")
    holders = np.repeat(np.arange(len(held)), [len(one) for one in held])[order]
    starts = np.searchsorted(flat[order], np.arange(len(names) + 1))
    # One text more than there are: a shingle that all of them hold still weighs something.
    weights = np.log((len(texts) + 1) / np.diff(starts))
    totals = np.array([weights[one].sum() for one in held])
    for place in range(min(asked, len(texts))):
        own = held[place]
        if not len(own):
            continue
        found = np.concatenate([holders[starts[name] : starts[name + 1]] for name in own])
        shared = np.bincount(found, weights=np.repeat(weights[own], np.diff(starts)[own]), minlength=len(texts))
        inside = shared / np.maximum(1e-9, np.minimum(totals, totals[place]))
        alike = shared / np.maximum(1e-9, totals + totals[place] - shared)
        for other in np.flatnonzero((inside >= containment) | (alike >= jaccard)):
            # A pair of two asked ones is yielded once.
            if other > place:
                yield Overlap(place, int(other), float(inside[other]), float(alike[other]))


def _is_sign(char: str) -> bool:
    return char >= _FIRST_SIGN and unicodedata.category(char) == "Lo" and _is_east_asian(char)


def _is_east_asian(char: str) -> bool:
    return unicodedata.east_asian_width(char) == "W"
