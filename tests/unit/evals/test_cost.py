from __future__ import annotations

from pathlib import Path

import pytest
from unit.evals.making import ALLOW, case, record, timing

from livesteward.contracts import TokenCounts
from livesteward.errors import ConfigurationError
from livesteward.evals.metrics.cost import Price, cost_figures, cost_usd, latencies, load_prices
from livesteward.evals.outcomes import Record

PRICE = Price(prompt=2.0, completion=8.0, cached=0.5)


def used(name: str, prompt: int, completion: int, cached: int = 0, *, model: str = "judge-1") -> Record:
    return record(case(name), ALLOW, tokens=TokenCounts(prompt=prompt, completion=completion, cached=cached), model=model)


def test_latencies_are_percentiles_by_step_and_of_the_whole() -> None:
    made = record(case("a"))
    found = latencies([timing(made, float(wall), judge=wall / 2, screen=1.0) for wall in range(1, 101)])
    assert found["latency_p50"].value == 50.5
    assert found["latency_p95"].value == pytest.approx(95.05)
    assert found["latency_p50:judge"].value == 25.25
    assert found["latency_p99:screen"].value == 1.0
    assert (found["latency_p50"].low, found["latency_p50"].high) == (40.0, 61.0)


def test_a_step_that_only_some_segments_take_is_counted_over_those() -> None:
    made = record(case("a"))
    found = latencies([timing(made, 10.0, judge=8.0), timing(made, 1.0)])
    assert (found["latency_p50:judge"].value, found["latency_p50:judge"].n) == (8.0, 1)


def test_what_came_from_the_cache_took_no_time_here() -> None:
    made = record(case("a"))
    found = latencies([timing(made, 10.0), timing(made, 99_999.0, from_cache=True, judge=5.0)])
    assert (found["latency_p99"].value, found["latency_p99"].n) == (10.0, 1)
    assert "latency_p50:judge" not in found
    assert latencies([timing(made, 1.0, from_cache=True)]) == {}


def test_tokens_are_means_over_segments() -> None:
    records = [used("a", 1_000, 100, 600), used("b", 500, 0)]
    found = cost_figures(records, [], {"a": "a", "b": "b"}, prices=None)
    assert {name: one.value for name, one in found.items()} == {"tokens_prompt": 750, "tokens_completion": 50, "tokens_cached": 300}


def test_cost_takes_cached_tokens_at_their_own_price() -> None:
    # 400 at 2.0, 600 at 0.5 and 100 at 8.0 a million.
    assert cost_usd(TokenCounts(prompt=1_000, completion=100, cached=600), PRICE) == pytest.approx((800 + 300 + 800) / 1e6)
    without = Price(prompt=2.0, completion=8.0)
    assert cost_usd(TokenCounts(prompt=1_000, completion=100, cached=600), without) == pytest.approx((2_000 + 800) / 1e6)


def test_cost_is_stated_for_a_thousand_segments() -> None:
    records = [used("a", 1_000, 100, 600), used("b", 500, 0), used("c", 0, 0, model="")]
    found = cost_figures(records, [], {"a": "a", "b": "b", "c": "c"}, prices={"judge-1": PRICE})
    assert found["cost_per_1000"].value == pytest.approx(1_000 * (1_900 + 1_000 + 0) / 1e6 / 3)


def test_a_model_without_a_price_leaves_the_cost_open() -> None:
    found = cost_figures([used("a", 1_000, 1), used("b", 1, 1, model="other")], [], {"a": "a", "b": "b"}, prices={"judge-1": PRICE})
    assert found["cost_per_1000"].value is None
    assert "cost_per_1000" not in cost_figures([used("a", 1, 1)], [], {"a": "a"}, prices=None)


def test_prices_are_read_from_a_file_and_a_wrong_one_names_its_field(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('["org/judge-7b"]\nprompt = 0.5\ncompletion = 1.5\n', encoding="utf-8")
    assert load_prices(file) == {"org/judge-7b": Price(prompt=0.5, completion=1.5)}
    file.write_text('["org/judge-7b"]\nprompt = -1\ncompletion = 1.5\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"prices\.toml.*prompt"):
        load_prices(file)
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        load_prices(tmp_path / "absent.toml")
