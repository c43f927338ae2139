"""Two runs on the same cases: paired tests of what matters, overall and by slice, and every row that flipped.

Unpaired intervals of two runs overlap long before a real change shows: most cases do not flip. Pairing looks only at those that do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.contracts import Decision, Severity
from livesteward.errors import InputError
from livesteward.evals.judgements import Judgement, by_slice
from livesteward.evals.outcomes import RunInfo
from livesteward.evals.scorecard import Comparison, Flip, PairedTest
from livesteward.evals.stats.paired import holm, mcnemar, minimum_detectable, paired_difference

Decided = Mapping[str, Sequence[Decision]]
"""What was decided for each row, by :attr:`Judgement.unit`: one decision for each trial."""

SEVERE: Final = frozenset({Severity.HIGH, Severity.CRITICAL})
DIMENSIONS: Final = ("category", "region", "severity", "language", "kind")


@dataclass(frozen=True)
class PairedMetric:
    """A share of rows that is compared.

    Attributes:
        name: As in the scorecard.
        title: For people.
        counts: Which rows it is a share of.
        hit: Whether a decision counts.
        lower_is_better: Whether hits are mistakes.
    """

    name: str
    title: str
    counts: Callable[[Judgement], bool]
    hit: Callable[[Judgement, Decision], bool]
    lower_is_better: bool = True


PAIRED: Final = (
    PairedMetric(
        "missed_severe",
        "severe harm missed",
        counts=lambda row: row.broken and row.severity in SEVERE,
        hit=lambda row, decision: decision is Decision.ALLOW,
    ),
    PairedMetric(
        "wrongful_action",
        "wrongful action on innocents",
        counts=lambda row: row.innocent,
        hit=lambda row, decision: decision is Decision.VIOLATION,
    ),
    PairedMetric("missed", "harm missed", counts=lambda row: row.broken, hit=lambda row, decision: decision is Decision.ALLOW),
    PairedMetric(
        "recall",
        "harm acted on",
        counts=lambda row: row.broken,
        hit=lambda row, decision: decision is Decision.VIOLATION,
        lower_is_better=False,
    ),
    PairedMetric(
        "false_alarm", "innocents not let go", counts=lambda row: row.innocent, hit=lambda row, decision: decision is not Decision.ALLOW
    ),
    PairedMetric("review_rate", "sent to review", counts=lambda row: True, hit=lambda row, decision: decision is Decision.REVIEW),
    PairedMetric(
        "accuracy",
        "decided as labelled",
        counts=lambda row: True,
        hit=lambda row, decision: decision is row.gold.decision,
        lower_is_better=False,
    ),
)
"""What is tested, the gravest first. ``review_rate`` has no better or worse: fewer reviews are good only if nothing is lost."""


def decided(rows: Iterable[Judgement]) -> dict[str, list[Decision]]:
    """Return what was decided for each row, the trials in order."""
    found: dict[str, list[Decision]] = {}
    for row in rows:
        found.setdefault(row.unit, []).append(row.decision)
    return found


def compare(before_info: RunInfo, before: Decided, after_info: RunInfo, after: Sequence[Judgement]) -> Comparison:
    """Compare what was decided before with ``after``, row by row.

    Rows that only one of them has take part in nothing, and are counted. Differences are means over rows, with intervals from resampled
    clusters. The exact test counts segments, each right only if it is right in all its regions; with several trials, what most say.

    Raises:
        InputError: If they have no row in common.
    """
    rows = {row.unit: row for row in after}
    now = decided(after)
    common = [unit for unit in rows if unit in before]
    if not common:
        raise InputError("the two runs have no case in common", field="compare")
    shared = [rows[unit] for unit in common]
    tests = [test for metric in PAIRED if (test := _test(metric, shared, before, now)) is not None]
    for metric in PAIRED:
        for dimension in DIMENSIONS:
            tests += _slices(metric, dimension, shared, before, now)
    flips = [flip for row in shared if (flip := _flip(row, before[row.unit], now[row.unit])) is not None]
    flips.sort(key=lambda flip: ({False: 0, None: 1, True: 2}[flip.better], not flip.severe, flip.unit))
    return Comparison(
        before=before_info,
        after=after_info,
        tests=tuple(tests),
        flips=tuple(flips),
        common=len(common),
        only_before=len(set(before) - set(rows)),
        only_after=len(rows) - len(common),
    )


def _slices(metric: PairedMetric, dimension: str, rows: Sequence[Judgement], before: Decided, now: Decided) -> list[PairedTest]:
    """Test every slice of a dimension, and correct for how many they are."""
    tests = [
        test
        for name, members in by_slice(rows, dimension).items()
        if (test := _test(metric, members, before, now, dimension=dimension, name=name)) is not None
    ]
    corrected = holm([test.p if test.p is not None else 1.0 for test in tests])
    return [test.model_copy(update={"p_holm": p}) for test, p in zip(tests, corrected, strict=True)]


def _test(
    metric: PairedMetric, rows: Sequence[Judgement], before: Decided, now: Decided, *, dimension: str = "overall", name: str = ""
) -> PairedTest | None:
    counted = [row for row in rows if metric.counts(row)]
    if not counted:
        return None
    old = [_share(metric, row, before[row.unit]) for row in counted]
    new = [_share(metric, row, now[row.unit]) for row in counted]
    exact = mcnemar(_segments_right(metric, counted, old), _segments_right(metric, counted, new))
    difference = paired_difference(old, new, [row.cluster for row in counted])
    segments = len({(row.entry.case_id, row.record.step) for row in counted})
    return PairedTest(
        metric=metric.name,
        dimension=dimension,
        slice=name,
        before=sum(old) / len(old),
        after=sum(new) / len(new),
        difference=difference,
        better=exact.better,
        worse=exact.worse,
        p=exact.p,
        detectable=minimum_detectable(segments, discordant=exact.better + exact.worse),
        n=segments,
    )


def _segments_right(metric: PairedMetric, rows: Sequence[Judgement], shares: Sequence[float]) -> list[bool]:
    """Whether each segment is right in every region that counts: its regions are judged from one reading, so they are one piece of news."""
    right: dict[tuple[str, int], bool] = {}
    for row, share in zip(rows, shares, strict=True):
        key = (row.entry.case_id, row.record.step)
        right[key] = right.get(key, True) and _right(metric, share)
    return list(right.values())


def _share(metric: PairedMetric, row: Judgement, decisions: Sequence[Decision]) -> float:
    return sum(metric.hit(row, decision) for decision in decisions) / len(decisions)


def _right(metric: PairedMetric, share: float) -> bool:
    # A tie among trials counts as the mistake.
    return share < 0.5 if metric.lower_is_better else share > 0.5


def usual(decisions: Sequence[Decision]) -> Decision:
    """Return what most trials decided; of equally many the stricter."""
    return max(dict.fromkeys(decisions), key=lambda decision: (list(decisions).count(decision), decision.rank))


def _flip(row: Judgement, before: Sequence[Decision], now: Sequence[Decision]) -> Flip | None:
    old, new = usual(before), usual(now)
    if old is new:
        return None
    change = harm(row.gold.decision, new) - harm(row.gold.decision, old)
    return Flip(
        unit=row.unit,
        case_id=row.entry.case_id,
        step=row.record.step,
        region=row.region,
        categories=row.categories,
        gold=row.gold.decision,
        before=old,
        after=new,
        better=None if change == 0 else change < 0,
        severe=row.broken and row.severity in SEVERE,
        reason=row.entry.reason,
    )


def harm(gold: Decision, decision: Decision) -> int:
    """How far a decision is from the right one: 0 right, 1 a person is asked (or should have been), 2 the opposite."""
    return abs(gold.rank - decision.rank)
