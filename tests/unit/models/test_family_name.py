"""Every name that stands for a family is found by both tables, or by none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from livesteward.models.family_name import family_name
from livesteward.models.profiles.registry import PROFILES, profile_for
from livesteward.models.vllm_families import UNKNOWN, family_of

TYPES = {
    "qwen2_5_vl": "qwen2.5-vl",
    "qwen3_vl_moe": "qwen3-vl",
    "qwen3_5_moe": "qwen3.5",
    "qwen3": "qwen3",
    "gemma3": "gemma-3",
    "gemma3_text": "gemma-3-text",
    "gemma4": "gemma-4",
    "llama4": "llama-4",
    "internvl": "internvl",
    "glm46v": "glm-4v",
    "gpt_oss": "gpt-oss",
}


@pytest.mark.parametrize(("model_type", "profile"), TYPES.items())
def test_the_type_in_a_folder_tells_profile_and_flags(model_type: str, profile: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    name = family_name(str(tmp_path))
    assert profile_for("auto", name).name == profile
    assert family_of(name) is not UNKNOWN


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"model_type": 3}'])
def test_what_a_folder_does_not_tell_stays_unknown(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    assert family_name(str(tmp_path)) == str(tmp_path)
    assert family_name("judge") == "judge"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_gives_flags_of_its_own_family_or_none(profile: str) -> None:
    name = family_name("judge", profile)
    assert family_of(name) is UNKNOWN or profile_for("auto", name).name == profile


@pytest.mark.parametrize("profile", ["qwen3-vl", "qwen3-vl-thinking", "qwen3.5", "gemma-3", "gemma-4", "glm-4v", "gpt-oss", "llama-4"])
def test_a_profile_stands_for_the_familys_flags(profile: str) -> None:
    assert family_of(family_name("judge", profile)) is not UNKNOWN


def test_a_name_that_agrees_with_the_profile_tells_more_than_the_profile() -> None:
    assert family_name("google/gemma-4-E4B-it", "gemma-4") == "google/gemma-4-E4B-it"
