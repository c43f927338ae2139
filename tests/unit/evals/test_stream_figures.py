from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, expected, judged, record, stream

from livesteward.evals.cases import StreamCase
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.streams import stream_figures, stream_units

A, R, V = ALLOW, REVIEW, VIOLATION
FRAUD_STREAM = [A, A, V, V, V, V]
"""Six segments of 20 s; the host breaks a rule from second 47 on."""


def watched(entry: StreamCase, decided: Sequence[str | Mapping[str, str]], *, trial: int = 0) -> list[Judgement]:
    return judged(*((entry, record(entry, one, step=step, trial=trial)) for step, one in enumerate(decided)))


def turning(name: str = "turning", **more: object) -> StreamCase:
    return stream(name, *FRAUD_STREAM, starts_s=47, **more)


def test_detection_ends_with_the_first_segment_acted_on_after_the_start() -> None:
    found = stream_figures(watched(turning(), [A, A, A, R, V, V]))
    # Reviewed when segment 4 ends at 80 s, acted on when segment 5 ends at 100 s.
    assert found["time_to_detection_mean"].value == 53
    assert found["time_to_detection_median"].value == 53
    assert found["time_to_catch_mean"].value == 33
    assert (found["detected"].hits, found["detected"].n, found["caught"].hits) == (1, 1, 1)


def test_acting_in_the_segment_in_which_it_starts_is_detection_and_no_disturbance() -> None:
    found = stream_figures(watched(turning(), [A, A, V, A, A, A]))
    assert found["time_to_detection_mean"].value == 13
    assert found["disturbance_rate"].hits == 0


def test_acting_before_the_start_is_a_disturbance_and_no_detection() -> None:
    found = stream_figures(watched(turning(), [A, V, A, A, A, A]))
    assert (found["disturbance_rate"].hits, found["detected"].hits) == (1, 0)
    assert found["time_to_detection_mean"].value is None
    # Two segments of 20 s are over before it starts.
    assert found["disturbance_rate"].n == pytest.approx(40 / 3_600)
    assert found["disturbance_rate"].value == pytest.approx(1_000 * 3_600 / 40)


def test_an_innocent_stream_is_disturbed_once_however_often_it_is_acted_on() -> None:
    calm, other = stream("calm", *[A] * 9), stream("other", *[A] * 9)
    rows = watched(calm, [A, V, V, A, V, A, A, A, R]) + watched(other, [R] * 9)
    found = stream_figures(rows)
    assert set(found) == {"disturbance_rate"}
    assert found["disturbance_rate"].hits == 1
    assert found["disturbance_rate"].n == pytest.approx(0.1)
    assert found["disturbance_rate"].value == pytest.approx(10_000)
    # Garwood's interval of one event.
    assert found["disturbance_rate"].low == pytest.approx(253, abs=1)
    assert found["disturbance_rate"].high == pytest.approx(55_716, abs=1)


def test_acting_on_viewers_neither_disturbs_nor_detects() -> None:
    entry = turning()
    rows = judged(
        *((entry, record(entry, V, step=step, subject="viewers", quotes=[("u1", "guaranteed")])) for step in range(len(entry.steps)))
    )
    found = stream_figures(rows)
    assert (found["disturbance_rate"].hits, found["detected"].hits) == (0, 0)


def test_a_stream_whose_viewers_break_rules_is_innocent() -> None:
    raid = expected(subject="viewers", evidence=[("c1", "hello")])
    entry = stream("raided", A, {"chat": ["troll_1: hello"], "expect": [raid]}, A)
    found = stream_figures(watched(entry, [A, V, A]))
    assert set(found) == {"disturbance_rate"}
    assert found["disturbance_rate"].hits == 1


def test_a_segment_that_is_for_a_person_to_decide_disturbs_nobody() -> None:
    entry = stream("doubtful", A, R, A)
    found = stream_figures(watched(entry, [A, V, A]))
    assert found["disturbance_rate"].hits == 0
    assert found["disturbance_rate"].n == pytest.approx(40 / 3_600)


def test_what_follows_a_violation_is_innocent_no_more() -> None:
    found = stream_figures(watched(stream("paused", A, V, A, starts_s=25), [A, A, V]))
    assert found["disturbance_rate"].hits == 0
    assert found["disturbance_rate"].n == pytest.approx(20 / 3_600)
    assert found["time_to_detection_mean"].value == 35


def test_a_stream_may_break_the_rules_of_one_region_only() -> None:
    here = {"expect": [expected(regions=["SG"]), expected(A, regions=["DE"])]}
    entry = stream("contrast", A, here, here, regions=["SG", "DE"], starts_s=25)
    found = stream_figures(watched(entry, [A, {"SG": V, "DE": A}, {"SG": V, "DE": V}]))
    assert (found["detected"].hits, found["detected"].n) == (1, 1)
    assert found["time_to_detection_mean"].value == 15
    # 20 s in SG and 60 s in DE were innocent.
    assert found["disturbance_rate"].n == pytest.approx(80 / 3_600)
    assert found["disturbance_rate"].hits == 1


def test_a_region_whose_rules_are_broken_later_starts_later() -> None:
    first = {"expect": [expected(regions=["SG"]), expected(A, regions=["DE"])]}
    both = {"expect": [expected(regions=["SG", "DE"])]}
    entry = stream("later", first, both, regions=["SG", "DE"], starts_s=5)
    starts = {unit.rows[0].region: unit.starts_s for unit in stream_units(watched(entry, [A, V]))}
    assert starts == {"SG": 5, "DE": 20}


def test_viewer_minutes_run_from_the_start_to_detection_or_the_end() -> None:
    found = stream_figures(watched(turning(), [A, A, A, A, V, V]))
    assert found["violating_viewer_minutes"].value == pytest.approx(60 * 53 / 60)
    missed = stream_figures(watched(turning(), [A] * 6))
    assert missed["violating_viewer_minutes"].value == pytest.approx(60 * 73 / 60)


def test_viewer_minutes_follow_the_number_of_viewers() -> None:
    entry = stream("growing", A, V, {"viewers": 300, "expect": [expected()]}, starts_s=30, viewers=60)
    assert stream_figures(watched(entry, [A, A, A]))["violating_viewer_minutes"].value == pytest.approx(60 * 10 / 60 + 300 * 20 / 60)


def test_streams_with_unknown_viewers_have_no_viewer_minutes() -> None:
    entry = stream("unknown", A, V, starts_s=30, viewers=None)
    assert stream_figures(watched(entry, [A, A]))["violating_viewer_minutes"].value is None


def test_a_stream_that_was_not_judged_to_its_end_does_not_count() -> None:
    assert stream_figures(watched(turning(), [A, A, A])) == {}


def test_single_cases_are_no_streams() -> None:
    made = case("a", expected())
    assert stream_figures(judged((made, record(made, V)))) == {}


def test_every_trial_is_a_unit_of_its_own() -> None:
    entry = turning()
    records = [
        record(entry, one, step=step, trial=trial) for trial in (0, 1) for step, one in enumerate([A, A, A, A, V if trial else A, A])
    ]
    found = stream_figures(judged(*((entry, one) for one in records)))
    assert (found["detected"].hits, found["detected"].n) == (1, 2)


def test_mean_and_median_are_over_the_streams_that_were_detected() -> None:
    decided = {"one": [A, A, V, A, A, A], "two": [A, A, A, V, A, A], "three": [A, A, A, A, A, V], "four": [A] * 6}
    rows = [row for name, decisions in decided.items() for row in watched(turning(name), decisions)]
    found = stream_figures(rows)
    assert found["time_to_detection_mean"].value == pytest.approx((13 + 33 + 73) / 3)
    assert found["time_to_detection_median"].value == 33
    assert found["time_to_detection_mean"].n == 3
    assert (found["detected"].hits, found["detected"].n) == (3, 4)
    low, high = found["time_to_detection_mean"].low, found["time_to_detection_mean"].high
    assert low is not None and high is not None and 13 <= low < high <= 73


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4)), min_size=1, max_size=12).filter(lambda rows: sum(w for _, w in rows) > 0))
def test_the_weighted_median_is_that_of_the_values_written_out(rows: list[tuple[int, int]]) -> None:
    from livesteward.evals.metrics.streams import _weighted_median

    values, weights = np.array([float(value) for value, _ in rows]), np.array([[float(weight) for _, weight in rows]])
    assert _weighted_median(values, weights)[0] == np.median(np.repeat(values, weights[0].astype(int)))
