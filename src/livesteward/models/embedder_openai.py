"""Vectors from an OpenAI-compatible embeddings endpoint, such as ``vllm serve`` with an embedding model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import httpx2
import numpy as np
import openai
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from livesteward.address import shown_address
from livesteward.errors import ConfigurationError, ModelAnswerError, ModelError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.answer_size import AnswerSizeError, bounded
from livesteward.models.embedders import Vectors, clean, normalised
from livesteward.settings import EmbedderSettings

_BATCH: Final = 64
_RETRIED_STATUS: Final = frozenset({408, 409, 429})


class _PassingError(Exception):
    """What may be gone at the next try."""

    def __init__(self, error: ModelError) -> None:
        super().__init__(str(error))
        self.error = error


class OpenAIEmbedder:
    """Asks an embeddings endpoint, within one deadline a call, trying again on what may pass. Use one object in one event loop.

    Args:
        settings: Address, model, prefixes, deadline and tries.
        http_client: A client to use in place of a new one, for tests or a proxy of one's own. Only of a new one are answers bounded.

    Raises:
        ConfigurationError: If ``settings`` has no ``base_url``, or one that is no address.
    """

    def __init__(self, settings: EmbedderSettings, *, http_client: httpx2.AsyncClient | None = None) -> None:
        if settings.base_url is None:
            raise ConfigurationError("embedder.base_url is not set; for a local vLLM it is http://127.0.0.1:8000/v1")
        self._settings = settings
        try:
            self._url = shown_address(settings.base_url)
        except ValueError as error:
            raise ConfigurationError("embedder.base_url is no address; for a local vLLM it is http://127.0.0.1:8000/v1") from error
        self._dimensions = 0
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value(),
            base_url=settings.base_url,
            max_retries=0,
            timeout=settings.timeout_s,
            http_client=http_client or bounded(openai.DefaultAsyncHttpxClient()),
        )

    @property
    def fingerprint(self) -> str:
        """Address, model and prefixes: the API does not tell a model's digest."""
        chosen = self._settings
        return f"openai-{self._url}-{chosen.model}-{chosen.query_prefix!r}-{chosen.passage_prefix!r}"

    @property
    def dimensions(self) -> int:
        """Length of the vectors; 0 before the first answer."""
        return self._dimensions

    async def queries(self, texts: Sequence[str]) -> Vectors:
        """Embed with the configured query prefix."""
        return await self._embed([self._settings.query_prefix + clean(text) for text in texts])

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Embed with the configured passage prefix."""
        return await self._embed([self._settings.passage_prefix + clean(text) for text in texts])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _embed(self, texts: list[str]) -> Vectors:
        parts = [await self._within_deadline(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, self._dimensions), np.float32)

    async def _within_deadline(self, texts: list[str]) -> Vectors:
        policy = AsyncRetrying(
            retry=retry_if_exception_type(_PassingError),
            wait=wait_random_exponential(multiplier=0.25, max=4.0),
            stop=stop_after_attempt(self._settings.attempts),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                rows: Vectors = await policy(self._ask, texts)
        except TimeoutError as error:
            raise ModelTimeoutError(f"{self._url} gave no vectors within {self._settings.timeout_s:g} s") from error
        except _PassingError as failed:
            raise failed.error from failed.__cause__
        if self._dimensions not in (0, rows.shape[1]):
            raise ModelAnswerError(
                f"{self._url}: vectors had {self._dimensions} numbers and now have {rows.shape[1]}; was the model changed?"
            )
        self._dimensions = rows.shape[1]
        return rows

    async def _ask(self, texts: list[str]) -> Vectors:
        try:
            answer = await self._client.embeddings.create(model=self._settings.model, input=texts, encoding_format="float")
            ordered = sorted(answer.data, key=lambda item: item.index)
            rows = [item.embedding for item in ordered]
        except openai.APITimeoutError as error:
            raise _PassingError(ModelTimeoutError(f"{self._url} gave no vectors in time")) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, httpx2.LocalProtocolError):
                # It quotes the header, and with it the key.
                raise ModelUnavailableError(f"{self._url} is not asked: see whether embedder.api_key ends with a line break") from None
            if isinstance(error.__cause__, AnswerSizeError):
                raise ModelUnavailableError(f"{self._url} {error.__cause__}") from error
            raise _PassingError(ModelUnavailableError(f"{self._url} cannot be reached ({error.__cause__ or error})")) from error
        except openai.APIStatusError as error:
            problem = ModelUnavailableError(f"{self._url} answered {error.status_code} for model {self._settings.model!r}: {error.message}")
            if error.status_code in _RETRIED_STATUS or error.status_code >= 500:
                raise _PassingError(problem) from error
            raise problem from error
        except Exception as error:
            # The library turns a page that is no JSON into errors of many kinds.
            raise ModelAnswerError(
                f"{self._url} answered, but not as an embeddings API ({type(error).__name__}); check embedder.base_url"
            ) from error
        return normalised(rows, expected=len(texts), source=self._url)
