"""Moderate live streams with language models and regional rulebooks.

The public face: what is listed here is held stable; everything else may move.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Final

# Checkpoints must give back only types that the agent's state declares. langgraph reads this when it is first imported.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

if TYPE_CHECKING:
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
    from livesteward.sdk import Steward
    from livesteward.settings import Settings, load_settings

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


_HOME: Final = {"LivestewardError": "errors", "Settings": "settings", "Steward": "sdk", "load_settings": "settings"}


def __getattr__(name: str) -> Any:
    # Who only wants a command's help, or one type, does not wait for pydantic models, langgraph and numpy.
    if name in __all__:
        return getattr(importlib.import_module(f"livesteward.{_HOME.get(name, 'contracts')}"), name)
    raise AttributeError(f"module 'livesteward' has no attribute {name!r}")
