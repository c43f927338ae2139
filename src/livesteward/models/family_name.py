"""Under which name a model's family is looked up: its own, that of its profile, or what the ``config.json`` of its folder says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from livesteward.models.profiles.profile import PLAIN
from livesteward.models.profiles.registry import AUTO, profile_for
from livesteward.models.vllm_families import UNKNOWN, family_of

_BY_PROFILE: Final = {
    "gemma-3-text": "gemma-3-1b",
    "glm-4v": "glm-4.6v",
    "glm-4v-thinking": "glm-4.1v-thinking",
    "qwen3guard": "qwen3guard-gen",
    # Of what it stands for, only this says nothing of how tools are called.
    "thinker": "deepseek-r1",
    # The form that runs no code of its repository: that is not switched on for a guess.
    "internvl": "internvl3-hf",
    # Its flags hang on the form of the files, which a profile does not tell.
    "pixtral": "",
}
"""Names for profiles that are not called like their family."""

_BY_TYPE: Final = {
    "qwen2_5_vl": "qwen2.5-vl",
    "qwen3_vl": "qwen3-vl",
    "qwen3_vl_moe": "qwen3-vl",
    "qwen3_5": "qwen3.5",
    "qwen3_5_moe": "qwen3.5",
    "qwen3": "qwen3-",
    "qwen3_moe": "qwen3-",
    "gemma3": "gemma-3-",
    "gemma3_text": "gemma-3-1b",
    "gemma4": "gemma-4-",
    "llama4": "llama-4",
    "internvl": "internvl3-hf",
    "glm4v": "glm-4.6v",
    "glm4v_moe": "glm-4.6v",
    "glm46v": "glm-4.6v",
    "gpt_oss": "gpt-oss",
}
"""Names for the ``model_type`` of transformers 5."""


def family_name(model: str, profile: str = AUTO) -> str:
    """Return a name by which :func:`family_of` and :func:`profile_for` find the family of ``model``.

    Args:
        model: A folder, or a name where vLLM may use a hub.
        profile: As ``model.profile`` says it; it goes before everything else.

    Raises:
        ConfigurationError: If there is no such profile.
    """
    if profile != AUTO and profile_for(profile) is not profile_for(AUTO, model):
        return _BY_PROFILE.get(profile, f"{profile}-")
    if profile_for(AUTO, model) is PLAIN and family_of(model) is UNKNOWN:
        return _BY_TYPE.get(_model_type(Path(model).expanduser()), model)
    return model


def _model_type(folder: Path) -> str:
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        # Where it is a folder, what is wrong with the file is said when its size is read.
        return ""
    return str(config.get("model_type")) if isinstance(config, dict) else ""
