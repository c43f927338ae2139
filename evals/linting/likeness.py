"""How much texts mean the same: the cosine of their embeddings, freed of what all texts share.

Embeddings of sentences lie in a narrow cone: two Thai lines about anything are nearer to each other than a warning is to its own
paraphrase in other words. Whitening takes out what only says "Thai" or "chat". Su and others, "Whitening sentence representations for
better semantics and faster retrieval", 2021; the covariance is shrunk towards a sphere, so that few texts do as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from livesteward.agents.screen.normalise import calm
from livesteward.models.embedders import Embedder, Vectors

_AT_ONCE: Final = 128
_BLOCK: Final = 512

Told = Callable[[int, int], None]
"""Called with how many texts are embedded, and how many there are."""


async def embedded(texts: Sequence[str], embedder: Embedder, *, told: Told | None = None) -> Vectors:
    """Return a row for each text, as the judge embeds it: what the judge or its training saw before is known already.

    Raises:
        ModelError: If the embedder cannot.
    """
    parts = [np.empty((0, embedder.dimensions), np.float32)]
    for start in range(0, len(texts), _AT_ONCE):
        parts.append(await embedder.queries([calm(text) for text in texts[start : start + _AT_ONCE]]))
        if told is not None:
            told(min(start + _AT_ONCE, len(texts)), len(texts))
    return np.concatenate([part for part in parts if len(part)] or parts)


def whitened(vectors: Vectors, *, strength: float = 0.5) -> Vectors:
    """Return the vectors with their mean taken off and all directions made equally wide, at unit length.

    ``W = C^(-strength)``, ``C = (1 - a) S + a tr(S)/d I`` and ``a = d / (n + d)`` for ``n`` rows of ``d`` numbers with covariance ``S``.

    Args:
        vectors: A row for each text.
        strength: 0.5 whitens, which tells paraphrases from texts of one subject; less keeps some of the subject, 0 only takes the mean off.
    """
    rows, width = vectors.shape
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    spread = centred.T @ centred / max(1, rows)
    share = width / (rows + width)
    spread = (1 - share) * spread + share * (np.trace(spread) / width + 1e-12) * np.eye(width)
    values, directions = np.linalg.eigh(spread)
    made = centred @ (directions * values**-strength)
    unit: Vectors = (made / np.maximum(1e-9, np.linalg.norm(made, axis=1, keepdims=True))).astype(np.float32)
    return unit


def alike(vectors: Vectors, *, asked: int, least: float) -> Iterator[tuple[int, int, float]]:
    """Yield each pair of one of the first ``asked`` rows with any other, and their cosine, where it is at least ``least``."""
    for start in range(0, min(asked, len(vectors)), _BLOCK):
        block = vectors[start : min(start + _BLOCK, asked)]
        near = block @ vectors.T
        for row, other in zip(*np.nonzero(near >= least), strict=True):
            # A pair of two asked ones is yielded once.
            if other > start + row:
                yield int(start + row), int(other), float(near[row, other])
