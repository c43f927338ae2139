"""A chat profile: how one family of models wants to be asked, and how its answers are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from livesteward.models.protocol import Message


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a family of chat models differs from the plain case.

    Attributes:
        name: What ``model.profile`` calls it.
        calls_tools: Whether it can be asked to call tools.
        body: Further fields of the request's body, such as ``chat_template_kwargs``.
    """

    name: str
    calls_tools: bool = True
    body: Mapping[str, Any] = field(default_factory=dict)

    def arranged(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Return the messages as the family's chat template takes them."""
        return messages

    def split(self, text: str, reasoning: str) -> tuple[str, str]:
        """Return the answer and the thoughts, from what the server gave as content and as reasoning."""
        return text, reasoning


PLAIN = Profile(name="plain")
"""No peculiarities: a system role, pictures where they stand, no thoughts."""
