"""Pictures that a judge cannot answer for, since it did not look at them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from livesteward.agents.judges.case import Case
from livesteward.contracts import ReviewCode, ReviewReason, Signal, SignalKind

NEAR_S: Final = 1.5
"""What was measured at a moment is of the pictures within so many seconds, where it names none."""


def unseen_nudity(case: Case, why: str) -> list[ReviewReason]:
    """Ask for a person where the nudity classifier flags a picture, since the judge does not look at it; ``why`` says so."""
    return _worst(_flagged(case), why)


def unshown_pictures(case: Case, shown: Collection[str], lost: Collection[str] = ()) -> list[ReviewReason]:
    """Ask for a person where a judge that takes pictures was not shown what there is to see.

    That is any picture that is kept no longer or cannot be read, and what the nudity classifier flags. A flagged picture that was left out
    beside one flagged as much counts as seen: it shows the same again, or there are more of them than a model can be shown.

    Args:
        case: What is judged.
        shown: Ids of the pictures that the judge was shown, or of which it was shown a part.
        lost: Ids of those that could not be shown.
    """
    pictures = {ref.frame_id for ref in case.frames} & {frame.frame_id for frame in case.segment.frames}
    if pictures and not shown:
        return [ReviewReason(code=ReviewCode.UNSURE, detail="None of the pictures could be shown to the judge.")]
    reasons = []
    if lost:
        detail = f"{len(lost)} of {len(pictures)} pictures could not be shown to the judge."
        reasons.append(ReviewReason(code=ReviewCode.UNSURE, detail=detail))
    flagged = _flagged(case)
    most = max((signal.value for signal in flagged if signal.ref in shown), default=0.0)
    moments = [frame.at_s for frame in case.segment.frames if frame.frame_id in shown]
    unseen = [
        signal
        for signal in flagged
        if signal.ref not in shown
        and not (signal.ref in pictures and signal.value <= most)
        and not (signal.ref is None and any(abs(signal.at_s - at_s) <= NEAR_S for at_s in moments))
    ]
    return reasons + _worst(unseen, "the judge was not shown it")


def _flagged(case: Case) -> list[Signal]:
    least = case.thresholds.screen.nudity
    return [signal for signal in case.segment.signals if signal.kind is SignalKind.NUDITY and signal.value >= least]


def _worst(flagged: Iterable[Signal], why: str) -> list[ReviewReason]:
    worst = max(flagged, key=lambda signal: signal.value, default=None)
    if worst is None:
        return []
    return [ReviewReason(code=ReviewCode.UNSURE, detail=f"The frame at {worst.at_s:.0f} s looks like nudity ({worst.value:.2f}); {why}.")]
