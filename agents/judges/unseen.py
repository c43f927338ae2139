"""Pictures that a judge of texts cannot answer for."""

from __future__ import annotations

from livesteward.agents.judges.case import Case
from livesteward.contracts import ReviewCode, ReviewReason, SignalKind


def unseen_nudity(case: Case, why: str) -> list[ReviewReason]:
    """Ask for a person where the nudity classifier flags a picture, since the judge does not look at it; ``why`` says so."""
    worst = max(
        (signal for signal in case.segment.signals if signal.kind is SignalKind.NUDITY), key=lambda signal: signal.value, default=None
    )
    if worst is None or worst.value < case.thresholds.screen.nudity:
        return []
    return [ReviewReason(code=ReviewCode.UNSURE, detail=f"The frame at {worst.at_s:.0f} s looks like nudity ({worst.value:.2f}); {why}.")]
