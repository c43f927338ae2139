from __future__ import annotations

import json
import re
import shutil
import socket
import stat
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livesteward.cli import engine, prompts
from livesteward.errors import ConfigurationError, InputError, PromptError
from livesteward.prompts.example import example_segment
from livesteward.settings import Settings, load_settings

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team's own workspace with a copy of the shipped prompts."""
    (tmp_path / "livesteward.toml").write_text("", encoding="utf-8")
    shutil.copytree(Settings().prompts_dir, tmp_path / "prompts", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    monkeypatch.setenv("LIVESTEWARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draft(workspace: Path, *, status: str = "draft") -> None:
    text = (workspace / "prompts" / "judge" / "v2.md").read_text(encoding="utf-8")
    changed = text.replace("version: 2", "version: 3").replace('"released"', f'"{status}"').replace("Be exact, fair and brief.", "Be kind.")
    (workspace / "prompts" / "judge" / "v3.md").write_text(changed, encoding="utf-8")


def test_prompts_are_listed_for_people_and_programs(workspace: Path) -> None:
    draft(workspace)
    assert "judge" in run(prompts.app, ["list"]).stdout
    listed = json.loads(run(prompts.app, ["list", "--json"]).stdout)
    assert [(one["name"], one["version"], one["status"]) for one in listed] == [
        ("judge", 1, "released"),
        ("judge", 2, "released"),
        ("judge", 3, "draft"),
    ]


def test_a_prompt_is_shown_as_written(workspace: Path) -> None:
    source = (workspace / "prompts" / "judge" / "v2.md").read_text(encoding="utf-8")
    assert run(prompts.app, ["show", "judge"]).stdout.strip() == source.strip()


def test_a_prompt_is_rendered_on_the_example_with_the_rules_of_a_region() -> None:
    shown = run(prompts.app, ["render", "judge", "--region", "DE", "--rule", "FRAUD-1.2"])
    assert shown.exit_code == 0, shown.output
    assert "Rules in force in DE" in shown.stdout
    assert "[FRAUD-1.2]" in shown.stdout
    assert "<untrusted-0123456789ab>" in shown.stdout
    assert "\nu2 7 host: " in shown.stdout
    first = run(prompts.app, ["render", "judge", "--version", "1", "--region", "DE", "--rule", "FRAUD-1.2"]).stdout
    assert '<untrusted-0123456789ab item="u2"' in first


def test_a_prompt_is_rendered_on_a_segment_of_ones_own(workspace: Path) -> None:
    segment = example_segment().model_copy(update={"title": "My own title"})
    (workspace / "segment.json").write_text(segment.model_dump_json(), encoding="utf-8")
    data = json.loads(run(prompts.app, ["render", "judge", "--segment", "segment.json", "--rules", "1", "--json"]).stdout)
    assert [message["role"] for message in data["messages"]] == ["system", "user"]
    assert any("My own title" in part["text"] for part in data["messages"][1]["parts"])


def test_a_wrong_segment_or_rule_names_the_place(workspace: Path) -> None:
    (workspace / "segment.json").write_text('{"stream_id": 1}', encoding="utf-8")
    wrong = run(prompts.app, ["render", "judge", "--segment", "segment.json"]).exception
    assert isinstance(wrong, InputError)
    assert "segment.json: " in str(wrong)
    unknown = run(prompts.app, ["render", "judge", "--rule", "FRAUD-9.9"]).exception
    assert isinstance(unknown, InputError)
    assert "FRAUD-9.9" in str(unknown)


def test_a_difference_is_shown(workspace: Path) -> None:
    draft(workspace)
    shown = run(prompts.app, ["diff", "judge", "2", "3"]).stdout
    assert "+where. People read what you write and can appeal against it. Be kind." in shown
    assert "-version: 2" in shown


def test_lint_is_content_and_releases(workspace: Path) -> None:
    assert run(prompts.app, ["lint"]).exit_code == 0
    draft(workspace, status="released")
    assert run(prompts.app, ["lint"]).exit_code == 1
    released = json.loads(run(prompts.app, ["lint", "--release", "judge", "--json"]).stdout)
    assert (released["released"]["version"], released["problems"]) == (3, [])
    assert set(json.loads((workspace / "prompts" / "lock.json").read_text(encoding="utf-8"))["judge"]) == {"1", "2", "3"}


def test_lint_finds_a_released_prompt_that_was_changed(workspace: Path) -> None:
    path = workspace / "prompts" / "judge" / "v2.md"
    path.write_text(path.read_text(encoding="utf-8").replace("fair", "harsh"), encoding="utf-8")
    found = run(prompts.app, ["lint"])
    assert found.exit_code == 1
    assert "differs from what was released" in found.stderr
    assert found.stdout == ""
    assert isinstance(run(prompts.app, ["render", "judge"]).exception, PromptError)


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the vllm command, which the settings name; what it is asked is in the file beside it."""
    path = tmp_path / "vllm"
    fake = Path(__file__).with_name("fake_vllm.py")
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n', encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("LIVESTEWARD_ENGINE__VLLM", str(path))
    monkeypatch.setenv("FAKE_VLLM_ASKED", str(tmp_path / "asked"))
    return path


def asked(vllm: Path) -> list[str]:
    path = vllm.with_name("asked")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def test_the_engine_command_prints_one_line_to_run_and_the_reasons_aside() -> None:
    shown = run(engine.app, ["command", "models/my judge-8b", "--gpu", "h100:1", "--port", "9000", "--no-check"])
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.count("\n") == 1
    assert shown.stdout.startswith("vllm serve 'models/my judge-8b' --host 127.0.0.1 --port 9000 ")
    assert "prefix" in shown.stderr
    assert "80 GB on 1 h100" in shown.stderr
    assert "export LIVESTEWARD_MODEL__BASE_URL=http://127.0.0.1:9000/v1" in shown.stderr


def test_the_engine_command_for_programs_has_settings_that_the_settings_take(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["command", "org/judge-8b", "--gpu", "a100-80:2", "--profile", "latency", "--lora", "sg=a/b", "--no-check", "--json"]
    data = json.loads(run(engine.app, arguments).stdout)
    assert data["command"][:3] == ["vllm", "serve", "org/judge-8b"]
    assert all(flag["why"] for flag in data["flags"])
    assert (data["fits"], data["checked_with"], data["environment"]) == (True, None, {})
    for name, value in data["settings"].items():
        monkeypatch.setenv(name, value)
    model = load_settings().model
    assert (model.base_url, model.name, model.concurrency) == (data["base_url"], "sg", 8)


def test_a_model_that_will_not_fit_is_a_finding() -> None:
    shown = run(engine.app, ["command", "org/judge-70b", "--gpu", "l4", "--no-check"])
    assert shown.exit_code == 1
    assert "It will not fit." in shown.stderr
    assert "--gpu l4:8" in shown.stderr


def test_the_engine_command_holds_its_flags_against_the_installed_vllm_once(vllm: Path) -> None:
    for gpu in ("h100", "l4:2"):
        for more in ([], ["--profile", "latency", "--lora", "sg=a"]):
            data = json.loads(run(engine.app, ["command", "Qwen/Qwen3-VL-4B-Instruct", "--gpu", gpu, *more, "--json"]).stdout)
            assert data["checked_with"] == "0.99.0"
    assert asked(vllm) == ["help"]


def test_without_vllm_nothing_is_checked_unless_it_was_asked_for() -> None:
    assert json.loads(run(engine.app, ["command", "m", "--vllm", "no-such-vllm", "--json"]).stdout)["checked_with"] is None
    refused = run(engine.app, ["command", "m", "--vllm", "no-such-vllm", "--check"]).exception
    assert isinstance(refused, ConfigurationError)
    assert "no program" in str(refused)


def test_a_flag_that_the_installed_vllm_lacks_is_named_and_nothing_starts(vllm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM_LACKS", "performance-mode")
    for arguments in (["command", "m"], ["start", "m", "--port", free_port()]):
        refused = run(engine.app, arguments).exception
        assert isinstance(refused, ConfigurationError)
        assert "vLLM 0.99.0 does not know --performance-mode" in str(refused)
    assert not (Path("cache") / "vllm" / "vllm.log").exists()


def test_an_engine_is_started_warmed_looked_at_and_stopped(vllm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__CONTEXT_TOKENS", "131072")
    monkeypatch.setenv("LIVESTEWARD_RETRIEVAL__RULEBOOK_TOKENS", "60000")
    port = free_port()
    try:
        started = run(engine.app, ["start", "judge", "--gpu", "cpu", "--port", port, "--region", "SG", "--region", "SG+DE", "--json"])
        assert started.exit_code == 0, started.output
        data = json.loads(started.stdout)
        assert [(one["regions"], one["problem"]) for one in data["warmed"]] == [(["SG"], ""), (["SG", "DE"], "")]
        requests = [json.loads(line) for line in asked(vllm)[1:]]
        assert [request["max_tokens"] for request in requests] == [1, 1]
        assert all("FRAUD-1.1" in json.dumps(request["messages"]) for request in requests)
        assert all(one["tokens"] > 1_000 for one in data["warmed"])

        monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", data["base_url"])
        warmed = run(engine.app, ["warm", "--region", "DE"])
        assert warmed.exit_code == 0
        assert re.search(rf"DE at {data['base_url']}: about [\d,]+ tokens of rules read in ", warmed.stderr)

        monkeypatch.setenv("LIVESTEWARD_MODEL__ENDPOINTS", "http://127.0.0.1:9/v1")
        status = run(engine.app, ["status", "--window", "0", "--json"])
        assert status.exit_code == 1
        found = json.loads(status.stdout)
        assert [one["healthy"] for one in found["servers"]] == [True, False]
        assert found["servers"][0]["metrics"]["prefix_hit_share"] == 0.9
        monkeypatch.delenv("LIVESTEWARD_MODEL__ENDPOINTS")
        shown = run(engine.app, ["status"])
        assert shown.exit_code == 0
        assert "90% of prompts from the cache" in shown.stdout
        assert "tokens written a second" in shown.stdout
    finally:
        stopped = run(engine.app, ["stop", "--json"])
    assert json.loads(stopped.stdout) == {"stopped": True}


def test_a_started_engine_says_with_what_settings_to_ask_it(vllm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__PROFILE", "qwen3-vl")
    serving = ["--gpu", "cpu", "--port", free_port(), "--context-tokens", "8192", "--name", "my judge", "--lora", "sg=a/b"]
    try:
        started = run(engine.app, ["start", "judge", *serving, "--region", "SG", "--no-check"])
        assert started.exit_code == 0, started.output
        (warmed,) = map(json.loads, asked(vllm))
        assert warmed["model"] == "sg"
        # The rules that ship take more than 3,000 tokens.
        assert "Segments share no more than the method then." in started.stderr
    finally:
        run(engine.app, ["stop"])
    printed = run(engine.app, ["command", "judge", *serving, "--no-check", "--json"])
    assert started.stdout.splitlines() == [f"export {name}={value}" for name, value in json.loads(printed.stdout)["settings"].items()]
    for line in started.stdout.splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        monkeypatch.setenv(name, value)
    model = load_settings().model
    assert (model.name, model.profile, model.context_tokens, model.concurrency) == ("sg", "qwen3-vl", 8_192, 4)


def test_the_lines_to_paste_are_quoted_for_a_shell() -> None:
    shown = run(engine.app, ["command", "models/my judge-8b", "--no-check"])
    assert "export LIVESTEWARD_MODEL__NAME='models/my judge-8b'\n" in shown.stderr


def test_a_region_that_there_is_not_is_said_before_anything_starts(vllm: Path) -> None:
    refused = run(engine.app, ["start", "judge", "--gpu", "cpu", "--port", free_port(), "--region", "Atlantis"]).exception
    assert isinstance(refused, InputError)
    assert not (Path("cache") / "vllm" / "vllm.log").exists()


def test_warming_says_which_server_could_not_and_needs_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(run(engine.app, ["warm", "--region", "SG"]).exception, ConfigurationError)
    monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("LIVESTEWARD_MODEL__NAME", "judge")
    monkeypatch.setenv("LIVESTEWARD_MODEL__ATTEMPTS", "1")
    assert isinstance(run(engine.app, ["warm"]).exception, InputError)
    assert isinstance(run(engine.app, ["warm", "--region", "Atlantis"]).exception, InputError)
    monkeypatch.setenv("LIVESTEWARD_ENGINE__WARM", "SG,DE")
    failed = run(engine.app, ["warm", "--json"])
    assert failed.exit_code == 1
    assert [one["regions"] for one in json.loads(failed.stdout)] == [["SG"], ["DE"]]
    assert "no connection" in json.loads(failed.stdout)[0]["problem"]


def test_the_engine_status_without_a_server_is_a_finding() -> None:
    status = run(engine.app, ["status", "--json"])
    assert status.exit_code == 1
    assert json.loads(status.stdout)["healthy"] is False
    assert json.loads(run(engine.app, ["stop", "--json"]).stdout) == {"stopped": False}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_the_engine_status_shows_no_password_of_an_address(monkeypatch: pytest.MonkeyPatch, form: list[str]) -> None:
    monkeypatch.setenv("LIVESTEWARD_MODEL__BASE_URL", "http://me:secret@127.0.0.1:9/v1")
    status = run(engine.app, ["status", *form])
    assert status.exit_code == 1
    assert "http://127.0.0.1:9" in status.output
    assert "secret" not in status.output


@pytest.mark.parametrize("app", [prompts.app, engine.app])
def test_every_command_has_an_example(app: object) -> None:
    for command in app.registered_commands:  # type: ignore[attr-defined]
        assert "Example: livesteward " in (command.callback.__doc__ or "")
