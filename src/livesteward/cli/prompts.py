"""``livesteward prompts``: look at prompts, try them on a segment, compare versions, check and release them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livesteward.cli import prompts_budget
from livesteward.cli.output import EXIT_FOUND, console, errors, print_json

if TYPE_CHECKING:
    from livesteward.contracts import RetrievedRule, Segment
    from livesteward.models.protocol import Message
    from livesteward.prompts.registry import Prompt, PromptRegistry

app = typer.Typer(no_args_is_help=True, help="Look at prompts, try them, compare versions, check and release them.")

_PREVIEW_NONCE = "0123456789ab"
_SHORT_DIGEST = 12

Name = Annotated[str, typer.Argument(help="The prompt's name, such as 'judge'.")]
Version = Annotated[int | None, typer.Option("--version", "-v", help="A version; without it the newest released one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_prompts(*, as_json: Json = False) -> None:
    """List every prompt with its versions.

    Example: livesteward prompts list
    """
    from livesteward.prompts.registry import load_prompt

    registry = _registry()
    found = [load_prompt(registry.folder / name / f"v{version}.md") for name in registry.names() for version in registry.versions(name)]
    if as_json:
        print_json([_summary(prompt) for prompt in found])
        return
    from rich.table import Table

    table = Table("prompt", "version", "status", "digest", "purpose", title=str(registry.folder), title_justify="left")
    for prompt in found:
        header = prompt.header
        table.add_row(header.name, str(header.version), header.status.value, prompt.ref.sha256[:_SHORT_DIGEST], header.purpose)
    console.print(table)


@app.command()
def show(name: Name, *, version: Version = None, as_json: Json = False) -> None:
    """Print a prompt as it is written.

    Example: livesteward prompts show judge --version 1
    """
    prompt = _registry().get(name, version)
    if as_json:
        print_json({**_summary(prompt), "source": prompt.source})
        return
    console.print(prompt.source, markup=False, soft_wrap=True)


@app.command()
def render(
    name: Name,
    *,
    version: Version = None,
    segment: Annotated[Path | None, typer.Option(help="A segment as JSON; without it an example is used.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", "-r", help="Jurisdictions whose rules apply; repeat for several.")] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Ids of the rules to show; without it the first --rules of each.")
    ] = None,
    rules: Annotated[int, typer.Option(min=0, max=50, help="How many rules of each jurisdiction.")] = 4,
    as_json: Json = False,
) -> None:
    """Print the messages that a model would get, on an example or on your segment.

    The fence's digits are fixed here, so that two previews can be compared; in use they are random.

    Example: livesteward prompts render judge --region DE --rule FRAUD-1.1
    """
    from livesteward.prompts.judging import render_judge

    prompt = _registry().get(name, version)
    judged = _segment(segment)
    regions = region or list(judged.regions)
    messages = render_judge(prompt, judged, _rules(regions, rule or [], rules, judged), nonce=_PREVIEW_NONCE)
    if as_json:
        print_json({**_summary(prompt), "messages": [message.model_dump(mode="json") for message in messages]})
        return
    _print_messages(messages)


@app.command()
def diff(name: Name, old: Annotated[int, typer.Argument(help="A version.")], new: Annotated[int, typer.Argument(help="Another.")]) -> None:
    """Show what changed between two versions.

    Example: livesteward prompts diff judge 1 2
    """
    import difflib

    registry = _registry()
    before, after = (registry.get(name, version) for version in (old, new))
    lines = difflib.unified_diff(
        before.source.splitlines(), after.source.splitlines(), f"{name}/v{old}.md", f"{name}/v{new}.md", lineterm="", n=2
    )
    for line in lines:
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        console.print(line, markup=False, style=style, soft_wrap=True)


@app.command()
def lint(
    *,
    release: Annotated[
        str | None, typer.Option(metavar="NAME", help="Release this prompt's newest version: it never changes after that.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check every prompt, and that no released version was changed.

    Exits with 1 if something is wrong. With --release the newest version of a prompt, marked as released, joins the lock.

    Example: livesteward prompts lint --release judge
    """
    registry = _registry()
    released = registry.release(release) if release else None
    problems = registry.problems()
    if as_json:
        print_json({"released": _summary(released) if released else None, "problems": list(problems)})
    else:
        if released:
            console.print(f"released {released.ref.name} version {released.ref.version} ({released.ref.sha256[:_SHORT_DIGEST]})")
        for problem in problems:
            errors.print(problem, markup=False, soft_wrap=True)
        if not problems:
            console.print(f"nothing is wrong with {', '.join(registry.names())}")
    if problems:
        raise typer.Exit(EXIT_FOUND)


app.command("budget", epilog=prompts_budget.EPILOG)(prompts_budget.command)


def _registry() -> PromptRegistry:
    from livesteward.prompts.registry import PromptRegistry
    from livesteward.settings import load_settings

    return PromptRegistry(load_settings().prompts_dir)


def _summary(prompt: Prompt) -> dict[str, Any]:
    return {
        "name": prompt.header.name,
        "version": prompt.header.version,
        "status": prompt.header.status.value,
        "sha256": prompt.ref.sha256,
        "purpose": prompt.header.purpose,
        "output_schema": prompt.header.output_schema,
        "model_family": prompt.header.model_family,
        "file": str(prompt.path),
    }


def _segment(path: Path | None) -> Segment:
    from pydantic import ValidationError

    from livesteward.contracts import Segment
    from livesteward.errors import InputError
    from livesteward.prompts.example import example_segment
    from livesteward.settings import load_settings

    if path is None:
        return example_segment()
    try:
        size = path.stat().st_size
        limit = load_settings().limits.max_file_mb
        if size > limit * 1024 * 1024:
            raise InputError(f"the file has {size:,} bytes, more than limits.max_file_mb ({limit})", field=str(path))
        return Segment.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", field=str(path)) from error
    except ValidationError as error:
        raise InputError.from_validation(error, source=str(path)) from error


def _rules(regions: list[str], wanted: list[str], most: int, segment: Segment) -> list[RetrievedRule]:
    from livesteward.contracts import RetrievedRule
    from livesteward.errors import InputError
    from livesteward.retrieval.rulebook import load_library
    from livesteward.settings import load_settings

    library = load_library(load_settings().policies_dir)
    found: list[RetrievedRule] = []
    for region in regions:
        rules = library.rulebook(region, segment.starts_at.date()).rules
        chosen = [rule for rule in rules if rule.rule_id in wanted] if wanted else list(rules[:most])
        found.extend(RetrievedRule(jurisdiction=region, rule=rule, score=0) for rule in chosen)
    missing = set(wanted) - {rule.rule.rule_id for rule in found}
    if missing:
        raise InputError(f"no rule {', '.join(sorted(missing))} is in force in {', '.join(regions)}", field="--rule")
    return found


def _print_messages(messages: tuple[Message, ...]) -> None:
    from livesteward.models.protocol import TextPart

    for message in messages:
        console.rule(message.role, align="left", style="bold")
        for part in message.parts:
            text = part.text if isinstance(part, TextPart) else f"({part.media_type}, {len(part.data):,} bytes)"
            console.print(text, markup=False, soft_wrap=True)
