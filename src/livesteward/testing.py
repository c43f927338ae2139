"""For your own tests: a model that answers from a script, so that no test calls a real one.

    from livesteward.testing import ScriptedModel

    model = ScriptedModel([
        {"findings": [], "decision": "allow", "reason": "small talk"},
        ModelTimeoutError("too slow"),
        lambda request: {"findings": [], "decision": "review", "reason": "unsure"},
    ])
    ...
    assert "send me money" in model.prompt(0)

It keeps the contract of a real model: an answer that does not fit the schema is a ``ModelAnswerError``, and so is a text that is no JSON
where JSON was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from livesteward.contracts import TokenCounts
from livesteward.errors import ModelAnswerError, ModelError, ModelUnavailableError
from livesteward.models.answers import parse_answer
from livesteward.models.budget import estimate_tokens
from livesteward.models.protocol import ModelAnswer, ModelRequest, TextPart, ToolCall

__all__ = ["ScriptedAnswer", "ScriptedModel"]

Said: TypeAlias = dict[str, Any] | str | ModelAnswer | tuple[ToolCall, ...] | ModelError
"""An answer, the text as a model would write it, an answer with everything around it, calls of tools, or the error to raise."""

ScriptedAnswer: TypeAlias = Said | Callable[[ModelRequest], Said]
"""What is said to one request, or what works it out from the request."""


class ScriptedModel:
    """Answers in the order of a script and remembers what it was asked.

    Args:
        answers: One for each request, in order; or a single callable, which answers all of them.
        name: The model's name in provenance.
        accepts_images: Whether it says that it takes pictures.
        calls_tools: Whether it says that it calls tools; then its script has calls where they are asked for.
    """

    def __init__(
        self,
        answers: Iterable[ScriptedAnswer] | Callable[[ModelRequest], Said],
        *,
        name: str = "scripted",
        accepts_images: bool = True,
        calls_tools: bool = False,
    ) -> None:
        self._always = answers if callable(answers) else None
        self._answers: list[ScriptedAnswer] = [] if callable(answers) else list(answers)
        self._name = name
        self._accepts_images = accepts_images
        self._calls_tools = calls_tools
        self.requests: list[ModelRequest] = []
        self.closed = False

    @property
    def name(self) -> str:
        """The given name."""
        return self._name

    @property
    def accepts_images(self) -> bool:
        """As given."""
        return self._accepts_images

    @property
    def calls_tools(self) -> bool:
        """As given."""
        return self._calls_tools

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Say what the script says next.

        Raises:
            ModelError: The script's; or if its answer does not fit the schema, or the script has come to its end.
        """
        self.requests.append(request)
        said = self._next(request)
        if isinstance(said, ModelError):
            raise said
        if isinstance(said, ModelAnswer):
            return said
        if request.must_call != isinstance(said, tuple):
            raise ModelAnswerError(
                f"the script has {said!r}"[:300] + f", and {'calls' if request.must_call else 'an answer'} were asked for"
            )
        if isinstance(said, tuple):
            return ModelAnswer(data={}, raw="", calls=said, model=self._name, engine="scripted")
        raw = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        tokens = TokenCounts(prompt=estimate_tokens(self.prompt(-1)), completion=estimate_tokens(raw))
        data = {} if request.answer_schema is None else parse_answer(raw, request.answer_schema)
        return ModelAnswer(data=data, raw=raw, model=self._name, engine="scripted", tokens=tokens)

    def prompt(self, index: int = -1) -> str:
        """Return the text of the request with this index, to look for what the model was told."""
        messages = self.requests[index].messages
        return "\n".join(part.text for message in messages for part in message.parts if isinstance(part, TextPart))

    async def aclose(self) -> None:
        """Note that it was closed."""
        self.closed = True

    def _next(self, request: ModelRequest) -> Said:
        if self._always is not None:
            return self._always(request)
        if len(self.requests) > len(self._answers):
            raise ModelUnavailableError(f"the script has {len(self._answers)} answers and this is request {len(self.requests)}")
        answer = self._answers[len(self.requests) - 1]
        return answer(request) if callable(answer) else answer
