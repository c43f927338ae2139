"""What reasoning models write before they answer, and how it is kept apart from the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from livesteward.errors import ModelAnswerError

MAX_KEPT_CHARS: Final = 20_000
"""Of a thought; what is longer is cut, since it is kept for people and never read as an answer."""


@dataclass(frozen=True, kw_only=True)
class Thinking:
    """How a family thinks aloud.

    Attributes:
        off: Fields of the request's body that switch it off; sent with every request that does not ask for thoughts.
        on: Fields that switch it on.
        always: Whether it thinks whatever is asked.
        allowance: Tokens that it may think without being asked to, beside those of the answer.
        capped: Whether ``thinking_token_budget`` bounds the thoughts (vLLM, for families with marks and a reasoning parser at the server;
            https://docs.vllm.ai/en/stable/features/reasoning_outputs/).
        begins: The mark before a thought.
        ends: The mark after it.
        begun_by_template: Whether the chat template writes the first mark, so that a reply may show only the second.
    """

    off: Mapping[str, Any] = field(default_factory=dict)
    on: Mapping[str, Any] = field(default_factory=dict)
    always: bool = False
    allowance: int = 0
    capped: bool = False
    begins: str = "<think>"
    ends: str = "</think>"
    begun_by_template: bool = False

    @property
    def may_think(self) -> bool:
        """Whether it thinks always, or can be asked to."""
        return self.always or bool(self.on)

    def body(self, tokens: int) -> dict[str, Any]:
        """Return the fields of the body for at most ``tokens`` of thoughts; 0 switches them off where that can be done."""
        if not tokens or not self.may_think:
            return dict(self.off)
        return {**self.on, **({"thinking_token_budget": tokens} if self.capped else {})}

    def room(self, tokens: int) -> int:
        """Return the tokens that a reply needs for thoughts, beside those of its answer."""
        if tokens and self.may_think:
            return tokens
        return self.allowance

    def split(self, text: str, reasoning: str) -> tuple[str, str]:
        """Return the answer and the thoughts, from what the server gave as content and as reasoning.

        Raises:
            ModelAnswerError: If the text is a thought that was not finished, and so holds no answer.
        """
        bare = text.lstrip()
        if bare.startswith(self.begins):
            thought, mark, answer = bare.removeprefix(self.begins).rpartition(self.ends)
            if not mark:
                raise ModelAnswerError(
                    "the model did not finish thinking; raise model.max_tokens, or set model.profile so that it does not think", raw=text
                )
        elif self.begun_by_template and not _is_json(bare) and self.ends in bare:
            thought, _, answer = bare.rpartition(self.ends)
        else:
            return text, reasoning[:MAX_KEPT_CHARS]
        return answer.strip(), f"{reasoning}{thought.strip()}"[:MAX_KEPT_CHARS]


def _is_json(text: str) -> bool:
    # An answer may quote the mark, since whoever writes on a stream may write it.
    return text.startswith(("{", "```"))


NONE = Thinking()
"""Does not think; a thought in marks is looked past all the same, since nobody knows every model."""
