"""``livesteward prompts budget``: where the tokens of a prompt go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from livesteward.cli.evals.options import SplitOption
from livesteward.cli.output import console, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from livesteward.agents.judges.preview import Preview
    from livesteward.contracts import Segment
    from livesteward.evals.cases import Split
    from livesteward.prompts.spending import Spending
    from livesteward.settings import Settings

EPILOG = "To compare two versions over the golden cases: livesteward prompts budget --split dev --vs judge@v1"

_BAR: Final = 60
_COLOURS: Final = ("cyan", "blue", "green", "yellow", "magenta", "red", "bright_cyan", "bright_blue", "bright_green", "bright_yellow")
_FORMS: Final = {
    "whole": "whole: every rule in full stands at the beginning",
    "brief": "in brief: texts and exceptions stand at the beginning, examples come with the rules found",
    "texts": "texts only: exceptions and examples come with the rules found",
    "found": "not at the beginning: only the rules found are given (raise retrieval.rulebook_tokens and model.context_tokens for more)",
}


def command(
    *,
    segment: Annotated[Path | None, typer.Option("--segment", help="A segment as JSON; without it an example is used.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", "-r", help="Jurisdictions whose rules apply; repeat for several.")] = None,
    prompt: Annotated[str | None, typer.Option("--prompt", help="The prompt, such as judge@v1; that of the settings unless given.")] = None,
    split: SplitOption = None,
    vs: Annotated[str | None, typer.Option("--vs", help="With --split: a prompt to compare with, such as judge@v1.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say where the tokens of a prompt go, what a server need not compute again, and what is left out for lack of room.

    The segment goes the whole way up to the question, pictures and the search for rules included; no model is asked. Tokens are exact where
    model.tokenizer names a folder with the model's tokenizer, and estimated rather too high otherwise.

    The stable part is the beginning that prompts for the same rules share: a server with prefix caching computes it once. What is left out
    goes in the order of docs/prompts.md and makes the verdict a review.

    With --split it counts over the golden cases instead: texts only, each with the first rules of its region.

    Example: livesteward prompts budget --segment case.json --region SG
    """
    from livesteward.errors import InputError
    from livesteward.settings import load_settings

    settings = load_settings(**({"prompt": prompt} if prompt else {}))
    if split:
        if segment is not None:
            raise InputError("give a segment or a split, not both", field="--split")
        _over_cases(settings, split, vs, as_json=as_json)
        return
    if vs is not None:
        raise InputError("goes with --split", field="--vs")
    _of_segment(settings, segment, region or [], as_json=as_json)


def _of_segment(settings: Settings, path: Path | None, regions: list[str], *, as_json: bool) -> None:
    from livesteward.agents.judges.preview import preview
    from livesteward.agents.streams import load_segment
    from livesteward.prompts.example import example_segment

    judged = example_segment() if path is None else load_segment(path, settings=settings)
    found = asyncio.run(preview(judged, settings, regions=regions, media_root=path.parent if path else None))
    if as_json:
        spent = found.spending
        print_json({**found.model_dump(mode="json"), "stable_share": round(spent.stable_share, 4)})
        return
    _show(found)


def _show(found: Preview) -> None:
    from rich.table import Table

    spent = found.spending
    how = "exact, by model.tokenizer" if found.exact else "estimated"
    console.print(f"[bold]{found.prompt}[/]: {spent.prompt_tokens:,} tokens of {spent.context_tokens:,} ({how})")
    rows = [*((one.part, one.tokens) for one in spent.parts), ("kept for the answer", spent.answer_tokens), ("free", spent.free_tokens)]
    console.print(_bar(rows))
    table = Table(box=None, show_header=False, padding=(0, 1))
    for place, (name, tokens) in enumerate(rows):
        mark = "░" if name == "free" else "█"
        table.add_row(f"[{_colour(name, place)}]{mark}[/]", name, f"{tokens:,}", f"{tokens / spent.context_tokens:.0%}")
    console.print(table)
    console.print(f"stable: {spent.stable_tokens:,} tokens, {spent.stable_share:.0%} of the prompt")
    console.print(f"rulebook: {_FORMS[found.form.value]}", soft_wrap=True)
    if not spent.fits:
        console.print("[bold red]does not fit[/]: method and rules alone are too much; the verdict would be a review", soft_wrap=True)
    elif spent.trimmed:
        what = ", ".join(f"{count} of {kind}" for kind, count in sorted(spent.trimmed.items()))
        console.print(f"[yellow]left out[/] for lack of room: {what}; raise model.context_tokens", soft_wrap=True)
    else:
        console.print("nothing is left out")
    if found.cleared:
        console.print("the screen lets this segment go: no model would be asked", soft_wrap=True)


def _bar(rows: Sequence[tuple[str, int]]) -> Text:
    from rich.text import Text

    total = max(1, sum(tokens for _, tokens in rows))
    bar = Text()
    done = drawn = 0
    for place, (name, tokens) in enumerate(rows):
        done += tokens
        end = round(_BAR * done / total)
        bar.append(("░" if name == "free" else "█") * (end - drawn), style=_colour(name, place))
        drawn = end
    return bar


def _colour(name: str, place: int) -> str:
    return {"free": "bright_black", "kept for the answer": "white"}.get(name, _COLOURS[place % len(_COLOURS)])


def _over_cases(settings: Settings, splits: list[Split], vs: str | None, *, as_json: bool) -> None:
    from livesteward.agents.judges.preview import spent_on_texts
    from livesteward.evals.dataset import SHIPPED, load_dataset
    from livesteward.prompts.registry import PromptRegistry

    own = settings.workspace / "golden" if settings.workspace else None
    dataset = load_dataset(own if own is not None and own.is_dir() else SHIPPED).select(splits=splits)
    segments: list[Segment] = [segment for entry in dataset.entries for segment in entry.segments]
    registry = PromptRegistry(settings.prompts_dir)
    sides = {}
    for name in dict.fromkeys((vs, settings.prompt) if vs else (settings.prompt,)):
        prompt = registry.named(name)
        sides[f"{prompt.ref.name}@v{prompt.ref.version}"] = spent_on_texts(segments, prompt, settings)
    figures = {name: _means(spent) for name, spent in sides.items()}
    if as_json:
        print_json({"segments": len(segments), "exact": settings.model.tokenizer is not None, "tokens_per_segment": figures})
        return
    _show_means(figures, len(segments), exact=settings.model.tokenizer is not None)


def _means(spent: Sequence[Spending]) -> dict[str, Any]:
    count = max(1, len(spent))
    parts: dict[str, int] = {}
    for one in spent:
        for part in one.parts:
            parts[part.part] = parts.get(part.part, 0) + part.tokens
    return {
        "prompt": round(sum(one.prompt_tokens for one in spent) / count, 1),
        "texts": round(sum(one.text_tokens for one in spent) / count, 1),
        "parts": {name: round(tokens / count, 1) for name, tokens in parts.items()},
    }


def _show_means(figures: dict[str, dict[str, Any]], segments: int, *, exact: bool) -> None:
    from rich.table import Table

    how = "exact, by model.tokenizer" if exact else "estimated"
    table = Table("tokens a segment", *figures, title=f"{segments} segments, {how}", title_justify="left")
    rows = list(dict.fromkeys(name for one in figures.values() for name in one["parts"]))
    for name in rows:
        table.add_row(name, *(f"{one['parts'].get(name, 0):,.1f}" for one in figures.values()))
    table.add_row("[bold]texts of the segment[/]", *(f"[bold]{one['texts']:,.1f}[/]" for one in figures.values()))
    table.add_row("[bold]prompt[/]", *(f"[bold]{one['prompt']:,.1f}[/]" for one in figures.values()))
    console.print(table)
    if len(figures) == 2:
        (old, before), (new, after) = figures.items()
        console.print(
            f"{new} takes {_share(after['texts'], before['texts'])} of the tokens of {old} for the texts of a segment, "
            f"and {_share(after['prompt'], before['prompt'])} for the whole prompt",
            soft_wrap=True,
        )


def _share(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other else "-"
