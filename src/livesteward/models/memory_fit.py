"""Whether a model fits on some GPUs: the arithmetic, and what to do where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from livesteward.models.gpus import Hardware
from livesteward.models.model_size import GB, ModelSize

UTILIZATION: Final = 0.90
"""The share of the memory that vLLM is given (``--gpu-memory-utilization``); the rest is for the driver and what else runs."""

WORKING_GB: Final = 2.0
"""On each GPU for one step's activations, the image tower's included, and CUDA graphs. A rule of thumb; vLLM measures it when it starts."""

_COUNTS: Final = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class MemoryFit:
    """Where the memory goes, in GB of 10^9 bytes.

    Attributes:
        total_gb: Of the GPUs.
        given_gb: What vLLM is given of it.
        weights_gb: As they will be held.
        working_gb: For activations and graphs.
        left_gb: For keys and values of prompts, the prefix cache among them; negative where it does not fit.
        kv_gb_per_1000: Of keys and values for 1,000 tokens on all GPUs together, where the configuration is known.
        tokens: How many tokens that is room for.
        requests: How many full requests of ``context_tokens`` that is, without what they share.
        fits: Whether at least one full request has room.
    """

    total_gb: float
    given_gb: float
    weights_gb: float
    working_gb: float
    left_gb: float
    kv_gb_per_1000: float | None
    tokens: int | None
    requests: int | None
    fits: bool


def memory_fit(
    size: ModelSize, hardware: Hardware, *, context_tokens: int, fp8_weights: bool = False, fp8_cache: bool = False
) -> MemoryFit | None:
    """Work out what is left once the weights are loaded; ``None`` where the model's size or the GPU is unknown."""
    weights = size.fp8_gb if fp8_weights else size.weights_gb
    if weights is None or hardware.gpu is None:
        return None
    given = hardware.memory_gb * UTILIZATION
    working = WORKING_GB * hardware.count
    left = given - weights - working
    # Each GPU holds a whole head at least: where GPUs outnumber the heads, vLLM keeps the same one on several.
    copies = max(1.0, hardware.count / size.kv_heads) if size.kv_heads else 1.0
    per_token = None if size.kv_bytes is None else size.kv_bytes * copies / (2 if fp8_cache else 1)
    tokens = None if per_token is None else max(0, int(left * GB / per_token))
    return MemoryFit(
        total_gb=hardware.memory_gb,
        given_gb=round(given, 1),
        weights_gb=round(weights, 1),
        working_gb=working,
        left_gb=round(left, 1),
        kv_gb_per_1000=None if per_token is None else round(per_token * 1_000 / GB, 3),
        tokens=tokens,
        requests=None if tokens is None else tokens // context_tokens,
        fits=left > 0 and (tokens is None or tokens >= context_tokens),
    )


def what_to_do(size: ModelSize, hardware: Hardware, *, context_tokens: int, fp8_weights: bool, float32: bool = False) -> tuple[str, ...]:
    """Return what would make a model fit that does not: FP8, more GPUs, a shorter context, a smaller model.

    With ``float32``, quantised weights are no way out: vLLM's kernels for them compute in 16 bits.
    """
    gpu = hardware.gpu
    if gpu is None:
        return ()
    found: list[str] = []
    may_fp8 = gpu.fp8 and not size.quantized
    if may_fp8 and not fp8_weights and _fits(size, hardware, context_tokens, fp8=True):
        found.append("FP8 weights would fit: --quantization fp8.")
    more = [count for count in _COUNTS if count > hardware.count]
    if (count := next((count for count in more if _fits(size, Hardware(gpu, count), context_tokens, fp8=fp8_weights)), None)) is not None:
        found.append(f"{count} of these GPUs would do: --gpu {gpu.name}:{count}.")
    with_room = memory_fit(size, hardware, context_tokens=1, fp8_weights=fp8_weights)
    if with_room and with_room.tokens is not None and 2_048 <= with_room.tokens < context_tokens:
        found.append(f"A context of {with_room.tokens // 1_024 * 1_024:,} tokens would fit: --context-tokens.")
    if float32:
        found.append("A GPU with bfloat16 (L4, A10) needs half of that.")
    elif not size.quantized:
        found.append("A checkpoint of the same model in 4 bits (AWQ, GPTQ) takes about a third of 16 bits, where there is one.")
    found.append("Otherwise take a smaller model.")
    return tuple(found)


def _fits(size: ModelSize, hardware: Hardware, context_tokens: int, *, fp8: bool) -> bool:
    fit = memory_fit(size, hardware, context_tokens=context_tokens, fp8_weights=fp8)
    return fit is not None and fit.fits
