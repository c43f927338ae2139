from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from integration.models.misbehaving_server import GOOD, Answer, MisbehavingServer, completion

from livesteward.errors import (
    ConfigurationError,
    ModelAnswerError,
    ModelError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from livesteward.models import answer_size
from livesteward.models.breaker import CircuitState
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.protocol import ChatModel, ImagePart, Message, ModelRequest, Sampling, TextPart, ToolCall, ToolSpec
from livesteward.settings import ModelSettings

SCHEMA = {
    "type": "object",
    "properties": {"decision": {"enum": ["allow", "review"]}, "reason": {"type": "string", "maxLength": 50}},
    "required": ["decision", "reason"],
    "additionalProperties": False,
}
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

Make = Callable[..., OpenAICompatibleModel]


def ask_for(*parts: TextPart | ImagePart, deadline_s: float = 5, schema: dict[str, Any] | None = None) -> ModelRequest:
    messages = (
        Message(role="system", parts=(TextPart(text="You judge."),)),
        Message(role="user", parts=parts or (TextPart(text="hello"),)),
    )
    return ModelRequest(messages=messages, answer_schema=schema or SCHEMA, deadline_s=deadline_s, sampling=Sampling(max_tokens=200))


@pytest.fixture
async def make(server: MisbehavingServer) -> AsyncIterator[Make]:
    made: list[OpenAICompatibleModel] = []

    def build(*, clock: Callable[[], float] = time.monotonic, **settings: Any) -> OpenAICompatibleModel:
        settings.setdefault("name", "judge-7b")
        settings.setdefault("base_url", server.base_url)
        made.append(OpenAICompatibleModel(ModelSettings(**settings), clock=clock))
        return made[-1]

    yield build
    for model in made:
        await model.aclose()


async def test_a_good_answer_comes_with_its_raw_text_tokens_and_probability(server: MisbehavingServer, make: Make) -> None:
    tokens = [
        {"token": "a", "logprob": -0.2, "bytes": None, "top_logprobs": []},
        {"token": "b", "logprob": -0.4, "bytes": None, "top_logprobs": []},
    ]
    server.then(completion(GOOD, logprobs={"content": tokens, "refusal": None}))
    model = make()
    assert isinstance(model, ChatModel)

    answer = await model.ask(ask_for())

    assert answer.data == GOOD
    assert answer.raw == '{"decision": "allow", "reason": "small talk"}'
    assert (answer.tokens.prompt, answer.tokens.completion, answer.tokens.cached) == (100, 10, 80)
    assert answer.mean_logprob == pytest.approx(-0.3)
    assert (answer.model, answer.revision, answer.engine, answer.repaired) == ("judge-7b", "fp-1", "openai-compatible", False)
    sent = server.requests[0]
    assert sent["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    assert (sent["temperature"], sent["max_tokens"], sent["seed"], sent["logprobs"]) == (0.0, 200, 0, True)
    assert sent["messages"][1] == {"role": "user", "content": "hello"}


async def test_without_a_name_the_first_listed_model_is_used(server: MisbehavingServer, make: Make) -> None:
    model = make(name="")
    assert model.name == ""
    await model.ask(ask_for())
    assert server.requests[0]["model"] == "first-model"
    assert model.name == "first-model"


async def test_a_listed_model_that_takes_no_pictures_is_sent_none_from_the_first_call_on(server: MisbehavingServer, make: Make) -> None:
    server.models = ["qwen3-8b"]
    answer = await make(name="").ask(ask_for(TextPart(text="hello"), ImagePart(data=PNG, media_type="image/png")))
    assert (answer.profile, answer.trimmed) == ("qwen3", {"image": 1})
    assert "image_url" not in str(server.requests[0]["messages"])


async def test_a_server_that_lists_no_model_is_named_as_the_reason(server: MisbehavingServer, make: Make) -> None:
    server.models = []
    with pytest.raises(ModelUnavailableError, match=r"lists no model; set model\.name"):
        await make(name="").ask(ask_for())


@pytest.mark.parametrize(
    ("behaviour", "error", "says"),
    [
        (
            Answer(body="<html><body>Sign in</body></html>", content_type="text/html"),
            ModelUnavailableError,
            "not as a chat completions API",
        ),
        (Answer(body="<html>", content_type="application/json"), ModelUnavailableError, "no API answer"),
        (Answer(body=""), ModelUnavailableError, "no API answer"),
        (Answer(body="{}"), ModelUnavailableError, "JSON without choices"),
        (Answer(body='{"choices": []}'), ModelUnavailableError, "JSON without choices"),
        (Answer(body='{"choices": [{"message": null}]}'), ModelUnavailableError, "JSON without choices"),
        (Answer(body="[1, 2]"), ModelUnavailableError, "JSON list"),
        (completion('{"decision": "all', finish="length"), ModelAnswerError, "cut off"),
        (completion('{"decision": "all'), ModelAnswerError, "no JSON"),
        (completion(GOOD, finish="abort"), ModelUnavailableError, "broke the answer off"),
        (completion(GOOD, finish="error"), ModelUnavailableError, "broke the answer off"),
        (completion(GOOD, finish="repetition"), ModelAnswerError, "repeated itself"),
        (completion(""), ModelAnswerError, "empty"),
        (completion(None), ModelAnswerError, "empty"),
        (completion("<think>it is hard to say"), ModelAnswerError, "did not finish thinking"),
        (completion({"decision": "perhaps", "reason": ""}), ModelAnswerError, r"\$\.decision"),
        (completion(None, refusal="I cannot look at this"), ModelRefusedError, "I cannot look at this"),
        (completion(None, finish="content_filter"), ModelRefusedError, "content filter"),
        (Answer(status=401, body="{}"), ModelUnavailableError, "LIVESTEWARD_MODEL__API_KEY"),
        (Answer(status=404, body='{"error": {"message": "no such model"}}'), ModelUnavailableError, "no such model"),
        (Answer(status=400, body='{"error": {"message": "too many tokens"}}'), ModelUnavailableError, "too many tokens"),
        (Answer(status=503, body="busy", content_type="text/plain"), ModelUnavailableError, "answered 503"),
        (Answer(reset=True), ModelUnavailableError, "no connection"),
    ],
)
async def test_each_kind_of_nonsense_is_the_right_error(
    server: MisbehavingServer, make: Make, behaviour: Answer, error: type[ModelError], says: str
) -> None:
    server.then(behaviour)
    with pytest.raises(error, match=says):
        await make(attempts=2).ask(ask_for())


async def test_an_error_about_the_answer_keeps_what_was_said(server: MisbehavingServer, make: Make) -> None:
    server.then(completion('{"decision": "all', finish="length"))
    with pytest.raises(ModelAnswerError) as caught:
        await make().ask(ask_for())
    assert caught.value.raw == '{"decision": "all'


async def test_a_finished_thought_in_front_is_looked_past(server: MisbehavingServer, make: Make) -> None:
    server.then(completion('<think>\nnothing here\n</think>\n\n{"decision": "allow", "reason": ""}'))
    answer = await make().ask(ask_for())
    assert answer.data["decision"] == "allow"
    assert (answer.raw, answer.reasoning) == ('{"decision": "allow", "reason": ""}', "nothing here")


async def test_a_wrong_schema_is_repaired_once_with_the_error_in_the_question(server: MisbehavingServer, make: Make) -> None:
    server.then(completion({"decision": "perhaps", "reason": ""}), completion(GOOD))
    answer = await make().ask(ask_for())
    assert (answer.data, answer.repaired) == (GOOD, True)
    assert answer.tokens.prompt == 200
    repair = server.requests[1]["messages"]
    assert repair[-2]["role"] == "assistant"
    assert "perhaps" in repair[-2]["content"]
    assert "$.decision" in repair[-1]["content"]


async def test_what_a_model_wrote_goes_back_to_it_without_control_tokens(server: MisbehavingServer, make: Make) -> None:
    server.then(completion({"decision": "<|im_end|>[/INST]", "reason": ""}), completion(GOOD))
    await make().ask(ask_for())
    said, asked = server.requests[1]["messages"][-2:]
    assert "‹|im_end|>〔/INST]" in said["content"]
    assert "‹|im_end|>" in asked["content"]
    assert not any(token in said["content"] + asked["content"] for token in ("<|", "[/INST]"))


async def test_repair_is_tried_only_once(server: MisbehavingServer, make: Make) -> None:
    server.then(completion("no"))
    with pytest.raises(ModelAnswerError):
        await make().ask(ask_for())
    assert len(server.requests) == 2


@pytest.mark.parametrize("then", [Answer(status=503, body="{}"), Answer(delay_s=30), Answer(status=400, body="{}")])
async def test_an_answer_that_cannot_be_used_stays_one_where_the_repair_does_not_come(
    server: MisbehavingServer, make: Make, then: Answer
) -> None:
    server.then(completion("no"), then)
    with pytest.raises(ModelAnswerError, match=r"no JSON.*asked once more") as caught:
        await make(attempts=1).ask(ask_for(deadline_s=3))
    assert caught.value.raw == "no"


async def test_retry_after_is_honoured(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(status=429, body="{}", headers={"retry-after": "0.6"}), completion(GOOD))
    began = time.monotonic()
    await make().ask(ask_for())
    assert 0.6 <= time.monotonic() - began < 3
    assert len(server.requests) == 2


async def test_a_retry_after_beyond_the_deadline_fails_at_once(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(status=429, body="{}", headers={"retry-after": "60"}))
    began = time.monotonic()
    with pytest.raises(ModelUnavailableError, match="asks to wait 60 s"):
        await make().ask(ask_for(deadline_s=3))
    assert time.monotonic() - began < 1


async def test_server_errors_and_resets_are_tried_again(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(status=500, body="{}"), Answer(reset=True), completion(GOOD))
    answer = await make(attempts=3).ask(ask_for())
    assert answer.data == GOOD
    assert len(server.requests) == 3


async def test_attempts_are_the_only_retries(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(status=500, body="{}"))
    with pytest.raises(ModelUnavailableError):
        await make(attempts=2).ask(ask_for())
    assert len(server.requests) == 2


@pytest.mark.parametrize("slow", [Answer(delay_s=30), Answer(body="x" * 4_000, drip_s=0.05)], ids=["says nothing", "drips"])
async def test_the_deadline_ends_a_slow_answer(server: MisbehavingServer, make: Make, slow: Answer) -> None:
    server.then(slow)
    began = time.monotonic()
    with pytest.raises(ModelTimeoutError, match=r"0\.5 s"):
        await make().ask(ask_for(deadline_s=0.5))
    assert time.monotonic() - began < 10


async def test_the_deadline_covers_all_tries_together(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(status=500, body="{}", delay_s=0.3))
    began = time.monotonic()
    with pytest.raises(ModelError):
        await make(attempts=10, breaker_failures=100).ask(ask_for(deadline_s=1))
    assert time.monotonic() - began < 2.9, "ten tries would take longer"


async def test_a_request_that_waits_too_long_for_a_place_says_so(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(delay_s=30))
    model = make(concurrency=1)
    first = asyncio.create_task(model.ask(ask_for(deadline_s=2)))
    await asyncio.sleep(0.1)
    with pytest.raises(ModelUnavailableError, match="all 1 places stayed taken"):
        await model.ask(ask_for(deadline_s=0.3))
    with pytest.raises(ModelTimeoutError):
        await first


async def test_no_more_requests_run_at_once_than_allowed(server: MisbehavingServer, make: Make) -> None:
    def slow(_: dict[str, Any]) -> Answer:
        answer = completion(GOOD)
        answer.delay_s = 0.05
        return answer

    server.then(slow)
    model = make(concurrency=3)
    await asyncio.gather(*(model.ask(ask_for()) for _ in range(12)))
    assert server.most_at_once == 3


async def test_a_cancelled_request_gives_its_place_back(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(delay_s=30), completion(GOOD))
    model = make(concurrency=1)
    task = asyncio.create_task(model.ask(ask_for(deadline_s=20)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await model.ask(ask_for(deadline_s=2))).data == GOOD


async def test_the_breaker_opens_and_closes_again(server: MisbehavingServer, make: Make) -> None:
    now = [0.0]
    server.then(Answer(status=500, body="{}"))
    model = make(attempts=1, breaker_failures=2, breaker_reset_s=15, clock=lambda: now[0])
    for _ in range(2):
        with pytest.raises(ModelUnavailableError, match="500"):
            await model.ask(ask_for())
    with pytest.raises(ModelUnavailableError, match="not called for now; it is tried again in 15 s"):
        await model.ask(ask_for())
    assert len(server.requests) == 2

    now[0] = 16
    server.then(completion(GOOD))
    assert (await model.ask(ask_for())).data == GOOD
    assert (await model.ask(ask_for())).data == GOOD


@pytest.mark.parametrize("share", [1, 1 / 2, 1 / 3], ids=["all of the time", "a judge that asks", "one that asks and has a fallback"])
async def test_timeouts_open_the_breaker(server: MisbehavingServer, make: Make, share: float) -> None:
    server.then(Answer(delay_s=30))
    model = make(breaker_failures=1, timeout_s=6)
    with pytest.raises(ModelTimeoutError):
        await model.ask(ask_for(deadline_s=6 * share))
    with pytest.raises(ModelUnavailableError, match="failed 1 times in a row"):
        await model.ask(ask_for(deadline_s=6 * share))


async def test_a_deadline_that_is_a_rest_of_the_whole_time_says_nothing_of_the_server(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(delay_s=30))
    model = make(breaker_failures=1, timeout_s=30, concurrency=8)
    for _ in range(2):
        with pytest.raises(ModelTimeoutError, match=r"within 0\.2 s, and was asked 0\.\d s before they were over"):
            await model.ask(ask_for(deadline_s=0.2))
    assert (model.circuit, model.places) == (CircuitState.CLOSED, 4)


async def test_waiting_for_a_place_is_not_held_against_the_server(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(delay_s=30))
    model = make(breaker_failures=1, timeout_s=1, concurrency=1)
    first = asyncio.create_task(model.ask(ask_for(deadline_s=20)))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(model.ask(ask_for(deadline_s=1)))
    await asyncio.sleep(0.75)
    # It gets its place at the end of its time; on a machine that is slow it gets none at all, which counts as little.
    first.cancel()
    with pytest.raises(ModelError):
        await second
    assert model.circuit is CircuitState.CLOSED


async def test_unfit_answers_and_rejected_requests_do_not_open_the_breaker(server: MisbehavingServer, make: Make) -> None:
    server.then(completion("no", finish="length"), Answer(status=400, body="{}"), completion(None, refusal="no"), completion(GOOD))
    model = make(breaker_failures=1)
    for _ in range(3):
        with pytest.raises(ModelError):
            await model.ask(ask_for())
    assert (await model.ask(ask_for())).data == GOOD


async def test_a_server_without_probabilities_is_asked_without_them(server: MisbehavingServer, make: Make) -> None:
    def picky(request: dict[str, Any]) -> Answer:
        return Answer(status=400, body='{"error": {"message": "logprobs is not supported"}}') if "logprobs" in request else completion(GOOD)

    server.then(picky)
    model = make()
    assert (await model.ask(ask_for())).mean_logprob is None
    await model.ask(ask_for())
    assert ["logprobs" in request for request in server.requests] == [True, False, False]


async def test_a_refusal_that_mentions_probabilities_does_not_do_without_them_for_good(server: MisbehavingServer, make: Make) -> None:
    refused = Answer(status=400, body='{"error": {"message": "too long: a viewer writes logprobs"}}')
    server.then(refused, refused, completion(GOOD))
    model = make()
    with pytest.raises(ModelUnavailableError, match="too long"):
        await model.ask(ask_for())
    await model.ask(ask_for())
    assert "logprobs" in server.requests[-1]


@pytest.mark.parametrize("key", ["sk-secret-123\n", "sk-secr\u00e9t-123"])
async def test_a_key_that_cannot_be_sent_is_said_and_not_shown(server: MisbehavingServer, make: Make, key: str) -> None:
    with pytest.raises(ModelUnavailableError, match="API key") as caught:
        await make(api_key=key).ask(ask_for())
    assert "sk-secr" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("said", [Answer(reset=True), Answer(status=500, body="{}"), Answer(delay_s=30), Answer(body="{}")])
async def test_credentials_in_the_address_are_used_and_in_no_message(server: MisbehavingServer, make: Make, said: Answer) -> None:
    server.then(said)
    model = make(base_url=server.base_url.replace("//", "//user:hunter2@"), attempts=1, breaker_failures=1)
    for _ in range(2):
        with pytest.raises(ModelError) as caught:
            await model.ask(ask_for(deadline_s=0.5))
        assert server.base_url in str(caught.value)
    assert server.headers[0]["authorization"].startswith("Basic ")


async def test_pictures_are_sent_as_data_and_only_as_many_as_allowed(server: MisbehavingServer, make: Make) -> None:
    pictures = [
        part
        for number in range(4)
        for part in (
            TextPart(text=f"picture f{number}", priority=3, item_id=f"f{number}", kind="image"),
            ImagePart(data=PNG, media_type="image/png", priority=3, item_id=f"f{number}"),
        )
    ]
    answer = await make(max_frames=2).ask(ask_for(TextPart(text="look"), *pictures))
    content = server.requests[0]["messages"][1]["content"]
    assert [block["type"] for block in content] == ["text", "image_url", "text", "image_url"]
    assert content[0]["text"] == "look\npicture f2"
    assert content[1]["image_url"]["url"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert answer.trimmed == {"image": 2}


async def test_a_model_without_eyes_gets_no_pictures_and_the_answer_says_so(server: MisbehavingServer, make: Make) -> None:
    image = ImagePart(data=PNG, media_type="image/png", item_id="f1")
    answer = await make(accepts_images=False).ask(ask_for(TextPart(text="look"), image))
    assert server.requests[0]["messages"][1]["content"] == "look"
    assert answer.trimmed == {"image": 1}


async def test_old_chat_is_left_out_when_the_context_is_small(server: MisbehavingServer, make: Make) -> None:
    chat = [TextPart(text=f"message {number} " + "word " * 60, priority=5, item_id=f"c{number}", kind="chat") for number in range(20)]
    answer = await make(context_tokens=1_000).ask(ask_for(TextPart(text="rules"), *chat))
    sent = server.requests[0]["messages"][1]["content"]
    assert "message 19" in sent
    assert "message 0 " not in sent
    assert answer.trimmed["chat"] > 10


async def test_rules_that_do_not_fit_are_an_error_before_any_call(server: MisbehavingServer, make: Make) -> None:
    with pytest.raises(ModelUnavailableError, match=r"raise model\.context_tokens"):
        await make(context_tokens=512).ask(ask_for(TextPart(text="rule " * 2_000)))
    assert server.requests == []


async def test_a_schema_that_is_none_is_an_error_of_the_model_branch(server: MisbehavingServer, make: Make) -> None:
    with pytest.raises(ModelAnswerError, match="no JSON Schema"):
        await make().ask(ask_for(schema={"type": "nonsense"}))


async def test_nobody_listening_is_unavailable(server: MisbehavingServer, make: Make) -> None:
    with pytest.raises(ModelUnavailableError, match="no connection"):
        await make(base_url="http://127.0.0.1:9/v1", attempts=1).ask(ask_for(deadline_s=3))


def test_an_address_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match=r"model\.base_url is no address"):
        OpenAICompatibleModel(ModelSettings().model_copy(update={"base_url": "http://::1:8000/v1"}))


def test_an_address_is_needed() -> None:
    with pytest.raises(ConfigurationError, match=r"model\.base_url"):
        OpenAICompatibleModel(ModelSettings())


TOOLS = (
    ToolSpec(
        name="look_back",
        description="What was said before.",
        parameters={
            "type": "object",
            "properties": {"seconds": {"type": "number", "minimum": 1}},
            "required": ["seconds"],
            "additionalProperties": False,
        },
    ),
)


def calling(*calls: tuple[str, str]) -> Answer:
    tool_calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": said}} for n, (name, said) in enumerate(calls)
    ]
    return completion(None, tool_calls=tool_calls)


def ask_to_call() -> ModelRequest:
    return ask_for().model_copy(update={"tools": TOOLS, "must_call": True})


async def test_a_request_that_must_call_offers_the_tools_and_returns_the_calls(server: MisbehavingServer, make: Make) -> None:
    server.then(calling(("look_back", '{"seconds": 60}')))

    answer = await make().ask(ask_to_call())

    assert answer.calls == (ToolCall(call_id="c0", name="look_back", arguments={"seconds": 60}),)
    assert answer.data == {}
    sent = server.requests[0]
    assert sent["tool_choice"] == "required"
    assert [(tool["function"]["name"], tool["function"]["strict"]) for tool in sent["tools"]] == [("look_back", True)]
    assert "response_format" not in sent


async def test_calls_and_their_answers_go_back_as_the_api_wants_them(server: MisbehavingServer, make: Make) -> None:
    server.then(completion(GOOD))
    call = ToolCall(call_id="c0", name="look_back", arguments={"seconds": 60})
    asked = ask_to_call().model_copy(update={"must_call": False})
    turns = (
        Message(role="assistant", parts=(), calls=(call,)),
        Message(role="tool", parts=(TextPart(text="nothing was said"),), call_id="c0"),
    )

    await make().ask(asked.model_copy(update={"messages": (*asked.messages, *turns)}))

    sent = server.requests[0]
    assert sent["tool_choice"] == "none"
    assert sent["response_format"]["type"] == "json_schema"
    assert sent["messages"][2]["tool_calls"] == [
        {"id": "c0", "type": "function", "function": {"name": "look_back", "arguments": '{"seconds": 60}'}}
    ]
    assert sent["messages"][3] == {"role": "tool", "content": "nothing was said", "tool_call_id": "c0"}


async def test_a_call_goes_back_without_control_tokens_in_its_arguments(server: MisbehavingServer, make: Make) -> None:
    server.then(completion(GOOD))
    call = ToolCall(call_id="c0", name="find_rules", arguments={"question": "<|im_end|> ok?", "more": [["</s>"], 1, {"a": "<s>"}]})
    asked = ask_to_call().model_copy(update={"must_call": False})
    turns = (Message(role="assistant", parts=(), calls=(call,)), Message(role="tool", parts=(TextPart(text="none"),), call_id="c0"))

    await make().ask(asked.model_copy(update={"messages": (*asked.messages, *turns)}))

    arguments = json.loads(server.requests[0]["messages"][2]["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"question": "‹|im_end|> ok?", "more": [["‹/s>"], 1, {"a": "‹s>"}]}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (calling(("delete_stream", "{}")), "is not offered"),
        (calling(("look_back", '{"seconds": -5}')), "does not fit the schema"),
        (calling(("look_back", "sixty")), "no JSON"),
        (completion(GOOD), "calls none"),
    ],
)
async def test_calls_that_cannot_be_made_are_an_unusable_answer(server: MisbehavingServer, make: Make, reply: Answer, said: str) -> None:
    server.then(reply, reply)

    with pytest.raises(ModelAnswerError, match=said):
        await make().ask(ask_to_call())


async def test_what_else_the_model_weighed_becomes_the_certainty_of_its_decision(server: MisbehavingServer, make: Make) -> None:
    def token(text: str, probability: float, **others: float) -> dict[str, Any]:
        top = [{"token": other, "logprob": math.log(mass), "bytes": list(other.encode())} for other, mass in others.items()]
        return {"token": text, "logprob": math.log(probability), "bytes": list(text.encode()), "top_logprobs": top}

    tokens = [token('{"decision": "', 1), token("allow", 0.6, review=0.2), token('", "reason": "small talk"}', 1)]
    server.then(completion(GOOD, logprobs={"content": tokens, "refusal": None}))

    answer = await make().ask(ask_for())

    assert answer.certainty == {"decision": pytest.approx(0.75)}
    assert server.requests[0]["top_logprobs"] == 5


@pytest.mark.parametrize("given", [1_000_000, [0] * 1_000, [300], ["a"], "allow", {"0": 1}])
async def test_a_token_whose_bytes_are_none_is_read_by_its_text(server: MisbehavingServer, make: Make, given: object) -> None:
    tokens = [
        {"token": text, "logprob": math.log(probability), "bytes": given, "top_logprobs": []}
        for text, probability in (('{"decision": "', 1), ("allow", 0.6), ('", "reason": "small talk"}', 1))
    ]
    tokens[1]["top_logprobs"] = [{"token": "review", "logprob": math.log(0.2), "bytes": given}]
    server.then(completion(GOOD, logprobs={"content": tokens, "refusal": None}))

    assert (await make().ask(ask_for())).certainty == {"decision": pytest.approx(0.75)}


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_end_is_not_read(
    server: MisbehavingServer, make: Make, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(answer_size, "MOST_BYTES", 2 * 1024**2)
    server.then(Answer(status=status, body=completion("x" * 3_000_000).body), completion(GOOD))
    model = make()
    with pytest.raises(ModelUnavailableError, match=r"/v1 answered with more than 2 MB, which is not read"):
        await model.ask(ask_for())
    assert len(server.requests) == 1
    assert (await model.ask(ask_for())).data == GOOD


async def test_an_answer_that_is_compressed_is_not_asked_for_and_not_read(server: MisbehavingServer, make: Make) -> None:
    server.then(Answer(body="x", headers={"content-encoding": "zstd"}))
    with pytest.raises(ModelUnavailableError, match=r"compresses its answers \(zstd\), though it was asked not to"):
        await make().ask(ask_for())
    assert server.headers[0]["accept-encoding"] == "identity"


async def test_thoughts_that_the_server_keeps_apart_stay_apart(server: MisbehavingServer, make: Make) -> None:
    server.then(completion(GOOD, reasoning_content="a greeting, nothing more"))

    answer = await make().ask(ask_for())

    assert (answer.data, answer.reasoning) == (GOOD, "a greeting, nothing more")
