from __future__ import annotations

import re

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
        ("3090", "rtx3090", 1, 24),
        ("rtx4060ti-16", "rtx4060ti-16", 1, 16),
        # As nvidia-smi writes them.
        ("NVIDIA L4", "l4", 1, 24),
        ("NVIDIA H100 80GB HBM3:4", "h100", 4, 320),
        ("NVIDIA H100 NVL", "h100-nvl", 1, 94),
        ("NVIDIA A100-SXM4-40GB", "a100-40", 1, 40),
        ("NVIDIA A100 80GB PCIe", "a100-80", 1, 80),
        ("NVIDIA GeForce RTX 4090", "rtx4090", 1, 24),
        ("NVIDIA RTX A6000", "a6000", 1, 48),
        ("NVIDIA RTX 6000 Ada Generation", "rtx6000ada", 1, 48),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "rtxpro6000", 1, 96),
        ("Tesla T4", "t4", 1, 16),
    ],
)
def test_a_name_and_a_number_are_gpus(text: str, name: str, count: int, memory_gb: float) -> None:
    hardware = parse_hardware(text)
    assert hardware.gpu is GPUS[name]
    assert (hardware.count, hardware.memory_gb, str(hardware)) == (count, memory_gb, f"{name}:{count}")


@pytest.mark.parametrize(
    # What is in a laptop, or a part of a GPU, has less memory than the name says.
    "text",
    [
        "h1000",
        "h100:0",
        "h100:65",
        "h100:x",
        "",
        "cpu:2",
        "h100:1:1",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    ],
)
def test_what_is_no_gpu_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(InputError, match="--gpu"):
        parse_hardware(text)


@pytest.mark.parametrize(("text", "hint"), [("foo", "It is a name and a number, such as h100:2."), ("h1000", "Did you mean h100?")])
def test_an_unknown_gpu_is_told_in_whole_sentences(text: str, hint: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"--gpu: '{text}' is no GPU that is known. {hint} Known are t4, ")):
        parse_hardware(text)


def test_8_bit_arithmetic_begins_with_ada_and_hopper() -> None:
    assert all(gpu.fp8 is (float(gpu.capability) >= 8.9) for gpu in GPUS.values() if not gpu.capability.startswith("gfx"))
    assert [gpu.name for gpu in GPUS.values() if not gpu.bfloat16] == ["t4"]
