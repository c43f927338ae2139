from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from integration.models.misbehaving_server import GOOD, Answer, MisbehavingServer, completion

from livesteward.errors import ModelRefusedError, ModelRejectedError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.factory import model_from_settings
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import ChatModel, Message, ModelRequest, Paced, Sampling, TextPart
from livesteward.models.routing import AT_HOME, RoutedModel
from livesteward.settings import ModelSettings, Settings

SCHEMA = {"type": "object", "properties": {"decision": {"enum": ["allow", "review"]}, "reason": {"type": "string"}}}
DOWN = Answer(status=503, body='{"error": {"message": "shutting down"}}')

Make = Callable[..., RoutedModel]


def ask_for(prefix: str = "", *, deadline_s: float = 10) -> ModelRequest:
    messages = (Message(role="user", parts=(TextPart(text="hello"),)),)
    return ModelRequest(messages=messages, answer_schema=SCHEMA, deadline_s=deadline_s, sampling=Sampling(max_tokens=50), prefix=prefix)


@pytest.fixture
async def servers() -> AsyncIterator[list[MisbehavingServer]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(MisbehavingServer()) for _ in range(3)]


@pytest.fixture
async def make(servers: list[MisbehavingServer]) -> AsyncIterator[Make]:
    made: list[RoutedModel] = []

    def build(*, health_every_s: float = 0.02, **settings: Any) -> RoutedModel:
        first, *rest = [server.base_url for server in servers]
        given = {"name": "judge-7b", "base_url": first, "endpoints": tuple(rest), "attempts": 1, "adaptive": False} | settings
        made.append(RoutedModel(ModelSettings(**given), health_every_s=health_every_s))
        return made[-1]

    yield build
    for model in made:
        await model.aclose()


def loads(servers: list[MisbehavingServer]) -> list[int]:
    return [len(server.requests) for server in servers]


async def home_of(prefix: str, model: ChatModel, servers: list[MisbehavingServer]) -> MisbehavingServer:
    before = loads(servers)
    await model.ask(ask_for(prefix))
    return next(server for server, count in zip(servers, before, strict=True) if len(server.requests) > count)


async def until(what: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that in 10 s")


async def test_requests_that_begin_alike_go_to_one_server_and_others_spread(servers: list[MisbehavingServer], make: Make) -> None:
    model, other_process = make(), make()
    homes = Counter()
    for number in range(24):
        home = await home_of(f"rules-{number}", model, servers)
        assert await home_of(f"rules-{number}", model, servers) is home
        assert await home_of(f"rules-{number}", other_process, servers) is home
        homes[home.port] += 1
    assert len(homes) == 3


async def test_the_answer_says_which_server_gave_it(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    home = await home_of("rules", model, servers)
    answer = await model.ask(ask_for("rules"))
    assert (answer.endpoint, answer.engine, answer.fallback) == (home.base_url, "openai-compatible", False)


async def test_requests_without_a_shared_beginning_take_turns(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    for _ in range(6):
        await model.ask(ask_for())
    assert loads(servers) == [2, 2, 2]


async def test_a_dead_server_s_requests_move_and_come_back(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    home = await home_of("rules", model, servers)
    others = [server for server in servers if server is not home]
    port = home.port
    await home.__aexit__()

    assert (await model.ask(ask_for("rules"))).data == GOOD
    moved = next(server for server in others if server.requests)
    await until(lambda: [server for server in model._servers if server.down] != [])
    assert await home_of("rules", model, others) is moved
    for number in range(12):
        await model.ask(ask_for(f"other-{number}"))

    async with MisbehavingServer(port=port) as again:
        await until(lambda: not any(server.down for server in model._servers))
        assert await home_of("rules", model, [again, *others]) is again


async def test_a_server_that_is_up_and_says_it_is_ill_is_left_alone(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    home = await home_of("rules", model, servers)
    home.healthy = False
    home.then(DOWN)
    await model.ask(ask_for("rules"))
    await until(lambda: any(server.down for server in model._servers))
    asked = len(home.requests)
    for _ in range(5):
        await model.ask(ask_for("rules"))
    assert len(home.requests) == asked


async def test_a_server_that_is_well_and_fails_is_left_alone_by_its_circuit_breaker(servers: list[MisbehavingServer], make: Make) -> None:
    model = make(breaker_failures=2, breaker_reset_s=600)
    home = await home_of("rules", model, servers)
    home.then(DOWN)
    for _ in range(6):
        assert (await model.ask(ask_for("rules"))).data == GOOD
    assert len(home.requests) == 1 + 2


async def test_load_beyond_the_bound_spills_to_the_next_server(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    home = await home_of("rules", model, servers)
    for server in servers:
        server.requests.clear()
        server.then(Answer(body=completion(GOOD).body, delay_s=0.5))
    await asyncio.gather(*(model.ask(ask_for("rules")) for _ in range(AT_HOME)))
    assert len(home.requests) == AT_HOME

    for server in servers:
        server.requests.clear()
    await asyncio.gather(*(model.ask(ask_for("rules")) for _ in range(24)))
    assert sum(loads(servers)) == 24
    assert max(loads(servers)) == len(home.requests) <= 1.25 * 24 / 3 + 1
    assert min(loads(servers)) > 0


async def test_no_server_takes_more_than_its_places_at_once(servers: list[MisbehavingServer], make: Make) -> None:
    for server in servers:
        server.then(Answer(body=completion(GOOD).body, delay_s=0.05))
    model = make(concurrency=2)
    await asyncio.gather(*(model.ask(ask_for("rules")) for _ in range(12)))
    assert sum(loads(servers)) == 12
    assert [server.most_at_once for server in servers] == [2, 2, 2]


async def test_a_server_that_asks_to_be_left_alone_is(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    home = await home_of("rules", model, servers)
    home.then(Answer(status=429, body='{"error": {"message": "full"}}', headers={"retry-after": "600"}))
    for _ in range(4):
        assert (await model.ask(ask_for("rules"))).data == GOOD
    assert len(home.requests) == 1 + 1


async def test_there_are_as_many_places_as_the_servers_that_are_up_have(servers: list[MisbehavingServer], make: Make) -> None:
    model = make(concurrency=5)
    assert isinstance(model, Paced)
    assert model.places == 15
    model._servers[0].down = True
    assert model.places == 10


async def test_a_slow_server_s_request_ends_at_the_deadline_and_is_not_sent_again(servers: list[MisbehavingServer], make: Make) -> None:
    for server in servers:
        server.then(Answer(body=completion(GOOD).body, delay_s=30))
    model = make()
    with pytest.raises(ModelTimeoutError):
        async with asyncio.timeout(10):
            await model.ask(ask_for("rules", deadline_s=0.3))
    assert sum(loads(servers)) == 1


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (completion(None, refusal="no"), ModelRefusedError),
        (Answer(status=413, body='{"error": {"message": "too large"}}'), ModelRejectedError),
    ],
)
async def test_what_one_server_refuses_is_not_taken_to_another(
    servers: list[MisbehavingServer], make: Make, said: Answer, error: type[Exception]
) -> None:
    for server in servers:
        server.then(said)
    with pytest.raises(error):
        await make().ask(ask_for("rules"))
    assert sum(loads(servers)) == 1


async def test_all_servers_down_is_said_with_each_of_their_reasons(servers: list[MisbehavingServer], make: Make) -> None:
    for server in servers:
        server.then(DOWN)
    with pytest.raises(ModelUnavailableError, match="none of 3 servers") as raised:
        await make().ask(ask_for("rules"))
    assert all(server.base_url in str(raised.value) for server in servers)
    assert loads(servers) == [1, 1, 1]


async def test_servers_that_were_all_busy_are_tried_again_within_the_deadline(servers: list[MisbehavingServer], make: Make) -> None:
    for server in servers:
        server.then(DOWN, completion(GOOD))
    assert (await make(attempts=2).ask(ask_for("rules"))).data == GOOD
    assert sum(loads(servers)) == 4


async def test_when_all_look_ill_they_are_tried_all_the_same(servers: list[MisbehavingServer], make: Make) -> None:
    model = make()
    for server in model._servers:
        server.down = True
    assert (await model.ask(ask_for("rules"))).data == GOOD


async def test_a_router_in_front_is_an_ordinary_server_that_is_told_the_beginning(servers: list[MisbehavingServer]) -> None:
    router = servers[0]
    model = model_from_settings(Settings(model={"base_url": router.base_url, "name": "judge-7b", "affinity_header": "X-Session-ID"}))  # type: ignore[arg-type]
    assert isinstance(model, OpenAICompatibleModel)
    await model.ask(ask_for("rules-of-SG"))
    await model.ask(ask_for())
    await model.aclose()
    assert router.headers[0]["x-session-id"] == "rules-of-SG"
    assert "x-session-id" not in router.headers[1]
    assert router.requests[0].keys() == router.requests[1].keys()
