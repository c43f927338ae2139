from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.models.virtual_time import run

from livesteward.models.limiter import LONGEST_PAUSE_S, AdaptiveLimiter, Permit


class Full(Exception):
    def __init__(self, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s


@dataclass
class Server:
    """Refuses what is more than ``capacity`` at once."""

    capacity: int
    takes_s: float = 1.0
    retry_after_s: float | None = None
    at_once: int = 0
    refused: int = 0
    answered: int = 0
    limits: list[tuple[float, int]] = field(default_factory=list)

    async def call(self) -> None:
        if self.at_once >= self.capacity:
            self.refused += 1
            await asyncio.sleep(0.01)
            raise Full(self.retry_after_s)
        self.at_once += 1
        try:
            await asyncio.sleep(self.takes_s)
            self.answered += 1
        finally:
            self.at_once -= 1


async def ask(limiter: AdaptiveLimiter, server: Server) -> None:
    while True:
        permit = await limiter.acquire()
        try:
            await server.call()
        except Full as full:
            limiter.overloaded(permit, retry_after_s=full.retry_after_s)
        else:
            limiter.succeeded(permit)
            return
        finally:
            limiter.release(permit)
            server.limits.append((asyncio.get_running_loop().time(), limiter.limit))
        await asyncio.sleep(0.5)


async def ask_all(limiter: AdaptiveLimiter, server: Server, requests: int) -> None:
    await asyncio.gather(*(ask(limiter, server) for _ in range(requests)))


def test_the_limit_settles_near_what_the_server_can_take() -> None:
    server, limiter = Server(capacity=10), AdaptiveLimiter(64)
    run(ask_all(limiter, server, 1_500))
    settled = [limit for _, limit in server.limits[len(server.limits) // 2 :]]
    assert server.answered == 1_500
    assert 7 <= sum(settled) / len(settled) <= 11
    assert max(settled) <= 11
    # Full use would take 150 s.
    assert server.limits[-1][0] < 220


def test_it_starts_at_half_and_reaches_the_ceiling_where_the_server_keeps_up() -> None:
    server, limiter = Server(capacity=1_000), AdaptiveLimiter(9)
    assert limiter.limit == 5
    run(ask_all(limiter, server, 200))
    assert limiter.limit == 9
    assert server.refused == 0


def test_it_recovers_after_the_server_did() -> None:
    async def main() -> tuple[int, int]:
        server, limiter = Server(capacity=16), AdaptiveLimiter(16)
        work = asyncio.create_task(ask_all(limiter, server, 2_000))
        await asyncio.sleep(30)
        server.capacity = 2
        await asyncio.sleep(30)
        low = limiter.limit
        server.capacity = 16
        await asyncio.sleep(150)
        high = limiter.limit
        await work
        return low, high

    low, high = run(main())
    assert low <= 3
    assert high == 16


def test_a_wave_of_refusals_counts_once() -> None:
    async def main() -> tuple[int, int]:
        limiter = AdaptiveLimiter(40)
        permits = [await limiter.acquire() for _ in range(20)]
        for permit in permits:
            limiter.overloaded(permit)
            limiter.release(permit)
        first = limiter.limit
        permit = await limiter.acquire()
        limiter.overloaded(permit)
        limiter.release(permit)
        return first, limiter.limit

    assert run(main()) == (14, 9)


def test_the_limit_never_falls_below_one() -> None:
    async def main() -> int:
        limiter = AdaptiveLimiter(8)
        for _ in range(20):
            permit = await limiter.acquire()
            limiter.overloaded(permit)
            limiter.release(permit)
        return limiter.limit

    assert run(main()) == 1


def test_a_few_successes_without_need_do_not_raise_the_limit() -> None:
    async def main() -> int:
        limiter = AdaptiveLimiter(8)
        for _ in range(100):
            permit = await limiter.acquire()
            limiter.succeeded(permit)
            limiter.release(permit)
        return limiter.limit

    assert run(main()) == 4


@pytest.mark.parametrize(("asked", "kept"), [(3.0, 3.0), (3_600.0, LONGEST_PAUSE_S)])
@pytest.mark.parametrize("adaptive", [True, False])
def test_nobody_is_let_through_while_the_server_asks_to_wait(asked: float, kept: float, *, adaptive: bool) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        limiter = AdaptiveLimiter(4, adaptive=adaptive)
        permit = await limiter.acquire()
        limiter.overloaded(permit, retry_after_s=asked)
        limiter.release(permit)
        assert limiter.is_paused
        await limiter.acquire()
        return loop.time()

    assert run(main()) == pytest.approx(kept)


def test_a_queue_in_the_server_lowers_the_limit_once_a_round_trip_and_holds_it() -> None:
    async def main() -> list[int]:
        limiter = AdaptiveLimiter(20)
        seen = []
        permits = [await limiter.acquire() for _ in range(10)]
        limiter.queue_seen(3)
        seen.append(limiter.limit)
        for permit in permits:
            limiter.succeeded(permit)
            limiter.release(permit)
        limiter.queue_seen(3)
        limiter.queue_seen(3)
        seen.append(limiter.limit)
        permits = [await limiter.acquire() for _ in range(7)]
        for permit in permits:
            limiter.succeeded(permit)
            await asyncio.sleep(0)
        seen.append(limiter.limit)
        limiter.queue_seen(0)
        for permit in permits:
            limiter.succeeded(permit)
        seen.append(limiter.limit)
        return seen

    assert run(main()) == [10, 7, 7, 8]


def test_switched_off_the_limit_is_the_ceiling_and_stays() -> None:
    server, limiter = Server(capacity=4), AdaptiveLimiter(8, adaptive=False)
    run(ask_all(limiter, server, 60))
    assert {limit for _, limit in server.limits} == {8}
    assert server.answered == 60


def test_permits_go_out_in_the_order_in_which_they_were_asked_for() -> None:
    async def main() -> list[int]:
        limiter = AdaptiveLimiter(3)
        order: list[int] = []

        async def one(number: int) -> None:
            permit = await limiter.acquire()
            order.append(number)
            await asyncio.sleep(1 + number % 3)
            limiter.succeeded(permit)
            limiter.release(permit)

        await asyncio.gather(*(one(number) for number in range(30)))
        return order

    assert run(main()) == list(range(30))


def test_a_cancelled_wait_leaves_no_place_taken_and_nobody_behind() -> None:
    async def main() -> tuple[int, int]:
        limiter = AdaptiveLimiter(1)
        held = await limiter.acquire()
        tasks = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        assert limiter.waiting == 3
        # The first is cancelled in the very moment in which its permit comes.
        limiter.release(held)
        tasks[0].cancel()
        tasks[1].cancel()
        permit = await asyncio.wait_for(tasks[2], 1)
        limiter.release(permit)
        return limiter.in_flight, limiter.waiting

    assert run(main()) == (0, 0)


class Crowd:
    """Callers that ask, give up, succeed and are refused in any order."""

    def __init__(self, ceiling: int) -> None:
        self.limiter = AdaptiveLimiter(ceiling)
        self.asked: list[asyncio.Task[None]] = []
        self.out: list[Permit] = []

    async def take(self) -> None:
        permit = await self.limiter.acquire()
        assert self.limiter.in_flight <= self.limiter.limit <= self.limiter.ceiling
        self.out.append(permit)

    async def ask(self, _: int) -> None:
        self.asked.append(asyncio.create_task(self.take()))

    async def cancel(self, number: int) -> None:
        if self.asked:
            self.asked[number % len(self.asked)].cancel()

    async def queue(self, number: int) -> None:
        self.limiter.queue_seen(number % 2)

    async def pass_time(self, number: int) -> None:
        await asyncio.sleep(number)

    async def succeed(self, number: int) -> None:
        if self.out:
            permit = self.out.pop(number % len(self.out))
            self.limiter.succeeded(permit)
            self.limiter.release(permit)

    async def refuse(self, number: int) -> None:
        if self.out:
            permit = self.out.pop(number % len(self.out))
            self.limiter.overloaded(permit, retry_after_s=number % 3)
            self.limiter.release(permit)

    async def all_come_to_an_end(self) -> None:
        while self.out or not all(task.done() for task in self.asked):
            while self.out:
                self.limiter.release(self.out.pop())
            await asyncio.sleep(LONGEST_PAUSE_S)


ACTIONS = {name: getattr(Crowd, name) for name in ("ask", "cancel", "queue", "pass_time", "succeed", "refuse")}


@settings(max_examples=150, deadline=None)
@given(ceiling=st.integers(1, 12), steps=st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 30)), max_size=80))
def test_no_more_permits_are_given_than_the_limit_and_none_is_lost(ceiling: int, steps: list[tuple[str, int]]) -> None:
    async def main() -> None:
        crowd = Crowd(ceiling)
        for action, number in steps:
            await ACTIONS[action](crowd, number)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await crowd.all_come_to_an_end()
        for task in crowd.asked:
            assert task.cancelled() or task.exception() is None
        assert (crowd.limiter.in_flight, crowd.limiter.waiting) == (0, 0)

    run(main())
