"""How ``livesteward engine`` shows a plan and the state of servers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from livesteward.cli.output import console, errors
from livesteward.settings_sources import ENV_PREFIX

if TYPE_CHECKING:
    from livesteward.models.vllm import ServePlan
    from livesteward.models.vllm_process import ServerStatus
    from livesteward.settings import Settings

_SOURCES: Final = {"files": "by its files", "name": "estimated from its name"}
_SHOWN: Final = (
    ("running", "requests_running", "{:g}"),
    ("waiting", "requests_waiting", "{:g}"),
    ("cache in use", "kv_cache_usage", "{:.0%}"),
    ("of prompts from the cache", "prefix_hit_share", "{:.0%}"),
    ("of pictures from the cache", "mm_hit_share", "{:.0%}"),
    ("tokens read a second", "prompt_tokens_per_s", "{:,.0f}"),
    ("tokens written a second", "generation_tokens_per_s", "{:,.0f}"),
    ("refused for load", "rejections", "{:g}"),
    ("put back for lack of cache", "preemptions", "{:g}"),
)


def settings_of(plan: ServePlan, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the settings with which livesteward asks for what the plan serves, by their sections."""
    options = plan.options
    # As the judge bounds it: the segment needs room too.
    rulebook = min(settings.retrieval.rulebook_tokens, (options.context_tokens - settings.model.max_tokens) // 2)
    return {
        "model": {
            "base_url": options.base_url,
            "name": plan.served_name,
            "profile": plan.profile,
            "context_tokens": options.context_tokens,
            "concurrency": options.concurrency,
            "accepts_images": bool(options.images),
            "max_frames": options.images or settings.model.max_frames,
        },
        "retrieval": {"rulebook_tokens": max(0, rulebook)},
    }


def exports(plan: ServePlan, settings: Settings) -> dict[str, str]:
    """Return the same as variables."""
    return {
        f"{ENV_PREFIX}{section}__{name}".upper(): str(value).lower() if isinstance(value, bool) else str(value)
        for section, values in settings_of(plan, settings).items()
        for name, value in values.items()
    }


def export_lines(variables: Mapping[str, str]) -> list[str]:
    """Return lines for a shell."""
    return [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]


def plan_json(plan: ServePlan, *, vllm: str, settings: Mapping[str, str], checked: str | None) -> dict[str, Any]:
    """Return the plan for programs."""
    return {
        "command": plan.command(vllm=vllm),
        "environment": plan.environment,
        "base_url": plan.options.base_url,
        "flags": [{"name": flag.name, "value": " ".join(flag.words[1:]), "why": flag.why} for flag in plan.flags],
        "settings": dict(settings),
        "fits": None if plan.memory is None else plan.memory.fits,
        "memory": asdict(plan.memory) if plan.memory else None,
        "size": {"weights_gb": plan.size.weights_gb, "source": plan.size.source, "quantized": plan.size.quantized},
        "remedies": list(plan.remedies),
        "notes": list(plan.notes),
        "checked_with": checked,
    }


def print_plan(plan: ServePlan, *, settings: Mapping[str, str], checked: str | None) -> None:
    """Print the reasons, the memory, what else to know and the settings, beside the line itself."""
    from rich.table import Table

    # Without the values, which stand in the line itself and would leave no room for the reasons.
    table = Table(box=None, show_header=False, pad_edge=False)
    for flag in plan.flags:
        table.add_row(flag.name, flag.why)
    errors.print(table)
    errors.print()
    print_memory(plan)
    for note in plan.notes:
        errors.print(f"- {note}", markup=False, soft_wrap=True)
    known = f"The installed vLLM {checked} knows all of these flags." if checked else "The flags were not held against an installed vLLM."
    errors.print(f"- {known}", markup=False, soft_wrap=True)
    errors.print("\nAsk it with:")
    for line in export_lines(settings):
        errors.print(f"  {line}", markup=False, soft_wrap=True)


def print_memory(plan: ServePlan) -> None:
    """Print the arithmetic, and what to do where the model does not fit."""
    memory, hardware = plan.memory, plan.options.hardware
    if memory is None or hardware is None or hardware.gpu is None:
        return
    values = {flag.value for flag in plan.flags if flag.name in {"--quantization", "--dtype"}}
    held = "in FP8" if "fp8" in values else "in float32" if "float32" in values else plan.size.quantized and f"in {plan.size.quantized}"
    weights = ", ".join(part for part in (held, _SOURCES.get(plan.size.source, "")) if part)
    lines = [
        f"{memory.total_gb:g} GB on {hardware.count} {hardware.gpu.name}, of which vLLM takes {memory.given_gb:g} GB",
        f"- {memory.weights_gb:g} GB weights ({weights})",
        f"- {memory.working_gb:g} GB for the work of one step (a rule of thumb; vLLM measures it)",
        f"= {memory.left_gb:g} GB for keys and values",
    ]
    if memory.kv_gb_per_1000 is None:
        lines.append("  how many tokens that is cannot be told without the model's config.json")
    else:
        room = f"{memory.tokens:,} tokens, or {memory.requests:,} requests of {plan.options.context_tokens:,}"
        lines.append(f"  at {memory.kv_gb_per_1000:g} GB for 1,000 tokens: {room}")
    for line in lines:
        errors.print(line, markup=False, soft_wrap=True)
    if not memory.fits:
        errors.print("It will not fit.", style="bold red")
        for remedy in plan.remedies:
            errors.print(f"- {remedy}", markup=False, soft_wrap=True)


def print_status(found: Sequence[ServerStatus]) -> None:
    """Print one line for each server, and under it how busy it is."""
    for one in found:
        if not one.healthy:
            errors.print(f"{one.base_url}: {one.detail}" if one.base_url else one.detail, markup=False, soft_wrap=True)
            continue
        process = f" (process {one.pid})" if one.pid else ""
        console.print(f"{one.base_url}{process} serves {', '.join(one.models) or 'nothing'}", markup=False, soft_wrap=True)
        for label, name, form in _SHOWN:
            if name in one.metrics:
                console.print(f"  {form.format(one.metrics[name]):>8} {label}", markup=False)
