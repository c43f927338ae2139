"""What a vLLM server says of itself at ``/metrics``: how busy it is, and how much of the prompts it need not read again.

Names as of vLLM 0.32: https://docs.vllm.ai/en/v0.32.0/usage/metrics/.
"""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

_METRICS: Final = {
    "requests_running": "vllm:num_requests_running",
    "requests_waiting": "vllm:num_requests_waiting",
    "kv_cache_usage": "vllm:kv_cache_usage_perc",
    "prefix_cache_queries": "vllm:prefix_cache_queries_total",
    "prefix_cache_hits": "vllm:prefix_cache_hits_total",
    "mm_cache_queries": "vllm:mm_cache_queries_total",
    "mm_cache_hits": "vllm:mm_cache_hits_total",
    "prompt_tokens": "vllm:prompt_tokens_total",
    "generation_tokens": "vllm:generation_tokens_total",
    "preemptions": "vllm:num_preemptions_total",
    "rejections": "vllm:admission_rejections_total",
}
_MEANS: Final = {"kv_cache_usage"}
_SHARES: Final = {"prefix_hit_share": "prefix_cache", "mm_hit_share": "mm_cache"}
_RATES: Final = {"prompt_tokens_per_s": "prompt_tokens", "generation_tokens_per_s": "generation_tokens"}
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{[^}]*\})? (?P<value>[-+.\deE]+)\s*\d*$", re.MULTILINE)


def read_metrics(text: str) -> dict[str, float]:
    """Return the metrics that are in ``text``, those of several engines added up (shares averaged); what is missing is left out.

    Counts of tokens, cache queries and hits grow from the server's start; requests running and waiting are of the moment.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for sample in _SAMPLE.finditer(text):
        with contextlib.suppress(ValueError):
            values[sample["name"]].append(float(sample["value"]))
    found = {ours: values[theirs] for ours, theirs in _METRICS.items() if theirs in values}
    return {name: sum(samples) / (len(samples) if name in _MEANS else 1) for name, samples in found.items()}


def derived(now: Mapping[str, float], *, before: Mapping[str, float] | None = None, seconds: float = 0.0) -> dict[str, float]:
    """Return shares of hits since the server started, and with an earlier look the tokens of each second between."""
    found = {}
    for name, cache in _SHARES.items():
        queries = now.get(f"{cache}_queries", 0.0)
        if queries:
            found[name] = now.get(f"{cache}_hits", 0.0) / queries
    if before and seconds > 0:
        found |= {
            name: max(0.0, now[count] - before[count]) / seconds for name, count in _RATES.items() if count in now and count in before
        }
    return found
