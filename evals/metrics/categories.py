"""Each category against the rest: whether the agent acts for the right harm, and how well its scores rank.

A row is positive for a category where a rule of it is broken, and predicted where the agent acts for a finding of it; the other rows, also
those that break rules of other categories, are negative. Rows labelled ``review`` are left out. Macro averages give every category of the
set the same weight: Sokolova and Lapalme, Information Processing and Management 45, 2009.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from livesteward.contracts import Category
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.ranking import READINGS, Ranking
from livesteward.evals.scorecard import Curve, Figures
from livesteward.evals.stats.bootstrap import Floats, bootstrap, cluster_codes, sums_by_cluster
from livesteward.evals.stats.intervals import f_measure, rate

ANY: Final = "any"
"""The curve of the highest score of any category, against whether any rule is broken."""

FEWEST: Final = 10
"""The fewest rows of which a ranking is shown."""

_COUNTED: Final = ("macro_precision", "macro_recall", "macro_f1")


@dataclass(frozen=True)
class CategoryFigures:
    """What is said of categories.

    Attributes:
        overall: Macro averages, and the readings of the highest score of any category.
        slices: Figures by category.
        curves: Precision-recall curves by category, and :data:`ANY`.
    """

    overall: Figures
    slices: dict[str, Figures]
    curves: dict[str, Curve]


def category_figures(rows: Sequence[Judgement]) -> CategoryFigures:
    """Return the figures of every category that is broken in the set or acted on."""
    settled = [row for row in rows if row.broken or row.innocent]
    if not settled:
        return CategoryFigures({}, {}, {})
    codes = cluster_codes([row.cluster for row in settled])
    exact = np.unique([row.cluster for row in settled], return_inverse=True)[1].astype(np.int64)
    slices: dict[str, Figures] = {}
    rankings: dict[str, Ranking] = {}
    counted: list[Floats] = []
    for category in Category:
        positive = _flags([row.broken and category in row.gold.categories for row in settled])
        predicted = _flags([row.acts_on(category) for row in settled])
        if not positive.any() and not predicted.any():
            continue
        slices[category.value] = _rates(positive, predicted, exact)
        if positive.any():
            scores = np.array([row.record.verdict.scores.get(category, 0.0) for row in settled])
            rankings[category.value] = Ranking.of(scores, positive, codes)
            counted.append(sums_by_cluster(np.stack([positive & predicted, predicted, positive], axis=1).astype(float), codes))
    if not rankings:
        return CategoryFigures({}, slices, {})
    highest = np.array([max(row.record.verdict.scores.values(), default=0.0) for row in settled])
    rankings[ANY] = Ranking.of(highest, _flags([row.broken for row in settled]), codes)
    overall = _with_intervals(rankings, counted, groups=int(codes.max()) + 1, n=len(settled), slices=slices)
    return CategoryFigures(overall, slices, {name: ranking.curve() for name, ranking in rankings.items()})


def ranking_figures(rows: Sequence[Judgement]) -> Figures:
    """Return PR-AUC, recall at 80 % precision and precision at 95 % recall of the highest score of any category on some rows.

    Nothing where fewer than :data:`FEWEST` rows are settled, or all are broken or none: a ranking of few rows says little.
    """
    settled = [row for row in rows if row.broken or row.innocent]
    positive = _flags([row.broken for row in settled])
    if len(settled) < FEWEST or positive.all() or not positive.any():
        return {}
    codes = cluster_codes([row.cluster for row in settled])
    highest = np.array([max(row.record.verdict.scores.values(), default=0.0) for row in settled])
    ranking = Ranking.of(highest, positive, codes)
    estimates = bootstrap(ranking.readings, int(codes.max()) + 1, n=[len(settled)] * len(READINGS))
    return dict(zip(READINGS, estimates, strict=True))


def _rates(positive: NDArray[np.bool_], predicted: NDArray[np.bool_], clusters: NDArray[np.int64]) -> Figures:
    """Precision TP / (TP + FP), recall TP / (TP + FN) and F1 of one category."""
    either = positive | predicted
    found: Figures = {"category_f1": f_measure(rate(predicted[either] & positive[either], clusters[either]))}
    if predicted.any():
        found["category_precision"] = rate(positive[predicted], clusters[predicted])
    if positive.any():
        found["category_recall"] = rate(predicted[positive], clusters[positive])
    return found


def _with_intervals(rankings: dict[str, Ranking], counted: list[Floats], *, groups: int, n: int, slices: dict[str, Figures]) -> Figures:
    """Draw clusters once for all figures that are no rates; put those of a category into ``slices`` and return the others."""
    names = list(rankings)

    def of_draws(counts: Floats) -> Floats:
        readings = np.stack([rankings[name].readings(counts) for name in names])
        macro_readings = _mean_of_defined(readings[:-1])
        return np.concatenate([readings.reshape(-1, len(counts)), macro_readings, _macro(counts, counted)])

    labels = [(name, reading) for name in names for reading in READINGS]
    labels += [("", f"macro_{reading}") for reading in READINGS] + [("", name) for name in _COUNTED]
    overall: Figures = {}
    for (name, figure), estimate in zip(labels, bootstrap(of_draws, groups, n=[n] * len(labels)), strict=True):
        (overall if name in ("", ANY) else slices[name])[figure] = estimate
    return overall


def _macro(counts: Floats, counted: list[Floats]) -> Floats:
    """Mean precision, recall and F1 over the categories that a draw has positive rows of, of shape (3, draws)."""
    found = []
    for sums in counted:
        hits, predicted, positive = (counts @ sums).T
        with np.errstate(all="ignore"):
            precision = np.where(predicted > 0, hits / predicted, 0.0)
            of_category = np.stack([precision, hits / positive, 2 * hits / (predicted + positive)])
        found.append(np.where(positive > 0, of_category, np.nan))
    return _mean_of_defined(np.stack(found))


def _mean_of_defined(values: Floats) -> Floats:
    with warnings.catch_warnings():
        # A draw without any positive row at all has no mean; the bootstrap leaves it out.
        warnings.simplefilter("ignore", RuntimeWarning)
        mean: Floats = np.nanmean(values, axis=0)
    return mean


def _flags(values: list[bool]) -> NDArray[np.bool_]:
    return np.array(values, dtype=bool)
