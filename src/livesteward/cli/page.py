"""The report page: one HTML file that shows every stream, its verdicts and what they rest on.

The page asks for nothing from anywhere. Its policy forbids every request and every script but its own, which it names by digest,
so that what a stranger wrote could not run even if it were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from livesteward.cli import words
from livesteward.cli.page_parts import StreamParts, stream_parts
from livesteward.cli.plain import plain
from livesteward.cli.watched import WatchedStream
from livesteward.contracts import Decision, Modality, PerceptionReport, PerceptionState, RulebookRef

TEMPLATES: Final = Path(__file__).parent / "templates"
STEPS: Final = 400
"""Places on the timeline. The policy forbids style attributes, so that places are classes of the style sheet."""
TICKS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200)


@dataclass(frozen=True)
class Timeline:
    """Turns times into places.

    Attributes:
        duration_s: Length of the stream.
    """

    duration_s: float

    def at(self, seconds: float) -> str:
        """Return the class of a place."""
        return f"l{min(STEPS, round(max(0.0, seconds) / self.duration_s * STEPS))}"

    def long(self, seconds: float) -> str:
        """Return the class of a length, which is never nothing."""
        return f"w{min(STEPS, max(1, round(seconds / self.duration_s * STEPS)))}"

    @property
    def ticks(self) -> list[float]:
        """Return times for the axis: ten at most."""
        step = next((step for step in TICKS if self.duration_s / step <= 10), TICKS[-1])
        return [float(tick) for tick in range(0, int(self.duration_s) + 1, step)]


def render_page(streams: Sequence[WatchedStream], *, made_at: datetime | None = None) -> str:
    """Return the page as HTML.

    Args:
        streams: What was watched.
        made_at: When, UTC; now unless given.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(plain=plain, clock=words.clock, span=words.span, percent=_percent)
    style = (TEMPLATES / "page.css").read_text(encoding="utf-8") + _places()
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return environment.get_template("page.html.j2").render(
        streams=[_shown(stream_parts(stream, f"stream-{number}")) for number, stream in enumerate(streams, start=1)],
        made_at=(made_at or datetime.now(UTC)).astimezone(UTC),
        style=style,
        script=script,
        policy=policy,
        words=words,
        Decision=Decision,
        Modality=Modality,
    )


def _shown(parts: StreamParts) -> dict[str, Any]:
    stream = parts.stream
    verdicts = [examined.verdict for examined in stream.examined]
    total = sum(stream.latency_ms.values())
    return {
        "parts": parts,
        "stream": stream,
        "about": stream.segments[0],
        "timeline": Timeline(stream.duration_s),
        "verdicts": verdicts,
        "judges": sorted({words.judge_words(verdict.provenance) for verdict in verdicts}),
        "rulebooks": _rulebooks(book for verdict in verdicts for book in verdict.provenance.rulebooks),
        "perception": _perception([report for verdict in verdicts for report in verdict.provenance.perception]),
        "steps": [
            (name, value, round(value / total * STEPS) if total else 0)
            for name, value in sorted(stream.latency_ms.items(), key=lambda step: -step[1])
        ],
        "reasons": [(examined.segment, reason) for examined in stream.examined for reason in examined.verdict.review_reasons],
        "asked": [(examined.segment, call) for examined in stream.examined for call in examined.verdict.provenance.inquiry],
        "actions": [
            (examined.segment, ruling, action)
            for examined in stream.examined
            for ruling in examined.verdict.rulings
            for action in (ruling.actions or (None,))
            if ruling.actions or ruling.decision is not Decision.ALLOW
        ],
    }


def _rulebooks(books: Any) -> list[RulebookRef]:
    return sorted({(book.jurisdiction, book.digest): book for book in books}.values(), key=lambda book: book.jurisdiction)


def _perception(reports: list[PerceptionReport]) -> list[PerceptionReport]:
    """Keep the most telling report of each model: it failed, it is absent, it was used."""
    order = [PerceptionState.FAILED, PerceptionState.ABSENT, PerceptionState.USED, PerceptionState.NOT_NEEDED]
    best: dict[str, PerceptionReport] = {}
    for report in reports:
        if report.name not in best or order.index(report.state) < order.index(best[report.name].state):
            best[report.name] = report
    return list(best.values())


def _percent(value: float) -> str:
    return f"{value:.0%}"


def _places() -> str:
    rules = [f".l{step}{{left:{step / STEPS:.2%}}}.w{step}{{width:{step / STEPS:.2%}}}" for step in range(STEPS + 1)]
    return "\n" + "".join(rules) + "\n"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
