"""Watching a server's own queue while there is traffic, so that fewer requests are sent before it must refuse any."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import httpx2

from livesteward.address import metrics_url
from livesteward.models.answer_size import bounded
from livesteward.models.limiter import AdaptiveLimiter
from livesteward.models.vllm_metrics import read_metrics

INTERVAL_S: Final = 1.0
"""Between two looks."""

LONGEST_INTERVAL_S: Final = 60.0
"""Where the metrics cannot be read the time between looks doubles up to this."""

_TIMEOUT_S: Final = 2.0
_MOST_BYTES: Final = 1_000_000


class ServerQueue:
    """Looks at vLLM's gauge of waiting requests and tells the limiter.

    One look at a time, and none while nothing is under way. A queue counts when two looks in a row see it: what came in together waits for
    one step of the engine in any case. What cannot be read (another kind of server, a gateway in between) is ignored.

    Args:
        base_url: Of the API, with its version path.
        limiter: Told of what is seen.
        http_client: A client to use in place of one of its own.
        interval_s: Between two looks, in seconds.
    """

    def __init__(
        self, base_url: str, limiter: AdaptiveLimiter, *, http_client: httpx2.AsyncClient | None = None, interval_s: float = INTERVAL_S
    ) -> None:
        self._url = metrics_url(base_url)
        self._limiter = limiter
        self._client = http_client
        self._own: httpx2.AsyncClient | None = None
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    def traffic(self) -> None:
        """Say that a request is under way; looking begins where it does not go on already."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look_on())

    async def aclose(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._own is not None:
            await self._own.aclose()

    async def _look_on(self) -> None:
        pause_s, queued_before = self._interval_s, False
        while True:
            await asyncio.sleep(pause_s)
            if self._limiter.in_flight == 0:
                self._limiter.queue_seen(0)
                return
            waiting = await self._look()
            if waiting is None:
                # What was seen before says nothing of now, and must not hold the limit down for good.
                self._limiter.queue_seen(0)
                pause_s, queued_before = min(LONGEST_INTERVAL_S, 2 * pause_s), False
                continue
            pause_s = self._interval_s
            self._limiter.queue_seen(waiting if queued_before else 0)
            queued_before = waiting > 0

    async def _look(self) -> float | None:
        if self._client is None:
            # Made when it is needed: it costs tens of milliseconds, and most calls end before a first look.
            self._client = self._own = bounded(httpx2.AsyncClient())
        text = bytearray()
        try:
            async with asyncio.timeout(_TIMEOUT_S), self._client.stream("GET", self._url) as response:
                if response.status_code != httpx2.codes.OK:
                    return None
                async for chunk in response.aiter_bytes():
                    text += chunk
                    if len(text) > _MOST_BYTES:
                        return None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError):
            return None
        return read_metrics(text.decode("utf-8", errors="replace")).get("requests_waiting")
