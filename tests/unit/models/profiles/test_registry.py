from __future__ import annotations

import re
from pathlib import Path

import pytest

from livesteward.errors import ConfigurationError
from livesteward.models.openai_client import OpenAICompatibleModel
from livesteward.models.profiles.profile import Profile
from livesteward.models.profiles.registry import PROFILES, profile_for
from livesteward.models.vllm_families import family_of
from livesteward.settings import ModelSettings

NAMES = {
    "Qwen/Qwen2.5-VL-7B-Instruct": "qwen2.5-vl",
    "Qwen/Qwen3-VL-8B-Instruct": "qwen3-vl",
    "/models/qwen3-vl-8b-instruct-fp8/": "qwen3-vl",
    "Qwen3-VL-30B-A3B-Thinking": "qwen3-vl-thinking",
    "Qwen/Qwen3.6-27B": "qwen3.5",
    "Qwen/Qwen3-8B": "qwen3",
    "Qwen/Qwen3-4B-Instruct-2507": "qwen3",
    "Qwen/Qwen3-4B-Thinking-2507": "thinker",
    "Qwen/QwQ-32B": "thinker",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": "thinker",
    "deepseek-ai/DeepSeek-V3.1": "deepseek-v3.1",
    "google/gemma-3-27b-it": "gemma-3",
    "google/gemma-3-12b-it": "gemma-3",
    "google/gemma-3-1b-it": "gemma-3-text",
    "google/gemma-2-9b-it": "gemma-3-text",
    "google/gemma-4-E4B-it": "gemma-4",
    "meta-llama/Llama-3.1-8B-Instruct": "llama-3",
    "meta-llama/Meta-Llama-3-8B-Instruct": "llama-3",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct": "llama-4",
    "mistralai/Ministral-3-8B-Instruct-2512": "mistral",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506": "mistral",
    "mistralai/Ministral-3-8B-Reasoning-2512": "mistral-reasoning",
    "mistralai/Magistral-Small-2509": "mistral-reasoning",
    "mistralai/Pixtral-12B-2409": "pixtral",
    "OpenGVLab/InternVL3_5-8B": "internvl",
    "zai-org/GLM-4.6V-Flash": "glm-4v",
    "zai-org/GLM-4.1V-9B-Thinking": "glm-4v-thinking",
    "openbmb/MiniCPM-V-4_5": "minicpm-v",
    "microsoft/Phi-4-multimodal-instruct": "phi-4-multimodal",
    "HuggingFaceTB/SmolVLM-256M-Instruct": "smolvlm",
    "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": "smolvlm",
    "HuggingFaceTB/SmolVLM-Instruct": "smolvlm-2.2b",
    "HuggingFaceTB/SmolVLM2-2.2B-Instruct": "smolvlm-2.2b",
    "openai/gpt-oss-20b": "gpt-oss",
    "gpt-4o-mini": "openai",
    "gpt-4.1": "openai",
    "gpt-5-mini": "openai-reasoning",
    "o3": "openai-reasoning",
    "openai/gpt-oss-safeguard-20b": "gpt-oss-safeguard",
    "meta-llama/Llama-Guard-4-12B": "llama-guard-4",
    "Qwen/Qwen3Guard-Gen-8B": "qwen3guard",
    "google/shieldgemma-9b": "shieldgemma",
}


@pytest.mark.parametrize(("name", "profile"), NAMES.items())
def test_a_name_picks_its_profile_and_no_other_would_fit(name: str, profile: str) -> None:
    assert profile_for("auto", name).name == profile
    last = name.rstrip("/").rsplit("/", 1)[-1].lower()
    assert [one.name for one in PROFILES.values() if one.pattern and re.match(one.pattern, last)] == [profile]


@pytest.mark.parametrize(
    "name",
    ["", "judge-7b", "fraud-lora", "my-qwen3-vl-adapter", "Llama-3.2-11B-Vision-Instruct", "shieldgemma-2-4b-it", "Qwen3Guard-Stream-4B"],
)
def test_an_adapter_or_an_unknown_family_gets_the_plain_profile(name: str) -> None:
    assert profile_for("auto", name).name == "plain"


@pytest.mark.parametrize("name", [name for name, profile in NAMES.items() if not profile.startswith("openai")])
def test_what_always_thinks_is_served_with_a_parser_of_thoughts_and_nothing_else_is(name: str) -> None:
    # A schema would otherwise hold from the first token of a thought, or never.
    family, thinking = family_of(name), profile_for("auto", name).thinking
    assert bool(family.reasoning_parser) is thinking.always


def test_every_profile_but_the_plain_one_is_picked_by_some_name() -> None:
    assert set(NAMES.values()) == set(PROFILES) - {"plain"}


def test_a_setting_stands_over_the_name() -> None:
    assert profile_for("gemma-3", "fraud-lora").name == "gemma-3"
    assert profile_for("plain", "Qwen/Qwen3-VL-8B-Instruct").name == "plain"


def test_an_unknown_profile_lists_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no profile 'qwen9'; there are auto, plain, qwen2\.5-vl, .*shieldgemma"):
        OpenAICompatibleModel(ModelSettings(base_url="http://127.0.0.1:1/v1", profile="qwen9"))


def test_a_model_that_takes_no_pictures_is_sent_none_whatever_the_settings_say() -> None:
    settings = ModelSettings(base_url="http://127.0.0.1:1/v1", accepts_images=True)
    blind = OpenAICompatibleModel(settings.model_copy(update={"name": "openai/gpt-oss-20b"}))
    seeing = OpenAICompatibleModel(settings.model_copy(update={"name": "Qwen/Qwen3-VL-8B-Instruct"}))
    assert (blind.accepts_images, seeing.accepts_images) == (False, True)


def _row(profile: Profile) -> str:
    thinking = profile.thinking
    thinks = "always" if thinking.always else "off; on with `model.thinking_tokens`" if thinking.on else ""
    special = [
        *(["no system role"] if not profile.system else []),
        *(["roles alternate"] if profile.alternates else []),
        *(["`max_completion_tokens`"] if profile.limit_field != "max_tokens" else []),
        *(["no temperature, no log-probabilities"] if not profile.samples else []),
    ]
    images = f"{profile.images.words()}; {'stay in place' if profile.pictures == 'inline' else profile.pictures}" if profile.images else ""
    cells = [f"`{profile.name}`", profile.models, images, thinks, ", ".join(special), "yes" if profile.calls_tools else ""]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    text = (Path(__file__).parents[4] / "docs" / "models.md").read_text(encoding="utf-8")
    table = text.split("| `model.profile` | for |")[1].split("\n\n")[0].splitlines()[2:]
    assert table == [_row(profile) for profile in PROFILES.values()]
