from __future__ import annotations

import pytest

from livesteward.models.vllm_metrics import derived, read_metrics

TEXT = """# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 2.0
vllm:num_requests_running{engine="1"} 3.0
vllm:kv_cache_usage_perc{engine="0"} 0.2
vllm:kv_cache_usage_perc{engine="1"} 0.4
vllm:prefix_cache_queries_total{engine="0"} 1e3
vllm:prefix_cache_hits_total{engine="0"} 900
vllm:generation_tokens_total{engine="0"} 500
vllm:other_total 7
"""


def test_engines_are_added_up_and_shares_of_memory_averaged() -> None:
    found = read_metrics(TEXT)
    assert found["requests_running"] == 5
    assert found["kv_cache_usage"] == pytest.approx(0.3)
    assert set(found) == {"requests_running", "kv_cache_usage", "prefix_cache_queries", "prefix_cache_hits", "generation_tokens"}


def test_shares_are_since_the_start_and_rates_between_two_looks() -> None:
    now = read_metrics(TEXT)
    assert derived(now) == {"prefix_hit_share": 0.9}
    before = {**now, "generation_tokens": 300.0}
    assert derived(now, before=before, seconds=2)["generation_tokens_per_s"] == 100
    # A server that was started again in between counts from nothing.
    assert derived(now, before={**now, "generation_tokens": 900.0}, seconds=2)["generation_tokens_per_s"] == 0
    assert derived({}) == {}
