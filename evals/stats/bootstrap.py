"""The clustered bootstrap: intervals for figures that are no plain rates.

Whole clusters are drawn, never single rows, since the segments of a stream, a minimal pair, or an injection and its base rise and
fall together. scipy draws and makes the BCa interval (Efron, "Better bootstrap confidence intervals", JASA 82, 1987; resampling of
clusters: Davison and Hinkley, "Bootstrap Methods and their Application", 1997, section 3.8); here stands only what makes clusters of rows.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from livesteward.evals.scorecard import Estimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Statistic = Callable[[Floats], Floats]
"""Takes how often each cluster was drawn, of shape (draws, clusters), and returns figures of shape (figures, draws).

NaN stands for a draw in which a figure is not defined, such as a precision without anything that was acted on.
"""

RESAMPLES: Final = 1_000
SEED: Final = 20_261_001
"""Two computations of one scorecard are to be the same to the last digit."""

MOST_GROUPS: Final = 1_000
"""More clusters than this are dealt into so many groups: still independent of each other, and the time stays bounded."""

_CELLS: Final = 400_000
"""How many numbers one batch of draws may hold."""


def cluster_codes(clusters: Sequence[str] | Ints) -> Ints:
    """Number the clusters from 0, one number a row.

    Args:
        clusters: The name (or number) of the cluster of each row.
    """
    if len(clusters) == 0:
        return np.zeros(0, dtype=np.int64)
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
    count = int(codes.max()) + 1
    if count <= MOST_GROUPS:
        return codes
    dealt = np.random.default_rng(SEED).permutation(count) % MOST_GROUPS
    groups: Ints = dealt[codes].astype(np.int64)
    return groups


def sums_by_cluster(columns: Floats, codes: Ints) -> Floats:
    """Add up rows by cluster.

    Args:
        columns: Of shape (rows,) or (rows, columns).
        codes: The cluster of each row, from :func:`cluster_codes`.

    Returns:
        Of shape (clusters, columns).
    """
    table = columns.reshape(len(codes), -1).astype(np.float64)
    groups = int(codes.max()) + 1 if len(codes) else 0
    return np.stack([np.bincount(codes, weights=column, minlength=groups) for column in table.T], axis=1)


def bootstrap(statistic: Statistic, groups: int, *, n: Sequence[float], resamples: int = RESAMPLES) -> list[Estimate]:
    """Return figures with 95 % BCa intervals from resampled clusters.

    Draws in which a figure is not defined are left out, so its interval is that of the draws which have it. Where every draw gives the
    same, the interval has no width and its method is ``degenerate``; where leaving out one cluster leaves nothing to count, BCa's
    acceleration cannot be had and the plain percentile interval stands in (``percentile-clustered``); with a single cluster there is none.

    Args:
        statistic: See :data:`Statistic`.
        groups: How many clusters there are.
        n: What each figure rests on.
        resamples: How often to draw.
    """
    values = statistic(np.ones((1, groups)))[:, 0] if groups else np.full(len(n), np.nan)
    if groups < 2 or bool(np.isnan(values).all()):
        return [_estimate(value, None, None, "", rests_on) for value, rests_on in zip(values, n, strict=True)]
    plain, corrected = _intervals(statistic, groups, resamples)
    found = []
    for index, rests_on in enumerate(n):
        low, high, same = plain[0][index], plain[1][index], plain[2][index]
        method = "percentile-clustered"
        if same:
            method = "degenerate"
        elif np.isfinite(corrected[0][index]) and np.isfinite(corrected[1][index]):
            low, high, method = corrected[0][index], corrected[1][index], "bca-clustered"
        found.append(_estimate(values[index], low, high, method, rests_on))
    return found


def means(columns: Sequence[Sequence[float]], clusters: Sequence[str]) -> list[Estimate]:
    """Return the mean of each column of rows, with its clustered interval (see :func:`bootstrap`).

    Args:
        columns: One sequence of values a column, all over the same rows.
        clusters: The cluster of each row.
    """
    rows = len(clusters)
    if rows == 0:
        return [Estimate(value=None) for _ in columns]
    codes = cluster_codes(clusters)
    sums = sums_by_cluster(np.array([*columns, [1.0] * rows], dtype=np.float64).T, codes)

    def of_draws(counts: Floats) -> Floats:
        drawn = counts @ sums
        shares: Floats = (drawn[:, :-1] / drawn[:, -1:]).T
        return shares

    return bootstrap(of_draws, len(sums), n=[rows] * len(columns))


def _intervals(statistic: Statistic, groups: int, resamples: int) -> tuple[tuple[Floats, Floats, NDArray[np.bool_]], tuple[Floats, Floats]]:
    """Return percentile intervals with whether all draws were alike, and BCa intervals (NaN where there is none)."""
    from scipy import stats

    def of_indices(drawn: Ints, axis: int = -1) -> Floats:
        rows = drawn.reshape(-1, drawn.shape[-1])
        places = rows + groups * np.arange(len(rows))[:, None]
        counts = np.bincount(places.ravel(), minlength=len(rows) * groups).reshape(len(rows), groups)
        figures = statistic(counts.astype(np.float64))
        return figures.reshape(len(figures), *drawn.shape[:-1])

    data: Any = (np.arange(groups),)
    options: dict[str, Any] = {"vectorized": True, "batch": max(1, _CELLS // groups)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # scipy warns where draws are alike or undefined: both are looked at here.
        warnings.simplefilter("ignore")
        drawn = stats.bootstrap(data, of_indices, n_resamples=resamples, method="percentile", rng=np.random.default_rng(SEED), **options)
        whole = np.stack([_defined(row) for row in drawn.bootstrap_distribution])
        given = dataclasses.replace(drawn, bootstrap_distribution=whole)
        interval = stats.bootstrap(data, of_indices, n_resamples=0, bootstrap_result=given, method="BCa", **options).confidence_interval
        low, high = np.percentile(whole, [2.5, 97.5], axis=1)
    same = np.isclose(whole.min(axis=1), whole.max(axis=1), rtol=1e-12, atol=1e-12)
    return (low, high, same), (np.atleast_1d(interval.low), np.atleast_1d(interval.high))


def _defined(row: Floats) -> Floats:
    """Fill up undefined draws with the defined ones in turn."""
    kept = row[np.isfinite(row)]
    return np.resize(kept, len(row)) if len(kept) else row


def _estimate(value: float, low: float | None, high: float | None, method: str, n: float) -> Estimate:
    if np.isnan(value):
        return Estimate(value=None, n=n)
    if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
        return Estimate(value=float(value), n=n, method=method)
    return Estimate(value=float(value), low=float(low), high=float(high), n=n, method=method)
