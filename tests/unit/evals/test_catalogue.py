from __future__ import annotations

import pytest

from livesteward.evals.metrics.catalogue import METRICS, Unit, metric
from livesteward.evals.metrics.decisions import RATES


def test_every_figure_is_explained() -> None:
    for name, found in METRICS.items():
        assert name == name.lower() and " " not in name
        assert found.title and found.meaning.endswith(".")


def test_every_rate_of_decisions_is_in_the_catalogue() -> None:
    assert all(METRICS[name].unit is Unit.SHARE for name in RATES)


def test_a_part_of_a_figure_is_known_by_its_figure() -> None:
    found = metric("latency_p95:judge")
    assert (found.title, found.unit) == ("Latency, p95: judge", Unit.MILLISECONDS)
    assert not found.bounded and metric("recall").bounded


def test_a_figure_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        metric("recal")
