"""A load report as one SVG picture that asks for nothing from anywhere: goodput and latency over the rate, arm by arm."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from livesteward.evals.load.figures import Point
from livesteward.evals.load.running import LoadReport

_TEMPLATES: Final = Path(__file__).parent / "templates"
_WIDTH: Final = 980
_PANEL_TOP: Final = 168
_PANEL_HEIGHT: Final = 250
_PANELS: Final = ((70, 470), (560, 956))
_COLOURS: Final = ("#1c4fb8", "#b3541e")
_DASHES: Final = ("", "7 4")
_MARKS: Final = ("M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z", "M-4.5 -4.5h9v9h-9Z")
"""A dot and a square: who does not see the colours sees these."""

_STEPS: Final = (1, 2, 5)


@dataclass(frozen=True)
class _Tick:
    at: float
    label: str


@dataclass(frozen=True)
class _Dot:
    x: float
    y: float
    says: str


@dataclass
class _Series:
    colour: str
    dash: str
    mark: str
    dots: list[_Dot] = field(default_factory=list)
    whiskers: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return "".join(f"{'L' if number else 'M'}{dot.x} {dot.y}" for number, dot in enumerate(self.dots))


def chart(report: LoadReport) -> str:
    """Return the report as SVG."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    bottom = _PANEL_TOP + _PANEL_HEIGHT
    notes = _notes(report)
    title = f"Segments judged within {report.objective_s:g} s"
    return environment.get_template("chart.svg.j2").render(
        width=_WIDTH,
        height=bottom + 76 + 18 * len(notes),
        title=title,
        description="; ".join(_said(one) for one in report.points),
        subtitle=_subtitle(report),
        legend=[
            {"name": arm.name, "colour": _COLOURS[number], "dash": _DASHES[number], "mark": _MARKS[number], "x": 24 + 300 * number}
            for number, arm in enumerate(report.arms)
        ],
        legend_y=118,
        panels=[_goodput_panel(report, bottom), _latency_panel(report, bottom)],
        notes=notes,
        notes_y=bottom + 70,
    )


def _subtitle(report: LoadReport) -> list[str]:
    lines = [
        f"{report.model} · {report.prompt} · {report.rulebooks} rulebook{'s' * (report.rulebooks > 1)} of {report.rules_tokens:,} tokens · "
        f"at most {report.concurrency} requests at once"
    ]
    last = report.ratios[-1] if report.ratios else None
    if last is not None and last.goodput.value is not None:
        where = "at the best rate of each" if last.rate is None else f"at {last.rate:g} segments/s"
        interval = f" (95 % {last.goodput.low:.2f} to {last.goodput.high:.2f})" if last.goodput.low and last.goodput.high else ""
        lines.append(f"{report.arms[0].name}: {last.goodput.value:.2f} times the goodput of {report.arms[1].name} {where}{interval}")
    elif last is not None:
        lines.append(f"{report.arms[1].name}: no valid answer in time, and so no ratio")
    return lines


def _notes(report: LoadReport) -> list[str]:
    lines = [
        f"{report.rounds} rounds of {report.seconds:g} s at each rate, after {report.warm_up_s:g} s that do not count; Poisson arrivals; "
        "latency from the planned moment, of valid answers."
    ]
    if len(report.arms) > 1:
        lines.append("Both sides in turn, with the same segments at the same moments. Whiskers: 95 %, from resampled rounds.")
    for arm in report.arms:
        points = report.of(arm.name)
        shares = [one.cached_share for one in points if one.cached_share is not None]
        said = [f"{100 * sum(shares) / len(shares):.0f} % of prompt tokens from the server's prefix cache"] if shares else []
        if failed := sum(sum(one.failures.values()) for one in points):
            said.append(f"{failed} of {sum(one.offered for one in points)} without a valid answer")
        if said:
            lines.append(f"{arm.name}: {'; '.join(said)}.")
    return lines


def _said(one: Point) -> str:
    p95 = one.latency_s.get("p95")
    latency = f", p95 {p95:.2f} s" if p95 is not None else ""
    return f"{one.arm} at {one.rate:g}/s: {one.goodput_per_s.value or 0:.2f}/s in time{latency}"


def _goodput_panel(report: LoadReport, bottom: int) -> dict[str, Any]:
    left, right = _PANELS[0]
    most_x = 1.06 * max(one.rate for one in report.points)
    highest = [value for one in report.points for value in (one.rate, one.goodput_per_s.value, one.goodput_per_s.high) if value is not None]
    most_y = 1.06 * max(highest)

    def x(rate: float) -> float:
        return round(left + (right - left) * rate / most_x, 1)

    def y(goodput: float) -> float:
        return round(bottom - _PANEL_HEIGHT * goodput / most_y, 1)

    def place(one: Point) -> tuple[float | None, str]:
        estimate = one.goodput_per_s
        whisker = f"M{x(one.rate)} {y(estimate.low)}V{y(estimate.high)}" if estimate.low is not None and estimate.high is not None else ""
        return (y(estimate.value) if estimate.value is not None else None), whisker

    end = min(most_x, most_y)
    return {
        "title": "Goodput: valid and in time, per second",
        "left": left,
        "right": right,
        "top": _PANEL_TOP,
        "bottom": bottom,
        "x_ticks": [_Tick(x(value), f"{value:g}") for value in _round_values(most_x)],
        "y_ticks": [_Tick(y(value), f"{value:g}") for value in _round_values(most_y)],
        "guide": {
            "path": f"M{x(0)} {y(0)}L{x(end)} {y(end)}",
            "x": x(end) - 14,
            "y": y(end) + 4,
            "anchor": "end",
            "label": "all of them",
        },
        "series": _series(report, x, place),
    }


def _latency_panel(report: LoadReport, bottom: int) -> dict[str, Any]:
    left, right = _PANELS[1]
    most_x = 1.06 * max(one.rate for one in report.points)
    values = [one.latency_s["p95"] for one in report.points if one.latency_s] + [report.objective_s]
    low, high = math.log10(min(values) / 1.6), math.log10(max(values) * 1.6)

    def x(rate: float) -> float:
        return round(left + (right - left) * rate / most_x, 1)

    def y(seconds: float) -> float:
        return round(bottom - _PANEL_HEIGHT * (math.log10(seconds) - low) / (high - low), 1)

    def place(one: Point) -> tuple[float | None, str]:
        return (y(one.latency_s["p95"]) if one.latency_s else None), ""

    ticks = [step * 10.0**power for power in range(-3, 4) for step in _STEPS]
    return {
        "title": "Latency: 95th percentile, seconds (log scale)",
        "left": left,
        "right": right,
        "top": _PANEL_TOP,
        "bottom": bottom,
        "x_ticks": [_Tick(x(value), f"{value:g}") for value in _round_values(most_x)],
        "y_ticks": [_Tick(y(value), f"{value:g}") for value in ticks if low <= math.log10(value) <= high],
        "guide": {
            "path": f"M{left} {y(report.objective_s)}H{right}",
            "x": left + 4,
            "y": y(report.objective_s) - 6,
            "anchor": "start",
            "label": f"objective {report.objective_s:g} s",
        },
        "series": _series(report, x, place),
    }


def _series(report: LoadReport, x: Callable[[float], float], place: Callable[[Point], tuple[float | None, str]]) -> list[_Series]:
    found = []
    for number, arm in enumerate(report.arms):
        series = _Series(colour=_COLOURS[number], dash=_DASHES[number], mark=_MARKS[number])
        for one in report.of(arm.name):
            y, whisker = place(one)
            if y is not None:
                series.dots.append(_Dot(x=x(one.rate), y=y, says=_said(one)))
            if whisker:
                series.whiskers.append(whisker)
        found.append(series)
    return found


def _round_values(most: float) -> Sequence[float]:
    """Return round values from 0 to ``most``, five or so."""
    rough = most / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= rough * 0.8)
    return [round(step * number, 6) for number in range(int(most / step) + 1)]
