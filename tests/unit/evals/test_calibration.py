from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, expected, judged, record

from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.calibration import _bins, calibration


def rows_of(*scored: tuple[float, str]) -> list[Judgement]:
    rows = []
    for number, (score, gold) in enumerate(scored):
        made = case(f"case-{number}", expected(gold))
        rows += judged((made, record(made, ALLOW, scores={"fraud_scam": score, "hate_harassment": score / 2})))
    return rows


def test_ece_and_brier_are_those_of_a_hand_computation() -> None:
    # Ten segments, one a bin: |confidence - outcome| and its square.
    scored = [(0.05, ALLOW), (0.1, ALLOW), (0.2, VIOLATION), (0.3, ALLOW), (0.4, ALLOW)]
    scored += [(0.5, VIOLATION), (0.6, VIOLATION), (0.7, ALLOW), (0.9, VIOLATION), (1.0, VIOLATION)]
    figures, bins = calibration(rows_of(*scored))
    distances = [0.05, 0.1, 0.8, 0.3, 0.4, 0.5, 0.4, 0.7, 0.1, 0.0]
    assert figures["ece"].value == pytest.approx(sum(distances) / 10)
    assert figures["brier"].value == pytest.approx(sum(distance**2 for distance in distances) / 10)
    assert [one.n for one in bins] == [1] * 10
    assert bins[2].confidence == pytest.approx(0.2) and bins[2].observed == 1.0
    assert figures["ece"].low is not None and figures["brier"].high is not None


def test_bins_hold_equally_many_segments() -> None:
    figures, bins = calibration(rows_of(*((number / 40, VIOLATION if number % 2 else ALLOW) for number in range(40))))
    assert [one.n for one in bins] == [4] * 10
    # Scores 0 to 3/40 in the first bin, two of four broken.
    assert bins[0].confidence == pytest.approx(1.5 / 40) and bins[0].observed == 0.5
    wanted = np.mean([abs((4 * place + 1.5) / 40 - 0.5) for place in range(10)])
    assert figures["ece"].value == pytest.approx(wanted)


def test_segments_of_one_score_stay_in_one_bin_whatever_their_order() -> None:
    scored = [(0.3, VIOLATION)] * 3 + [(0.3, ALLOW)] * 7
    one_way, other_way = calibration(rows_of(*scored)), calibration(rows_of(*reversed(scored)))
    assert one_way[1] == other_way[1]
    assert [(one.confidence, one.observed, one.n) for one in one_way[1]] == [(pytest.approx(0.3), pytest.approx(0.3), 10)]
    assert one_way[0]["ece"].value == pytest.approx(0, abs=1e-12)


def test_breaking_a_rule_in_one_region_is_enough() -> None:
    made = case("a", expected(regions=["SG"]), expected(ALLOW, regions=["DE"]))
    figures, bins = calibration(judged((made, record(made, ALLOW, scores={"fraud_scam": 0.9}))))
    assert figures["brier"].value == pytest.approx(0.01)
    assert bins[0].n == 1


def test_segments_for_review_and_those_without_scores_are_left_out() -> None:
    doubtful, unscored = case("a", expected(REVIEW)), case("b")
    rows = judged((doubtful, record(doubtful, REVIEW, scores={"fraud_scam": 0.5})), (unscored, record(unscored, REVIEW)))
    assert calibration(rows) == ({}, ())


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.integers(0, 3)), min_size=1, max_size=25).filter(
        lambda r: any(w for *_, w in r)
    )
)
def test_drawn_segments_are_binned_as_if_written_out(rows: list[tuple[int, bool, int]]) -> None:
    levels = np.arange(13.0) / 12
    mass, hits = np.zeros((1, 13)), np.zeros((1, 13))
    for level, broken, weight in rows:
        mass[0, level] += weight
        hits[0, level] += weight * broken
    sizes, sums, right = (part[0] for part in _bins(mass, hits, levels))
    assert sizes.sum() == sum(weight for *_, weight in rows)
    assert sums.sum() == pytest.approx(sum(levels[level] * weight for level, _, weight in rows))
    assert right.sum() == sum(weight for _, broken, weight in rows if broken)
    # No bin is larger than its tenth by more than the levels that do not fit.
    assert sizes.max() <= sizes.sum() / 10 + 2 * mass.max() + 1e-9
