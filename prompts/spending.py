"""Where the tokens of a prompt go, and what the token budget would leave out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

from pydantic import Field

from livesteward.contracts import Contract
from livesteward.errors import ModelUnavailableError
from livesteward.models.budget import MESSAGE_TOKENS, PART_TOKENS, TextCounter, fit
from livesteward.models.protocol import ImagePart, Message, TextPart

_PARTS: Final = {
    "method": "method",
    "rulebook": "rulebook",
    "details": "rules found",
    "stream": "stream",
    "segment": "frame around the segment",
    "fence": "frame around the segment",
    "decision": "frame around the segment",
    "title": "title",
    "memory": "said before",
    "speech": "speech",
    "chat": "chat",
    "overlay": "text on the picture",
    "gift": "gifts",
    "image": "pictures",
}
_OTHER: Final = "rules and facts"
_TOOLS: Final = "tools to ask with"
_TEMPLATE: Final = "marks of the chat template"

TEXTS: Final = frozenset({"title", "speech", "chat", "text on the picture", "gifts"})
"""The parts that hold what was said, written and shown in the segment."""

Tokens = Annotated[int, Field(ge=0)]


class Spent(Contract):
    """The tokens of one part of a prompt."""

    part: str
    tokens: Tokens


class Spending(Contract):
    """Where the tokens of a prompt go.

    Attributes:
        parts: From the beginning of the prompt to its end, as it is before anything is left out.
        prompt_tokens: Of all parts.
        stable_tokens: Of the beginning that prompts for the same rulebooks share.
        answer_tokens: Kept free for the answer, and for the thoughts of a model that thinks.
        context_tokens: What the model takes, prompt and answer together.
        free_tokens: What is left.
        trimmed: How many pieces are left out for lack of room, by kind.
        fits: Whether the prompt can be sent, once that is left out.
    """

    parts: tuple[Spent, ...]
    prompt_tokens: Tokens
    stable_tokens: Tokens
    answer_tokens: Tokens
    context_tokens: Tokens
    free_tokens: Tokens
    trimmed: dict[str, int] = {}
    fits: bool = True

    @property
    def stable_share(self) -> float:
        """The part of the prompt that a server need not compute again, from 0 to 1."""
        return self.stable_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    @property
    def text_tokens(self) -> int:
        """Tokens of what was said, written and shown in the segment."""
        return sum(spent.tokens for spent in self.parts if spent.part in TEXTS)


def spending(
    messages: Sequence[Message],
    *,
    stable: Sequence[Message],
    context_tokens: int,
    answer_tokens: int,
    count: TextCounter,
    count_image: Callable[[ImagePart], int],
    tool_tokens: int = 0,
) -> Spending:
    """Return where the tokens of ``messages`` go.

    Args:
        messages: The prompt.
        stable: Its beginning that other prompts share.
        context_tokens: What the model takes.
        answer_tokens: What of it is kept for the answer.
        count: Tokens of a text.
        count_image: Tokens of a picture.
        tool_tokens: Of the tools that a model may call, which stand before the prompt and are the same for all.
    """

    def cost(part: TextPart | ImagePart) -> int:
        return PART_TOKENS + (count_image(part) if isinstance(part, ImagePart) else count(part.text))

    found: dict[str, int] = {_TOOLS: tool_tokens} if tool_tokens else {}
    for message in messages:
        for part in message.parts:
            kind = "image" if isinstance(part, ImagePart) else part.kind
            name = _PARTS.get(kind, "method" if message.role == "system" else _OTHER)
            found[name] = found.get(name, 0) + cost(part)
    found[_TEMPLATE] = MESSAGE_TOKENS * len(messages)
    total = sum(found.values())
    trimmed: dict[str, int] = {}
    fits = True
    try:
        _, trimmed = fit(messages, limit=context_tokens - answer_tokens - tool_tokens, count=count, count_image=count_image)
    except ModelUnavailableError:
        fits = False
    return Spending(
        parts=tuple(Spent(part=name, tokens=tokens) for name, tokens in found.items()),
        prompt_tokens=total,
        stable_tokens=tool_tokens + sum(cost(part) for message in stable for part in message.parts),
        answer_tokens=answer_tokens,
        context_tokens=context_tokens,
        free_tokens=max(0, context_tokens - answer_tokens - total),
        trimmed=trimmed,
        fits=fits,
    )
