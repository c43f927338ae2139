"""``livesteward eval``: judge the judge."""

from __future__ import annotations

import typer

from livesteward.cli.evals import badcases, bless, compare, import_, lint, report, run, stage

app = typer.Typer(help="Run the golden set, compare rules, prompts and models on it, and hold changes against gates.", no_args_is_help=True)
app.command("run", epilog="Example: livesteward eval run --split golden")(run.command)
app.command("compare")(compare.command)
app.command("bless", epilog='Example: livesteward eval bless .livesteward/runs/golden-3f2a9c1b --note "GOODS-2.2 reworded"')(bless.command)
app.command("report", epilog="Example: livesteward eval report .livesteward/runs/golden-3f2a9c1b")(report.command)
app.command("import")(import_.command)
app.command("lint", epilog="Example: livesteward eval lint evals/golden")(lint.command)
app.command("stage", epilog="Example: livesteward eval stage my-rules/golden")(stage.command)
app.command("badcases", epilog="Example: livesteward eval badcases .livesteward/runs/golden-3f2a9c1b --out drafts")(badcases.command)
