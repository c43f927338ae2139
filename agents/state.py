"""What travels through the graph. Pictures and sound never do: only references to them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypedDict

from pydantic import Field

from livesteward.agents.perception.perceived import FrameRef
from livesteward.contracts import (
    Category,
    Contract,
    Modality,
    PerceptionReport,
    PromptRef,
    RetrievedRule,
    ReviewDecision,
    ReviewReason,
    RulebookRef,
    Segment,
    Speaker,
    Subject,
    TokenCounts,
    Verdict,
)
from livesteward.contracts.base import Sha256
from livesteward.models.protocol import TextPart, ToolCall
from livesteward.prompts.rulebook_layout import RulebookLayout


class ItemScore(Contract):
    """What the screen says of one text: a probability for each of the labels, in their order."""

    item_id: str
    scores: tuple[float, ...]


class Screened(Contract):
    """The screen's result: the texts that it could not clear, and why the segment as a whole is clear or not."""

    cleared: bool
    suspects: tuple[ItemScore, ...] = ()
    scores: dict[Category, float] = {}
    injections: tuple[str, ...] = ()
    """Ids of items that pose as instructions to the moderator."""
    visual: bool = False
    """Whether pictures keep the segment from being cleared."""


class ClaimedEvidence(Contract):
    """A place that a judge points at, not yet checked."""

    item_id: str
    quote: str = ""
    weight: Annotated[float, Field(ge=0, le=1)] | None = None


class Claim(Contract):
    """A finding as a judge states it, not yet verified."""

    rule_id: str
    subject: Subject
    confidence: Annotated[float, Field(ge=0, le=1)]
    rationale: str
    evidence: tuple[ClaimedEvidence, ...]
    jurisdictions: tuple[str, ...] = ()
    """Those that the judge means; empty for every one whose rulebook has the rule."""


class Judgement(Contract):
    """What a judge said, with how it came to it.

    ``unsure`` holds reasons of the judge's own to ask for a person; ``allows`` is whether it says that the segment is fine.
    """

    judge: str
    allows: bool
    claims: tuple[Claim, ...] = ()
    unsure: tuple[ReviewReason, ...] = ()
    scores: dict[Category, float] = {}
    model: str = ""
    model_revision: str = ""
    engine: str = ""
    profile: str = ""
    endpoint: str = ""
    fallback: bool = False
    prompt: PromptRef | None = None
    rulebook_form: str = ""
    sampling: dict[str, float | int | str | bool] = {}
    tokens: TokenCounts = TokenCounts()
    trimmed: dict[str, int] = {}
    frames_shown: tuple[str, ...] = ()
    """Ids of the pictures that it has certainly looked at."""
    replayed: bool = False


class Verified(Contract):
    """The claims that held, each with the jurisdictions whose rulebook has its rule, and why the others did not."""

    claims: tuple[Claim, ...] = ()
    jurisdictions: tuple[tuple[str, ...], ...] = ()
    rejected: tuple[ReviewReason, ...] = ()
    stream_in_doubt: bool = False
    """Whether one of the rejected claims was about the host or a guest."""


class Strike(Contract):
    """One intervention in a stream, remembered so that the next one knows of it. ``at_s`` is stream time."""

    subject: Subject
    rule_id: str
    at_s: float
    number: Annotated[int, Field(ge=1)]


class PastLine(Contract):
    """Something that was said, written or shown earlier in a stream.

    ``at_s`` is stream time; ``viewer_id`` is set where a viewer wrote it, ``speaker`` where somebody spoke.
    """

    at_s: float
    kind: Modality
    text: str
    speaker: Speaker | None = None
    viewer_id: str | None = None


class StreamMemory(Contract):
    """What earlier segments of a stream left behind."""

    stream_id: str = ""
    segments: int = 0
    strikes: tuple[Strike, ...] = ()
    recent_speech: str = ""
    """The last words of the host, as context for a model that judges; at most 600 characters."""
    lines: tuple[PastLine, ...] = ()
    """The last minutes by time, for a judge that may look back; kept only where one may."""


class ShownPart(Contract):
    """A part of a picture that a judge looked at more closely: where its bytes are, never the bytes.

    ``box`` has left, top, right and bottom as shares of the picture's width and height; ``at_s`` counts from the start of the segment.
    """

    frame_id: str
    at_s: float
    box: tuple[float, float, float, float]
    sha256: Sha256


class Answered(Contract):
    """A call of a judge that asked, with what it was told."""

    call: ToolCall
    told: tuple[TextPart, ...]
    shown: ShownPart | None = None
    failed: bool = False
    elapsed_ms: float = 0


class Inquiry(Contract):
    """What a judge has asked so far about one segment.

    Attributes:
        nonce: Of the fence, the same in all requests about the segment.
        pending: Calls that nobody has answered yet.
        steps: The calls that were answered, by step.
        rules: Jurisdiction and id of the rules that were given in full by asking; they are among the state's rules.
        items: Ids of the utterances that were heard by asking; they are in the state's segment.
        tokens: Of the requests so far.
    """

    nonce: str
    pending: tuple[ToolCall, ...] = ()
    steps: tuple[tuple[Answered, ...], ...] = ()
    rules: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()
    tokens: TokenCounts = TokenCounts()


def _joined(old: tuple[ReviewReason, ...], new: tuple[ReviewReason, ...]) -> tuple[ReviewReason, ...]:
    return (*old, *(reason for reason in new if reason not in old))


def _summed(old: dict[str, float], new: dict[str, float]) -> dict[str, float]:
    return {**old, **{name: old.get(name, 0.0) + value for name, value in new.items()}}


class GraphState(TypedDict, total=False):
    """The state, every field typed so that a strict checkpoint gives back what it was given.

    ``problems`` are failures of steps; each makes the verdict a review unless a verified violation stands anyway.
    """

    verdict_id: str
    segment: Segment
    regions: tuple[str, ...]
    on: date
    memory: StreamMemory
    input_digest: str
    perception: tuple[PerceptionReport, ...]
    frames: tuple[FrameRef, ...]
    screened: Screened
    rulebooks: tuple[RulebookRef, ...]
    rules: tuple[RetrievedRule, ...]
    inquiry: Inquiry
    layout: RulebookLayout
    judgement: Judgement
    verified: Verified
    problems: Annotated[tuple[ReviewReason, ...], _joined]
    latency_ms: Annotated[dict[str, float], _summed]
    verdict: Verdict
    person: ReviewDecision
