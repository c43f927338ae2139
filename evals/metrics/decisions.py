"""What was decided against what should have been: the rates of the confusion matrix, overall and in any slice.

Definitions as in Sokolova and Lapalme, "A systematic analysis of performance measures for classification tasks", Information Processing
and Management 45, 2009, with ``violation`` as the positive class; intervals are Wilson's at the effective number of rows, see
:func:`livesteward.evals.stats.intervals.rate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from livesteward.contracts import Decision, Severity
from livesteward.evals.judgements import Judgement
from livesteward.evals.scorecard import Figures
from livesteward.evals.stats.bootstrap import Ints
from livesteward.evals.stats.intervals import f_measure, rate

SEVERE: Final = frozenset({Severity.HIGH, Severity.CRITICAL})


@dataclass(frozen=True)
class Rate:
    """A share of rows: those that count, and those among them that hit."""

    counts: Callable[[Judgement], bool]
    hit: Callable[[Judgement], bool]


def is_right(row: Judgement) -> bool:
    """Whether the decision is the labelled one: calling a person is not right where acting or letting go is."""
    return row.decision is row.gold.decision


def is_severe(row: Judgement) -> bool:
    """Whether a rule of severity high or critical is broken."""
    return row.broken and row.severity in SEVERE


def _is_settled(row: Judgement) -> bool:
    return row.broken or row.innocent


def _everything(row: Judgement) -> bool:
    return True


RATES: Final[dict[str, Rate]] = {
    # Recall: P(acted | broken) = TP / (TP + FN).
    "recall": Rate(lambda row: row.broken, lambda row: row.acted),
    # P(acted or reviewed | broken).
    "catch_rate": Rate(lambda row: row.broken, lambda row: row.caught),
    # P(reviewed | broken) = catch rate - recall.
    "review_only": Rate(lambda row: row.broken, lambda row: row.caught and not row.acted),
    # P(allowed | broken) = 1 - catch rate.
    "missed": Rate(lambda row: row.broken, lambda row: not row.caught),
    # P(allowed | broken with severity high or critical).
    "missed_severe": Rate(is_severe, lambda row: not row.caught),
    # Precision: P(broken | acted) = TP / (TP + FP).
    "precision": Rate(lambda row: row.acted and _is_settled(row), lambda row: row.broken),
    # Jaccard's index TP / (TP + FP + FN), which F1 is made of.
    "f1": Rate(lambda row: _is_settled(row) and (row.acted or row.broken), lambda row: row.acted and row.broken),
    # False positive rate of acting: P(acted | innocent) = FP / (FP + TN).
    "wrongful_action": Rate(lambda row: row.innocent, lambda row: row.acted),
    # P(acted or reviewed | innocent).
    "false_alarm": Rate(lambda row: row.innocent, lambda row: row.caught),
    # P(reviewed).
    "review_rate": Rate(_everything, lambda row: row.decision is Decision.REVIEW),
    # P(not innocent | reviewed).
    "review_yield": Rate(lambda row: row.decision is Decision.REVIEW, lambda row: not row.innocent),
    # P(decision without viewers is right | broken and acted): whether the right one is blamed.
    "subject_accuracy": Rate(lambda row: row.broken and row.acted, lambda row: row.stream_decision is row.gold.stream_decision),
    # P(decision = label).
    "accuracy": Rate(_everything, is_right),
}
"""By the metric's name; ``f1`` is turned from an overlap into F1 once it is counted."""


class DecisionRates:
    """The rates of :data:`RATES` over any part of the rows; each row is looked at once."""

    def __init__(self, rows: Sequence[Judgement]) -> None:
        self._clusters: Ints = np.unique([row.cluster for row in rows], return_inverse=True)[1].astype(np.int64) if rows else _NO_ROWS
        self._flags: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {
            name: (
                np.fromiter((one.counts(row) for row in rows), dtype=bool, count=len(rows)),
                np.fromiter((one.hit(row) for row in rows), dtype=bool, count=len(rows)),
            )
            for name, one in RATES.items()
        }

    def figures(self, places: Iterable[int] | None = None) -> Figures:
        """Return every rate that has anything to count.

        Args:
            places: Indices of the rows that count; all of them unless given.
        """
        chosen = np.arange(len(self._clusters)) if places is None else np.fromiter(places, dtype=np.int64)
        found: Figures = {}
        for name, (counts, hit) in self._flags.items():
            kept = chosen[counts[chosen]]
            if len(kept):
                estimate = rate(hit[kept], self._clusters[kept])
                found[name] = f_measure(estimate) if name == "f1" else estimate
        return found


def confusion(rows: Iterable[Judgement]) -> dict[Decision, dict[Decision, int]]:
    """Count rows by label and decision: ``confusion[gold][decided]``."""
    table = {gold: dict.fromkeys(Decision, 0) for gold in Decision}
    for row in rows:
        table[row.gold.decision][row.decision] += 1
    return table


_NO_ROWS: Final[Ints] = np.zeros(0, dtype=np.int64)
