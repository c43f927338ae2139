"""What a run of the evaluation leaves behind: one record for each judged segment, and what it was run with.

A record holds nothing that differs between two runs of the same thing: no times, no random ids. Times are kept beside it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from livesteward.contracts import Contract, Finding, ReviewCode, Ruling, TextItem, Verdict
from livesteward.contracts.base import Identifier, Jurisdiction, Probability, RuleId, Sha256, UtcTime
from livesteward.evals.cases import CaseId, Split

FAILURES: Final = frozenset(
    {
        ReviewCode.MODEL_UNAVAILABLE,
        ReviewCode.MODEL_TIMEOUT,
        ReviewCode.PERCEPTION_FAILED,
        ReviewCode.RULES_UNAVAILABLE,
        ReviewCode.INTERNAL_ERROR,
    }
)
"""Reasons for review that say nothing about the judge, only that something around it was broken."""


class ProbeKind(StrEnum):
    """What was taken away to see whether the verdict depends on it."""

    WITHOUT_EVIDENCE = "without_evidence"
    WITHOUT_OTHER = "without_other"


class Probe(Contract):
    """A verdict asked for again with something taken away.

    Attributes:
        kind: The cited evidence of the violation, or as many other items.
        removed: The ids of the items that were taken away.
        still: Whether the verdict still acts on the same category.
    """

    kind: ProbeKind
    removed: tuple[Identifier, ...]
    still: bool


class Record(Contract):
    """One segment, judged once.

    Attributes:
        case_id: The case or the stream.
        step: Place in the stream, from 0; 0 for a case.
        trial: Which of several tries, from 0.
        entry_digest: Of the case, with its media.
        verdict: With everything left out that differs between runs (ids, times).
        retrieved: Ids of the rules that retrieval found, best first, by jurisdiction.
        perceived: Texts that perception read or heard, as the judge saw them.
        probes: Asked for with ``--probe``.
    """

    case_id: CaseId
    split: Split
    step: Annotated[int, Field(ge=0)] = 0
    trial: Annotated[int, Field(ge=0)] = 0
    entry_digest: Sha256
    verdict: Verdict
    retrieved: dict[Jurisdiction, tuple[RuleId, ...]] = {}
    perceived: tuple[TextItem, ...] = ()
    probes: tuple[Probe, ...] = ()

    @property
    def key(self) -> tuple[str, int, int]:
        """Case, step, trial: unique in a run."""
        return (self.case_id, self.step, self.trial)

    @property
    def failure(self) -> ReviewCode | None:
        """Why the segment could not be judged, where something was broken."""
        return next((reason.code for reason in self.verdict.review_reasons if reason.code in FAILURES), None)

    def ruling(self, region: str) -> Ruling:
        """What was decided in ``region``."""
        return next(ruling for ruling in self.verdict.rulings if ruling.jurisdiction == region)

    def findings(self, region: str) -> tuple[Finding, ...]:
        """The findings that hold in ``region``."""
        return tuple(finding for finding in self.verdict.findings if region in finding.jurisdictions)


class Timing(Contract):
    """How long one segment took. ``from_cache`` records were not judged in this run; their times are those of the run that did."""

    case_id: CaseId
    step: int = 0
    trial: int = 0
    wall_ms: Annotated[float, Field(ge=0)]
    latency_ms: dict[str, float] = {}
    from_cache: bool = False


class Fingerprint(Contract):
    """Everything that a verdict depends on besides the case: two runs with the same one judge alike.

    Attributes:
        judge: ``embedded-heads`` or ``model``.
        model: Name of the model.
        model_revision: Its version or digest, as far as it is known.
        prompt: ``judge@v1`` and the digest of its text; empty where no prompt is used.
        sampling: Temperature and the like.
        rulebooks: Digest of the rules in force, by ``jurisdiction@day``.
        thresholds: Digest.
        settings: Digest of the other settings that count.
        code: Digest of the agent's code and trained weights.
    """

    judge: str
    model: str = ""
    model_revision: str = ""
    prompt: str = ""
    sampling: dict[str, float | int | str | bool] = {}
    rulebooks: dict[str, str] = {}
    thresholds: str = ""
    settings: str = ""
    code: str = ""


class RunInfo(Contract):
    """What was run: written when a run starts, completed when it ends.

    Attributes:
        name: Of the run's folder.
        dataset: The folder or file of the cases.
        dataset_digest: Of the selected cases with their media.
        splits: Which were run; empty where cases were named.
        entries: Digest of each case by id, in the order of the set.
        trials: How often each case was judged.
        fingerprint: What judged.
        finished_at: None while the run is not complete.
        records: How many records a complete run has.
    """

    schema_version: int = 1
    name: str
    dataset: str
    dataset_digest: Sha256
    splits: tuple[Split, ...] = ()
    entries: dict[CaseId, Sha256]
    trials: Annotated[int, Field(ge=1)] = 1
    probed: bool = False
    fingerprint: Fingerprint
    started_at: UtcTime
    finished_at: UtcTime | None = None
    records: int = 0
    library_version: str = ""


class Bin(Contract):
    """One bin of a reliability curve: mean confidence, share that was right, and how many."""

    confidence: Probability
    observed: Probability
    n: int
