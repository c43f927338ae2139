from __future__ import annotations

import json
from pathlib import Path

import pytest

from livesteward.errors import ConfigurationError
from livesteward.models.model_size import model_size


@pytest.mark.parametrize(
    ("model", "least", "most", "quantized"),
    [
        # Sizes of the files, from the model cards.
        ("Qwen/Qwen3-VL-8B-Instruct", 17.5, 18, ""),
        ("Qwen/Qwen3-VL-8B-Instruct-FP8", 9.9, 10.5, "8 bits"),
        ("Qwen/Qwen3-VL-4B-Instruct-FP8", 5, 6.2, "8 bits"),
        ("Qwen/Qwen3-VL-30B-A3B-Instruct-FP8", 31, 34, "8 bits"),
        ("Qwen/Qwen3-VL-32B-Instruct-FP8", 34, 37, "8 bits"),
        ("Qwen/Qwen3-VL-235B-A22B-Instruct-FP8", 235, 255, "8 bits"),
        ("org/gemma-3-270m-it-FP8", 0.3, 0.6, "8 bits"),
        ("Qwen/Qwen3-VL-30B-A3B-Instruct", 62, 68, ""),
        ("google/gemma-3-270m-it", 0.5, 0.7, ""),
        ("google/gemma-4-E4B-it", 16, 18, ""),
        ("openai/gpt-oss-20b", 13, 16, "4 bits"),
        ("openai/gpt-oss-safeguard-20b", 13, 16, "4 bits"),
        ("openai/gpt-oss-120b", 63, 68, "4 bits"),
        ("openai/gpt-oss-safeguard-120b", 63, 68, "4 bits"),
        ("unsloth/gpt-oss-20b-BF16", 41, 46, ""),
        ("mistralai/Ministral-3-14B-Instruct-2512", 15, 18, "8 bits"),
        ("mistralai/Ministral-3-14B-Instruct-2512-BF16", 27, 31, ""),
        ("mistralai/Mistral-Small-4-119B-2603", 119, 150, "8 bits"),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int8", 73, 91, "8 bits"),
        ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", 41, 58, "4 bits"),
        ("Qwen/Qwen2.5-VL-7B-Instruct-AWQ", 5, 7, "4 bits"),
        ("mistralai/Mixtral-8x7B-Instruct", 93, 125, ""),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 210, 245, ""),
        ("meta-llama/Llama-4-Maverick-17B-128E-Instruct", 800, 890, ""),
        ("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", 400, 440, "8 bits"),
    ],
)
def test_a_name_tells_about_how_large_a_model_is(model: str, least: float, most: float, quantized: str) -> None:
    size = model_size(model)
    assert size.weights_gb is not None
    assert least <= size.weights_gb <= most
    assert (size.source, size.quantized, size.kv_bytes) == ("name", quantized, None)


@pytest.mark.parametrize("model", ["my-judge", "org/model-v2.5", "b", "model-2024b7"])
def test_a_name_without_a_size_tells_nothing(model: str) -> None:
    assert (model_size(model).weights_gb, model_size(model).source) == (None, "unknown")


def write(folder: Path, config: object, **files: int) -> str:
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    for name, megabytes in files.items():
        with (folder / f"{name}.safetensors").open("wb") as file:
            file.truncate(megabytes * 1_000_000)
    return str(folder)


def test_a_folder_is_measured(tmp_path: Path) -> None:
    text = {"num_hidden_layers": 10, "num_attention_heads": 8, "hidden_size": 512, "max_position_embeddings": 4_096}
    size = model_size(write(tmp_path, {"torch_dtype": "bfloat16", "text_config": text}, a=300, b=200))
    assert (size.weights_gb, size.source, size.quantized, size.context_tokens) == (0.5, "files", "", 4_096)
    assert (size.heads, size.kv_heads) == (8, 8)
    assert size.kv_bytes == 2 * 10 * 8 * 64 * 2
    assert size.fp8_gb == pytest.approx(0.285)


def test_weights_that_are_there_twice_count_once_and_wide_ones_half(tmp_path: Path) -> None:
    assert model_size(write(tmp_path, {"dtype": "float32"}, model=400, consolidated=400)).weights_gb == 0.2


def test_layers_with_a_window_or_a_state_do_not_grow_with_the_prompt(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32}
    kinds = ["linear_attention", "linear_attention", "linear_attention", "full_attention"]
    assert model_size(write(tmp_path, {**config, "layer_types": kinds})).kv_bytes == 2 * 1 * 2 * 32 * 2


def test_a_quantised_folder_says_how_and_is_not_quantised_again(tmp_path: Path) -> None:
    size = model_size(write(tmp_path, {"quantization_config": {"quant_method": "awq"}}, model=100))
    assert (size.quantized, size.fp8_gb) == ("awq", None)


def test_an_attention_that_keeps_something_else_is_unknown(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 4, "num_attention_heads": 8, "head_dim": 32, "kv_lora_rank": 512}
    assert model_size(write(tmp_path, config)).kv_bytes is None


@pytest.mark.parametrize("config", ["{", "[1]", '"x"'])
def test_a_folder_with_a_broken_configuration_is_named(tmp_path: Path, config: str) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        model_size(write(tmp_path, config))
