from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from unit.agents.parts import MARKERS

from livesteward.contracts import ReviewCode, Segment, Utterance
from livesteward.errors import InputError, ModelUnavailableError
from livesteward.models.protocol import ModelRequest
from livesteward.sdk import Moderated, Steward
from livesteward.testing import ScriptedModel

ALLOW = {"findings": [], "decision": "allow", "reason": "small talk"}
MakeSteward = Callable[..., Steward]


def segment(stream: str, number: int, *, region: str = "SG", says: str = MARKERS["fraud_scam"]) -> Segment:
    return Segment(
        stream_id=stream,
        segment_id=str(number),
        starts_at=datetime(2026, 6, 7, 13, number, tzinfo=UTC),
        offset_s=number * 20,
        region=region,
        language="en",
        utterances=(Utterance(utterance_id="u1", at_s=1, text=f"{says} {stream} {number}", speaker="host"),),
    )


async def all_of(steward: Steward, segments: list[Segment], **more: Any) -> list[Moderated]:
    return [moderated async for moderated in steward.moderate_many(segments, **more)]


@pytest.fixture
def interleaved() -> list[Segment]:
    """Five streams of three segments, as they come in live, under two rulebooks."""
    return [segment(f"s{stream}", number, region="DE" if stream % 2 else "SG") for number in range(3) for stream in range(5)]


async def test_segments_of_a_stream_come_in_their_order_and_with_its_memory(make_steward: MakeSteward, interleaved: list[Segment]) -> None:
    model = ScriptedModel(lambda request: ALLOW)
    steward = make_steward(model)
    told: list[tuple[int, int]] = []
    results = await all_of(steward, interleaved, on_progress=lambda done, total: told.append((done, total)))
    assert sorted(result.index for result in results) == list(range(15))
    assert all(result.segment is interleaved[result.index] and result.verdict is not None for result in results)
    for stream in range(5):
        assert [result.segment.segment_id for result in results if result.segment.stream_id == f"s{stream}"] == ["0", "1", "2"]
    assert told == [(number, 15) for number in range(1, 16)]
    # The third segment of a stream is judged with what was said in the first two.
    last = next(model.prompt(index) for index in range(15) if "s3 2" in model.prompt(index))
    assert "s3 0" in last
    assert "s3 1" in last


async def test_streams_under_one_rulebook_are_judged_together(make_steward: MakeSteward) -> None:
    model = ScriptedModel(lambda request: ALLOW)
    segments = [segment(f"s{stream}", number, region="DE" if stream % 2 else "SG") for number in range(3) for stream in range(12)]
    await all_of(make_steward(model), segments)
    asked = ["DE" if "Broadcast from DE" in model.prompt(index) else "SG" for index in range(36)]
    # The first segment under the other rulebook may go ahead while that under the first is away; they overlap where the first runs out.
    assert asked[:10].count("DE") <= 1
    assert asked[-10:].count("SG") <= 1


async def test_a_model_that_fails_makes_reviews_and_stops_nobody(make_steward: MakeSteward, interleaved: list[Segment]) -> None:
    def answer(request: ModelRequest) -> Any:
        said = str(request.messages)
        return ModelUnavailableError("full") if "s1 1" in said and "s1 2" not in said else ALLOW

    results = await all_of(make_steward(ScriptedModel(answer)), interleaved)
    failed = [result for result in results if result.verdict and result.verdict.review_reasons]
    assert {(result.segment.stream_id, result.segment.segment_id) for result in failed} == {("s1", "1")}
    assert failed[0].verdict is not None
    assert failed[0].verdict.review_reasons[0].code is ReviewCode.MODEL_UNAVAILABLE


async def test_an_error_is_handed_over_with_its_segment_and_the_others_go_on(
    make_steward: MakeSteward, interleaved: list[Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    steward = make_steward(ScriptedModel(lambda request: ALLOW))
    examine = steward.examine

    async def faulty(one: Segment, **more: Any) -> Any:
        if (one.stream_id, one.segment_id) == ("s2", "1"):
            raise InputError("wrong", field="chat")
        return await examine(one, **more)

    monkeypatch.setattr(steward, "examine", faulty)
    results = await all_of(steward, interleaved)
    assert len(results) == 15
    without = [result for result in results if result.verdict is None]
    assert [(result.segment.stream_id, result.segment.segment_id) for result in without] == [("s2", "1")]
    assert isinstance(without[0].error, InputError)


async def test_an_unknown_region_is_refused_before_anything_is_judged(make_steward: MakeSteward, interleaved: list[Segment]) -> None:
    model = ScriptedModel(lambda request: ALLOW)
    with pytest.raises(InputError, match="regions"):
        await all_of(make_steward(model), interleaved, regions=["Atlantis"])
    assert model.requests == []
