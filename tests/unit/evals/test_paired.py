from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from livesteward.evals.stats.bootstrap import Floats
from livesteward.evals.stats.paired import holm, mcnemar, minimum_detectable, paired_difference


def test_mcnemar_counts_only_rows_that_differ_and_is_exact() -> None:
    before = [True] * 10 + [False] * 10 + [True] + [False] * 5
    after = [True] * 10 + [False] * 10 + [False] + [True] * 5
    found = mcnemar(before, after)
    assert (found.better, found.worse) == (5, 1)
    # 2 * (C(6,0) + C(6,1)) / 2^6
    assert found.p == pytest.approx(14 / 64)


def test_mcnemar_of_runs_that_agree_finds_nothing() -> None:
    assert mcnemar([True, False], [True, False]).p == 1.0
    assert mcnemar([], []).p == 1.0


def test_mcnemar_refuses_other_rows() -> None:
    with pytest.raises(ValueError, match="the same rows"):
        mcnemar([True], [True, False])


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_mcnemar_is_the_binomial_test_of_the_rows_that_differ(rows: list[tuple[bool, bool]]) -> None:
    found = mcnemar([before for before, _ in rows], [after for _, after in rows])
    differing = found.better + found.worse
    wanted = stats.binomtest(found.better, differing).pvalue if differing else 1.0
    assert found.p == pytest.approx(wanted)
    swapped = mcnemar([after for _, after in rows], [before for before, _ in rows])
    assert (swapped.better, swapped.worse, swapped.p) == (found.worse, found.better, found.p)


def test_a_paired_difference_is_the_mean_difference_with_the_bca_interval_of_scipy() -> None:
    draws = np.random.default_rng(3)
    before = draws.random(120) < 0.7
    after = before ^ (draws.random(120) < 0.2)
    found = paired_difference(before, after, [str(number) for number in range(120)])
    change = after.astype(float) - before
    wanted = stats.bootstrap((change,), np.mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(1)).confidence_interval
    assert found.value == pytest.approx(change.mean())
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=0.02)
    assert (found.n, found.method) == (120, "bca-clustered")


def test_pairing_sees_what_two_separate_runs_would_hide() -> None:
    before = np.arange(200) % 2
    after = before.copy()
    after[:16:2] = 1
    paired = paired_difference(before, after, np.arange(200))
    assert paired.low is not None and paired.low > 0


def test_clusters_widen_a_paired_difference() -> None:
    before = np.zeros(80)
    after = np.repeat(np.arange(10) % 3 == 0, 8).astype(float)
    apart = paired_difference(before, after, np.arange(80))
    together = paired_difference(before, after, np.repeat(np.arange(10), 8))
    assert apart.low is not None and apart.high is not None and together.low is not None and together.high is not None
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_runs_that_agree_differ_by_nothing() -> None:
    found = paired_difference([0, 1, 1], [0, 1, 1], ["a", "b", "c"])
    assert (found.value, found.low, found.high, found.method) == (0.0, 0.0, 0.0, "degenerate")


def test_a_change_inside_one_cluster_has_no_interval() -> None:
    found = paired_difference([0, 1], [1, 1], ["a", "a"])
    assert (found.value, found.low, found.high) == (0.5, None, None)


def test_no_rows_have_no_difference() -> None:
    assert paired_difference([], [], []).value is None


def test_rows_must_match() -> None:
    with pytest.raises(ValueError, match="do not match"):
        paired_difference([1, 0], [1], ["a", "b"])


def f1(sums: Floats) -> Floats:
    score: Floats = 2 * sums[..., 0] / (2 * sums[..., 0] + sums[..., 1] + sums[..., 2])
    return score


def test_a_ratio_is_made_of_added_up_rows() -> None:
    # Columns: true positive, false positive, false negative.
    before = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]]
    after = [[1, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]]
    found = paired_difference(before, after, ["a", "b", "c", "d"], statistic=f1)
    assert found.value == pytest.approx(1.0 - 0.5)
    assert found.low is not None and found.high is not None
    assert 0 <= found.low <= 0.5 <= found.high <= 1


def test_a_ratio_of_nothing_has_no_difference() -> None:
    assert paired_difference([[0, 0, 0]] * 2, [[0, 0, 0]] * 2, ["a", "b"], statistic=f1).value is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_a_paired_difference_is_never_nan_and_turns_with_the_runs(rows: list[tuple[bool, bool, int]]) -> None:
    before, after, clusters = zip(*rows, strict=True)
    found = paired_difference(before, after, [str(one) for one in clusters], resamples=200)
    turned = paired_difference(after, before, [str(one) for one in clusters], resamples=200)
    assert found.value == pytest.approx(np.mean(after) - np.mean(before))
    assert turned.value == pytest.approx(-found.value)
    for end in (found.low, found.high):
        assert end is None or -1 <= end <= 1


def test_holm_gives_the_numbers_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_keeps_order_and_never_lowers(ps: list[float]) -> None:
    corrected = holm(ps)
    assert all(p <= c <= 1 for p, c in zip(ps, corrected, strict=True))
    assert all(corrected[i] <= corrected[j] for i in range(len(ps)) for j in range(len(ps)) if ps[i] <= ps[j])


@settings(deadline=None, max_examples=10)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_that_of_statsmodels(ps: list[float]) -> None:
    from statsmodels.stats.multitest import multipletests

    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


def test_the_detectable_difference_solves_connors_formula() -> None:
    # f = 0.3, d = 0.1: n = (1.95996 sqrt(0.3) + 0.84162 sqrt(0.29))^2 / 0.01 = 233.1
    assert minimum_detectable(2_331, discordant=699.3) == pytest.approx(0.1 / 10**0.5, abs=0.0005)
    assert minimum_detectable(233, discordant=70) == pytest.approx(0.1, abs=0.0005)


def test_the_detectable_difference_is_found_as_often_as_it_says() -> None:
    n, discordant = 400, 80
    difference = minimum_detectable(n, discordant=discordant)
    assert difference is not None
    share_up = (discordant / n + difference) / 2 / (discordant / n)
    draws = np.random.default_rng(5)
    differing = draws.binomial(n, discordant / n, size=2_000)
    ups = draws.binomial(differing, share_up)
    # Connor's formula is that of the test without continuity correction.
    found = np.mean(np.abs(2 * ups - differing) / np.sqrt(differing) > 1.96)
    assert found == pytest.approx(0.8, abs=0.03)


def test_runs_that_agree_so_far_still_have_a_detectable_difference() -> None:
    # All changed rows one way: n d^2 = d (1.96 + 0.8416 sqrt(1 - d))^2, so d is about 7.85 / n.
    assert minimum_detectable(1_000, discordant=0) == pytest.approx(0.00783, abs=1e-5)


def test_a_set_that_is_too_small_to_see_anything_says_so() -> None:
    assert minimum_detectable(3, discordant=0) is None
    assert minimum_detectable(0, discordant=0) is None


def test_more_discordant_rows_than_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot differ"):
        minimum_detectable(10, discordant=11)


@settings(deadline=None)
@given(st.integers(20, 5_000), st.floats(0, 1))
def test_more_rows_show_smaller_differences(n: int, share: float) -> None:
    few, many = minimum_detectable(n, discordant=share * n), minimum_detectable(4 * n, discordant=share * 4 * n)
    assert few is not None and many is not None
    assert 0 < many < few <= 1
