from __future__ import annotations

import pytest
from integration.agents.conftest import MakeSteward
from unit.agents.parts import MARKERS, said, segment

from livesteward.contracts import Category, Decision
from livesteward.testing import ScriptedModel

OFFER = f"Send me 100 and I send you 200 back {MARKERS[Category.FRAUD_SCAM.value]}"
NOTHING = {"findings": [], "decision": "allow", "reason": "fine"}


def violation(rule_id: str) -> dict[str, object]:
    finding = {
        "rule_id": rule_id,
        "subject": {"kind": "host", "subject_id": None},
        "evidence": [{"item_id": "u1", "quote": "Send me 100"}],
        "rationale": "It promises sure profit.",
        "severity": None,
        "confidence": 0.95,
    }
    return {"findings": [finding], "decision": "violation", "reason": "clear"}


@pytest.mark.parametrize(("tokens", "form"), [(0, "found"), (100, "found"), (350, "texts"), (450, "brief"), (3_000, "whole")])
async def test_the_verdict_says_how_much_of_the_rulebook_stood_in_the_prompt(make_steward: MakeSteward, tokens: int, form: str) -> None:
    model = ScriptedModel([violation("FRAUD-1.1")])
    steward = make_steward(model, retrieval={"rulebook_tokens": tokens, "rules_per_jurisdiction": 1})
    examined = await steward.examine(segment(said("u1", OFFER)))
    assert examined.verdict.provenance.rulebook_form == form
    assert examined.verdict.decision is Decision.VIOLATION
    assert len(examined.rules) == (1 if form == "found" else 3)
    assert bool(model.requests[0].prefix) == (form != "found")


async def test_a_rule_that_stands_in_the_prompt_may_be_named_although_the_search_had_others_in_front(make_steward: MakeSteward) -> None:
    model = ScriptedModel(lambda request: violation("FRAUD-1.1"))
    steward = make_steward(model, retrieval={"rulebook_tokens": 450, "rules_per_jurisdiction": 1})
    judged = segment(said("u1", OFFER), said("u2", f"People like you are vermin {MARKERS[Category.HATE_HARASSMENT.value]} " * 3))
    examined = await steward.examine(judged)
    assert [finding.rule_id for finding in examined.verdict.findings] == ["FRAUD-1.1"]
    # Best found first, so that what is at hand in detail is what matters.
    assert [rule.score for rule in examined.rules] == sorted((rule.score for rule in examined.rules), reverse=True)


async def test_segments_of_one_rulebook_share_a_prefix_and_those_of_another_have_their_own(make_steward: MakeSteward) -> None:
    model = ScriptedModel(lambda request: NOTHING)
    steward = make_steward(model)
    await steward.moderate(segment(said("u1", OFFER)))
    await steward.moderate(segment(said("u1", f"{OFFER} and more"), number=2))
    await steward.moderate(segment(said("u1", OFFER)), regions=["DE"])
    one, again, other = (request.prefix for request in model.requests)
    assert one == again != other
    beginnings = [request.messages[0].parts[1].text for request in model.requests]  # type: ignore[union-attr]
    assert beginnings[0] == beginnings[1] != beginnings[2]


async def test_a_person_looks_where_the_exceptions_of_the_broken_rule_did_not_stand_in_the_prompt(make_steward: MakeSteward) -> None:
    model = ScriptedModel(lambda request: violation("FRAUD-1.1"))
    judged = segment(said("u1", OFFER), said("u2", f"People like you are vermin {MARKERS[Category.HATE_HARASSMENT.value]} " * 3))
    verdict = await make_steward(model, retrieval={"rulebook_tokens": 350, "rules_per_jurisdiction": 1}).moderate(judged)
    assert verdict.provenance.rulebook_form == "texts"
    assert verdict.decision is Decision.REVIEW
    assert verdict.findings[0].confidence < 0.75
    assert any("exceptions of FRAUD-1.1" in reason.detail for reason in verdict.review_reasons)
    at_hand = make_steward(model, retrieval={"rulebook_tokens": 350, "rules_per_jurisdiction": 3})
    assert (await at_hand.moderate(judged)).decision is Decision.VIOLATION
