"""Recording a model's answers to a file, and answering from it: the same run again, with no model.

A recording is JSONL. The first line says what was recorded; each further line has the digest of a request, the request in the form that
was digested, and the answer or the model's refusal. It holds what was said on the streams: it is written for its owner only, and belongs
where such data may be.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from livesteward.contracts import Contract
from livesteward.contracts.base import Sha256
from livesteward.errors import ConfigurationError, InputError, ModelAnswerError, ModelError, ModelRefusedError, ModelUnavailableError
from livesteward.models.answers import parse_answer
from livesteward.models.nonce import without_nonces
from livesteward.models.protocol import ChatModel, ImagePart, Message, ModelAnswer, ModelRequest, Paced

FORMAT: Final[Literal["livesteward-recording-1"]] = "livesteward-recording-1"


class _Header(Contract):
    format: Literal["livesteward-recording-1"]
    model: str = ""
    accepts_images: bool = True
    calls_tools: bool = False


class _Failure(Contract):
    """An answer that was no use, which another run should meet again. Outages are not recorded."""

    kind: Literal["refused", "invalid"]
    message: str
    raw: Annotated[str, Field(max_length=2_000_000)] = ""


class _Line(Contract):
    key: Sha256
    request: dict[str, Any]
    answer: ModelAnswer | None = None
    failure: _Failure | None = None


def canonical_request(request: ModelRequest) -> dict[str, Any]:
    """Return what makes two requests the same: texts without fence nonces, digests of pictures, the schema and the sampling.

    The deadline, priorities and the way in which a text is cut into parts do not count.
    """
    canonical: dict[str, Any] = {
        "messages": [_canonical_message(message) for message in request.messages],
        "schema": request.answer_schema,
        "sampling": request.sampling.model_dump(mode="json"),
    }
    if request.template:
        canonical["template"] = request.template
    if request.tools:
        canonical["tools"] = [tool.model_dump(mode="json") for tool in request.tools]
        canonical["must_call"] = request.must_call
    return canonical


def _canonical_message(message: Message) -> dict[str, Any]:
    # The numbers of calls are the server's, and other at each run.
    calls = [{"name": call.name, "arguments": call.arguments} for call in message.calls]
    return {"role": message.role, "content": _canonical_content(message), **({"calls": calls} if calls else {})}


def _canonical_content(message: Message) -> list[dict[str, str]]:
    blocks: list[dict[str, str]] = []
    for part in message.parts:
        if isinstance(part, ImagePart):
            blocks.append({"image": hashlib.sha256(part.data).hexdigest()})
        elif blocks and "text" in blocks[-1]:
            blocks[-1]["text"] += f"\n{without_nonces(part.text)}"
        else:
            blocks.append({"text": without_nonces(part.text)})
    return blocks


def request_digest(request: ModelRequest) -> str:
    """Return the SHA-256 under which a request is recorded."""
    return _digest(canonical_request(request))


def _digest(canonical: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(canonical, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class RecordingModel:
    """Passes requests on to ``inner`` and writes each with its answer to ``path``.

    Args:
        inner: The model that answers.
        path: A JSONL file, made with its folder if it is not there; an existing recording is continued.

    Raises:
        ConfigurationError: If the file cannot be written, or is something else than a recording.
    """

    def __init__(self, inner: ChatModel, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._writing = asyncio.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.stat().st_size:
                _read_header(path)
            else:
                self._append(
                    _Header(
                        format=FORMAT, model=inner.name, accepts_images=inner.accepts_images, calls_tools=inner.calls_tools
                    ).model_dump_json()
                )
        except OSError as error:
            raise ConfigurationError(f"model.record: {path} cannot be written ({error})") from error

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self._inner.name

    @property
    def accepts_images(self) -> bool:
        """Whether the inner model takes pictures."""
        return self._inner.accepts_images

    @property
    def calls_tools(self) -> bool:
        """Whether the inner model calls tools."""
        return self._inner.calls_tools

    @property
    def places(self) -> int:
        """How many requests the inner model takes at once for now."""
        return self._inner.places if isinstance(self._inner, Paced) else 1

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask the inner model and write down what it said, refusals and unfit answers included.

        Raises:
            ModelError: What the inner model raises; or if the recording cannot be written.
        """
        try:
            answer = await self._inner.ask(request)
        except ModelRefusedError as error:
            await self._record(request, failure=_Failure(kind="refused", message=str(error)))
            raise
        except ModelAnswerError as error:
            await self._record(request, failure=_Failure(kind="invalid", message=str(error), raw=error.raw))
            raise
        await self._record(request, answer=answer)
        return answer

    async def aclose(self) -> None:
        """Close the inner model."""
        await self._inner.aclose()

    async def _record(self, request: ModelRequest, *, answer: ModelAnswer | None = None, failure: _Failure | None = None) -> None:
        canonical = canonical_request(request)
        line = _Line(key=_digest(canonical), request=canonical, answer=answer, failure=failure)
        async with self._writing:
            try:
                await asyncio.to_thread(self._append, line.model_dump_json(exclude_none=True))
            except OSError as error:
                raise ModelUnavailableError(f"model.record: {self._path} cannot be written ({error})") from error

    def _append(self, line: str) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{line}\n")


class ReplayModel:
    """Answers from a recording and calls nothing. Where a request was recorded twice, the later answer counts.

    Args:
        path: A file that :class:`RecordingModel` wrote.

    Raises:
        ConfigurationError: If there is no such file, or a line of it is no recording.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header = _read_header(path)
        self._lines: dict[str, _Line] = {}
        with path.open("rb") as file:
            next(file)
            for number, text in enumerate(file, start=2):
                try:
                    line = _Line.model_validate_json(text)
                except ValidationError as error:
                    raise ConfigurationError(f"model.replay: {InputError.from_validation(error, source=f'{path}:{number}')}") from error
                self._lines[line.key] = line

    @property
    def name(self) -> str:
        """The recorded model's name."""
        answered = (line.answer.model for line in self._lines.values() if line.answer)
        return self._header.model or next(answered, "recording")

    @property
    def accepts_images(self) -> bool:
        """Whether the recorded model took pictures."""
        return self._header.accepts_images

    @property
    def calls_tools(self) -> bool:
        """Whether the recorded model called tools."""
        return self._header.calls_tools

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Return the recorded answer, marked as replayed.

        Raises:
            ModelError: If the recording does not hold the request, or the model refused it or answered nonsense when it was recorded.
        """
        key = request_digest(request)
        line = self._lines.get(key)
        if line is None:
            raise ModelUnavailableError(
                f"the recording {self._path} does not hold this request ({key[:12]}; it has {len(self._lines)}); "
                "the prompt, the rules or the segment changed since: record again"
            )
        if line.answer is not None:
            if not request.must_call and request.answer_schema is not None:
                parse_answer(json.dumps(line.answer.data), request.answer_schema)
            return line.answer.model_copy(update={"replayed": True})
        raise _failure_again(line.failure)

    async def aclose(self) -> None:
        """Do nothing; there is nothing open."""


def _failure_again(failure: _Failure | None) -> ModelError:
    if failure is None:
        return ModelAnswerError("the recording has neither an answer nor a failure for this request")
    return ModelRefusedError(failure.message) if failure.kind == "refused" else ModelAnswerError(failure.message, raw=failure.raw)


def _read_header(path: Path) -> _Header:
    try:
        with path.open("rb") as file:
            return _Header.model_validate_json(file.readline())
    except OSError as error:
        raise ConfigurationError(f"the recording {path} cannot be read ({error})") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}:1: is no recording; its first line must say {FORMAT!r}") from error
