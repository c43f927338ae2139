"""Asking for a verdict again with something taken away: does it depend on the evidence that it cites, and only on that?

After comprehensiveness and sufficiency of DeYoung et al. 2020, "ERASER: A Benchmark to Evaluate Rationalized NLP Models", on whole items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from livesteward.contracts import Category, Decision, Finding, Segment, Verdict
from livesteward.evals.cases import Case
from livesteward.evals.outcomes import Probe, ProbeKind

if TYPE_CHECKING:
    from livesteward.evals.runs.runner import Examiner


async def probe(case: Case, verdict: Verdict, examiner: Examiner, media_root: Path) -> tuple[Probe, ...]:
    """Judge a case again without the evidence of its gravest violation, and again without other items.

    A case on which nothing is acted has no probes; neither has one whose evidence was perceived from media, which cannot be taken away
    item by item.
    """
    finding = _gravest(verdict)
    if finding is None:
        return ()
    removable = _ids(case.segment)
    cited = sorted({evidence.item_id for evidence in finding.evidence})
    if not set(cited) <= set(removable):
        return ()
    others = _some_of([item for item in removable if item not in cited], len(cited), seed=case.case_id)
    found = []
    for kind, removed in ((ProbeKind.WITHOUT_EVIDENCE, cited), (ProbeKind.WITHOUT_OTHER, others)):
        if removed:
            examined = await examiner.examine(without(case.segment, removed), regions=case.regions, media_root=media_root)
            found.append(Probe(kind=kind, removed=tuple(removed), still=_acts_on(examined.verdict, finding.category)))
    return tuple(found)


def without(segment: Segment, removed: Iterable[str]) -> Segment:
    """Return the segment without some of its items (``title`` is one)."""
    gone = set(removed)
    return segment.model_copy(
        update={
            "title": "" if "title" in gone else segment.title,
            "utterances": tuple(item for item in segment.utterances if item.utterance_id not in gone),
            "chat": tuple(item for item in segment.chat if item.message_id not in gone),
            "overlays": tuple(item for item in segment.overlays if item.overlay_id not in gone),
            "gifts": tuple(item for item in segment.gifts if item.gift_id not in gone),
            "frames": tuple(item for item in segment.frames if item.frame_id not in gone),
        }
    )


def _gravest(verdict: Verdict) -> Finding | None:
    acted = [finding for finding in verdict.findings if finding.decision is Decision.VIOLATION]
    return max(acted, key=lambda finding: (finding.severity.rank, finding.confidence), default=None)


def _ids(segment: Segment) -> list[str]:
    return [item.item_id for item in segment.items()] + [frame.frame_id for frame in segment.frames]


def _some_of(items: list[str], count: int, *, seed: str) -> list[str]:
    """Choose by digest: without order, and the same in every run."""
    ranked = sorted(items, key=lambda item: hashlib.sha256(f"{seed}\0{item}".encode()).digest())
    return sorted(ranked[:count])


def _acts_on(verdict: Verdict, category: Category) -> bool:
    return any(finding.category is category and finding.decision is Decision.VIOLATION for finding in verdict.findings)
