"""The flags of ``livesteward engine command`` against those of the installed vLLM. No server is started."""

from __future__ import annotations

import pytest

from livesteward.models.gpus import GPUS, parse_hardware
from livesteward.models.serve_options import Adapter, Purpose
from livesteward.models.vllm import ServeOptions, serve_plan
from livesteward.models.vllm_families import FAMILIES
from livesteward.models.vllm_flags import KnownFlags, find_program, known_flags
from livesteward.settings import ModelSettings

NAMES = (
    "Qwen/Qwen2.5-VL-7B-Instruct",
    "Qwen/Qwen3-VL-8B-Instruct",
    "Qwen/Qwen3-VL-30B-A3B-Thinking",
    "Qwen/Qwen3.5-9B",
    "Qwen/Qwen3-4B-Thinking-2507",
    "google/gemma-3-12b-it",
    "google/gemma-4-E4B-it",
    "OpenGVLab/InternVL3_5-8B",
    "mistralai/Ministral-3-8B-Instruct-2512",
    "mistralai/Magistral-Small-2509",
    "meta-llama/Llama-Guard-4-12B",
    "meta-llama/Llama-4-Scout-17B-16E-Instruct",
    "openbmb/MiniCPM-V-4_5",
    "zai-org/GLM-4.5V-FP8",
    "microsoft/Phi-4-multimodal-instruct",
    "openai/gpt-oss-safeguard-20b",
    "unknown",
)


@pytest.fixture(scope="session", autouse=True)
def served() -> None:
    """In place of the server that the other tests of this folder need."""


@pytest.fixture(scope="module")
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> KnownFlags:
    # What is set is cleared before this module is imported; the folder's conftest has read it by then.
    command = next((plugin.COMMAND for plugin in request.config.pluginmanager.get_plugins() if hasattr(plugin, "COMMAND")), "vllm")
    if find_program(command) is None:
        pytest.skip(f"no vLLM: there is no command {command!r}; set LIVESTEWARD_ENGINE__VLLM to one")
    return known_flags(command, tmp_path_factory.mktemp("flags"))


@pytest.mark.parametrize("model", NAMES)
def test_the_installed_vllm_knows_every_flag(known: KnownFlags, model: str) -> None:
    for gpu in (*GPUS, "h100:4", "cpu"):
        # What is computed in float32 there takes no adapters.
        adapters = () if gpu == "t4" else (Adapter("sg", "lora"),)
        for purpose in Purpose:
            options = ServeOptions.from_settings(
                ModelSettings(name="judge"), hardware=parse_hardware(gpu), purpose=purpose, adapters=adapters
            )
            assert known.problems(serve_plan(model, options).command()[3:]) == ()


def test_the_installed_vllm_knows_every_parser_for_tools(known: KnownFlags) -> None:
    assert {family.tool_parser for family in FAMILIES} - {""} <= set(known.flags["--tool-call-parser"])


def test_the_version_is_known_and_hardly_a_flag_is_missed(known: KnownFlags) -> None:
    assert len(known.flags) > 200
    assert known.version[:1].isdigit()
