"""``livesteward eval lint``: report everything that is wrong with a set of cases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli.evals.options import JsonOption, PoliciesOption

if TYPE_CHECKING:
    from livesteward.evals.dataset import Dataset
    from livesteward.evals.linting.consistency import CaseProblem
    from livesteward.settings import Settings


def command(
    cases: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CASES]", help="A folder or file of cases; the workspace's golden folder, or the set that ships, unless given."
        ),
    ] = None,
    *,
    policies: PoliciesOption = None,
    quotas: Annotated[
        Path | None, typer.Option("--quotas", help="What the set promises to hold. Default: quotas.toml in its folder, where there is one.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare letters only: paraphrases are not found, and no text is embedded.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Report everything that is wrong with a set of cases, each with file, line and what to do.

    Checked are quotes and rules, pairs, pictures and sound, near-duplicates of other cases and of training text, data that could be
    somebody's, and quotas. The first time every text is embedded, which takes minutes for thousands.

    Exits with 1 if there is anything to mend.
    """
    import asyncio

    from livesteward.cli.evals.running import Asked, cases_for, changed_settings, settings_for
    from livesteward.cli.output import EXIT_FOUND, console, print_json
    from livesteward.evals.linting.quotas import QUOTAS, counts

    settings = settings_for(changed_settings(policies=policies))
    dataset = cases_for(Asked(dataset=cases), settings)
    beside = dataset.root / QUOTAS
    whole = cases is None or cases.is_dir()
    found = asyncio.run(_lint(dataset, settings, quotas=quotas or (beside if whole and beside.is_file() else None), quick=quick))
    if as_json:
        problems = [{"file": one.file, "line": one.line, "case_id": one.case_id, "code": one.code, "message": one.message} for one in found]
        print_json({"problems": problems, "counts": counts(dataset).model_dump(mode="json")})
    else:
        for problem in found:
            console.print(_line(problem), soft_wrap=True)
        of = f"{len(dataset.cases)} cases and {len(dataset.streams)} streams"
        console.print(f"{len(found)} to mend in {of}" if found else f"[green]ok[/] {of}: nothing to mend", soft_wrap=True)
    if found:
        raise typer.Exit(EXIT_FOUND)


async def _lint(dataset: Dataset, settings: Settings, *, quotas: Path | None, quick: bool) -> list[CaseProblem]:
    from functools import cache

    from livesteward.cli.evals.embedding import embedding_bar
    from livesteward.evals.linting.decisive_texts import training_texts
    from livesteward.evals.linting.lint import lint
    from livesteward.models.embedders import embedder_from_settings
    from livesteward.retrieval.rulebook import load_library

    library = load_library(settings.policies_dir)
    rules = cache(lambda region, day: {rule.rule_id: rule for rule in library.rulebook(region, day).rules})
    training = training_texts(library, settings.policies_dir)
    embedder = None if quick else embedder_from_settings(settings)
    try:
        with embedding_bar() as told:
            return await lint(dataset, rules, training=training, embedder=embedder, quotas=quotas, told=told)
    finally:
        if embedder is not None:
            await embedder.aclose()


def _line(problem: CaseProblem) -> str:
    from rich.markup import escape

    from livesteward.cli.plain import plain

    where, said = (escape(plain(text)) for text in (f"{problem.file}:{problem.line}", problem.message))
    name = "" if problem.case_id == "-" else f"{escape(plain(problem.case_id))}: "
    return f"[bold red]error[/] {where}  {name}{said}  [dim]({escape(plain(problem.code))})[/]"
