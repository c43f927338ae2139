"""`livesteward bench`: what things cost on this machine, and what a model server can take."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli import bench_model
from livesteward.cli.output import console, errors, print_json
from livesteward.settings import PerceptionSettings, load_settings

if TYPE_CHECKING:
    from livesteward.evals.latency import LatencyRow

app = typer.Typer(no_args_is_help=True, help="Measure what the agent costs on this machine, and what a model server can take.")


@app.callback()
def group() -> None:
    """Measure what the agent costs on this machine, and what a model server can take."""


@app.command()
def agent(
    segments: Annotated[int, typer.Option(min=3, help="New segments of each kind.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a segment of 60 spoken words and 20 new chat lines, perception apart: cleared, judged, and the agent alone.

    Example: livesteward bench agent --segments 50 --json
    """
    from rich.progress import Progress

    from livesteward.agents.graph import build_graph
    from livesteward.agents.thresholds import ScreenThresholds
    from livesteward.agents.tools import make_tools
    from livesteward.evals.latency import InstantJudge, measure

    off = PerceptionSettings(ocr=False, speech=False, nudity=False, language=False, qr=False)
    tools = make_tools(load_settings(perception=off, judge="heads"))
    flag_all = tools.thresholds.model_copy(update={"screen": ScreenThresholds(floor=0.0)})
    kinds = (
        ("cleared by the screen", tools, False, False),
        ("embedded judge", tools, True, False),
        ("agent without models", replace(tools, judge=InstantJudge(), thresholds=flag_all), False, True),
    )

    async def run() -> list[LatencyRow]:
        graph = build_graph()
        await tools.search.warm(["SG"], on=None)
        rows = []
        with Progress(console=errors, transient=True) as bar:
            for kind, parts, suspicious, same in kinds:
                task = bar.add_task(kind, total=segments)
                rows.append(
                    await measure(
                        parts,
                        graph,
                        segments=segments,
                        kind=kind,
                        suspicious=suspicious,
                        same=same,
                        progress=lambda done, task=task: bar.update(task, completed=done),  # type: ignore[misc]
                    )
                )
        await tools.aclose()
        return rows

    rows = asyncio.run(run())
    if as_json:
        print_json({"rows": [asdict(row) for row in rows]})
        return
    _print(rows)


app.command("model", help=bench_model.HELP)(bench_model.model)


def _print(rows: list[LatencyRow]) -> None:
    from rich.table import Table

    table = Table(title="Milliseconds a segment of 60 spoken words and 20 new chat lines, without perception", title_justify="left")
    for name in ("kind", "segments", "judged by", "median", "95 %", "where it went (medians)"):
        table.add_column(name, justify="right" if name in {"segments", "median", "95 %"} else "left")
    for row in rows:
        steps = ", ".join(f"{step} {value:.1f}" for step, value in row.steps.items())
        judges = ", ".join(f"{judge} {count}" for judge, count in row.judges.items())
        table.add_row(row.kind, str(row.segments), judges, f"{row.median_ms:.1f}", f"{row.p95_ms:.1f}", steps)
    console.print(table)
