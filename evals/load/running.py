"""A load run from start to end: rounds of each rate, arms in turn with the same segments at the same offsets, figures at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

import httpx2
from pydantic import Field

from livesteward.address import metrics_url, shown_address
from livesteward.contracts import Contract, RetrievedRule, Segment
from livesteward.errors import ModelUnavailableError
from livesteward.evals.load.asking import make_request
from livesteward.evals.load.driving import Arrival, drive, poisson_offsets
from livesteward.evals.load.figures import Arm, Costs, Point, Ratio, Round, point, ratios
from livesteward.models.answer_size import bounded
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.vllm_metrics import read_metrics
from livesteward.prompts.registry import Prompt
from livesteward.settings import ModelSettings

_PROBE_S = 5.0


@dataclass(frozen=True)
class LoadPlan:
    """What to run.

    Attributes:
        arms: One, or two to compare.
        rates: Segments a second, one after the other.
        rounds: Of each arm at each rate.
        seconds: Of each round that count.
        warm_up_s: Before them, with the same arrivals, not counted.
        objective_s: Within which an answer is good.
        segments: At least as many as come; each is asked about once by each arm.
        books: Rulebooks, taken in turn.
        prompt: The judge's.
        settings: Of the model; the address is the arm's.
        costs: Prices.
        seed: Of segments and arrivals.
    """

    arms: tuple[Arm, ...]
    rates: tuple[float, ...]
    rounds: int
    seconds: float
    warm_up_s: float
    objective_s: float
    segments: Sequence[Segment]
    books: Sequence[tuple[RetrievedRule, ...]]
    prompt: Prompt
    settings: ModelSettings
    costs: Costs = field(default_factory=Costs)
    seed: int = 0

    def arrivals(self, rate: float, number: int) -> list[Arrival]:
        """Return what comes in round ``number`` at ``rate``: the same for every arm, and nothing that came in another round."""
        offsets = [self._offsets(other, round_) for other in self.rates for round_ in range(self.rounds)]
        place = self.rates.index(rate) * self.rounds + number
        before = sum(len(one) for one in offsets[:place])
        return [
            Arrival(offset_s=offset, segment=self.segments[before + index], book=index % len(self.books))
            for index, offset in enumerate(offsets[place])
        ]

    def _offsets(self, rate: float, number: int) -> list[float]:
        return poisson_offsets(rate, self.warm_up_s + self.seconds, seed=f"{self.seed} {rate:g} {number}")

    @classmethod
    def segments_needed(cls, rates: Sequence[float], rounds: int, seconds: float, *, seed: int) -> int:
        """Return how many segments come in all rounds of all rates.

        Args:
            rates: Segments a second.
            rounds: At each rate.
            seconds: Of each round with its warm-up.
            seed: Of the arrivals.
        """
        return sum(len(poisson_offsets(rate, seconds, seed=f"{seed} {rate:g} {number}")) for rate in rates for number in range(rounds))

    @property
    def expected_s(self) -> float:
        """How long it takes where the server keeps up."""
        return len(self.rates) * self.rounds * len(self.arms) * (self.warm_up_s + self.seconds)


class LoadReport(Contract):
    """What was measured.

    Attributes:
        model: The model's name, of the first arm.
        prompt: Name and version of the prompt.
        rulebooks: How many.
        rules_tokens: Mean tokens of the rules in a prompt, as ``tokens_counted_by`` counts.
        tokens_counted_by: ``server``, ``tokenizer`` or ``estimate``.
        concurrency: The most requests at once.
        adaptive: Whether that moved.
        segment_s: Mean length of the segments.
        points: An arm at a rate.
        ratios: First arm against second, where there are two.
        complaints: What a few failures said.
    """

    model: str
    prompt: str
    arms: tuple[Arm, ...]
    objective_s: float
    rounds: int
    seconds: float
    warm_up_s: float
    seed: int
    rulebooks: int
    rules_tokens: int
    tokens_counted_by: str
    concurrency: int
    adaptive: bool
    segment_s: Annotated[float, Field(gt=0)]
    points: tuple[Point, ...]
    ratios: tuple[Ratio, ...] = ()
    complaints: tuple[str, ...] = ()

    def of(self, arm: str) -> tuple[Point, ...]:
        """Return the points of one arm, by rate."""
        return tuple(sorted((one for one in self.points if one.arm == arm), key=lambda one: one.rate))


Progress = Callable[[float, str], None]
"""Told the share of the whole that is over, and what is going on."""


async def run_load(plan: LoadPlan, *, progress: Progress | None = None) -> list[Round]:
    """Run every round.

    Raises:
        ModelUnavailableError: If a server does not answer at all before the first round.
    """
    for arm in plan.arms:
        await _check_answers(arm.base_url)
    found: list[Round] = []
    whole = len(plan.rates) * plan.rounds * len(plan.arms)
    for rate in plan.rates:
        for number in range(plan.rounds):
            # A B, then B A: what drifts on the machine meets both alike.
            arms = plan.arms if number % 2 == 0 else plan.arms[::-1]
            for arm in arms:
                async with _ticking(progress, len(found), whole, plan, f"{rate:g}/s, round {number + 1} of {plan.rounds}: {arm.name}"):
                    found.append(await _round(plan, arm, rate, number))
    return found


async def _round(plan: LoadPlan, arm: Arm, rate: float, number: int) -> Round:
    arrivals = plan.arrivals(rate, number)
    # Rendering is no part of what is measured here, and would delay the next arrival.
    requests = [make_request(plan.prompt, one.segment, plan.books[one.book], order=arm.order, settings=plan.settings) for one in arrivals]
    # A client of its own: what one round did to breaker and limiter must not meet the next.
    model = OpenAICompatibleModel(
        plan.settings.model_copy(update={"base_url": arm.base_url, "name": arm.model, "endpoints": (), "fallbacks": ()})
    )
    try:
        before = await server_counters(arm.base_url)
        asked = await drive(model, arrivals, requests, warm_up_s=plan.warm_up_s)
        after = await server_counters(arm.base_url)
    finally:
        await model.aclose()
    return Round(
        arm=arm.name,
        rate=rate,
        number=number,
        seconds=plan.seconds,
        warm_up_s=plan.warm_up_s,
        asked=tuple(asked),
        cache=_looked_up(before, after),
    )


def make_report(plan: LoadPlan, rounds: Sequence[Round], *, rules_tokens: int, counted_by: str) -> LoadReport:
    """Return the figures of all rounds."""
    by_point: dict[tuple[str, float], list[Round]] = {}
    for one in rounds:
        by_point.setdefault((one.arm, one.rate), []).append(one)
    complaints = dict.fromkeys(one.detail for round_ in rounds for one in round_.asked if one.detail)
    first, *others = plan.arms
    return LoadReport(
        model=first.model,
        prompt=f"{plan.prompt.ref.name}@v{plan.prompt.ref.version}",
        arms=plan.arms,
        objective_s=plan.objective_s,
        rounds=plan.rounds,
        seconds=plan.seconds,
        warm_up_s=plan.warm_up_s,
        seed=plan.seed,
        rulebooks=len(plan.books),
        rules_tokens=rules_tokens,
        tokens_counted_by=counted_by,
        concurrency=plan.settings.concurrency,
        adaptive=plan.settings.adaptive,
        segment_s=plan.costs.segment_s,
        points=tuple(point(of_point, objective_s=plan.objective_s, costs=plan.costs) for of_point in by_point.values()),
        ratios=tuple(ratio for other in others for ratio in ratios(by_point, first.name, other.name, objective_s=plan.objective_s)),
        complaints=tuple(complaints)[:5],
    )


async def server_counters(base_url: str) -> dict[str, float]:
    """Return what vLLM counts; nothing where it cannot be read."""
    try:
        async with bounded(httpx2.AsyncClient(timeout=_PROBE_S)) as client:
            response = await client.get(metrics_url(base_url))
            return read_metrics(response.text) if response.status_code == httpx2.codes.OK else {}
    except httpx2.HTTPError:
        return {}


def _looked_up(before: dict[str, float], after: dict[str, float]) -> tuple[float, float] | None:
    names = ("prefix_cache_queries", "prefix_cache_hits")
    if not all(name in counters for name in names for counters in (before, after)):
        return None
    queries, hits = (after[name] - before[name] for name in names)
    return (queries, hits) if queries > 0 else None


async def _check_answers(base_url: str) -> None:
    try:
        async with bounded(httpx2.AsyncClient(timeout=_PROBE_S)) as client:
            await client.get(f"{base_url.rstrip('/')}/models")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ModelUnavailableError(
            f"nothing answers at {shown_address(base_url)} ({type(error).__name__}); "
            "start a server, or name one with --url or model.base_url"
        ) from error


@asynccontextmanager
async def _ticking(progress: Progress | None, over: int, whole: int, plan: LoadPlan, what: str) -> AsyncIterator[None]:
    """Tell the progress twice a second while a round runs."""
    if progress is None:
        yield
        return
    told = progress
    began = time.perf_counter()

    async def tick() -> None:
        while True:
            share = min(0.99, (time.perf_counter() - began) / (plan.warm_up_s + plan.seconds))
            told((over + share) / whole, what)
            await asyncio.sleep(0.5)

    ticker = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticker.cancel()
        told((over + 1) / whole, what)
