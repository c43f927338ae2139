"""Whether scores mean what they say: of the segments given 0.8, do four in five break a rule?

The probability looked at is the highest score of any category, as the chance that the segment breaks a rule in some region: scores are of
the segment, not of a region. Segments that are labelled ``review`` at worst, and those without scores, are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from livesteward.contracts import Decision
from livesteward.evals.judgements import Judgement
from livesteward.evals.outcomes import Bin
from livesteward.evals.scorecard import Figures
from livesteward.evals.stats.bootstrap import Floats, bootstrap, cluster_codes, sums_by_cluster

BINS: Final = 10


def calibration(rows: Sequence[Judgement]) -> tuple[Figures, tuple[Bin, ...]]:
    """Return ECE and Brier score with clustered BCa intervals, and the bins of the reliability curve.

    - ECE ``sum_b n_b / n * |mean confidence_b - share broken_b|`` over ten bins of equal mass: Naeini, Cooper and Hauskrecht, "Obtaining
      well calibrated probabilities using Bayesian binning", AAAI 2015; equal mass: Nixon et al., "Measuring calibration in deep
      learning", CVPR workshops 2019. Segments of one score are never parted, so bins are as equal as that allows.
    - Brier score ``mean of (confidence - outcome)^2``: Brier, "Verification of forecasts expressed in terms of probability", Monthly
      Weather Review 78, 1950.
    """
    segments = _segments(rows)
    if not segments:
        return {}, ()
    codes = cluster_codes([cluster for cluster, _, _ in segments])
    confidence = np.array([score for _, score, _ in segments])
    broken = np.array([float(outcome) for _, _, outcome in segments])
    levels, place = np.unique(confidence, return_inverse=True)
    shape = (int(codes.max()) + 1, len(levels))
    mass, hits = np.zeros(shape), np.zeros(shape)
    np.add.at(mass, (codes, place), 1.0)
    np.add.at(hits, (codes, place), broken)
    squared = sums_by_cluster(np.stack([(confidence - broken) ** 2, np.ones(len(broken))], axis=1), codes)

    def of_draws(counts: Floats) -> Floats:
        sizes, sums, right = _bins(counts @ mass, counts @ hits, levels)
        errors, drawn = counts @ squared, sizes.sum(axis=1)
        return np.stack([np.abs(sums - right).sum(axis=1) / drawn, errors[:, 0] / errors[:, 1]])

    ece, brier = bootstrap(of_draws, len(mass), n=[len(segments)] * 2)
    sizes, sums, right = (part[0] for part in _bins(mass.sum(axis=0, keepdims=True), hits.sum(axis=0, keepdims=True), levels))
    bins = tuple(
        Bin(confidence=float(total / size), observed=float(outcomes / size), n=int(size))
        for size, total, outcomes in zip(sizes, sums, right, strict=True)
        if size > 0
    )
    return {"ece": ece, "brier": brier}, bins


def _segments(rows: Sequence[Judgement]) -> list[tuple[str, float, bool]]:
    """Cluster, highest score and whether a rule is broken somewhere, for each judged segment."""
    found: dict[tuple[str, int, int], list[Judgement]] = {}
    for row in rows:
        found.setdefault(row.record.key, []).append(row)
    segments = []
    for members in found.values():
        worst = max((row.gold.decision for row in members), key=lambda decision: decision.rank)
        scores = members[0].record.verdict.scores
        if scores and worst is not Decision.REVIEW:
            segments.append((members[0].cluster, max(scores.values()), worst is Decision.VIOLATION))
    return segments


def _bins(mass: Floats, hits: Floats, levels: Floats) -> tuple[Floats, Floats, Floats]:
    """Add up size, confidence and outcomes by bin, each of shape (draws, bins); a level goes where its middle falls.

    Args:
        mass: Segments at each level of confidence, of shape (draws, levels).
        hits: Broken ones among them.
        levels: Rising confidences.
    """
    upto = np.cumsum(mass, axis=1)
    middle = (upto - mass / 2) / upto[:, -1:]
    place = np.minimum((middle * BINS).astype(np.int64), BINS - 1) + BINS * np.arange(len(mass))[:, np.newaxis]

    def by_bin(values: Floats) -> Floats:
        added = np.bincount(place.ravel(), weights=values.ravel(), minlength=len(mass) * BINS)
        return added.reshape(len(mass), BINS).astype(np.float64)

    return by_bin(mass), by_bin(mass * levels), by_bin(hits)
