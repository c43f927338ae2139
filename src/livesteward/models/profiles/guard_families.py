"""The profiles of guard models: each with the format of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from livesteward.models.profiles.families import GPT_OSS, LLAMA_4
from livesteward.models.profiles.guards.llama_guard import LlamaGuard
from livesteward.models.profiles.guards.qwen3guard import Qwen3Guard
from livesteward.models.profiles.guards.safeguard import Safeguard
from livesteward.models.profiles.guards.shieldgemma import ShieldGemma
from livesteward.models.profiles.profile import TEXT_ONLY, Profile

GUARDS: Final[tuple[Profile, ...]] = (
    replace(GPT_OSS, name="gpt-oss-safeguard", models="gpt-oss-safeguard", pattern=r"gpt-oss-safeguard", guard=Safeguard()),
    replace(
        LLAMA_4, name="llama-guard-4", models="Llama Guard 4", pattern=r"(meta-)?llama-guard-?4", calls_tools=False, guard=LlamaGuard()
    ),
    replace(TEXT_ONLY, name="qwen3guard", models="Qwen3Guard-Gen", pattern=r"qwen-?3-?guard-?gen", calls_tools=False, guard=Qwen3Guard()),
    replace(
        TEXT_ONLY,
        name="shieldgemma",
        models="ShieldGemma, 2B, 9B and 27B",
        pattern=r"shieldgemma-?(2b|9b|27b)",
        calls_tools=False,
        guard=ShieldGemma(),
    ),
)
"""All of them, in the order of the documentation."""
