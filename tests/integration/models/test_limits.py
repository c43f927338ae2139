from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from integration.models.misbehaving_server import GOOD, Answer, MisbehavingServer, completion

from livesteward.models.limiter import AdaptiveLimiter
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import Message, ModelRequest, Paced, TextPart
from livesteward.models.server_queue import ServerQueue
from livesteward.settings import ModelSettings

REQUEST = ModelRequest(
    messages=(Message(role="user", parts=(TextPart(text="hello"),)),),
    answer_schema={"type": "object", "properties": {"decision": {"enum": ["allow"]}}, "required": ["decision"]},
    deadline_s=20,
)
QUEUE = 'vllm:num_requests_waiting{{engine="0",model_name="judge"}} {waiting}\n'


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


@pytest.fixture
async def model(server: MisbehavingServer) -> AsyncIterator[OpenAICompatibleModel]:
    made = OpenAICompatibleModel(
        ModelSettings(base_url=server.base_url, name="judge-7b", concurrency=16, attempts=10, breaker_failures=1_000, timeout_s=0.3)
    )
    yield made
    await made.aclose()


async def test_a_server_that_refuses_is_sent_fewer_at_once_and_every_request_is_answered(
    server: MisbehavingServer, model: OpenAICompatibleModel
) -> None:
    at_once = 0

    def picky(_: dict[str, Any]) -> Answer:
        nonlocal at_once
        if at_once >= 2:
            return Answer(status=429, body="{}", headers={"retry-after": "0.05"})
        at_once += 1
        asyncio.get_running_loop().call_later(0.02, leave)
        answer = completion(GOOD)
        answer.delay_s = 0.02
        return answer

    def leave() -> None:
        nonlocal at_once
        at_once -= 1

    server.then(picky)
    assert isinstance(model, Paced)
    assert model.places == 8
    answers = await asyncio.gather(*(model.ask(REQUEST) for _ in range(30)))
    assert len(answers) == 30
    assert model.places < 8


async def test_missed_deadlines_lower_the_limit_once(server: MisbehavingServer, model: OpenAICompatibleModel) -> None:
    server.then(Answer(delay_s=30))
    late = REQUEST.model_copy(update={"deadline_s": 0.3})
    await asyncio.gather(*(model.ask(late) for _ in range(8)), return_exceptions=True)
    assert model.places == 5


async def test_a_request_that_is_cancelled_lowers_nothing(server: MisbehavingServer, model: OpenAICompatibleModel) -> None:
    server.then(Answer(delay_s=30))
    task = asyncio.create_task(model.ask(REQUEST))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert model.places == 8


async def test_a_queue_that_the_server_shows_lowers_the_limit_until_it_is_gone(server: MisbehavingServer) -> None:
    limiter = AdaptiveLimiter(20)
    queue = ServerQueue(server.base_url, limiter, interval_s=0.01)
    server.metrics = Answer(body=QUEUE.format(waiting="4.0"), content_type="text/plain")
    limiter.release(await limiter.acquire())
    permit = await limiter.acquire()
    queue.traffic()
    await until(lambda: limiter.limit != 10)
    assert limiter.limit == 7
    assert server.looks >= 2
    limiter.release(permit)
    await queue.aclose()


@pytest.mark.parametrize(
    "unreadable",
    [
        Answer(status=404, body="{}"),
        Answer(body="<html>", content_type="text/html"),
        Answer(body="x" * 1_100_000, content_type="text/plain"),
        Answer(reset=True),
    ],
    ids=["not found", "a page", "too long", "reset"],
)
async def test_metrics_that_cannot_be_read_change_nothing(server: MisbehavingServer, unreadable: Answer) -> None:
    limiter = AdaptiveLimiter(20)
    queue = ServerQueue(server.base_url, limiter, interval_s=0.01)
    server.metrics = unreadable
    limiter.release(await limiter.acquire())
    permit = await limiter.acquire()
    queue.traffic()
    await until(lambda: server.looks >= 3)
    assert limiter.limit == 10
    limiter.release(permit)
    await queue.aclose()


async def test_a_queue_that_is_not_seen_any_more_does_not_hold_the_limit(server: MisbehavingServer) -> None:
    limiter = AdaptiveLimiter(2)
    queue = ServerQueue(server.base_url, limiter, interval_s=0.01)
    server.metrics = Answer(body=QUEUE.format(waiting="4.0"), content_type="text/plain")
    permit = await limiter.acquire()
    queue.traffic()
    await until(lambda: server.looks >= 3)
    server.metrics = Answer(status=404, body="{}")
    seen = server.looks
    await until(lambda: server.looks >= seen + 2)
    limiter.succeeded(permit)
    assert limiter.limit == 2
    limiter.release(permit)
    await queue.aclose()


async def test_a_server_without_traffic_is_not_looked_at(server: MisbehavingServer) -> None:
    limiter = AdaptiveLimiter(20)
    queue = ServerQueue(server.base_url, limiter, interval_s=0.001)
    queue.traffic()
    await asyncio.sleep(0.1)
    assert server.looks == 0
    await queue.aclose()
