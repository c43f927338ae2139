from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from integration.models.misbehaving_server import GOOD, Answer, MisbehavingServer, completion

from livesteward import Segment, Steward, Utterance, Verdict
from livesteward.errors import (
    ConfigurationError,
    ModelAnswerError,
    ModelRefusedError,
    ModelRejectedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from livesteward.models.factory import model_from_settings
from livesteward.models.fallback import FallbackModel
from livesteward.models.protocol import ChatModel, Message, ModelRequest, Sampling, TextPart
from livesteward.settings import Settings

SCHEMA = {
    "type": "object",
    "properties": {"decision": {"enum": ["allow", "review"]}, "reason": {"type": "string"}},
    "required": ["decision"],
}
DOWN = Answer(status=503, body='{"error": {"message": "loading"}}')
ALLOW = {"findings": [], "decision": "allow", "reason": "small talk"}


def ask_for(*, deadline_s: float = 10) -> ModelRequest:
    messages = (Message(role="user", parts=(TextPart(text="hello"),)),)
    return ModelRequest(messages=messages, answer_schema=SCHEMA, deadline_s=deadline_s, sampling=Sampling(max_tokens=50))


@pytest.fixture
async def servers() -> AsyncIterator[list[MisbehavingServer]]:
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(MisbehavingServer()) for _ in range(3)]
        for server, name in zip(running, ("big", "middle", "small"), strict=True):
            server.models = [name]
            server.then(completion(GOOD, model=name))
        yield running


def settings_of(servers: list[MisbehavingServer], **model: Any) -> Settings:
    first, *rest = servers
    fallbacks = [{"base_url": server.base_url} for server in rest]
    return Settings(model={"base_url": first.base_url, "fallbacks": fallbacks, "attempts": 1} | model)  # type: ignore[arg-type]


@pytest.fixture
async def model(servers: list[MisbehavingServer]) -> AsyncIterator[ChatModel]:
    made = model_from_settings(settings_of(servers))
    assert isinstance(made, FallbackModel)
    yield made
    await made.aclose()


async def test_while_the_first_model_answers_no_other_is_asked(servers: list[MisbehavingServer], model: ChatModel) -> None:
    answer = await model.ask(ask_for())
    assert (answer.model, answer.fallback, answer.endpoint) == ("big", False, servers[0].base_url)
    assert servers[1].requests == servers[2].requests == []


async def test_a_model_that_is_down_is_stood_in_for_and_the_answer_says_so(servers: list[MisbehavingServer], model: ChatModel) -> None:
    servers[0].then(DOWN)
    answer = await model.ask(ask_for())
    assert (answer.model, answer.fallback, answer.endpoint) == ("middle", True, servers[1].base_url)
    servers[1].then(DOWN)
    assert (await model.ask(ask_for())).model == "small"


async def test_a_model_that_is_silent_leaves_the_next_one_a_third_of_the_time(servers: list[MisbehavingServer], model: ChatModel) -> None:
    servers[0].then(Answer(body=completion(GOOD).body, delay_s=30))
    async with asyncio.timeout(10):
        answer = await model.ask(ask_for(deadline_s=3))
    assert (answer.model, answer.fallback) == ("middle", True)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (completion(None, refusal="I will not"), ModelRefusedError),
        (completion("no JSON"), ModelAnswerError),
        (completion("{", finish="length"), ModelAnswerError),
        (Answer(status=400, body='{"error": {"message": "the prompt is too long"}}'), ModelRejectedError),
    ],
)
async def test_what_a_model_has_to_say_is_not_taken_to_another(
    servers: list[MisbehavingServer], model: ChatModel, said: Answer, error: type[Exception]
) -> None:
    servers[0].then(said)
    with pytest.raises(error):
        await model.ask(ask_for())
    assert servers[1].requests == []


@pytest.mark.parametrize("then", [DOWN, Answer(delay_s=30)], ids=["down", "silent"])
async def test_no_other_model_is_asked_once_the_first_has_said_something_that_is_of_no_use(
    servers: list[MisbehavingServer], model: ChatModel, then: Answer
) -> None:
    servers[0].then(completion("no JSON"), then)
    with pytest.raises(ModelAnswerError):
        await model.ask(ask_for(deadline_s=5))
    assert len(servers[0].requests) == 2
    assert servers[1].requests == []


async def test_all_down_is_unavailable_and_names_them(servers: list[MisbehavingServer], model: ChatModel) -> None:
    for server in servers:
        server.then(DOWN)
    with pytest.raises(ModelUnavailableError, match="none of 3 models answered") as raised:
        await model.ask(ask_for())
    assert all(server.base_url in str(raised.value) for server in servers)


async def test_all_silent_is_a_timeout_at_the_deadline(servers: list[MisbehavingServer], model: ChatModel) -> None:
    for server in servers:
        server.then(Answer(body=completion(GOOD).body, delay_s=30))
    with pytest.raises(ModelTimeoutError):
        async with asyncio.timeout(10):
            await model.ask(ask_for(deadline_s=0.4))


async def test_a_fallback_takes_over_from_several_servers_of_the_first_model(servers: list[MisbehavingServer]) -> None:
    big, big_too, small = servers
    made = model_from_settings(settings_of([big, small], endpoints=(big_too.base_url,), name="big"))
    assert made is not None
    for server in (big, big_too):
        server.then(DOWN)
    answer = await made.ask(ask_for())
    await made.aclose()
    assert (answer.model, answer.fallback) == ("small", True)
    assert (len(big.requests), len(big_too.requests)) == (1, 1)


def test_what_is_wrong_with_a_fallback_is_told_without_its_password() -> None:
    fallbacks = [{"base_url": "http://me:secret@127.0.0.1:9/v1"}]
    with pytest.raises(ConfigurationError, match=r"http://127\.0\.0\.1:9/v1 cannot stand in for Qwen3Guard-Gen-8B") as told:
        model_from_settings(
            Settings(model={"base_url": "http://127.0.0.1:9/v1", "name": "Qwen3Guard-Gen-8B", "fallbacks": fallbacks})  # type: ignore[arg-type]
        )
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "names", [("judge", "Qwen3Guard-Gen-8B"), ("Qwen3Guard-Gen-8B", "judge"), ("Qwen3Guard-Gen-8B", "Llama-Guard-4-12B")]
)
def test_a_guard_model_and_another_do_not_stand_in_for_each_other(names: tuple[str, str]) -> None:
    first, second = names
    fallbacks = [{"base_url": "http://127.0.0.1:9/v1", "name": second}]
    with pytest.raises(ConfigurationError, match=f"{second} cannot stand in for {first}"):
        model_from_settings(Settings(model={"base_url": "http://127.0.0.1:9/v1", "name": first, "fallbacks": fallbacks}))  # type: ignore[arg-type]


async def verdict_of(settings: Settings) -> Verdict:
    segment = Segment(
        stream_id="s",
        segment_id="1",
        starts_at=datetime(2026, 6, 7, tzinfo=UTC),
        region="SG",
        utterances=[Utterance(utterance_id="u1", at_s=1, text="Send me 100 today and I send you 200 back tomorrow, guaranteed.")],
    )
    async with Steward.from_settings(settings) as steward:
        return await steward.moderate(segment)


async def test_a_verdict_by_a_fallback_names_the_model_and_its_server(servers: list[MisbehavingServer]) -> None:
    servers[0].then(DOWN)
    servers[1].then(completion(ALLOW, model="middle"))
    provenance = (await verdict_of(settings_of(servers))).provenance
    assert (provenance.model, provenance.fallback, provenance.endpoint) == ("middle", True, servers[1].base_url)


async def test_with_all_models_down_the_verdict_is_a_review(servers: list[MisbehavingServer]) -> None:
    for server in servers:
        server.then(DOWN)
    verdict = await verdict_of(settings_of(servers))
    assert verdict.decision.value == "review"
    assert "model_unavailable" in [reason.code.value for reason in verdict.review_reasons]
