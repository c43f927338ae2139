"""Rules and segments of a few words, for the tests of prompts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from livesteward.contracts import ActionLadder, ChatMessage, RetrievedRule, Rule, RuleLayer, Segment
from livesteward.models.protocol import Message, TextPart

NONCE = "3f9a2c7d01b4"


def rule(
    rule_id: str, *, jurisdiction: str = "SG", text: str = "It is forbidden.", layer: str = "global", score: float = 1
) -> RetrievedRule:
    made = Rule(
        rule_id=rule_id,
        title=f"Title of {rule_id}",
        category="fraud_scam",
        severity="high",
        text=text,
        exceptions=(f"Exception to {rule_id}.",),
        breaks=(f"bad {rule_id}", "double it"),
        allowed=(f"fine {rule_id}", "beware"),
        ladder=ActionLadder(host=("warn",), viewer=("mute_viewer",)),
        notice="Please stop.",
        layers=(RuleLayer(jurisdiction=layer, effect="base", document="a.md", line=1, effective_from=date(2026, 1, 1)),),
    )
    return RetrievedRule(jurisdiction=jurisdiction, rule=made, score=score)


def segment(**values: Any) -> Segment:
    return Segment(**{"stream_id": "s", "segment_id": "1", "starts_at": datetime(2026, 1, 1, tzinfo=UTC), "region": "SG", **values})


def chat(message_id: str, text: str, *, viewer: str = "v1", at: float = 1, name: str = "") -> ChatMessage:
    return ChatMessage(message_id=message_id, at_s=at, viewer_id=viewer, text=text, display_name=name)


def texts(messages: tuple[Message, ...]) -> str:
    return "\n".join(part.text for message in messages for part in message.parts if isinstance(part, TextPart))
