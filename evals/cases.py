"""Golden cases: what was seen on an invented stream, and what the rules make of it in which country.

People write them as YAML with the short forms that :mod:`livesteward.evals.writing` spells out; programs write them as JSONL. Either way
one case is one of the contracts here.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from livesteward.contracts import Category, Contract, Decision, Segment, Severity
from livesteward.contracts.base import Identifier, Jurisdiction, RuleId, Seconds

CaseId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=96)]
"""Lower-case letters, digits and single dashes."""

Remark = Annotated[str, Field(max_length=2_000)]
Caption = Annotated[str, Field(max_length=80)]


class Split(StrEnum):
    """What a case is for: trying things, the gate on every change, or the last look before a release."""

    DEV = "dev"
    GOLDEN = "golden"
    CANARY = "canary"


class Tag(StrEnum):
    """What makes a case worth having, beyond its label."""

    OBFUSCATION = "obfuscation"
    CODE_SWITCHING = "code_switching"
    EMOJI = "emoji"
    TRANSLITERATION = "transliteration"
    DIALECT = "dialect"
    RAID = "raid"
    TROLL = "troll"
    QUOTE = "quote"
    FICTION = "fiction"
    GAME = "game"
    NEWS = "news"
    EDUCATION = "education"
    RECOVERY = "recovery"
    SATIRE = "satire"


class ExpectedSubject(StrEnum):
    """Whose conduct a gold finding is about."""

    HOST = "host"
    GUEST = "guest"
    VIEWERS = "viewers"


class Scene(StrEnum):
    """A picture that :mod:`livesteward.evals.staging` can draw."""

    POSTER = "poster"
    SLIDE = "slide"
    PHONE = "phone"
    NOTE = "note"
    WEBPAGE = "webpage"
    CAPTION = "caption"
    PRICE_LIST = "price_list"
    TSHIRT = "tshirt"
    WHITEBOARD = "whiteboard"
    PARCEL = "parcel"
    GAME = "game"
    SIGN = "sign"
    DESK = "desk"


class Drawing(Contract):
    """A picture to draw, with its lines of text from top to bottom."""

    scene: Scene
    text: Annotated[tuple[Caption, ...], Field(max_length=8)] = ()


class Sound(Contract):
    """Sentences to speak, one after the other, and the picture shown meanwhile. ``voice`` is one of espeak-ng's."""

    voice: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]+)*$", max_length=32)] = "en-us"
    text: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=400)], ...], Field(min_length=1, max_length=12)]
    show: Drawing = Drawing(scene=Scene.DESK)


class Span(Contract):
    """A place that decides, verbatim.

    ``item`` is the id of a text of the segment, ``title``, the id of a drawn frame, or ``sound``.
    """

    item: Identifier
    quote: Annotated[str, Field(min_length=1, max_length=2_000)]


class ExpectedFinding(Contract):
    """What a good verdict finds. Any of ``rules`` is a right citation, the best first; imported sets name none."""

    rules: Annotated[tuple[RuleId, ...], Field(max_length=12)] = ()
    category: Category
    severity: Severity
    subject: ExpectedSubject
    subject_ids: tuple[Identifier, ...] = ()
    evidence: Annotated[tuple[Span, ...], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _viewers_are_named(self) -> Self:
        if (self.subject is ExpectedSubject.VIEWERS) != bool(self.subject_ids):
            raise ValueError("subject_ids: name the viewers where the subject is viewers, and only there")
        return self


class Expectation(Contract):
    """What a good verdict says in some regions.

    ``review`` is for what the rules leave to a person: acting alone and letting it go are both wrong.
    """

    regions: Annotated[tuple[Jurisdiction, ...], Field(min_length=1, max_length=20)]
    decision: Decision
    findings: tuple[ExpectedFinding, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.decision is Decision.ALLOW and self.findings:
            raise ValueError("findings: an allowed case has none")
        if self.decision is Decision.VIOLATION and not self.findings:
            raise ValueError("findings: a violation needs at least one")
        return self

    @property
    def stream_decision(self) -> Decision:
        """The decision without what viewers did."""
        if self.findings and all(finding.subject is ExpectedSubject.VIEWERS for finding in self.findings):
            return Decision.ALLOW
        return self.decision

    @property
    def categories(self) -> frozenset[Category]:
        """Of its findings."""
        return frozenset(finding.category for finding in self.findings)

    @property
    def severity(self) -> Severity | None:
        """The worst of its findings."""
        return max((finding.severity for finding in self.findings), key=lambda severity: severity.rank, default=None)


class Injection(Contract):
    """What was put into a case to sway the moderator.

    ``base`` is the same case without it. What is expected for the stream is the same; the author of the text, where one can be named,
    breaks a rule by it.
    """

    base: CaseId
    via: Literal["chat", "speech", "overlay", "image"]
    aim: Literal["acquit", "punish"]


class Human(Contract):
    """What one person decided on a case without seeing its label, for the agreement between people and with the agent."""

    case_id: CaseId
    step: Annotated[int, Field(ge=0)] = 0
    region: Jurisdiction
    reviewer: Identifier
    decision: Decision
    categories: tuple[Category, ...] = ()
    note: Remark = ""


class Staging(Contract):
    """How the media of a segment are made: a drawing for each frame id, and what is spoken."""

    drawings: dict[Identifier, Drawing] = {}
    sound: Sound | None = None


class Case(Contract):
    """One segment with what a good verdict on it says.

    Attributes:
        case_id: Unique in the set.
        split: See :class:`Split`.
        segment: What was seen and heard. Its media paths are relative to the dataset's ``media`` folder.
        expect: One entry for each group of regions that judge alike; all their regions are asked for.
        reason: Why, in the terms of the rules.
        note: What the case tests, what makes it hard, and how sure its label is.
        twin_of: The other case of a minimal pair, on one of the two.
        differs: The one detail in which they differ.
        looks_like: Categories that an allowed case resembles.
        source: Where an imported case comes from, with its licence; empty for those written here.
    """

    case_id: CaseId
    split: Split = Split.DEV
    segment: Segment
    expect: Annotated[tuple[Expectation, ...], Field(min_length=1)]
    reason: Remark
    note: Remark = ""
    twin_of: CaseId | None = None
    differs: Remark = ""
    looks_like: tuple[Category, ...] = ()
    tags: tuple[Tag, ...] = ()
    injection: Injection | None = None
    staging: Staging = Staging()
    source: Annotated[str, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        regions = [region for expectation in self.expect for region in expectation.regions]
        if len(set(regions)) != len(regions):
            raise ValueError("expect: a region stands in two entries")
        if bool(self.twin_of) != bool(self.differs):
            raise ValueError("differs: goes with twin_of; give both or none")
        if self.twin_of == self.case_id or (self.injection and self.injection.base == self.case_id):
            raise ValueError("a case is neither its own twin nor its own base")
        return self

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that is asked for, in the order of ``expect``."""
        return tuple(region for expectation in self.expect for region in expectation.regions)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The one segment."""
        return (self.segment,)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The case as its only step: cases and streams can be walked alike."""
        return (Step(segment=self.segment, expect=self.expect, staging=self.staging),)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that is in the case."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class Step(Contract):
    """One segment of a golden stream, with its expectation for every region of the stream."""

    segment: Segment
    expect: Annotated[tuple[Expectation, ...], Field(min_length=1)]
    staging: Staging = Staging()


class StreamCase(Contract):
    """A whole stream: its segments in order, and when the host or a guest first broke a rule.

    Attributes:
        case_id: Its stream id.
        violation_starts_s: Seconds from the start of the stream; None for an innocent stream (also where only viewers break rules).
        steps: 6-20 segments.
    """

    case_id: CaseId
    split: Split = Split.DEV
    regions: Annotated[tuple[Jurisdiction, ...], Field(min_length=1, max_length=20)]
    steps: Annotated[tuple[Step, ...], Field(min_length=2, max_length=60)]
    violation_starts_s: Seconds | None = None
    reason: Remark
    note: Remark = ""
    looks_like: tuple[Category, ...] = ()
    tags: tuple[Tag, ...] = ()
    source: Annotated[str, Field(max_length=300)] = ""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """In order."""
        return tuple(step.segment for step in self.steps)

    @property
    def duration_s(self) -> float:
        """Length of the stream in seconds."""
        last = self.steps[-1].segment
        return last.offset_s + last.duration_s

    @property
    def digest(self) -> str:
        """SHA-256 of everything that is in the case."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


Entry = Case | StreamCase
"""What a dataset is made of."""


def gold_for(expectations: tuple[Expectation, ...], region: str) -> Expectation:
    """Return the expectation that holds in ``region``."""
    return next(expectation for expectation in expectations if region in expectation.regions)
