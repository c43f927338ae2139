from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from livesteward.cli import engine, prompts
from livesteward.errors import InputError, PromptError
from livesteward.prompts.example import example_segment
from livesteward.settings import Settings

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
    text = (workspace / "prompts" / "judge" / "v1.md").read_text(encoding="utf-8")
    changed = text.replace("version: 1", "version: 2").replace('"released"', f'"{status}"').replace("Be exact, fair and brief.", "Be kind.")
    (workspace / "prompts" / "judge" / "v2.md").write_text(changed, encoding="utf-8")


def test_prompts_are_listed_for_people_and_programs(workspace: Path) -> None:
    draft(workspace)
    assert "judge" in run(prompts.app, ["list"]).stdout
    listed = json.loads(run(prompts.app, ["list", "--json"]).stdout)
    assert [(one["name"], one["version"], one["status"]) for one in listed] == [("judge", 1, "released"), ("judge", 2, "draft")]


def test_a_prompt_is_shown_as_written(workspace: Path) -> None:
    source = (workspace / "prompts" / "judge" / "v1.md").read_text(encoding="utf-8")
    assert run(prompts.app, ["show", "judge"]).stdout.strip() == source.strip()


def test_a_prompt_is_rendered_on_the_example_with_the_rules_of_a_region() -> None:
    shown = run(prompts.app, ["render", "judge", "--region", "DE", "--rule", "FRAUD-1.2"])
    assert shown.exit_code == 0, shown.output
    assert "Rules in force: DE" in shown.stdout
    assert "[FRAUD-1.2]" in shown.stdout
    assert '<untrusted-0123456789ab item="u2"' in shown.stdout


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
    shown = run(prompts.app, ["diff", "judge", "1", "2"]).stdout
    assert "+show where. A person reads what you write and can appeal against it. Be kind." in shown
    assert "-version: 1" in shown


def test_lint_is_content_and_releases(workspace: Path) -> None:
    assert run(prompts.app, ["lint"]).exit_code == 0
    draft(workspace, status="released")
    assert run(prompts.app, ["lint"]).exit_code == 1
    released = json.loads(run(prompts.app, ["lint", "--release", "judge", "--json"]).stdout)
    assert (released["released"]["version"], released["problems"]) == (2, [])
    assert set(json.loads((workspace / "prompts" / "lock.json").read_text(encoding="utf-8"))["judge"]) == {"1", "2"}


def test_lint_finds_a_released_prompt_that_was_changed(workspace: Path) -> None:
    path = workspace / "prompts" / "judge" / "v1.md"
    path.write_text(path.read_text(encoding="utf-8").replace("fair", "harsh"), encoding="utf-8")
    found = run(prompts.app, ["lint"])
    assert found.exit_code == 1
    assert "differs from what was released" in found.stderr
    assert found.stdout == ""
    assert isinstance(run(prompts.app, ["render", "judge"]).exception, PromptError)


def test_the_engine_command_prints_one_line_to_run_and_the_reasons_aside() -> None:
    shown = run(engine.app, ["command", "models/my judge", "--port", "9000"])
    assert shown.stdout.count("\n") == 1
    assert shown.stdout.startswith("vllm serve 'models/my judge' --host 127.0.0.1 --port 9000 ")
    assert "prefix" in shown.stderr
    data = json.loads(run(engine.app, ["command", "m", "--json"]).stdout)
    assert data["command"][:3] == ["vllm", "serve", "m"]
    assert all(flag["why"] for flag in data["flags"])


def test_the_engine_status_without_a_server_is_a_finding() -> None:
    status = run(engine.app, ["status", "--json"])
    assert status.exit_code == 1
    assert json.loads(status.stdout)["healthy"] is False
    assert json.loads(run(engine.app, ["stop", "--json"]).stdout) == {"stopped": False}


@pytest.mark.parametrize("app", [prompts.app, engine.app])
def test_every_command_has_an_example(app: object) -> None:
    for command in app.registered_commands:  # type: ignore[attr-defined]
        assert "Example: livesteward " in (command.callback.__doc__ or "")
