"""Figures in words: intervals and what they rest on always, and never "no difference" without what could have been seen."""

from __future__ import annotations

from typing import Any

import pytest

from livesteward.evals.metrics.catalogue import Unit
from livesteward.evals.reports.words import (
    amount,
    basis,
    beyond_chance,
    change,
    direction,
    interval,
    known,
    one_line,
    points,
    probability,
    reading,
    slice_name,
)
from livesteward.evals.scorecard import Estimate, PairedTest


def paired(metric: str = "missed_severe", difference: float = 0.1, **given: Any) -> PairedTest:
    estimate = Estimate(value=difference, low=difference - 0.05, high=difference + 0.05, n=100)
    return PairedTest(**{"metric": metric, "before": 0.2, "after": 0.2 + difference, "difference": estimate, "n": 100, **given})


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        (0.7123, Unit.SHARE, "71.2%"),
        (0.0849, Unit.SCORE, "0.085"),
        (34.25, Unit.SECONDS, "34.2 s"),
        (1234.5, Unit.MILLISECONDS, "1,234 ms"),
        (12.0, Unit.PER_1000_HOURS, "12.0 / 1,000 h"),
        (0.0123, Unit.USD, "0.0123 USD"),
        (None, Unit.SHARE, "–"),
    ],
)
def test_a_figure_has_its_unit(value: float | None, unit: Unit, told: str) -> None:
    assert amount(value, unit) == told


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.63, 0.781, "63.0–78.1"), (-0.02, 0.1, "-2.0 to 10.0"), (0.3, None, "≥ 30.0"), (None, 0.3, "≤ 30.0"), (None, None, "")],
)
def test_an_interval_is_told_even_where_one_end_is_open(low: float | None, high: float | None, told: str) -> None:
    assert interval(Estimate(value=0.5, low=low, high=high, n=9), Unit.SHARE) == told


def test_a_figure_says_what_it_rests_on() -> None:
    assert basis(Estimate(value=0.1, n=1_240, hits=124)) == "124 of 1,240"
    assert basis(Estimate(value=0.1, n=1_240)) == "n 1,240"
    assert basis(Estimate(value=240, n=12.5, hits=3), Unit.PER_1000_HOURS) == "3 in 12.5 h"


def test_more_hits_than_rows_are_no_share_of_them() -> None:
    assert basis(Estimate(value=2.0, n=3, hits=6)) == "n 3"


def test_no_difference_is_never_said_without_the_smallest_one_that_would_show() -> None:
    assert reading(paired(p=0.4, detectable=0.085, worse=3, better=2)) == "no difference is shown; differences from 8.5 points would show"
    assert reading(paired(difference=0, p=1.0, detectable=0.085)) == "nothing flipped; differences from 8.5 points would show"


def test_a_set_that_is_too_small_says_so() -> None:
    assert reading(paired(p=1.0, detectable=None, n=3, worse=1)) == "cannot be told: 3 segments would show no difference at all"


def test_what_moved_beyond_chance_is_better_or_worse_by_the_metric() -> None:
    assert reading(paired("missed_severe", 0.1, p=0.01)) == "worse beyond chance"
    assert reading(paired("recall", 0.1, p=0.01)) == "better beyond chance"
    assert reading(paired("recall", -0.1, p=0.01)) == "worse beyond chance"
    assert reading(paired("review_rate", -0.1, p=0.01)) == "lower beyond chance"


def test_in_slices_the_corrected_probability_decides() -> None:
    test = paired(p=0.01, p_holm=0.2, detectable=0.1, worse=5)
    assert not beyond_chance(test)
    assert reading(test).startswith("no difference is shown")


def test_a_change_has_its_interval_in_points() -> None:
    assert change(paired(difference=0.1)) == "+10.0 (+5.0 to +15.0)"
    flat = paired().model_copy(update={"difference": Estimate(value=0.0, low=0.0, high=0.0, n=9)})
    assert change(flat) == "0.0"
    assert direction(flat) == ""
    assert points(-0.0001) == "0.0"


def test_small_probabilities_are_not_rounded_to_nothing() -> None:
    assert [probability(p) for p in (0.0001, 0.0312, 0.4567, 1.0, None)] == ["< 0.001", "0.031", "0.46", "1.00", "–"]


def test_a_figure_that_no_catalogue_knows_is_shown_under_its_own_name() -> None:
    assert known("made_up").title == "made up"
    assert known("latency_p95:judge").title.endswith("judge")


def test_a_strangers_text_keeps_to_one_line_and_shows_what_was_hidden() -> None:
    assert one_line("a\n\tb\x1b[31mc\u202ed") == "a b�[31mc�d"
    assert one_line("x" * 20, 10) == "x" * 9 + "…"


def test_slices_have_names_for_people() -> None:
    assert [slice_name(name) for name in ("hate_harassment", "none", "SG")] == ["hate harassment", "no category", "SG"]
