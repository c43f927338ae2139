"""A bound on what a server answers, so that a broken or hostile one does not fill the memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import httpx2

MOST_BYTES: Final = 32 * 1024 * 1024
"""Of one answer. The longest that can be asked for, 32,768 tokens with the log-probabilities of five others each, takes some 20 MB."""


class AnswerSizeError(httpx2.TransportError):
    """An answer is too long, or of a length that cannot be known. The message follows the server's address."""


def bounded(client: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Have a client read at most :data:`MOST_BYTES` of each answer, and return it.

    Answers come uncompressed, since few bytes can become many: one that is compressed all the same is not read.

    Args:
        client: Its requests raise :class:`AnswerSizeError`, an ``httpx2.HTTPError``, from now on.
    """
    client.headers["accept-encoding"] = "identity"
    hooks = client.event_hooks
    client.event_hooks = {**hooks, "response": [*hooks["response"], _bound]}
    return client


async def _bound(response: httpx2.Response) -> None:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise AnswerSizeError(f"compresses its answers ({coding[:32]}), though it was asked not to; see what stands in between")
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Counted(response.stream)


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > MOST_BYTES:
                raise AnswerSizeError(f"answered with more than {MOST_BYTES // 1024**2} MB, which is not read")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
