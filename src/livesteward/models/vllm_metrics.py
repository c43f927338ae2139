"""The few of vLLM's metrics that matter here, read from its Prometheus text: https://docs.vllm.ai/en/stable/usage/metrics/."""

from __future__ import annotations

import contextlib
import re
from typing import Final

_NAMES: Final = {
    "requests_running": "vllm:num_requests_running",
    "requests_waiting": "vllm:num_requests_waiting",
    "kv_cache_usage": "vllm:kv_cache_usage_perc",
    "prefix_cache_queries": "vllm:prefix_cache_queries_total",
    "prefix_cache_hits": "vllm:prefix_cache_hits_total",
    "prompt_tokens": "vllm:prompt_tokens_total",
    "generation_tokens": "vllm:generation_tokens_total",
}
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{[^}]*\})? (?P<value>[-+.\deE]+)\s*\d*$", re.MULTILINE)


def server_root(base_url: str) -> str:
    """Return the address of a server from that of its API, which ends with the version path."""
    return base_url.rstrip("/").removesuffix("/v1")


def metrics_url(base_url: str) -> str:
    """Return where the server of an API shows its metrics."""
    return f"{server_root(base_url)}/metrics"


def read_metrics(text: str) -> dict[str, float]:
    """Return the metrics that are in ``text``, each summed over its labels; those that are missing are left out.

    Counts of tokens, cache queries and hits grow from the server's start; requests running and waiting are of the moment.
    """
    sums: dict[str, float] = {}
    for sample in _SAMPLE.finditer(text):
        with contextlib.suppress(ValueError):
            sums[sample["name"]] = sums.get(sample["name"], 0.0) + float(sample["value"])
    return {ours: sums[theirs] for ours, theirs in _NAMES.items() if theirs in sums}
