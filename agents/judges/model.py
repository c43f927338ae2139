"""A language model as the judge: the prompt goes out with the rules first, and what comes back is a set of claims, no more."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.images import Shown, shown_images
from livesteward.agents.judges.unseen import unseen_nudity, unshown_pictures
from livesteward.agents.perception.store import FrameStore
from livesteward.agents.state import Claim, ClaimedEvidence, Judgement
from livesteward.contracts import Category, Decision, ReviewCode, ReviewReason, Subject, SubjectKind
from livesteward.errors import ModelAnswerError
from livesteward.models.protocol import ChatModel, ModelAnswer, ModelRequest, Paced, Sampling
from livesteward.prompts.answer import JudgeFinding, judge_schema, read_judge_answer
from livesteward.prompts.judging import render_judge
from livesteward.prompts.registry import Prompt
from livesteward.prompts.rulebook_layout import without_exceptions
from livesteward.settings import ModelSettings

_PLACES: Final = 4
"""Where the model does not say how many requests it takes at once."""


@dataclass(frozen=True)
class Asked:
    """What a model is asked about a case.

    Attributes:
        request: As it goes out.
        pictures: Ids of the pictures that it is shown.
        lost: Ids of those that could not be shown.
        unread: Jurisdiction and id of the rules whose exceptions do not stand in the prompt.
    """

    request: ModelRequest
    pictures: tuple[str, ...]
    lost: tuple[str, ...] = ()
    unread: frozenset[tuple[str, str]] = frozenset()


class ModelJudge:
    """Judges with a :class:`livesteward.models.protocol.ChatModel` and a version of the judge prompt."""

    def __init__(self, model: ChatModel, prompt: Prompt, frames: FrameStore, settings: ModelSettings) -> None:
        """Take the model, the prompt, where the pictures are, and the limits."""
        self._model = model
        self._prompt = prompt
        self._frames = frames
        self._settings = settings

    @property
    def sees(self) -> bool:
        """Whether the model takes pictures."""
        return self._model.accepts_images and self._settings.max_frames > 0

    @property
    def places(self) -> int:
        """How many segments it judges at once for now."""
        return self._model.places if isinstance(self._model, Paced) else _PLACES

    async def judge(self, case: Case) -> Judgement:
        """Ask the model once.

        Raises:
            ModelError: If it gives no answer that can be used.
        """
        asked = await self.request(case)
        return self.judgement(case, await self._model.ask(asked.request), asked)

    async def request(self, case: Case, *, nonce: str | None = None) -> Asked:
        """Return what the model is asked.

        Args:
            case: What is judged.
            nonce: The fence's; drawn at random unless given.
        """
        shown = await asyncio.to_thread(shown_images, case, self._frames, self._settings) if self.sees else Shown()
        request = ModelRequest(
            messages=render_judge(
                self._prompt,
                case.segment,
                case.rules,
                memory=case.memory.recent_speech,
                images=shown.images,
                keep=[suspect.item_id for suspect in case.screened.suspects],
                nonce=nonce,
                layout=case.layout,
            ),
            answer_schema=judge_schema(case.rules, case.segment),
            schema_name="verdict",
            sampling=Sampling(temperature=self._settings.temperature, max_tokens=self._settings.max_tokens),
            deadline_s=self._settings.timeout_s,
            prefix=case.layout.prefix,
        )
        return Asked(request, shown.ids, shown.lost, without_exceptions(case.rules, case.layout))

    def judgement(self, case: Case, answer: ModelAnswer, asked: Asked) -> Judgement:
        """Return what the model holds, from its answer.

        Raises:
            ModelAnswerError: If the answer contradicts itself.
        """
        said = read_judge_answer(answer, case.segment)
        certainty = answer.certainty if self._settings.use_certainty else {}
        claims = tuple(
            _claim(case, finding, answer, _sure(case, finding, number, certainty)) for number, finding in enumerate(said.findings)
        )
        unsure: list[ReviewReason] = []
        if bounded := {claim.rule_id: most for claim in claims if (most := _most_unread(claim, case, asked.unread)) is not None}:
            claims = tuple(_at_most(claim, bounded.get(claim.rule_id)) for claim in claims)
            what = ", ".join(sorted(bounded))
            detail = f"The exceptions of {what} did not stand in the prompt, so the model cannot have weighed them."
            unsure.append(ReviewReason(code=ReviewCode.UNSURE, detail=detail))
        unsure.extend(reason for finding in said.findings for reason in _other_severity(case, finding))
        scores = dict.fromkeys(Category, 0.0)
        weak = True
        for claim in claims:
            for found in case.rules:
                if found.rule.rule_id == claim.rule_id and (not claim.jurisdictions or found.jurisdiction in claim.jurisdictions):
                    category = found.rule.category
                    scores[category] = max(scores[category], claim.confidence)
                    weak = weak and claim.confidence < case.thresholds.band(category, found.jurisdiction).review
        if said.decision is Decision.REVIEW or (said.decision is Decision.VIOLATION and weak):
            unsure.append(
                ReviewReason(code=ReviewCode.UNSURE, detail=f"The model asks for a person: {said.reason or 'it gives no reason'}")
            )
        if said.decision is Decision.ALLOW:
            unsure.extend(_unsure_allow(certainty, case.thresholds.verify.allow_certainty))
        if self.sees:
            unsure.extend(unshown_pictures(case, asked.pictures, asked.lost))
        else:
            unsure.extend(unseen_nudity(case, "the model is asked about texts only"))
        lost = {kind: count for kind, count in answer.trimmed.items() if kind != "memory"}
        if lost:
            what = ", ".join(f"{count} of {kind}" for kind, count in sorted(lost.items()))
            unsure.append(
                ReviewReason(code=ReviewCode.INPUT_TRIMMED, detail=f"Not judged, for lack of room in the model's context: {what}.")
            )
        return Judgement(
            judge="model",
            allows=said.decision is Decision.ALLOW,
            claims=claims,
            unsure=tuple(unsure),
            scores=scores,
            model=answer.model,
            model_revision=answer.revision,
            engine=answer.engine,
            profile=answer.profile,
            endpoint=answer.endpoint,
            fallback=answer.fallback,
            prompt=self._prompt.ref,
            rulebook_form=case.layout.form.value,
            sampling=asked.request.sampling.model_dump(exclude_none=True),
            tokens=answer.tokens,
            trimmed=answer.trimmed,
            # Which pictures the budget left out is not known, only how many: then none counts as seen.
            frames_shown=() if answer.trimmed.get("image") else asked.pictures,
            replayed=answer.replayed,
        )

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def _other_severity(case: Case, finding: JudgeFinding) -> list[ReviewReason]:
    """Ask for a person where the model holds a case to be milder or worse than its rule says: the ladder goes by the rule."""
    ruled = {
        found.rule.severity
        for found in case.rules
        if found.rule.rule_id == finding.rule_id and (not finding.jurisdictions or found.jurisdiction in finding.jurisdictions)
    }
    if finding.severity is None or not ruled or finding.severity in ruled:
        return []
    says = " or ".join(sorted(severity.value for severity in ruled))
    detail = f"The model holds {finding.rule_id[:64]} to be {finding.severity} in this case; the rule says {says}."
    return [ReviewReason(code=ReviewCode.UNSURE, detail=detail)]


def _sure(case: Case, finding: JudgeFinding, number: int, certainty: Mapping[str, float]) -> float:
    """Return how sure the model was to begin a finding and to name its rule; 1 where that is not known.

    A beginning that would have kept it from being believed that there is nothing to find brings the finding to a person at least: which
    rule it is may be in doubt where it is not that one is broken, and a finding must not go unnoticed beside others.
    """
    begun = certainty.get(f"findings[{number}]", 1.0)
    sure = min(begun, certainty.get(f"findings[{number}].rule_id", 1.0))
    if begun <= 1 - case.thresholds.verify.allow_certainty:
        return sure
    bands = (
        case.thresholds.band(found.rule.category, found.jurisdiction).review
        for found in case.rules
        if found.rule.rule_id == finding.rule_id and (not finding.jurisdictions or found.jurisdiction in finding.jurisdictions)
    )
    return max(sure, *bands, 0.0)


def _unsure_allow(certainty: Mapping[str, float], least: float) -> list[ReviewReason]:
    """Ask for a person where the model allows a segment and nearly found something, or nearly decided otherwise."""
    said = {"findings.end": "that there is nothing to find", "decision": "of the decision"}
    place = min(said, key=lambda place: certainty.get(place, 1.0))
    if certainty.get(place, 1.0) >= least:
        return []
    detail = f"The model allows it and was only {certainty[place]:.2f} sure {said[place]} ({least:.2f} needed, verify.allow_certainty)."
    return [ReviewReason(code=ReviewCode.UNSURE, detail=detail)]


def _most_unread(claim: Claim, case: Case, unread: Collection[tuple[str, str]]) -> float | None:
    """Return the confidence under which a person looks, for a claim under a rule whose exceptions the model was not given; else nothing."""
    bands = [
        case.thresholds.band(found.rule.category, found.jurisdiction).violation
        for found in case.rules
        if found.rule.rule_id == claim.rule_id
        and (not claim.jurisdictions or found.jurisdiction in claim.jurisdictions)
        and (found.jurisdiction, found.rule.rule_id) in unread
    ]
    return math.nextafter(min(bands), 0) if bands else None


def _at_most(claim: Claim, most: float | None) -> Claim:
    return claim if most is None else claim.model_copy(update={"confidence": min(claim.confidence, most)})


def _claim(case: Case, finding: JudgeFinding, answer: ModelAnswer, sure: float) -> Claim:
    kind, subject_id = finding.subject.kind, finding.subject.subject_id
    if kind is SubjectKind.VIEWER and not subject_id:
        raise ModelAnswerError(f"{finding.rule_id} accuses a viewer without saying which", raw=answer.raw)
    if kind is SubjectKind.HOST:
        subject_id = case.segment.host.host_id
    elif kind is SubjectKind.GUEST:
        # The platform names no guests; whatever name the model gives is somebody else's.
        subject_id = None
    return Claim(
        rule_id=finding.rule_id,
        subject=Subject(kind=kind, subject_id=subject_id),
        # A model that writes 0.95 has written a number; what it weighed against it is in the probabilities of its tokens.
        confidence=min(finding.confidence, sure),
        rationale=finding.rationale,
        evidence=tuple(ClaimedEvidence(item_id=place.item_id, quote=place.quote) for place in finding.evidence),
        jurisdictions=tuple(finding.jurisdictions),
    )
