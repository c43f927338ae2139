"""One conversation as the agent asks, sent by the real client to a transport that keeps what it is sent."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import httpx2

from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import ImagePart, Message, ModelAnswer, ModelRequest, Sampling, TextPart
from livesteward.settings import ModelSettings

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"decision": {"enum": ["allow", "review"]}},
    "required": ["decision"],
    "additionalProperties": False,
}
GOOD = '{"decision": "allow"}'

CONVERSATION = (
    Message(role="system", parts=(TextPart(text="You judge."),)),
    Message(role="user", parts=(TextPart(text="The rules."),)),
    Message(
        role="user",
        parts=(
            TextPart(text="The segment."),
            TextPart(text="<picture/>", item_id="f1", priority=3, kind="image"),
            ImagePart(data=PNG, media_type="image/png", item_id="f1", priority=3),
            TextPart(text="Your decision."),
        ),
    ),
)
REQUEST = ModelRequest(messages=CONVERSATION, answer_schema=SCHEMA, sampling=Sampling(max_tokens=300))


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def completion(content: str | None, *, reasoning: str = "", finish: str = "stop", logprobs: Any = None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": content, **({"reasoning": reasoning} if reasoning else {})}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "finish_reason": finish, "message": message, "logprobs": logprobs}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
    }


def token(said: str, probability: float, **others: float) -> dict[str, Any]:
    """A token as servers give it, with what else might have stood there."""
    weighed = [{"token": name, "bytes": None, "logprob": math.log(value)} for name, value in {said: probability, **others}.items()]
    return {"token": said, "bytes": None, "logprob": math.log(probability), "top_logprobs": weighed}


async def asked(
    request: ModelRequest = REQUEST, reply: dict[str, Any] | None = None, **settings: Any
) -> tuple[dict[str, Any], ModelAnswer]:
    """Send ``request`` and return the body of the last call, and the answer."""
    bodies: list[dict[str, Any]] = []

    def handler(call: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(call.content))
        return httpx2.Response(200, json=reply or completion(GOOD))

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    model = OpenAICompatibleModel(ModelSettings(base_url="http://127.0.0.1:1/v1", **{"name": "m", **settings}), http_client=client)
    try:
        answer = await model.ask(request)
    finally:
        await model.aclose()
    return bodies[-1], answer
