"""Nothing fails open: whatever breaks on the way, the verdict is a review that says so."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest
from integration.agents.conftest import MakeSteward
from unit.agents.parts import MARKERS, said, segment

from livesteward.agents import flow
from livesteward.agents.state import GraphState
from livesteward.agents.steps import StepEvent
from livesteward.agents.tools import Tools
from livesteward.contracts import Category, Decision, ReviewCode, ReviewReason
from livesteward.errors import (
    InputError,
    LivestewardError,
    ModelAnswerError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnavailableError,
    PerceptionError,
    PolicyError,
    RetrievalError,
)
from livesteward.models.embedders import Vectors
from livesteward.models.protocol import ToolCall
from livesteward.testing import ScriptedModel

OFFER: Final = f"Send me 100 and I send you 200 back {MARKERS[Category.FRAUD_SCAM.value]}"
ALLOW: Final = {"findings": [], "decision": "allow", "reason": "fine"}
STEPS: Final = list(flow.STEPS)


def break_step(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException | None) -> None:
    async def broken(state: GraphState, tools: Tools) -> GraphState:
        if error is None:
            await asyncio.sleep(60)
            raise AssertionError("never")
        raise error

    monkeypatch.setitem(flow.STEPS, name, broken)


async def judged(make_steward: MakeSteward, events: list[StepEvent] | None = None, **overrides: Any) -> Any:
    # The model asks once, so that the way leads through every step.
    asked = (ToolCall(call_id="1", name="look_back", arguments={"seconds": 30}),)
    model = ScriptedModel(lambda request: asked if request.must_call else ALLOW, calls_tools=True)
    steward = make_steward(model, **{"inquiry": {"steps": 1}, **overrides})
    return await steward.moderate(segment(said("u1", OFFER)), regions=["SG", "DE"], on_event=events.append if events is not None else None)


def check_review(verdict: Any, name: str, code: ReviewCode) -> ReviewReason:
    assert verdict.decision is verdict.stream_decision is Decision.REVIEW
    assert [ruling.decision for ruling in verdict.rulings] == [Decision.REVIEW, Decision.REVIEW]
    assert [ruling.jurisdiction for ruling in verdict.rulings] == ["SG", "DE"]
    named: list[ReviewReason] = [reason for reason in verdict.review_reasons if name in reason.detail]
    assert [reason.code for reason in named] == [code]
    return named[0]


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_that_breaks_makes_a_review_that_names_it(
    make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    break_step(monkeypatch, name, KeyError("a stranger's secret"))
    events: list[StepEvent] = []
    verdict = await judged(make_steward, events)
    reason = check_review(verdict, name, ReviewCode.INTERNAL_ERROR)
    assert "secret" not in reason.detail
    (failed,) = [event for event in events if event.state == "failed"]
    assert failed.step == name
    assert failed.detail == reason.detail
    assert [event.step for event in events if event.state == "started"][-1] == "decide"


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_with_an_error_of_ours_makes_a_review_that_passes_it_on(
    make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    break_step(monkeypatch, name, LivestewardError("what to do about it"))
    verdict = await judged(make_steward)
    assert "what to do about it" in check_review(verdict, name, ReviewCode.INTERNAL_ERROR).detail


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_that_hangs_makes_a_review_that_names_it(
    make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    verdict_before = await judged(make_steward)
    assert verdict_before.decision is Decision.ALLOW
    break_step(monkeypatch, name, None)
    verdict = await judged(make_steward, limits={"step_timeout_s": 4})
    code = ReviewCode.MODEL_TIMEOUT if name == "judge" else ReviewCode.INTERNAL_ERROR
    assert "step_timeout_s" in check_review(verdict, name, code).detail


@pytest.mark.parametrize("name", STEPS)
async def test_the_callers_mistake_goes_back_to_the_caller(make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    break_step(monkeypatch, name, InputError("not this", field="segment"))
    with pytest.raises(InputError, match="not this"):
        await judged(make_steward)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelTimeoutError("x"), ReviewCode.MODEL_TIMEOUT),
        (ModelRefusedError("x"), ReviewCode.MODEL_REFUSED),
        (ModelAnswerError("x"), ReviewCode.MODEL_INVALID_ANSWER),
        (ModelUnavailableError("x"), ReviewCode.MODEL_UNAVAILABLE),
        (RetrievalError("x"), ReviewCode.RULES_UNAVAILABLE),
        (PolicyError("x"), ReviewCode.RULES_UNAVAILABLE),
        (PerceptionError("x"), ReviewCode.PERCEPTION_FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_the_code_says_what_kind_of_failure_it_was(
    make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch, error: LivestewardError, code: ReviewCode
) -> None:
    break_step(monkeypatch, "judge", error)
    assert check_review(await judged(make_steward), "judge", code)


async def test_several_failures_are_all_named(make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in STEPS:
        break_step(monkeypatch, name, ValueError())
    verdict = await judged(make_steward)
    details = " ".join(reason.detail for reason in verdict.review_reasons)
    assert {name for name in STEPS if f"The step {name} failed" in details} == {"ingest", "perceive", "screen", "decide"}


async def test_an_embedder_that_fails_makes_a_review_for_want_of_rules(make_steward: MakeSteward, monkeypatch: pytest.MonkeyPatch) -> None:
    steward = make_steward()
    await steward.prepare(["SG"])

    async def fails(_: object, __: object) -> Vectors:
        raise ModelUnavailableError("the embedder is gone")

    monkeypatch.setattr("livesteward.models.embedder_cache.CachedEmbedder.queries", fails)
    verdict = await steward.moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.RULES_UNAVAILABLE]


async def test_an_index_that_is_no_database_makes_a_review_that_says_where(make_steward: MakeSteward, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "chroma.sqlite3").write_bytes(b"this is no database" * 500)
    verdict = await make_steward(cache_dir=tmp_path).moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.REVIEW
    (reason,) = verdict.review_reasons
    assert reason.code is ReviewCode.RULES_UNAVAILABLE
    assert "index" in reason.detail


async def test_a_chroma_server_that_is_not_there_makes_a_review(make_steward: MakeSteward, tmp_path: Path, unused_tcp_port: int) -> None:
    steward = make_steward(cache_dir=tmp_path, chroma={"host": "127.0.0.1", "port": unused_tcp_port, "timeout_s": 2})
    verdict = await steward.moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.REVIEW
    assert [reason.code for reason in verdict.review_reasons] == [ReviewCode.RULES_UNAVAILABLE]


async def test_an_index_that_is_missing_and_must_not_be_built_makes_a_review(
    make_steward: MakeSteward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    steward = make_steward(cache_dir=tmp_path)
    search = steward._tools.search
    search.index = replace(search.index, may_build=False)
    verdict = await steward.moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.REVIEW
    (reason,) = verdict.review_reasons
    assert reason.code is ReviewCode.RULES_UNAVAILABLE
    assert "livesteward policies index --region SG" in reason.detail
