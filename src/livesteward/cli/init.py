"""``livesteward init``: start a workspace of one's own rules, prompts and thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.output import console, errors, print_json


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make; it must be new or empty.")],
    *,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", "-r", help="Copy only the global rules and those that hold here, such as SG; repeat for several."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also in a folder with files: add what is missing; files that differ are kept and listed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Start a workspace: your own rules, prompts, thresholds, settings and golden cases.

    Every command that is typed in the folder, or below it, uses what is in it.

    Example: livesteward init our-rules --region SG --region MY
    """
    from livesteward.workspace import lay_out

    done = lay_out(folder, regions=region or [], force=force)
    if as_json:
        print_json(
            {
                "workspace": str(done.workspace.resolve()),
                "jurisdictions": list(done.jurisdictions),
                "written": list(done.written),
                "unchanged": list(done.unchanged),
                "kept": list(done.kept),
            }
        )
        return
    for name in done.kept:
        errors.print(f"kept as it is, though it differs from what ships: {name}", markup=False, soft_wrap=True)
    console.print(
        f"{folder}: {len(done.written)} files written, {len(done.unchanged)} were there already, {len(done.kept)} kept; "
        f"rules of {', '.join(done.jurisdictions)}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"next: cd {folder} and read README.md; `livesteward doctor` says whether everything works", markup=False, soft_wrap=True)
