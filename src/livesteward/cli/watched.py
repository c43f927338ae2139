"""A stream as it was watched: what was decided in its segments, and what that comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livesteward.cli.plain import plain
from livesteward.contracts import Decision, Evidence, Finding, Modality, RetrievedRule, Ruling, Segment, Speaker

if TYPE_CHECKING:
    from livesteward.sdk import Examined


@dataclass(frozen=True)
class Moment:
    """A finding in a segment of a stream, with its earliest evidence."""

    examined: Examined
    finding: Finding
    evidence: Evidence

    @property
    def at_s(self) -> float:
        """Seconds from the start of the stream."""
        return self.examined.segment.offset_s + self.evidence.at_s


@dataclass
class WatchedStream:
    """A stream, what was made of its segments so far, and how long that took.

    Attributes:
        source: The folder or file.
        segments: As loaded.
        examined: In order; fewer than the segments while it runs or where it stopped.
        seconds: Spent on it.
        error: Why it stopped, if it did.
    """

    source: Path
    segments: tuple[Segment, ...]
    media_root: Path | None = None
    examined: list[Examined] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""

    @property
    def stream_id(self) -> str:
        """As the platform names it."""
        return self.segments[0].stream_id

    @property
    def title(self) -> str:
        """The stream's title, or its id where it has none; safe to show."""
        return plain(self.segments[0].title) or plain(self.stream_id)

    @property
    def duration_s(self) -> float:
        """To the end of the last segment."""
        return max(segment.offset_s + segment.duration_s for segment in self.segments)

    @property
    def decision(self) -> Decision:
        """The worst of its segments; a stream that was not watched to its end is never allowed."""
        worst = max((seen.verdict.decision for seen in self.examined), key=lambda found: found.rank, default=Decision.REVIEW)
        return Decision.REVIEW if worst is Decision.ALLOW and len(self.examined) < len(self.segments) else worst

    @property
    def by_region(self) -> dict[str, Decision]:
        """The worst decision in each jurisdiction that was asked for, viewers' doings included."""
        return self._worst_by_region(lambda ruling: ruling.decision)

    @property
    def stream_by_region(self) -> dict[str, Decision]:
        """The same without what viewers did: a stream can be right while its chat is wrong."""
        return self._worst_by_region(lambda ruling: ruling.stream_decision)

    def only_viewers(self, place: str) -> bool:
        """Say whether a jurisdiction's decision is on account of viewers alone."""
        return self.by_region[place] is not self.stream_by_region[place]

    def _worst_by_region(self, part: Callable[[Ruling], Decision]) -> dict[str, Decision]:
        found: dict[str, Decision] = {}
        for ruling in (ruling for seen in self.examined for ruling in seen.verdict.rulings):
            found[ruling.jurisdiction] = max(
                found.get(ruling.jurisdiction, Decision.ALLOW), part(ruling), key=lambda decision: decision.rank
            )
        return found

    @property
    def latency_ms(self) -> dict[str, float]:
        """Milliseconds by step, over all segments."""
        total: dict[str, float] = {}
        for seen in self.examined:
            for step, value in seen.verdict.provenance.latency_ms.items():
                total[step] = total.get(step, 0.0) + value
        return total

    def moments(self) -> list[Moment]:
        """Return every finding with its earliest evidence, in the order of the stream."""
        return sorted((moment for seen in self.examined for moment in moments_of(seen)), key=lambda moment: moment.at_s)

    def first_violation(self) -> Moment | None:
        """Return the first moment that a violation rests on, else the first one that a person should look at."""
        return next((moment for moment in self.moments() if is_violation(moment)), None) or next(iter(self.moments()), None)


def moments_of(examined: Examined) -> Iterator[Moment]:
    """Yield the findings of one verdict."""
    for finding in examined.verdict.findings:
        yield Moment(examined, finding, min(finding.evidence, key=lambda evidence: evidence.at_s))


def is_violation(moment: Moment) -> bool:
    """Say whether a finding is what a jurisdiction acts on; the others keep a person busy."""
    return moment.finding.decision is Decision.VIOLATION


def rule_of(examined: Examined, finding: Finding) -> RetrievedRule | None:
    """Return the rule that a finding names, as the first of its jurisdictions has it."""
    return next(
        (
            found
            for place in finding.jurisdictions
            for found in examined.rules
            if found.jurisdiction == place and found.rule.rule_id == finding.rule_id
        ),
        None,
    )


def speaker_of(segment: Segment, evidence: Evidence) -> str:
    """Return who said or wrote a piece of evidence, as far as the segment tells; safe to show."""
    if evidence.modality is Modality.CHAT:
        for message in segment.chat:
            if message.message_id == evidence.item_id:
                name = plain(message.display_name or message.viewer_id, limit=40)
                return f"{name} (host)" if message.is_host else name
    if evidence.modality is Modality.SPEECH:
        spoke = next((said.speaker for said in segment.utterances if said.utterance_id == evidence.item_id), Speaker.UNKNOWN)
        return "" if spoke is Speaker.UNKNOWN else spoke.value
    if evidence.modality is Modality.GIFT:
        return next((plain(gift.viewer_id, limit=40) for gift in segment.gifts if gift.gift_id == evidence.item_id), "")
    return ""


def without_bytes(segment: Segment) -> dict[str, Any]:
    """Return a segment as JSON data with what perception added, without the encoded pictures."""
    data: dict[str, Any] = segment.model_dump(mode="json", exclude={"frames": {"__all__": {"image"}}})
    return data
