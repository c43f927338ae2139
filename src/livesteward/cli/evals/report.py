"""``livesteward eval report``: write a run's reports again, without judging anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.evals.options import GatesOption, JsonOption


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    *,
    against: Annotated[
        Path | None, typer.Option("--against", help="Another run's folder to compare with, in place of the baseline.")
    ] = None,
    gates: GatesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a run's reports again, without judging anything: for another baseline, or after gates were changed.

    Exits like `livesteward eval run`.
    """
    from livesteward.cli.evals.showing import held_for, leave, show
    from livesteward.evals.assessing import against_run, assess, cases_of
    from livesteward.evals.runs.folder import RunFolder
    from livesteward.evals.stats.extra import require_statistics

    require_statistics()
    folder = RunFolder(run)
    dataset = cases_of(folder)
    held = held_for(gates, folder.info(), dataset)
    view = assess(folder, dataset, held=held, against=against_run(RunFolder(against), dataset) if against else None)
    show(view, folder, as_json=as_json)
    leave(view)
