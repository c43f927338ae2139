from __future__ import annotations

from livesteward.prompts.example import example_segment
from livesteward.prompts.judging import JUDGE, JUDGE_OUTPUT, render_judge
from livesteward.prompts.registry import PromptRegistry, PromptStatus
from livesteward.settings import Settings


def test_nothing_is_wrong_with_the_prompts_that_ship() -> None:
    assert PromptRegistry(Settings().prompts_dir).problems() == ()


def test_the_judge_ships_released_and_renders() -> None:
    prompt = PromptRegistry(Settings().prompts_dir).get(JUDGE)
    assert prompt.header.status is PromptStatus.RELEASED
    assert prompt.header.output_schema == JUDGE_OUTPUT
    assert len(render_judge(prompt, example_segment(), ())) == 2
