from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from livesteward.errors import ConfigurationError, InputError
from livesteward.models.gpus import GPUS, Hardware, parse_hardware
from livesteward.models.serve_options import Adapter, Purpose, Quantization
from livesteward.models.vllm import ServeOptions, ServePlan, serve_command, serve_plan
from livesteward.settings import ModelSettings

VL_8B = "Qwen/Qwen3-VL-8B-Instruct"


def plan_for(model: str, gpu: str, **options: Any) -> ServePlan:
    hardware = parse_hardware(gpu)
    return serve_plan(model, ServeOptions.from_settings(ModelSettings(), hardware=hardware, **options))


def pairs(plan: ServePlan) -> dict[str, str]:
    return dict(pairwise(plan.command()))


def names(plan: ServePlan) -> set[str]:
    return {flag.name for flag in plan.flags}


def test_the_command_serves_what_the_client_asks_for() -> None:
    settings = ModelSettings(context_tokens=4_096, concurrency=8, max_frames=3, max_image_side=512, name="judge")
    options = ServeOptions.from_settings(settings, hardware=parse_hardware("l4:2"), port=9_000)
    command = serve_command("models/judge", options, vllm="/opt/vllm/bin/vllm")
    assert command[:3] == ["/opt/vllm/bin/vllm", "serve", "models/judge"]
    found = dict(pairwise(command))
    assert (found["--max-model-len"], found["--max-num-seqs"], found["--served-model-name"]) == ("4096", "8", "judge")
    assert json.loads(found["--limit-mm-per-prompt"]) == {"image": {"count": 3, "width": 512, "height": 512}, "video": 0}
    assert json.loads(found["--structured-outputs-config"]) == {"backend": "xgrammar", "disable_any_whitespace": True}
    assert found["--tensor-parallel-size"] == "2"
    assert {"--enable-prefix-caching", "--enable-chunked-prefill"} <= set(command)
    assert options.base_url == "http://127.0.0.1:9000/v1"


def test_a_text_model_gets_no_picture_flags_and_a_cpu_its_own() -> None:
    options = ServeOptions.from_settings(ModelSettings(accepts_images=False), hardware=parse_hardware("cpu"), host="0.0.0.0")
    plan = serve_plan("judge", options)
    assert "--limit-mm-per-prompt" not in names(plan)
    assert {"--dtype", "--enforce-eager", "--language-model-only"} <= names(plan)
    assert not {"--gpu-memory-utilization", "--speculative-config", "--quantization", "--performance-mode"} & names(plan)
    assert plan.environment == {"VLLM_CPU_KVCACHE_SPACE": "2"}
    assert options.base_url == "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize("gpu", [*GPUS, "h100:4", "cpu"])
@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("model", [VL_8B, "google/gemma-4-E4B-it", "openai/gpt-oss-20b", "OpenGVLab/InternVL3_5-8B", "no-size"])
def test_every_flag_says_why_in_one_sentence_or_two_and_no_key_is_among_them(model: str, purpose: Purpose, gpu: str) -> None:
    plan = plan_for(model, gpu, purpose=purpose, adapters=(Adapter("sg", "lora"),))
    assert all(flag.why.endswith(".") and len(flag.why) < 160 for flag in plan.flags)
    assert len(names(plan)) == len(plan.flags)
    assert "--api-key" not in plan.command()


def test_latency_guesses_from_the_prompt_and_takes_small_steps() -> None:
    throughput, latency = (plan_for(VL_8B, "h100", purpose=purpose) for purpose in Purpose)
    assert json.loads(pairs(latency)["--speculative-config"])["method"] == "ngram"
    assert "--speculative-config" not in names(throughput)
    assert int(pairs(latency)["--max-num-batched-tokens"]) < int(pairs(throughput)["--max-num-batched-tokens"])
    assert latency.options.concurrency < throughput.options.concurrency
    assert (pairs(latency)["--performance-mode"], pairs(throughput)["--performance-mode"]) == ("interactivity", "throughput")


def test_concurrency_is_the_settings_where_they_say_it() -> None:
    said = ServeOptions.from_settings(ModelSettings(concurrency=16), hardware=parse_hardware("h100"))
    assert said.concurrency == 16
    assert ServeOptions.from_settings(ModelSettings(), hardware=parse_hardware("h100")).concurrency == 64
    assert ServeOptions.from_settings(ModelSettings()).concurrency == ModelSettings().concurrency


def quantized(plan: ServePlan) -> bool:
    return pairs(plan).get("--quantization") == "fp8"


@pytest.mark.parametrize("gpu", ["a100-80", "a10", "t4", "rtx3090"])
def test_weights_are_never_turned_into_fp8_where_the_gpu_does_not_compute_in_it(gpu: str) -> None:
    for purpose in Purpose:
        plan = plan_for("Qwen/Qwen3-VL-32B-Instruct", gpu, purpose=purpose)
        assert not {"--quantization", "--kv-cache-dtype"} & names(plan)
    with pytest.raises(InputError, match="does not compute in FP8"):
        plan_for(VL_8B, gpu, quantization=Quantization.FP8)


def test_fp8_is_for_throughput_or_for_want_of_room() -> None:
    assert quantized(plan_for(VL_8B, "h100", purpose=Purpose.THROUGHPUT))
    assert not quantized(plan_for(VL_8B, "h100", purpose=Purpose.LATENCY))
    assert quantized(plan_for("Qwen/Qwen3-VL-32B-Instruct", "l40s", purpose=Purpose.LATENCY))
    assert not quantized(plan_for(VL_8B, "h100", quantization=Quantization.NONE))
    assert not quantized(plan_for("Qwen/Qwen3-VL-8B-Instruct-FP8", "h100", purpose=Purpose.THROUGHPUT))


def test_a_gpu_without_bfloat16_computes_in_half_precision() -> None:
    assert pairs(plan_for("Qwen/Qwen3-VL-4B-Instruct", "t4"))["--dtype"] == "half"
    assert "--dtype" not in names(plan_for("Qwen/Qwen3-VL-4B-Instruct", "l4"))


@pytest.mark.parametrize(
    ("model", "fits"),
    [("google/gemma-3-4b-it", False), ("google/gemma-3-1b-it", True), ("google/shieldgemma-2b", True), ("THUDM/GLM-4-9B-0414", False)],
)
def test_what_vllm_refuses_in_float16_is_computed_in_float32_and_takes_twice_the_memory(model: str, fits: bool) -> None:
    plan, plain = plan_for(model, "t4"), plan_for(model, "l4", quantization=Quantization.NONE)
    assert pairs(plan)["--dtype"] == "float32"
    assert all(flag.why.endswith(".") and len(flag.why) < 160 for flag in plan.flags)
    assert "--dtype" not in names(plain)
    assert plan.memory is not None
    assert plain.memory is not None
    assert plan.memory.weights_gb == pytest.approx(2 * plain.memory.weights_gb, abs=0.1)
    assert plan.fits is fits
    assert not any("AWQ" in remedy for remedy in plan.remedies)
    assert any("bfloat16" in remedy for remedy in plan.remedies) is not fits


def test_keys_and_values_are_counted_in_float32_too(tmp_path: Path) -> None:
    (tmp_path / "gemma-3-1b-it").mkdir()
    model = folder_with(tmp_path / "gemma-3-1b-it", gigabytes=2)
    wide, plain = plan_for(model, "t4").memory, plan_for(model, "l4", quantization=Quantization.NONE, purpose=Purpose.LATENCY).memory
    assert wide is not None
    assert plain is not None
    assert (wide.weights_gb, plain.weights_gb) == (4, 2)
    assert (wide.kv_gb_per_1000, plain.kv_gb_per_1000) == (0.295, 0.147)


def test_what_needs_16_bits_is_refused_where_there_is_only_float32() -> None:
    with pytest.raises(InputError, match=r"t4:1 has no bfloat16.*weights in 4 bits want 16 bits; take a GPU"):
        plan_for("RedHatAI/gemma-3-12b-it-quantized.w4a16", "t4")
    with pytest.raises(InputError, match="adapters want 16 bits"):
        plan_for("google/gemma-3-1b-it", "t4", adapters=(Adapter("sg", "lora"),))


@pytest.mark.parametrize(
    ("model", "tool_parser", "reasoning_parser", "template"),
    [
        (VL_8B, "hermes", "", False),
        ("Qwen/Qwen3-VL-8B-Thinking", "hermes", "deepseek_r1", False),
        ("Qwen/Qwen3.5-9B", "qwen3_coder", "", True),
        ("google/gemma-3-12b-it", "", "", False),
        ("google/gemma-4-E4B-it", "gemma4", "", True),
        ("openai/gpt-oss-safeguard-20b", "openai", "openai_gptoss", False),
        ("models/ministral-3-8b-instruct-2512", "mistral", "", False),
        ("Qwen/Qwen3-4B-Instruct-2507", "hermes", "", True),
        ("Qwen/Qwen3-4B-Thinking-2507", "hermes", "deepseek_r1", False),
        ("Qwen/QwQ-32B", "hermes", "deepseek_r1", False),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "", "deepseek_r1", False),
        ("mistralai/Magistral-Small-2509", "mistral", "mistral", False),
        ("mistralai/Ministral-3-8B-Reasoning-2512", "mistral", "mistral", False),
        ("zai-org/GLM-4.1V-9B-Thinking", "glm45", "glm45", False),
        ("zai-org/GLM-4.6V", "glm45", "", True),
        ("deepseek-ai/DeepSeek-V3.1", "", "", True),
        ("an-unknown-one", "", "", False),
    ],
)
def test_parsers_are_the_familys_and_tools_go_only_with_one(model: str, tool_parser: str, reasoning_parser: str, template: bool) -> None:
    plan = plan_for(model, "h100")
    found = pairs(plan)
    assert found.get("--tool-call-parser", "") == tool_parser
    assert ("--enable-auto-tool-choice" in names(plan)) is bool(tool_parser)
    assert found.get("--reasoning-parser", "") == reasoning_parser
    assert ("--default-chat-template-kwargs" in names(plan)) is template


def test_a_name_that_hides_the_family_needs_its_profile() -> None:
    assert plan_for(VL_8B, "h100").profile == "auto"
    assert plan_for(VL_8B, "h100", name="judge").profile == "qwen3-vl"
    assert plan_for(VL_8B, "h100", adapters=(Adapter("sg", "lora"),)).profile == "qwen3-vl"
    assert plan_for("my-own-judge", "h100", name="judge").profile == "auto"


def of_type(folder: Path, model_type: str) -> str:
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    return str(folder)


def test_the_family_of_a_folder_that_hides_it_is_told_by_its_files(tmp_path: Path) -> None:
    plan = plan_for(of_type(tmp_path, "qwen3_vl"), "l4", name="judge")
    assert (plan.profile, pairs(plan)["--tool-call-parser"]) == ("qwen3-vl", "hermes")
    assert any("config.json says that it is Qwen3-VL" in note for note in plan.notes)
    unheard_of = plan_for(of_type(tmp_path, "brand_new"), "l4", name="judge")
    assert (unheard_of.profile, "--tool-call-parser" in names(unheard_of)) == ("auto", False)


def test_the_profile_of_the_settings_goes_before_name_and_files(tmp_path: Path) -> None:
    folder = of_type(tmp_path, "qwen3_vl")
    for model, name in ((folder, "judge"), (VL_8B, ""), ("my-judge", "judge-sg")):
        settings = ModelSettings(profile="qwen3-vl-thinking", name=name)
        plan = serve_plan(model, ServeOptions.from_settings(settings, hardware=parse_hardware("l4")))
        assert (plan.profile, pairs(plan)["--reasoning-parser"]) == ("qwen3-vl-thinking", "deepseek_r1")
    with pytest.raises(ConfigurationError, match="there is no profile 'qwen9'"):
        serve_plan("my-judge", ServeOptions(profile="qwen9"))


def test_no_guess_of_a_family_runs_code_of_a_repository(tmp_path: Path) -> None:
    for plan in (plan_for(of_type(tmp_path, "internvl"), "l4"), serve_plan("judge", ServeOptions(profile="internvl"))):
        assert "--trust-remote-code" not in names(plan)
        assert pairs(plan)["--tool-call-parser"] == "hermes"


@pytest.mark.parametrize("path", ["./models/judge", "../judge", "/models/judge", "~/no-such-folder-of-a-judge"])
def test_a_path_that_leads_nowhere_is_no_name_of_a_hub(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"MODEL: there is no folder {path}"):
        serve_plan(path)
    with pytest.raises(InputError, match=f"--lora: there is no folder {path}"):
        Adapter.parse(f"judge-sg={path}")


def test_a_home_folder_is_spelled_out_for_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "judge-8b").mkdir()
    assert Adapter.parse("sg=~/judge-8b").path == serve_plan("~/judge-8b").command()[2] == str(tmp_path / "judge-8b")


def test_a_name_of_the_settings_that_is_an_adapters_asks_for_the_adapter() -> None:
    adapters = (Adapter("sg", "a"), Adapter("de", "b"))
    options = ServeOptions.from_settings(ModelSettings(name="de"), adapters=adapters)
    plan = serve_plan(VL_8B, options)
    assert "--served-model-name" not in names(plan)
    assert plan.served_name == "de"
    named = serve_plan(VL_8B, ServeOptions.from_settings(ModelSettings(name="de"), adapters=adapters, name="base"))
    assert (pairs(named)["--served-model-name"], named.served_name) == ("base", "de")


def test_a_model_and_its_adapters_have_names_of_their_own() -> None:
    with pytest.raises(InputError, match="--name: 'sg' is the name of an adapter too"):
        ServeOptions.from_settings(ModelSettings(), adapters=(Adapter("sg", "a"),), name="sg")
    with pytest.raises(InputError, match="--lora: there are several adapters of the name 'sg'"):
        ServeOptions(adapters=(Adapter("sg", "a"), Adapter("sg", "b")))


@pytest.mark.parametrize("model", ["openai/gpt-oss-20b", "meta-llama/Llama-3.1-8B-Instruct", "Qwen/Qwen3Guard-Gen-8B"])
def test_a_family_that_reads_text_only_is_sent_no_pictures(model: str) -> None:
    plan = plan_for(model, "h100")
    assert plan.options.images == 0
    assert "--limit-mm-per-prompt" not in names(plan)
    assert any("ACCEPTS_IMAGES=false" in note for note in plan.notes)


def test_adapters_have_room_for_the_largest_rank(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 24}', encoding="utf-8")
    plan = plan_for(VL_8B, "h100", adapters=(Adapter.parse(f"sg={tmp_path}"), Adapter.parse("de=a/b")))
    command = plan.command()
    assert command[command.index("--lora-modules") + 1 :][:2] == [f"sg={tmp_path}", "de=a/b"]
    assert (pairs(plan)["--max-lora-rank"], pairs(plan)["--max-loras"]) == ("32", "2")
    assert plan.served_name == "sg"
    with pytest.raises(InputError, match="NAME=PATH"):
        Adapter.parse("adapter")


def folder_with(folder: Path, *, gigabytes: float, **config: Any) -> str:
    text = {
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 262_144,
    }
    (folder / "config.json").write_text(json.dumps({"dtype": "bfloat16", "text_config": text | config}), encoding="utf-8")
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(int(gigabytes * 1e9))
    return str(folder)


def test_the_arithmetic_says_what_is_left_for_prompts(tmp_path: Path) -> None:
    model = folder_with(tmp_path, gigabytes=17.5)
    memory = plan_for(model, "h100", purpose=Purpose.LATENCY).memory
    assert memory is not None
    assert (memory.weights_gb, memory.given_gb, memory.working_gb, memory.left_gb) == (17.5, 72.0, 2.0, 52.5)
    # 2 (keys and values) x 36 layers x 8 heads x 128 x 2 bytes are 147,456 bytes a token.
    assert (memory.kv_gb_per_1000, memory.tokens, memory.requests) == (0.147, int(52.5e9 / 147_456), 21)
    assert memory.fits


@pytest.mark.parametrize(("gpus", "copies"), [(1, 1), (2, 1), (4, 2), (8, 4)])
def test_gpus_that_outnumber_the_heads_of_keys_and_values_hold_copies(tmp_path: Path, gpus: int, copies: int) -> None:
    # As vLLM's ModelConfig.get_num_kv_heads: one head at least on each GPU.
    memory = plan_for(folder_with(tmp_path, gigabytes=4, num_key_value_heads=2), f"l4:{gpus}", purpose=Purpose.LATENCY).memory
    assert memory is not None
    per_token = 2 * 36 * 2 * 128 * 2 * copies
    assert memory.kv_gb_per_1000 == round(per_token / 1e6, 3)
    assert memory.tokens == pytest.approx((24 * gpus * 0.9 - 4 - 2 * gpus) * 1e9 / per_token, abs=1)


def test_a_model_made_for_one_gpu_of_80_gb_fits_it() -> None:
    assert plan_for("openai/gpt-oss-safeguard-120b", "h100").fits
    assert not plan_for("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "h100:4").fits
    assert plan_for("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8", "h100:8").fits


def test_what_does_not_fit_is_said_with_what_to_do(tmp_path: Path) -> None:
    model = folder_with(tmp_path, gigabytes=66)
    plan = plan_for(model, "a100-40", purpose=Purpose.LATENCY)
    assert not plan.fits
    assert plan.memory is not None
    assert plan.memory.left_gb == -32
    assert any("--gpu a100-40:4" in remedy for remedy in plan.remedies) or any("--gpu a100-40:2" in remedy for remedy in plan.remedies)
    assert not any("fp8" in remedy for remedy in plan.remedies)
    asked_not_to = plan_for(model, "l40s", quantization=Quantization.NONE)
    assert any("--quantization fp8" in remedy for remedy in asked_not_to.remedies)


def test_a_context_that_is_too_long_for_what_is_left_is_said(tmp_path: Path) -> None:
    plan = plan_for(folder_with(tmp_path, gigabytes=18), "rtx3090", context_tokens=32_768)
    assert not plan.fits
    assert any("--context-tokens" in remedy for remedy in plan.remedies)


def test_keys_and_values_go_into_fp8_where_room_is_short(tmp_path: Path) -> None:
    model = folder_with(tmp_path, gigabytes=17.5)
    assert pairs(plan_for(model, "l4"))["--kv-cache-dtype"] == "fp8"
    assert "--kv-cache-dtype" not in names(plan_for(model, "h200", concurrency=16))


def test_a_model_that_fits_one_gpu_is_better_on_several_servers() -> None:
    assert any("model.endpoints" in note for note in plan_for(VL_8B, "h100:4").notes)
    assert not any("model.endpoints" in note for note in plan_for("Qwen/Qwen3-VL-235B-A22B-Instruct", "h100:8").notes)


def test_gpus_that_do_not_divide_the_heads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not divide the 32 attention heads"):
        plan_for(folder_with(tmp_path, gigabytes=1), "l4:3")


def test_a_context_beyond_the_models_own_is_cut_and_said(tmp_path: Path) -> None:
    plan = plan_for(folder_with(tmp_path, gigabytes=1, max_position_embeddings=4_096), "l4")
    assert plan.options.context_tokens == 4_096
    assert any("4,096" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("google/shieldgemma-9b", 8_192),
        ("google/gemma-2-9b-it", 8_192),
        ("meta-llama/Meta-Llama-3-8B-Instruct", 8_192),
        ("HuggingFaceTB/SmolVLM2-500M-Video-Instruct", 8_192),
        ("HuggingFaceTB/SmolVLM-Instruct", 16_384),
        ("meta-llama/Llama-3.1-8B-Instruct", 16_384),
        ("google/gemma-3-4b-it", 16_384),
    ],
)
def test_a_name_of_a_family_with_less_context_than_is_usual_gets_no_more(model: str, tokens: int) -> None:
    plan = plan_for(model, "h100")
    assert pairs(plan)["--max-model-len"] == str(tokens)
    assert any("8,192" in note for note in plan.notes) is (tokens == 8_192)
    assert plan_for(model, "h100", context_tokens=4_096).options.context_tokens == 4_096


def test_an_unknown_size_is_said_and_nothing_is_made_up() -> None:
    plan = plan_for("my-judge", "h100")
    assert (plan.memory, plan.fits) == (None, True)
    assert any("unknown" in note for note in plan.notes)
    assert any("--gpu" in note for note in serve_plan(VL_8B, ServeOptions(hardware=None)).notes)


def test_a_processor_has_no_gpu_memory() -> None:
    assert parse_hardware("cpu") == Hardware(None)
    assert plan_for(VL_8B, "cpu").memory is None


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert ServeOptions(host="::1").base_url == "http://[::1]:8000/v1"
    assert ServeOptions(host="::").base_url == "http://127.0.0.1:8000/v1"
