from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, expected, human, judged, record

from livesteward.evals.metrics.agreement import Item, Rated, agreement_figures, alpha, kappa


def item(number: int) -> Item:
    return (f"case-{number}", 0, "SG")


def rated(values: str) -> Rated:
    """One letter an item; a dot for none."""
    return {item(number): value for number, value in enumerate(values) if value != "."}


def apart(n: int) -> dict[Item, str]:
    return {item(number): str(number) for number in range(n)}


def from_table(table: list[list[int]]) -> tuple[Rated, Rated]:
    pairs = [(row, column) for row, counts in enumerate(table) for column, n in enumerate(counts) for _ in range(n)]
    return {item(n): row for n, (row, _) in enumerate(pairs)}, {item(n): column for n, (_, column) in enumerate(pairs)}


def test_kappa_gives_cohens_own_example() -> None:
    # Cohen 1960: two raters, 200 cases, three diagnoses; p_o = 0.70, p_e = 0.41, kappa = 0.492.
    first, second = from_table([[88, 14, 18], [10, 40, 10], [2, 6, 12]])
    found = kappa([(first, second)], apart(200))
    assert found.value == pytest.approx(0.29 / 0.59)
    assert found.value == pytest.approx(0.492, abs=5e-4)
    # Its published standard error, sqrt(p_o (1 - p_o) / (N (1 - p_e)^2)), is 0.055.
    assert found.low == pytest.approx(0.492 - 1.96 * 0.055, abs=0.02)
    assert found.high == pytest.approx(0.492 + 1.96 * 0.055, abs=0.02)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=3, max_size=3))
def test_kappa_is_that_of_statsmodels(table: list[list[int]]) -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    total = sum(map(sum, table))
    rows, columns = [sum(row) for row in table], [sum(column) for column in zip(*table, strict=True)]
    chance = sum(row * column for row, column in zip(rows, columns, strict=True))
    first, second = from_table(table)
    found = kappa([(first, second)], apart(total))
    if total == 0 or chance == total**2:
        assert found.value is None
    else:
        assert found.value == pytest.approx(cohens_kappa(table, return_results=False))


def test_kappa_of_several_pairs_is_the_mean_weighted_by_shared_items() -> None:
    alike, opposed = (rated("aabb"), rated("aabb")), (rated("ab......"), rated("ba"))
    assert kappa([alike, opposed], apart(8)).value == pytest.approx((4 * 1 + 2 * -1) / 6)


def test_a_pair_that_only_ever_says_one_thing_has_no_kappa() -> None:
    assert kappa([(rated("aaa"), rated("aaa"))], apart(3)).value is None
    assert kappa([(rated("a."), rated(".a"))], apart(2)).value is None
    assert kappa([(rated("aaa"), rated("aaa")), (rated("ab"), rated("ab"))], apart(3)).value == 1.0


def test_alpha_gives_krippendorffs_worked_examples() -> None:
    # Krippendorff, "Computing Krippendorff's alpha-reliability", 2011: binary, nominal, and nominal with four observers and missing values.
    assert alpha([rated("0100000010"), rated("1110010000")], apart(10)).value == pytest.approx(0.095, abs=5e-4)
    assert alpha([rated("aabbdcccedda"), rated("babbbccceddd")], apart(12)).value == pytest.approx(0.692, abs=5e-4)
    observers = [rated(one) for one in ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")]
    assert alpha(observers, apart(12)).value == pytest.approx(0.743, abs=5e-4)


def test_alpha_needs_two_values_of_one_thing_and_something_else_to_say() -> None:
    assert alpha([rated("a.."), rated(".b.")], apart(3)).value is None
    assert alpha([rated("aaa"), rated("aaa")], apart(3)).value is None
    assert alpha([rated("aab"), rated("aab")], apart(3)).value == 1.0


def test_agreement_compares_agent_and_people_on_what_was_run() -> None:
    cases = [case(f"case-{number}", expected(VIOLATION)) for number in range(4)]
    agent = [VIOLATION, VIOLATION, ALLOW, ALLOW]
    rows = judged(*((made, record(made, decided)) for made, decided in zip(cases, agent, strict=True)))
    ann = [human(made, decided) for made, decided in zip(cases, [VIOLATION, VIOLATION, ALLOW, VIOLATION], strict=True)]
    # p_o = 3/4; p_e = (1/2)(3/4) + (1/2)(1/4) = 1/2
    found = agreement_figures(rows, ann)
    assert set(found) == {"kappa_agent"}
    assert found["kappa_agent"].value == pytest.approx(0.5)
    bob = [human(made, decided, reviewer="bob") for made, decided in zip(cases, [VIOLATION, VIOLATION, ALLOW, VIOLATION], strict=True)]
    found = agreement_figures(rows, ann + bob)
    assert (found["kappa_people"].value, found["alpha_people"].value) == (1.0, 1.0)
    assert found["kappa_agent"].n == 8


def test_the_first_trial_speaks_for_the_agent_and_the_last_word_for_a_person() -> None:
    one, two = case("one", expected()), case("two", expected())
    pairs = [
        (one, record(one, VIOLATION)),
        (two, record(two, ALLOW)),
        (one, record(one, ALLOW, trial=1)),
        (two, record(two, VIOLATION, trial=1)),
    ]
    reviews = [human(one, REVIEW), human(one, VIOLATION), human(two, ALLOW)]
    assert agreement_figures(judged(*pairs), reviews)["kappa_agent"].value == 1.0


def test_reviews_of_other_cases_and_regions_are_left_aside() -> None:
    one = case("one", expected())
    rows = judged((one, record(one, VIOLATION)))
    assert agreement_figures(rows, [human(one, VIOLATION, region="DE"), human(case("two"), ALLOW)]) == {}
    assert agreement_figures(rows, []) == {}


def test_cases_that_belong_together_are_drawn_together() -> None:
    first, second = from_table([[20, 5], [5, 20]])
    one_by_one = kappa([(first, second)], apart(50))
    in_pairs = kappa([(first, second)], {item(number): str(number // 5) for number in range(50)})
    assert one_by_one.value == in_pairs.value
    assert in_pairs.low is not None and one_by_one.low is not None and in_pairs.low < one_by_one.low
