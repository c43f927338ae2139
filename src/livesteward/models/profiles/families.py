"""The families of general chat models, and how each is asked. With which flags it is served is in :mod:`livesteward.models.vllm_families`.

Facts come from the model cards and their chat templates on https://huggingface.co, from vLLM (https://docs.vllm.ai/en/stable, version 0.32)
and from the preprocessors of transformers 5. Where a family says nothing of the order of pictures, they stay where they are put. vLLM
leaves out of ``chat_template_kwargs`` what a template does not name, so that a switch does no harm where a member of the family has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from livesteward.models.profiles.images import Fixed, Patches, Tiles
from livesteward.models.profiles.profile import TEXT_ONLY, Profile
from livesteward.models.profiles.thinking import Thinking

ALLOWANCE: Final = 2_048
"""Tokens for the thoughts of a model that cannot leave them; a thought that is longer is a failed answer."""


def _switch(**values: bool) -> Mapping[str, Any]:
    return {"chat_template_kwargs": values}


_HYBRID: Final = Thinking(off=_switch(enable_thinking=False), on=_switch(enable_thinking=True), capped=True, begun_by_template=True)
"""Thinks unless its template is told not to: https://docs.vllm.ai/en/stable/features/reasoning_outputs/."""

_THINKER: Final = Thinking(always=True, allowance=ALLOWANCE, capped=True, begun_by_template=True)
"""Cannot be told not to; the template begins the thought (DeepSeek-R1, QwQ, Qwen3 ``-Thinking``)."""

_EFFORT: Final = Thinking(
    off={"reasoning_effort": "low"}, on={"reasoning_effort": "medium"}, always=True, allowance=ALLOWANCE, begun_by_template=False
)
"""Always thinks, and how much is asked for in words and not in tokens (gpt-oss; OpenAI's reasoning models)."""

_MISTRAL_THINKER: Final = Thinking(always=True, allowance=ALLOWANCE, begins="[THINK]", ends="[/THINK]")

QWEN2_5_VL: Final = Profile(
    name="qwen2.5-vl",
    models="Qwen2.5-VL",
    pattern=r"qwen-?2\.5-?vl",
    pictures="first",
    images=Patches(side=28, least=4),
)

QWEN3_VL: Final = Profile(
    name="qwen3-vl",
    models="Qwen3-VL, Instruct",
    pattern=r"qwen-?3-?vl(?!.*thinking)",
    pictures="first",
    images=Patches(side=32, least=64),
)

QWEN3_VL_THINKING: Final = replace(
    QWEN3_VL, name="qwen3-vl-thinking", models="Qwen3-VL, Thinking", pattern=r"qwen-?3-?vl.*thinking", thinking=_THINKER
)

QWEN3_5: Final = replace(QWEN3_VL, name="qwen3.5", models="Qwen3.5, 3.6, 3.8", pattern=r"qwen-?3\.[5-9]", thinking=_HYBRID)

QWEN3: Final = replace(
    TEXT_ONLY, name="qwen3", models="Qwen3, text", pattern=r"qwen-?3(?!\.|-?vl|-?omni|-?guard|.*thinking)", thinking=_HYBRID
)

THINKER: Final = replace(
    TEXT_ONLY,
    name="thinker",
    models="DeepSeek-R1 and its distillates, QwQ, Qwen3 Thinking",
    pattern=r"(deepseek-r1|qwq|qwen-?3(?!\.|-?vl).*thinking)",
    thinking=_THINKER,
)

DEEPSEEK: Final = replace(
    TEXT_ONLY,
    name="deepseek-v3.1",
    models="DeepSeek-V3.1, V3.2, V4",
    pattern=r"deepseek-v(3\.[1-9]|4)",
    # Its reasoning parser takes either word, and the newest thinks unless told not to.
    thinking=replace(_HYBRID, off=_switch(thinking=False, enable_thinking=False), on=_switch(thinking=True, enable_thinking=True)),
)

GEMMA_3: Final = Profile(
    name="gemma-3",
    models="Gemma 3, 4B and larger",
    pattern=r"gemma-?3(?!n|.*(270m|1b))",
    system=False,
    alternates=True,
    pictures="first",
    # 256 soft tokens between two marks, with line breaks around: https://ai.google.dev/gemma/docs/core/model_card_3.
    images=Fixed(each=260),
    calls_tools=False,
)

GEMMA_3_TEXT: Final = replace(
    GEMMA_3,
    name="gemma-3-text",
    models="Gemma 2; Gemma 3, 270M and 1B",
    pattern=r"gemma-?(2(?!b)|3(?!n).*(270m|1b))",
    images=None,
    pictures="inline",
)

GEMMA_4: Final = Profile(
    name="gemma-4",
    models="Gemma 4",
    pattern=r"gemma-?4",
    alternates=True,
    pictures="first",
    images=Fixed(each=284),
    # Off unless asked for, and asked for by the same switch as Qwen's.
    thinking=replace(_HYBRID, capped=False, begins="<|channel>", ends="<channel|>", begun_by_template=False),
)

LLAMA_3: Final = replace(
    TEXT_ONLY, name="llama-3", models="Llama 3, 3.1, 3.2, 3.3, text", pattern=r"(meta-)?llama-?3(?!.*(vision|guard))", alternates=False
)

LLAMA_4: Final = Profile(
    name="llama-4",
    models="Llama 4",
    pattern=r"(meta-)?llama-?4",
    pictures="first",
    images=Tiles(side=336, each=150, most=16),
)

MISTRAL: Final = Profile(
    name="mistral",
    models="Ministral 3, Mistral Small, Medium, Large, Instruct",
    pattern=r"(ministral|mistral-(small|medium|large))(?!.*reasoning)",
    alternates=True,
    images=Patches(side=28, each_row=1, longest=1_540),
)

MISTRAL_REASONING: Final = replace(
    MISTRAL,
    name="mistral-reasoning",
    models="Ministral 3 Reasoning, Magistral",
    pattern=r"(ministral.*reasoning|magistral)",
    thinking=_MISTRAL_THINKER,
)

PIXTRAL: Final = replace(MISTRAL, name="pixtral", models="Pixtral", pattern="pixtral", images=Patches(side=16, each_row=1, longest=1_024))

INTERNVL: Final = Profile(
    name="internvl",
    models="InternVL 3, 3.5",
    pattern=r"internvl-?[23]",
    pictures="first",
    # https://internvl.readthedocs.io/en/latest/internvl2.0/quick_start.html: 448 px a tile, 256 tokens each, an overview beside several.
    images=Tiles(side=448, each=258, most=12, closest=True),
)

GLM_4V: Final = Profile(
    name="glm-4v",
    models="GLM-4.5V, 4.6V",
    pattern=r"glm-4\.[156]v(?!.*thinking)",
    pictures="first",
    images=Patches(side=28, least=16, most=15_000),
    thinking=_HYBRID,
    answer_marks=(("<answer>", "</answer>"), ("<|begin_of_box|>", "<|end_of_box|>")),
)

GLM_4V_THINKING: Final = replace(
    GLM_4V, name="glm-4v-thinking", models="GLM-4.1V, Thinking", pattern=r"glm-4\.[156]v.*thinking", thinking=_THINKER
)

MINICPM_V: Final = Profile(
    name="minicpm-v",
    models="MiniCPM-V, MiniCPM-o",
    pattern=r"minicpm-(v|o)",
    pictures="first",
    images=Tiles(side=448, each=66, most=9),
    calls_tools=False,
    thinking=_HYBRID,
)

PHI_4_MULTIMODAL: Final = Profile(
    name="phi-4-multimodal",
    models="Phi-4-multimodal",
    pattern=r"phi-4-multimodal",
    pictures="first",
    images=Tiles(side=448, each=273, most=36),
)

SMOLVLM: Final = Profile(
    name="smolvlm",
    models="SmolVLM, SmolVLM2, 256M and 500M",
    pattern=r"smolvlm2?-(256|500)m",
    pictures="first",
    # The longest side becomes four tiles, whatever it was; each tile has its marks for row and column.
    images=Tiles(side=512, each=70, most=16, scaled_to=2_048),
    calls_tools=False,
)

SMOLVLM_2B: Final = replace(
    SMOLVLM,
    name="smolvlm-2.2b",
    models="SmolVLM, SmolVLM2, 2.2B",
    # The first one's name says no size.
    pattern=r"smolvlm(?!2?-(256|500)m)",
    # Smaller tiles of more tokens: https://huggingface.co/HuggingFaceTB/SmolVLM-Instruct/blob/main/preprocessor_config.json.
    images=Tiles(side=384, each=87, most=16, scaled_to=1_536),
)

GPT_OSS: Final = replace(TEXT_ONLY, name="gpt-oss", models="gpt-oss", pattern=r"gpt-oss(?!-safeguard)", thinking=_EFFORT)

OPENAI: Final = Profile(
    name="openai",
    models="OpenAI's gpt-4o, gpt-4.1",
    pattern=r"(chat)?gpt-4(o|\.\d)",
    # 85 tokens for the overview and 170 for each tile: https://platform.openai.com/docs/guides/images-vision.
    images=Tiles(side=512, each=170, most=8),
)

OPENAI_REASONING: Final = replace(
    OPENAI,
    name="openai-reasoning",
    models="OpenAI's gpt-5 and later, o-series",
    pattern=r"(gpt-[5-9]|o[1-9](-|$))",
    # These refuse max_tokens, a temperature and log-probabilities: https://platform.openai.com/docs/guides/reasoning.
    limit_field="max_completion_tokens",
    samples=False,
    thinking=_EFFORT,
)

FAMILIES: Final[tuple[Profile, ...]] = (
    QWEN2_5_VL,
    QWEN3_VL,
    QWEN3_VL_THINKING,
    QWEN3_5,
    QWEN3,
    THINKER,
    DEEPSEEK,
    GEMMA_3,
    GEMMA_3_TEXT,
    GEMMA_4,
    LLAMA_3,
    LLAMA_4,
    MISTRAL,
    MISTRAL_REASONING,
    PIXTRAL,
    INTERNVL,
    GLM_4V,
    GLM_4V_THINKING,
    MINICPM_V,
    PHI_4_MULTIMODAL,
    SMOLVLM,
    SMOLVLM_2B,
    GPT_OSS,
    OPENAI,
    OPENAI_REASONING,
)
"""All of them, in the order of the documentation."""
