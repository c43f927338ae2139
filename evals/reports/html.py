"""The report as one HTML file that asks for nothing from anywhere.

Its policy forbids every request and every script and style but its own, which it names by digest, so that what a stranger wrote could not
run even if it were not escaped. Figures are written out here; cases are data that a script shows as text, never as elements.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from livesteward.contracts import Decision
from livesteward.evals.metrics.catalogue import Unit
from livesteward.evals.metrics.categories import ANY
from livesteward.evals.reports import charts, words
from livesteward.evals.reports.browsing import browser_data
from livesteward.evals.reports.changes import differences, flipped_segments, moved_slices, overall_tests, tally
from livesteward.evals.reports.headline import GROUPS, HEADLINE, confusion_cells, extent, group, judge_words, picked, shortcomings
from livesteward.evals.reports.tables import heat_map, slice_tables
from livesteward.evals.reports.view import ReportView
from livesteward.evals.scorecard import Curve, Estimate, GateLine, Result, Scorecard

TEMPLATES: Final = Path(__file__).parent / "templates"
STYLES: Final = ("report.css", "cases.css")
SCRIPTS: Final = ("page.js", "case.js", "browser.js")

_MOVED: Final = 15
_MOVED_LESS: Final = 100
_IN_WORDS: Final = 12
_ORDER: Final = (Result.REGRESSION, Result.INCONCLUSIVE, Result.PASS)
_SCRIPT_SAFE: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def html(view: ReportView) -> str:
    """Return the report as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(line=words.one_line, slice=words.slice_name)
    environment.globals.update(words=words, Decision=Decision, Result=Result, known=words.known, whisker=charts.whisker, Unit=Unit)
    style, script = _joined(STYLES), f'"use strict";\n{_joined(SCRIPTS)}'
    return environment.get_template("report.html.j2").render(
        style=style,
        script=script,
        policy=_policy(style, script),
        data=_json(browser_data(view)),
        **_figures(view),
    )


def _figures(view: ReportView) -> dict[str, Any]:
    card, comparison = view.scorecard, view.comparison
    flips = flipped_segments(comparison.flips) if comparison else []
    moved = moved_slices(comparison) if comparison else []
    return {
        "run": card.run,
        "view": view,
        "extent": extent(view),
        "judge": judge_words(view),
        "shortcomings": shortcomings(view),
        "tiles": picked(view, HEADLINE),
        "gates": _gates(view),
        "flips": flips,
        "tally": tally(flips),
        "differences": differences(comparison) if comparison else "",
        "in_words": [flip for flip in flips if flip.better is False][:_IN_WORDS],
        "tests": overall_tests(comparison) if comparison else [],
        "moved": moved[:_MOVED],
        "moved_less": moved[_MOVED:_MOVED_LESS],
        "moved_left": max(0, len(moved) - _MOVED_LESS),
        "heat": heat_map(view.rows),
        "slice_tables": slice_tables(card),
        "confusion": confusion_cells(card),
        "dots": charts.reliability(card.reliability),
        "curves": _curves(card),
        "square": charts.RELIABILITY,
        "small_square": charts.RANKING,
        "ticks": charts.TICKS,
        "groups": [(title, list(group(card, name).items())) for name, title in GROUPS.items() if group(card, name)],
        "made_at": card.run.finished_at or card.run.started_at,
    }


def _gates(view: ReportView) -> list[GateLine]:
    gates = view.outcome.gates if view.outcome else ()
    return sorted(gates, key=lambda line: _ORDER.index(line.result))


def _curves(card: Scorecard) -> list[tuple[str, str, Curve, dict[str, Estimate]]]:
    """Name, path, points and figures of each precision-recall curve; that of any category first."""
    found = []
    for name in sorted(card.curves, key=lambda name: (name != ANY, name)):
        figures = card.overall if name == ANY else card.slices.get("category", {}).get(name, {})
        title = "any category" if name == ANY else words.slice_name(name)
        found.append((title, charts.steps(card.curves[name]), card.curves[name], dict(figures)))
    return found


def _joined(names: tuple[str, ...]) -> str:
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in names)


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _json(data: dict[str, Any]) -> str:
    """Return JSON that cannot end the script element that it stands in, nor begin a comment there."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_SCRIPT_SAFE)
