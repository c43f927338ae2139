from __future__ import annotations

import pytest
from unit.prompts.made import NONCE, chat, rule, segment

from livesteward.contracts import Frame, OverlayText, Utterance
from livesteward.models.budget import MESSAGE_TOKENS, fit
from livesteward.models.protocol import ImagePart
from livesteward.prompts.judging import render_judge, render_prefix
from livesteward.prompts.registry import PromptRegistry
from livesteward.prompts.rulebook_layout import RulebookForm, RulebookLayout
from livesteward.prompts.spending import Spending, spending
from livesteward.settings import Settings

BUSY = segment(
    title="Talk",
    utterances=(Utterance(utterance_id="u1", at_s=0, text="what the host says"),),
    overlays=(OverlayText(overlay_id="o1", at_s=0, text="SCAN ME"),),
    chat=tuple(chat(f"c{number}", f"message number {number} of many", viewer=f"v{number}", at=number) for number in range(30)),
    frames=(Frame(frame_id="f1", at_s=1),),
)
RULES = tuple(rule(f"FRAUD-1.{number}") for number in range(1, 6))
LAYOUT = RulebookLayout(form=RulebookForm.BRIEF, detailed=2)


def spent(version: int, context_tokens: int, *, layout: RulebookLayout = LAYOUT) -> Spending:
    prompt = PromptRegistry(Settings().prompts_dir).get("judge", version)
    return spending(
        render_judge(prompt, BUSY, RULES, images=(ImagePart(data=b"x", item_id="f1"),), layout=layout, nonce=NONCE),
        stable=render_prefix(prompt, RULES, layout),
        context_tokens=context_tokens,
        answer_tokens=1_000,
        count=len,
        count_image=lambda part: 77,
    )


def test_every_token_has_a_part_and_the_sum_is_the_prompt() -> None:
    found = spent(2, 50_000)
    parts = {one.part: one.tokens for one in found.parts}
    assert {"method", "rulebook", "rules found", "stream", "speech", "chat", "text on the picture", "pictures", "title"} <= set(parts)
    assert sum(parts.values()) == found.prompt_tokens
    # The picture, its label, and a line break each.
    assert parts["pictures"] == 77 + 1 + len("f1 1 picture:") + 1
    assert found.stable_tokens == parts["method"] + parts["rulebook"]
    assert found.free_tokens == 50_000 - 1_000 - found.prompt_tokens
    assert 0 < found.stable_share < 1


def test_it_tells_what_the_budget_leaves_out() -> None:
    room = spent(2, 50_000).prompt_tokens + 1_000
    assert spent(2, room).trimmed == {}
    tight = spent(2, room - 300)
    assert tight.fits
    assert list(tight.trimmed) == ["chat"]
    assert 300 / 60 < tight.trimmed["chat"] < 300 / 30
    assert tight.free_tokens == 0


def test_it_counts_as_the_budget_does() -> None:
    prompt = PromptRegistry(Settings().prompts_dir).get("judge", 2)
    messages = render_judge(prompt, BUSY, RULES, layout=LAYOUT, nonce=NONCE)
    total = spending(messages, stable=(), context_tokens=1, answer_tokens=0, count=len, count_image=lambda part: 0).prompt_tokens
    assert fit(messages, limit=total, count=len)[1] == {}
    assert fit(messages, limit=total - 1, count=len)[1] != {}
    assert total > MESSAGE_TOKENS * len(messages)


def test_what_cannot_fit_at_all_is_said() -> None:
    assert not spent(2, 1_500).fits


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_can_be_looked_at(version: int) -> None:
    found = spent(version, 50_000, layout=RulebookLayout())
    assert found.parts[0].part == "method"
    assert found.text_tokens > 0


def test_version_2_takes_half_of_the_tokens_for_texts_or_less() -> None:
    assert spent(2, 50_000).text_tokens < 0.5 * spent(1, 50_000).text_tokens
