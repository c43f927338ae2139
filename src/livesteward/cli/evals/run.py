"""``livesteward eval run``: judge a set of cases and say how well."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.evals.options import (
    ConcurrencyOption,
    FreshOption,
    GatesOption,
    JsonOption,
    ModelOption,
    PoliciesOption,
    PromptOption,
    RunsOption,
    SplitOption,
    TrialsOption,
)


def command(
    dataset: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CASES]", help="A folder or file of cases; the workspace's golden folder, or the set that ships, unless given."
        ),
    ] = None,
    *,
    split: SplitOption = None,
    case: Annotated[list[str] | None, typer.Option("--case", help="Only this case; repeat for several.")] = None,
    policies: PoliciesOption = None,
    prompt: PromptOption = None,
    model: ModelOption = None,
    trials: TrialsOption = 1,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also judge violations without their evidence, to see whether the verdict rests on it.")
    ] = False,
    concurrency: ConcurrencyOption = 4,
    name: Annotated[str | None, typer.Option("--name", help="Name of the run's folder; follows from what is run unless given.")] = None,
    runs: RunsOption = None,
    gates: GatesOption = None,
    no_gates: Annotated[bool, typer.Option("--no-gates", help="Only figures, no pass or fail.")] = False,
    prices: Annotated[Path | None, typer.Option("--prices", help="A TOML file with USD for a million tokens, by model.")] = None,
    fresh: FreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """Judge a set of cases and say how well: figures with intervals, what flipped since the baseline, and whether the gates hold.

    A run that is stopped goes on when the same command is given again. What nothing has changed for is taken from earlier results.
    Gates are asked where the whole golden split is run, or where --gates names some.

    Exits with 0 if the gates hold (or none are asked), 1 if something got worse, 2 if nothing can be said or the input is wrong.
    """
    from livesteward.cli.evals.running import Asked, changed_settings, run_now, settings_for
    from livesteward.cli.evals.showing import held_for, leave, show
    from livesteward.evals.assessing import assess
    from livesteward.evals.metrics.cost import load_prices
    from livesteward.retrieval.rulebook import load_library

    priced = load_prices(prices) if prices else None
    asked = Asked(
        dataset=dataset,
        splits=tuple(split or ()),
        cases=tuple(case or ()),
        changes=changed_settings(policies=policies, prompt=prompt, model=model),
        trials=trials,
        probed=probe,
        concurrency=concurrency,
        fresh=fresh,
        runs=runs,
        name=name,
    )
    chosen, folder = run_now(asked)
    held = None if no_gates else held_for(gates, folder.info(), chosen)
    library = load_library(settings_for(asked.changes).policies_dir)
    view = assess(folder, chosen, held=held, rules=library.rules_by_id, prices=priced)
    show(view, folder, as_json=as_json)
    leave(view)
