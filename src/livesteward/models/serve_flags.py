"""The flags of ``vllm serve`` for a judge, each with the reason for it.

As of vLLM 0.32: https://docs.vllm.ai/en/v0.32.0/cli/serve/. :mod:`livesteward.models.vllm_flags` holds them against the installed one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from livesteward.models.memory_fit import UTILIZATION
from livesteward.models.profiles.profile import Profile
from livesteward.models.serve_options import Purpose, ServeOptions
from livesteward.models.vllm_families import ServedFamily

_RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of adapters that ``--max-lora-rank`` takes."""


@dataclass(frozen=True)
class ServeFlag:
    """One flag of ``vllm serve``, its value (empty for a switch), and why it is there. Several ``values`` follow one flag."""

    name: str
    value: str
    why: str
    values: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """As they stand on the command line."""
        return (self.name, *(part for part in (self.value, *self.values) if part))


def serve_flags(
    options: ServeOptions, family: ServedFamily, profile: Profile, *, fp8: bool = False, fp8_cache: bool = False
) -> tuple[ServeFlag, ...]:
    """Return the flags.

    Args:
        options: How to serve.
        family: What vLLM wants to know of the model's family.
        profile: How the family is asked.
        fp8: Whether 16-bit weights are turned into FP8.
        fp8_cache: Whether keys and values are held in FP8.
    """
    return (
        *_address(options),
        *_scheduling(options),
        *_answers(family, profile),
        *_pictures(options, family, profile),
        *_adapters(options),
        *_hardware(options, family, fp8=fp8, fp8_cache=fp8_cache),
        *(ServeFlag(*extra) for extra in family.extra),
    )


def _address(options: ServeOptions) -> list[ServeFlag]:
    flags = [
        ServeFlag("--host", options.host, "Who can reach it. Keep it on the machine or behind a gateway: the key guards /v1 only."),
        ServeFlag("--port", str(options.port), "Must match model.base_url."),
    ]
    if options.name:
        flags.append(ServeFlag("--served-model-name", options.name, "Must match model.name; the same on all servers of model.endpoints."))
    return flags


def _scheduling(options: ServeOptions) -> list[ServeFlag]:
    latency = options.purpose is Purpose.LATENCY
    step = _step_tokens(options)
    step_why = (
        "Prompt tokens of one step: few, so that a new prompt does not hold up answers under way."
        if latency
        else "Prompt tokens of one step: many, so that the GPU is busy; lower it where answers stutter."
    )
    flags = [
        ServeFlag("--max-model-len", str(options.context_tokens), "Prompt and answer together; the client trims to model.context_tokens."),
        ServeFlag("--max-num-seqs", str(options.concurrency), "Requests at once, as model.concurrency: what waits, waits at the client."),
        ServeFlag(
            "--max-num-queued-reqs",
            str(4 * options.concurrency),
            "Running and waiting together. More is refused at once (503), and goes to another server or is tried again.",
        ),
        ServeFlag(
            "--enable-prefix-caching",
            "",
            "What prompts begin with is computed once: the method, and the rulebook where it fits retrieval.rulebook_tokens.",
        ),
        ServeFlag("--enable-chunked-prefill", "", "Long prompts are read in pieces between the tokens of other answers."),
        ServeFlag("--max-num-batched-tokens", str(step), step_why),
    ]
    if not options.cpu:
        mode = "interactivity" if latency else "throughput"
        flags.append(ServeFlag("--performance-mode", mode, f"vLLM's own choices of kernels and graphs, for {options.purpose.value}."))
    if latency and not options.cpu:
        lookup = {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 5, "prompt_lookup_min": 2}
        flags.append(
            ServeFlag(
                "--speculative-config",
                _json(lookup),
                "Guesses the next words from the prompt: verdicts quote it, so many guesses hold. Costs throughput under load.",
            )
        )
    return flags


def _step_tokens(options: ServeOptions) -> int:
    gpu = options.hardware.gpu if options.hardware else None
    if options.purpose is Purpose.LATENCY or options.cpu:
        return 2_048
    if gpu is None or gpu.memory_gb < 80:
        return 8_192 if gpu and gpu.memory_gb >= 40 else 4_096
    return 16_384 if gpu.memory_gb >= 140 else 8_192


def _answers(family: ServedFamily, profile: Profile) -> list[ServeFlag]:
    structured = _json({"backend": "xgrammar", "disable_any_whitespace": True})
    flags = [
        ServeFlag("--structured-outputs-config", structured, "Answers fit the schema, and spend no tokens on white space."),
        ServeFlag("--generation-config", "vllm", "Sampling as the request says, not as the model's repository would like it."),
        ServeFlag("--enable-prompt-tokens-details", "", "Reports how many prompt tokens came from the prefix cache."),
    ]
    if off := profile.thinking.off.get("chat_template_kwargs"):
        flags.append(ServeFlag("--default-chat-template-kwargs", _json(off), "No thinking aloud: the schema holds from the first token."))
    if family.reasoning_parser:
        why = "It always thinks; this keeps the thoughts apart, and the schema holds after them. Allow for them in model.max_tokens."
        flags.append(ServeFlag("--reasoning-parser", family.reasoning_parser, why))
    if family.tool_parser:
        flags.append(ServeFlag("--enable-auto-tool-choice", "", "Lets the judge ask for more, where that is switched on."))
        flags.append(ServeFlag("--tool-call-parser", family.tool_parser, "How this family writes its calls."))
    return flags


def _pictures(options: ServeOptions, family: ServedFamily, profile: Profile) -> list[ServeFlag]:
    if not options.images:
        return (
            [ServeFlag("--language-model-only", "", "No pictures are sent: the memory of the image tower's work is saved.")]
            if profile.takes_images
            else []
        )
    image = {"count": options.images, "width": options.image_side, "height": options.image_side}
    limit = {"image": image, "video": 0, **({"audio": 0} if family.audio else {})}
    return [
        ServeFlag(
            "--limit-mm-per-prompt",
            _json(limit),
            "Pictures of one request and their size, as model.max_frames and model.max_image_side; memory is set aside for no more.",
        ),
        ServeFlag("--mm-processor-cache-gb", "4", "In main memory: a frame that comes again is not prepared again."),
        ServeFlag(
            "--api-server-count", "1", "One process takes requests, so that there is one cache of pictures; it would be cut up otherwise."
        ),
        ServeFlag("--renderer-num-workers", "4", "Threads of that process that prepare pictures and prompts."),
    ]


def _adapters(options: ServeOptions) -> list[ServeFlag]:
    if not options.adapters:
        return []
    needed = max(adapter.rank for adapter in options.adapters)
    rank = next((rank for rank in _RANKS if rank >= needed), _RANKS[-1])
    modules = tuple(f"{adapter.name}={adapter.path}" for adapter in options.adapters)
    return [
        ServeFlag("--enable-lora", "", "Adapters beside the model; a request picks one by model.name."),
        ServeFlag("--lora-modules", "", "Their names and folders.", modules),
        ServeFlag("--max-loras", str(len(modules)), "Adapters in use at once."),
        ServeFlag("--max-lora-rank", str(rank), "Room for the largest of them; more than needed costs memory and time."),
    ]


def _hardware(options: ServeOptions, family: ServedFamily, *, fp8: bool, fp8_cache: bool) -> list[ServeFlag]:
    if options.cpu:
        return [
            ServeFlag("--dtype", "bfloat16", "Half the memory of float32; CPUs without bfloat16 emulate it."),
            ServeFlag("--enforce-eager", "", "Skips the compilation, which costs minutes on a CPU and gains little."),
        ]
    share = "The share of the GPU that it may take: the rest is for the driver. Lower it where something else runs there."
    flags = [ServeFlag("--gpu-memory-utilization", f"{UTILIZATION:.2f}", share)]
    if options.gpus > 1:
        flags.append(ServeFlag("--tensor-parallel-size", str(options.gpus), "Splits the model over the GPUs of this machine."))
    if options.lacks_bfloat16:
        only = "" if family.float16 else " and vLLM does not compute this family in float16; all takes twice the memory"
        flags.append(ServeFlag("--dtype", "half" if family.float16 else "float32", f"The GPU has no bfloat16{only}."))
    if fp8:
        why = "Weights in 8 bits, made on loading: half the memory, more at once. Verdicts change a little: run the golden set again."
        flags.append(ServeFlag("--quantization", "fp8", why))
    if fp8_cache:
        why = "Keys and values in 8 bits: twice the tokens, since room is short. Run the golden set again."
        flags.append(ServeFlag("--kv-cache-dtype", "fp8", why))
    return flags


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
