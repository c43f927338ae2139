"""From the records of a run to all of its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Final

from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.cases import Human
from livesteward.evals.dataset import Dataset
from livesteward.evals.judgements import Judgement, by_slice, clusters, judgements
from livesteward.evals.metrics.agreement import agreement_figures
from livesteward.evals.metrics.calibration import calibration
from livesteward.evals.metrics.categories import category_figures, ranking_figures
from livesteward.evals.metrics.cost import Prices, cost_figures
from livesteward.evals.metrics.decisions import DecisionRates, confusion
from livesteward.evals.metrics.evidence import Rules, evidence_figures
from livesteward.evals.metrics.retrieval import retrieval_figures
from livesteward.evals.metrics.robustness import robustness_figures
from livesteward.evals.metrics.streams import stream_figures
from livesteward.evals.outcomes import Record, RunInfo, Timing
from livesteward.evals.scorecard import Figures, Scorecard

DIMENSIONS: Final = ("category", "region", "language", "severity", "kind")
"""Of slices; see :attr:`livesteward.evals.judgements.Judgement.slices`."""


def score(
    dataset: Dataset,
    run: RunInfo,
    records: Sequence[Record],
    timings: Sequence[Timing],
    reviews: Sequence[Human] | None = None,
    prices: Prices | None = None,
    *,
    rules: Rules | None = None,
) -> Scorecard:
    """Compute every figure of a run.

    With several trials the rows of all trials count, each case as one cluster. What is counted, and how, is said by
    :mod:`livesteward.evals.metrics.catalogue` and by the function of each figure.

    Args:
        dataset: The cases that were run; more of them do not matter.
        run: What was run.
        records: One for each segment and trial. Where some are missing the card is not ``complete``.
        timings: Of the same run; none leaves latencies out.
        reviews: What people decided; those of the dataset unless given.
        prices: Of models, for the cost.
        rules: Looks up rules, to check the category of what is cited; see :func:`livesteward.evals.metrics.evidence.evidence_figures`.

    Raises:
        InputError: If a case of the run is not in the dataset, or a record is none of the run's, stands twice, or lacks a region.
        ConfigurationError: If the libraries for statistics are missing.
    """
    missing = [name for name in ("scipy", "statsmodels") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f'figures need {" and ".join(missing)}: pip install "livesteward[eval]"')
    cases = dataset.select(only=run.entries)
    _check(run, records)
    rows = judgements(cases, records)
    rates = DecisionRates(rows)
    by_category = category_figures(rows)
    slices = _slices(rows, rates)
    for name, figures in by_category.slices.items():
        slices["category"][name] = {**slices["category"].get(name, {}), **figures}
    for name, members in by_slice(rows, "region").items():
        slices["region"][name] = {**slices["region"].get(name, {}), **ranking_figures(members)}
    calibrated, bins = calibration(rows)
    return Scorecard(
        run=run,
        overall={**rates.figures(), **by_category.overall},
        slices={dimension: dict(sorted(found.items())) for dimension, found in slices.items()},
        streams=stream_figures(rows),
        retrieval=retrieval_figures(rows),
        evidence=evidence_figures(rows, rules=rules),
        robustness=robustness_figures(rows),
        calibration=calibrated,
        agreement=agreement_figures(rows, cases.reviews if reviews is None else reviews),
        cost=cost_figures(records, timings, clusters(cases.entries), prices=prices),
        confusion=confusion(rows),
        reliability=bins,
        curves=by_category.curves,
        failures=dict(sorted(Counter(record.failure.value for record in records if record.failure).items())),
        complete=_is_complete(cases, run, records),
    )


def _check(run: RunInfo, records: Sequence[Record]) -> None:
    seen: set[tuple[str, int, int]] = set()
    for record in records:
        where = f"{record.case_id}, segment {record.step + 1}, trial {record.trial + 1}"
        if record.case_id not in run.entries or record.trial >= run.trials:
            raise InputError(f"{where} is no part of the run {run.name!r}", field="records")
        if record.entry_digest != run.entries[record.case_id]:
            raise InputError(f"{where} was judged with another content of the case; run it again", field="records")
        if record.key in seen:
            raise InputError(f"{where} stands there twice; run it again", field="records")
        seen.add(record.key)


def _is_complete(cases: Dataset, run: RunInfo, records: Sequence[Record]) -> bool:
    # Records are of the run and stand there once, so that counting them is enough.
    wanted = sum(len(entry.steps) for entry in cases.entries) * run.trials
    return run.finished_at is not None and len(records) == run.records == wanted


def _slices(rows: Sequence[Judgement], rates: DecisionRates) -> dict[str, dict[str, Figures]]:
    places: dict[str, dict[str, list[int]]] = {dimension: {} for dimension in DIMENSIONS}
    for place, row in enumerate(rows):
        for dimension, names in row.slices.items():
            for name in names:
                places[dimension].setdefault(name, []).append(place)
    return {
        dimension: {name: figures for name, members in found.items() if (figures := rates.figures(members))}
        for dimension, found in places.items()
    }
