"""The token budget: what does not fit the model's context is left out by priority, counted, and reported."""

from __future__ import annotations

import io
import json
import math
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Final

from livesteward.errors import ConfigurationError, ModelRejectedError
from livesteward.models.profiles.images import ANY_FAMILY, ImageMaths
from livesteward.models.protocol import ImagePart, Message, ModelRequest, TextPart

TextCounter = Callable[[str], int]
"""Tokens of one text."""

MESSAGE_TOKENS: Final = 8
"""For the role and the marks that a chat template puts around a message."""

PART_TOKENS: Final = 1
"""For the line break that joins a part to the next."""

_LETTERS: Final = (string.ascii_letters + " ").encode()
_BEYOND_ASCII: Final = bytes(range(0x80, 0x100))
_UNREADABLE_IMAGE_TOKENS: Final = 1_024
_Part = TextPart | ImagePart


def estimate_tokens(text: str) -> int:
    """Estimate tokens without a tokenizer, rather too many than too few for a model that was trained on many languages.

    English runs at about four letters a token; three are taken. Digits and signs count one each. Beyond ASCII every two bytes of UTF-8
    count one, which makes a Chinese character one and a half and an emoji two. A tokenizer made for English alone needs more for other
    scripts: name its folder in ``model.tokenizer``.
    """
    encoded = text.encode("utf-8", errors="surrogatepass")
    beyond = len(encoded) - len(encoded.translate(None, delete=_BEYOND_ASCII))
    plain = len(encoded) - len(encoded.translate(None, delete=_LETTERS))
    return math.ceil(plain / 3 + (len(encoded) - plain - beyond) + beyond / 2)


@lru_cache(maxsize=4)
def tokenizer_counter(folder: Path) -> TextCounter:
    """Return a counter that uses the tokenizer in ``folder`` (as ``transformers`` saves it); nothing is downloaded.

    Raises:
        ConfigurationError: If there is no tokenizer in the folder.
    """
    from transformers import AutoTokenizer

    if not folder.is_dir():
        raise ConfigurationError(f"model.tokenizer: there is no folder {folder}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(f"model.tokenizer: {folder} holds no tokenizer that transformers can read ({error})") from error

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False))

    return count


def image_tokens(part: ImagePart, maths: ImageMaths = ANY_FAMILY) -> int:
    """Estimate the tokens of a picture from its size in pixels, as its model's family counts them."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(part.data)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return _UNREADABLE_IMAGE_TOKENS
    return maths.tokens(width, height)


def limit_images(messages: Sequence[Message], *, most: int) -> tuple[tuple[Message, ...], dict[str, int]]:
    """Keep at most ``most`` pictures, the least important and then the oldest going first, each with its label.

    Returns:
        The messages, and how many parts were left out by kind.
    """
    groups = [group for group in _groups(messages) if any(isinstance(part, ImagePart) for part in group.parts)]
    excess = sum(group.images for group in groups) - most
    gone: set[int] = set()
    trimmed: Counter[str] = Counter()
    for group in sorted(groups, key=lambda group: -group.priority):
        if excess <= 0:
            break
        excess -= group.images
        gone.add(group.index)
        trimmed[group.kind] += group.images
    return _without(messages, gone), dict(trimmed)


def fit(
    messages: Sequence[Message], *, limit: int, count: TextCounter = estimate_tokens, count_image: Callable[[ImagePart], int] = image_tokens
) -> tuple[tuple[Message, ...], dict[str, int]]:
    """Leave out parts until the messages fit ``limit`` tokens.

    Parts go by priority number, the highest first, and within one priority in their order, so that of a chat in order of time the oldest
    goes first. Neighbours with the same ``item_id`` (a picture and its label) go together. Priority 0 never goes.

    Args:
        messages: The conversation.
        limit: Tokens that the prompt may have.
        count: Tokens of a text.
        count_image: Tokens of a picture.

    Returns:
        The messages that fit, and how many groups of parts were left out by kind.

    Raises:
        ModelRejectedError: If what may not go is already too much.
    """
    groups = list(_groups(messages))

    def cost(part: _Part) -> int:
        return PART_TOKENS + (count_image(part) if isinstance(part, ImagePart) else count(part.text))

    costs = [sum(map(cost, group.parts)) for group in groups]
    total = sum(costs) + MESSAGE_TOKENS * len(messages)
    gone: set[int] = set()
    trimmed: Counter[str] = Counter()
    for group in sorted(groups, key=lambda group: -group.priority):
        if total <= limit or group.priority == 0:
            break
        total -= costs[group.index]
        gone.add(group.index)
        trimmed[group.kind] += 1
    if total > limit:
        raise ModelRejectedError(
            f"the rules and the method alone need about {total:,} tokens and {limit:,} are free in the model's context; "
            "raise model.context_tokens or lower retrieval.rules_per_jurisdiction"
        )
    return _without(messages, gone), dict(trimmed)


def tool_tokens(request: ModelRequest, *, count: TextCounter = estimate_tokens) -> int:
    """Estimate the tokens of the tools that a request offers and of the calls in its messages, which no trimming makes fewer."""
    offered = [json.dumps(tool.model_dump(mode="json")) for tool in request.tools]
    made = [json.dumps({"name": call.name, "arguments": call.arguments}) for message in request.messages for call in message.calls]
    return sum(MESSAGE_TOKENS + count(text) for text in (*offered, *made))


class _Group:
    """Neighbouring parts that stay or go together."""

    def __init__(self, index: int, parts: tuple[_Part, ...]) -> None:
        self.index = index
        self.parts = parts
        self.priority = min(part.priority for part in parts)
        self.images = sum(isinstance(part, ImagePart) for part in parts)
        self.kind = "image" if self.images else next(part.kind for part in parts if isinstance(part, TextPart))


def _groups(messages: Sequence[Message]) -> Iterator[_Group]:
    index = 0
    for message in messages:
        for parts in _runs(message):
            yield _Group(index, parts)
            index += 1


def _runs(message: Message) -> Iterator[tuple[_Part, ...]]:
    for item_id, run in groupby(message.parts, key=lambda part: part.item_id):
        if item_id is None:
            yield from ((part,) for part in run)
        else:
            yield tuple(run)


def _without(messages: Sequence[Message], gone: set[int]) -> tuple[Message, ...]:
    kept: list[Message] = []
    index = 0
    for message in messages:
        parts: list[_Part] = []
        for run in _runs(message):
            if index not in gone:
                parts.extend(run)
            index += 1
        # A call and its answer stay a pair, also where the answer's text had to go.
        if parts or message.calls or message.call_id is not None:
            kept.append(message.model_copy(update={"parts": tuple(parts)}))
    return tuple(kept)
