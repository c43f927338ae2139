"""What vLLM wants to know of some families of models beyond their name: parsers, formats, and how their prefix cache behaves.

Whether a family takes pictures, and how it is kept from thinking, its profile says (:mod:`livesteward.models.profiles.families`).
Parsers are those that vLLM 0.32 registers; families by https://github.com/vllm-project/recipes and the model cards.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_HYBRID: Final = (
    "Its linear-attention layers keep states only now and then, so prefix hits can be low: look at 'engine status' after some requests, "
    "and try --prefix-match-unit 32 or a smaller --max-num-batched-tokens if they are."
)
_SLIDING: Final = (
    "Of its sliding-window layers vLLM keeps only parts for the prefix cache: look at 'engine status' after some requests, and try "
    "--prefix-cache-retention-interval 512 if hits are low."
)


@dataclass(frozen=True, kw_only=True)
class ServedFamily:
    """A family as ``vllm serve`` takes it.

    Attributes:
        pattern: Over the last part of a name in lower case, from its beginning.
        tool_parser: Of its calls of tools; empty where it makes none.
        reasoning_parser: Of its thoughts, for those that cannot do without.
        extra: Further flags with their reason.
        audio: Whether it takes sound, which is switched off.
        float16: Whether vLLM computes it in float16; where not, a GPU without bfloat16 has to compute it in float32.
        context_tokens: The longest context that it was made for, where that is less than others have and no folder says it.
        note: What to know of it.
    """

    pattern: str
    tool_parser: str = ""
    reasoning_parser: str = ""
    extra: tuple[tuple[str, str, str], ...] = ()
    audio: bool = False
    float16: bool = True
    context_tokens: int | None = None
    note: str = ""


_MISTRAL_FORM: Final = tuple(
    (flag, "mistral", "The repository holds Mistral's own form of configuration, weights and tokenizer.")
    for flag in ("--tokenizer-mode", "--config-format", "--load-format")
)

FAMILIES: Final = (
    ServedFamily(pattern=r"qwen2\.5-vl", tool_parser="hermes"),
    ServedFamily(pattern=r"qwen3-vl.*thinking", tool_parser="hermes", reasoning_parser="deepseek_r1"),
    ServedFamily(pattern=r"qwen3-vl", tool_parser="hermes"),
    ServedFamily(pattern=r"qwen3\.[5-9]", tool_parser="qwen3_coder", note=_HYBRID),
    ServedFamily(pattern=r"(qwen3-.*thinking|qwq)", tool_parser="hermes", reasoning_parser="deepseek_r1"),
    ServedFamily(pattern=r"deepseek-r1", reasoning_parser="deepseek_r1"),
    ServedFamily(pattern=r"qwen3-", tool_parser="hermes"),
    ServedFamily(pattern=r"(gemma-2-|shieldgemma-(2|9|27)b)", float16=False, context_tokens=8_192, note=_SLIDING),
    ServedFamily(pattern=r"gemma-3-", float16=False, note=_SLIDING),
    ServedFamily(pattern=r"gemma-4-(e2b|e4b|12b)", tool_parser="gemma4", audio=True, note=_SLIDING),
    ServedFamily(pattern=r"gemma-4-", tool_parser="gemma4", note=_SLIDING),
    ServedFamily(pattern=r"internvl.*-hf", tool_parser="hermes"),
    ServedFamily(
        pattern=r"internvl",
        tool_parser="hermes",
        extra=(
            (
                "--trust-remote-code",
                "",
                "The repository brings code of its own, which this runs: read it, or take the -HF form of the model.",
            ),
            ("--mm-processor-kwargs", '{"max_dynamic_patch":2}', "At most two tiles of 256 tokens a picture, and an overview."),
        ),
    ),
    ServedFamily(pattern=r"(magistral|ministral-3.*reasoning)", tool_parser="mistral", reasoning_parser="mistral", extra=_MISTRAL_FORM),
    ServedFamily(pattern=r"(ministral-3|mistral-(small|medium|large)|pixtral)", tool_parser="mistral", extra=_MISTRAL_FORM),
    ServedFamily(pattern=r"llama-4", tool_parser="llama4_pythonic"),
    ServedFamily(pattern=r"(meta-)?llama-3-(8|70)b", context_tokens=8_192),
    ServedFamily(pattern=r"smolvlm2?-(256|500)m", context_tokens=8_192),
    ServedFamily(pattern=r"minicpm-v-4[._]?6", tool_parser="qwen3_coder", note=_HYBRID),
    ServedFamily(pattern=r"glm-4\.[156]v.*thinking", tool_parser="glm45", reasoning_parser="glm45"),
    ServedFamily(pattern=r"glm-4-(9|32)b.*0414", float16=False),
    ServedFamily(pattern=r"glm-4\.[156]v", tool_parser="glm45"),
    ServedFamily(pattern=r"phi-4-multimodal", tool_parser="phi4_mini_json"),
    ServedFamily(pattern=r"gpt-oss", tool_parser="openai", reasoning_parser="openai_gptoss", note=_SLIDING),
)

UNKNOWN: Final = ServedFamily(pattern="")
"""A family of which nothing is known: no parsers."""


def family_of(model: str) -> ServedFamily:
    """Return the family of a model by the last part of its name or folder."""
    name = model.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((family for family in FAMILIES if re.match(family.pattern, name)), UNKNOWN)
