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


class ToolSpec(Contract):
    """Something that the model may call: a name, what it is for, and the JSON Schema of its arguments (an object)."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    description: Annotated[str, Field(max_length=2_000)]
    parameters: dict[str, Any]


class ToolCall(Contract):
    """One call that a model asks for. The arguments fit the tool's schema; nothing else of them is checked."""

    call_id: Annotated[str, Field(max_length=128)]
    name: Annotated[str, Field(max_length=64)]
    arguments: dict[str, Any]


class Message(Contract):
    """One message of a conversation.

    ``calls`` are what an assistant asked for; ``call_id`` names the call that a message of the role ``tool`` answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    parts: tuple[TextPart | ImagePart, ...]
    calls: tuple[ToolCall, ...] = ()
    call_id: Annotated[str, Field(max_length=128)] | None = None


class Sampling(Contract):
    """How to sample. ``seed`` is honoured where the engine can."""

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=32_768)] = 1_024
    seed: int | None = 0


class ModelRequest(Contract):
    """What is asked: the conversation, the JSON Schema that the answer must fit, and how long it may take.

    Attributes:
        messages: The conversation.
        answer_schema: What the answer must fit; ``None`` for a plain text, which is ``raw`` of the answer and leaves ``data`` empty.
        words: Of a plain text, the words of which one decides; how probable the one that stands first in it was against the others is
            ``certainty["word"]`` of the answer.
        whole: Whether an answer that was cut off at ``max_tokens`` is none; a plain text may say all that matters in its first word.
        template: Variables of the server's chat template, for families whose template takes some.
        schema_name: The schema's name, for servers that show it to the model.
        sampling: How to sample.
        deadline_s: Seconds that the call may take with all its tries.
        tools: What the model may call. They stand in the prompt of a call that must answer, too, so that its beginning stays the same.
        must_call: Whether calls are asked for and not the answer: then ``calls`` of the answer has at least one, and ``data`` is empty.
        prefix: A digest of the beginning that this request shares with others (the rules of one rulebook), empty where there is none.
            Requests of one prefix are best sent to one server.
    """

    messages: tuple[Message, ...]
    answer_schema: dict[str, Any] | None
    words: tuple[str, ...] = ()
    whole: bool = True
    template: dict[str, str] = {}
    schema_name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")] = "answer"
    sampling: Sampling = Sampling()
    deadline_s: Annotated[float, Field(gt=0)] = 30.0
    tools: tuple[ToolSpec, ...] = ()
    must_call: bool = False
    prefix: Annotated[str, Field(max_length=128)] = ""


class ModelAnswer(Contract):
    """What came back.

    Attributes:
        data: The answer, valid for the schema that was asked for; empty where a plain text was.
        raw: The text as the model wrote it (of the last attempt, where a repair was needed).
        model: The model's name as the engine reports it.
        revision: Its version or digest, where known.
        engine: What ran it, with version.
        profile: By which profile it was asked (:mod:`livesteward.models.profiles`), where the engine uses one.
        endpoint: The address of the server that answered, without credentials; empty inside the process.
        fallback: Whether it is another model than the first, which did not answer.
        tokens: Prompt, completion and cached tokens, of all attempts.
        mean_logprob: Mean natural-log probability of the answer's tokens, where the engine gives it.
        certainty: How probable the model found what it chose, against what else it might have written there, by place in the answer:
            ``decision``, ``findings[0].rule_id``; ``findings[0]`` is for beginning that entry and not ending the list. Only places with a
            choice of few values have one, and only where the server gives log-probabilities. Of a plain text, ``word`` for the word that
            decides.
        calls: What it asks to call, where that was asked for.
        reasoning: What it thought aloud before the answer, where the server or the text shows it; never read as an answer.
        repaired: Whether the first answer had to be asked for again.
        trimmed: How many parts the token budget left out, by kind (``chat``, ``image`` ...).
        replayed: Whether it came from a recording.
    """

    data: dict[str, Any]
    raw: Annotated[str, Field(max_length=2_000_000)]
    model: str
    revision: str = ""
    engine: str
    profile: str = ""
    endpoint: Annotated[str, Field(max_length=2_000)] = ""
    fallback: bool = False
    tokens: TokenCounts = TokenCounts()
    mean_logprob: float | None = None
    certainty: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    calls: tuple[ToolCall, ...] = ()
    reasoning: Annotated[str, Field(max_length=200_000)] = ""
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

    @property
    def calls_tools(self) -> bool:
        """Whether requests with ``must_call`` may be made."""
        ...

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask once; retries and repairs within the deadline are the implementation's."""
        ...

    async def aclose(self) -> None:
        """Free connections and memory."""
        ...


@runtime_checkable
class Paced(Protocol):
    """A model that knows how many requests it takes at once for now; who has many to ask starts so many."""

    @property
    def places(self) -> int:
        """At least 1."""
        ...
