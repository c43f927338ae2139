"""How many requests a server is given at once: more while it keeps up, fewer when it says or shows that it is full.

Additive increase, multiplicative decrease, as TCP does it (Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion
avoidance in computer networks", Computer Networks and ISDN Systems 17, 1989).
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from typing import Final

BACKOFF: Final = 0.7
"""What a sign of overload multiplies the limit by."""

LONGEST_PAUSE_S: Final = 15.0
"""The most of a ``Retry-After`` that is kept for all requests; the one that was told it keeps all of it."""


@dataclass(frozen=True)
class Permit:
    """Leave for one request. ``decreases`` is how often the limit had been lowered when it was given."""

    decreases: int


class AdaptiveLimiter:
    """Hands out permits in the order in which they were asked for, never more at once than the present limit.

    The limit starts at half of ``ceiling`` (rounded up). It grows by one whenever as many requests as it counts succeeded while all places
    were taken. It shrinks by :data:`BACKOFF`, never below one, when a request that was sent under the present limit met a full server: what
    was sent before the last decrease says nothing of the limit since, so that one wave of refusals counts once. With ``adaptive`` off the
    limit is ``ceiling`` and stays there; a pause that the server asks for is kept in any case.

    Use it in one event loop; it takes no lock, and waits for events only. Every permit is given back by :meth:`release`.

    Args:
        ceiling: The most at once, at least 1.
        adaptive: Whether the limit moves.
    """

    def __init__(self, ceiling: int, *, adaptive: bool = True) -> None:
        self._ceiling = max(1, ceiling)
        self._adaptive = adaptive
        self._allowed = float(math.ceil(self._ceiling / 2) if adaptive else self._ceiling)
        self._in_flight = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._decreases = 0
        self._succeeded = 0
        self._paused_until = -math.inf
        self._wake: asyncio.TimerHandle | None = None
        self._holds = False
        self._round_trip = False

    @property
    def ceiling(self) -> int:
        """The most that the limit can be."""
        return self._ceiling

    @property
    def limit(self) -> int:
        """How many may run at once for now."""
        return int(self._allowed)

    @property
    def in_flight(self) -> int:
        """Permits that are out; more than :attr:`limit` for a while after a decrease."""
        return self._in_flight

    @property
    def waiting(self) -> int:
        """How many wait for a permit."""
        return sum(not future.done() for future in self._waiters)

    @property
    def is_paused(self) -> bool:
        """Whether the server asked to be left alone for now. Ask in the event loop."""
        return asyncio.get_running_loop().time() < self._paused_until

    async def acquire(self) -> Permit:
        """Wait for a place, first come, first served. Cancelling the wait gives up the place in the queue and nothing else."""
        if self._waiters or not self._has_room():
            future = asyncio.get_running_loop().create_future()
            self._waiters.append(future)
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    # The permit came in the same moment: it goes to the next.
                    self._in_flight -= 1
                elif future in self._waiters:
                    self._waiters.remove(future)
                self._hand_out()
                raise
        else:
            self._in_flight += 1
        return Permit(self._decreases)

    def release(self, permit: Permit) -> None:
        """Give a permit back, whatever became of the request."""
        self._in_flight -= 1
        self._round_trip = self._round_trip or permit.decreases == self._decreases
        self._hand_out()

    def succeeded(self, permit: Permit) -> None:
        """Report that the server answered; call it before :meth:`release`."""
        if not self._adaptive or self._holds or permit.decreases != self._decreases or self._in_flight < self.limit:
            return
        self._succeeded += 1
        if self._succeeded >= self.limit:
            self._succeeded = 0
            self._allowed = min(float(self._ceiling), self.limit + 1.0)
            self._hand_out()

    def overloaded(self, permit: Permit, *, retry_after_s: float | None = None) -> None:
        """Report that the server refused for being full, or did not answer in time.

        Args:
            permit: Of the request.
            retry_after_s: Seconds for which it asks to be left alone; nobody is let through before, up to :data:`LONGEST_PAUSE_S`.
        """
        if permit.decreases == self._decreases:
            self._decrease()
        if retry_after_s:
            self._pause(min(retry_after_s, LONGEST_PAUSE_S))

    def queue_seen(self, waiting: float) -> None:
        """Report how many requests wait in the server's own queue.

        With any the limit shrinks, once for each round trip of a request that was sent under it, and it does not grow until there are none.
        """
        self._holds = waiting > 0
        if self._holds and self._round_trip:
            self._decrease()

    def _decrease(self) -> None:
        self._decreases += 1
        self._succeeded = 0
        self._round_trip = False
        if self._adaptive:
            self._allowed = max(1.0, min(self._allowed * BACKOFF, self.limit - 1.0))

    def _pause(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._paused_until = max(self._paused_until, loop.time() + seconds)
        if self._wake is not None:
            self._wake.cancel()
        self._wake = loop.call_at(self._paused_until, self._resume)

    def _resume(self) -> None:
        # A timer may fire a hair early, and nothing would fire again.
        self._paused_until = -math.inf
        self._hand_out()

    def _has_room(self) -> bool:
        return self._in_flight < self.limit and not self.is_paused

    def _hand_out(self) -> None:
        while self._waiters and self._has_room():
            future = self._waiters.popleft()
            if not future.done():
                self._in_flight += 1
                future.set_result(None)
