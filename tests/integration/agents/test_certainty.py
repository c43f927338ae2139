from __future__ import annotations

import json

import pytest
from integration.agents.conftest import MakeSteward
from unit.agents.parts import MARKERS, said, segment, wrote

from livesteward.contracts import Category, Decision, ReviewCode
from livesteward.models.protocol import ModelAnswer
from livesteward.testing import ScriptedModel

OFFER = f"Send me 100 and I send you 200 back {MARKERS[Category.FRAUD_SCAM.value]}"
NOTHING = {"findings": [], "decision": "allow", "reason": "fine"}


def finding(rule_id: str = "FRAUD-1.1", confidence: float = 0.95) -> dict[str, object]:
    return {
        "rule_id": rule_id,
        "subject": {"kind": "host", "subject_id": None},
        "evidence": [{"item_id": "u1", "quote": "Send me 100"}],
        "rationale": "It promises sure profit.",
        "severity": None,
        "confidence": confidence,
    }


def answered(data: dict[str, object], **certainty: float) -> ModelAnswer:
    places = {name.replace("__", ".").replace("_0", "[0]").replace("_1", "[1]"): value for name, value in certainty.items()}
    return ModelAnswer(data=data, raw=json.dumps(data), model="m", engine="e", certainty=places)


def broken(*findings: dict[str, object]) -> dict[str, object]:
    return {"findings": list(findings), "decision": "violation", "reason": "clear"}


@pytest.mark.parametrize(
    ("certainty", "confidence"),
    [
        ({}, 0.95),
        ({"findings_0": 0.99, "findings_0__rule_id": 0.98}, 0.95),
        ({"findings_0": 0.8}, 0.8),
        ({"findings_0": 0.9, "findings_0__rule_id": 0.85}, 0.85),
    ],
)
async def test_a_claim_is_as_sure_as_the_least_sure_of_its_choices(
    make_steward: MakeSteward, certainty: dict[str, float], confidence: float
) -> None:
    verdict = await make_steward(ScriptedModel([answered(broken(finding()), **certainty)])).moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.VIOLATION
    assert verdict.findings[0].confidence == confidence


@pytest.mark.parametrize(("severity", "asks"), [(None, False), ("medium", False), ("low", True), ("critical", True)])
async def test_a_case_that_a_model_holds_to_be_milder_or_worse_than_its_rule_goes_to_a_person_too(
    make_steward: MakeSteward, severity: str | None, asks: bool
) -> None:
    found = {**finding(confidence=0.9), "severity": severity}
    verdict = await make_steward(ScriptedModel([broken(found)])).moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.VIOLATION
    assert [reason.detail for reason in verdict.review_reasons] == (
        [f"The model holds FRAUD-1.1 to be {severity} in this case; the rule says medium."] if asks else []
    )


@pytest.mark.parametrize(
    ("severity", "where", "asks"), [("medium", ["SG"], False), ("medium", ["SG", "DE"], False), ("medium", ["DE"], True)]
)
async def test_the_severity_is_held_against_the_rule_where_the_finding_holds(
    make_steward: MakeSteward, severity: str, where: list[str], asks: bool
) -> None:
    found = {**finding(confidence=0.9), "severity": severity, "jurisdictions": where}
    verdict = await make_steward(ScriptedModel([broken(found)])).moderate(segment(said("u1", OFFER)), regions=["SG", "DE"])
    assert bool(verdict.review_reasons) is asks


async def test_each_claim_has_the_certainty_of_its_own_place(make_steward: MakeSteward) -> None:
    model = ScriptedModel([answered(broken(finding(confidence=0.9), finding("SELF-1.1")), findings_0=0.97, findings_1=0.05)])
    verdict = await make_steward(model).moderate(segment(said("u1", f"{OFFER} {MARKERS[Category.SELF_HARM.value]}")))
    assert {one.rule_id: one.confidence for one in verdict.findings} == {"FRAUD-1.1": 0.9}


async def test_a_claim_of_which_the_model_was_hardly_sure_goes_to_a_person_however_it_puts_it(make_steward: MakeSteward) -> None:
    unsure = answered(broken(finding(confidence=1.0)), findings_0=0.58)
    verdict = await make_steward(ScriptedModel([unsure])).moderate(segment(said("u1", OFFER)))
    assert verdict.decision is Decision.REVIEW
    believed = make_steward(ScriptedModel([unsure]), model={"use_certainty": False})
    assert (await believed.moderate(segment(said("u1", OFFER)))).decision is Decision.VIOLATION


@pytest.mark.parametrize(("named", "decision"), [(0.5, Decision.REVIEW), (0.9, Decision.VIOLATION)])
async def test_a_finding_whose_rule_is_in_doubt_does_not_go_unnoticed_beside_one_against_a_viewer(
    make_steward: MakeSteward, named: float, decision: Decision
) -> None:
    insult = f"People like you are vermin {MARKERS[Category.HATE_HARASSMENT.value]}"
    subject, place = {"kind": "viewer", "subject_id": "v1"}, {"item_id": "c1", "quote": "vermin"}
    against_viewer = {**finding("HATE-1.1"), "subject": subject, "evidence": [place]}
    model = ScriptedModel([answered(broken(against_viewer, finding()), findings_1=0.99, findings_1__rule_id=named)])
    verdict = await make_steward(model).moderate(segment(said("u1", OFFER), wrote("c1", "v1", insult)))
    assert (verdict.decision, verdict.stream_decision) == (Decision.VIOLATION, decision)


@pytest.mark.parametrize(
    ("certainty", "decision"),
    [
        ({}, Decision.ALLOW),
        ({"findings__end": 0.9, "decision": 0.99}, Decision.ALLOW),
        ({"findings__end": 0.55, "decision": 0.99}, Decision.REVIEW),
        ({"findings__end": 0.99, "decision": 0.3}, Decision.REVIEW),
    ],
)
async def test_an_allow_of_which_the_model_was_not_sure_goes_to_a_person(
    make_steward: MakeSteward, certainty: dict[str, float], decision: Decision
) -> None:
    verdict = await make_steward(ScriptedModel([answered(NOTHING, **certainty)])).moderate(segment(said("u1", OFFER)))
    assert verdict.decision is decision
    if decision is Decision.REVIEW:
        [reason] = verdict.review_reasons
        assert reason.code is ReviewCode.UNSURE
        assert "verify.allow_certainty" in reason.detail
        assert f"{min(certainty.values()):.2f}" in reason.detail
