from __future__ import annotations

import pytest

from livesteward.errors import InputError
from livesteward.models.gpus import GPUS, parse_hardware


@pytest.mark.parametrize(
    ("text", "name", "count", "memory_gb"),
    [
        ("h100:1", "h100", 1, 80),
        ("L4", "l4", 1, 24),
        ("a100-80:2", "a100-80", 2, 160),
        ("A100_40:8", "a100-40", 8, 320),
        ("a100", "a100-80", 1, 80),
    ],
)
def test_a_name_and_a_number_are_gpus(text: str, name: str, count: int, memory_gb: float) -> None:
    hardware = parse_hardware(text)
    assert hardware.gpu is GPUS[name]
    assert (hardware.count, hardware.memory_gb, str(hardware)) == (count, memory_gb, f"{name}:{count}")


@pytest.mark.parametrize("text", ["h1000", "h100:0", "h100:65", "h100:x", "", "cpu:2", "h100:1:1"])
def test_what_is_no_gpu_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(InputError, match="--gpu"):
        parse_hardware(text)


def test_8_bit_arithmetic_begins_with_ada_and_hopper() -> None:
    assert all(gpu.fp8 is (float(gpu.capability) >= 8.9) for gpu in GPUS.values() if not gpu.capability.startswith("gfx"))
    assert [gpu.name for gpu in GPUS.values() if not gpu.bfloat16] == ["t4"]
