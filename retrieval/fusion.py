"""How two searches become one order of rules: best record of a rule, then reciprocal rank fusion.

Reciprocal rank fusion: Cormack, Clarke, Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
SIGIR 2009. A rule scores ``sum of weight / (k + rank)`` over the searches that found it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FusionWeights:
    """What each search counts; the defaults are measured on ``tests/integration/retrieval/questions.toml``.

    Attributes:
        dense: Weight of the order by meaning, which works across languages.
        lexical: Weight of the order by words, which finds names and rare terms.
        k: How little the first places stand out.
    """

    dense: float = 1.0
    lexical: float = 0.5
    k: float = 10.0


def fuse(dense: Floats, lexical: Floats, weights: FusionWeights, *, candidates: int) -> Floats:
    """Return the fused score of each rule; 0 where neither search has it among its ``candidates``.

    Args:
        dense: Cosine similarity of each rule.
        lexical: BM25 score of each rule; 0 means not found.
        weights: What each search counts.
        candidates: How many of each search take part.
    """
    scores = np.zeros(len(dense), np.float32)
    for values, weight, floor in ((dense, weights.dense, -np.inf), (lexical, weights.lexical, 0.0)):
        order = np.argsort(-values, kind="stable")[:candidates]
        order = order[values[order] > floor]
        scores[order] += weight / (weights.k + 1 + np.arange(len(order), dtype=np.float32))
    return scores
