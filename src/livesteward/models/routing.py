"""Several servers of one model as one: requests that begin alike go to the same server, and around those that are down.

A server keeps the beginning of prompts that it has read. Rendezvous hashing (Thaler and Ravishankar, 1998) ranks the servers for each
beginning, so that every process picks the same one without talking to the others, and the loss of a server moves only what it had. A bound
on what one server takes (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016) sends the rest to the next in
that rank.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpx2

from livesteward.address import server_root
from livesteward.errors import ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.answer_size import bounded
from livesteward.models.breaker import CircuitState
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import ModelAnswer, ModelRequest
from livesteward.settings import ModelSettings

AT_HOME: Final = 4
"""Requests that the first server of a rank takes before its load is compared with that of others."""

SPARE: Final = 1.25
"""How much more than an equal share a server takes."""

HEALTH_S: Final = 2.0
"""Seconds that ``/health`` may take."""

_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 4.0


class _Server:
    def __init__(self, model: OpenAICompatibleModel, url: str) -> None:
        self.model = model
        self.url = url
        self.in_flight = 0
        self.down = False
        """Whether ``/health`` said so after a failure, and has not said otherwise since."""

    def takes_calls(self) -> bool:
        return not self.down and self.model.circuit is not CircuitState.OPEN and not self.model.is_paused

    def rank(self, prefix: str) -> bytes:
        return hashlib.sha256(f"{self.url}\0{prefix}".encode()).digest()


class RoutedModel:
    """One model on several servers. Use one object in one event loop.

    A server that fails is asked for its health beside the traffic, and left alone until it says that it is well; a circuit breaker does the
    same for one that is well and fails, and one that asks to be left alone is. Such servers are tried last, where no other answers.
    A request that one server could not take goes to the next at once, within its deadline. A timeout is not tried again: the time is used
    up, and a slow server is mostly a busy one.

    Args:
        settings: With more than one of ``urls``. ``concurrency``, what is learnt of it and the circuit breaker hold for each server,
            ``attempts`` for rounds over all of them.
        health_every_s: Seconds between two looks at a server that is down.
        clock: Monotonic seconds, for the circuit breakers.
    """

    def __init__(self, settings: ModelSettings, *, health_every_s: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._health_every_s = health_every_s
        # This class is what tries again: a client that did so too would stay with a server that is down.
        each = {"endpoints": (), "attempts": 1}
        self._servers = [
            _Server(OpenAICompatibleModel(settings.model_copy(update={**each, "base_url": url}), clock=clock), url) for url in settings.urls
        ]
        self._turn = 0
        self._looking: dict[str, asyncio.Task[None]] = {}
        self._http: httpx2.AsyncClient | None = None

    @property
    def name(self) -> str:
        """The configured name, or the one that a server listed."""
        return next((server.model.name for server in self._servers if server.model.name), "")

    @property
    def accepts_images(self) -> bool:
        """Whether each of the servers' models takes pictures."""
        return all(server.model.accepts_images for server in self._servers)

    @property
    def places(self) -> int:
        """How many requests the servers that are up take at once for now."""
        return max(1, sum(server.model.places for server in self._servers if not server.down))

    @property
    def calls_tools(self) -> bool:
        """Whether each of the servers' models can call tools."""
        return all(server.model.calls_tools for server in self._servers)

    async def ask(self, request: ModelRequest) -> ModelAnswer:
        """Ask the server that knows the request's beginning, else the least busy one; the next where one cannot take it.

        Raises:
            ModelError: The server's; a ``ModelUnavailableError`` names what each of them said.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + request.deadline_s
        failures: dict[str, str] = {}
        for round_ in range(self._settings.attempts):
            if round_:
                wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (round_ - 1))
                if wait >= ends_at - loop.time():
                    break
                await asyncio.sleep(wait)
            tried: set[str] = set()
            while (server := self._next(request.prefix, tried)) is not None and (left := ends_at - loop.time()) > 0:
                tried.add(server.url)
                try:
                    return await self._ask(server, request.model_copy(update={"deadline_s": left}))
                except ModelRejectedError:
                    raise
                except ModelUnavailableError as error:
                    failures[server.url] = str(error)
        said = "; ".join(failures.values())
        raise ModelUnavailableError(f"none of {len(self._servers)} servers could take the request: {said}"[:2_000])

    async def aclose(self) -> None:
        """Close the connections."""
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)
        for server in self._servers:
            await server.model.aclose()
        if self._http is not None:
            await self._http.aclose()

    async def _ask(self, server: _Server, request: ModelRequest) -> ModelAnswer:
        server.in_flight += 1
        try:
            answer = await server.model.ask(request)
        except ModelRejectedError:
            raise
        except (ModelUnavailableError, ModelTimeoutError):
            self._look_at(server)
            raise
        finally:
            server.in_flight -= 1
        server.down = False
        return answer

    def _next(self, prefix: str, tried: set[str]) -> _Server | None:
        """Return the server to try now. Loads change while others are tried, so each is chosen when its turn comes."""
        left = [server for server in self._servers if server.url not in tried]
        well = [server for server in left if server.takes_calls()]
        if well:
            return self._by_prefix(prefix, well) if prefix else self._by_load(well)
        return self._by_load(left) if left else None

    def _by_prefix(self, prefix: str, servers: Sequence[_Server]) -> _Server:
        equal = (sum(server.in_flight for server in servers) + 1) / len(servers)
        bound = max(AT_HOME, math.ceil(SPARE * equal))
        ranked = sorted(servers, key=lambda server: server.rank(prefix), reverse=True)
        return next((server for server in ranked if server.in_flight < min(bound, server.model.places)), None) or self._by_load(servers)

    def _by_load(self, servers: Sequence[_Server]) -> _Server:
        # Equally busy ones take turns.
        self._turn += 1
        return min(enumerate(servers), key=lambda one: (one[1].in_flight, (one[0] - self._turn) % len(servers)))[1]

    def _look_at(self, server: _Server) -> None:
        if server.url not in self._looking or self._looking[server.url].done():
            self._looking[server.url] = asyncio.create_task(self._wait_for_health(server))

    async def _wait_for_health(self, server: _Server) -> None:
        while not await self._is_well(server):
            server.down = True
            await asyncio.sleep(self._health_every_s)
        server.down = False

    async def _is_well(self, server: _Server) -> bool:
        """Whether ``/health`` answers; a server that has no such page counts as well."""
        if self._http is None:
            self._http = bounded(httpx2.AsyncClient(timeout=HEALTH_S))
        try:
            async with asyncio.timeout(HEALTH_S):
                answer = await self._http.get(f"{server_root(server.url)}/health")
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError):
            return False
        return answer.status_code < httpx2.codes.INTERNAL_SERVER_ERROR
