from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from integration.agents.conftest import MakeSteward
from unit.agents.parts import MARKERS, said, segment

from livesteward.contracts import Category, Decision, ReviewCode, ReviewDecision, Segment, Verdict
from livesteward.errors import InputError, ModelTimeoutError
from livesteward.testing import ScriptedModel

OFFER = f"Send me 100 and I send you 200 back {MARKERS[Category.FRAUD_SCAM.value]}"
DECIDED = ReviewDecision(reviewer="ana", decision=Decision.ALLOW, note="a joke among friends")


def unsure() -> ScriptedModel:
    return ScriptedModel(lambda _: ModelTimeoutError("too slow"))


def suspicious(number: int = 1) -> Segment:
    return segment(said("u1", OFFER), number=number)


async def test_without_human_review_nothing_waits(make_steward: MakeSteward) -> None:
    steward = make_steward(unsure())
    verdict = await steward.moderate(suspicious())
    assert verdict.decision is Decision.REVIEW
    assert await steward.pending() == []
    with pytest.raises(InputError, match="no verdict"):
        await steward.resume(verdict.verdict_id, DECIDED)


async def test_a_review_waits_and_goes_on_with_the_persons_decision(make_steward: MakeSteward) -> None:
    steward = make_steward(unsure(), human_review=True)
    verdict = await steward.moderate(suspicious())
    assert verdict.decision is Decision.REVIEW
    assert await steward.pending() == [verdict]
    reviewed = await steward.resume(verdict.verdict_id, DECIDED)
    assert (reviewed.verdict, reviewed.decision) == (verdict, DECIDED)
    assert await steward.pending() == []
    with pytest.raises(InputError, match="no verdict"):
        await steward.resume(verdict.verdict_id, DECIDED)


async def test_what_needs_no_person_waits_for_none_and_is_not_kept(make_steward: MakeSteward, tmp_path: Path) -> None:
    steward = make_steward(human_review=True, checkpoints=tmp_path / "reviews.sqlite")
    assert (await steward.moderate(segment(said("u1", "hello")))).decision is Decision.ALLOW
    assert (await steward.moderate(suspicious())).decision is Decision.VIOLATION
    assert await steward.pending() == []
    agent: Any = await steward._opened()
    assert [entry async for entry in agent.checkpointer.alist(None)] == []


async def test_reviews_wait_oldest_first(make_steward: MakeSteward) -> None:
    steward = make_steward(unsure(), human_review=True)
    verdicts = [await steward.moderate(suspicious(number)) for number in (1, 2, 3)]
    assert await steward.pending() == verdicts


async def test_a_review_is_taken_up_by_another_process(make_steward: MakeSteward, tmp_path: Path) -> None:
    kept = {"human_review": True, "checkpoints": tmp_path / "reviews" / "pending.sqlite"}
    first = make_steward(unsure(), **kept)
    verdict = await first.moderate(suspicious())
    await first.aclose()
    second = make_steward(unsure(), **kept)
    (waiting,) = await second.pending()
    assert isinstance(waiting, Verdict)
    assert waiting == verdict
    assert waiting.review_reasons[0].code is ReviewCode.MODEL_TIMEOUT
    reviewed = await second.resume(verdict.verdict_id, DECIDED)
    assert isinstance(reviewed.decision, ReviewDecision)
    assert (reviewed.verdict, reviewed.decision) == (verdict, DECIDED)
    assert await second.pending() == []


@pytest.mark.parametrize(
    "wrong",
    [
        ReviewDecision.model_construct(reviewer="ana", decision=Decision.REVIEW, note=""),
        ReviewDecision.model_construct(reviewer="", decision=Decision.ALLOW, note=""),
        {"reviewer": "ana"},
        "allow",
    ],
    ids=["decides nothing", "nobody", "incomplete", "a word"],
)
async def test_a_wrong_decision_is_refused_and_leaves_the_verdict_waiting(make_steward: MakeSteward, wrong: Any) -> None:
    steward = make_steward(unsure(), human_review=True)
    verdict = await steward.moderate(suspicious())
    with pytest.raises(InputError, match="decision"):
        await steward.resume(verdict.verdict_id, wrong)
    assert await steward.pending() == [verdict]
    assert (await steward.resume(verdict.verdict_id, DECIDED)).decision == DECIDED


async def test_an_unknown_verdict_is_the_callers_mistake(make_steward: MakeSteward) -> None:
    with pytest.raises(InputError, match="'nowhere'"):
        await make_steward(human_review=True).resume("nowhere", DECIDED)
