from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, expected, finding, judged, record

from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.categories import ANY, category_figures, ranking_figures
from livesteward.evals.metrics.ranking import Ranking

FRAUD, HATE = "fraud_scam", "hate_harassment"


def row(number: int, gold: str | None, decided: str, claimed: str = FRAUD, **scores: float) -> Judgement:
    made = case(f"case-{number}", expected(category=gold) if gold else expected(ALLOW))
    return judged((made, record(made, decided, category=claimed, scores=scores)))[0]


def test_a_category_is_judged_against_the_rest() -> None:
    rows = [
        row(1, FRAUD, VIOLATION, FRAUD),
        row(2, FRAUD, VIOLATION, HATE),  # acted on, for the wrong harm
        row(3, FRAUD, REVIEW, FRAUD),
        row(4, HATE, VIOLATION, FRAUD),
        row(5, None, VIOLATION, FRAUD),
        row(6, None, ALLOW),
    ]
    found = category_figures(rows)
    fraud, hate = found.slices[FRAUD], found.slices[HATE]
    assert [(fraud[name].hits, fraud[name].n) for name in ("category_precision", "category_recall")] == [(1, 3), (1, 3)]
    assert fraud["category_f1"].value == pytest.approx(2 / 6)
    assert [(hate[name].hits, hate[name].n) for name in ("category_precision", "category_recall")] == [(0, 1), (0, 1)]
    overall = {name: found.overall[name].value for name in ("macro_precision", "macro_recall", "macro_f1")}
    assert overall == pytest.approx({"macro_precision": 1 / 6, "macro_recall": 1 / 6, "macro_f1": 1 / 6})


def test_a_finding_for_review_beside_a_violation_is_not_acted_on() -> None:
    made = case("a", expected(category=HATE))
    both = [finding(made.segment, category=FRAUD), finding(made.segment, category=HATE, decision=REVIEW)]
    found = category_figures(judged((made, record(made, VIOLATION, findings=both))))
    assert found.slices[HATE]["category_recall"].value == 0
    assert found.slices[FRAUD]["category_precision"].value == 0


def test_macro_averages_are_over_categories_that_the_set_breaks() -> None:
    rows = [row(1, FRAUD, VIOLATION, FRAUD), row(2, None, VIOLATION, HATE), row(3, None, ALLOW)]
    found = category_figures(rows)
    assert found.overall["macro_f1"].value == 1.0
    assert "pr_auc" not in found.slices[HATE] and found.slices[HATE]["category_precision"].value == 0.0


def test_a_category_that_is_never_acted_on_has_no_precision_and_counts_as_none_in_the_macro_average() -> None:
    found = category_figures([row(1, FRAUD, ALLOW), row(2, HATE, VIOLATION, HATE), row(3, None, ALLOW)])
    assert "category_precision" not in found.slices[FRAUD]
    assert found.overall["macro_precision"].value == 0.5


def test_rows_labelled_review_are_left_out() -> None:
    made = case("a", expected(REVIEW))
    assert category_figures(judged((made, record(made, VIOLATION)))).slices == {}


# Scores 0.9+ 0.8- 0.7+ 0.6+ 0.5- 0.2+: precision at each positive 1, 2/3, 3/4, 4/6; each worth a quarter of recall.
RANKED = [(0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.5, False), (0.2, True)]
AVERAGE_PRECISION = (1 + 2 / 3 + 3 / 4 + 4 / 6) / 4


def ranked_rows() -> list[Judgement]:
    return [
        row(number, FRAUD if positive else None, ALLOW, fraud_scam=score, hate_harassment=0.1)
        for number, (score, positive) in enumerate(RANKED)
    ]


def test_ranking_figures_are_read_off_the_scores_of_the_category() -> None:
    found = category_figures(ranked_rows())
    fraud = found.slices[FRAUD]
    assert fraud["pr_auc"].value == pytest.approx(AVERAGE_PRECISION)
    assert fraud["recall_at_p80"].value == pytest.approx(0.25)
    assert fraud["precision_at_r95"].value == pytest.approx(4 / 6)
    assert found.overall["macro_pr_auc"].value == pytest.approx(AVERAGE_PRECISION)
    assert found.overall["pr_auc"].value == pytest.approx(AVERAGE_PRECISION)
    for name in ("pr_auc", "recall_at_p80", "precision_at_r95"):
        low, value, high = fraud[name].low, fraud[name].value, fraud[name].high
        assert low is not None and value is not None and high is not None
        assert 0 <= low <= value <= high <= 1


def test_the_curve_has_the_points_where_recall_rises() -> None:
    curve = category_figures(ranked_rows()).curves[FRAUD]
    assert curve.threshold == (0.9, 0.7, 0.6, 0.2)
    assert curve.recall == pytest.approx((0.25, 0.5, 0.75, 1.0))
    assert curve.precision == pytest.approx((1, 2 / 3, 3 / 4, 4 / 6))


def test_the_overall_curve_takes_the_highest_score_of_any_category() -> None:
    rows = [row(1, FRAUD, ALLOW, fraud_scam=0.2, hate_harassment=0.9), row(2, None, ALLOW, fraud_scam=0.5, hate_harassment=0.1)]
    found = category_figures(rows)
    assert found.overall["pr_auc"].value == 1.0
    assert found.slices[FRAUD]["pr_auc"].value == 0.5
    assert found.curves[ANY].threshold == (0.9,)


def test_a_segment_without_scores_ranks_last() -> None:
    rows = [row(1, FRAUD, REVIEW), row(2, None, ALLOW, fraud_scam=0.01), row(3, FRAUD, ALLOW, fraud_scam=0.5)]
    assert category_figures(rows).slices[FRAUD]["pr_auc"].value == pytest.approx((1 + 2 / 3) / 2)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40).filter(lambda rows: any(y for _, y in rows)))
def test_average_precision_is_that_of_scikit_learn_ties_included(rows: list[tuple[int, bool]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, positive = np.array([float(score) for score, _ in rows]), np.array([flag for _, flag in rows])
    ranking = Ranking.of(scores, positive, np.arange(len(rows)))
    area, at_precision, at_recall = ranking.readings(np.ones((1, len(rows))))[:, 0]
    assert area == pytest.approx(metrics.average_precision_score(positive, scores))
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    # Its last point, precision 1 at recall 0, is no threshold.
    assert at_precision == pytest.approx(max([r for p, r in zip(precision[:-1], recall[:-1], strict=True) if p >= 0.8], default=0.0))
    assert at_recall == pytest.approx(max(p for p, r in zip(precision[:-1], recall[:-1], strict=True) if r >= 0.95))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=2, max_size=20))
def test_drawing_a_cluster_twice_is_having_its_rows_twice(rows: list[tuple[int, bool, int]]) -> None:
    times = np.array([[2.0, 0.0, 1.0, 3.0]])
    repeated = [(score, positive) for score, positive, cluster in rows for _ in range(int(times[0, cluster]))]
    if not any(positive for _, positive in repeated):
        return
    drawn = Ranking.of(
        np.array([float(score) for score, _, _ in rows] + [-1.0] * 4),
        np.array([positive for _, positive, _ in rows] + [False] * 4),
        np.array([cluster for _, _, cluster in rows] + [0, 1, 2, 3]),
    ).readings(times)
    plain = Ranking.of(
        np.array([float(score) for score, _ in repeated]), np.array([positive for _, positive in repeated]), np.arange(len(repeated))
    ).readings(np.ones((1, len(repeated))))
    assert drawn[:, 0] == pytest.approx(plain[:, 0])


def test_a_ranking_of_some_rows_is_that_of_their_highest_scores() -> None:
    pairs = []
    for number in range(12):
        bad = number % 3 == 0
        one = case(f"case-{number}", *([expected()] if bad else []))
        pairs.append((one, record(one, ALLOW, scores={"fraud_scam": 0.9 if bad else 0.1, "self_harm": 0.05})))
    found = ranking_figures(judged(*pairs))
    assert found["pr_auc"].value == 1.0
    assert found["recall_at_p80"].value == 1.0
    assert ranking_figures(judged(*pairs[:9])) == {}, "too few"
    assert ranking_figures(judged(*[pair for pair in pairs if pair[0].expect[0].decision.value == "allow"])) == {}, "nothing to find"
