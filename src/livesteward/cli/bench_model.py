"""`livesteward bench model`: what a model server can take, and what that costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livesteward.address import shown_address
from livesteward.cli.bench_views import print_load, print_yardstick
from livesteward.cli.output import EXIT_FOUND, console, errors, print_json
from livesteward.errors import ConfigurationError, InputError, ModelUnavailableError

if TYPE_CHECKING:
    from livesteward.evals.load.figures import Arm, Costs
    from livesteward.evals.load.running import LoadPlan, LoadReport
    from livesteward.evals.load.yardstick import Yardstick
    from livesteward.settings import ModelSettings

HELP = """Ask a model server about realistic segments at a given rate, and say how many it judges in time.

A request is what the judge sends: the prompt with a rulebook and a segment, and the schema of the answer. Segments come at random moments
(Poisson) whether or not earlier ones are answered, and latency counts from the moment planned. An answer is good where it is valid and came
within --objective seconds; goodput is good answers per second.

\b
  livesteward bench model --rate 2                         one rate
  livesteward bench model --rate 1,2,4,8 --out load.svg    a sweep, as a picture
  livesteward bench model --rate 2 --against http://127.0.0.1:8001/v1
                                                           a second server, in turn, with the same segments at the same moments
  livesteward bench model --rate 2 --prefix-order both     what the stable prefix is worth: the rules before and after the segment
  livesteward bench model --yardstick ~/vllm/bin/vllm      our client against vLLM's own benchmark client

The server is that of the settings (LIVESTEWARD_MODEL__BASE_URL) or --url. Leaves with 1 where no segment was judged in time, where the
lower end of the ratio's 95 % interval is below --at-least (the ratio itself with --rounds 1, which have no interval), or where our client
costs more than 5 % against vLLM's; with 2 where something is wrong with what was asked for."""


class Order(StrEnum):
    """What to ask with."""

    STABLE = "stable"
    SEGMENT_FIRST = "segment-first"
    BOTH = "both"


def model(
    rate: Annotated[str, typer.Option(help="Segments per second; several, with commas, for a sweep.")] = "1",
    url: Annotated[str | None, typer.Option(help="The server, with /v1, in place of the settings'.")] = None,
    against: Annotated[str | None, typer.Option(help="A second server to compare with.")] = None,
    prefix_order: Annotated[
        Order, typer.Option(help="Rules before the segment, as the judge has it, or after it; or both, compared.")
    ] = Order.STABLE,
    objective: Annotated[float, typer.Option(min=0.01, help="Seconds within which an answer is good.")] = 5.0,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds at each rate; arms take turns in them.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.1, help="Length of a round.")] = 20.0,
    warm_up: Annotated[float, typer.Option(min=0, help="Seconds before each round that are not counted.")] = 5.0,
    rules_tokens: Annotated[int, typer.Option(min=1, help="Tokens of the rules in each prompt.")] = 3_000,
    rulebooks: Annotated[int, typer.Option(min=1, help="Different rulebooks, in turn.")] = 1,
    segments: Annotated[
        Path | None, typer.Option(help="Your own segments, one as JSON on each line; else drawn from texts of the golden set.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="The most requests at once, in place of the settings'.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=64, help="The most tokens of an answer, in place of the settings'.")] = None,
    gpu_hour_usd: Annotated[float | None, typer.Option(min=0, help="Price of one GPU for an hour.")] = None,
    gpus: Annotated[int, typer.Option(min=1, help="GPUs that the server has.")] = 1,
    prices: Annotated[Path | None, typer.Option(help="Prices of tokens (TOML), as for `livesteward eval`.")] = None,
    judged_share: Annotated[float, typer.Option(min=0.001, max=1, help="Share of a stream's segments that reach the model.")] = 1.0,
    at_least: Annotated[
        float | None, typer.Option(help="Leave with 1 where the goodput's ratio, by the lower end of its 95 % interval, is below this.")
    ] = None,
    yardstick: Annotated[str | None, typer.Option(help="The vllm command whose `bench serve` to measure our client against.")] = None,
    yardstick_prompts: Annotated[int, typer.Option(min=1, help="Prompts of each yardstick run.")] = 64,
    yardstick_repeats: Annotated[int, typer.Option(min=1, help="Yardstick runs of each client.")] = 3,
    seed: Annotated[int, typer.Option(help="Of segments and moments.")] = 0,
    out: Annotated[list[Path] | None, typer.Option(help="Write a .json or .svg file; may be given several times.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Stand in for the help, which is set where the command is registered."""
    from livesteward.evals.stats.extra import require_statistics

    require_statistics()
    for path in out or ():
        if path.suffix not in {".json", ".svg"}:
            raise InputError(f"{path}: name a .json or .svg file", field="--out")
    if at_least is not None and against is None and prefix_order is not Order.BOTH:
        raise InputError("there is nothing to compare with: give --against or --prefix-order both as well", field="--at-least")
    if against is not None and prefix_order is Order.BOTH:
        raise InputError("compare servers (--against) or orders (--prefix-order both), one at a time", field="--prefix-order")
    settings = _model_settings(url, concurrency=concurrency, max_tokens=max_tokens)
    name = _served_name(settings, settings.base_url or "")
    settings = settings.model_copy(update={"name": name})
    arms = _arms(settings, against, prefix_order)
    plan, facts = _plan(
        arms,
        settings,
        rates=_rates(rate),
        rounds=rounds,
        seconds=seconds,
        warm_up=warm_up,
        objective=objective,
        rules_tokens=rules_tokens,
        rulebooks=rulebooks,
        segments=segments,
        seed=seed,
        least_segments=yardstick_prompts if yardstick else 1,
        costs=_costs(gpu_hour_usd, gpus, prices, judged_share, name),
    )
    if yardstick is not None:
        _finish_yardstick(_run_yardstick(yardstick, plan, yardstick_prompts, yardstick_repeats), out or [], as_json=as_json)
        return
    report = _run(plan, facts)
    _finish(report, out or [], as_json=as_json, at_least=at_least)


def _rates(given: str) -> tuple[float, ...]:
    try:
        rates = tuple(dict.fromkeys(float(part) for part in given.split(",")))
    except ValueError as error:
        raise InputError(f"{given!r} is no rate; give segments per second, such as 2 or 1,2,4", field="--rate") from error
    if not all(0 < rate <= 10_000 for rate in rates):
        raise InputError("a rate is above 0 and at most 10,000 segments per second", field="--rate")
    return rates


def _model_settings(url: str | None, *, concurrency: int | None, max_tokens: int | None) -> ModelSettings:
    from livesteward.settings import load_settings

    given = {"base_url": url, "concurrency": concurrency, "max_tokens": max_tokens}
    settings = load_settings(model={name: value for name, value in given.items() if value is not None}).model
    settings = settings.model_copy(update={"base_url": next(iter(settings.urls), None), "endpoints": ()})
    if settings.base_url is None:
        raise ConfigurationError("there is no server to measure: set LIVESTEWARD_MODEL__BASE_URL or give --url http://127.0.0.1:8000/v1")
    return settings


def _served_name(settings: ModelSettings, url: str) -> str:
    """Return the model's name at a server: the configured one where the server has it, else the first that it lists."""
    import httpx2

    try:
        headers = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
        listed = httpx2.get(f"{url.rstrip('/')}/models", timeout=5.0, headers=headers).json()
        names = [str(one["id"]) for one in listed["data"]]
        return settings.name if settings.name in names else names[0]
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, LookupError, TypeError) as error:
        raise ModelUnavailableError(
            f"no model server answers at {shown_address(url)} ({type(error).__name__}); start one, or name another with --url"
        ) from error


def _arms(settings: ModelSettings, against: str | None, prefix_order: Order) -> tuple[Arm, ...]:
    from livesteward.evals.load.asking import PrefixOrder
    from livesteward.evals.load.figures import Arm

    url = settings.base_url or ""
    shown = shown_address(url)
    if prefix_order is Order.BOTH:
        rules = {"rules first": PrefixOrder.STABLE, "rules last": PrefixOrder.SEGMENT_FIRST}
        return tuple(Arm(name=name, base_url=url, model=settings.name, order=order) for name, order in rules.items())
    order = PrefixOrder(prefix_order.value)
    first = Arm(name=shown, base_url=url, model=settings.name, order=order)
    if against is None:
        return (first,)
    try:
        name = shown_address(against)
    except ValueError as error:
        raise InputError(f"that is no address: {error}", field="--against") from error
    if name == shown:
        name += " again"
    return (first, Arm(name=name, base_url=against, model=_served_name(settings, against), order=order))


def _costs(gpu_hour_usd: float | None, gpus: int, prices: Path | None, judged_share: float, name: str) -> Costs:
    from livesteward.evals.load.figures import Costs
    from livesteward.evals.metrics.cost import load_prices

    price = None
    if prices is not None:
        listed = load_prices(prices)
        if name not in listed:
            raise InputError(f"has no price of {name!r}, but of {', '.join(listed) or 'nothing'}", field=str(prices))
        price = listed[name]
    return Costs(gpu_hour_usd=gpu_hour_usd, gpus=gpus, price=price, judged_share=judged_share)


def _plan(
    arms: tuple[Arm, ...],
    settings: ModelSettings,
    *,
    rates: tuple[float, ...],
    rounds: int,
    seconds: float,
    warm_up: float,
    objective: float,
    rules_tokens: int,
    rulebooks: int,
    segments: Path | None,
    seed: int,
    least_segments: int,
    costs: Costs,
) -> tuple[LoadPlan, dict[str, Any]]:
    """Make everything that is asked, and say how the tokens of the rules were counted."""
    from datetime import UTC, datetime

    from livesteward.evals.cases import Split
    from livesteward.evals.dataset import SHIPPED, load_dataset
    from livesteward.evals.load.asking import make_rulebooks, rules_text
    from livesteward.evals.load.counting import token_counter
    from livesteward.evals.load.running import LoadPlan
    from livesteward.evals.load.segments import draw_segments, read_segments
    from livesteward.prompts.registry import PromptRegistry
    from livesteward.retrieval.rulebook import load_library
    from livesteward.settings import load_settings

    whole = load_settings()
    needed = max(LoadPlan.segments_needed(rates, rounds, warm_up + seconds, seed=seed), least_segments)
    if segments is not None:
        drawn = read_segments(segments, needed, seed=seed)
    else:
        drawn = draw_segments(load_dataset(SHIPPED).select(splits=[Split.DEV]).cases, needed, seed=seed)
    library = load_library(whole.policies_dir)
    today = datetime.now(UTC).date()
    sample = "\n".join(rule.text for rule in library.rulebook("global", today).rules[:20])
    count, counted_by = token_counter(settings, model=settings.name, sample=sample)
    books = make_rulebooks(library, on=today, count=rulebooks, tokens=rules_tokens, count_tokens=count)
    prompt = PromptRegistry(whole.prompts_dir).named(whole.prompt)
    tokens = sum(count(rules_text(prompt, drawn[0], book)) for book in books) / len(books)
    plan = LoadPlan(
        arms=arms,
        rates=rates,
        rounds=rounds,
        seconds=seconds,
        warm_up_s=warm_up,
        objective_s=objective,
        segments=drawn,
        books=books,
        prompt=prompt,
        settings=settings,
        costs=costs.model_copy(update={"segment_s": sum(one.duration_s for one in drawn) / len(drawn)}),
        seed=seed,
    )
    return plan, {"rules_tokens": round(tokens), "counted_by": counted_by}


def _run(plan: LoadPlan, facts: dict[str, Any]) -> LoadReport:
    from livesteward.evals.load.running import make_report, run_load

    with _bar(plan.expected_s) as progress:
        found = asyncio.run(run_load(plan, progress=progress))
    return make_report(plan, found, **facts)


def _run_yardstick(vllm: str, plan: LoadPlan, prompts: int, repeats: int) -> Yardstick:
    from livesteward.evals.load.asking import PrefixOrder, make_request
    from livesteward.evals.load.yardstick import measure_yardstick
    from livesteward.prompts.answer import judge_schema

    requests = [
        make_request(plan.prompt, segment, plan.books[index % len(plan.books)], order=PrefixOrder.STABLE, settings=plan.settings)
        for index, segment in enumerate(plan.segments[:prompts])
    ]
    schema = judge_schema((), plan.segments[0])
    with _bar(None) as progress:
        return asyncio.run(
            measure_yardstick(
                vllm, requests, schema=schema, settings=plan.settings, model=plan.settings.name, repeats=repeats, progress=progress
            )
        )


@contextmanager
def _bar(expected_s: float | None) -> Iterator[Callable[[float, str], None]]:
    """Show what goes on and how much time is left, at a terminal."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=28), TimeElapsedColumn())
    left = (TextColumn("left"), TimeRemainingColumn())
    if expected_s is not None and errors.is_terminal:
        errors.print(f"[dim]about {max(1, round(expected_s / 60))} min, longer where the server falls behind[/]")
    with Progress(*columns, *left, console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("getting ready", total=1.0)
        yield lambda share, what: bar.update(task, completed=share, description=what)


def _write(content: dict[str, str], out: list[Path]) -> None:
    for path in out:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content[path.suffix], encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written ({error.strerror})") from error
        except KeyError as error:
            raise InputError(f"{path}: there is no picture of this", field="--out") from error


def _finish(report: LoadReport, out: list[Path], *, as_json: bool, at_least: float | None) -> None:
    from livesteward.evals.load.chart import chart

    _write({".json": _as_json(report), ".svg": chart(report)}, out)
    if as_json:
        print_json(report)
    else:
        print_load(report)
        for path in out:
            console.print(f"written: {path}")
    good = any((one.goodput_per_s.value or 0) > 0 for one in report.points)
    if not good or (at_least is not None and not _is_at_least(report, at_least)):
        raise typer.Exit(EXIT_FOUND)


def _is_at_least(report: LoadReport, wanted: float) -> bool:
    ratio = report.ratios[-1].goodput
    if ratio.value is None:
        # The second arm judged nothing in time: beyond all bounds where the first did.
        return any((one.goodput_per_s.value or 0) > 0 for one in report.of(report.arms[0].name))
    return (ratio.value if ratio.low is None else ratio.low) >= wanted


def _finish_yardstick(found: Yardstick, out: list[Path], *, as_json: bool) -> None:
    _write({".json": _as_json(found)}, out)
    if as_json:
        print_json(found.model_dump(mode="json") | {"overhead": round(found.overhead, 4)})
    else:
        print_yardstick(found)
    if not found.is_within:
        raise typer.Exit(EXIT_FOUND)


def _as_json(value: LoadReport | Yardstick) -> str:
    return json.dumps(value.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
