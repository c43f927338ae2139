from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from unit.evals.making import ALLOW, REVIEW, VIOLATION, case, dataset, expected, human, record, run_info, stream, timing

from livesteward.contracts import Category, ReviewCode
from livesteward.errors import ConfigurationError, InputError
from livesteward.evals.dataset import Dataset
from livesteward.evals.metrics.catalogue import metric
from livesteward.evals.metrics.cost import Price
from livesteward.evals.outcomes import Probe, ProbeKind, Record
from livesteward.evals.scorecard import Estimate, Scorecard
from livesteward.evals.scoring import score

SCORES = {category.value: 0.1 for category in Category}


def small() -> tuple[Dataset, list[Record]]:
    scam = case("scam-01", expected(regions=["SG", "DE"]), twin_of="scam-02")
    honest = case("scam-02", expected(ALLOW, regions=["SG", "DE"]), looks_like=["fraud_scam"], tags=["quote"])
    swayed = case("scam-03", expected(regions=["SG", "DE"]), injection={"base": "scam-01", "via": "chat", "aim": "acquit"})
    hate = case("hate-01", expected(category="hate_harassment", rules=["HATE-1.1"]), expected(ALLOW, regions=["FR"]))
    turning = stream("turning", ALLOW, VIOLATION, VIOLATION, starts_s=25)
    retrieved = {region: ["FRAUD-1.1", "HATE-1.1"] for region in ("SG", "DE", "FR")}
    probes = [Probe(kind=kind, removed=("u1",), still=False) for kind in ProbeKind]
    records = [
        record(scam, VIOLATION, scores={**SCORES, "fraud_scam": 0.9}, retrieved=retrieved, probes=probes),
        record(honest, REVIEW, scores={**SCORES, "fraud_scam": 0.5}, retrieved=retrieved),
        record(swayed, ALLOW, scores=SCORES),
        record(
            hate, {"SG": VIOLATION, "FR": ALLOW}, category="hate_harassment", rule="HATE-1.1", scores={**SCORES, "hate_harassment": 0.8}
        ),
        *(record(turning, decided, step=step, scores=SCORES) for step, decided in enumerate([ALLOW, ALLOW, VIOLATION])),
    ]
    reviews = [human(scam, VIOLATION), human(honest, ALLOW), human(hate, VIOLATION, reviewer="bob"), human(scam, VIOLATION, reviewer="bob")]
    return dataset(scam, honest, swayed, hate, turning, reviews=reviews), records


def scored(**more: Any) -> Scorecard:
    cases, records = small()
    timings = [timing(one, 12.0, judge=8.0) for one in records]
    return score(cases, run_info(cases, records=len(records)), records, timings, **more)


def estimates(card: Scorecard) -> Iterator[tuple[str, Estimate]]:
    for part in (card.overall, card.streams, card.retrieval, card.evidence, card.robustness, card.calibration, card.agreement, card.cost):
        yield from part.items()
    for dimension in card.slices.values():
        for figures in dimension.values():
            yield from figures.items()


def test_a_scorecard_holds_the_figures_of_every_part() -> None:
    card = scored(prices={"": Price(prompt=1, completion=1)})
    assert card.complete
    # Broken rows: scam-01 and scam-03 in two regions, hate-01 in SG, two segments of the stream.
    assert (card.overall["recall"].hits, card.overall["recall"].n) == (4, 7)
    assert (card.overall["false_alarm"].hits, card.overall["false_alarm"].n) == (2, 4)
    assert card.overall["macro_recall"].value == pytest.approx((3 / 6 + 1) / 2)
    assert card.streams["time_to_detection_mean"].value == 35
    assert card.retrieval["rule_reach"].hits == 2
    assert card.evidence["citation_accuracy"].value == 1.0
    assert (card.evidence["comprehensiveness"].value, card.evidence["stability"].value) == (1.0, 0.0)
    assert (card.robustness["injection_success"].value, card.robustness["contrasts_right"].value) == (1.0, 1.0)
    assert card.calibration["brier"].n == 7 and sum(one.n for one in card.reliability) == 7
    assert card.agreement["kappa_agent"].n == 4
    assert card.cost["latency_p50:judge"].value == 8.0 and card.cost["cost_per_1000"].value == 0.0
    assert set(card.curves) == {"fraud_scam", "hate_harassment", "any"}


def test_slices_are_rows_of_every_dimension() -> None:
    card = scored()
    assert set(card.slices) == {"category", "region", "language", "severity", "kind"}
    assert set(card.slices["region"]) == {"DE", "FR", "SG"}
    assert card.slices["region"]["DE"]["recall"].n == 2
    assert card.slices["severity"]["high"]["recall"].n == 7
    assert card.slices["kind"]["stream"]["recall"].value == 0.5
    assert card.slices["kind"]["look_alike"]["false_alarm"].value == 1.0
    # Its score is of the segment, which breaks a rule in SG and none in FR.
    assert card.slices["category"]["hate_harassment"]["pr_auc"].value == 0.5
    assert card.slices["category"]["hate_harassment"]["category_recall"].n == 1
    assert card.slices["category"]["hate_harassment"]["accuracy"].n == 2, "also where another region allows it"
    assert list(card.slices["category"]) == sorted(card.slices["category"])


def test_every_figure_is_in_the_catalogue_and_its_interval_holds_its_value() -> None:
    for name, found in estimates(scored()):
        known = metric(name)
        assert found.value is None or math.isfinite(found.value)
        if found.value is not None and found.low is not None:
            assert found.low <= found.value + 1e-9, name
        if found.value is not None and found.high is not None:
            assert found.value - 1e-9 <= found.high, name
        if known.bounded and found.low is not None and found.high is not None:
            assert 0 <= found.low <= found.high <= 1, name


def test_the_same_records_give_the_same_card_in_any_order() -> None:
    cases, records = small()
    run = run_info(cases, records=len(records))
    assert score(cases, run, records, []) == score(cases, run, records[::-1], [])


def test_a_card_survives_json() -> None:
    card = scored()
    assert Scorecard.model_validate_json(card.model_dump_json()) == card


def test_a_run_that_lacks_records_or_its_end_is_not_complete() -> None:
    cases, records = small()
    assert not score(cases, run_info(cases, records=len(records)), records[1:], []).complete
    assert not score(cases, run_info(cases, records=len(records) - 1), records[1:], []).complete
    assert not score(cases, run_info(cases, records=len(records), finished=False), records, []).complete
    assert not score(cases, run_info(cases, records=2 * len(records), trials=2), records, []).complete


def test_nothing_judged_gives_no_figures_and_no_complete_card() -> None:
    cases, _ = small()
    card = score(cases, run_info(cases, records=0), [], [])
    assert not card.complete and list(estimates(card)) == []


def test_records_that_are_not_of_the_run_are_refused() -> None:
    cases, records = small()
    run = run_info(cases, records=len(records))
    stranger = case("stranger")
    with pytest.raises(InputError, match="stranger, segment 1, trial 1 is no part of the run"):
        score(cases, run, [record(stranger)], [])
    with pytest.raises(InputError, match="trial 2 is no part of the run"):
        score(cases, run, [record(cases.entries[0], trial=1)], [])
    with pytest.raises(InputError, match="stands there twice"):
        score(cases, run, [*records, records[0]], [])
    with pytest.raises(InputError, match="another content"):
        score(cases, run, [records[0].model_copy(update={"entry_digest": "0" * 64})], [])


def test_a_case_of_the_run_that_the_dataset_lacks_is_refused() -> None:
    cases, records = small()
    with pytest.raises(InputError, match="no case 'scam-01'"):
        score(dataset(*cases.entries[1:]), run_info(cases, records=len(records)), records, [])


def test_cases_that_were_not_run_do_not_matter() -> None:
    cases, records = small()
    more = dataset(*cases.entries, case("not-run"), reviews=cases.reviews)
    run = run_info(cases, records=len(records))
    assert score(more, run, records, []) == score(cases, run, records, [])


def test_missing_statistics_are_named_with_the_extra_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    with pytest.raises(ConfigurationError, match=r'figures need statsmodels: pip install "livesteward\[eval\]"'):
        scored()


def test_failures_are_counted_by_their_code() -> None:
    cases, records = small()
    broken = record(cases.entries[0], REVIEW, findings=(), failure=ReviewCode.MODEL_TIMEOUT)
    card = score(cases, run_info(cases, records=len(records)), [broken, *records[1:]], [])
    assert card.failures == {"model_timeout": 1}


def test_trials_add_rows_in_the_same_clusters() -> None:
    cases, records = small()
    again = [one.model_copy(update={"trial": 1}) for one in records]
    once = score(cases, run_info(cases, records=len(records)), records, [])
    twice = score(cases, run_info(cases, records=2 * len(records), trials=2), [*records, *again], [])
    assert twice.complete
    one, two = once.overall["recall"], twice.overall["recall"]
    assert (two.hits, two.n, two.value) == (8, 14, one.value)
    # A repetition that never differs tells nothing new.
    assert (two.low, two.high) == pytest.approx((one.low, one.high), abs=0.02)
    assert twice.robustness["flip_rate"].value == 0
