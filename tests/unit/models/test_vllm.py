from __future__ import annotations

from itertools import pairwise

from livesteward.models.vllm import ServeOptions, serve_command, serve_flags
from livesteward.settings import ModelSettings


def test_the_command_serves_what_the_client_asks_for() -> None:
    settings = ModelSettings(context_tokens=4_096, concurrency=8, max_frames=3)
    options = ServeOptions.from_settings(settings, host="127.0.0.1", port=9_000, gpus=2, cpu=False)
    command = serve_command("models/judge", options, vllm="/opt/vllm/bin/vllm")
    assert command[:3] == ["/opt/vllm/bin/vllm", "serve", "models/judge"]
    pairs = dict(pairwise(command))
    assert pairs["--max-model-len"] == "4096"
    assert pairs["--max-num-seqs"] == "8"
    assert pairs["--limit-mm-per-prompt"] == '{"image":3}'
    assert pairs["--tensor-parallel-size"] == "2"
    assert "--enable-prefix-caching" in command
    assert options.base_url == "http://127.0.0.1:9000/v1"


def test_a_text_model_gets_no_picture_flags_and_a_cpu_its_own() -> None:
    options = ServeOptions.from_settings(ModelSettings(accepts_images=False), host="0.0.0.0", port=8_000, gpus=1, cpu=True)
    names = [flag.name for flag in serve_flags(options)]
    assert "--limit-mm-per-prompt" not in names
    assert {"--dtype", "--enforce-eager"} <= set(names)
    assert options.base_url == "http://127.0.0.1:8000/v1"


def test_every_flag_says_why_and_no_key_is_among_them() -> None:
    flags = serve_flags(ServeOptions(images=2, gpus=2, cpu=True))
    assert all(flag.why.endswith(".") for flag in flags)
    assert "--api-key" not in serve_command("m")
