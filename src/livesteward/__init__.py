"""Moderate live streams with language models and regional rulebooks.

The public face: what is listed here is held stable; everything else may move.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

# Checkpoints must give back only types that the agent's state declares. langgraph reads this when it is first imported.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from livesteward.contracts import (
    ChatMessage,
    Decision,
    Finding,
    Frame,
    HostFacts,
    OverlayText,
    ReviewDecision,
    Rule,
    Rulebook,
    Segment,
    Utterance,
    Verdict,
)
from livesteward.errors import LivestewardError
from livesteward.settings import Settings, load_settings

if TYPE_CHECKING:
    from livesteward.sdk import Steward

__all__ = [
    "ChatMessage",
    "Decision",
    "Finding",
    "Frame",
    "HostFacts",
    "LivestewardError",
    "OverlayText",
    "ReviewDecision",
    "Rule",
    "Rulebook",
    "Segment",
    "Settings",
    "Steward",
    "Utterance",
    "Verdict",
    "load_settings",
]


def __getattr__(name: str) -> Any:
    # The steward brings langgraph and numpy; who only wants the types does not wait for them.
    if name == "Steward":
        from livesteward.sdk import Steward

        return Steward
    raise AttributeError(f"module 'livesteward' has no attribute {name!r}")
