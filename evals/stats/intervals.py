"""95 % intervals of rates, counts over time and percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from livesteward.evals.scorecard import Estimate
from livesteward.evals.stats.bootstrap import Floats, Ints, means

ALPHA: Final = 0.05


def wilson(hits: float, n: float) -> Estimate:
    """Return a rate of independent trials with Wilson's score interval.

    The shares ``p`` with ``|hits / n - p| <= z sqrt(p (1 - p) / n)``. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22, 1927; computed by statsmodels.
    """
    if n <= 0:
        return Estimate(value=None, n=n)
    low, high = _wilson_ends(hits, n)
    return Estimate(value=hits / n, low=low, high=high, n=n, hits=hits, method="wilson")


def rate(hits: ArrayLike, clusters: Sequence[str] | Ints) -> Estimate:
    """Return a rate of rows that cluster, with Wilson's interval at the effective number of rows (see :func:`effective_rows`).

    Korn and Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated from survey data",
    Survey Methodology 24, 1998; Dean and Pagano, "Evaluating confidence interval methods for binomial proportions in clustered surveys",
    Journal of Survey Statistics and Methodology 3, 2015. That Wilson's is the one to take: Franco et al., "Comparative study of confidence
    intervals for proportions in complex sample surveys", the same journal 7, 2019.

    Args:
        hits: For each row, whether it counts.
        clusters: The cluster of each row.
    """
    values = np.asarray(hits, dtype=np.float64)
    n = len(values)
    if n == 0:
        return Estimate(value=None)
    total = float(values.sum())
    effective = effective_rows(values, clusters)
    if effective == n:
        return wilson(total, n)
    low, high = _wilson_ends(total / n * effective, effective)
    return Estimate(value=total / n, low=low, high=high, n=n, hits=total, method="wilson-clustered")


def share(counted: Sequence[tuple[str, bool]]) -> Estimate:
    """Return the rate of hits among things that are each given as their cluster and whether they hit; see :func:`rate`."""
    return rate([hit for _, hit in counted], [cluster for cluster, _ in counted])


def mean_shares(columns: Sequence[Sequence[float]], clusters: Sequence[str]) -> list[Estimate]:
    """Return means of values from 0 to 1 with clustered BCa intervals.

    A bootstrap of values that are all 0, or all 1, sees no chance at work. Such a mean is a rate of none or of all, and has the interval
    of one, see :func:`rate`: no flip in ten cases does not mean that there never is one.

    Args:
        columns: One sequence of values a column, all over the same rows.
        clusters: The cluster of each row.
    """
    found = []
    for column, estimate in zip(columns, means(columns, clusters), strict=True):
        extreme = len(column) > 0 and set(column) in ({0.0}, {1.0})
        found.append(rate(column, clusters).model_copy(update={"hits": None}) if extreme else estimate)
    return found


def effective_rows(values: Floats, clusters: Sequence[str] | Ints) -> float:
    """Return how many independent rows would tell as much about the rate of ``values`` as these clustered ones.

    ``n_eff = n / deff * (t_{n-1} / t_{K-1})^2`` (Korn and Graubard 1998), where ``deff`` is the cluster-robust variance of the rate, ``K /
    (K - 1) sum_k (sum_{i in k} (y_i - p))^2 / n^2``, over that of independent rows, ``p (1 - p) / n``, and ``t`` are 97.5 % quantiles that
    pay for few clusters. It lies between what full correlation within clusters would leave, ``n^2 / sum_k m_k^2`` (Kish, "Survey
    Sampling", 1965), and ``n``. Of a rate of 0 or 1 no correlation can be seen: ``deff`` is taken as 1, about what it is with one hit.

    Args:
        values: 0 or 1 for each row.
        clusters: The cluster of each row.
    """
    n = len(values)
    _, place, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    groups = len(sizes)
    if groups == n:
        return float(n)
    least = n**2 / float(np.sum(sizes.astype(np.float64) ** 2))
    if groups == 1:
        return least
    mean = float(values.mean())
    plain = mean * (1 - mean) / n
    residuals = np.bincount(place, weights=values - mean, minlength=groups)
    robust = groups / (groups - 1) * float(residuals @ residuals) / n**2
    design = robust / plain if plain > 0 else 1.0
    few = (_t(n - 1) / _t(groups - 1)) ** 2
    return float(np.clip(n * few / design if design > 0 else n, least, n))


def f_measure(overlap: Estimate) -> Estimate:
    """Turn the share ``J = TP / (TP + FP + FN)`` and its interval into F1 and its own.

    ``F1 = 2 TP / (2 TP + FP + FN) = 2 J / (1 + J)``: J (Jaccard's index) is a plain rate among rows that are broken or acted on, and F1
    rises with it, so the ends of its interval become those of F1. van Rijsbergen, "Information Retrieval", 2nd edition, 1979, chapter 7.
    """

    def turned(share: float | None) -> float | None:
        return None if share is None else 2 * share / (1 + share)

    changed = {"value": turned(overlap.value), "low": turned(overlap.low), "high": turned(overlap.high), "hits": None}
    return overlap.model_copy(update=changed)


def poisson_rate(events: int, exposure: float, *, per: float = 1.0) -> Estimate:
    """Return events per unit of exposure with the exact Poisson interval.

    ``[chi2_{alpha/2}(2 k) / 2, chi2_{1-alpha/2}(2 k + 2) / 2] / exposure`` for ``k`` events. Garwood, "Fiducial limits for the Poisson
    distribution", Biometrika 28, 1936; computed by statsmodels.

    Args:
        events: How many.
        exposure: The time watched, such as hours.
        per: The unit of the rate: 1000 gives events per 1,000 hours.
    """
    if exposure <= 0:
        return Estimate(value=None, n=exposure)
    from statsmodels.stats.rates import confint_poisson

    low, high = confint_poisson(events, exposure, method="exact-c", alpha=ALPHA)
    lower = float(low) * per if events else 0.0
    return Estimate(value=events / exposure * per, low=lower, high=float(high) * per, n=exposure, hits=events, method="poisson")


def percentile(values: Sequence[float], share: float) -> Estimate:
    """Return a percentile with the interval between two order statistics.

    The ranks are those between which a ``Binomial(n, share)`` variable falls with at least 95 %. Conover, "Practical Nonparametric
    Statistics", 3rd edition, 1999, section 3.2; computed by scipy. An end is left out where there are too few values for it.

    Args:
        values: Measurements.
        share: 0.5 for the median.
    """
    if not values:
        return Estimate(value=None)
    from scipy import stats

    value = float(np.quantile(np.asarray(values, dtype=np.float64), share))
    interval = stats.quantile_test(np.asarray(values, dtype=np.float64), q=value, p=share).confidence_interval(confidence_level=1 - ALPHA)
    low, high = (float(end) if np.isfinite(end) else None for end in (interval.low, interval.high))
    return Estimate(value=value, low=low, high=high, n=len(values), method="order-statistics")


def _wilson_ends(hits: float, n: float) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, n, alpha=ALPHA, method="wilson")
    # Rounding leaves a rate of none a hair above 0.
    return (0.0 if hits == 0 else max(0.0, float(low))), (1.0 if hits == n else min(1.0, float(high)))


@lru_cache(maxsize=4_096)
def _t(freedom: int) -> float:
    from scipy import special

    return float(special.stdtrit(freedom, 1 - ALPHA / 2))
