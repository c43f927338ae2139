"""Options that several commands of ``livesteward eval`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from livesteward.evals.cases import Split

SplitOption = Annotated[list[Split] | None, typer.Option("--split", "-s", help="Only cases of this split; repeat for several.")]
PoliciesOption = Annotated[Path | None, typer.Option("--policies", help="A folder of rule documents, in place of the workspace's.")]
PromptOption = Annotated[str | None, typer.Option("--prompt", help="The prompt that a model judges with, such as judge@v2.")]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="heads, engine, or the name of a model on the configured server. Default: the settings'.")
]
TrialsOption = Annotated[int, typer.Option("--trials", min=1, max=100, help="Judge each case so often, to see how much a model varies.")]
ConcurrencyOption = Annotated[int, typer.Option("--concurrency", min=1, max=256, help="Cases that are judged at the same time.")]
RunsOption = Annotated[Path | None, typer.Option("--runs", help="Where runs are kept. Default: .livesteward/runs")]
GatesOption = Annotated[
    Path | None, typer.Option("--gates", help="A file of gates. Default: gates.toml beside the cases' folder, where there is one.")
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Judge everything again, whatever is known.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
