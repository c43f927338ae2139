"""Verdicts: what was decided about a segment, why, on whose account, and how it came about."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from livesteward.contracts.base import (
    SCHEMA_VERSION,
    ActionKind,
    Category,
    Contract,
    Decision,
    Identifier,
    Jurisdiction,
    Modality,
    Probability,
    RuleId,
    Seconds,
    Severity,
    Sha256,
    SubjectKind,
    UtcTime,
)
from livesteward.contracts.rule import RulebookRef


class Subject(Contract):
    """Whose conduct a finding or action is about; ``subject_id`` is the viewer's or host's id where it is known."""

    kind: SubjectKind
    subject_id: Identifier | None = None

    @model_validator(mode="after")
    def _viewer_is_known(self) -> Self:
        if self.kind is SubjectKind.VIEWER and self.subject_id is None:
            raise ValueError("a viewer needs a subject_id")
        return self


class Evidence(Contract):
    """A place in the segment that shows the claim.

    ``quote`` is verbatim from the item (empty for a frame); ``weight`` says how much the score of the finding falls when the item is
    taken away, where the judge measures that.
    """

    modality: Modality
    item_id: Identifier
    at_s: Seconds
    quote: Annotated[str, Field(max_length=2_000)] = ""
    weight: Probability | None = None


class Finding(Contract):
    """One broken rule, by one subject, with the evidence for it.

    ``jurisdictions`` are those whose rulebook holds the rule that ``rule_id`` names; ``decision`` is what they make of it, by their
    thresholds: ``violation``, or ``review`` where a person must look.
    """

    rule_id: RuleId
    rule_title: Annotated[str, Field(max_length=120)]
    category: Category
    severity: Severity
    subject: Subject
    jurisdictions: Annotated[tuple[Jurisdiction, ...], Field(min_length=1)]
    decision: Decision
    confidence: Probability
    rationale: Annotated[str, Field(min_length=1, max_length=4_000)]
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _is_against_something(self) -> Self:
        if self.decision is Decision.ALLOW:
            raise ValueError("decision: a finding is a violation or for review")
        return self


class Action(Contract):
    """What is to be done to one subject; ``strike`` counts from 1, and ``rule_ids`` say on whose ground."""

    subject: Subject
    action: ActionKind
    rule_ids: tuple[RuleId, ...] = ()
    strike: Annotated[int, Field(ge=1)] = 1


class Ruling(Contract):
    """The decision in one jurisdiction; ``stream_decision`` leaves out what viewers did."""

    jurisdiction: Jurisdiction
    decision: Decision
    stream_decision: Decision
    actions: tuple[Action, ...] = ()

    @model_validator(mode="after")
    def _stream_is_part_of_it(self) -> Self:
        _check_part(self.decision, self.stream_decision)
        return self


def _check_part(decision: Decision, stream_decision: Decision) -> None:
    if stream_decision.rank > decision.rank:
        raise ValueError(f"stream_decision is {stream_decision.value} and decision, which covers the stream too, only {decision.value}")


class ReviewCode(StrEnum):
    """Why a person must look."""

    UNSURE = "unsure"
    MODEL_UNAVAILABLE = "model_unavailable"
    MODEL_TIMEOUT = "model_timeout"
    MODEL_REFUSED = "model_refused"
    MODEL_INVALID_ANSWER = "model_invalid_answer"
    UNVERIFIED_FINDING = "unverified_finding"
    INJECTION_SUSPECTED = "injection_suspected"
    PERCEPTION_FAILED = "perception_failed"
    RULES_UNAVAILABLE = "rules_unavailable"
    INPUT_TRIMMED = "input_trimmed"
    INTERNAL_ERROR = "internal_error"


class ReviewReason(Contract):
    """One reason for review: the code for programs, the detail for people."""

    code: ReviewCode
    detail: Annotated[str, Field(max_length=2_000)]


class PerceptionState(StrEnum):
    """What came of one perception model."""

    USED = "used"
    NOT_NEEDED = "not_needed"
    ABSENT = "absent"
    FAILED = "failed"


class PerceptionReport(Contract):
    """What one perception model did for a verdict; ``detail`` says what is missing and how to get it."""

    name: Annotated[str, Field(max_length=64)]
    state: PerceptionState
    detail: Annotated[str, Field(max_length=1_000)] = ""
    model: Annotated[str, Field(max_length=200)] = ""


class PromptRef(Contract):
    """The prompt that was used: ``judge`` in version 1, with the digest of its file."""

    name: str
    version: Annotated[int, Field(ge=1)]
    sha256: Sha256


class TokenCounts(Contract):
    """Tokens of the model calls of one verdict. ``cached`` are prompt tokens that the engine already held."""

    prompt: Annotated[int, Field(ge=0)] = 0
    completion: Annotated[int, Field(ge=0)] = 0
    cached: Annotated[int, Field(ge=0)] = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        """Return the sum over two calls."""
        # An engine that does not say leaves it unset, which is not the same as 0.
        known = {"cached": self.cached + other.cached} if "cached" in self.model_fields_set | other.model_fields_set else {}
        return TokenCounts(prompt=self.prompt + other.prompt, completion=self.completion + other.completion, **known)


class InquiryCall(Contract):
    """Something that a model asked before it answered, and what it was told.

    Attributes:
        step: Counts from 1; calls of one step were asked for together.
        tool: ``look_back``, ``find_rules``, ``look_closer``, ``listen_again``, or ``decide`` where it had seen enough.
        arguments: As the model gave them.
        answer: What it was told; of more than 8,000 characters the beginning, with a mark that says how many there were.
        failed: Whether it could not be told what it asked for; ``answer`` says why.
        picture: SHA-256 of the part of a picture that it was shown.
        elapsed_ms: Milliseconds that finding the answer took.
    """

    step: Annotated[int, Field(ge=1)]
    tool: Annotated[str, Field(max_length=64)]
    arguments: dict[
        Annotated[str, Field(max_length=64)],
        Annotated[str, Field(max_length=500)] | int | float | Annotated[tuple[float, ...], Field(max_length=16)],
    ] = {}
    answer: Annotated[str, Field(max_length=8_000)] = ""
    failed: bool = False
    picture: Sha256 | None = None
    elapsed_ms: Annotated[float, Field(ge=0)] = 0


class Provenance(Contract):
    """How a verdict came about, enough to do it again.

    Attributes:
        judge: ``embedded-heads``, ``model``, ``screen`` (nothing was left to judge) or ``none`` (it could not be judged).
        model: Name of the model that judged, as its engine knows it.
        model_revision: Its version or digest.
        engine: What ran it, with version: ``openai-compatible``, ``openvino-genai 2026.4`` or ``numpy``.
        profile: By which profile a served model was asked, such as ``qwen3-vl`` or ``plain``.
        endpoint: The address of the server that judged, where one did.
        fallback: Whether the first model did not answer and another judged; ``model`` names it.
        rulebook_form: How much of the rulebook stood at the beginning of a model's prompt: ``whole``, ``brief`` (without examples),
            ``texts`` (without exceptions too) or ``found`` (only the rules that the search found were given).
        rulebooks: One for each jurisdiction asked for.
        sampling: Temperature, seed and the like, where a model was sampled.
        thresholds_digest: Of the settings that ``decide`` used.
        input_digest: SHA-256 of the segment as validated, media included.
        tokens: Of all calls of the model.
        latency_ms: Milliseconds by step of the graph; where a step was taken several times, of all of them.
        trimmed: What the token budget left out, by kind.
        replayed: Whether a recorded answer was used in place of the model.
        inquiry: What the model asked before it answered, in order.
    """

    judge: str
    model: str = ""
    model_revision: str = ""
    engine: str = ""
    profile: str = ""
    endpoint: Annotated[str, Field(max_length=2_000)] = ""
    fallback: bool = False
    prompt: PromptRef | None = None
    rulebook_form: Annotated[str, Field(max_length=32)] = ""
    rulebooks: tuple[RulebookRef, ...] = ()
    sampling: dict[str, float | int | str | bool] = {}
    thresholds_digest: str = ""
    input_digest: str = ""
    tokens: TokenCounts = TokenCounts()
    latency_ms: dict[str, float] = {}
    trimmed: dict[str, int] = {}
    perception: tuple[PerceptionReport, ...] = ()
    replayed: bool = False
    inquiry: tuple[InquiryCall, ...] = ()
    library_version: str = ""


class Verdict(Contract):
    """The agent's reasoned decision on one segment.

    Attributes:
        decision: The worst over all jurisdictions and subjects.
        stream_decision: The same without what viewers did: a stream can be right while its chat is wrong.
        findings: Verified findings only. What could not be verified is named in ``review_reasons``.
        rulings: Decision and actions for each jurisdiction asked for.
        scores: Probability by category, as the judge (or, where it cleared the segment, the screen) gave it.
        review_reasons: Never empty where the decision is ``review``.
    """

    schema_version: int = SCHEMA_VERSION
    verdict_id: Identifier
    stream_id: Identifier
    segment_id: Identifier
    decided_at: UtcTime
    decision: Decision
    stream_decision: Decision
    findings: tuple[Finding, ...] = ()
    rulings: tuple[Ruling, ...]
    scores: dict[Category, Probability] = {}
    review_reasons: tuple[ReviewReason, ...] = ()
    provenance: Provenance

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        _check_part(self.decision, self.stream_decision)
        worst = max((ruling.decision for ruling in self.rulings), key=lambda decision: decision.rank, default=self.decision)
        if worst is not self.decision:
            raise ValueError(f"decision is {self.decision.value} and the worst of the rulings {worst.value}")
        if self.decision is Decision.ALLOW and (self.findings or self.review_reasons):
            raise ValueError("an allow has neither findings nor reasons for review")
        if self.decision is Decision.REVIEW and not self.review_reasons:
            raise ValueError("a review needs at least one reason")
        worst_finding = max((finding.decision.rank for finding in self.findings), default=0)
        if self.decision is Decision.VIOLATION and worst_finding != Decision.VIOLATION.rank:
            raise ValueError("a violation needs at least one finding that is one")
        if worst_finding > self.decision.rank:
            raise ValueError(f"a finding is worse than the decision, which is {self.decision.value}")
        return self


class ReviewDecision(Contract):
    """A person's decision on a verdict that was sent to review."""

    reviewer: Identifier
    decision: Decision
    note: Annotated[str, Field(max_length=4_000)] = ""

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if self.decision is Decision.REVIEW:
            raise ValueError("decision: a person decides 'allow' or 'violation'")
        return self
