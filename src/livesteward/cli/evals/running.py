"""Running cases from the command line: what was asked for, the steward that judges, and the bar that says how long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livesteward.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from livesteward.evals.cases import Split
    from livesteward.evals.dataset import Dataset
    from livesteward.evals.runs.folder import RunFolder
    from livesteward.evals.runs.runner import Progress as Judging
    from livesteward.settings import Settings


@dataclass(frozen=True)
class Asked:
    """What to run and with what.

    Attributes:
        dataset: A folder or file of cases; None for the workspace's ``golden`` folder, or without one the set that ships.
        splits: Which to run; empty for all.
        cases: Ids; empty for all.
        changes: Settings on top of those that are read, by name.
        trials: How often each case is judged.
        probed: Whether violations are judged again without their evidence.
        concurrency: Cases that are judged at the same time.
        fresh: Whether to judge everything again.
        runs: The folder that runs are kept in.
        name: Of the run; None for one that follows from what is run.
    """

    dataset: Path | None = None
    splits: Sequence[Split] = ()
    cases: Sequence[str] = ()
    changes: dict[str, object] = field(default_factory=dict)
    trials: int = 1
    probed: bool = False
    concurrency: int = 4
    fresh: bool = False
    runs: Path | None = None
    name: str | None = None

    def with_changes(self, changes: dict[str, object]) -> Asked:
        """Return the same on other settings."""
        return replace(self, changes=changes)


def settings_for(changes: dict[str, object]) -> Settings:
    """Read the settings with ``changes`` on top.

    Raises:
        ConfigurationError: If a setting is wrong.
    """
    from livesteward.settings import load_settings

    return load_settings(**changes)


def changed_settings(*, policies: Path | None = None, prompt: str | None = None, model: str | None = None) -> dict[str, object]:
    """Return the settings that command-line options stand for.

    ``model`` is ``heads``, ``engine``, or the name of a model of the configured server.
    """
    changes: dict[str, Any] = {}
    if policies is not None:
        changes["policies"] = policies
    if prompt is not None:
        changes["prompt"] = prompt
    if model in ("heads", "engine"):
        changes["judge"] = model
    elif model is not None:
        changes |= {"judge": "server", "model": {"name": model}}
    return changes


def cases_for(asked: Asked, settings: Settings) -> Dataset:
    """Read and choose the cases.

    Raises:
        LivestewardError: If there are none, or one is wrong.
    """
    from livesteward.evals.dataset import SHIPPED, load_dataset

    own = settings.workspace / "golden" if settings.workspace else None
    path = asked.dataset or (own if own is not None and own.is_dir() else SHIPPED)
    chosen = load_dataset(path).select(splits=asked.splits or None, only=asked.cases or None)
    if not chosen.entries:
        names = ", ".join(split.value for split in asked.splits)
        raise InputError(f"{path} has no case of split {names}", field="--split")
    return chosen


def check_sides(before: Asked, after: Asked) -> None:
    """Make what both sides judge with, before either does: a mistake in the second would show only when all of the first is judged.

    Raises:
        LivestewardError: If a side cannot judge, or both would judge with the same.
    """
    first, second = (_judged_with(settings_for(asked.changes)) for asked in (before, after))
    if first == second:
        raise InputError(
            f"both sides come to the same: {' and '.join(str(part) for part in first)}. The one before is what the settings say "
            "(LIVESTEWARD_MODEL__NAME, LIVESTEWARD_PROMPT), and the embedded heads have no prompt",
            field="compare",
        )


def _judged_with(settings: Settings) -> tuple[str, ...]:
    """Return what decides, in words, of what ``changed_settings`` can change."""
    from livesteward.agents.tools import make_tools
    from livesteward.prompts.registry import PromptRegistry

    tools = make_tools(settings)
    asyncio.run(tools.aclose())
    rules = f"the rules in {settings.policies_dir.resolve()}"
    if not tools.judge_is_model:
        return "the embedded heads", rules
    engine = settings.judge == "engine"
    model = "the engine" if engine else f"the model {settings.model.name}" if settings.model.name else "the first model of the server"
    prompt = PromptRegistry(settings.prompts_dir).named(settings.prompt).ref
    return model, f"the prompt {prompt.name}@v{prompt.version}", rules


def run_now(asked: Asked) -> tuple[Dataset, RunFolder]:
    """Judge what was asked for, or go on with it, and return the cases with the folder of the finished run.

    Raises:
        LivestewardError: If settings, cases or rules are wrong, an extra is missing, or results cannot be written.
    """
    from livesteward.evals.stats.extra import require_statistics

    require_statistics()
    settings = settings_for(asked.changes)
    dataset = cases_for(asked, settings)
    return dataset, asyncio.run(_run(asked, settings, dataset))


async def _run(asked: Asked, settings: Settings, dataset: Dataset) -> RunFolder:
    from livesteward.agents.tools import make_tools
    from livesteward.evals.runs.fingerprint import fingerprint
    from livesteward.evals.runs.folder import RUNS, RunFolder
    from livesteward.evals.runs.naming import run_name
    from livesteward.evals.runs.result_cache import ResultCache
    from livesteward.evals.runs.runner import plan_run, run
    from livesteward.sdk import Steward

    tools = make_tools(settings)
    async with Steward(tools) as steward:
        found = fingerprint(tools, dataset.entries)
        label = [split.value for split in asked.splits] or [dataset.source.resolve().stem]
        plan = plan_run(
            dataset,
            found,
            splits=[split.value for split in asked.splits],
            trials=asked.trials,
            probed=asked.probed,
            concurrency=asked.concurrency,
            fresh=asked.fresh,
            version=version("livesteward"),
        )
        name = asked.name or run_name(label, plan.info.entries, found, trials=asked.trials, probed=asked.probed)
        folder = RunFolder((asked.runs or RUNS) / name)
        with progress_bar() as (note, told):

            async def prepare() -> None:
                note("reading rules and models")
                regions = sorted({region for entry in dataset.entries for region in entry.regions})
                for day in sorted({segment.starts_at.date() for entry in dataset.entries for segment in entry.segments}):
                    await steward.prepare(
                        regions, on=day, progress=lambda what, done, total: note(f"indexing the rules of {what}: {done} of {total}")
                    )
                note("judging")

            cache = ResultCache(settings.cache_dir / "results.sqlite")
            await run(plan.named(name), steward, folder, cache=cache, prepare=prepare, progress=told)
        return folder


@contextmanager
def progress_bar() -> Iterator[tuple[Callable[[str], None], Callable[[Judging], None]]]:
    """Show a bar with the time left on standard error while a person waits; in a pipe, a line now and then."""
    from livesteward.cli.output import errors

    if not errors.is_terminal:
        yield _lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("segments"),
        TimeElapsedColumn(),
        TextColumn("[dim]left[/]"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def told(state: Judging) -> None:
            again = f"judging ({state.reused} known)" if state.reused else "judging"
            bar.update(task, completed=state.done, total=state.total, description=again)

        yield (lambda text: bar.update(task, description=text)), told


def _lines() -> tuple[Callable[[str], None], Callable[[Judging], None]]:
    """Say every tenth of the way where logs are read later."""
    from livesteward.cli.output import errors

    said = -1

    def told(state: Judging) -> None:
        nonlocal said
        tenth = 10 * state.done // max(1, state.total)
        if tenth != said:
            said = tenth
            errors.print(f"judged {state.done} of {state.total} segments ({state.reused} known before)", soft_wrap=True)

    return (lambda text: None), told
