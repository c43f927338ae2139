"""What a change of rules does to the verdicts on a set of cases: which it can touch, what flips, where, and how many more people must look.

Only the cases that the change can touch (:mod:`livesteward.evals.impact.touching`) are judged under both sets of rules. All others have
the same verdict under both, so they count as unchanged where something is scaled to the whole set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Contract, Decision
from livesteward.contracts.base import Jurisdiction, RuleId
from livesteward.errors import InputError
from livesteward.evals.cases import CaseId
from livesteward.evals.comparing import compare, decided
from livesteward.evals.dataset import Dataset
from livesteward.evals.impact.review_queue import ReviewQueue, review_queue
from livesteward.evals.impact.rule_changes import ChangedRule, RuleChanges
from livesteward.evals.impact.touching import Touched
from livesteward.evals.judgements import Judgement
from livesteward.evals.outcomes import Fingerprint, RunInfo
from livesteward.evals.scorecard import Flip, PairedTest

TESTED: Final = ("missed_severe", "wrongful_action", "missed", "false_alarm")
"""Of the paired tests, those that are reported."""


class Shift(Contract):
    """A row whose decision stays, with other rules cited or another action taken.

    ``rules`` are the ids cited; ``actions`` say who is done what, such as ``host: warn``.
    """

    unit: str
    case_id: CaseId
    step: int = 0
    region: Jurisdiction
    decision: Decision
    rules_before: tuple[RuleId, ...]
    rules_after: tuple[RuleId, ...]
    actions_before: tuple[str, ...]
    actions_after: tuple[str, ...]


class Place(Contract):
    """What changes in a category and region: touched rows, how many flip which way, and how many are sent to review."""

    category: str
    region: Jurisdiction
    rows: int
    worse: int = 0
    better: int = 0
    other: int = 0
    reviews_before: int = 0
    reviews_after: int = 0


class Impact(Contract):
    """What a change of rules does.

    Attributes:
        before: Names the rules before, such as ``main (1a2b3c4)``.
        after: Names the rules after.
        rules: What changed.
        documents_differ: Whether the documents differ at all, be it in rules that are not in force on the days of the cases.
        unseen: Regions with changed rules that no case asks for: nothing is known of them.
        judge: What judged; None where nothing had to be judged.
        cases: Cases and streams of the set.
        segments: Their segments.
        touched: Those whose verdict can change.
        judged: Segments that were judged under both.
        flips: Rows that are decided differently, the worse ones first.
        shifts: Rows decided alike, but for other rules or with another action.
        places: By category and region, where anything moved.
        review: The queue.
        tests: Paired tests over the touched rows; untouched ones could add nothing to them.
        failures: Segments that could not be judged, on either side, by reason: what is said of them says nothing about the rules.
    """

    schema_version: int = 1
    before: str
    after: str
    rules: tuple[ChangedRule, ...]
    documents_differ: bool
    unseen: tuple[Jurisdiction, ...] = ()
    judge: Fingerprint | None = None
    cases: int
    segments: int
    touched: tuple[Touched, ...] = ()
    judged: int = 0
    flips: tuple[Flip, ...] = ()
    shifts: tuple[Shift, ...] = ()
    places: tuple[Place, ...] = ()
    review: ReviewQueue
    tests: tuple[PairedTest, ...] = ()
    failures: dict[str, int] = {}


@dataclass(frozen=True)
class Side:
    """One set of rules with what was decided under it.

    Attributes:
        info: The run.
        rows: Of the touched cases.
    """

    info: RunInfo
    rows: Sequence[Judgement]


def untouched(changes: RuleChanges, dataset: Dataset, *, before: str, after: str) -> Impact:
    """Return the impact of a change that can touch no case.

    Args:
        changes: What changed.
        dataset: The whole set.
        before: Names the rules before.
        after: Names the rules after.
    """
    return Impact(
        before=before,
        after=after,
        rules=changes.rules,
        documents_differ=changes.documents_differ,
        unseen=changes.unseen,
        cases=len(dataset.entries),
        segments=sum(len(entry.steps) for entry in dataset.entries),
        review=review_queue(dataset, ()),
    )


def assess_impact(
    changes: RuleChanges, dataset: Dataset, touched: Sequence[Touched], *, before: str, after: str, old: Side, new: Side
) -> Impact:
    """Compare what was decided of the touched cases under both sets of rules.

    Args:
        changes: What changed.
        dataset: The whole set.
        touched: Of it, the cases that were judged.
        before: Names the rules before.
        after: Names the rules after.
        old: Under the rules before.
        new: Under the rules after.

    Raises:
        InputError: If the two sides are not of the touched cases, or not of the same ones.
    """
    _check(touched, old, new)
    comparison = compare(old.info, decided(old.rows), new.info, new.rows)
    pairs = list(zip(_ordered(old.rows), _ordered(new.rows), strict=True))
    return untouched(changes, dataset, before=before, after=after).model_copy(
        update={
            "judge": new.info.fingerprint,
            "touched": tuple(touched),
            "judged": len({row.record.key for row in new.rows}),
            "flips": comparison.flips,
            "shifts": tuple(shift for one, two in pairs if (shift := _shift(one, two)) is not None),
            "places": _places(pairs, comparison.flips),
            "review": review_queue(dataset, pairs),
            "tests": tuple(test for test in comparison.tests if test.dimension == "overall" and test.metric in TESTED),
            "failures": _failures(old.rows, new.rows),
        }
    )


def _check(touched: Sequence[Touched], old: Side, new: Side) -> None:
    names = {one.case_id for one in touched}
    for side in (old, new):
        if side.info.finished_at is None or set(side.info.entries) != names or {row.entry.case_id for row in side.rows} != names:
            raise InputError("this is no complete run of the cases that the rules can touch", field=side.info.name)
    if {row.unit for row in old.rows} != {row.unit for row in new.rows} or old.info.entries != new.info.entries:
        raise InputError("the two sides were not run on the same cases", field=new.info.name)


def _ordered(rows: Iterable[Judgement]) -> list[Judgement]:
    return sorted(rows, key=lambda row: row.unit)


def _shift(old: Judgement, new: Judgement) -> Shift | None:
    if old.decision is not new.decision:
        return None
    before, after = (_cited(old), _actions(old)), (_cited(new), _actions(new))
    if before == after:
        return None
    return Shift(
        unit=old.unit,
        case_id=old.entry.case_id,
        step=old.record.step,
        region=old.region,
        decision=old.decision,
        rules_before=before[0],
        rules_after=after[0],
        actions_before=before[1],
        actions_after=after[1],
    )


def _cited(row: Judgement) -> tuple[str, ...]:
    return tuple(sorted({finding.rule_id for finding in row.findings}))


def _actions(row: Judgement) -> tuple[str, ...]:
    """Who is done what, with viewers counted and not named."""
    done: dict[str, int] = {}
    for action in row.record.ruling(row.region).actions:
        name = f"{action.subject.kind.value}: {action.action.value}"
        done[name] = done.get(name, 0) + 1
    return tuple(name if count == 1 else f"{name} ({count})" for name, count in sorted(done.items()))


def _places(pairs: Sequence[tuple[Judgement, Judgement]], flips: Sequence[Flip]) -> tuple[Place, ...]:
    kinds = {flip.unit: {False: "worse", None: "other", True: "better"}[flip.better] for flip in flips}
    found: dict[tuple[str, str], dict[str, int]] = {}
    for old, new in pairs:
        for category in new.categories:
            counts = found.setdefault((category, new.region), {"rows": 0})
            counts["rows"] += 1
            for name, seen in (
                (kinds.get(new.unit), True),
                ("reviews_before", old.decision is Decision.REVIEW),
                ("reviews_after", new.decision is Decision.REVIEW),
            ):
                if name is not None and seen:
                    counts[name] = counts.get(name, 0) + 1
    places = [Place.model_validate({"category": category, "region": region, **counts}) for (category, region), counts in found.items()]
    moved = [place for place in places if place.worse or place.better or place.other]
    return tuple(sorted(moved, key=lambda place: (-place.worse, -place.other, -place.better, place.category, place.region)))


def _failures(*sides: Iterable[Judgement]) -> dict[str, int]:
    found: dict[str, int] = {}
    for rows in sides:
        for record in {row.record.key: row.record for row in rows}.values():
            if record.failure is not None:
                found[record.failure.value] = found.get(record.failure.value, 0) + 1
    return dict(sorted(found.items()))
