"""What a judgement costs: milliseconds by step, tokens, and money by a price table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from livesteward.contracts import Contract, TokenCounts
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.metrics.catalogue import OF
from livesteward.evals.outcomes import Record, Timing
from livesteward.evals.scorecard import Estimate, Figures
from livesteward.evals.stats.bootstrap import means
from livesteward.evals.stats.intervals import percentile

PERCENTILES: Final = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}
_MILLION: Final = 1_000_000

Usd = Annotated[float, Field(ge=0)]


class Price(Contract):
    """What a model takes for a million tokens, in US dollars; ``cached`` for prompt tokens that it already held, the same if not given."""

    prompt: Usd
    completion: Usd
    cached: Usd | None = None


Prices = Mapping[str, Price]
"""By the model's name, as it stands in the provenance of verdicts."""


def load_prices(path: Path) -> Prices:
    """Read a TOML file with a table for each model: ``["my-model"]``, ``prompt = 0.5``, ``completion = 1.5``, and ``cached`` if it differs.

    Raises:
        ConfigurationError: If the file is missing, no TOML, or holds a wrong value; names file and field.
    """
    try:
        return TypeAdapter(dict[str, Price]).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ConfigurationError(str(InputError.from_validation(error, source=str(path)))) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def cost_figures(records: Sequence[Record], timings: Sequence[Timing], clusters: Mapping[str, str], *, prices: Prices | None) -> Figures:
    """Return latency percentiles overall and by step, mean tokens, and the cost of 1,000 segments.

    Latencies leave out what came from the cache: it was not judged in this run. Their intervals lie between order statistics (see
    :func:`livesteward.evals.stats.intervals.percentile`), those of means are clustered BCa intervals. Cost per 1,000 segments is ``1000 *
    mean((prompt - cached) * P + cached * C + completion * Q) / 10^6`` with prices per million tokens; it is not stated where a model that
    used tokens has no price.

    Args:
        records: Of a run.
        timings: Of the same run.
        clusters: By case.
        prices: By model.
    """
    found = latencies(timings)
    if not records:
        return found
    names = [clusters[record.case_id] for record in records]
    tokens = [record.verdict.provenance.tokens for record in records]
    columns = [[float(count.prompt) for count in tokens], [float(count.completion) for count in tokens]]
    columns.append([float(count.cached) for count in tokens])
    found |= dict(zip(("tokens_prompt", "tokens_completion", "tokens_cached"), means(columns, names), strict=True))
    if prices is not None:
        costs = [cost_usd(record.verdict.provenance.tokens, prices.get(record.verdict.provenance.model)) for record in records]
        known = [cost * 1_000 for cost in costs if cost is not None]
        found["cost_per_1000"] = means([known], names)[0] if len(known) == len(costs) else Estimate(value=None, n=len(known))
    return found


def latencies(timings: Sequence[Timing]) -> Figures:
    """Return percentiles of the whole segment, as ``latency_p95``, and of each step, as ``latency_p95:judge``."""
    fresh = [timing for timing in timings if not timing.from_cache]
    steps: dict[str, list[float]] = {}
    for timing in fresh:
        for step, spent in timing.latency_ms.items():
            steps.setdefault(step, []).append(spent)
    found: Figures = {}
    for name, share in PERCENTILES.items():
        if fresh:
            found[name] = percentile([timing.wall_ms for timing in fresh], share)
        for step, values in sorted(steps.items()):
            found[f"{name}{OF}{step}"] = percentile(values, share)
    return found


def cost_usd(tokens: TokenCounts, price: Price | None) -> float | None:
    """Return what a verdict's tokens cost in US dollars; None where there are tokens and no price."""
    if price is None:
        return 0.0 if tokens.prompt + tokens.completion == 0 else None
    held = min(tokens.cached, tokens.prompt)
    cached = price.prompt if price.cached is None else price.cached
    return ((tokens.prompt - held) * price.prompt + held * cached + tokens.completion * price.completion) / _MILLION
