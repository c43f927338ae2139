"""What a load run comes to: latency, goodput, tokens, cache hits, failures and cost of each arm at each rate, and one against the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import numpy as np
from pydantic import Field, PlainSerializer

from livesteward.address import shown_address
from livesteward.contracts import Contract
from livesteward.evals.load.asking import PrefixOrder
from livesteward.evals.load.driving import Asked
from livesteward.evals.metrics.cost import Price, cost_usd
from livesteward.evals.scorecard import Estimate
from livesteward.evals.stats.bootstrap import Floats, bootstrap

PERCENTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_HOUR_S: Final = 3_600
_THOUSAND: Final = 1_000


class Arm(Contract):
    """One side of a comparison: a server, its model's name there, and the order of what is sent to it."""

    name: str
    base_url: Annotated[str, PlainSerializer(shown_address)]
    model: str
    order: PrefixOrder = PrefixOrder.STABLE


class Round(Contract):
    """What one arm was asked in one round at one rate.

    Attributes:
        arm: The arm's name.
        rate: Segments a second that were planned.
        number: Of the round; arms of one rate and number got the same segments at the same offsets.
        seconds: That count, without the warm-up.
        warm_up_s: Before them.
        asked: Everything, with the warm-up.
        cache: Prompt tokens that the server looked up in its prefix cache and found there, with the warm-up; where it shows them.
    """

    arm: str
    rate: Annotated[float, Field(gt=0)]
    number: int
    seconds: Annotated[float, Field(gt=0)]
    warm_up_s: Annotated[float, Field(ge=0)]
    asked: tuple[Asked, ...]
    cache: tuple[float, float] | None = None


class Costs(Contract):
    """What is needed to say what something costs.

    Attributes:
        gpu_hour_usd: Of one GPU.
        gpus: That the server has.
        price: Of tokens.
        segment_s: Mean length of a segment.
        judged_share: Share of a stream's segments that reach the model; the screen clears the others.
    """

    gpu_hour_usd: Annotated[float, Field(ge=0)] | None = None
    gpus: Annotated[int, Field(ge=1)] = 1
    price: Price | None = None
    segment_s: Annotated[float, Field(gt=0)] = 20
    judged_share: Annotated[float, Field(gt=0, le=1)] = 1.0


class Point(Contract):
    """One arm at one rate.

    Attributes:
        offered: Segments that were asked about and counted.
        latency_s: Percentiles of the valid answers, in seconds from the planned moment.
        answered_per_s: Valid answers that came while it counts, a second, whenever they were asked for: what the server gets through.
        goodput_per_s: Of the segments that count, those with a valid answer within the objective, a second.
        failures: How many have no valid answer, by reason.
        late: Valid answers beyond the objective.
        trimmed: Valid answers to prompts of which something was left out, for lack of room in the model's context.
        tokens_in_per_s: Prompt tokens of the answers of ``answered_per_s``, a second.
        tokens_out_per_s: Their completion tokens.
        tokens_in: Mean prompt tokens of the valid answers that count.
        tokens_out: Their mean completion tokens.
        cached_share: Share of prompt tokens that the server says it did not compute again, as answers report it; None where none does.
        cached_share_server: The same by the server's own counters, over everything that it did in these rounds.
        usd_per_1000_stream_hours: By the price of GPU hours (``gpu``) and of tokens (``tokens``), where given.
    """

    arm: str
    rate: float
    offered: int
    latency_s: dict[str, float]
    answered_per_s: float
    goodput_per_s: Estimate
    failures: dict[str, int]
    late: int
    trimmed: int
    tokens_in_per_s: float
    tokens_out_per_s: float
    tokens_in: float
    tokens_out: float
    cached_share: float | None = None
    cached_share_server: float | None = None
    usd_per_1000_stream_hours: dict[str, float] = {}


class Ratio(Contract):
    """Goodput of the first arm over that of the second.

    Attributes:
        rate: At which; None for the best of each arm.
        goodput: The ratio with its interval; no value where the second arm has no good answer.
    """

    rate: float | None
    goodput: Estimate


def point(rounds: Sequence[Round], *, objective_s: float, costs: Costs) -> Point:
    """Return the figures of the rounds of one arm at one rate."""
    asked = [one for round_ in rounds for one in round_.asked if one.counted]
    valid = [one for one in asked if not one.failure]
    seconds = sum(round_.seconds for round_ in rounds)
    # Of a server that is asked too much, answers come long after the round: all that it was asked for would be the load that was offered.
    done = [one for round_ in rounds for one in round_.asked if not one.failure and _came_in_time_that_counts(one, round_)]
    tokens_in = sum(one.tokens.prompt for one in valid)
    tokens_out = sum(one.tokens.completion for one in valid)
    cached = sum(one.tokens.cached for one in valid)
    reported = any("cached" in one.tokens.model_fields_set for one in valid)
    looked = [round_.cache for round_ in rounds if round_.cache is not None]
    queried = sum(queries for queries, _ in looked)
    goodput = goodput_estimate(rounds, objective_s)
    return Point(
        arm=rounds[0].arm,
        rate=rounds[0].rate,
        offered=len(asked),
        latency_s=percentiles([one.latency_s for one in valid]),
        answered_per_s=round(len(done) / seconds, 4),
        goodput_per_s=goodput,
        failures=dict(sorted(Counter(one.failure for one in asked if one.failure).items())),
        late=sum(one.latency_s > objective_s for one in valid),
        trimmed=sum(one.trimmed for one in valid),
        tokens_in_per_s=round(sum(one.tokens.prompt for one in done) / seconds, 1),
        tokens_out_per_s=round(sum(one.tokens.completion for one in done) / seconds, 1),
        tokens_in=round(tokens_in / len(valid), 1) if valid else 0.0,
        tokens_out=round(tokens_out / len(valid), 1) if valid else 0.0,
        cached_share=round(cached / tokens_in, 4) if tokens_in and reported else None,
        cached_share_server=round(sum(hits for _, hits in looked) / queried, 4) if queried else None,
        usd_per_1000_stream_hours=_usd(valid, goodput.value or 0.0, costs),
    )


def _came_in_time_that_counts(one: Asked, round_: Round) -> bool:
    return round_.warm_up_s <= one.offset_s + one.latency_s < round_.warm_up_s + round_.seconds


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the usual percentiles; nothing of nothing."""
    if not values:
        return {}
    found = np.quantile(np.asarray(values), list(PERCENTILES.values()))
    return {name: round(float(value), 4) for name, value in zip(PERCENTILES, found, strict=True)}


def good(round_: Round, objective_s: float) -> int:
    """Count the segments of a round that were answered validly within the objective."""
    return sum(one.counted and not one.failure and one.latency_s <= objective_s for one in round_.asked)


def goodput_estimate(rounds: Sequence[Round], objective_s: float) -> Estimate:
    """Return the good answers a second, with an interval from resampled rounds."""
    sums = np.array([[good(round_, objective_s), round_.seconds] for round_ in rounds], dtype=np.float64)

    def of_draws(counts: Floats) -> Floats:
        drawn = counts @ sums
        shares: Floats = (drawn[:, :1] / drawn[:, 1:]).T
        return shares

    return bootstrap(of_draws, len(sums), n=[float(sums[:, 0].sum())])[0]


def goodput_ratio(first: Sequence[Round], second: Sequence[Round], objective_s: float) -> Estimate:
    """Return the ratio of two arms' goodput, with an interval from resampled pairs of rounds.

    Whole rounds are drawn, since the answers of one round wait for each other. A draw in which the second arm has no good answer has no
    ratio. Where there are rounds of several rates, each arm counts with its best: chosen in each draw anew, since which is best was seen
    in these very rounds.
    """
    numbers = sorted({round_.number for round_ in first} & {round_.number for round_ in second})
    sums = [_goodput_by_round(rounds, numbers, objective_s) for rounds in (first, second)]

    def of_draws(counts: Floats) -> Floats:
        ours, theirs = ((counts @ one).max(axis=1) for one in sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios: Floats = np.where(theirs > 0, ours / theirs, np.nan)[None, :]
        return ratios

    return bootstrap(of_draws, len(numbers), n=[float(len(numbers))])[0]


def _goodput_by_round(rounds: Sequence[Round], numbers: Sequence[int], objective_s: float) -> Floats:
    """Return good answers a second, by the number of the round and by rate."""
    rates = sorted({round_.rate for round_ in rounds})
    found = {(round_.number, round_.rate): good(round_, objective_s) / round_.seconds for round_ in rounds}
    return np.array([[found[number, rate] for rate in rates] for number in numbers], dtype=np.float64)


def ratios(rounds: Mapping[tuple[str, float], Sequence[Round]], first: str, second: str, *, objective_s: float) -> list[Ratio]:
    """Return the ratio at each rate, and last that of each arm's best rate."""
    rates = sorted({rate for _, rate in rounds})
    found = [Ratio(rate=rate, goodput=goodput_ratio(rounds[first, rate], rounds[second, rate], objective_s)) for rate in rates]
    if len(rates) > 1:
        whole = [[round_ for rate in rates for round_ in rounds[arm, rate]] for arm in (first, second)]
        found.append(Ratio(rate=None, goodput=goodput_ratio(whole[0], whole[1], objective_s)))
    return found


def _usd(valid: Sequence[Asked], goodput: float, costs: Costs) -> dict[str, float]:
    judged = _THOUSAND * _HOUR_S / costs.segment_s * costs.judged_share
    found: dict[str, Any] = {}
    if costs.gpu_hour_usd is not None and goodput > 0:
        found["gpu"] = round(judged / (goodput * _HOUR_S) * costs.gpus * costs.gpu_hour_usd, 2)
    if costs.price is not None and valid:
        spent = sum(cost_usd(one.tokens, costs.price) or 0.0 for one in valid)
        found["tokens"] = round(judged * spent / len(valid), 2)
    return found
