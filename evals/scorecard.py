"""The figures of a run, and of two runs compared, as contracts: what gates read and reports show.

:mod:`livesteward.evals.scoring` computes a :class:`Scorecard`, :mod:`livesteward.evals.comparing` a :class:`Comparison`,
:mod:`livesteward.evals.gates` an :class:`Outcome`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from livesteward.contracts import Contract, Decision
from livesteward.contracts.base import Probability
from livesteward.evals.outcomes import Bin, RunInfo

EXIT_PASS: Final = 0
EXIT_REGRESSION: Final = 1
EXIT_INCONCLUSIVE: Final = 2


class Estimate(Contract):
    """A figure with its interval.

    Attributes:
        value: None where there is nothing to count.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n: Rows (or streams, or hours) that it rests on.
        hits: The numerator of a rate.
        method: How the interval was made: ``wilson``, ``wilson-clustered``, ``bca-clustered``, ``poisson``.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: float = 0
    hits: float | None = None
    method: str = ""


Figures = dict[str, Estimate]
"""Estimates by the metric's name, such as ``recall``."""


class Curve(Contract):
    """Points of a precision-recall curve, by rising recall."""

    recall: tuple[Probability, ...]
    precision: tuple[Probability, ...]
    threshold: tuple[float, ...]


class Scorecard(Contract):
    """All figures of one run.

    Attributes:
        run: What was run.
        overall: By metric.
        slices: By dimension (category, region, language, severity, kind), slice and metric.
        streams: Disturbance rate, time to detection and the like.
        retrieval: Of the gold rules.
        evidence: Citation validity, evidence precision and recall, faithfulness.
        robustness: Invariance under injection, minimal pairs, region contrasts, flips between trials.
        calibration: ECE and Brier score; the bins are in ``reliability``.
        agreement: Kappa and alpha with people and among them; empty without reviews.
        cost: Milliseconds by step, tokens, and cost.
        confusion: Rows by gold decision and decided one: ``confusion[gold][decided]``.
        curves: By category.
        failures: Records that could not be judged, by reason code.
    """

    schema_version: int = 1
    run: RunInfo
    overall: Figures
    slices: dict[str, dict[str, Figures]]
    streams: Figures = {}
    retrieval: Figures = {}
    evidence: Figures = {}
    robustness: Figures = {}
    calibration: Figures = {}
    agreement: Figures = {}
    cost: Figures = {}
    confusion: dict[Decision, dict[Decision, int]]
    reliability: tuple[Bin, ...] = ()
    curves: dict[str, Curve] = {}
    failures: dict[str, int] = {}
    complete: bool = True


class Flip(Contract):
    """A row that two runs judge differently. ``better`` is None where both are right or both wrong in another way."""

    unit: str
    case_id: str
    step: int = 0
    region: str
    categories: tuple[str, ...]
    gold: Decision
    before: Decision
    after: Decision
    better: bool | None
    severe: bool = False
    reason: str = ""


class PairedTest(Contract):
    """One metric of two runs on the same rows.

    Attributes:
        metric: Such as ``missed_severe`` or ``wrongful_action``.
        dimension: ``overall``, or a dimension of slices.
        slice: Which; empty for overall.
        before: The first run's value.
        after: The second's.
        difference: ``after - before`` with its paired, clustered bootstrap interval.
        better: Segments that only the second run has right.
        worse: Segments that only the first has right.
        p: Exact two-sided McNemar probability; None for metrics that are no rates.
        p_holm: The same after Holm's correction over the slices of the metric.
        detectable: The smallest difference that so many segments would show with a power of 80 %.
        n: Segments.
    """

    metric: str
    dimension: str = "overall"
    slice: str = ""
    before: float | None
    after: float | None
    difference: Estimate
    better: int = 0
    worse: int = 0
    p: Probability | None = None
    p_holm: Probability | None = None
    detectable: float | None = None
    n: int = 0


class Comparison(Contract):
    """Two runs on the same cases.

    Attributes:
        before: The first, or the baseline.
        after: The second.
        tests: Overall first, then slices.
        flips: Rows that differ, the worse ones first.
        common: Rows that both have.
        only_before: Rows that only the first has.
        only_after: Rows that only the second has.
    """

    schema_version: int = 1
    before: RunInfo
    after: RunInfo
    tests: tuple[PairedTest, ...]
    flips: tuple[Flip, ...]
    common: int
    only_before: int = 0
    only_after: int = 0


class Result(StrEnum):
    """What a gate says; the worst of all is the outcome."""

    PASS = "pass"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"


class GateLine(Contract):
    """One gate with its result and why, in one sentence."""

    name: str
    result: Result
    message: str
    metric: str = ""
    dimension: str = "overall"
    slice: str = ""
    value: float | None = None
    limit: float | None = None


class Outcome(Contract):
    """What the gates say together; the verdict line and the exit code come from :func:`livesteward.evals.gates.conclude` alone."""

    result: Result
    line: Annotated[str, Field(min_length=1)]
    exit_code: Annotated[int, Field(ge=0, le=2)]
    gates: tuple[GateLine, ...] = ()
