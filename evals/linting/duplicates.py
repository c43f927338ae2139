"""Near-duplicates: cases that say again what another case says, or what the judge was fitted on.

Two measures find them. By letters, one text stands in the other but for a few words; by meaning, it is a paraphrase or a translation. The
limits were set by reading the nearest pairs of the golden set and of its training text, and paraphrases written for the purpose:

- By letters, unrelated texts share at most a formula that the law prescribes ("collaboration commerciale": containment 0.70 to 0.74). The
  one copy that was there had 0.86.
- By meaning (:func:`livesteward.evals.linting.likeness.whitened`), fifteen paraphrases of training texts in nine languages had 0.45 to
  0.79, the next best text for each 0.22 to 0.46, and all are found; of two translations (0.42 and 0.45) one is. In the set, of twelve
  pairs above the limit eleven told the same thing in other words and one shared its subject only; of the twenty next ones most only share
  their subject. Short texts have less to differ in: they need more.

The limits were chosen on these texts, so the figures describe them and promise nothing: a copy is hardly missed, a close paraphrase
seldom, a free one or a translation often.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from livesteward.evals.linting.consistency import CaseProblem
from livesteward.evals.linting.decisive_texts import LEAST, PlacedText
from livesteward.evals.linting.likeness import Told, alike, embedded, whitened
from livesteward.evals.linting.shingles import overlaps, weight
from livesteward.models.embedders import Embedder

CONTAINMENT: Final = 0.78
"""Of the shingles of the text with fewer, from which on it stands in the other."""
JACCARD: Final = 0.50
"""Of all shingles, from which on two texts are the same but for some words."""
MEANING: Final = 0.45
"""Cosine of whitened embeddings from which on two texts of :data:`LONG` letters and more say the same."""
LONG: Final = 60
SHORTER: Final = 0.004
"""What each letter that a text is shorter than :data:`LONG` adds to :data:`MEANING`."""

_CODE: Final = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
_SHOWN: Final = 90


class Measure(StrEnum):
    """By what two texts are alike."""

    LETTERS = "letters"
    MEANING = "meaning"


@dataclass(frozen=True)
class Duplicate:
    """A golden text and what it repeats.

    Attributes:
        one: Of a golden case.
        other: Of a later one that is not related to it, or training text.
        measure: What found it; letters come first.
        similarity: 0 to 1, by that measure.
    """

    one: PlacedText
    other: PlacedText
    measure: Measure
    similarity: float

    @property
    def code(self) -> str:
        """``duplicate-training``, ``duplicate-split`` for cases of two splits, or ``duplicate`` for cases of one."""
        if not self.other.case_id:
            return "duplicate-training"
        return "duplicate" if self.one.split is self.other.split else "duplicate-split"

    def problem(self) -> CaseProblem:
        """Return it as a problem of the first case, with both places."""
        message = (
            f"{self.one.what} says what {self.other.named} says ({self.measure.value} {self.similarity:.2f}), {self.other.file}:"
            f"{self.other.line}: {_shown(self.one.text)!r} and {_shown(self.other.text)!r}; {_WHAT_TO_DO[self.code]}"
        )
        return CaseProblem(file=self.one.file, line=self.one.line, case_id=self.one.case_id, code=self.code, message=message)


_WHAT_TO_DO: Final = {
    "duplicate-training": "give the case words and a situation of its own: that a judge knows what it was fitted on shows nothing",
    "duplicate-split": "reword one of them, or put both into one split",
    "duplicate": "reword one, leave one out, or relate them by twin_of",
}


async def find_duplicates(
    golden: Sequence[PlacedText], training: Sequence[PlacedText], *, embedder: Embedder | None = None, told: Told | None = None
) -> list[Duplicate]:
    """Return the near-duplicates among golden texts, and between them and training text, one for two places, in the order of ``golden``.

    Args:
        golden: See :func:`livesteward.evals.linting.decisive_texts.golden_texts`.
        training: See :func:`livesteward.evals.linting.decisive_texts.training_texts`.
        embedder: For paraphrases; without it only letters are compared.
        told: Told how many texts are embedded.

    Raises:
        ModelError: If the embedder cannot embed.
    """
    texts = (*golden, *training)
    found: dict[tuple[str, str], tuple[int, Duplicate]] = {}

    def note(one: int, other: int, measure: Measure, similarity: float) -> None:
        first, second = texts[one], texts[other]
        if first.cluster == second.cluster and second.cluster:
            return
        key = (first.case_id, second.case_id or f"{second.file}:{second.line}")
        before = found.get(key)
        if before is None or (before[1].measure is measure and before[1].similarity < similarity):
            found[key] = (one, Duplicate(first, second, measure, similarity))

    for pair in overlaps([placed.text for placed in texts], asked=len(golden), containment=CONTAINMENT, jaccard=JACCARD):
        note(pair.one, pair.other, Measure.LETTERS, max(pair.containment, pair.jaccard))
    if embedder is not None:
        for one, other, similarity in await _by_meaning(texts, len(golden), embedder, told):
            note(one, other, Measure.MEANING, similarity)
    return [duplicate for _, duplicate in sorted(found.values(), key=lambda item: item[0])]


async def _by_meaning(texts: Sequence[PlacedText], asked: int, embedder: Embedder, told: Told | None) -> list[tuple[int, int, float]]:
    # What is in code, such as Base64, means nothing to an embedder but that it is code.
    words = [" ".join(_CODE.sub(" ", placed.text).split()) for placed in texts]
    weights = [weight(text) for text in words]
    kept = [place for place, letters in enumerate(weights) if letters >= LEAST]
    if not kept:
        return []
    vectors = whitened(await embedded([words[place] for place in kept], embedder, told=told))
    near = alike(vectors, asked=sum(place < asked for place in kept), least=MEANING)
    return list(_far_enough(near, kept, weights))


def _far_enough(near: Iterator[tuple[int, int, float]], kept: list[int], weights: list[int]) -> Iterator[tuple[int, int, float]]:
    for row, column, similarity in near:
        one, other = kept[row], kept[column]
        if similarity >= needed(min(weights[one], weights[other])):
            yield one, other, similarity


def needed(letters: int) -> float:
    """Return the likeness from which on two texts are paraphrases, the shorter of which has so many letters."""
    return MEANING + SHORTER * max(0, LONG - letters)


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1].rstrip() + "…"
