"""``livesteward eval import``: read a public set, or any labelled file, as cases."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.evals.options import JsonOption


class SpokenAs(StrEnum):
    """Where the text goes."""

    CHAT = "chat"
    SPEECH = "speech"


def command(
    kind: Annotated[str, typer.Argument(metavar="SET", help="A public set by name (see --list), or csv for any file with --map.")] = "",
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="The file, or the folder that holds the set's files.")] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The JSONL file of cases to write.")] = Path("imported.jsonl"),
    region: Annotated[str, typer.Option("--region", "-r", help="Whose rules are asked.")] = "US",
    spoken_as: Annotated[SpokenAs, typer.Option("--as", help="Whether a viewer writes the text or the host says it.")] = SpokenAs.CHAT,
    held_out: Annotated[
        bool, typer.Option("--held-out", help="Only the fifth of the set that the shipped screen and heads were not fitted on.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Only so many, spread evenly over the set.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", help="For csv: text=COLUMN, label=COLUMN, positive=1|yes, category=NAME or COLUMN, id=COLUMN, language=en."),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the public sets that can be read.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read a public set, or any labelled file, as cases that `livesteward eval run` takes. Nothing is downloaded.

    Example: livesteward eval import hatecheck ~/data/hatecheck --held-out --out hatecheck.jsonl
    """
    from livesteward.cli.output import console, print_json
    from livesteward.contracts import check_jurisdiction
    from livesteward.errors import InputError
    from livesteward.evals.importing.columns import ColumnMap, read_columns
    from livesteward.evals.importing.imported import cases_of
    from livesteward.evals.importing.sets import SETS, read_set

    if show_list:
        if as_json:
            print_json([{"name": one.name, "title": one.title, "licence": one.licence, "files": one.files} for one in SETS.values()])
        for one in SETS.values() if not as_json else ():
            console.print(f"{one.name:<23} {one.title}, {one.licence}: {one.files}", markup=False, soft_wrap=True)
        return
    if path is None or (kind != "csv" and kind not in SETS):
        raise InputError(f"name a set and where it is; there are: {', '.join(SETS)}, and csv with --map", field="SET")
    try:
        check_jurisdiction(region)
    except ValueError as error:
        raise InputError(str(error), field="--region") from error
    if kind == "csv":
        pairs = dict(part.partition("=")[::2] for part in columns or ())
        texts, source = read_columns(path, ColumnMap.parse(pairs)), path.name
    else:
        texts, source = read_set(SETS[kind], path, held_out=held_out), SETS[kind].source
    found = list(cases_of(texts, dataset=kind, source=source, region=region, spoken_as=spoken_as.value))
    if not found:
        raise InputError("no text was found", field=str(path))
    if limit is not None and limit < len(found):
        found = [found[index * len(found) // limit] for index in range(limit)]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(f"{case.model_dump_json(exclude_defaults=True)}\n" for case in found), encoding="utf-8")
    harmful = sum(case.expect[0].decision.value == "violation" for case in found)
    if as_json:
        print_json({"file": str(out), "cases": len(found), "harmful": harmful, "source": source})
    else:
        console.print(
            f"{out}: {len(found)} cases, {harmful} of them harmful. Try: livesteward eval run {out}", markup=False, soft_wrap=True
        )
