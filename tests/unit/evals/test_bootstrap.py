from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from livesteward.evals.stats.bootstrap import MOST_GROUPS, Floats, bootstrap, cluster_codes, means, sums_by_cluster


def random_values(n: int, seed: int = 7) -> Floats:
    return np.random.default_rng(seed).gamma(2.0, size=n)


def test_of_single_rows_it_is_the_bca_interval_of_scipy() -> None:
    values = random_values(60)
    found = means([values.tolist()], [str(number) for number in range(60)])[0]
    wanted = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(1)).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.04)
    assert found.method == "bca-clustered"


def test_rows_that_repeat_each_other_do_not_narrow_the_interval() -> None:
    values = random_values(40).tolist()
    names = [str(number) for number in range(40)]
    once, four_times = means([values], names)[0], means([values * 4], names * 4)[0]
    assert (four_times.low, four_times.high) == pytest.approx((once.low, once.high))
    apart = means([values * 4], [str(number) for number in range(160)])[0]
    assert apart.low is not None and apart.high is not None and once.low is not None and once.high is not None
    assert apart.high - apart.low < 0.7 * (once.high - once.low)


def test_the_same_rows_give_the_same_interval_every_time() -> None:
    values, names = random_values(30).tolist(), [str(number // 2) for number in range(30)]
    assert means([values], names) == means([values], names)


def test_a_single_cluster_has_no_interval() -> None:
    found = means([[1.0, 2.0, 6.0]], ["a", "a", "a"])[0]
    assert (found.value, found.low, found.high) == (3.0, None, None)


def test_draws_that_are_all_alike_are_called_degenerate() -> None:
    found = means([[2.0, 2.0, 2.0]], ["a", "b", "c"])[0]
    assert (found.low, found.high, found.method) == (2.0, 2.0, "degenerate")


def test_draws_without_anything_to_count_are_left_out() -> None:
    # One of six clusters has something to count: the others leave the ratio undefined.
    hits, counted = np.array([3.0, 0, 0, 0, 0, 0]), np.array([4.0, 0, 0, 0, 0, 0])

    def ratio(counts: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return ((counts @ hits) / (counts @ counted))[np.newaxis]

    found = bootstrap(ratio, 6, n=[4])[0]
    assert (found.value, found.low, found.high) == (0.75, 0.75, 0.75)


def test_where_bca_has_no_acceleration_the_percentiles_stand_in() -> None:
    def largest(counts: Floats) -> Floats:
        # Leaving out either of the two largest changes nothing.
        return np.max(np.where(counts > 0, np.array([1.0, 2.0, 5.0, 5.0]), 0.0), axis=1)[np.newaxis]

    found = bootstrap(largest, 4, n=[4])[0]
    assert (found.value, found.high, found.method) == (5.0, 5.0, "percentile-clustered")


def test_a_figure_that_is_never_defined_has_no_value() -> None:
    def nothing(counts: Floats) -> Floats:
        return np.stack([np.full(len(counts), np.nan), counts @ np.arange(4.0)])

    undefined, defined = bootstrap(nothing, 4, n=[0, 4])
    assert undefined.value is None and undefined.low is None
    assert defined.value == 6.0 and defined.low is not None


def test_very_many_clusters_are_dealt_into_groups_of_whole_clusters() -> None:
    names = [str(number // 2) for number in range(4 * MOST_GROUPS)]
    codes = cluster_codes(names)
    assert codes.max() + 1 == MOST_GROUPS
    assert (codes[::2] == codes[1::2]).all()
    values = random_values(len(names))
    found = means([values.tolist()], names)[0]
    error = values.std() / np.sqrt(len(names))
    assert found.low is not None and found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.15)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 4)), min_size=1, max_size=40))
def test_sums_by_cluster_lose_nothing(rows: list[tuple[float, int]]) -> None:
    codes = cluster_codes([str(cluster) for _, cluster in rows])
    values = np.array([value for value, _ in rows])
    sums = sums_by_cluster(values, codes)
    assert sums.shape == (len({cluster for _, cluster in rows}), 1)
    assert sums.sum() == pytest.approx(values.sum(), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), min_size=2, max_size=30))
def test_an_interval_is_finite_and_within_the_range_of_the_values(rows: list[tuple[float, int]]) -> None:
    values = [value for value, _ in rows]
    found = means([values], [str(cluster) for _, cluster in rows])[0]
    if found.low is not None:
        assert found.high is not None
        assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
