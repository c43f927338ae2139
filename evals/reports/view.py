"""What every report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livesteward.evals.dataset import Dataset
from livesteward.evals.judgements import Judgement
from livesteward.evals.outcomes import Timing
from livesteward.evals.scorecard import Comparison, Outcome, Scorecard


@dataclass(frozen=True)
class ReportView:
    """A run with its figures.

    Attributes:
        dataset: The cases that were run; pictures are under ``dataset.media``.
        scorecard: All figures.
        rows: Records joined with their cases.
        timings: How long each segment took.
        comparison: With a baseline or another run, where there is one.
        before: The rows of that other run, by unit; a baseline has none.
        outcome: What the gates say, where there are gates.
    """

    dataset: Dataset
    scorecard: Scorecard
    rows: Sequence[Judgement]
    timings: Sequence[Timing] = ()
    comparison: Comparison | None = None
    before: Sequence[Judgement] = ()
    outcome: Outcome | None = None
