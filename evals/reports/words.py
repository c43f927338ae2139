"""How reports write figures, decisions and what strangers wrote: the same words and numbers in every one of them."""

from __future__ import annotations

from typing import Final

from livesteward.contracts import Decision
from livesteward.evals.judgements import NO_CATEGORY
from livesteward.evals.metrics.catalogue import Metric, Unit, metric
from livesteward.evals.scorecard import Estimate, PairedTest, Result
from livesteward.prompts.fence import visible

SYMBOLS: Final[dict[Decision, str]] = {Decision.ALLOW: "✔", Decision.REVIEW: "?", Decision.VIOLATION: "✖"}
"""Beside every colour, so that nothing is said by colour alone."""

RESULTS: Final[dict[Result, str]] = {Result.PASS: "✔", Result.REGRESSION: "✖", Result.INCONCLUSIVE: "?"}

FLIPS: Final[dict[bool | None, str]] = {False: "worse", None: "other", True: "better"}
"""What a flip is, by :attr:`livesteward.evals.scorecard.Flip.better`."""

DASH: Final = "–"
BEYOND_CHANCE: Final = 0.05

_SHORT_UNITS: Final = {Unit.SHARE: "%", Unit.SECONDS: " s", Unit.MILLISECONDS: " ms", Unit.USD: " USD", Unit.PER_1000_HOURS: " / 1,000 h"}


def one_line(text: str, limit: int | None = None) -> str:
    """Return a stranger's text on one line, without characters that hide, reorder or steer.

    Args:
        text: Any text.
        limit: The most characters; what is cut off is marked by an ellipsis.
    """
    line = " ".join(visible(text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def slice_name(name: str) -> str:
    """Return the name of a slice as people write it."""
    return "no category" if name == NO_CATEGORY else name.replace("_", " ")


def count(number: float, noun: str) -> str:
    """Return ``1 case`` or ``1,200 cases``."""
    return f"{number:,.0f} {noun}" + ("" if number == 1 else "s")


def known(name: str) -> Metric:
    """Return what is known of a figure; one that is in no catalogue is shown under its own name."""
    try:
        return metric(name)
    except KeyError:
        return Metric(slice_name(name), Unit.SCORE, None, "")


def amount(value: float | None, unit: Unit) -> str:
    """Return a figure with its unit: ``71.2%``, ``0.085``, ``34 s``."""
    return DASH if value is None else _number(value, unit) + _SHORT_UNITS.get(unit, "")


def interval(estimate: Estimate, unit: Unit) -> str:
    """Return the 95 % interval, without the unit: ``63.0–78.1``; nothing where there is none."""
    if estimate.value is None or (estimate.low is None and estimate.high is None):
        return ""
    if estimate.high is None or estimate.low is None:
        return f"≥ {_number(estimate.low, unit)}" if estimate.low is not None else f"≤ {_number(estimate.high or 0.0, unit)}"
    low, high = _number(estimate.low, unit), _number(estimate.high, unit)
    return f"{low} to {high}" if low.startswith("-") else f"{low}–{high}"


def basis(estimate: Estimate, unit: Unit = Unit.SHARE) -> str:
    """Return what a figure rests on: ``9 of 240``, ``3 in 12.5 h``, or ``n 240`` where nothing is counted."""
    if unit is Unit.PER_1000_HOURS and estimate.hits is not None:
        hours = f"{estimate.n:,.1f}" if estimate.n >= 1 else f"{estimate.n:.2g}"
        return f"{estimate.hits:,.0f} in {hours} h"
    if estimate.hits is not None and estimate.n == int(estimate.n) and estimate.hits == int(estimate.hits) <= estimate.n:
        return f"{estimate.hits:,.0f} of {estimate.n:,.0f}"
    return f"n {estimate.n:,.0f}" if estimate.n == int(estimate.n) else f"n {estimate.n:,.1f}"


def points(difference: float | None, *, signed: bool = True) -> str:
    """Return a difference of two shares in percentage points: ``+1.2``."""
    if difference is None:
        return DASH
    text = f"{100 * difference:+.1f}" if signed else f"{100 * difference:.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def change(test: PairedTest) -> str:
    """Return the difference of a paired test with its interval: ``+1.2 (-0.4 to +2.8)``, in percentage points."""
    low, high = test.difference.low, test.difference.high
    span = f" ({points(low)} to {points(high)})" if low is not None and high is not None and low < high else ""
    return points(test.difference.value) + span


def probability(p: float | None) -> str:
    """Return a p-value: ``0.034``, ``< 0.001``."""
    if p is None:
        return DASH
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def direction(test: PairedTest) -> str:
    """Return ``better``, ``worse``, or ``higher`` and ``lower`` where a figure is neither; nothing where it did not move."""
    difference = test.difference.value
    if not difference:
        return ""
    wanted = known(test.metric).higher_is_better
    if wanted is None:
        return "higher" if difference > 0 else "lower"
    return "better" if (difference > 0) is wanted else "worse"


def corrected(test: PairedTest) -> float | None:
    """Return the probability to go by: Holm's where there are several slices."""
    return test.p if test.p_holm is None else test.p_holm


def beyond_chance(test: PairedTest) -> bool:
    """Whether a figure moved more than chance does, by the corrected probability."""
    p = corrected(test)
    return p is not None and p < BEYOND_CHANCE and bool(direction(test))


def reading(test: PairedTest) -> str:
    """Say what a paired test shows. A set too small to see a difference never says that there is none."""
    if beyond_chance(test):
        return f"{direction(test)} beyond chance"
    if test.detectable is None:
        return f"cannot be told: {count(test.n, 'segment')} would show no difference at all"
    seen = f"differences from {points(test.detectable, signed=False)} points would show"
    return f"nothing flipped; {seen}" if not test.better + test.worse else f"no difference is shown; {seen}"


def _number(value: float, unit: Unit) -> str:
    if unit is Unit.SHARE:
        return f"{100 * value:.1f}"
    if unit is Unit.SCORE:
        return f"{value:.3f}"
    if unit is Unit.USD:
        return f"{value:,.4f}" if abs(value) < 1 else f"{value:,.2f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}"
