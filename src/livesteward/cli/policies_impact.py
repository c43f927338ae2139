"""``livesteward policies impact``: what a change of rules does to the verdicts on the golden cases."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli.evals.options import ConcurrencyOption, JsonOption, RunsOption, SplitOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from livesteward.cli.evals.running import Asked
    from livesteward.evals.dataset import Dataset
    from livesteward.evals.impact.impact import Impact, Side
    from livesteward.evals.impact.rule_changes import RuleChanges
    from livesteward.evals.impact.touching import Touched
    from livesteward.retrieval.rulebook import PolicyLibrary
    from livesteward.settings import Settings

EPILOG = "Examples: livesteward policies impact main  |  impact main..HEAD --markdown impact.md  |  impact --before old/ --after new/"


@dataclass(frozen=True)
class _Rules:
    """One side: a folder of rule documents and what people call it."""

    folder: Path
    name: str


def command(
    revisions: Annotated[
        str | None,
        typer.Argument(
            metavar="[BASE..HEAD]",
            help="Two git revisions of the rules; BASE alone is held against the files on disk, BASE...HEAD starts where HEAD left BASE.",
        ),
    ] = None,
    *,
    before: Annotated[Path | None, typer.Option("--before", help="Without git: the folder of rules before.")] = None,
    after: Annotated[Path | None, typer.Option("--after", help="Without git: the folder of rules after.")] = None,
    policies: Annotated[
        Path | None, typer.Option("--policies", help="The folder of rules in the repository; the workspace's unless given.")
    ] = None,
    cases: Annotated[Path | None, typer.Option("--cases", help="A folder or file of cases; as in `livesteward eval run`.")] = None,
    split: SplitOption = None,
    markdown: Annotated[Path | None, typer.Option("--markdown", help="Also write the report to this file, for a pull request.")] = None,
    concurrency: ConcurrencyOption = 4,
    runs: RunsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a change of rules does: which cases it can touch, what flips, where, and how much longer the review queue gets.

    Only cases that the change can touch are judged, by the rules before and after. Of all others the judge is given the same to read by
    both, so nothing changes. Prompts, thresholds and the judge are those on disk on both sides: only the rules make a difference.
    Without --split, the splits dev and golden are asked.

    A flip is worse if it moves away from the label of the case, and better if it moves towards it. This is a report and no gate: it
    exits with 0 whatever flips, and with 2 if a revision, a folder or a rule document is wrong. The gate is `livesteward eval run`.
    """
    from livesteward.cli.evals.running import Asked, cases_for, settings_for
    from livesteward.cli.output import print_json
    from livesteward.evals.cases import Split
    from livesteward.evals.impact.markdown import to_markdown

    settings = settings_for({} if policies is None else {"policies": policies})
    # The canary split is for releases: whoever tunes rules on it wears it out.
    asked = Asked(dataset=cases, splits=tuple(split or (Split.DEV, Split.GOLDEN)), concurrency=concurrency, runs=runs)
    dataset = cases_for(asked, settings)
    with tempfile.TemporaryDirectory(prefix="livesteward-rules-") as scratch:
        sides = _sides(revisions, before, after, settings.policies_dir, Path(scratch))
        impact = _impact(sides, asked, settings, dataset)
    if markdown is not None:
        _write(markdown, to_markdown(impact))
    if as_json:
        print_json(impact)
    else:
        _print(impact)


def _sides(revisions: str | None, before: Path | None, after: Path | None, policies: Path, scratch: Path) -> tuple[_Rules, _Rules]:
    """Find the two folders of rules, reading from git what is not on disk."""
    from livesteward.errors import InputError
    from livesteward.evals.impact.revisions import WORKING_TREE, RuleHistory, parse_revisions

    if before is not None and after is not None and revisions is None:
        for option, folder in (("--before", before), ("--after", after)):
            if not folder.is_dir():
                raise InputError(f"{folder} is no folder of rule documents", field=option)
        return _Rules(before, str(before)), _Rules(after, str(after))
    if revisions is None or before is not None or after is not None:
        raise InputError("name two revisions, such as main..HEAD, or two folders with --before and --after", field="BASE..HEAD")
    wanted, history = parse_revisions(revisions), RuleHistory(policies)

    def written(name: str, commit: str) -> _Rules:
        label = f"{name} ({commit[:7]})"
        history.write(commit, scratch / commit, name=label)
        return _Rules(scratch / commit, label)

    old = history.fork(wanted.before, wanted.after or "HEAD") if wanted.since_fork else history.commit(wanted.before)
    first = written(wanted.before, old)
    if wanted.after is None:
        return first, _Rules(policies, WORKING_TREE)
    return first, written(wanted.after, history.commit(wanted.after))


def _impact(sides: tuple[_Rules, _Rules], asked: Asked, settings: Settings, dataset: Dataset) -> Impact:
    from livesteward.evals.impact.impact import assess_impact, untouched
    from livesteward.evals.impact.rule_changes import asked_for, compare_libraries

    old, new = sides
    libraries = _library(old), _library(new)
    changes = compare_libraries(*libraries, asked_for(dataset.entries))
    touched = asyncio.run(_touched(libraries, changes, settings, dataset, asked.concurrency)) if changes.judged else []
    if not touched:
        return untouched(changes, dataset, before=old.name, after=new.name)
    only = replace(asked, cases=tuple(one.case_id for one in touched))
    return assess_impact(
        changes, dataset, touched, before=old.name, after=new.name, old=_judged(only, old, dataset), new=_judged(only, new, dataset)
    )


def _library(rules: _Rules) -> PolicyLibrary:
    from livesteward.errors import PolicyError
    from livesteward.retrieval.rulebook import load_library

    try:
        return load_library(rules.folder)
    except PolicyError as error:
        raise PolicyError(f"the rules of {rules.name} cannot be read: {error}") from error


async def _touched(
    libraries: tuple[PolicyLibrary, PolicyLibrary], changes: RuleChanges, settings: Settings, dataset: Dataset, concurrency: int
) -> list[Touched]:
    """Find the cases that the change can touch, in the order of the set."""
    from livesteward.agents.tools import make_tools
    from livesteward.evals.impact.touching import Reach
    from livesteward.retrieval.index import ensure_index

    tools = make_tools(settings)
    bound = asyncio.Semaphore(concurrency)
    try:
        with _bar(len(dataset.entries)) as (note, advance):
            note("indexing the rules")
            for library in libraries:
                for day in sorted({day for _, day in changes.judged}):
                    await ensure_index(tools.search.index, library, sorted(region for region, on in changes.judged if on == day), day)
            note("looking which cases the rules can touch")
            reach = Reach(tools, *libraries, changes.judged)

            async def one(place: int) -> Touched | None:
                async with bound:
                    found = await reach.of(dataset.entries[place], dataset.media)
                advance()
                return found

            found = await asyncio.gather(*(one(place) for place in range(len(dataset.entries))))
    finally:
        await tools.aclose()
    return [one for one in found if one is not None]


def _judged(asked: Asked, rules: _Rules, dataset: Dataset) -> Side:
    from livesteward.cli.evals.running import run_now
    from livesteward.cli.output import errors
    from livesteward.evals.impact.impact import Side
    from livesteward.evals.judgements import judgements
    from livesteward.evals.runs.folder import RUNS

    errors.print(f"judging {len(asked.cases)} cases by the rules of {rules.name}", markup=False, soft_wrap=True)
    # Beside the runs of `eval run`, not among them: these are of a part of the set only.
    cases, folder = run_now(replace(asked, changes={"policies": rules.folder}, runs=(asked.runs or RUNS) / "impact"))
    return Side(info=folder.info(), rows=judgements(cases, folder.records()))


@contextmanager
def _bar(total: int) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Show a bar while a person waits; in a pipe, a line for each part."""
    from livesteward.cli.output import errors

    if not errors.is_terminal:
        yield (lambda text: errors.print(text, markup=False, soft_wrap=True)), (lambda: None)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("cases"))
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield (lambda text: bar.update(task, description=text)), (lambda: bar.advance(task))


def _write(file: Path, text: str) -> None:
    from livesteward.errors import ConfigurationError

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written ({error.strerror})") from error


def _print(impact: Impact) -> None:
    from livesteward.cli.impact_view import view
    from livesteward.cli.output import console

    console.print(view(impact))
