"""Small cases, streams, records and runs for the tests of the evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from livesteward.contracts import (
    Category,
    Decision,
    Evidence,
    Finding,
    Modality,
    Provenance,
    ReviewCode,
    ReviewReason,
    Ruling,
    Segment,
    Severity,
    Subject,
    SubjectKind,
    TextItem,
    TokenCounts,
    Verdict,
)
from livesteward.evals.cases import Case, Entry, Human, StreamCase
from livesteward.evals.dataset import Dataset, Located
from livesteward.evals.judgements import Judgement, judgements
from livesteward.evals.outcomes import Fingerprint, Probe, Record, RunInfo, Timing
from livesteward.evals.writing import read_entry

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SAID = "I will send you two hundred back on Friday, guaranteed."
QUOTE = "guaranteed"
VIEWER = "troll_1"
ALLOW, REVIEW, VIOLATION = "allow", "review", "violation"


def expected(
    decision: str = VIOLATION,
    *,
    regions: Sequence[str] = ("SG",),
    category: str = "fraud_scam",
    rules: Sequence[str] = ("FRAUD-1.1",),
    severity: str = "high",
    subject: str = "host",
    evidence: Sequence[tuple[str, str]] = (("u1", QUOTE),),
) -> dict[str, Any]:
    """One entry of ``expect``; a finding only for a violation. ``subject="viewers"`` blames :data:`VIEWER`."""
    entry: dict[str, Any] = {"regions": list(regions), "decision": decision}
    if decision == VIOLATION:
        entry["findings"] = [
            {
                "rules": list(rules),
                "category": category,
                "severity": severity,
                "subject": subject,
                "subject_ids": [VIEWER] if subject == "viewers" else [],
                "evidence": [{"item": item, "quote": quote} for item, quote in evidence],
            }
        ]
    return entry


def case(case_id: str, *expect: Mapping[str, Any], segment: Mapping[str, Any] | None = None, **more: Any) -> Case:
    """A case in which the host says :data:`SAID`; allowed in SG unless ``expect`` (see :func:`expected`) says otherwise."""
    wanted = list(expect) or [expected(ALLOW)]
    written = {"language": "en", "utterances": [SAID], "chat": [f"{VIEWER}: hello"], **(segment or {})}
    if "twin_of" in more:
        more.setdefault("differs", "One word.")
    made = read_entry({"case_id": case_id, "segment": written, "expect": wanted, "reason": "Because.", "split": "golden", **more})
    assert isinstance(made, Case)
    return made


def stream(
    case_id: str,
    *steps: str | Mapping[str, Any],
    regions: Sequence[str] = ("SG",),
    starts_s: float | None = None,
    segment_s: float = 20,
    viewers: int | None = 60,
    **more: Any,
) -> StreamCase:
    """A stream of segments in which the host says :data:`SAID`.

    Each step is a decision, or a mapping with ``expect`` (see :func:`expected`) and fields of the segment.
    """
    segments = []
    for step in steps:
        fields = dict(step) if isinstance(step, Mapping) else {"expect": [expected(step, regions=regions)]}
        segments.append({"utterances": [SAID], **fields})
    made = read_entry(
        {
            "stream_id": case_id,
            "regions": list(regions),
            "language": "en",
            "segment_s": segment_s,
            "violation_starts_s": starts_s,
            "viewers": viewers,
            "segments": segments,
            "reason": "Because.",
            "split": "golden",
            **more,
        }
    )
    assert isinstance(made, StreamCase)
    return made


def dataset(*entries: Entry, reviews: Iterable[Human] = (), root: Path = Path("golden")) -> Dataset:
    located = tuple(Located(entry=entry, file=root / "cases.yaml", line=line) for line, entry in enumerate(entries, start=1))
    return Dataset(root=root, located=located, reviews=tuple(reviews))


def human(entry: Entry, decision: str, *, reviewer: str = "ann", region: str = "SG", step: int = 0) -> Human:
    return Human(case_id=entry.case_id, step=step, region=region, reviewer=reviewer, decision=Decision(decision))


def finding(
    segment: Segment,
    *,
    decision: str = VIOLATION,
    regions: Sequence[str] = ("SG",),
    category: str = "fraud_scam",
    rule: str = "FRAUD-1.1",
    severity: str = "high",
    subject: str = "host",
    quotes: Sequence[tuple[str, str]] = (("u1", QUOTE),),
) -> Finding:
    """A finding with a piece of evidence for each ``(item, quote)``; an item that is not in the segment is a frame, or perceived."""
    items = {item.item_id: item for item in segment.items()}
    evidence = []
    for item_id, quote in quotes:
        modality = items[item_id].modality if item_id in items else (_MODALITY.get(item_id.rstrip("-0123456789"), Modality.FRAME))
        evidence.append(Evidence(modality=modality, item_id=item_id, at_s=1, quote=quote))
    return Finding(
        rule_id=rule,
        rule_title="A rule",
        category=Category(category),
        severity=Severity(severity),
        subject=_SUBJECTS[subject],
        jurisdictions=tuple(regions),
        decision=Decision(decision),
        confidence=0.9,
        rationale="It does.",
        evidence=tuple(evidence),
    )


def verdict(
    segment: Segment,
    decisions: Mapping[str, str],
    *,
    findings: Sequence[Finding] = (),
    scores: Mapping[str, float] | None = None,
    failure: ReviewCode | None = None,
    tokens: TokenCounts | None = None,
    model: str = "",
) -> Verdict:
    """A verdict that fits together; viewers' findings leave the stream alone."""
    worst = max((Decision(decision) for decision in decisions.values()), key=lambda decision: decision.rank)
    rulings = []
    for region, decided in decisions.items():
        against_stream = [one for one in findings if region in one.jurisdictions and one.subject.kind is not SubjectKind.VIEWER]
        there = [one for one in findings if region in one.jurisdictions]
        decision = Decision(decided)
        on_stream = decision if against_stream or not there else Decision.ALLOW
        rulings.append(Ruling(jurisdiction=region, decision=decision, stream_decision=on_stream))
    reasons = (ReviewReason(code=failure or ReviewCode.UNSURE, detail="unsure"),) if failure or worst is Decision.REVIEW else ()
    return Verdict(
        verdict_id="v",
        stream_id=segment.stream_id,
        segment_id=segment.segment_id,
        decided_at=NOW,
        decision=worst,
        stream_decision=max((ruling.stream_decision for ruling in rulings), key=lambda decision: decision.rank),
        findings=tuple(findings),
        rulings=tuple(rulings),
        scores={Category(name): value for name, value in (scores or {}).items()},
        review_reasons=reasons,
        provenance=Provenance(judge="embedded-heads", model=model, tokens=tokens or TokenCounts()),
    )


def record(
    entry: Entry,
    decided: str | Mapping[str, str] = ALLOW,
    *,
    step: int = 0,
    trial: int = 0,
    findings: Sequence[Finding] | None = None,
    scores: Mapping[str, float] | None = None,
    retrieved: Mapping[str, Sequence[str]] | None = None,
    perceived: Sequence[TextItem] = (),
    probes: Sequence[Probe] = (),
    failure: ReviewCode | None = None,
    tokens: TokenCounts | None = None,
    model: str = "",
    **claim: Any,
) -> Record:
    """What the agent made of one segment.

    Args:
        entry: The case or stream.
        decided: By region, or one decision for all of them.
        findings: Those given, or else one for the regions that are not allowed, made by :func:`finding` with ``claim``.
    """
    segment = entry.steps[step].segment
    decisions = dict.fromkeys(entry.regions, decided) if isinstance(decided, str) else dict(decided)
    if findings is None:
        against = {what: [region for region, one in decisions.items() if one == what] for what in (VIOLATION, REVIEW)}
        findings = [finding(segment, decision=what, regions=regions, **claim) for what, regions in against.items() if regions]
    found = verdict(segment, decisions, findings=findings, scores=scores, failure=failure, tokens=tokens, model=model)
    return Record(
        case_id=entry.case_id,
        split=entry.split,
        step=step,
        trial=trial,
        entry_digest=entry.digest,
        verdict=found,
        retrieved={region: tuple(rules) for region, rules in (retrieved or {}).items()},
        perceived=tuple(perceived),
        probes=tuple(probes),
    )


def judged(*pairs: tuple[Entry, Record]) -> list[Judgement]:
    """Rows of entries with their records."""
    entries = {entry.case_id: entry for entry, _ in pairs}
    return judgements(dataset(*entries.values()), [one for _, one in pairs])


def run_info(cases: Dataset, *, records: int, trials: int = 1, name: str = "run", finished: bool = True) -> RunInfo:
    return RunInfo(
        name=name,
        dataset=str(cases.root),
        dataset_digest=cases.digest,
        entries={entry.case_id: entry.digest for entry in cases.entries},
        trials=trials,
        fingerprint=Fingerprint(judge="embedded-heads", code=hashlib.sha256(name.encode()).hexdigest()),
        started_at=NOW,
        finished_at=NOW if finished else None,
        records=records,
    )


def timing(of: Record, wall_ms: float, *, from_cache: bool = False, **latency_ms: float) -> Timing:
    return Timing(case_id=of.case_id, step=of.step, trial=of.trial, wall_ms=wall_ms, latency_ms=latency_ms, from_cache=from_cache)


def read_from_picture(item_id: str, text: str) -> TextItem:
    """A text that perception read (``ocr-1``) or heard (``asr-1``)."""
    return TextItem(item_id=item_id, modality=_MODALITY[item_id.rstrip("-0123456789")], at_s=1, text=text)


_MODALITY = {"ocr": Modality.OVERLAY, "qr": Modality.OVERLAY, "asr": Modality.SPEECH}
_SUBJECTS = {
    "host": Subject(kind=SubjectKind.HOST, subject_id="host"),
    "guest": Subject(kind=SubjectKind.GUEST),
    "viewers": Subject(kind=SubjectKind.VIEWER, subject_id=VIEWER),
}
