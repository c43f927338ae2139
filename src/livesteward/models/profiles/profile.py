"""A chat profile: how one family of models wants to be asked, and how its answers are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from livesteward.models.profiles.images import ANY_FAMILY, ImageMaths
from livesteward.models.profiles.thinking import NONE, Thinking
from livesteward.models.protocol import ImagePart, Message, ModelRequest, TextPart

if TYPE_CHECKING:
    from livesteward.models.profiles.guards.guard import Guard

_Part = TextPart | ImagePart


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How a family of chat models differs from the plain case.

    Attributes:
        name: What ``model.profile`` calls it.
        models: What it is for, in words for people.
        pattern: A regular expression over the last part of a served name, in lower case; from its beginning. Empty matches nothing.
        system: Whether there is a system role; where there is none, its text goes to the front of the first user message.
        alternates: Whether two messages of one role may not follow each other; then they are joined.
        pictures: Where in a user message the pictures stand, each with its label: where they are put, before or after everything else.
        images: How many tokens a picture becomes; ``None`` for models that take none.
        calls_tools: Whether it can be asked to call tools.
        thinking: How it thinks aloud.
        body: Further fields of the request's body.
        limit_field: The body's field for the most tokens of a reply.
        samples: Whether ``temperature`` and log-probabilities may be asked for.
        answer_marks: Pairs of marks that it puts around an answer.
        guard: The format in which it is asked and answers, where it is a guard model.
    """

    name: str
    models: str = ""
    pattern: str = ""
    system: bool = True
    alternates: bool = False
    pictures: Literal["inline", "first", "last"] = "inline"
    images: ImageMaths | None = ANY_FAMILY
    calls_tools: bool = True
    thinking: Thinking = NONE
    body: Mapping[str, Any] = field(default_factory=dict)
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    samples: bool = True
    answer_marks: tuple[tuple[str, str], ...] = ()
    guard: Guard | None = None

    @property
    def takes_images(self) -> bool:
        """Whether pictures may be sent to it at all."""
        return self.images is not None

    def arranged(self, messages: tuple[Message, ...]) -> tuple[Message, ...]:
        """Return the messages as the family's chat template takes them; every text and picture stays, pictures with their labels."""
        # Pictures move inside their own message, so that what goes in front of it stays a common beginning of many requests.
        placed = tuple(self._placed(message) for message in messages)
        if not self.system:
            placed = _without_system(placed)
        return _joined(placed) if self.alternates else placed

    def request_body(self, request: ModelRequest, *, thinking_tokens: int = 0) -> dict[str, Any]:
        """Return the fields of the body that say how to answer ``request``.

        Args:
            request: Its tokens are those of the answer; what the model may think comes on top, where a whole answer is wanted. A
                temperature is left out where the family takes none.
            thinking_tokens: How much it is asked to think; 0 for not at all, where that can be had.
        """
        room = self.thinking.room(thinking_tokens) if request.whole else 0
        fields: dict[str, Any] = {self.limit_field: request.sampling.max_tokens + room}
        if self.samples:
            fields["temperature"] = request.sampling.temperature
        template = {"chat_template_kwargs": request.template} if request.template else {}
        if extra := merged(self.body, self.thinking.body(thinking_tokens), template):
            fields["extra_body"] = extra
        return fields

    def split(self, text: str, reasoning: str) -> tuple[str, str]:
        """Return the answer and the thoughts, from what the server gave as content and as reasoning.

        Raises:
            ModelAnswerError: If the text is a thought that was not finished.
        """
        answer, thought = self.thinking.split(text, reasoning)
        for begins, ends in self.answer_marks:
            bare = answer.strip()
            if bare.startswith(begins) and bare.endswith(ends):
                answer = bare[len(begins) : len(bare) - len(ends)]
        return answer, thought

    def _placed(self, message: Message) -> Message:
        if message.role != "user" or self.pictures == "inline":
            return message
        pictures: list[_Part] = []
        others: list[_Part] = []
        for group in _groups(message.parts):
            (pictures if any(isinstance(part, ImagePart) for part in group) else others).extend(group)
        parts = (*pictures, *others) if self.pictures == "first" else (*others, *pictures)
        return message if parts == message.parts else message.model_copy(update={"parts": parts})


def merged(*bodies: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of several bodies in one, ``chat_template_kwargs`` and other objects joined one level deep."""
    found: dict[str, Any] = {}
    for body in bodies:
        for name, value in body.items():
            both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
            found[name] = {**found[name], **value} if both else value
    return found


def _groups(parts: Iterable[_Part]) -> Iterable[tuple[_Part, ...]]:
    """Yield what belongs together: neighbours of one ``item_id``, such as a picture and its label."""
    for item_id, run in groupby(parts, key=lambda part: part.item_id):
        if item_id is None:
            yield from ((part,) for part in run)
        else:
            yield tuple(run)


def _without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    told = tuple(part for message in messages if message.role == "system" for part in message.parts)
    rest = [message for message in messages if message.role != "system"]
    first = next((place for place, message in enumerate(rest) if message.role == "user"), None)
    if not told:
        return messages
    if first is None:
        return (Message(role="user", parts=told), *rest)
    rest[first] = rest[first].model_copy(update={"parts": (*told, *rest[first].parts)})
    return tuple(rest)


def _joined(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    found: list[Message] = []
    for message in messages:
        plain = message.role != "tool" and not message.calls
        if found and plain and found[-1].role == message.role and not found[-1].calls:
            found[-1] = found[-1].model_copy(update={"parts": (*found[-1].parts, *message.parts)})
        else:
            found.append(message)
    return tuple(found)


PLAIN = Profile(name="plain", models="everything else, adapters among them")
"""No peculiarities: a system role, pictures where they stand, no thoughts."""

TEXT_ONLY = replace(PLAIN, name="text", models="", images=None)
"""To make profiles of models that take no pictures from."""
