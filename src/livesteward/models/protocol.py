"""The one contract to every model: messages with text and images in, a schema-valid answer with its raw text out."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import Field

from livesteward.contracts import Contract, TokenCounts


class TextPart(Contract):
    """A piece of text of a message.

    ``priority``, ``item_id`` and ``kind`` serve the token budget: parts are trimmed from the highest priority number down, 0
    never; neighbours of one ``item_id`` go together, and ``kind`` is the word under which they are counted.
    """

    type: Literal["text"] = "text"
    text: Annotated[str, Field(max_length=2_000_000)]
    priority: Annotated[int, Field(ge=0, le=9)] = 0
    item_id: str | None = None
    kind: Annotated[str, Field(max_length=32)] = "text"


class ImagePart(Contract):
    """A picture as encoded bytes, already checked and scaled."""

    type: Literal["image"] = "image"
    data: bytes = Field(repr=False)
    media_type: Literal["image/jpeg", "image/png", "image/webp"] = "image/jpeg"
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    item_id: str | None = None


class Message(Contract):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[TextPart | ImagePart, ...]


class Sampling(Contract):
    """How to sample. ``seed`` is honoured where the engine can."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] = 1_024
    seed: int | None = 0


class ModelRequest(Contract):
    """What is asked: the conversation, the JSON Schema that the answer must fit, and how long it may take."""

    messages: tuple[Message, ...]
    answer_schema: dict[str, Any]
    schema_name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] = "answer"
    sampling: Sampling = Sampling()
    deadline_s: Annotated[float, Field(gt=0)] = 30.0


class ModelAnswer(Contract):
    """What came back.

    Attributes:
        data: The answer, valid for the schema that was asked for.
        raw: The text as the model wrote it (of the last attempt, where a repair was needed).
        model: The model's name as the engine reports it.
        revision: Its version or digest, where known.
        engine: What ran it, with version.
        tokens: Prompt, completion and cached tokens, of all attempts.
        mean_logprob: Mean natural-log probability of the answer's tokens, where the engine gives it.
        repaired: Whether the first answer had to be asked for again.
        trimmed: How many parts the token budget left out, by kind (``chat``, ``image`` ...).
        replayed: Whether it came from a recording.
    """

    data: dict[str, Any]
    raw: Annotated[str, Field(max_length=2_000_000)]
    model: str
    revision: str = ""
    engine: str
    tokens: TokenCounts = TokenCounts()
    mean_logprob: float | None = None
    repaired: bool = False
    trimmed: dict[str, int] = {}
    replayed: bool = False


@runtime_checkable
class ChatModel(Protocol):
    """Anything that answers a :class:`ModelRequest`.

    ``ask`` raises a :class:`livesteward.errors.ModelError` and nothing else; it never returns an answer that does not fit the schema.
    """

    @property
    def name(self) -> str:
        """The model's name, for provenance before any call."""
        ...

    @property
    def accepts_images(self) -> bool:
        """Whether image parts may be sent."""
        ...

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask once; retries and repairs within the deadline are the implementation's."""
        ...

    async def aclose(self) -> None:
        """Free connections and memory."""
        ...
