from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, VIOLATION, case, expected, judged, record

from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.retrieval import first_rank, ndcg, retrieval_figures

FILLER = [f"GOODS-{number}" for number in range(1, 31)]


def row(name: str, *, rank: int | None, right: tuple[str, ...] = ("FRAUD-1.1",), gold: str = VIOLATION) -> Judgement:
    """A broken row of which the first right rule was retrieved in the given place."""
    retrieved = FILLER[:20] if rank is None else [*FILLER[: rank - 1], right[-1], *FILLER[rank:20]]
    made = case(name, expected(gold, rules=right))
    return judged((made, record(made, ALLOW, retrieved={"SG": retrieved})))[0]


def test_recall_counts_findings_with_a_right_rule_up_to_a_depth() -> None:
    rows = [
        row("a", rank=1),
        row("b", rank=5),
        row("c", rank=6),
        row("d", rank=10),
        row("e", rank=11),
        row("f", rank=20),
        row("g", rank=None),
    ]
    found = retrieval_figures(rows)
    assert [found[f"rule_recall_at_{depth}"].hits for depth in (5, 10, 20)] == [2, 4, 6]
    assert {found[f"rule_recall_at_{depth}"].n for depth in (5, 10, 20)} == {7}
    assert found["rule_mrr"].value == pytest.approx((1 + 1 / 5 + 1 / 6 + 1 / 10 + 1 / 11 + 1 / 20) / 7)


def test_any_of_the_rules_is_right() -> None:
    assert retrieval_figures([row("a", rank=3, right=("FRAUD-9.9", "FRAUD-1.1"))])["rule_recall_at_5"].value == 1.0


def test_each_finding_needs_a_rule_of_its_own() -> None:
    wanted = expected()
    wanted["findings"] = [*wanted["findings"], *expected(category="hate_harassment", rules=["HATE-1.1"])["findings"]]
    made = case("a", wanted)
    found = retrieval_figures(judged((made, record(made, ALLOW, retrieved={"SG": ["HATE-1.1", "GOODS-1"]}))))
    assert (found["rule_recall_at_5"].hits, found["rule_recall_at_5"].n) == (1, 2)
    # Two right rules, one in the first place: 1 / (1 + 1 / log2 3).
    assert found["rule_ndcg_at_10"].value == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_what_never_came_to_retrieval_is_told_apart() -> None:
    cleared = case("cleared", expected())
    rows = [row("a", rank=1), *judged((cleared, record(cleared, ALLOW)))]
    found = retrieval_figures(rows)
    assert (found["rule_reach"].hits, found["rule_reach"].n) == (1, 2)
    assert (found["rule_recall_at_5"].hits, found["rule_recall_at_5"].n) == (1, 1)
    assert set(retrieval_figures(judged((cleared, record(cleared, ALLOW))))) == {"rule_reach"}


def test_rules_retrieved_for_another_region_do_not_count() -> None:
    made = case("a", expected(regions=["SG", "DE"]))
    rows = judged((made, record(made, ALLOW, retrieved={"SG": ["FRAUD-1.1"], "DE": ["GOODS-1"]})))
    assert retrieval_figures(rows)["rule_recall_at_20"].value == 0.5


def test_innocent_rows_have_nothing_to_retrieve() -> None:
    made = case("a")
    assert retrieval_figures(judged((made, record(made, ALLOW, retrieved={"SG": ["FRAUD-1.1"]})))) == {}


@pytest.mark.parametrize(
    ("retrieved", "wanted"),
    [
        (["a", "b"], 1.0),
        (["x", "a", "b"], (1 / math.log2(3) + 1 / 2) / (1 + 1 / math.log2(3))),
        (["x", "y"], 0.0),
        ([*"uvwxyzopqr", "a"], 0.0),
    ],
)
def test_ndcg_discounts_by_place(retrieved: list[str], wanted: float) -> None:
    assert ndcg(retrieved, {"a", "b"}, depth=10) == pytest.approx(wanted)


@settings(deadline=None)
@given(st.permutations(["a", "b", "c", "d", "e", "f"]), st.sets(st.sampled_from("abcdef"), min_size=1))
def test_ndcg_is_one_only_where_right_rules_come_first(retrieved: list[str], right: set[str]) -> None:
    value = ndcg(retrieved, right, depth=10)
    assert 0 < value <= 1 + 1e-12
    assert (value > 1 - 1e-9) is (set(retrieved[: len(right)]) == right)
    rank = first_rank(retrieved, right)
    assert rank is not None and retrieved[rank - 1] in right and not right & set(retrieved[: rank - 1])


def test_labels_that_name_no_rule_count_nowhere() -> None:
    unnamed = case("imported", expected(rules=()))
    assert retrieval_figures(judged((unnamed, record(unnamed, ALLOW, retrieved={"SG": ["FRAUD-1.1"]})))) == {}
