"""`livesteward train`: fit what is trained."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livesteward.cli.output import console, errors, fail, print_json
from livesteward.settings import load_settings

if TYPE_CHECKING:
    from livesteward.agents.screen.training import Fitted

app = typer.Typer(no_args_is_help=True, help="Fit what is trained: the screen and the heads of the embedded judge.")


@app.callback()
def group() -> None:
    """Fit what is trained: the screen and the heads of the embedded judge."""


@app.command()
def screen(
    data: Annotated[Path, typer.Option(help="The folder of the third-party labelled sets.", show_default=False)] = Path("data"),
    out: Annotated[Path | None, typer.Option(help="Where to write weights and manifest; the package's own folder unless given.")] = None,
    report: Annotated[bool, typer.Option("--report", help="Fit and print how good it is, and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Fit the screen and the heads, and print how well they tell right from wrong on the held-out fifth.

    Needs the extra `train`. Embedding all texts takes some ten minutes the first time; vectors are cached.

    Example: livesteward train screen --data ~/moderation-data --report
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from livesteward.agents.screen.corpus import gather
    from livesteward.agents.screen.normalise import calm
    from livesteward.agents.screen.training import fit, store
    from livesteward.agents.screen.weights import FOLDER
    from livesteward.models.embedders import embedder_from_settings
    from livesteward.retrieval.rulebook import load_library

    settings = load_settings()
    if not data.is_dir():
        fail(f"{data} is no folder; name the folder of the labelled sets with --data")
    texts, digests = gather(data, load_library(settings.policies_dir))
    embedder = embedder_from_settings(settings)
    columns = (TextColumn("{task.description:9}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            tasks.setdefault(what, bar.add_task(what, total=total) if what not in tasks else None)
            bar.update(tasks[what], completed=done)

        async def embed() -> Any:
            import numpy as np

            parts = []
            for start in range(0, len(texts), 64):
                parts.append(await embedder.queries([calm(text.text) for text in texts[start : start + 64]]))
                progress("embedding", min(start + 64, len(texts)), len(texts))
            await embedder.aclose()
            return np.concatenate(parts)

        vectors = asyncio.run(embed())
        fitted = fit(texts, vectors, fingerprint=embedder.fingerprint, data_digests=digests, progress=progress)
    written = None if report else store(fitted, out or FOLDER)
    if as_json:
        print_json(_as_data(fitted))
        return
    _print(fitted)
    if written:
        console.print(f"Wrote {written} ({written.stat().st_size / 1e6:.1f} MB) and its manifest.", soft_wrap=True)


def _as_data(fitted: Fitted) -> dict[str, Any]:
    from dataclasses import asdict

    return {"auc": [asdict(row) for row in fitted.rows], "screen": [asdict(row) for row in fitted.screen_rows]}


def _print(fitted: Fitted) -> None:
    from rich.table import Table

    table = Table(title="ROC AUC on the held-out fifth", title_justify="left")
    for name, justify in (
        ("label", "left"),
        ("set", "left"),
        ("texts", "right"),
        ("harmful", "right"),
        ("screen", "right"),
        ("heads", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for row in fitted.rows:
        label = f"[bold]{row.label}[/]" if row.dataset == "all" else ""
        table.add_row(label, row.dataset, str(row.texts), str(row.harmful), f"{row.screen_auc:.3f}", f"{row.heads_auc:.3f}")
    console.print(table)
    floors = Table(title="What the screen lets go of the held-out fifth", title_justify="left")
    for name in ("label", "texts", "let go"):
        floors.add_column(name, justify="left" if name == "label" else "right")
    for line in fitted.screen_rows:
        floors.add_row(line.label, str(line.texts), f"{line.let_go:.1%}")
    console.print(floors)
