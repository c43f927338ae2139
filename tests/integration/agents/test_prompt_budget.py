from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner
from unit.agents.parts import said, segment

from livesteward.agents.judges.preview import preview
from livesteward.cli import prompts
from livesteward.errors import ConfigurationError, InputError
from livesteward.prompts.rulebook_layout import RulebookForm
from livesteward.settings import load_settings

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def _workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVESTEWARD_WORKSPACE", str(workspace))


async def test_a_segment_is_followed_up_to_the_question_without_a_model(workspace: Path) -> None:
    found = await preview(segment(said("u1", "hello everyone")), load_settings(workspace=workspace))
    assert found.cleared
    assert found.form is RulebookForm.WHOLE
    assert found.prompt == "judge@v2"
    assert not found.exact
    assert found.spending.stable_tokens > found.spending.text_tokens > 0


async def test_the_tools_of_a_judge_that_may_ask_count(workspace: Path) -> None:
    seg = segment(said("u1", "hello everyone"))
    alone, asking = [
        (
            await preview(seg, load_settings(workspace=workspace, model={"name": "Qwen/Qwen3-VL-8B-Instruct"}, inquiry={"steps": steps}))
        ).spending
        for steps in (0, 3)
    ]
    tools = {spent.part: spent.tokens for spent in asking.parts}["tools to ask with"]
    assert tools > 500
    assert "tools to ask with" not in {spent.part for spent in alone.parts}
    assert asking.stable_tokens == alone.stable_tokens + tools
    assert (
        sum(spent.tokens for spent in asking.parts)
        == asking.prompt_tokens
        == asking.context_tokens - asking.answer_tokens - asking.free_tokens
    )


async def test_a_guard_model_has_no_prompt_to_look_at(workspace: Path) -> None:
    with pytest.raises(ConfigurationError, match="guard model"):
        await preview(segment(said("u1", "x")), load_settings(workspace=workspace, model={"name": "meta-llama/Llama-Guard-4-12B"}))


def test_the_budget_is_shown_for_people_and_programs(tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(segment(said("u1", "hello everyone")).model_dump_json(), encoding="utf-8")
    shown = run(prompts.app, ["budget", "--segment", str(file), "--region", "DE"])
    assert shown.exit_code == 0, shown.output
    for word in ("judge@v2", "estimated", "rulebook", "speech", "kept for the answer", "stable:", "nothing is left out"):
        assert word in shown.stdout
    data = json.loads(run(prompts.app, ["budget", "--segment", str(file), "--prompt", "judge@v1", "--json"]).stdout)
    assert (data["prompt"], data["form"], data["exact"]) == ("judge@v1", "found", False)
    assert sum(part["tokens"] for part in data["spending"]["parts"]) == data["spending"]["prompt_tokens"]


def test_two_versions_are_compared_over_the_cases_of_a_split() -> None:
    data = json.loads(run(prompts.app, ["budget", "--split", "canary", "--vs", "judge@v1", "--json"]).stdout)
    figures = data["tokens_per_segment"]
    assert list(figures) == ["judge@v1", "judge@v2"]
    assert data["segments"] > 0
    assert figures["judge@v2"]["texts"] < 0.6 * figures["judge@v1"]["texts"]


def test_what_does_not_go_together_is_said() -> None:
    assert isinstance(run(prompts.app, ["budget", "--vs", "judge@v1"]).exception, InputError)
