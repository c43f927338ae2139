from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, expected, judged, record, stream

from livesteward.contracts import Decision
from livesteward.evals.cases import Case
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.robustness import disagreement, flips, injections, minimal_pairs, region_contrasts, robustness_figures

A, R, V = ALLOW, REVIEW, VIOLATION


def injected(number: int, aim: str, before: str, after: str) -> list[Judgement]:
    gold = expected(V if aim == "acquit" else A)
    base = case(f"base-{number}", gold)
    with_it = case(f"injected-{number}", gold, injection={"base": base.case_id, "via": "chat", "aim": aim})
    return judged((base, record(base, before)), (with_it, record(with_it, after)))


def test_invariance_compares_with_the_case_without_the_injection() -> None:
    rows = [
        *injected(1, "acquit", V, V),
        *injected(2, "acquit", V, A),
        *injected(3, "acquit", V, R),
        *injected(4, "acquit", A, A),  # missed either way: the injection changed nothing
        *injected(5, "punish", A, V),
        *injected(6, "punish", A, A),
        *injected(7, "punish", A, R),
    ]
    found = injections(rows)
    assert {name: (one.hits, one.n) for name, one in found.items()} == {
        "injection_invariance": (3, 7),
        "injection_invariance_acquit": (2, 4),
        "injection_invariance_punish": (1, 3),
        "injection_success": (2, 7),
    }


def test_an_injection_is_compared_in_the_same_region_and_trial() -> None:
    gold = [expected(V, regions=["SG", "DE"])]
    base = case("base", *gold)
    with_it = case("injected", *gold, injection={"base": "base", "via": "chat", "aim": "acquit"})
    decisions = [({"SG": V, "DE": A}, {"SG": V, "DE": A}), ({"SG": A, "DE": V}, {"SG": V, "DE": V})]
    pairs = []
    for trial, (plain, changed) in enumerate(decisions):
        pairs += [(base, record(base, plain, trial=trial)), (with_it, record(with_it, changed, trial=trial))]
    found = injections(judged(*pairs))
    assert (found["injection_invariance"].hits, found["injection_invariance"].n) == (3, 4)


def test_an_injection_whose_base_was_not_run_is_not_compared() -> None:
    alone = case("injected", expected(), injection={"base": "base", "via": "chat", "aim": "acquit"})
    assert injections(judged((alone, record(alone, V)))) == {}


def twins(first: str, second: str, *, regions: tuple[str, ...] = ("SG",)) -> list[Judgement]:
    broken = case("one", expected(V, regions=regions), twin_of="two")
    innocent = case("two", expected(A, regions=regions))
    return judged((broken, record(broken, first)), (innocent, record(innocent, second)))


@pytest.mark.parametrize(("first", "second", "right"), [(V, A, 1), (V, V, 0), (A, A, 0), (R, A, 0), (A, V, 0)])
def test_a_pair_is_right_only_if_both_cases_are(first: str, second: str, right: int) -> None:
    found = minimal_pairs(twins(first, second))["pairs_right"]
    assert (found.hits, found.n) == (right, 1)


def test_a_pair_must_be_right_in_every_region() -> None:
    broken = case("one", expected(V, regions=["SG", "DE"]), twin_of="two")
    innocent = case("two", expected(A, regions=["SG", "DE"]))
    rows = judged((broken, record(broken, {"SG": V, "DE": A})), (innocent, record(innocent, A)))
    assert minimal_pairs(rows)["pairs_right"].hits == 0


def test_half_a_pair_is_none() -> None:
    assert minimal_pairs(twins(V, A)[:1]) == {}


def contrast(decided: dict[str, str], name: str = "contrast") -> list[Judgement]:
    made = case(name, expected(V, regions=["SG"]), expected(A, regions=["DE", "FR"]))
    return judged((made, record(made, decided)))


def test_a_contrast_is_right_only_if_every_region_is() -> None:
    right, wrong = contrast({"SG": V, "DE": A, "FR": A}), contrast({"SG": V, "DE": V, "FR": A}, "other")
    same = case("same", expected(V, regions=["SG", "DE"]))
    found = region_contrasts(right + wrong + judged((same, record(same, V))))["contrasts_right"]
    assert (found.hits, found.n) == (1, 2)


def tried(entry: Case, *decided: str) -> list[Judgement]:
    return judged(*((entry, record(entry, one, trial=trial)) for trial, one in enumerate(decided)))


def test_the_flip_rate_is_the_chance_that_two_trials_differ() -> None:
    steady, shaky = case("steady", expected()), case("shaky", expected())
    found = flips(tried(steady, V, V, V) + tried(shaky, V, V, A))
    # Of the three pairs of the shaky case's trials, two differ.
    assert found["flip_rate"].value == pytest.approx((0 + 2 / 3) / 2)
    assert found["flip_rate:shaky"].value == pytest.approx(2 / 3)
    assert "flip_rate:steady" not in found


def test_the_flip_rate_of_a_case_is_the_mean_over_its_regions() -> None:
    made = case("a", expected(regions=["SG", "DE"]))
    rows = judged((made, record(made, V)), (made, record(made, {"SG": V, "DE": A}, trial=1)))
    found = flips(rows)
    assert found["flip_rate:a"].value == 0.5 and found["flip_rate"].value == 0.5


def test_trials_that_never_differ_still_leave_room_for_flips() -> None:
    rows = [row for number in range(5) for row in tried(case(f"case-{number}", expected()), V, V)]
    found = flips(rows)["flip_rate"]
    assert found.value == 0 and found.high is not None and found.high > 0.3


def test_a_single_trial_has_no_flip_rate() -> None:
    assert flips(tried(case("a", expected()), V)) == {}


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Decision)), min_size=2, max_size=9))
def test_disagreement_is_the_share_of_pairs_that_differ(decided: list[Decision]) -> None:
    pairs = [(one, other) for place, one in enumerate(decided) for other in decided[place + 1 :]]
    assert disagreement(decided) == pytest.approx(sum(one is not other for one, other in pairs) / len(pairs))


def test_a_run_without_any_of_these_has_no_such_figures() -> None:
    entry = stream("s", A, A)
    made = case("a")
    assert robustness_figures(judged((entry, record(entry)), (entry, record(entry, step=1)), (made, record(made)))) == {}
