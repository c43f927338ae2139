"""A real HTTP server on 127.0.0.1 that answers chat completions as badly as a test tells it to."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

GOOD = {"decision": "allow", "reason": "small talk"}


@dataclass
class Answer:
    status: int = 200
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    reset: bool = False
    drip_s: float = 0


def completion(
    content: Any, *, finish: str = "stop", refusal: str | None = None, logprobs: Any = None, model: str = "judge-7b", **beside: Any
) -> Answer:
    """Answer with ``content``; ``beside`` are further fields of the message."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": refusal, **beside}
    body = {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "system_fingerprint": "fp-1",
        "choices": [{"index": 0, "finish_reason": finish, "message": message, "logprobs": logprobs}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "prompt_tokens_details": {"cached_tokens": 80}},
    }
    return Answer(body=json.dumps(body))


def calling(*calls: tuple[str, str, dict[str, Any] | str], content: str | None = None) -> Answer:
    """A completion that asks for calls: id, name and arguments of each, as vLLM answers ``tool_choice: "required"``."""
    body = json.loads(completion(content, finish="tool_calls").body)
    body["choices"][0]["message"]["tool_calls"] = [
        {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)},
        }
        for call_id, name, arguments in calls
    ]
    return Answer(body=json.dumps(body))


Behaviour = Answer | Callable[[dict[str, Any]], Answer]


class MisbehavingServer:
    """Answers each completion request with the next behaviour; the last one repeats.

    ``healthy`` is what ``/health`` says; ``headers`` are those of the completion requests, with small letters.
    """

    def __init__(self, *, port: int = 0) -> None:
        self.behaviours: list[Behaviour] = [completion(GOOD)]
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.healthy = True
        self._port = port
        self.models = ["first-model", "second-model"]
        self.metrics: Answer = Answer(status=404, body="{}")
        self.looks = 0
        self.most_at_once = 0
        self._at_once = 0
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    @property
    def port(self) -> int:
        return int(self.base_url.rsplit(":", 1)[1].removesuffix("/v1"))

    def then(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)

    async def __aenter__(self) -> MisbehavingServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length:")), 0)
            body = await reader.readexactly(length)
            await self._answer(self._behaviour(head, body), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._at_once -= 1
            writer.close()

    def _behaviour(self, head: str, body: bytes) -> Answer:
        if head.startswith("GET /v1/models"):
            return Answer(
                body=json.dumps(
                    {"object": "list", "data": [{"id": m, "object": "model", "created": 1, "owned_by": "x"} for m in self.models]}
                )
            )
        if head.startswith("POST /tokenize"):
            return Answer(status=404, body="{}")
        if head.startswith("GET /metrics"):
            self.looks += 1
            return self.metrics
        if head.startswith("GET /health"):
            return Answer(status=200 if self.healthy else 503)
        pairs = (line.split(":", 1) for line in head.splitlines()[1:] if ":" in line)
        self.headers.append({name.lower(): value.strip() for name, value in pairs})
        request = json.loads(body)
        self.requests.append(request)
        behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        return behaviour if isinstance(behaviour, Answer) else behaviour(request)

    async def _answer(self, answer: Answer, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(answer.delay_s)
        if answer.reset:
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return
        payload = answer.body.encode()
        headers = {"content-type": answer.content_type, "content-length": str(len(payload)), "connection": "close", **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {answer.status} X\r\n{lines}\r\n".encode())
        for index in range(0, len(payload), 8 if answer.drip_s else max(1, len(payload))):
            writer.write(payload[index : index + (8 if answer.drip_s else len(payload))])
            await writer.drain()
            await asyncio.sleep(answer.drip_s)
        await writer.drain()
