from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, expected, finding, judged, record

from livesteward.contracts import Decision
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.decisions import DecisionRates, confusion
from livesteward.evals.scorecard import Figures


def row(number: int, gold: str, decided: str, *, severity: str = "high") -> Judgement:
    made = case(f"case-{number}", expected(gold, severity=severity))
    return judged((made, record(made, decided)))[0]


def rows_of(table: dict[tuple[str, str], int], *, severity: str = "high") -> list[Judgement]:
    decided = [pair for pair, times in table.items() for _ in range(times)]
    return [row(number, gold, decision, severity=severity) for number, (gold, decision) in enumerate(decided)]


TABLE = {
    (VIOLATION, VIOLATION): 6,
    (VIOLATION, REVIEW): 3,
    (VIOLATION, ALLOW): 1,
    (ALLOW, VIOLATION): 2,
    (ALLOW, REVIEW): 4,
    (ALLOW, ALLOW): 14,
    (REVIEW, VIOLATION): 1,
    (REVIEW, REVIEW): 3,
    (REVIEW, ALLOW): 1,
}


def counted(figures: Figures) -> dict[str, tuple[float | None, float]]:
    return {name: (estimate.hits, estimate.n) for name, estimate in figures.items() if name != "f1"}


def test_every_rate_counts_what_it_says() -> None:
    figures = DecisionRates(rows_of(TABLE)).figures()
    assert counted(figures) == {
        "recall": (6, 10),
        "catch_rate": (9, 10),
        "review_only": (3, 10),
        "missed": (1, 10),
        "missed_severe": (1, 10),
        "precision": (6, 8),  # not the one that is labelled review
        "wrongful_action": (2, 20),
        "false_alarm": (6, 20),
        "review_rate": (10, 35),
        "review_yield": (6, 10),
        "subject_accuracy": (6, 6),
        "accuracy": (23, 35),
    }
    assert figures["f1"].value == pytest.approx(2 * 6 / (2 * 6 + 2 + 4))


def test_mild_harm_is_not_missed_severely() -> None:
    for severity, severe in (("low", False), ("medium", False), ("high", True), ("critical", True)):
        assert ("missed_severe" in DecisionRates([row(1, VIOLATION, ALLOW, severity=severity)]).figures()) is severe


def test_blaming_the_wrong_one_costs_subject_accuracy() -> None:
    raid = case("raid", expected(subject="viewers", evidence=[("c1", "hello")]))
    scam = case("scam", expected())
    against_viewers, against_host = ({"subject": who, "quotes": [("c1", "hello")]} for who in ("viewers", "host"))
    rows = judged(
        (raid, record(raid, VIOLATION, **against_viewers)),
        (scam, record(scam, VIOLATION, **against_viewers)),
    )
    assert DecisionRates(rows).figures()["subject_accuracy"].value == 0.5
    rows = judged((raid, record(raid, VIOLATION, **against_host)), (scam, record(scam, VIOLATION, **against_host)))
    assert DecisionRates(rows).figures()["subject_accuracy"].value == 0.5
    assert DecisionRates(rows).figures()["recall"].value == 1.0


def test_a_host_who_is_sent_to_review_for_what_viewers_wrote_is_not_left_alone() -> None:
    raid = case("raid", expected(subject="viewers", evidence=[("c1", "hello")]))
    segment = raid.segment
    both = [finding(segment, subject="viewers", quotes=[("c1", "hello")]), finding(segment, subject="host", decision=REVIEW)]
    rows = judged((raid, record(raid, VIOLATION, findings=both)))
    assert DecisionRates(rows).figures()["subject_accuracy"].value == 0.0


def test_a_part_of_the_rows_has_its_own_rates() -> None:
    rates = DecisionRates([row(1, VIOLATION, VIOLATION), row(2, VIOLATION, ALLOW), row(3, ALLOW, ALLOW)])
    assert counted(rates.figures([1]))["recall"] == (0, 1)
    assert "wrongful_action" not in rates.figures([0, 1])
    assert rates.figures([]) == {}


def test_the_regions_of_a_case_are_one_cluster() -> None:
    made = case("a", expected(regions=["SG", "DE", "FR"]))
    other = case("b", expected(regions=["SG", "DE", "FR"]))
    rows = judged((made, record(made, VIOLATION)), (other, record(other, ALLOW)))
    found = DecisionRates(rows).figures()["recall"]
    assert (found.hits, found.n, found.method) == (3, 6, "wilson-clustered")
    # Two clusters of rows that are all alike tell as much as two rows.
    assert (found.low, found.high) == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_the_confusion_matrix_counts_every_row_once() -> None:
    table = confusion(rows_of(TABLE))
    assert {(gold.value, decided.value): n for gold, row_ in table.items() for decided, n in row_.items()} == TABLE
    assert confusion([])[Decision.ALLOW][Decision.REVIEW] == 0


decisions = st.sampled_from([ALLOW, REVIEW, VIOLATION])


@settings(deadline=None)
@given(st.lists(st.tuples(decisions, decisions), max_size=12))
def test_what_is_caught_is_acted_on_or_reviewed_and_the_rest_is_missed(pairs: list[tuple[str, str]]) -> None:
    figures = DecisionRates([row(number, gold, decided) for number, (gold, decided) in enumerate(pairs)]).figures()
    if "recall" in figures:
        acted, reviewed, missed = (figures[name].value or 0.0 for name in ("recall", "review_only", "missed"))
        assert acted + reviewed + missed == pytest.approx(1)
        assert figures["catch_rate"].value == pytest.approx(acted + reviewed)
        precision = figures["precision"].value if "precision" in figures else 0.0
        if acted and precision:
            assert figures["f1"].value == pytest.approx(2 * precision * acted / (precision + acted))
        else:
            assert figures["f1"].value == 0
