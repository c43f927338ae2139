"""Pictures that a judge cannot answer for, since it did not look at them."""

from __future__ import annotations

from collections.abc import Collection

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


def unshown_pictures(case: Case, shown: Collection[str]) -> list[ReviewReason]:
    """Ask for a person where a judge that takes pictures was shown none, or none of those that the nudity classifier flags.

    A picture may be kept no longer when it is asked for, or cannot be read.

    Args:
        case: What is judged.
        shown: Ids of the pictures that the judge was shown, or of which it was shown a part.
    """
    pictures = {ref.frame_id for ref in case.frames} & {frame.frame_id for frame in case.segment.frames}
    if pictures and not shown:
        return [ReviewReason(code=ReviewCode.UNSURE, detail="None of the pictures could be shown to the judge.")]
    flagged = {
        signal.ref
        for signal in case.segment.signals
        if signal.kind is SignalKind.NUDITY and signal.value >= case.thresholds.screen.nudity and signal.ref in pictures
    }
    return unseen_nudity(case, "the judge was not shown it") if flagged and flagged.isdisjoint(shown) else []
