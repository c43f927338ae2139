"""Marks on the lines of cases in a pull request, as workflow commands that GitHub's runner reads from the log.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions; a step shows ten errors and ten warnings and drops the rest.
"""

from typing import Final

from livesteward.evals.dataset import Located
from livesteward.evals.reports.changes import FlippedSegment, flipped_segments
from livesteward.evals.reports.places import relative
from livesteward.evals.reports.view import ReportView
from livesteward.evals.reports.words import one_line
from livesteward.evals.scorecard import Result

MOST: Final = 10
"""Of a kind that GitHub shows of one step."""

_GATES: Final = 5
"""Of the ten errors, how many may go to gates while there are flips to show."""


def annotations(view: ReportView) -> str:
    """Return one line for each failed gate and each case that got worse; nothing where nothing did."""
    gates = [line for line in view.outcome.gates if line.result is not Result.PASS] if view.outcome else []
    worse = [flip for flip in flipped_segments(view.comparison.flips) if flip.better is False] if view.comparison else []
    places = {one.entry.case_id: one for one in view.dataset.located}
    failed = [_command("error", "Gate failed", line.message) for line in gates if line.result is Result.REGRESSION]
    unsure = [_command("warning", "Gate cannot be told", line.message) for line in gates if line.result is Result.INCONCLUSIVE]
    severe = [_flip("error", flip, places.get(flip.case_id)) for flip in worse if flip.severe]
    milder = [_flip("warning", flip, places.get(flip.case_id)) for flip in worse if not flip.severe]
    lines = [*_shared(failed, severe), *_shared(unsure, milder)]
    left = len(failed) + len(severe) + len(unsure) + len(milder) - len(lines)
    if left:
        lines.append(_command("notice", "More in the report", f"{left} more failed or got worse"))
    return "".join(f"{line}\n" for line in lines)


def _shared(gates: list[str], flips: list[str]) -> list[str]:
    """Choose at most ten: some gates, then flips, then what is left of the gates."""
    first = gates[: max(_GATES, MOST - len(flips))][:MOST]
    return [*first, *flips[: MOST - len(first)]]


def _flip(level: str, flip: FlippedSegment, located: Located | None) -> str:
    where = f" segment {flip.step + 1}" if flip.step else ""
    decided = f"{flip.before} → {flip.after}, labelled {flip.gold}"
    message = f"{flip.case_id}{where} in {', '.join(flip.regions)}: {decided}. {one_line(flip.reason, 300)}"
    return _command(level, "Judged worse than before", message, located)


def _command(level: str, title: str, message: str, located: Located | None = None) -> str:
    place = {"file": relative(located.file), "line": str(located.line)} if located else {}
    properties = ",".join(f"{name}={_property(value)}" for name, value in {**place, "title": title}.items())
    return f"::{level} {properties}::{_data(one_line(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
