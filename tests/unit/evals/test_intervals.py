from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livesteward.evals.scorecard import Estimate
from livesteward.evals.stats.intervals import effective_rows, f_measure, mean_shares, percentile, poisson_rate, rate, share, wilson


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(hits: int, n: int, low: float, high: float) -> None:
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert (found.value, found.n, found.hits, found.method) == (hits / n, n, hits, "wilson")


def test_a_rate_of_nothing_has_no_value() -> None:
    assert wilson(0, 0).value is None
    assert rate([], []).value is None


def test_rows_that_are_all_clusters_of_their_own_get_the_plain_interval() -> None:
    assert rate([1, 1, 0, 1], ["a", "b", "c", "d"]) == wilson(3, 4)


def test_rows_that_only_repeat_each_other_tell_as_much_as_one_of_them() -> None:
    hits = [1] * 5 + [0] * 15
    clusters = [f"c{i}" for i in range(20)]
    twice = rate(hits * 2, clusters * 2)
    once = wilson(5, 20)
    assert effective_rows(np.array(hits * 2, dtype=float), clusters * 2) == pytest.approx(20)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
    assert (twice.n, twice.hits, twice.method) == (40, 10, "wilson-clustered")


def test_the_design_effect_is_that_of_the_cluster_robust_variance() -> None:
    # Ten clusters of two: p = 0.4, two of both, four of one, four of none. Residual sums: 1.2, 0.2, -0.8.
    hits = [1, 1] * 2 + [1, 0] * 4 + [0, 0] * 4
    clusters = [i // 2 for i in range(20)]
    robust = 10 / 9 * (2 * 1.2**2 + 4 * 0.2**2 + 4 * 0.8**2) / 20**2
    design = robust / (0.4 * 0.6 / 20)
    few = (2.0930240544 / 2.2621571628) ** 2  # t at 97.5 % with 19 and 9 degrees of freedom
    assert effective_rows(np.array(hits, dtype=float), np.array(clusters)) == pytest.approx(20 / design * few)


def test_the_clustered_interval_covers_the_truth_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0)
    clusters = np.repeat(np.arange(40), 8)
    held, held_plain = 0, 0
    for _ in range(400):
        # A correlation of 0.3 within clusters, and a rate of 0.3.
        hits = draws.random(320) < np.repeat(draws.beta(0.7, 0.7 * 7 / 3, 40), 8)
        clustered, plain = rate(hits, clusters), wilson(float(hits.sum()), 320)
        held += (clustered.low or 0.0) <= 0.3 <= (clustered.high or 0.0)
        held_plain += (plain.low or 0.0) <= 0.3 <= (plain.high or 0.0)
    assert held / 400 == pytest.approx(0.95, abs=0.03)
    assert held_plain / 400 < 0.85


def test_a_single_cluster_counts_as_one_row() -> None:
    found = rate([1, 1, 1, 0], ["a"] * 4)
    assert found.value == 0.75
    assert found.high is not None and found.low is not None
    assert found.high - found.low > 0.8


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=60))
def test_an_interval_holds_its_rate_and_is_never_narrower_than_without_clusters(rows: list[tuple[bool, int]]) -> None:
    found = rate([hit for hit, _ in rows], [str(cluster) for _, cluster in rows])
    plain = wilson(sum(hit for hit, _ in rows), len(rows))
    assert found.value is not None and found.low is not None and found.high is not None
    assert plain.low is not None and plain.high is not None
    assert 0 <= found.low <= found.value + 1e-12 and found.value - 1e-12 <= found.high <= 1
    assert found.high - found.low >= plain.high - plain.low - 1e-9


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=60))
def test_effective_rows_lie_between_kishs_bound_and_their_number(rows: list[tuple[bool, int]]) -> None:
    clusters = [cluster for _, cluster in rows]
    sizes = [clusters.count(cluster) for cluster in set(clusters)]
    effective = effective_rows(np.array([float(hit) for hit, _ in rows]), np.array(clusters))
    assert len(rows) ** 2 / sum(size**2 for size in sizes) - 1e-9 <= effective <= len(rows)


def test_f1_and_its_interval_follow_from_the_overlap() -> None:
    # TP 6, FP 1, FN 3: J = 6 / 10 and F1 = 12 / 16.
    found = f_measure(wilson(6, 10))
    assert found.value == pytest.approx(0.75)
    plain = wilson(6, 10)
    assert plain.low is not None and plain.high is not None
    assert (found.low, found.high) == pytest.approx((2 * plain.low / (1 + plain.low), 2 * plain.high / (1 + plain.high)))
    assert f_measure(Estimate(value=None)).value is None


@pytest.mark.parametrize(
    ("events", "low", "high"),
    # Garwood, Biometrika 28, 1936.
    [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904)],
)
def test_poisson_intervals_are_the_exact_ones(events: int, low: float, high: float) -> None:
    found = poisson_rate(events, 2.0, per=1_000)
    assert found.value == events * 500
    assert (found.low, found.high) == pytest.approx((low * 500, high * 500), abs=0.05)
    assert (found.n, found.hits, found.method) == (2.0, events, "poisson")


def test_there_is_no_rate_over_no_time() -> None:
    assert poisson_rate(0, 0.0).value is None


def test_a_percentile_lies_between_order_statistics() -> None:
    found = percentile([float(value) for value in range(1, 101)], 0.5)
    # The 40th and the 61st of 100 values: P(40 <= Binomial(100, 1/2) <= 60) = 0.965.
    assert (found.value, found.low, found.high, found.n) == (50.5, 40.0, 61.0, 100)


def test_the_end_that_too_few_values_cannot_give_is_left_out() -> None:
    found = percentile([1.0, 2.0, 3.0], 0.99)
    assert found.value == pytest.approx(2.98)
    assert found.high is None
    assert percentile([], 0.5).value is None


def test_a_mean_of_shares_that_are_all_alike_still_has_an_interval() -> None:
    clusters = [str(number) for number in range(10)]
    none, all_of_them, some = mean_shares([[0.0] * 10, [1.0] * 10, [0.5] * 10], clusters)
    assert (none.value, none.low, none.high) == pytest.approx((0.0, 0.0, wilson(0, 10).high))
    assert (all_of_them.value, all_of_them.low, all_of_them.high) == pytest.approx((1.0, wilson(10, 10).low, 1.0))
    assert (some.value, some.method) == (0.5, "degenerate")
    assert mean_shares([[]], [])[0].value is None


def test_a_share_takes_clusters_with_hits() -> None:
    assert share([("a", True), ("b", False)]) == wilson(1, 2)
    assert not math.isnan(share([("a", True), ("a", True)]).low or 0.0)
