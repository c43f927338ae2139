"""How large a model is: from its folder, else from its name, else unknown. Nothing is downloaded."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from livesteward.errors import ConfigurationError

GB: Final = 1e9
"""GB are of 10^9 bytes throughout."""

_16_BIT: Final = 2.2
_8_BIT: Final = 1.06
_4_BIT: Final = 0.8
"""Bytes for each parameter that a name counts: a name rounds down and leaves out the image tower."""

_KEPT_GB: Final = 1.5
"""What is said to have 8 bits keeps the embeddings and the image tower in 16, which grow far slower than the rest. Qwen3-VL-8B has 8.8
billion parameters: 17.5 GB in bfloat16 and 9.9 GB in FP8, by its files."""

_FP8_SAVES: Final = 0.57
"""What is left of 16-bit weights in FP8, by the same files."""

_PARAMETERS = re.compile(r"(?<![a-z0-9.])(?:(?P<experts>[0-9]+)x)?(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>[bm])(?![a-z0-9])")
_SAID: Final = (
    (re.compile(r"(?<![a-z0-9])(bf16|fp16)(?![a-z0-9])"), _16_BIT, ""),
    # Before 4 bits, since GPTQ comes in either.
    (re.compile(r"int8|w8a|(?<![0-9.])8-?bit"), _8_BIT, "8 bits"),
    (re.compile(r"nvfp4|mxfp4|awq|gptq|int4|w4a|4-?bit"), _4_BIT, "4 bits"),
    (re.compile(r"fp8|ministral-3.*instruct|mistral-(small-4|medium-3\.5|large-3)"), _8_BIT, "8 bits"),
)
"""What a name says of the width, the first that fits, and families that are published in 8 bits; else it is 16 bits."""

_BY_FILES: Final = (
    (re.compile(r"gpt-oss(?!.*(bf|fp)16).*120b"), 65.3, "4 bits"),
    (re.compile(r"gpt-oss(?!.*(bf|fp)16).*20b"), 13.8, "4 bits"),
    # Experts in 8 bits, and 14 billion parameters beside them in 16.
    (re.compile(r"llama-4-maverick.*fp8"), 415.0, "8 bits"),
)
"""GB by their files or their cards, where the name leads far astray."""

_UNSAID: Final = (
    (re.compile(r"llama-4-scout"), 109.0),
    (re.compile(r"llama-4-maverick"), 400.0),
    (re.compile(r"phi-4-multimodal"), 5.6),
    (re.compile(r"minicpm-v-4[._]?6"), 1.3),
    (re.compile(r"minicpm-v-4"), 8.7),
    (re.compile(r"glm-4\.[56]v(?!-flash)"), 106.0),
    (re.compile(r"gemma-(3n|4)-e4b"), 8.0),
    (re.compile(r"gemma-(3n|4)-e2b"), 5.0),
)
"""Billions of parameters where the name does not say, from the model cards."""

_WIDTH: Final = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2, "half": 2}


@dataclass(frozen=True, kw_only=True)
class ModelSize:
    """What is known of a model's size.

    Attributes:
        weights_gb: Of the weights as vLLM holds them; ``None`` where nothing is known.
        source: Where that is from.
        quantized: How the weights are quantised already (``fp8``, ``awq``; by a name ``8 bits``), empty where they are not.
        kv_bytes: Of keys and values in 16 bits for each token, where the configuration says.
        heads: Attention heads, which must divide by the number of GPUs.
        kv_heads: Heads of keys and values, of which each GPU holds one at least.
        context_tokens: The longest context that it was made for.
    """

    weights_gb: float | None = None
    source: Literal["files", "name", "unknown"] = "unknown"
    quantized: str = ""
    kv_bytes: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    context_tokens: int | None = None

    @property
    def fp8_gb(self) -> float | None:
        """Of the weights when they are turned into FP8 on loading."""
        return None if self.weights_gb is None or self.quantized else self.weights_gb * _FP8_SAVES

    def in_float32(self) -> ModelSize:
        """Return the size where weights, keys and values are held in 32 bits and not in 16."""
        return replace(
            self,
            weights_gb=None if self.weights_gb is None else 2 * self.weights_gb,
            kv_bytes=None if self.kv_bytes is None else 2 * self.kv_bytes,
        )


def model_size(model: str) -> ModelSize:
    """Look at the folder ``model``, or read its name.

    Raises:
        ConfigurationError: If it is a folder whose ``config.json`` cannot be read.
    """
    folder = Path(model).expanduser()
    return _of_folder(folder) if folder.is_dir() else _of_name(model)


def _of_name(model: str) -> ModelSize:
    name = model.rstrip("/").rsplit("/", 1)[-1].lower()
    for pattern, weights, bits in _BY_FILES:
        if pattern.search(name):
            return ModelSize(weights_gb=weights, source="name", quantized=bits)
    width, bits = next(((width, bits) for pattern, width, bits in _SAID if pattern.search(name)), (_16_BIT, ""))
    billions = next((billions for pattern, billions in _UNSAID if pattern.search(name)), None)
    if billions is None and (found := _PARAMETERS.search(name)):
        billions = float(found["number"]) * int(found["experts"] or 1) / (1 if found["unit"] == "b" else 1_000)
    if billions is None:
        return ModelSize()
    weights = min(billions * _16_BIT, billions * width + _KEPT_GB) if width == _8_BIT else billions * width
    return ModelSize(weights_gb=round(weights, 2), source="name", quantized=bits)


def _of_folder(folder: Path) -> ModelSize:
    config = _config(folder)
    text = next((config[key] for key in ("text_config", "llm_config", "language_config") if isinstance(config.get(key), dict)), config)
    quantization = config.get("quantization_config") or text.get("quantization_config")
    method = str(quantization.get("quant_method") or "quantised") if isinstance(quantization, dict) else ""
    weights = _files_gb(folder)
    width = _WIDTH.get(str(config.get("dtype") or config.get("torch_dtype") or text.get("dtype") or text.get("torch_dtype")), 2)
    return ModelSize(
        # vLLM loads what is wider than 16 bits as 16 bits.
        weights_gb=None if weights is None else round(weights * (2 / width if width > 2 else 1), 3),
        source="unknown" if weights is None else "files",
        quantized=method,
        kv_bytes=_kv_bytes(text),
        heads=_whole(text.get("num_attention_heads")),
        kv_heads=_whole(text.get("num_key_value_heads")) or _whole(text.get("num_attention_heads")),
        context_tokens=_whole(text.get("max_position_embeddings")),
    )


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes()) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); is {folder} a model's folder?") from error
    if not isinstance(config, dict):
        raise ConfigurationError(f"{path} is no JSON object; is {folder} a model's folder?")
    return config


def _files_gb(folder: Path) -> float | None:
    files = list(folder.glob("*.safetensors")) or list(folder.glob("*.bin"))
    # Mistral's repositories hold the same weights twice, in two forms.
    twice = [file for file in files if file.name.startswith("consolidated")]
    files = [file for file in files if file not in twice] or twice
    return sum(file.stat().st_size for file in files) / GB if files else None


def _kv_bytes(text: dict[str, Any]) -> int | None:
    layers, heads = _whole(text.get("num_hidden_layers")), _whole(text.get("num_attention_heads"))
    if layers is None or heads is None or "kv_lora_rank" in text:
        return None
    kv_heads = _whole(text.get("num_key_value_heads")) or heads
    hidden = _whole(text.get("hidden_size"))
    size = _whole(text.get("head_dim")) or (hidden // heads if hidden else None)
    kinds = text.get("layer_types")
    if isinstance(kinds, list) and "full_attention" in kinds:
        # The others keep a window or a state of fixed size.
        layers = kinds.count("full_attention")
    return None if size is None else 2 * layers * kv_heads * size * 2


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
