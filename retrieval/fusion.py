"""How the similarities of a rule's records and the words that it shares with a text become one score.

Each part of a rule counts by its best record, and the parts are added: a rule whose title, text and examples all come near is a better
answer than one of which a single example happens to. Words are added on top, with a ceiling, for BM25 knows none. Adding scores beat
reciprocal rank fusion on the project's questions by a wide margin, as it does in Bruch, Gai, Ingber, "An Analysis of Fusion Functions for
Hybrid Retrieval", ACM Transactions on Information Systems 42(1), 2023: ranks throw away how near a text is, and of some hundred rules most
are far from any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from livesteward.retrieval.records import RecordKind

Floats = NDArray[np.float32]


def _part_weights() -> dict[RecordKind, float]:
    return {RecordKind.TITLE: 0.2, RecordKind.TEXT: 0.4, RecordKind.BREAKS: 0.2, RecordKind.ALLOWED: 0.2}


@dataclass(frozen=True)
class FusionWeights:
    """What counts how much; chosen on a plateau of ``tests/integration/retrieval/questions.toml``, where half or double changes little.

    Attributes:
        parts: Weight of each part of a rule in the similarity by meaning; they add up to 1.
        words: The most that shared words add, in units of cosine similarity.
        half: The BM25 score that adds half of it.
    """

    parts: Mapping[RecordKind, float] = field(default_factory=_part_weights)
    words: float = 0.04
    half: float = 8.0


def by_meaning(similarities: Mapping[RecordKind, Floats], weights: FusionWeights) -> Floats:
    """Return the weighted mean over the parts of each rule.

    Args:
        similarities: For each part the similarity of each rule's best record, of one shape.
        weights: What each part counts.
    """
    parts = [weight * similarities[kind] for kind, weight in weights.parts.items()]
    total: Floats = np.sum(parts, axis=0, dtype=np.float32)
    return total


def fused(meaning: Floats, words: Floats, weights: FusionWeights) -> Floats:
    """Return the score of each rule from its similarity by meaning and its BM25 score; 0 means that no word is shared."""
    score: Floats = meaning + np.float32(weights.words) * words / (words + np.float32(weights.half))
    return score
