"""What a judge answers: the type, the JSON Schema of one call, and the way from names back to ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

from pydantic import Field, ValidationError, model_validator

from livesteward.contracts import Contract, Decision, RetrievedRule, Segment, Severity, SubjectKind
from livesteward.contracts.base import Identifier, Jurisdiction, Probability, RuleId
from livesteward.errors import InputError, ModelAnswerError
from livesteward.models.protocol import ModelAnswer
from livesteward.prompts.names import SegmentNames

MAX_FINDINGS: Final = 8
MAX_EVIDENCE: Final = 4
MAX_QUOTE_CHARS: Final = 300
MAX_RATIONALE_CHARS: Final = 600
MAX_REASON_CHARS: Final = 400
MAX_ENUM: Final = 64
"""The most names that the schema lists; with more of them it only bounds the length, so that the grammar stays quick to compile."""


class JudgeSubject(Contract):
    """Whose conduct it is; ``subject_id`` names the viewer."""

    kind: SubjectKind
    subject_id: Identifier | None = None


class JudgeEvidence(Contract):
    """A place in the segment, and what stands there word for word (empty for a picture)."""

    item_id: Identifier
    quote: Annotated[str, Field(max_length=MAX_QUOTE_CHARS)] = ""


class JudgeFinding(Contract):
    """One broken rule by one subject, as the judge claims it; nothing of it is verified.

    ``severity`` is the rule's own where it is ``None``. ``jurisdictions`` says where the rule is broken, where several were asked for and
    the rule differs between them; empty means wherever the rule holds.
    """

    rule_id: RuleId
    subject: JudgeSubject
    evidence: Annotated[tuple[JudgeEvidence, ...], Field(min_length=1, max_length=MAX_EVIDENCE)]
    rationale: Annotated[str, Field(min_length=1, max_length=MAX_RATIONALE_CHARS)]
    severity: Severity | None = None
    jurisdictions: tuple[Jurisdiction, ...] = ()
    confidence: Probability


class JudgeAnswer(Contract):
    """A judge's answer to one segment."""

    findings: Annotated[tuple[JudgeFinding, ...], Field(max_length=MAX_FINDINGS)] = ()
    decision: Decision
    reason: Annotated[str, Field(max_length=MAX_REASON_CHARS)] = ""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.decision is Decision.VIOLATION and not self.findings:
            raise ValueError("the decision is 'violation' and there is no finding")
        if self.decision is Decision.ALLOW and self.findings:
            raise ValueError("the decision is 'allow' and there are findings")
        return self


def judge_schema(rules: Sequence[RetrievedRule], segment: Segment) -> dict[str, Any]:
    """Return the JSON Schema that an answer on ``segment`` under ``rules`` must fit.

    Only ids of the rules can be named, and only items and viewers of the segment where there are at most :data:`MAX_ENUM` of them. The
    properties stand in the order in which a model should think: evidence before rationale, findings before the decision. All are
    required, as strict structured outputs want it.
    """
    names = SegmentNames.of(segment)
    rule_ids = sorted({found.rule.rule_id for found in rules})
    jurisdictions = sorted({found.jurisdiction for found in rules})
    evidence = _object(item_id=_one_of(names.items, 64), quote=_text(MAX_QUOTE_CHARS))
    subject = _object(kind={"enum": [kind.value for kind in SubjectKind]}, subject_id=_one_of(names.viewers, 64, nothing=True))
    properties = {
        "rule_id": {"enum": rule_ids},
        "subject": subject,
        "evidence": {"type": "array", "minItems": 1, "maxItems": MAX_EVIDENCE, "items": evidence},
        "rationale": _text(MAX_RATIONALE_CHARS, least=1),
        "severity": {"enum": [*(severity.value for severity in Severity), None]},
        **({"jurisdictions": _several(jurisdictions)} if len(jurisdictions) > 1 else {}),
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    }
    findings: dict[str, Any] = {"type": "array", "maxItems": MAX_FINDINGS, "items": _object(**properties)}
    if not rule_ids:
        findings = {"type": "array", "maxItems": 0, "items": {"type": "string"}}
    decisions = [decision.value for decision in Decision if rule_ids or decision is not Decision.VIOLATION]
    return _object(findings=findings, decision={"enum": decisions}, reason=_text(MAX_REASON_CHARS))


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _text(most: int, *, least: int = 0) -> dict[str, Any]:
    return {"type": "string", **({"minLength": least} if least else {}), "maxLength": most}


def _one_of(names: Sequence[str], most: int, *, nothing: bool = False) -> dict[str, Any]:
    if not names and nothing:
        return {"type": "null"}
    if 0 < len(names) <= MAX_ENUM:
        return {"enum": [*names, None] if nothing else list(names)}
    text = {"type": "string", "minLength": 1, "maxLength": most}
    return {"anyOf": [text, {"type": "null"}]} if nothing else text


def _several(values: Sequence[str]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": len(values), "items": {"enum": list(values)}}


def read_judge_answer(answer: ModelAnswer, segment: Segment) -> JudgeAnswer:
    """Return the judge's answer with the ids of the segment in place of the prompt's names.

    A name that the segment does not have stays as it is, for verification to refuse.

    Raises:
        ModelAnswerError: If the answer contradicts itself or goes beyond its bounds; keeps the raw text.
    """
    try:
        said = JudgeAnswer.model_validate(answer.data)
    except ValidationError as error:
        raise ModelAnswerError(f"the judge's answer: {InputError.from_validation(error)}", raw=answer.raw) from error
    names = SegmentNames.of(segment)
    return said.model_copy(update={"findings": tuple(_with_ids(finding, names) for finding in said.findings)})


def _with_ids(finding: JudgeFinding, names: SegmentNames) -> JudgeFinding:
    subject = finding.subject
    if subject.kind is SubjectKind.VIEWER and subject.subject_id is not None:
        subject = subject.model_copy(update={"subject_id": names.viewer_id(subject.subject_id) or subject.subject_id})
    evidence = tuple(place.model_copy(update={"item_id": names.item_id(place.item_id) or place.item_id}) for place in finding.evidence)
    return finding.model_copy(update={"subject": subject, "evidence": evidence})
