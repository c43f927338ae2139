"""``livesteward policies``: check, index, search, compare and explain the rules of a workspace."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livesteward.cli import policies_impact
from livesteward.cli.output import EXIT_FOUND, console, errors, print_json
from livesteward.errors import InputError

if TYPE_CHECKING:
    from livesteward.contracts import Rulebook
    from livesteward.retrieval.rulebook import PolicyLibrary
    from livesteward.settings import Settings

app = typer.Typer(help="Check, index, search, compare and explain the rules.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RegionOption = Annotated[str, typer.Option("--region", "-r", help="A country (SG), a group (EU, GCC, ASEAN) or global.")]
DateOption = Annotated[str, typer.Option("--date", help="The day whose rules hold, such as 2026-11-22; today (UTC) unless given.")]


@app.command(epilog="Example: livesteward policies lint policies/")
def lint(
    folder: Annotated[Path | None, typer.Argument(help="The folder of rule documents; the workspace's unless given.")] = None,
    json: JsonOption = False,
) -> None:
    """Report everything that is wrong with the rule documents, each with file, line and what to do.

    Exits with 1 if there is anything to mend.
    """
    from livesteward.retrieval.lint import lint as check

    folder = folder or _settings().policies_dir
    problems = check(folder)
    if json:
        print_json([problem.model_dump(mode="json") for problem in problems])
    elif problems:
        for problem in problems:
            mark = "[bold red]error[/] " if problem.blocks else "[yellow]advice[/]"
            console.print(f"{mark} {_escaped(f'{folder / problem.path}:{problem.line}')}  {_escaped(problem.message)}", soft_wrap=True)
            console.print(f"       [dim]{_escaped(problem.fix)}  ({problem.code})[/]", soft_wrap=True)
        blocking = sum(problem.blocks for problem in problems)
        console.print(f"{blocking} to mend, {len(problems) - blocking} to consider")
    else:
        console.print(f"[green]ok[/] {_escaped(folder)}: nothing to mend")
    if problems:
        raise typer.Exit(EXIT_FOUND)


@app.command(epilog="Example: livesteward policies index --region SG --region DE")
def index(
    region: Annotated[
        list[str] | None, typer.Option("--region", "-r", help="May be given several times; all that have rules unless given.")
    ] = None,
    on: DateOption = "",
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Also write the vectors of the shipped rules beside them (maintainers).")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Build the search index of the rules; what has not changed since the last time is not embedded again."""
    import asyncio

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from livesteward.models.embedders import embedder_from_settings
    from livesteward.retrieval.index import IndexedRulebook, IndexProgress, RuleIndex, ensure_index

    settings, library, day = _settings(), _library(), _day(on)
    if freeze and settings.policies_dir != settings.frozen_vectors.parent / "policies":
        raise InputError(f"only the shipped rules are frozen, and {settings.policies_dir} is a workspace's", field="--freeze")
    names = list(region or library.jurisdictions)
    columns = (TextColumn("embedding {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())

    async def build() -> list[IndexedRulebook]:
        embedder = embedder_from_settings(settings)
        rules = RuleIndex.from_settings(settings, embedder)
        with Progress(*columns, console=errors, disable=json or not errors.is_terminal, transient=True) as bar:
            task = bar.add_task("rules", total=None)

            def show(state: IndexProgress) -> None:
                bar.update(task, description=state.jurisdiction, completed=state.done, total=state.total)

            try:
                built = await ensure_index(rules, library, names, day, progress=show)
                if freeze:
                    from livesteward.retrieval.frozen import freeze as write

                    await write(library, library.jurisdictions, day, embedder, settings.frozen_vectors)
                return built
            finally:
                await rules.aclose()
                await embedder.aclose()

    built = asyncio.run(build())
    if json:
        print_json([one.model_dump(mode="json") for one in built])
        return
    from rich.table import Table

    table = Table("region", "rulebook", "rules", "records", "", box=None, header_style="bold")
    for one in built:
        table.add_row(one.jurisdiction, one.version, str(one.rules), str(one.records), "built" if one.built else "[dim]was there[/]")
    console.print(table)


@app.command(epilog='Example: livesteward policies search --region SG "is a stream allowed to sell vape pods"')
def search(
    question: Annotated[str, typer.Argument(help="A question, or a text from a stream, in any language.")],
    region: RegionOption = "global",
    on: DateOption = "",
    limit: Annotated[int, typer.Option(min=1, max=50, help="At most so many rules.")] = 8,
    json: JsonOption = False,
) -> None:
    """Find the rules that matter for a question or a text."""
    import asyncio

    from livesteward.contracts import RetrievedRule
    from livesteward.models.embedders import embedder_from_settings
    from livesteward.retrieval.search import RuleSearch

    settings, day = _settings(), _day(on)

    async def find() -> list[RetrievedRule]:
        embedder = embedder_from_settings(settings)
        rules = RuleSearch.from_settings(settings, embedder=embedder)
        try:
            if not json and errors.is_terminal:
                with errors.status("reading the rules; the first time this builds their index"):
                    return await rules.search(question, region, on=day, limit=limit)
            return await rules.search(question, region, on=day, limit=limit)
        finally:
            await rules.aclose()
            await embedder.aclose()

    found = asyncio.run(find())
    if json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    from rich.table import Table

    table = Table("rule", "title", "score", "why", box=None, header_style="bold")
    for one in found:
        words = f", words {one.lexical:.1f}" if one.lexical is not None else ""
        table.add_row(one.rule.rule_id, _escaped(one.rule.title), f"{one.score:.3f}", f"meaning {one.dense or 0:.2f}{words}")
    console.print(table)


@app.command(epilog="Example: livesteward policies show GOODS-2.2 --region DE")
def show(
    rule: Annotated[str, typer.Argument(help="The id of a rule, such as GOODS-2.2.")],
    region: RegionOption = "global",
    on: DateOption = "",
    json: JsonOption = False,
) -> None:
    """Show a rule as it holds in a region."""
    from livesteward.cli.policy_views import print_rule

    explained = _library().explain(rule, region, _day(on))
    if explained.rule is None:
        raise InputError(
            f"{rule} does not hold in {region} on {explained.on}; 'livesteward policies explain {rule}' says why", field="rule"
        )
    if json:
        print_json(explained.rule)
    else:
        print_rule(explained.rule, region)


@app.command(epilog="Example: livesteward policies explain HATE-1.2 --region DE --date 2026-11-22")
def explain(
    rule: Annotated[str, typer.Argument(help="The id of a rule, such as HATE-1.2.")],
    region: RegionOption = "global",
    on: DateOption = "",
    json: JsonOption = False,
) -> None:
    """Say which documents made a rule what it is in a region, layer by layer."""
    from livesteward.cli.policy_views import print_explanation

    explained = _library().explain(rule, region, _day(on))
    if json:
        print_json(explained)
    else:
        print_explanation(explained, _settings().policies_dir)


@app.command(epilog="Examples: livesteward policies diff SG DE  |  diff DE@2026-01-01 DE@2026-11-22  |  diff old/ new/ --region DE")
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A region, a region@date, or a folder of rule documents.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    region: RegionOption = "global",
    on: DateOption = "",
    json: JsonOption = False,
) -> None:
    """Compare two rulebooks: two regions, two days, or two folders of documents (of one region).

    Exits with 1 if they differ.
    """
    from livesteward.cli.policy_views import print_diff
    from livesteward.retrieval.comparison import diff_rulebooks

    found = diff_rulebooks(_side(before, region, _day(on)), _side(after, region, _day(on)))
    if json:
        print_json(found)
    else:
        print_diff(found)
    if not found.empty:
        raise typer.Exit(EXIT_FOUND)


app.command("impact", epilog=policies_impact.EPILOG)(policies_impact.command)


@app.command("list", epilog="Example: livesteward policies list --region DE")
def list_rules(region: RegionOption = "", on: DateOption = "", json: JsonOption = False) -> None:
    """List the rules in force in a region; without one, the regions that have documents of their own."""
    from rich.table import Table

    library, day = _library(), _day(on)
    if not region:
        books = [library.rulebook(name, day) for name in library.jurisdictions]
        if json:
            print_json([{"region": book.ref.jurisdiction, "version": book.ref.version, "rules": len(book.rules)} for book in books])
            return
        table = Table("region", "rulebook", "rules", box=None, header_style="bold")
        for book in books:
            table.add_row(book.ref.jurisdiction, book.ref.version, str(len(book.rules)))
        console.print(table)
        return
    book = library.rulebook(region, day)
    if json:
        print_json(book)
        return
    table = Table("rule", "title", "category", "severity", "made by", box=None, header_style="bold")
    for rule in book.rules:
        layers = " > ".join(f"{layer.jurisdiction} {layer.effect.value}" for layer in rule.layers)
        table.add_row(rule.rule_id, _escaped(rule.title), rule.category.value, rule.severity.value, layers)
    console.print(table)
    console.print(f"{len(book.rules)} rules in force in {region} on {day}, rulebook {book.ref.version}")


def _settings() -> Settings:
    from livesteward.settings import load_settings

    return load_settings()


def _library() -> PolicyLibrary:
    from livesteward.retrieval.rulebook import load_library

    return load_library(_settings().policies_dir)


def _side(text: str, region: str, day: date) -> Rulebook:
    from livesteward.retrieval.rulebook import load_library

    if Path(text).is_dir():
        return load_library(Path(text)).rulebook(region, day)
    name, at, on = text.partition("@")
    return _library().rulebook(name, _day(on) if at else day)


def _day(text: str) -> date:
    if not text:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text!r} is not a date; write it as 2026-11-22", field="--date") from error


def _escaped(value: object) -> str:
    from livesteward.cli.policy_views import escape

    return escape(value)
