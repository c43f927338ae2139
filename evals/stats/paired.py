"""Two runs on the same rows: is one better, and could a difference have been seen at all?

Most rows are judged alike by both; pairing looks only at those that are not, which is why a paired test sees changes that two separate
intervals hide. The exact test takes rows as independent; :func:`paired_difference` resamples whole clusters and does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from livesteward.evals.scorecard import Estimate
from livesteward.evals.stats.bootstrap import Floats, Ints, bootstrap, cluster_codes, sums_by_cluster

RESAMPLES: Final = 2_000


@dataclass(frozen=True)
class McNemar:
    """The exact test of two runs on the same rows.

    Attributes:
        better: Rows that only the second run has right.
        worse: Rows that only the first has right.
        p: Two-sided probability of a split at least as uneven, if neither run were better.
    """

    better: int
    worse: int
    p: float


def mcnemar(before_right: Sequence[bool], after_right: Sequence[bool]) -> McNemar:
    """Test whether two runs are right equally often: exact, two-sided.

    With ``b`` rows that only one run has right and ``c`` that only the other has, ``p = min(1, 2 P(X <= min(b, c)))`` for ``X ~
    Binomial(b + c, 1/2)``. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 1947; computed by statsmodels.

    Args:
        before_right: Whether the first run has each row right.
        after_right: The same for the second run, in the same order.
    """
    before, after = np.asarray(before_right, dtype=bool), np.asarray(after_right, dtype=bool)
    if before.shape != after.shape:
        raise ValueError(f"{len(before)} rows before and {len(after)} after: they must be the same rows in the same order")
    better, worse = int(np.sum(~before & after)), int(np.sum(before & ~after))
    if better + worse == 0:
        return McNemar(better=0, worse=0, p=1.0)
    from statsmodels.stats.contingency_tables import mcnemar as exact

    result: Any = exact([[0, better], [worse, 0]], exact=True)
    return McNemar(better=better, worse=worse, p=min(1.0, float(result.pvalue)))


def paired_difference(
    before: ArrayLike,
    after: ArrayLike,
    clusters: Sequence[str] | Ints,
    *,
    statistic: Callable[[Floats], Floats] | None = None,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Return ``after - before`` with its 95 % BCa interval, both computed on the same drawn clusters.

    Args:
        before: A value for each row, of shape (rows,); with ``statistic``, its summands, of shape (rows, summands).
        after: The same rows by the second run.
        clusters: The cluster of each row.
        statistic: Makes a figure of added-up summands: takes shape (..., summands), returns shape (...), NaN where it is not defined. The
            mean without one. ``lambda s: 2 * s[..., 0] / (2 * s[..., 0] + s[..., 1] + s[..., 2])`` with columns of true positives, false
            positives and false negatives is F1.
        resamples: How often to draw.

    Returns:
        With ``n`` rows. Without an interval where there are fewer than two clusters or nothing to count; with one of no width (method
        ``degenerate``) where no row changed.
    """
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if first.shape != second.shape or len(first) != len(clusters):
        raise ValueError(f"rows before {first.shape}, after {second.shape} and clusters ({len(clusters)}) do not match")
    rows = len(first)
    if rows == 0:
        return Estimate(value=None, n=0)
    if statistic is None:
        # A mean is a sum over a count.
        statistic = _mean
        first, second = (np.stack([values, np.ones(rows)], axis=1) for values in (first, second))
    figure = statistic
    with np.errstate(all="ignore"):
        value = float(figure(second.sum(axis=0)) - figure(first.sum(axis=0)))
    if math.isnan(value):
        return Estimate(value=None, n=rows)
    if np.array_equal(first, second):
        return Estimate(value=0.0, low=0.0, high=0.0, n=rows, method="degenerate")
    codes = cluster_codes(clusters)
    old, new = sums_by_cluster(first, codes), sums_by_cluster(second, codes)

    def of_draws(counts: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(figure(counts @ new) - figure(counts @ old)).reshape(1, -1)

    return bootstrap(of_draws, len(old), n=[rows], resamples=resamples)[0]


def _mean(sums: Floats) -> Floats:
    mean: Floats = sums[..., 0] / sums[..., 1]
    return mean


def holm(ps: Sequence[float]) -> list[float]:
    """Correct probabilities for how many tests there are.

    ``p_(i) -> max over j <= i of min(1, (m - j + 1) p_(j))``, in rising order. Holm, "A simple sequentially rejective multiple test
    procedure", Scandinavian Journal of Statistics 6, 1979.

    Args:
        ps: Of tests that belong together, such as all slices of one metric.

    Returns:
        In the same order.
    """
    # As statsmodels' multipletests does, which collects garbage at every call: too long for each metric in each dimension.
    given = np.asarray(ps, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)))
    found: list[float] = corrected.tolist()
    return found


def minimum_detectable(n: int, *, discordant: float, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """Return the smallest difference of two paired shares that a McNemar test on ``n`` rows finds with the given power.

    Solves ``n d^2 = (z_{1-alpha/2} sqrt(f) + z_{power} sqrt(f - d^2))^2`` for ``d``, with ``f`` the share of rows that the runs judge
    differently. Connor, "Sample size for testing differences in proportions for the paired-sample design", Biometrics 43, 1987; see also
    Lachenbruch, Statistics in Medicine 11, 1992. A difference cannot be larger than ``f``: where even ``d = f`` would not be found, ``f``
    grows with ``d``, as if all changed rows went one way.

    Args:
        n: Rows that both runs have; where rows cluster, the effective number.
        discordant: How many of them the two runs judge differently.
        power: The chance to see a difference of that size.
        alpha: The chance to see one where there is none.

    Returns:
        A difference of shares from 0 to 1; None where not even a change of every row would be found.
    """
    if n <= 0:
        return None
    if not 0 <= discordant <= n:
        raise ValueError(f"{discordant} of {n} rows cannot differ")
    from scipy import optimize, stats

    z_alpha, z_power = float(stats.norm.ppf(1 - alpha / 2)), float(stats.norm.ppf(power))

    def short(difference: float, share: float) -> float:
        return z_alpha * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference**2)) - difference * math.sqrt(n)

    share = discordant / n
    if share > 0 and short(share, share) <= 0:
        return float(optimize.brentq(lambda difference: short(difference, share), 0.0, share))
    if short(1.0, 1.0) > 0:
        return None
    return float(optimize.brentq(lambda difference: short(difference, difference), max(share, 1e-12), 1.0))
