"""What two sets of rules make of the same cases: flips, other changes, the queue, and a report that strangers cannot steer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pytest
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, dataset, expected, record, run_info

from livesteward.agents.judges.heads import TAKEN_UP, HeadsJudge
from livesteward.agents.screen.labels import LABELS
from livesteward.agents.thresholds import load_thresholds
from livesteward.contracts import Action, ActionKind, Category, ReviewCode, Subject, SubjectKind
from livesteward.errors import InputError
from livesteward.evals.dataset import Dataset
from livesteward.evals.impact.impact import Impact, Side, assess_impact, untouched
from livesteward.evals.impact.markdown import headline, queue_lines, to_markdown, warnings
from livesteward.evals.impact.rule_changes import ChangedRule, RuleChanges
from livesteward.evals.impact.touching import LEEWAY, Touched
from livesteward.evals.judgements import judgements
from livesteward.evals.outcomes import Record
from livesteward.settings import Settings

HOSTILE = "<img src=x> @team #1 [a](http://b.example) | `x`\n## no"
CHANGED = ChangedRule(rule_id="FRAUD-1.1", title="Promises", change="changed", fields=("breaks",), regions=("SG",))


def changes(**more: object) -> RuleChanges:
    fields = {"rules": (CHANGED,), "judged": {("SG", date(2026, 10, 1)): frozenset({"FRAUD-1.1"})}, "unseen": (), "documents_differ": True}
    return RuleChanges(**{**fields, **more})  # type: ignore[arg-type]


def side(cases: Dataset, records: Sequence[Record], *, name: str = "run", finished: bool = True) -> Side:
    return Side(info=run_info(cases, records=len(records), name=name, finished=finished), rows=judgements(cases, records))


def impact(
    labels: Sequence[str], before: Sequence[str], after: Sequence[str], *, untouched_cases: int = 10, reason: str = "Because."
) -> Impact:
    """The impact on a set in which the first cases are touched: one for each label."""
    touched = [case(f"c-{number}", expected(label), reason=reason) for number, label in enumerate(labels)]
    whole = dataset(*touched, *(case(f"u-{number}") for number in range(untouched_cases)))
    part = whole.select(only=[one.case_id for one in touched])
    return assess_impact(
        changes(),
        whole,
        [Touched(case_id=one.case_id, regions=("SG",), rules=("FRAUD-1.1",)) for one in touched],
        before="old",
        after="new",
        old=side(part, [record(one, what) for one, what in zip(touched, before, strict=True)]),
        new=side(part, [record(one, what) for one, what in zip(touched, after, strict=True)]),
    )


def test_flips_are_worse_or_better_by_the_label_and_the_worse_come_first() -> None:
    found = impact([VIOLATION, VIOLATION, ALLOW], [ALLOW, VIOLATION, REVIEW], [REVIEW, ALLOW, VIOLATION])
    assert [(flip.case_id, flip.better) for flip in found.flips] == [("c-1", False), ("c-2", False), ("c-0", True)]
    assert "3 cases of 13" in headline(found)
    assert "2 worse" in headline(found)
    assert [(place.category, place.region, place.worse, place.better) for place in found.places] == [
        ("fraud_scam", "SG", 1, 1),
        ("none", "SG", 1, 0),
    ]


def test_the_queue_counts_who_enters_and_who_leaves_and_scales_to_the_whole_set() -> None:
    found = impact([ALLOW] * 4, [REVIEW, ALLOW, ALLOW, REVIEW], [ALLOW, REVIEW, REVIEW, REVIEW], untouched_cases=16).review
    assert (found.rows, found.touched, found.before, found.after, found.entered, found.left) == (20, 4, 2, 3, 2, 1)
    assert found.share_after.value == pytest.approx(0.75)
    assert found.change.value == pytest.approx(50.0)
    assert found.change.low is not None and found.change.high is not None
    assert found.change.low < 50 < found.change.high


def test_a_queue_that_stays_says_what_so_few_rows_cannot_rule_out() -> None:
    found = impact([ALLOW] * 4, [ALLOW] * 4, [ALLOW] * 4)
    assert found.review.change.value == 0
    assert found.review.at_most is not None and found.review.at_most > 50
    assert any("cannot rule out" in line for line in queue_lines(found))


def test_another_rule_or_action_is_told_where_the_decision_stays() -> None:
    one = case("c-0", expected(VIOLATION))
    cases = dataset(one)
    old, new = record(one, VIOLATION, rule="FRAUD-1.1"), record(one, VIOLATION, rule="FRAUD-1.2")
    host = Subject(kind=SubjectKind.HOST, subject_id="host")
    ruling = new.verdict.rulings[0].model_copy(update={"actions": (Action(subject=host, action=ActionKind.PAUSE_STREAM),)})
    new = new.model_copy(update={"verdict": new.verdict.model_copy(update={"rulings": (ruling,)})})
    touched = [Touched(case_id="c-0", regions=("SG",))]
    found = assess_impact(changes(), cases, touched, before="a", after="b", old=side(cases, [old]), new=side(cases, [new]))
    assert not found.flips
    (shift,) = found.shifts
    assert (shift.rules_before, shift.rules_after) == (("FRAUD-1.1",), ("FRAUD-1.2",))
    assert (shift.actions_before, shift.actions_after) == ((), ("host: pause_stream",))


def test_what_could_not_be_judged_is_counted_and_said() -> None:
    one = case("c-0")
    cases = dataset(one)
    broken = record(one, REVIEW, failure=ReviewCode.PERCEPTION_FAILED)
    touched = [Touched(case_id="c-0", regions=("SG",))]
    found = assess_impact(changes(), cases, touched, before="a", after="b", old=side(cases, [record(one)]), new=side(cases, [broken]))
    assert found.failures == {"perception_failed": 1}
    assert any("says nothing about the rules" in line for line in warnings(found))


def test_sides_that_are_cut_off_or_of_other_cases_are_refused() -> None:
    one, two = case("c-0"), case("c-1")
    cases = dataset(one, two)
    touched = [Touched(case_id=name, regions=("SG",)) for name in ("c-0", "c-1")]
    whole = side(cases, [record(one), record(two)])
    for other in (side(cases, [record(one), record(two)], finished=False), side(dataset(one), [record(one)])):
        with pytest.raises(InputError):
            assess_impact(changes(), cases, touched, before="a", after="b", old=whole, new=other)


def test_a_change_that_touches_nothing_needs_no_run() -> None:
    found = untouched(changes(unseen=("TH",)), dataset(case("c-0")), before="a", after="b")
    assert headline(found) == "None of 1 case can come out differently."
    assert any("TH" in line for line in warnings(found))
    same = untouched(changes(rules=(), judged={}, documents_differ=False), dataset(case("c-0")), before="a", after="b")
    assert "the same on both sides" in to_markdown(same)


def test_cases_that_are_touched_through_unchanged_rules_are_told_apart() -> None:
    found = impact([ALLOW], [ALLOW], [ALLOW])
    assert not warnings(found)
    moved = found.model_copy(update={"touched": (Touched(case_id="c-0", regions=("SG",), rules=("FRAUD-2.1",)),)})
    assert any("word statistics" in line for line in warnings(moved))


def test_what_strangers_wrote_stays_text_in_the_report() -> None:
    found = impact([VIOLATION], [VIOLATION], [ALLOW], reason=HOSTILE)
    rule = CHANGED.model_copy(update={"title": HOSTILE})
    text = to_markdown(found.model_copy(update={"before": HOSTILE, "rules": (rule,)}))
    assert "<img" not in text
    assert "@team" not in text
    assert "](http" not in text
    assert "\n## no" not in text
    tables = [line for line in text.splitlines() if line.startswith("| ") and "c-0" in line]
    assert all(line.count("|") == 8 for line in tables) and tables


def test_the_embedded_judge_takes_up_nothing_below_the_bar_that_the_criterion_goes_by() -> None:
    thresholds = load_thresholds(Settings(workspace=None).thresholds_file)
    judge = HeadsJudge.__new__(HeadsJudge)
    probabilities = np.zeros((1, len(LABELS)), dtype=np.float32)
    one = case("c-0")
    for category in Category:
        lowest = thresholds.lowest_review(category, one.regions)
        probabilities[:] = lowest
        assert category in _taken_up(judge, thresholds, one.regions, probabilities)
        probabilities[:] = lowest * TAKEN_UP * LEEWAY
        assert category not in _taken_up(judge, thresholds, one.regions, probabilities)


def _taken_up(judge: HeadsJudge, thresholds: object, regions: Sequence[str], probabilities: object) -> Mapping[Category, object]:
    from types import SimpleNamespace

    from livesteward.agents.judges.passages import Passage
    from livesteward.agents.screen.labels import category_of

    subject = Subject(kind=SubjectKind.HOST, subject_id="host")
    asked = SimpleNamespace(thresholds=thresholds, regions=tuple(regions))
    found = judge._candidates(asked, [Passage(subject, ())], probabilities)  # type: ignore[arg-type]
    return {category_of(candidate.label): candidate for candidate in found}
