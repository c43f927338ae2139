"""Two runs on the same cases: what is counted, and that the probabilities are right."""

from math import comb

import pytest
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, dataset, expected, judged, record, run_info

from livesteward.contracts import Decision
from livesteward.errors import InputError
from livesteward.evals.cases import Case
from livesteward.evals.comparing import compare, decided
from livesteward.evals.judgements import Judgement
from livesteward.evals.scorecard import Comparison, PairedTest


def broken(number: int, **more: object) -> Case:
    return case(f"broken-{number}", expected(**more))  # type: ignore[arg-type]


def rows(cases: list[Case], decisions: list[str]) -> list[Judgement]:
    return judged(*((one, record(one, decision)) for one, decision in zip(cases, decisions, strict=True)))


def compared(cases: list[Case], before: list[str], after: list[str]) -> Comparison:
    info = run_info(dataset(*cases), records=len(cases))
    return compare(info, decided(rows(cases, before)), info, rows(cases, after))


def test_of(comparison: Comparison, metric: str, dimension: str = "overall", name: str = "") -> PairedTest:
    return next(test for test in comparison.tests if (test.metric, test.dimension, test.slice) == (metric, dimension, name))


test_of.__test__ = False  # type: ignore[attr-defined]


def exact_p(one: int, other: int) -> float:
    """The two-sided binomial probability, written out."""
    n, k = one + other, min(one, other)
    return min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n)


@pytest.mark.parametrize(("worse", "better"), [(7, 1), (3, 3), (12, 0), (1, 0), (0, 0)])
def test_the_exact_probability_is_that_of_an_independent_computation(worse: int, better: int) -> None:
    cases = [broken(number) for number in range(worse + better + 5)]
    before = [VIOLATION] * worse + [ALLOW] * better + [VIOLATION] * 5
    after = [ALLOW] * worse + [VIOLATION] * better + [VIOLATION] * 5
    test = test_of(compared(cases, before, after), "missed_severe")
    assert (test.worse, test.better) == (worse, better)
    assert test.p == pytest.approx(exact_p(worse, better))
    assert test.difference.value == pytest.approx((worse - better) / len(cases))


def test_slices_are_corrected_after_holm_within_a_metric_and_dimension() -> None:
    cases = [broken(number) for number in range(8)] + [
        broken(number, category="self_harm", rules=("SELF-1.1",)) for number in range(100, 104)
    ]
    before, after = [VIOLATION] * 12, [ALLOW] * 8 + [ALLOW] * 2 + [VIOLATION] * 2
    comparison = compared(cases, before, after)
    fraud = test_of(comparison, "missed", "category", "fraud_scam")
    harm = test_of(comparison, "missed", "category", "self_harm")
    assert fraud.p == pytest.approx(exact_p(8, 0))
    assert harm.p == pytest.approx(exact_p(2, 0))
    assert fraud.p_holm == pytest.approx(2 * exact_p(8, 0))
    assert harm.p_holm == pytest.approx(max(2 * exact_p(8, 0), exact_p(2, 0)))
    assert test_of(comparison, "missed").p_holm is None


def test_regions_of_one_segment_are_one_piece_of_news() -> None:
    wide = case("wide", expected(regions=("SG", "MY", "DE", "GB")))
    test = test_of(compared([wide], [VIOLATION], [ALLOW]), "missed")
    assert (test.worse, test.n) == (1, 1)
    assert test.p == 1.0


def test_with_trials_the_difference_is_of_means_and_the_exact_test_of_what_most_say() -> None:
    one = broken(1)
    info = run_info(dataset(one), records=3, trials=3)
    after = judged(*((one, record(one, decision, trial=trial)) for trial, decision in enumerate([ALLOW, VIOLATION, VIOLATION])))
    test = test_of(compare(info, {after[0].unit: [Decision.VIOLATION] * 3}, info, after), "missed")
    assert test.after == pytest.approx(1 / 3)
    assert (test.worse, test.better) == (0, 0)


def test_a_flip_is_better_or_worse_by_how_far_it_is_from_the_label() -> None:
    cases = [broken(1), broken(2), broken(3), case("fine")]
    comparison = compared(cases, [ALLOW, VIOLATION, REVIEW, REVIEW], [REVIEW, REVIEW, REVIEW, ALLOW])
    assert {flip.case_id: flip.better for flip in comparison.flips} == {"broken-1": True, "broken-2": False, "fine": True}
    assert comparison.flips[0].case_id == "broken-2", "the worse ones come first"


def test_rows_that_only_one_run_has_are_counted_and_take_no_part() -> None:
    cases = [broken(1), broken(2)]
    info = run_info(dataset(*cases), records=2)
    before = decided(rows(cases, [VIOLATION, VIOLATION]))
    before["gone/0@SG"] = [Decision.ALLOW]
    comparison = compare(info, before, info, rows(cases[:1], [VIOLATION]))
    assert (comparison.common, comparison.only_before, comparison.only_after) == (1, 2, 0)
    with pytest.raises(InputError, match="no case in common"):
        compare(info, {"gone/0@SG": [Decision.ALLOW]}, info, rows(cases, [VIOLATION, VIOLATION]))
