"""Small segments, rules, claims and planted weights for the tests of the agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from livesteward.agents.screen.labels import COLUMN, HARM, INJECTION, LABELS, SCREEN_LABELS
from livesteward.agents.screen.ngrams import BITS, buckets
from livesteward.agents.screen.weights import Heads, NgramScreen, Weights
from livesteward.agents.state import Claim, ClaimedEvidence, Judgement, StreamMemory, Verified
from livesteward.contracts import (
    ActionKind,
    ActionLadder,
    Category,
    ChatMessage,
    Frame,
    Gift,
    HostFacts,
    LayerEffect,
    OverlayText,
    Provenance,
    RetrievedRule,
    Rule,
    RuleLayer,
    Segment,
    Severity,
    Speaker,
    Subject,
    SubjectKind,
    Utterance,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOST = Subject(kind=SubjectKind.HOST, subject_id="host")
GUEST = Subject(kind=SubjectKind.GUEST)
BENIGN = "Hello everyone, welcome back to the garden. Today we plant tomatoes and talk about the weather, soil and birds. " * 2

MARKERS = {
    Category.FRAUD_SCAM.value: "zqfraudqz",
    Category.HATE_HARASSMENT.value: "zwhatewz",
    Category.SELF_HARM.value: "zjdespairjz",
    INJECTION: "zkinjectkz",
}
"""Words that the planted screen and heads know, so that a test says itself what looks suspicious."""


def viewer(viewer_id: str) -> Subject:
    return Subject(kind=SubjectKind.VIEWER, subject_id=viewer_id)


def said(utterance_id: str, text: str, *, at_s: float = 1, speaker: Speaker = Speaker.HOST) -> Utterance:
    return Utterance(utterance_id=utterance_id, at_s=at_s, text=text, speaker=speaker)


def wrote(message_id: str, viewer_id: str, text: str, *, at_s: float = 2, is_host: bool = False, name: str = "") -> ChatMessage:
    return ChatMessage(message_id=message_id, at_s=at_s, viewer_id=viewer_id, text=text, is_host=is_host, display_name=name)


def shown(overlay_id: str, text: str, *, at_s: float = 3, frame_id: str | None = None) -> OverlayText:
    return OverlayText(overlay_id=overlay_id, at_s=at_s, text=text, frame_id=frame_id)


def gave(gift_id: str, viewer_id: str, message: str, *, name: str = "rose") -> Gift:
    return Gift(gift_id=gift_id, at_s=4, viewer_id=viewer_id, name=name, message=message)


def segment(
    *items: Utterance | ChatMessage | OverlayText | Gift | Frame,
    number: int = 1,
    region: str = "SG",
    audience: tuple[str, ...] = (),
    stream_id: str = "stream-1",
    prior_strikes: int = 0,
    **more: Any,
) -> Segment:
    return Segment(
        stream_id=stream_id,
        segment_id=f"{number:04d}",
        starts_at=NOW,
        offset_s=(number - 1) * 20.0,
        region=region,
        audience_regions=audience,
        host=HostFacts(host_id="host", prior_strikes=prior_strikes),
        utterances=tuple(item for item in items if isinstance(item, Utterance)),
        chat=tuple(item for item in items if isinstance(item, ChatMessage)),
        overlays=tuple(item for item in items if isinstance(item, OverlayText)),
        gifts=tuple(item for item in items if isinstance(item, Gift)),
        frames=tuple(item for item in items if isinstance(item, Frame)),
        **more,
    )


def rule(
    rule_id: str = "FRAUD-1.1",
    category: Category = Category.FRAUD_SCAM,
    *,
    severity: Severity = Severity.MEDIUM,
    host: Iterable[str] = ("warn", "pause_stream", "end_stream"),
    viewer: Iterable[str] = ("remove_message", "mute_viewer", "ban_viewer"),
    text: str = "Nobody may do this. It harms people.",
) -> Rule:
    return Rule(
        rule_id=rule_id,
        title=f"Rule {rule_id}",
        category=category,
        severity=severity,
        text=text,
        breaks=("bad one", "bad two"),
        allowed=("fine one", "fine two"),
        ladder=ActionLadder(host=tuple(map(ActionKind, host)), viewer=tuple(map(ActionKind, viewer))),
        notice="Please stop.",
        layers=(RuleLayer(jurisdiction="global", effect=LayerEffect.BASE, document="x.md", line=1, effective_from=date(2026, 1, 1)),),
    )


def found(*rules: Rule, places: tuple[str, ...] = ("SG",)) -> tuple[RetrievedRule, ...]:
    return tuple(RetrievedRule(jurisdiction=place, rule=one, score=1.0) for place in places for one in rules)


def claim(
    rule_id: str = "FRAUD-1.1",
    subject: Subject = HOST,
    *evidence: tuple[str, str],
    confidence: float = 0.9,
    jurisdictions: tuple[str, ...] = (),
    rationale: str = "It promises sure profit.",
) -> Claim:
    return Claim(
        rule_id=rule_id,
        subject=subject,
        confidence=confidence,
        rationale=rationale,
        evidence=tuple(ClaimedEvidence(item_id=item_id, quote=quote) for item_id, quote in evidence),
        jurisdictions=jurisdictions,
    )


def judgement(*claims: Claim, allows: bool | None = None, **more: Any) -> Judgement:
    return Judgement(judge="model", allows=not claims if allows is None else allows, claims=claims, **more)


def verified(*claims: Claim, places: tuple[str, ...] = ("SG",), **more: Any) -> Verified:
    return Verified(claims=claims, jurisdictions=tuple(places for _ in claims), **more)


def memory(**more: Any) -> StreamMemory:
    return StreamMemory(stream_id="stream-1", **more)


PROVENANCE = Provenance(judge="model")


def planted_weights(fingerprint: str = "test", *, markers: Mapping[str, str] = MARKERS) -> Weights:
    """Weights that give a text with a marker a high score for its label, and any other text a low one."""
    found = {label: set(buckets(word).tolist()) for label, word in markers.items()}
    harmless = set(buckets(BENIGN).tolist())
    weights = np.zeros((1 << BITS, len(SCREEN_LABELS)), dtype=np.int8)
    for label in markers:
        others = set().union(*(found[other] for other in markers if other != label))
        own = sorted(found[label] - others - harmless)
        weights[own, COLUMN[label]] = 127
        weights[own, SCREEN_LABELS.index(HARM)] = 127
    ones = np.ones(len(SCREEN_LABELS), dtype=np.float32)
    screen = NgramScreen(weights=weights, scale=ones * 0.1, slope=ones, offset=ones * -5, floor=0.5)
    landmarks = np.zeros((2, 384), dtype=np.float32)
    heads = np.zeros((len(landmarks) + len(SCREEN_LABELS), len(LABELS)), dtype=np.float32)
    for column in range(len(LABELS)):
        heads[len(landmarks) + column, column] = 3
    bias = np.full(len(LABELS), -5, dtype=np.float32)
    return Weights(
        screen=screen,
        heads=Heads(
            landmarks=landmarks, gamma=0.1, weights=heads, bias=bias, mean=np.zeros(384, dtype=np.float32), fingerprint=fingerprint
        ),
        manifest={"sha256": "0" * 64},
    )
