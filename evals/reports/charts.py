"""Places of everything in the plots of the HTML report: numbers in, coordinates of SVG out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from livesteward.evals.outcomes import Bin
from livesteward.evals.scorecard import Curve, Estimate

TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Square:
    """A plot of two shares, from 0 to 1 on either axis, inside margins.

    Attributes:
        side: Of the plot itself, in units of the picture.
        left: Room for the names of the vertical axis.
        bottom: Room for those of the horizontal one.
    """

    side: float = 220
    left: float = 44
    bottom: float = 40
    top: float = 10
    right: float = 12

    @property
    def width(self) -> float:
        """Of the whole picture."""
        return self.left + self.side + self.right

    @property
    def height(self) -> float:
        """Of the whole picture."""
        return self.top + self.side + self.bottom

    def x(self, share: float) -> float:
        """Return the place of a share on the horizontal axis."""
        return round(self.left + share * self.side, 1)

    def y(self, share: float) -> float:
        """Return the place of a share on the vertical axis, which points up."""
        return round(self.top + (1 - share) * self.side, 1)


RELIABILITY: Final = Square()
RANKING: Final = Square(side=150, left=34, bottom=30)


@dataclass(frozen=True)
class Dot:
    """A bin of the reliability plot: place, size, the interval of what was observed, and the numbers for those who read."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    bin: Bin
    observed: Estimate


def reliability(bins: Sequence[Bin], plot: Square = RELIABILITY) -> list[Dot]:
    """Place bins; larger ones are drawn larger, and intervals are Wilson's."""
    from livesteward.evals.stats.intervals import wilson

    most = max((one.n for one in bins), default=1)
    dots = []
    for one in bins:
        observed = wilson(round(one.observed * one.n), one.n)
        dots.append(
            Dot(
                x=plot.x(one.confidence),
                y=plot.y(one.observed),
                low=plot.y(observed.low or 0.0),
                high=plot.y(1.0 if observed.high is None else observed.high),
                radius=round(3 + 4 * (one.n / most) ** 0.5, 1),
                bin=one,
                observed=observed,
            )
        )
    return dots


def steps(curve: Curve, plot: Square = RANKING) -> str:
    """Return the path of a precision-recall curve: a step for each threshold, as average precision adds them up."""
    parts: list[str] = []
    last = plot.x(0.0)
    for recall, precision in zip(curve.recall, curve.precision, strict=True):
        x, y = plot.x(recall), plot.y(precision)
        if x > last or not parts:
            parts.append(f"{'L' if parts else 'M'}{last:g} {y:g}H{x:g}")
            last = x
    return "".join(parts)


@dataclass(frozen=True)
class Whisker:
    """A share with its interval on a line from 0 to 100, and where it was before."""

    low: float
    value: float
    high: float
    before: float | None


def whisker(estimate: Estimate, before: float | None = None) -> Whisker | None:
    """Return the places of a share; None where there is no interval."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    low, value, high = (round(100 * min(1.0, max(0.0, one)), 2) for one in (estimate.low, estimate.value, estimate.high))
    return Whisker(low, value, high, None if before is None else round(100 * before, 2))
