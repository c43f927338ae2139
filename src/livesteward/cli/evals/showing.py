"""What the commands of ``livesteward eval`` show at their end, and how they leave."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from livesteward.evals.assessing import Held
    from livesteward.evals.dataset import Dataset
    from livesteward.evals.outcomes import RunInfo
    from livesteward.evals.reports.view import ReportView
    from livesteward.evals.runs.folder import RunFolder


def held_for(gates: Path | None, info: RunInfo, dataset: Dataset) -> Held | None:
    """Return the gates that a run is held against: those named, or for a whole golden split those beside the set.

    Raises:
        ConfigurationError: If they cannot be read.
    """
    from livesteward.evals.assessing import is_gated

    return read_gates(gates or (gates_beside(dataset) if is_gated(info) else None))


def gates_beside(dataset: Dataset) -> Path | None:
    """Return the file of gates that belongs to a set: ``gates.toml`` next to its folder."""
    beside = dataset.root.parent / "gates.toml"
    return beside if beside.is_file() else None


def read_gates(path: Path | None) -> Held | None:
    """Read a file of gates, if there is one.

    Raises:
        ConfigurationError: If it cannot be read.
    """
    from livesteward.evals.assessing import Held
    from livesteward.evals.gates import load_gates

    return Held(gates=load_gates(path), folder=path.parent) if path is not None else None


def show(view: ReportView, folder: RunFolder, *, as_json: bool) -> None:
    """Write every report into the run's folder and print the short one; on GitHub, also the annotations and the summary."""
    from livesteward.cli.output import console, print_json
    from livesteward.evals.reports.annotations import annotations
    from livesteward.evals.reports.terminal import summary
    from livesteward.evals.reports.write import write_reports

    files = write_reports(view, folder.path)
    if as_json:
        print_json(
            {
                "run": str(folder.path),
                "scorecard": view.scorecard.model_dump(mode="json"),
                "comparison": view.comparison.model_dump(mode="json") if view.comparison else None,
                "outcome": view.outcome.model_dump(mode="json") if view.outcome else None,
                "reports": {name: str(path) for name, path in files.items()},
            }
        )
        return
    console.print(summary(view))
    for name, path in files.items():
        console.print(f"[dim]{name:<9}[/] {path}", soft_wrap=True)
    if os.environ.get("GITHUB_ACTIONS") == "true":
        # Read by the runner line by line: no markup, no wrapping.
        print(annotations(view), end="")
    if view.outcome is not None:
        style = {0: "bold green", 1: "bold red", 2: "bold yellow"}[view.outcome.exit_code]
        console.print(f"[{style}]{_escaped(view.outcome.line)}[/]", soft_wrap=True)


def leave(view: ReportView) -> None:
    """Exit with what the gates said; 2 for a run that is not complete, gates or none.

    Raises:
        typer.Exit: If the code is not 0.
    """
    code = view.outcome.exit_code if view.outcome else 0 if view.scorecard.complete else 2
    if code:
        raise typer.Exit(code)


def _escaped(text: str) -> str:
    from rich.markup import escape

    from livesteward.cli.plain import plain

    return escape(plain(text))
