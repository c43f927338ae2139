"""Gates: what a run must hold to pass, in a commented TOML file, and the one function that says what they say together."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from livesteward.contracts import Contract
from livesteward.contracts.base import Probability
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.comparing import PAIRED
from livesteward.evals.scorecard import (
    EXIT_INCONCLUSIVE,
    EXIT_PASS,
    EXIT_REGRESSION,
    Comparison,
    Estimate,
    GateLine,
    Outcome,
    PairedTest,
    Result,
    Scorecard,
)

_TITLES = {metric.name: metric.title for metric in PAIRED}
_SIGNS = {metric.name: 1.0 if metric.lower_is_better else -1.0 for metric in PAIRED}


class Floor(Contract):
    """An absolute limit of one figure.

    ``metric`` is a name in the group of the scorecard that ``group`` names; ``slice`` (``category:self_harm``) takes that slice's figure.
    """

    metric: str
    group: Literal["overall", "streams", "retrieval", "evidence", "robustness", "calibration"] = "overall"
    slice: Annotated[str, Field(pattern=r"^([a-z]+:[A-Za-z0-9_-]+)?$")] = ""
    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.min is None) == (self.max is None):
            raise ValueError("give either min or max")
        if self.slice and self.group != "overall":
            raise ValueError("slice: only figures of the group 'overall' have slices")
        return self


class NonInferior(Contract):
    """How much worse than the baseline a share of rows may be: the upper end of the 95 % interval must not reach beyond ``margin``."""

    metric: str
    margin: Probability
    slice: Annotated[str, Field(pattern=r"^([a-z]+:[A-Za-z0-9_-]+)?$")] = ""


class NoWorse(Contract):
    """Slices that must not be worse than the baseline beyond chance (exact McNemar test, Holm's correction over the dimension)."""

    metric: str
    dimensions: Annotated[tuple[Literal["category", "region", "severity", "language", "kind"], ...], Field(min_length=1)]


class Gates(Contract):
    """All gates of a file.

    Attributes:
        baseline: Path of the baseline, relative to the file.
        alpha: Chance of calling a slice worse that is not.
        max_failed: Segments that may fail for reasons that are not the judge's (an outage, broken media).
        floor: Absolute limits.
        non_inferior: Limits against the baseline.
        no_worse: Slices that must not get worse.
    """

    baseline: str
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    max_failed: Annotated[int, Field(ge=0)] = 0
    floor: tuple[Floor, ...] = ()
    non_inferior: tuple[NonInferior, ...] = ()
    no_worse: tuple[NoWorse, ...] = ()

    @model_validator(mode="after")
    def _metrics_exist(self) -> Self:
        for metric in (*(gate.metric for gate in self.non_inferior), *(gate.metric for gate in self.no_worse)):
            if metric not in _TITLES:
                raise ValueError(f"metric {metric!r} cannot be compared; there are: {', '.join(_TITLES)}")
        return self


def load_gates(path: Path) -> Gates:
    """Read gates.

    Raises:
        ConfigurationError: If the file is missing, no TOML, or holds a wrong value; names file and field.
    """
    try:
        return Gates.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise ConfigurationError(str(InputError.from_validation(error, source=str(path)))) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error


def judge(gates: Gates, card: Scorecard, comparison: Comparison | None, *, obstacles: Sequence[str] = ()) -> Outcome:
    """Hold a run against its gates.

    Args:
        gates: What must hold.
        card: The run's figures.
        comparison: With the baseline; None where there is none that fits.
        obstacles: Why the run cannot be judged at all, such as a baseline of other cases.
    """
    invalid = [*obstacles, *_invalid(gates, card)]
    if not invalid and comparison is None and (gates.non_inferior or gates.no_worse):
        invalid.append("there is no baseline to compare with")
    if invalid:
        return conclude([GateLine(name="valid run", result=Result.INCONCLUSIVE, message=reason) for reason in invalid])
    lines = [_floor(floor, card) for floor in gates.floor]
    if comparison is not None:
        lines += [_non_inferior(gate, comparison) for gate in gates.non_inferior]
        for gate in gates.no_worse:
            lines += _no_worse(gate, comparison, gates.alpha)
    return conclude(lines)


def conclude(lines: Sequence[GateLine]) -> Outcome:
    """Say what gates say together: the verdict line and the exit code.

    One regression makes a regression; without one, anything that cannot be told makes it inconclusive, and so does a lack of gates.
    """
    failed = [line for line in lines if line.result is Result.REGRESSION]
    unsure = [line for line in lines if line.result is Result.INCONCLUSIVE]
    if failed:
        return _outcome(Result.REGRESSION, EXIT_REGRESSION, f"{len(failed)} of {len(lines)} gates failed: {failed[0].message}", lines)
    if unsure or not lines:
        why = unsure[0].message if unsure else "there are no gates"
        return _outcome(Result.INCONCLUSIVE, EXIT_INCONCLUSIVE, f"nothing can be said: {why}", lines)
    return _outcome(Result.PASS, EXIT_PASS, f"all {len(lines)} gates hold", lines)


def _outcome(result: Result, code: int, text: str, lines: Sequence[GateLine]) -> Outcome:
    return Outcome(result=result, line=f"{result.value.upper()}: {text}", exit_code=code, gates=tuple(lines))


def _invalid(gates: Gates, card: Scorecard) -> Iterator[str]:
    if not card.complete:
        yield f"the run is not complete: {card.run.records} records are there; run it again to finish it"
    failed = sum(card.failures.values())
    if failed > gates.max_failed:
        named = ", ".join(f"{count} {code}" for code, count in sorted(card.failures.items()))
        yield f"{failed} segments could not be judged ({named}), and {gates.max_failed} may fail"


def _floor(floor: Floor, card: Scorecard) -> GateLine:
    dimension, _, name = floor.slice.partition(":")
    figures = card.slices.get(dimension, {}).get(name, {}) if floor.slice else getattr(card, floor.group)
    estimate: Estimate | None = figures.get(floor.metric)
    limit = floor.min if floor.min is not None else floor.max
    where = f" in {floor.slice}" if floor.slice else ""
    sign = "at least" if floor.min is not None else "at most"
    title = f"{floor.metric}{where} {sign} {limit:g}"
    if estimate is None or estimate.value is None:
        result, message = Result.INCONCLUSIVE, f"{floor.metric}{where} has no value in this run"
    else:
        held = estimate.value >= floor.min if floor.min is not None else floor.max is not None and estimate.value <= floor.max
        result = Result.PASS if held else Result.REGRESSION
        message = f"{floor.metric}{where} is {estimate.value:.4g}, {'as' if held else 'not'} {sign} {limit:g}"
    return GateLine(
        name=title,
        result=result,
        message=message,
        metric=floor.metric,
        dimension=dimension or floor.group,
        slice=name,
        value=estimate.value if estimate else None,
        limit=limit,
    )


def _non_inferior(gate: NonInferior, comparison: Comparison) -> GateLine:
    dimension, _, name = gate.slice.partition(":")
    test = _find(comparison, gate.metric, dimension or "overall", name)
    where = f" in {gate.slice}" if gate.slice else ""
    title = f"{gate.metric}{where} at most {gate.margin:.1%} worse"
    if test is None or test.difference.value is None:
        return GateLine(name=title, result=Result.INCONCLUSIVE, message=f"no row counts for {gate.metric}{where}", metric=gate.metric)
    sign = _SIGNS[gate.metric]
    ends = sorted(sign * end for end in (test.difference.low, test.difference.high) if end is not None)
    value = sign * test.difference.value
    said = f"{_TITLES[gate.metric]}{where}: {_moved(test)}"
    low, high = (ends[0], ends[-1]) if ends else (value, value)
    if high <= gate.margin:
        result, why = Result.PASS, f"at most {max(0.0, high):.1%} worse, within {gate.margin:.1%}"
    elif low > 0:
        result, why = Result.REGRESSION, f"{value:.1%} worse (95 %: {low:.1%} to {high:.1%}), more than chance and beyond {gate.margin:.1%}"
    else:
        seen = f"; so many rows show differences from {test.detectable:.1%}" if test.detectable is not None else ""
        result, why = Result.INCONCLUSIVE, f"may be up to {high:.1%} worse, and {gate.margin:.1%} is allowed{seen}"
    return GateLine(
        name=title,
        result=result,
        message=f"{said}: {why}",
        metric=gate.metric,
        dimension=dimension or "overall",
        slice=name,
        value=value,
        limit=gate.margin,
    )


def _no_worse(gate: NoWorse, comparison: Comparison, alpha: float) -> Iterator[GateLine]:
    """One line for each slice that is worse; one for all others of a dimension."""
    for dimension in gate.dimensions:
        tests = [test for test in comparison.tests if test.metric == gate.metric and test.dimension == dimension]
        title = f"{gate.metric} by {dimension} no worse"
        worse = [test for test in tests if test.p_holm is not None and test.p_holm < alpha and test.worse > test.better]
        for test in worse:
            yield GateLine(
                name=title,
                result=Result.REGRESSION,
                message=(
                    f"{_TITLES[gate.metric]} in {dimension} {test.slice}: {_moved(test)}, "
                    f"p = {test.p_holm:.2g} after Holm over {len(tests)} slices"
                ),
                metric=gate.metric,
                dimension=dimension,
                slice=test.slice,
                value=test.after,
                limit=test.before,
            )
        if not tests:
            yield GateLine(
                name=title, result=Result.INCONCLUSIVE, message=f"no slice by {dimension} counts for {gate.metric}", metric=gate.metric
            )
        elif not worse:
            coarse = [test for test in tests if test.detectable is not None]
            blind = max(coarse, key=lambda test: test.detectable or 0, default=None)
            seen = f" (the thinnest, {blind.slice}, shows differences from {blind.detectable:.0%})" if blind is not None else ""
            yield GateLine(
                name=title,
                result=Result.PASS,
                message=f"{_TITLES[gate.metric]}: none of {len(tests)} slices by {dimension} is worse beyond chance{seen}",
                metric=gate.metric,
                dimension=dimension,
            )


def _find(comparison: Comparison, metric: str, dimension: str, name: str) -> PairedTest | None:
    wanted = (metric, dimension, name)
    return next((test for test in comparison.tests if (test.metric, test.dimension, test.slice) == wanted), None)


def _moved(test: PairedTest) -> str:
    return f"{test.before:.1%} before, {test.after:.1%} now ({test.worse} segments worse, {test.better} better of {test.n})"
