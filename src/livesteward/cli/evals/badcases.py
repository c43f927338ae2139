"""``livesteward eval badcases``: what a run got wrong, in groups, with the likely cause."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli.evals.options import JsonOption, PoliciesOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from livesteward.evals.badcases.report import BadCaseCluster
    from livesteward.evals.runs.folder import RunFolder
    from livesteward.settings import Settings

_SHOWN = 90


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    *,
    top: Annotated[int, typer.Option("--top", min=1, help="At most so many groups, those that cost most first.")] = 10,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A folder for drafts of new cases, a file for each group.")] = None,
    policies: PoliciesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a run got wrong: mistakes that are alike in one group, why they were likely made, and what to try.

    Causes are decided from rules, scores and evidence; no language model is asked. Drafts of new cases begin from the mistakes: the words,
    and often the label, are yours to write.
    """
    import asyncio

    from livesteward.cli.evals.running import changed_settings, settings_for
    from livesteward.cli.output import console, print_json
    from livesteward.evals.runs.folder import RunFolder
    from livesteward.evals.stats.extra import require_statistics

    require_statistics()
    settings = settings_for(changed_settings(policies=policies))
    clusters = asyncio.run(_clusters(RunFolder(run), settings))
    chosen = clusters[:top]
    written = _write(chosen, out) if out is not None else []
    if as_json:
        total = {"mistakes": sum(one.size for one in clusters), "groups": len(clusters), "cost": sum(one.cost for one in clusters)}
        shown = [one.model_dump(mode="json") for one in chosen]
        print_json({"run": str(run), "total": total, "clusters": shown, "files": [str(file) for file in written]})
        return
    for number, cluster in enumerate(chosen, start=1):
        _print(number, cluster)
    mistakes, cost = sum(one.size for one in clusters), sum(one.cost for one in clusters)
    share = sum(one.cost for one in chosen) / cost if cost else 1.0
    console.print(f"{mistakes} segments judged wrong, in {len(clusters)} groups; {len(chosen)} shown, {share:.0%} of what they cost")
    for file in written:
        console.print(f"[dim]drafts[/] {file}", soft_wrap=True)


async def _clusters(folder: RunFolder, settings: Settings) -> tuple[BadCaseCluster, ...]:
    from livesteward.agents.thresholds import load_thresholds
    from livesteward.cli.evals.embedding import embedding_bar
    from livesteward.cli.output import errors
    from livesteward.evals.assessing import cases_of
    from livesteward.evals.badcases.clusters import cluster_badcases
    from livesteward.evals.judgements import judgements
    from livesteward.models.embedders import embedder_from_settings
    from livesteward.retrieval.rulebook import load_library

    info, records = folder.info(), folder.records()
    rows = judgements(cases_of(folder), records)
    thresholds = load_thresholds(settings.thresholds_file)
    if info.finished_at is None:
        errors.print("[yellow]note[/] the run is not complete: this is of what is judged so far", soft_wrap=True)
    if info.fingerprint.thresholds != thresholds.digest:
        errors.print("[yellow]note[/] thresholds have changed since the run; what is said of them holds for the new ones", soft_wrap=True)
    embedder = embedder_from_settings(settings)
    try:
        with embedding_bar() as told:
            return await cluster_badcases(rows, embedder, library=load_library(settings.policies_dir), thresholds=thresholds, told=told)
    finally:
        await embedder.aclose()


def _write(clusters: Sequence[BadCaseCluster], folder: Path) -> list[Path]:
    """Write the drafts of each group into one file.

    Raises:
        ConfigurationError: If the folder cannot be written.
    """
    from livesteward.errors import ConfigurationError

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, cluster in enumerate(clusters, start=1):
            if cluster.drafts:
                name = f"{number:02d}-{cluster.kind.value}-{cluster.category.value if cluster.category else 'none'}.yaml"
                (folder / name).write_text("\n".join(draft.yaml for draft in cluster.drafts), encoding="utf-8")
                written.append(folder / name)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written ({error.strerror}); name another folder with --out") from error
    return written


def _print(number: int, cluster: BadCaseCluster) -> None:
    from livesteward.cli.output import console

    category = cluster.category.value if cluster.category else "no category"
    title = f"{cluster.kind.value.replace('_', ' ')}, {category}: {_count(cluster.size, 'segment')}, costs {cluster.cost:g}"
    shared = ", ".join(f"{dimension} {one.name} ({one.n})" for dimension, one in cluster.shared.items())
    console.print(f"[bold]{number}. {_escaped(title)}[/]" + (f"  [dim]{_escaped(shared)}[/]" if shared else ""), soft_wrap=True)
    of = f" ({cluster.cause.holds} of {cluster.size})" if cluster.size > 1 else ""
    console.print(f"   {_escaped(cluster.cause.sentence)}{of}", soft_wrap=True)
    for fact in cluster.cause.facts:
        console.print(f"   [dim]-[/] {_escaped(fact)}", soft_wrap=True)
    for one in cluster.exemplars[:1]:
        where = f"{one.case_id}, {', '.join(one.regions)}"
        console.print(f"   [dim]such as[/] {_escaped(where)}: {_escaped(one.text, limit=_SHOWN)}", soft_wrap=True)
        console.print(f"   [dim]label[/]   {_escaped(one.reason, limit=2 * _SHOWN)}", soft_wrap=True)
    for hint in cluster.advice:
        console.print(f"   [dim]try[/]     {_escaped(hint)}", soft_wrap=True)
    console.print()


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _escaped(text: str, *, limit: int | None = None) -> str:
    from rich.markup import escape

    from livesteward.cli.plain import plain

    return escape(plain(text, limit=limit))
