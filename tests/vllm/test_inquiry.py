"""A judge that may ask before it answers, with a real server's calls of tools."""

from __future__ import annotations

from pictures import example
from quick import PERCEIVE_LITTLE
from served import OpenSteward, Served

TOOLS = {"look_back", "find_rules", "look_closer", "listen_again", "decide"}


async def test_what_the_served_model_asks_for_is_in_the_provenance_and_an_answer_follows(open_steward: OpenSteward, served: Served) -> None:
    retrieval = {"rules_per_jurisdiction": 1, "rulebook_tokens": 0}
    steward = open_steward(inquiry={"steps": 2}, retrieval=retrieval, perception=PERCEIVE_LITTLE)
    verdict = await steward.moderate(example("scam"), regions=["SG"])
    asked = verdict.provenance.inquiry
    assert verdict.provenance.judge == "model", verdict.review_reasons
    assert 1 <= len({call.step for call in asked}) <= 2
    assert {call.tool for call in asked} <= TOOLS
    assert verdict.provenance.model == served.model
