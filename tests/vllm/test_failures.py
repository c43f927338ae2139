"""Whatever goes wrong with a real server is a review that says why, and never an "allow", which the model itself would have said."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from long_winded import LongWinded
from pictures import example, jpeg, with_frames
from quick import quick
from refusing_proxy import RefusingProxy
from served import AT_ONCE, IMAGE_PIXELS, IMAGES, PATIENCE_S, QUEUE, OpenModel, OpenSteward, Served
from test_requests import asking

from livesteward.contracts import ChatMessage, Decision, ReviewCode, Segment, Verdict
from livesteward.models.protocol import Sampling, TextPart

DEADLINES_S = (8, 16, 32)
"""Long enough that the server begins to answer, tried in turn, and shorter than the answer takes."""
FINISHED = "vllm:request_success_total"
"""Requests that the server answered to the end; one that its client left does not count."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait until the server's counters say so."""
    async with asyncio.timeout(PATIENCE_S):
        # What another process counts can only be looked at again and again.
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def assert_review(verdict: Verdict, code: ReviewCode, said: str) -> None:
    assert verdict.decision is verdict.stream_decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [code]
    assert said in verdict.review_reasons[0].detail
    assert not verdict.findings


async def test_without_a_failure_the_model_allows_the_segment(open_steward: OpenSteward, tmp_path: Path) -> None:
    verdict = await open_steward(**quick(tmp_path)).moderate(example("scam"), regions=["SG"])
    assert verdict.provenance.judge == "model"
    assert verdict.decision is Decision.ALLOW


async def test_a_deadline_that_passes_ends_the_request_at_the_server(open_steward: OpenSteward, served: Served, tmp_path: Path) -> None:
    finished = served.counters()[FINISHED]
    for seconds in DEADLINES_S:
        steward = open_steward(LongWinded, **quick(tmp_path), model={"timeout_s": seconds, "max_tokens": 8_000})
        judging = asyncio.create_task(steward.moderate(example("scam"), regions=["SG"]))
        await until(lambda judging=judging: judging.done() or served.running() >= 1)
        began = not judging.done()
        assert_review(await judging, ReviewCode.MODEL_TIMEOUT, f"did not answer within {seconds} s")
        await until(lambda: served.running() == 0)
        if began:
            break
    assert began, f"the server had not begun to answer after {seconds} s"
    assert served.counters()[FINISHED] == finished, "the server went on to the end of the answer"


async def test_more_requests_at_once_than_the_server_works_on_are_all_answered(open_model: OpenModel) -> None:
    many = 2 * AT_ONCE + 4
    model = open_model(concurrency=many, adaptive=False)
    answers = await asyncio.gather(*[model.ask(asking(TextPart(text=f"Is number {number} allowed?"))) for number in range(many)])
    assert {answer.data["decision"] for answer in answers} <= {"allow", "review", "violation"}


@contextlib.asynccontextmanager
async def full(served: Served, open_model: OpenModel) -> AsyncIterator[None]:
    """Fill the server's queue with requests that take long."""
    long = {"type": "object", "properties": {"text": {"type": "string", "minLength": 6_000}}, "required": ["text"]}
    request = asking(TextPart(text="Say much."), answer_schema=long, sampling=Sampling(max_tokens=8_000), deadline_s=300)
    model = open_model(concurrency=QUEUE, adaptive=False, timeout_s=300)
    running = [asyncio.create_task(model.ask(request)) for _ in range(QUEUE)]
    try:
        await until(lambda: served.counters()["vllm:num_requests_running"] + served.counters()["vllm:num_requests_waiting"] >= QUEUE)
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await until(lambda: served.running() == 0)


async def test_a_server_whose_queue_is_full_makes_a_review(
    open_steward: OpenSteward, open_model: OpenModel, served: Served, tmp_path: Path
) -> None:
    steward = open_steward(**quick(tmp_path), model={"attempts": 1})
    async with full(served, open_model):
        verdict = await steward.moderate(example("scam"), regions=["SG"])
    assert_review(verdict, ReviewCode.MODEL_UNAVAILABLE, "answered 503")


async def test_refusals_for_overload_are_tried_again(open_steward: OpenSteward, served: Served, tmp_path: Path) -> None:
    async with RefusingProxy(served.base_url, times=2) as proxy:
        steward = open_steward(**quick(tmp_path), model={"base_url": proxy.base_url, "attempts": 3})
        verdict = await steward.moderate(example("scam"), regions=["SG"])
    assert proxy.refused == 2
    assert verdict.provenance.judge == "model"


async def test_refusals_for_overload_without_end_make_a_review(open_steward: OpenSteward, served: Served, tmp_path: Path) -> None:
    async with RefusingProxy(served.base_url, times=100) as proxy:
        steward = open_steward(**quick(tmp_path), model={"base_url": proxy.base_url, "attempts": 3})
        verdict = await steward.moderate(example("scam"), regions=["SG"])
    assert proxy.refused == 3
    assert_review(verdict, ReviewCode.MODEL_UNAVAILABLE, "answered 429")


def crowded(segment: Segment) -> Segment:
    """With more chat than the server's context holds."""
    line = "where can I buy this, and is it real? tell me more about it please, thank you so much! "
    chat = tuple(
        ChatMessage(message_id=f"m{number}", at_s=number % 20, viewer_id=f"w{number % 7}", text=f"{number} {line * 3}")
        for number in range(400)
    )
    return segment.model_copy(update={"chat": chat})


NUMBER_OF_PICTURES = IMAGES + 3
REJECTED: dict[str, tuple[dict[str, Any], Callable[[Segment], Segment], str]] = {
    "more than its context holds": ({"context_tokens": 200_000}, crowded, "rejects the request (400)"),
    "a picture of too many pixels": (
        {"max_image_side": 1_280},
        lambda segment: with_frames(segment, {1: jpeg(1, 1_280, IMAGE_PIXELS // 1_280 + 64)}),
        "rejects the request (400)",
    ),
    "too many pictures": (
        {"max_frames": NUMBER_OF_PICTURES},
        lambda segment: with_frames(segment, {at: jpeg(300 + 9 * at) for at in range(NUMBER_OF_PICTURES)}),
        "rejects the request (400)",
    ),
    "a model that it does not have": ({"name": "nobody"}, lambda segment: segment, "answered 404 for model 'nobody'"),
}


@pytest.mark.parametrize(("model", "changed", "said"), REJECTED.values(), ids=REJECTED.keys())
async def test_what_the_server_rejects_makes_a_review(
    open_steward: OpenSteward,
    tmp_path: Path,
    model: dict[str, Any],
    changed: Callable[[Segment], Segment],
    said: str,
) -> None:
    settings = quick(tmp_path)
    settings["perception"] = {**settings["perception"], "max_frames": NUMBER_OF_PICTURES}
    verdict = await open_steward(**settings, model=model).moderate(changed(example("scam")), regions=["SG"])
    assert_review(verdict, ReviewCode.MODEL_UNAVAILABLE, said)
