"""Pictures that a judge cannot answer for, since it did not look at them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from livesteward.agents.judges.case import Case
from livesteward.agents.perception.perceived import FrameRef
from livesteward.contracts import ReviewCode, ReviewReason, Signal, SignalKind

NEAR_S: Final = 1.5
"""What was measured or shown at a moment is of the pictures within so many seconds, where it names none."""


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
    known = {frame.frame_id for frame in case.segment.frames}
    refs = [ref for ref in case.frames if ref.frame_id in known]
    pictures = {ref.frame_id for ref in refs}
    if pictures and not shown:
        return [ReviewReason(code=ReviewCode.UNSURE, detail="None of the pictures could be shown to the judge.")]
    reasons = []
    if lost:
        detail = f"{len(lost)} of {len(pictures)} pictures could not be shown to the judge."
        reasons.append(ReviewReason(code=ReviewCode.UNSURE, detail=detail))
    flagged = [(signal, {ref.frame_id for ref in refs if is_of(signal, ref)}) for signal in _flagged(case)]
    most = max((signal.value for signal, on in flagged if not on.isdisjoint(shown)), default=0.0)
    unseen = [signal for signal, on in flagged if on.isdisjoint(shown) and not (on and signal.value <= most)]
    return reasons + _worst(unseen, "the judge was not shown it")


def is_of(signal: Signal, ref: FrameRef) -> bool:
    """Whether a signal is about a picture: it names it, or names none and was measured near it."""
    return abs(signal.at_s - ref.at_s) <= NEAR_S if signal.ref is None else signal.ref == ref.frame_id


def _flagged(case: Case) -> list[Signal]:
    least = case.thresholds.screen.nudity
    return [signal for signal in case.segment.signals if signal.kind is SignalKind.NUDITY and signal.value >= least]


def _worst(flagged: Iterable[Signal], why: str) -> list[ReviewReason]:
    worst = max(flagged, key=lambda signal: signal.value, default=None)
    if worst is None:
        return []
    return [ReviewReason(code=ReviewCode.UNSURE, detail=f"The frame at {worst.at_s:.0f} s looks like nudity ({worst.value:.2f}); {why}.")]
