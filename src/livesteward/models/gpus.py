"""GPUs by their short names: memory, and which arithmetic they have.

Memory is as the maker states it (NVIDIA's and AMD's product pages), in GB of 10^9 bytes; what a driver reports differs by a percent or two.
Compute capabilities: https://developer.nvidia.com/cuda-gpus. Arithmetic in 8 bits (W8A8) needs 8.9 or later, and below that vLLM reads FP8
weights but computes in 16 bits: https://docs.vllm.ai/en/v0.32.0/features/quantization/llm_compressor/fp8/. bfloat16 needs 8.0.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final

from livesteward.errors import InputError

CPU: Final = "cpu"
MOST_GPUS: Final = 64

_FORM = re.compile(r"(?P<name>[a-z0-9][a-z0-9 .-]*)(?::(?P<count>[0-9]{1,3}))?")
_IDLE_WORDS: Final = re.compile(
    r"nvidia|amd|geforce|quadro|tesla|instinct|generation|blackwell|workstation|server|edition|sxm[0-9]?|pcie|oam|hbm[0-9]?e?"
)
"""Words of a product's name that tell no kind. ``laptop`` is not among them: what is in a laptop has less memory."""


@dataclass(frozen=True)
class Gpu:
    """One kind of GPU.

    Attributes:
        name: What ``--gpu`` calls it.
        memory_gb: Of one, in GB of 10^9 bytes.
        capability: NVIDIA's compute capability, or AMD's architecture.
        fp8: Whether it computes in 8 bits.
        bfloat16: Whether it computes in bfloat16.
    """

    name: str
    memory_gb: float
    capability: str
    fp8: bool
    bfloat16: bool = True


def _nvidia(name: str, memory_gb: float, capability: float) -> Gpu:
    return Gpu(name, memory_gb, f"{capability:.1f}", fp8=capability >= 8.9, bfloat16=capability >= 8.0)


GPUS: Final[dict[str, Gpu]] = {
    gpu.name: gpu
    for gpu in (
        _nvidia("t4", 16, 7.5),
        _nvidia("a10", 24, 8.6),
        _nvidia("a10g", 24, 8.6),
        _nvidia("a5000", 24, 8.6),
        _nvidia("rtx3090", 24, 8.6),
        _nvidia("a40", 48, 8.6),
        _nvidia("a6000", 48, 8.6),
        _nvidia("a100-40", 40, 8.0),
        _nvidia("a100-80", 80, 8.0),
        _nvidia("rtx4060ti-16", 16, 8.9),
        _nvidia("rtx4080", 16, 8.9),
        _nvidia("rtx2000ada", 16, 8.9),
        _nvidia("rtx4090", 24, 8.9),
        _nvidia("l4", 24, 8.9),
        _nvidia("l40", 48, 8.9),
        _nvidia("l40s", 48, 8.9),
        _nvidia("rtx6000ada", 48, 8.9),
        _nvidia("h100", 80, 9.0),
        _nvidia("h100-nvl", 94, 9.0),
        _nvidia("h200", 141, 9.0),
        _nvidia("gh200", 96, 9.0),
        _nvidia("b200", 180, 10.0),
        _nvidia("b300", 268, 10.3),
        _nvidia("rtx5080", 16, 12.0),
        _nvidia("rtx5090", 32, 12.0),
        _nvidia("rtxpro5000", 48, 12.0),
        _nvidia("rtxpro6000", 96, 12.0),
        Gpu("mi300x", 192, "gfx942", fp8=True),
        Gpu("mi325x", 256, "gfx942", fp8=True),
        Gpu("mi355x", 288, "gfx950", fp8=True),
    )
}
"""All that are known, by name."""

_OTHERWISE: Final = {
    "a100": "a100-80",
    "gh200-96": "gh200",
    "rtxa5000": "a5000",
    "rtxa6000": "a6000",
    "h100-80": "h100",
    "l40-s": "l40s",
}


@dataclass(frozen=True)
class Hardware:
    """What a model is served on: GPUs of one kind, or with ``gpu`` left out the processor."""

    gpu: Gpu | None
    count: int = 1

    @property
    def memory_gb(self) -> float:
        """Of all GPUs together; 0 for a processor."""
        return self.gpu.memory_gb * self.count if self.gpu else 0.0

    def __str__(self) -> str:
        """As ``--gpu`` takes it."""
        return f"{self.gpu.name}:{self.count}" if self.gpu else CPU


def parse_hardware(text: str) -> Hardware:
    """Read ``h100``, ``a100-80:2``, ``cpu``, or a name as ``nvidia-smi`` writes it, ``NVIDIA H100 80GB HBM3``.

    Raises:
        InputError: If there is no such GPU, or the number is not 1 to 64; proposes the name that was probably meant.
    """
    found = _FORM.fullmatch(text.strip().lower().replace("_", "-"))
    asked = found["name"].strip() if found else ""
    count = int(found["count"] or 1) if found else 0
    if asked == CPU and found and found["count"] is None:
        return Hardware(None)
    name = _known(asked)
    if name is None:
        near = difflib.get_close_matches(asked.replace(" ", "") or text.lower(), GPUS, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]}?" if near else "It is a name and a number, such as h100:2."
        raise InputError(f"{text!r} is no GPU that is known. {hint} Known are {', '.join(GPUS)}, and cpu", field="--gpu")
    if not 1 <= count <= MOST_GPUS:
        raise InputError(f"{count} GPUs; it must be 1 to {MOST_GPUS}", field="--gpu")
    return Hardware(GPUS[name], count)


def _known(asked: str) -> str | None:
    """Return the short name for what was asked: itself, a number of NVIDIA's RTX series, or a product's whole name."""
    words = [word for word in re.split(r"[ -]+", asked) if not _IDLE_WORDS.fullmatch(word)]
    memory = next((word.removesuffix("gb") for word in words if re.fullmatch(r"[0-9]+gb", word)), "")
    kind = [word for word in words if word != f"{memory}gb"]
    # The memory tells apart what is sold with two sizes of it, so it is asked with it first.
    tried = (asked.replace(" ", ""), *(f"{join.join(kind)}{with_memory}" for with_memory in (f"-{memory}", "") for join in ("", "-")))
    for name in tried:
        for proposed in (name, f"rtx{name}"):
            known = _OTHERWISE.get(proposed, proposed)
            if known in GPUS:
                return known
    return None
