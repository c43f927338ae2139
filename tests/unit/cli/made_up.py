"""A made-up stream, as a steward would have examined it, and a steward that needs no models."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from PIL import Image, ImageDraw

from livesteward.agents.state import StreamMemory
from livesteward.agents.steps import StepEvent
from livesteward.cli.watched import WatchedStream
from livesteward.contracts import (
    Action,
    ActionKind,
    ActionLadder,
    Category,
    ChatMessage,
    Decision,
    Evidence,
    Finding,
    Frame,
    LayerEffect,
    Modality,
    Origin,
    OverlayText,
    PerceptionReport,
    PerceptionState,
    Provenance,
    RetrievedRule,
    ReviewCode,
    ReviewReason,
    Rule,
    RulebookRef,
    RuleLayer,
    Ruling,
    Segment,
    Severity,
    Subject,
    SubjectKind,
    Utterance,
    Verdict,
)
from livesteward.errors import LivestewardError
from livesteward.sdk import Examined
from livesteward.settings import Settings

DAY = date(2026, 11, 22)
HOST = Subject(kind=SubjectKind.HOST)
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"
    "[bold red]markup[/] \x1b[31mred\x1b[0m \x1b]0;title\x07\u202ereversed\u2066 javascript:alert(1)"
)


def picture(colour: str = "#2f6f73", word: str = "LIVE") -> bytes:
    image = Image.new("RGB", (640, 360), colour)
    drawn = ImageDraw.Draw(image)
    drawn.rectangle((0, 300, 640, 360), fill="#ffd23f")
    drawn.text((40, 320), word, fill="black", font_size=24)
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()


def segment(number: int = 1, *, stream_id: str = "made-up", chat: str = "is this legit??", title: str = "Last chance today") -> Segment:
    start = (number - 1) * 20.0
    return Segment(
        stream_id=stream_id,
        segment_id=f"{number:04d}",
        starts_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        offset_s=start,
        duration_s=20,
        region="SG",
        audience_regions=("US",),
        language="en",
        title=title,
        frames=tuple(Frame(frame_id=f"key-{number}-{place}", at_s=at_s) for place, at_s in enumerate((0.0, 6.0, 12.0, 18.0))),
        utterances=(
            Utterance(
                utterance_id=f"asr-{number}-1",
                at_s=0.6,
                end_s=2.8,
                text="Hello everyone, and welcome back.",
                origin=Origin.SPEECH_RECOGNITION,
            ),
            Utterance(
                utterance_id=f"asr-{number}-2",
                at_s=3.2,
                end_s=9.0,
                text="Send me one hundred dollars today, and I will send you two hundred dollars back tomorrow. Just scan the code.",
                origin=Origin.SPEECH_RECOGNITION,
            ),
        ),
        chat=(
            ChatMessage(message_id=f"c-{number}-1", at_s=5.5, viewer_id="jonno", display_name="Jonno 🐟", text=chat),
            ChatMessage(
                message_id=f"c-{number}-2", at_s=13, viewer_id="oldpine", text="nobody can guarantee that, please don't send him anything"
            ),
        ),
        overlays=(
            OverlayText(
                overlay_id=f"ocr-{number}-1", at_s=6, text="GUARANTEED200%PROFIT IN 24 HOURS", frame_id=f"key-{number}-1", origin=Origin.OCR
            ),
        ),
    )


RULE = Rule(
    rule_id="FRAUD-2.1",
    title="Promises of sure profit",
    category=Category.FRAUD_SCAM,
    severity=Severity.HIGH,
    text="Do not promise that money which viewers send will come back multiplied, or that a profit is sure.",
    exceptions=("Warning others of such promises.",),
    breaks=("Send me 100 and get 200 back.", "Profit guaranteed, no risk."),
    allowed=("Nobody can guarantee a profit.", "I lost money on this; be careful."),
    ladder=ActionLadder(host=(ActionKind.PAUSE_STREAM, ActionKind.END_STREAM)),
    notice="You promised viewers a sure profit.",
    norms=("Invented Act 2001, section 3",),
    layers=(RuleLayer(jurisdiction="global", effect=LayerEffect.BASE, document="global/fraud-and-scams.md", line=12, effective_from=DAY),),
)


def provenance(**changes: Any) -> Provenance:
    return Provenance(
        **{
            "judge": "embedded-heads",
            "engine": "numpy",
            "rulebooks": tuple(
                RulebookRef(jurisdiction=place, on=DAY, version=f"2026-11-22-{digest * 8}", digest=digest * 64)
                for place, digest in (("SG", "a"), ("US", "b"))
            ),
            "latency_ms": {
                "ingest": 1.2,
                "perceive": 1840.0,
                "screen": 96.0,
                "retrieve": 41.0,
                "judge": 310.0,
                "verify": 22.0,
                "decide": 0.4,
            },
            "input_digest": "c" * 64,
            "thresholds_digest": "d" * 64,
            "perception": (
                PerceptionReport(name="ocr", state=PerceptionState.USED, model="rapidocr-onnxruntime 1.4"),
                PerceptionReport(
                    name="speech",
                    state=PerceptionState.ABSENT,
                    detail='faster_whisper is not installed: pip install "livesteward[perception]"',
                ),
            ),
            **changes,
        }
    )


def verdict(of: Segment, decision: Decision = Decision.ALLOW, *, finding: Finding | None = None, **changes: Any) -> Verdict:
    actions = (Action(subject=HOST, action=ActionKind.PAUSE_STREAM, rule_ids=(RULE.rule_id,)),) if decision is Decision.VIOLATION else ()
    reasons = (
        (ReviewReason(code=ReviewCode.UNSURE, detail="fraud_scam with 0.55: it may be a joke."),) if decision is Decision.REVIEW else ()
    )
    return Verdict(
        **{
            "verdict_id": f"v-{of.segment_id}",
            "stream_id": of.stream_id,
            "segment_id": of.segment_id,
            "decided_at": datetime(2026, 11, 22, 12, 1, tzinfo=UTC),
            "decision": decision,
            "stream_decision": decision,
            "findings": (finding,) if finding else (),
            "rulings": (
                Ruling(jurisdiction="SG", decision=decision, stream_decision=decision, actions=actions),
                Ruling(jurisdiction="US", decision=Decision.ALLOW, stream_decision=Decision.ALLOW),
            ),
            "scores": {Category.FRAUD_SCAM: 0.94 if finding else 0.04, Category.SPAM_INAUTHENTIC: 0.2},
            "review_reasons": reasons,
            "provenance": provenance(),
            **changes,
        }
    )


def fraud(of: Segment, *, confidence: float = 0.94) -> Finding:
    number = int(of.segment_id)
    return Finding(
        rule_id=RULE.rule_id,
        rule_title=RULE.title,
        category=RULE.category,
        severity=RULE.severity,
        subject=HOST,
        jurisdictions=("SG",),
        decision=Decision.VIOLATION if confidence >= 0.8 else Decision.REVIEW,
        confidence=confidence,
        rationale="The host asks viewers for money and promises to send back twice as much.",
        evidence=(
            Evidence(modality=Modality.OVERLAY, item_id=f"ocr-{number}-1", at_s=6, quote="GUARANTEED 200% PROFIT", weight=0.2),
            Evidence(
                modality=Modality.SPEECH,
                item_id=f"asr-{number}-2",
                at_s=3.2,
                quote="send you two hundred dollars back tomorrow",
                weight=0.6,
            ),
        ),
    )


def examined(of: Segment, made: Verdict) -> Examined:
    return Examined(
        verdict=made,
        segment=of,
        rules=(RetrievedRule(jurisdiction="SG", rule=RULE, score=1.0),),
        memory=StreamMemory(stream_id=of.stream_id, segments=int(of.segment_id)),
        frames={frame.frame_id: picture() for frame in of.frames},
    )


def violating(of: Segment) -> Examined:
    return examined(of, verdict(of, Decision.VIOLATION, finding=fraud(of)))


def watched(*seen: Examined, **changes: Any) -> WatchedStream:
    return WatchedStream(
        **{
            "source": Path("streams/made-up"),
            "segments": tuple(one.segment for one in seen),
            "examined": list(seen),
            "seconds": 2.3,
            **changes,
        }
    )


class FakeSteward:
    """Answers by a function; remembers what it was asked and with which memory."""

    answer: Callable[[Segment], Examined] = staticmethod(lambda of: examined(of, verdict(of)))
    asked: list[dict[str, Any]]
    prepared: list[dict[str, Any]]

    def __init__(self) -> None:
        type(self).asked, type(self).prepared = [], []

    @classmethod
    def from_settings(cls, settings: Settings | None = None, **overrides: object) -> Self:
        return cls()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def prepare(
        self, regions: Sequence[str], *, on: date | None = None, progress: Callable[[str, int, int], None] | None = None
    ) -> None:
        self.prepared.append({"regions": tuple(regions), "on": on})
        if progress is not None:
            progress("SG", 1, 2)

    async def examine(self, segment: Segment, **options: Any) -> Examined:
        self.asked.append({"segment": segment, **options})
        for state in ("started", "finished"):
            options["on_event"](StepEvent(segment_id=segment.segment_id, step="judge", state=state, elapsed_ms=4))
        return type(self).answer(segment)


def failing(error: LivestewardError) -> Callable[[Segment], Examined]:
    def answer(of: Segment) -> Examined:
        raise error

    return answer
