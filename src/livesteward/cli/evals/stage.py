"""``livesteward eval stage``: draw the pictures and speak the sentences that cases describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.evals.options import JsonOption


def command(
    cases: Annotated[
        Path | None,
        typer.Argument(metavar="[CASES]", help="A folder of cases; the workspace's golden folder, or the set that ships, unless given."),
    ] = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Make everything anew, not only what is missing or was described anew.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw the pictures and speak the sentences that cases describe with `draw` and `sound`, into the folder's `media`.

    Speech needs the program espeak-ng.
    """
    from livesteward.cli.evals.running import Asked, cases_for, settings_for
    from livesteward.cli.output import console, print_json
    from livesteward.evals.staging import stage

    staged = stage(cases_for(Asked(dataset=cases), settings_for({})), only_missing=not again)
    if as_json:
        print_json({"made": list(staged.made), "orphans": list(staged.orphans)})
        return
    console.print(f"{len(staged.made)} made, {len(staged.kept)} were there", markup=False)
    for name in staged.orphans:
        console.print(f"no case names {name}; delete it", markup=False)
