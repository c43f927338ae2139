"""Gates: one function says pass, regression or inconclusive, and the exit code with it."""

from pathlib import Path
from typing import Any

import pytest
from unit.evals.making import ALLOW, VIOLATION, case, dataset, expected, judged, record, run_info

from livesteward.contracts import Decision
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.assessing import SHIPPED_GATES
from livesteward.evals.baseline import bless, load_baseline, mismatch
from livesteward.evals.cases import Case
from livesteward.evals.comparing import compare, decided
from livesteward.evals.gates import Floor, Gates, NonInferior, NoWorse, conclude, judge, load_gates
from livesteward.evals.judgements import Judgement
from livesteward.evals.scorecard import Comparison, Estimate, GateLine, Result, Scorecard

CASES = [case(f"broken-{number}", expected()) for number in range(40)] + [
    case(f"harm-{number}", expected(category="self_harm", rules=("SELF-1.1",))) for number in range(15)
]


def rows(decisions: list[str], cases: list[Case] = CASES) -> list[Judgement]:
    return judged(*((one, record(one, decision)) for one, decision in zip(cases, decisions, strict=True)))


def held(before: list[str], after: list[str]) -> Comparison:
    info = run_info(dataset(*CASES), records=len(CASES))
    return compare(info, decided(rows(before)), info, rows(after))


def card(**more: Any) -> Scorecard:
    values: dict[str, Any] = {
        "run": run_info(dataset(*CASES), records=len(CASES)),
        "overall": {"catch": Estimate(value=0.8, n=50)},
        "slices": {"category": {"self_harm": {"catch": Estimate(value=0.4, n=15)}}},
        "confusion": {one: dict.fromkeys(Decision, 0) for one in Decision},
    }
    return Scorecard(**{**values, **more})


GATES = Gates(
    baseline="b.jsonl",
    non_inferior=(NonInferior(metric="missed_severe", margin=0.05),),
    no_worse=(NoWorse(metric="missed_severe", dimensions=("category",)),),
)
ALL_RIGHT = [VIOLATION] * 55


def test_nothing_changed_passes() -> None:
    outcome = judge(GATES, card(), held(ALL_RIGHT, ALL_RIGHT))
    assert (outcome.result, outcome.exit_code) == (Result.PASS, 0)
    assert outcome.line.startswith("PASS: all 2 gates hold")


def test_a_slice_that_got_worse_is_a_regression_though_the_whole_hardly_moves() -> None:
    outcome = judge(GATES, card(), held(ALL_RIGHT, [VIOLATION] * 40 + [ALLOW] * 10 + [VIOLATION] * 5))
    assert (outcome.result, outcome.exit_code) == (Result.REGRESSION, 1)
    slices = [line.slice for line in outcome.gates if line.result is Result.REGRESSION and line.dimension == "category"]
    assert slices == ["self_harm"]


def test_a_few_flips_that_may_be_chance_are_inconclusive_and_say_what_could_be_seen() -> None:
    outcome = judge(GATES, card(), held(ALL_RIGHT, [VIOLATION] * 53 + [ALLOW] * 2))
    assert (outcome.result, outcome.exit_code) == (Result.INCONCLUSIVE, 2)
    assert "show differences from" in outcome.line


def test_getting_better_passes() -> None:
    before = [VIOLATION] * 40 + [ALLOW] * 15
    assert judge(GATES, card(), held(before, ALL_RIGHT)).exit_code == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [({"complete": False}, "not complete"), ({"failures": {"model_unavailable": 3}}, "3 model_unavailable")],
)
def test_a_run_that_is_not_whole_says_nothing_however_good_it_looks(more: dict[str, Any], said: str) -> None:
    outcome = judge(GATES, card(**more), held(ALL_RIGHT, ALL_RIGHT))
    assert (outcome.result, outcome.exit_code) == (Result.INCONCLUSIVE, 2)
    assert said in outcome.line


def test_without_a_baseline_or_without_gates_nothing_is_green() -> None:
    assert judge(GATES, card(), None).exit_code == 2
    assert judge(Gates(baseline="b.jsonl"), card(), None).exit_code == 2
    assert judge(GATES, card(), held(ALL_RIGHT, ALL_RIGHT), obstacles=["of other cases"]).exit_code == 2


@pytest.mark.parametrize(
    ("floor", "code"),
    [
        (Floor(metric="catch", min=0.8), 0),
        (Floor(metric="catch", min=0.81), 1),
        (Floor(metric="catch", max=0.7), 1),
        (Floor(metric="catch", slice="category:self_harm", min=0.5), 1),
        (Floor(metric="catch", slice="category:fraud_scam", min=0.5), 2),
        (Floor(metric="disturbance_rate", group="streams", max=1), 2),
    ],
)
def test_floors_are_absolute_and_a_figure_that_is_missing_is_not_a_pass(floor: Floor, code: int) -> None:
    assert judge(Gates(baseline="b.jsonl", floor=(floor,)), card(), None).exit_code == code


def test_one_regression_outweighs_what_cannot_be_told() -> None:
    lines = [
        GateLine(name="a", result=Result.INCONCLUSIVE, message="who knows"),
        GateLine(name="b", result=Result.REGRESSION, message="it fell"),
        GateLine(name="c", result=Result.PASS, message="fine"),
    ]
    outcome = conclude(lines)
    assert (outcome.exit_code, outcome.line) == (1, "REGRESSION: 1 of 3 gates failed: it fell")


def test_the_shipped_gates_can_be_read_and_a_wrong_file_names_its_field(tmp_path: Path) -> None:
    assert load_gates(SHIPPED_GATES).non_inferior
    wrong = tmp_path / "gates.toml"
    wrong.write_text('baseline = "b"\n[[no_worse]]\nmetric = "beauty"\ndimensions = ["region"]\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="beauty"):
        load_gates(wrong)
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        load_gates(tmp_path / "absent.toml")


def test_a_baseline_is_read_as_it_was_blessed_and_refused_when_changed_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "golden.jsonl"
    info = run_info(dataset(*CASES), records=len(CASES))
    blessed = bless(file, info, rows(ALL_RIGHT), note="first")
    assert load_baseline(file).decided == blessed.decided == {row.unit: (Decision.VIOLATION,) for row in rows(ALL_RIGHT)}
    file.write_text(file.read_text(encoding="utf-8").replace('["violation"]', '["allow"]', 1), encoding="utf-8")
    with pytest.raises(InputError, match="changed by hand"):
        load_baseline(file)
    with pytest.raises(InputError, match="no baseline"):
        load_baseline(tmp_path / "absent.jsonl")


def test_only_complete_runs_are_blessed(tmp_path: Path) -> None:
    unfinished = run_info(dataset(*CASES), records=len(CASES), finished=False)
    with pytest.raises(InputError, match="not complete"):
        bless(tmp_path / "b.jsonl", unfinished, rows(ALL_RIGHT))
    short = run_info(dataset(*CASES), records=len(CASES) + 1)
    with pytest.raises(InputError, match="not complete"):
        bless(tmp_path / "b.jsonl", short, rows(ALL_RIGHT))


def test_a_baseline_of_other_cases_is_refused_and_says_which(tmp_path: Path) -> None:
    baseline = bless(tmp_path / "b.jsonl", run_info(dataset(*CASES), records=len(CASES)), rows(ALL_RIGHT))
    same = run_info(dataset(*CASES), records=len(CASES))
    assert mismatch(baseline, same) is None
    fewer = run_info(dataset(*CASES[:-1], case("fresh", expected())), records=len(CASES))
    said = mismatch(baseline, fewer)
    assert said is not None
    assert "harm-14" in said
    assert "fresh" in said
