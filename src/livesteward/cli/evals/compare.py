"""``livesteward eval compare``: two runs, or two settings that are run now, on the same cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.cli.evals.options import (
    ConcurrencyOption,
    FreshOption,
    GatesOption,
    JsonOption,
    RunsOption,
    SplitOption,
    TrialsOption,
)


def command(
    before: Annotated[Path | None, typer.Argument(metavar="[BEFORE]", help="The folder of a run.")] = None,
    after: Annotated[Path | None, typer.Argument(metavar="[AFTER]", help="The folder of another run of the same cases.")] = None,
    *,
    prompt: Annotated[str | None, typer.Option("--prompt", help="Run now: the prompt before, such as judge@v1.")] = None,
    vs: Annotated[str | None, typer.Option("--vs", help="Run now: the prompt after, such as judge@v2.")] = None,
    policies: Annotated[Path | None, typer.Option("--policies", help="Run now: rules after, against those of the settings.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Run now: the model after, against that of the settings.")] = None,
    cases: Annotated[Path | None, typer.Option("--cases", help="Run now: which cases; as in `eval run`.")] = None,
    split: SplitOption = None,
    trials: TrialsOption = 1,
    concurrency: ConcurrencyOption = 4,
    runs: RunsOption = None,
    gates: GatesOption = None,
    fresh: FreshOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs, or two settings that are run now, on the same cases: paired tests, by slice, with every flip.

    The gates' margins are asked with BEFORE in place of the baseline. Exits with 0 if AFTER is no worse, 1 if it is, 2 if nothing can be
    said: a run is not complete, or the two are not of the same cases.

    Example: livesteward eval compare --policies my-rules/policies --split dev
    """
    from dataclasses import replace

    from livesteward.cli.evals.running import Asked, changed_settings, check_sides, run_now
    from livesteward.cli.evals.showing import gates_beside, leave, read_gates, show
    from livesteward.errors import InputError
    from livesteward.evals.assessing import SHIPPED_GATES, against_run, assess, cases_of
    from livesteward.evals.runs.folder import RunFolder

    if (prompt is None) != (vs is None):
        raise InputError("--prompt and --vs go together: the prompt before, and the one after", field="--vs")
    changed = changed_settings(policies=policies, prompt=vs, model=model)
    if before is not None and after is not None and not changed:
        first, second = RunFolder(before), RunFolder(after)
        dataset = cases_of(second)
    elif before is None and changed:
        asked = Asked(
            dataset=cases, splits=tuple(split or ()), trials=trials, concurrency=concurrency, fresh=fresh, runs=runs,
            changes=changed_settings(prompt=prompt),
        )  # fmt: skip
        after_it = asked.with_changes(changed)
        check_sides(asked, after_it)
        dataset, first = run_now(asked)
        dataset, second = run_now(after_it)
    else:
        raise InputError("name two runs, or say what changes: --prompt with --vs, --policies or --model", field="compare")
    held = read_gates(gates or gates_beside(dataset) or SHIPPED_GATES)
    margins = replace(held, gates=held.gates.model_copy(update={"floor": ()})) if held else None
    view = assess(second, dataset, held=margins, against=against_run(first))
    show(view, second, as_json=as_json)
    leave(view)
