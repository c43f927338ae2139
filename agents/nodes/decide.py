"""decide: from verified claims to a verdict, by the thresholds and ladders of each jurisdiction and the memory of the stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from livesteward.agents.nodes.remember import remember
from livesteward.agents.state import Claim, Judgement, StreamMemory, Strike, Verified
from livesteward.agents.thresholds import Thresholds
from livesteward.contracts import (
    Action,
    ActionKind,
    Category,
    Decision,
    Evidence,
    Finding,
    Modality,
    Provenance,
    RetrievedRule,
    ReviewCode,
    ReviewReason,
    Rule,
    Ruling,
    Segment,
    Severity,
    Subject,
    SubjectKind,
    Verdict,
)

_BESIDE: Final = frozenset({ActionKind.SUPPORT, ActionKind.ESCALATE})


@dataclass(frozen=True)
class _Charge:
    """A claim as one jurisdiction sees it."""

    jurisdiction: str
    rule: Rule
    claim: Claim
    decision: Decision
    category: Category


@dataclass(frozen=True)
class Ground:
    """What ``decide`` decides on.

    Attributes:
        verdict_id: The id that the verdict shall have.
        segment: As judged.
        regions: The jurisdictions asked for.
        rules: As retrieved.
        verified: The claims that held and why others did not.
        judgement: What the judge said, if one was asked.
        scores: By category, of the judge or, where it cleared the segment, of the screen.
        problems: Failures of steps.
        memory: Of the stream.
        injections: Ids of items that try to steer the judge; they are not remembered.
        keep_lines: Whether single lines are remembered, for a judge that may look back.
    """

    verdict_id: str
    segment: Segment
    regions: tuple[str, ...]
    rules: tuple[RetrievedRule, ...]
    verified: Verified
    judgement: Judgement | None
    scores: dict[Category, float]
    problems: tuple[ReviewReason, ...]
    memory: StreamMemory
    injections: tuple[str, ...] = ()
    keep_lines: bool = False


def decide(ground: Ground, thresholds: Thresholds, provenance: Provenance, *, now: datetime) -> tuple[Verdict, StreamMemory]:
    """Return the verdict and what the stream shall remember of it."""
    charges = tuple(_charges(ground, thresholds))
    reasons = [*ground.problems, *ground.verified.rejected, *(ground.judgement.unsure if ground.judgement else ())]
    for category, held in _unsure(charges):
        reasons.append(
            ReviewReason(
                code=ReviewCode.UNSURE,
                detail=f"{category.value} with {max(charge.claim.confidence for charge in held):.2f}: {held[0].claim.rationale}"[:2_000],
            )
        )
    rulings = []
    struck: list[Strike] = []
    for region in ground.regions:
        ruling, strikes = _rule_on(region, charges, ground, thresholds)
        rulings.append(ruling)
        struck.extend(strike for strike in strikes if strike not in struck)
    verdict = Verdict(
        verdict_id=ground.verdict_id,
        stream_id=ground.segment.stream_id,
        segment_id=ground.segment.segment_id,
        decided_at=now,
        decision=max((ruling.decision for ruling in rulings), key=lambda decision: decision.rank),
        stream_decision=max((ruling.stream_decision for ruling in rulings), key=lambda decision: decision.rank),
        findings=_findings(charges, ground.segment),
        rulings=tuple(rulings),
        scores=ground.scores,
        review_reasons=tuple(dict.fromkeys(reasons)),
        provenance=provenance,
    )
    return verdict, remember(ground.memory, ground.segment, struck, injections=ground.injections, keep_lines=ground.keep_lines)


def _charges(ground: Ground, thresholds: Thresholds) -> Iterable[_Charge]:
    for claim, places in zip(ground.verified.claims, ground.verified.jurisdictions, strict=True):
        for place in places:
            rule = next(found.rule for found in ground.rules if found.jurisdiction == place and found.rule.rule_id == claim.rule_id)
            band = thresholds.band(rule.category, place)
            if claim.confidence >= band.violation:
                yield _Charge(place, rule, claim, Decision.VIOLATION, rule.category)
            elif claim.confidence >= band.review:
                yield _Charge(place, rule, claim, Decision.REVIEW, rule.category)


def _unsure(charges: tuple[_Charge, ...]) -> list[tuple[Category, list[_Charge]]]:
    found: dict[Category, list[_Charge]] = {}
    for charge in charges:
        if charge.decision is Decision.REVIEW:
            found.setdefault(charge.category, []).append(charge)
    return list(found.items())


def _doubts(ground: Ground) -> tuple[bool, bool]:
    # Failures and the judge's own doubts concern everybody; a claim that failed against a viewer leaves the stream alone.
    everybody = bool(ground.problems or (ground.judgement and ground.judgement.unsure))
    return everybody or bool(ground.verified.rejected), everybody or ground.verified.stream_in_doubt


def _rule_on(region: str, charges: tuple[_Charge, ...], ground: Ground, thresholds: Thresholds) -> tuple[Ruling, list[Strike]]:
    here = [charge for charge in charges if charge.jurisdiction == region]
    any_doubt, stream_doubt = _doubts(ground)
    decision = _worst((charge.decision for charge in here), in_doubt=any_doubt)
    on_stream = _worst((charge.decision for charge in here if charge.claim.subject.kind is not SubjectKind.VIEWER), in_doubt=stream_doubt)
    actions: list[Action] = []
    strikes: list[Strike] = []
    by_subject: dict[Subject, list[_Charge]] = {}
    for charge in here:
        if charge.decision is Decision.VIOLATION:
            by_subject.setdefault(charge.claim.subject, []).append(charge)
    for subject, held in by_subject.items():
        steps: dict[ActionKind, list[tuple[str, int]]] = {}
        for charge in held:
            strike = _strike(charge, ground, thresholds)
            strikes.append(strike)
            ladder = charge.rule.ladder.viewer if subject.kind is SubjectKind.VIEWER else charge.rule.ladder.host
            step = ladder[min(strike.number, len(ladder)) - 1] if ladder else ActionKind.ESCALATE
            steps.setdefault(step, []).append((charge.rule.rule_id, strike.number))
            if charge.rule.severity is Severity.CRITICAL and step is not ActionKind.ESCALATE:
                # Whatever the ladder says first, specialists hear of a critical finding at once.
                steps.setdefault(ActionKind.ESCALATE, []).append((charge.rule.rule_id, strike.number))
        # Help and escalation go beside the strictest sanction, not instead of it.
        kept = [step for step in steps if step in _BESIDE]
        sanctions = [step for step in steps if step not in _BESIDE]
        if sanctions:
            kept.insert(0, max(sanctions, key=lambda step: step.rank))
        for step in kept:
            actions.append(
                Action(
                    subject=subject,
                    action=step,
                    rule_ids=tuple(dict.fromkeys(rule_id for rule_id, _ in steps[step])),
                    strike=max(number for _, number in steps[step]),
                )
            )
    return Ruling(jurisdiction=region, decision=decision, stream_decision=on_stream, actions=tuple(actions)), strikes


def _worst(decisions: Iterable[Decision], *, in_doubt: bool) -> Decision:
    return max((Decision.REVIEW if in_doubt else Decision.ALLOW, *decisions), key=lambda decision: decision.rank)


def _strike(charge: _Charge, ground: Ground, thresholds: Thresholds) -> Strike:
    subject = charge.claim.subject
    at_s = ground.segment.offset_s + min(_evidence(charge.claim, ground.segment), key=lambda evidence: evidence.at_s).at_s
    earlier = [strike for strike in ground.memory.strikes if strike.subject == subject]
    same = [strike for strike in earlier if strike.rule_id == charge.rule.rule_id]
    # Counted from the strike itself: who goes on and on must not stay at the first step of the ladder for ever.
    recent = next((strike for strike in reversed(same) if abs(at_s - strike.at_s) <= thresholds.memory.debounce_s), None)
    if recent is not None:
        return recent
    prior = ground.segment.host.prior_strikes if subject.kind is SubjectKind.HOST else 0
    return Strike(subject=subject, rule_id=charge.rule.rule_id, at_s=at_s, number=max([prior, *(strike.number for strike in same)]) + 1)


def _findings(charges: tuple[_Charge, ...], segment: Segment) -> tuple[Finding, ...]:
    # Jurisdictions that see a claim alike share a finding; another severity or decision makes another one.
    grouped: dict[tuple[str, Subject, str, Decision], list[_Charge]] = {}
    for charge in charges:
        key = (charge.rule.rule_id, charge.claim.subject, charge.rule.severity.value, charge.decision)
        grouped.setdefault(key, []).append(charge)
    findings = [
        Finding(
            rule_id=held[0].rule.rule_id,
            rule_title=held[0].rule.title,
            category=held[0].rule.category,
            severity=held[0].rule.severity,
            subject=held[0].claim.subject,
            jurisdictions=tuple(dict.fromkeys(charge.jurisdiction for charge in held)),
            decision=held[0].decision,
            confidence=max(charge.claim.confidence for charge in held),
            rationale=held[0].claim.rationale,
            evidence=tuple(dict.fromkeys(evidence for charge in held for evidence in _evidence(charge.claim, segment)))[:20],
        )
        for held in grouped.values()
    ]
    return tuple(sorted(findings, key=lambda finding: (-finding.severity.rank, -finding.confidence, finding.rule_id)))


def _evidence(claim: Claim, segment: Segment) -> tuple[Evidence, ...]:
    items = {item.item_id: item for item in segment.items()}
    frames = {frame.frame_id: frame for frame in segment.frames}
    return tuple(
        Evidence(
            modality=items[place.item_id].modality if place.item_id in items else Modality.FRAME,
            item_id=place.item_id,
            at_s=items[place.item_id].at_s if place.item_id in items else frames[place.item_id].at_s,
            quote=place.quote if place.item_id in items else "",
            weight=place.weight,
        )
        for place in claim.evidence
    )
