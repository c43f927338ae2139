"""The served model, made to write a long answer: what must happen while a request runs needs one that runs for long."""

from __future__ import annotations

from typing import Any

from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import ModelAnswer, ModelRequest

CHARS = 6_000


class LongWinded(OpenAICompatibleModel):
    """Asks the first time for a reason of at least :data:`CHARS` characters, where the judge asks for a short one."""

    _asked = False

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask, the first time with the longer schema."""
        if self._asked:
            return await super().ask(request)
        self._asked = True
        properties: dict[str, Any] = request.answer_schema["properties"]
        longer = {**properties, "reason": {"type": "string", "minLength": CHARS}}
        schema = {**request.answer_schema, "properties": longer}
        return await super().ask(request.model_copy(update={"answer_schema": schema}))
