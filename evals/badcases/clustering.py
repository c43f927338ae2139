"""Groups of vectors that lie together."""

from __future__ import annotations

import numpy as np

from livesteward.models.embedders import Vectors


def grouped(vectors: Vectors, *, distance: float) -> list[list[int]]:
    """Return rows in groups, the most typical row of a group first and the largest group first.

    Agglomerative clustering with average linkage and the cosine distance; groups further apart than ``distance`` on average stay apart.
    """
    if len(vectors) < 2:
        return [[row] for row in range(len(vectors))]
    from scipy.cluster.hierarchy import fcluster, linkage

    labels = fcluster(linkage(vectors.astype(np.float64), method="average", metric="cosine"), t=distance, criterion="distance")
    groups: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        groups.setdefault(int(label), []).append(row)
    return sorted((_medoid_first(members, vectors) for members in groups.values()), key=lambda members: (-len(members), members[0]))


def _medoid_first(members: list[int], vectors: Vectors) -> list[int]:
    """Order rows by how near they are to all others of their group."""
    own = vectors[members]
    near = (own @ own.T).sum(axis=1)
    return [members[place] for place in np.argsort(-near, kind="stable")]
