"""What a verdict must say, and what would contradict itself."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from livesteward.contracts import ReviewDecision, Ruling, Subject, Verdict

REASON = {"code": "unsure", "detail": "The judge is not sure."}


def ruled(decision: str, stream_decision: str | None = None) -> dict[str, Any]:
    both = {"decision": decision, "stream_decision": stream_decision or decision}
    return both | {"rulings": [{"jurisdiction": "SG"} | both]}


def test_an_allow_is_taken(verdict_data: dict[str, Any]) -> None:
    verdict = Verdict.model_validate(verdict_data)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_review_says_why(verdict_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a review needs at least one reason"):
        Verdict.model_validate(verdict_data | ruled("review"))
    Verdict.model_validate(verdict_data | ruled("review") | {"review_reasons": [REASON]})


def test_a_violation_has_a_finding(verdict_data: dict[str, Any], finding_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a violation needs at least one finding"):
        Verdict.model_validate(verdict_data | ruled("violation"))
    Verdict.model_validate(verdict_data | ruled("violation") | {"findings": [finding_data]})


def test_a_violation_rests_on_more_than_what_a_person_must_look_at(verdict_data: dict[str, Any], finding_data: dict[str, Any]) -> None:
    unsure = finding_data | {"decision": "review"}
    with pytest.raises(ValidationError, match="a violation needs at least one finding that is one"):
        Verdict.model_validate(verdict_data | ruled("violation") | {"findings": [unsure]})
    Verdict.model_validate(verdict_data | ruled("violation") | {"findings": [unsure, finding_data]})
    Verdict.model_validate(verdict_data | ruled("review") | {"findings": [unsure], "review_reasons": [REASON]})


def test_no_finding_is_worse_than_the_decision(verdict_data: dict[str, Any], finding_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a finding is worse than the decision"):
        Verdict.model_validate(verdict_data | ruled("review") | {"findings": [finding_data], "review_reasons": [REASON]})
    with pytest.raises(ValidationError, match="a finding is a violation or for review"):
        Verdict.model_validate(verdict_data | ruled("violation") | {"findings": [finding_data | {"decision": "allow"}]})


def test_an_allow_has_no_finding_and_no_doubt(verdict_data: dict[str, Any], finding_data: dict[str, Any]) -> None:
    for contradiction in ({"findings": [finding_data]}, {"review_reasons": [REASON]}):
        with pytest.raises(ValidationError, match="an allow has neither"):
            Verdict.model_validate(verdict_data | contradiction)


def test_the_decision_is_the_worst_of_the_rulings(verdict_data: dict[str, Any], finding_data: dict[str, Any]) -> None:
    violation = {"jurisdiction": "DE", "decision": "violation", "stream_decision": "violation"}
    with pytest.raises(ValidationError, match="decision is allow and the worst of the rulings violation"):
        Verdict.model_validate(verdict_data | {"rulings": [*verdict_data["rulings"], violation]})
    with pytest.raises(ValidationError, match="decision is violation and the worst of the rulings allow"):
        Verdict.model_validate(verdict_data | {"decision": "violation", "findings": [finding_data]})


def test_a_stream_can_be_right_while_its_chat_is_wrong_but_not_the_reverse(
    verdict_data: dict[str, Any], finding_data: dict[str, Any]
) -> None:
    by_viewer = finding_data | {"subject": {"kind": "viewer", "subject_id": "v1"}}
    Verdict.model_validate(verdict_data | ruled("violation", "allow") | {"findings": [by_viewer]})
    with pytest.raises(ValidationError, match="which covers the stream too"):
        Verdict.model_validate(verdict_data | ruled("allow", "violation"))
    with pytest.raises(ValidationError, match="which covers the stream too"):
        Ruling.model_validate({"jurisdiction": "SG", "decision": "review", "stream_decision": "violation"})


@pytest.mark.parametrize(
    "changes", [{"evidence": []}, {"rationale": ""}, {"jurisdictions": []}, {"confidence": 1.2}, {"confidence": math.nan}]
)
def test_a_finding_has_evidence_a_reason_a_place_and_a_probability(
    verdict_data: dict[str, Any], finding_data: dict[str, Any], changes: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        Verdict.model_validate(verdict_data | ruled("violation") | {"findings": [finding_data | changes]})


def test_a_viewer_is_known_by_id_and_a_host_need_not_be() -> None:
    assert Subject.model_validate({"kind": "host"}).subject_id is None
    with pytest.raises(ValidationError, match="a viewer needs a subject_id"):
        Subject.model_validate({"kind": "viewer"})


def test_a_score_that_is_no_probability_is_refused(verdict_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Verdict.model_validate(verdict_data | {"scores": {"fraud_scam": math.nan}})
    with pytest.raises(ValidationError):
        Verdict.model_validate(verdict_data | {"scores": {"rudeness": 0.1}})


def test_a_person_decides_and_does_not_pass_it_on() -> None:
    assert ReviewDecision.model_validate({"reviewer": "kim", "decision": "allow"}).decision == "allow"
    with pytest.raises(ValidationError, match="a person decides"):
        ReviewDecision.model_validate({"reviewer": "kim", "decision": "review"})


def test_a_verdict_cannot_be_changed(verdict_data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Verdict.model_validate(verdict_data).decision = "violation"  # type: ignore[assignment,misc]
