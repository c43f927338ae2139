"""The queue of people who look at what the agent leaves to them: how much longer or shorter a change makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from livesteward.contracts import Contract, Decision
from livesteward.evals.dataset import Dataset
from livesteward.evals.judgements import Judgement, clusters
from livesteward.evals.scorecard import Estimate
from livesteward.evals.stats.bootstrap import cluster_codes
from livesteward.evals.stats.intervals import rate
from livesteward.evals.stats.paired import paired_difference

PER: Final = 1_000
"""Changes of the queue are given per so many rows of the whole set."""


class ReviewQueue(Contract):
    """What the change does to the number of rows that a person must look at.

    Attributes:
        rows: Of the whole set: one for each segment and region.
        touched: Rows of the touched cases.
        before: Touched rows sent to review under the rules before.
        after: The same under the rules after.
        entered: Touched rows that only the rules after send to review.
        left: Touched rows that only the rules before did.
        share_before: Of the touched rows.
        share_after: Of the touched rows.
        moved: The share of the touched rows that enter or leave the queue. Its upper end bounds what a set of this size can miss.
        change: More reviews per 1,000 rows of the whole set, with the paired interval; untouched rows count as unchanged, which they are.
    """

    rows: Annotated[int, Field(ge=0)]
    touched: Annotated[int, Field(ge=0)]
    before: int = 0
    after: int = 0
    entered: int = 0
    left: int = 0
    share_before: Estimate = Estimate(value=None)
    share_after: Estimate = Estimate(value=None)
    moved: Estimate = Estimate(value=None)
    change: Estimate = Estimate(value=None)

    @property
    def at_most(self) -> float | None:
        """How many of 1,000 rows of the whole set may enter or leave the queue, by the upper end of ``moved``."""
        return None if self.moved.high is None or not self.rows else self.moved.high * self.touched / self.rows * PER


def review_queue(dataset: Dataset, pairs: Sequence[tuple[Judgement, Judgement]]) -> ReviewQueue:
    """Count what two judgements of the same rows send to review.

    Args:
        dataset: The whole set.
        pairs: Of it, the rows that were judged twice, before and after; all others are the same on both sides.
    """
    units = _units(dataset)
    if not pairs:
        return ReviewQueue(rows=len(units), touched=0)
    old = [one.decision is Decision.REVIEW for one, _ in pairs]
    new = [two.decision is Decision.REVIEW for _, two in pairs]
    codes = cluster_codes([units[one.unit] for one, _ in pairs])
    # Only the difference is looked at: whatever an untouched row is, it is the same on both sides.
    places = {unit: place for place, unit in enumerate(units)}
    all_old, all_new = np.zeros(len(units)), np.zeros(len(units))
    for (one, _), was, now in zip(pairs, old, new, strict=True):
        all_old[places[one.unit]], all_new[places[one.unit]] = was, now
    return ReviewQueue(
        rows=len(units),
        touched=len(pairs),
        before=sum(old),
        after=sum(new),
        entered=sum(now and not was for was, now in zip(old, new, strict=True)),
        left=sum(was and not now for was, now in zip(old, new, strict=True)),
        share_before=rate(old, codes),
        share_after=rate(new, codes),
        moved=rate([was is not now for was, now in zip(old, new, strict=True)], codes),
        change=_scaled(paired_difference(all_old, all_new, list(units.values()))),
    )


def _units(dataset: Dataset) -> dict[str, str]:
    """The rows of the whole set, each with its cluster."""
    cluster = clusters(dataset.entries)
    return {
        f"{entry.case_id}/{step}@{region}": cluster[entry.case_id]
        for entry in dataset.entries
        for step in range(len(entry.steps))
        for region in entry.regions
    }


def _scaled(estimate: Estimate) -> Estimate:
    def per(share: float | None) -> float | None:
        return None if share is None else share * PER

    return estimate.model_copy(update={"value": per(estimate.value), "low": per(estimate.low), "high": per(estimate.high)})
