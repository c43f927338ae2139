"""``livesteward eval bless``: make a run the baseline that later ones are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.evals.options import GatesOption, JsonOption


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a complete run of the golden split.")],
    *,
    note: Annotated[str, typer.Option("--note", help="Why: it stands in the baseline, and the next person reads it.")],
    gates: GatesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a run the baseline that later ones are held against.

    The run must be complete, nothing in it may have failed, and its floors must hold. What flips against the old baseline is shown, so that
    it is seen before it is committed.
    """
    from livesteward.cli.evals.showing import held_for
    from livesteward.cli.output import console, print_json
    from livesteward.errors import InputError
    from livesteward.evals.assessing import Held, against_baseline, assess, cases_of
    from livesteward.evals.baseline import bless
    from livesteward.evals.runs.folder import RunFolder
    from livesteward.evals.stats.extra import require_statistics

    require_statistics()
    folder = RunFolder(run)
    dataset = cases_of(folder)
    held = held_for(gates, folder.info(), dataset)
    if held is None:
        raise InputError(
            "a baseline is a run of the whole golden split: `livesteward eval run --split golden`; or name --gates", field=str(run)
        )
    floors = Held(gates=held.gates.model_copy(update={"non_inferior": (), "no_worse": ()}), folder=held.folder)
    before = against_baseline(held, folder.info())
    view = assess(folder, dataset, held=floors, against=None if isinstance(before, str) else before)
    if view.outcome is not None and view.outcome.exit_code and held.gates.floor:
        raise InputError(f"it is not blessed: {view.outcome.line}", field=str(run))
    blessed = bless(held.baseline, folder.info(), view.rows, note=note)
    flips = view.comparison.flips if view.comparison else ()
    if as_json:
        print_json(
            {"baseline": str(held.baseline), "rows": len(blessed.decided), "flips": [flip.model_dump(mode="json") for flip in flips]}
        )
        return
    if isinstance(before, str):
        console.print(f"not compared with the old one: {before}", style="dim", soft_wrap=True, markup=False)
    for flip in flips:
        mark = {True: "better", False: "worse", None: "other"}[flip.better]
        console.print(
            f"{mark:<7} {flip.unit}: {flip.before.value} -> {flip.after.value} (label: {flip.gold.value})", markup=False, soft_wrap=True
        )
    console.print(
        f"{held.baseline}: {len(blessed.decided)} rows blessed, {len(flips)} differ from before. Commit the file.", soft_wrap=True
    )
