from __future__ import annotations

from datetime import date

import pytest

from livesteward.agents.judges.standing import StandingRules
from livesteward.contracts import RetrievedRule
from livesteward.models.budget import estimate_tokens
from livesteward.models.protocol import Message, TextPart
from livesteward.prompts.judging import prefix_digest
from livesteward.prompts.registry import Prompt, PromptRegistry
from livesteward.prompts.rulebook_layout import RulebookForm
from livesteward.retrieval.rulebook import PolicyLibrary, load_library
from livesteward.settings import ModelSettings, RetrievalSettings, Settings

DAY = date(2026, 11, 1)
ROOMY = ModelSettings(context_tokens=200_000)


@pytest.fixture(scope="module")
def library() -> PolicyLibrary:
    return load_library(Settings(workspace=None).policies_dir)


@pytest.fixture(scope="module")
def prompt() -> Prompt:
    return PromptRegistry(Settings(workspace=None).prompts_dir).get("judge", 2)


def text(messages: tuple[Message, ...]) -> str:
    return "\n".join(part.text for message in messages for part in message.parts if isinstance(part, TextPart))


def standing(library: PolicyLibrary, prompt: Prompt, tokens: int, model: ModelSettings = ROOMY) -> StandingRules:
    return StandingRules(library, prompt, model, RetrievalSettings(rulebook_tokens=tokens))


def test_the_longest_form_that_fits_stands_at_the_beginning(library: PolicyLibrary, prompt: Prompt) -> None:
    forms = {tokens: standing(library, prompt, tokens).layout(["SG"], DAY) for tokens in (0, 3_000, 25_000, 40_000, 90_000)}
    assert [layout.form for layout in forms.values()] == [
        RulebookForm.FOUND,
        RulebookForm.FOUND,
        RulebookForm.TEXTS,
        RulebookForm.BRIEF,
        RulebookForm.WHOLE,
    ]
    for tokens, layout in forms.items():
        assert layout.tokens <= tokens
        assert bool(layout.tokens) == bool(layout.prefix) == (layout.form is not RulebookForm.FOUND)


def test_tokens_are_those_of_the_rulebook_without_the_method(library: PolicyLibrary, prompt: Prompt) -> None:
    rules = standing(library, prompt, 90_000)
    method = estimate_tokens(text(standing(library, prompt, 0).prefix(["SG"], DAY)))
    assert abs(estimate_tokens(text(rules.prefix(["SG"], DAY))) - method - rules.layout(["SG"], DAY).tokens) < 5


def test_a_small_context_keeps_room_for_the_segment(library: PolicyLibrary, prompt: Prompt) -> None:
    assert standing(library, prompt, 90_000, ModelSettings(context_tokens=32_768)).layout(["SG"], DAY).form is RulebookForm.FOUND
    layout = standing(library, prompt, 90_000, ModelSettings(context_tokens=65_536)).layout(["SG"], DAY)
    assert layout.form is RulebookForm.TEXTS


def test_the_layout_hangs_on_the_rulebooks_alone(library: PolicyLibrary, prompt: Prompt) -> None:
    rules = standing(library, prompt, 90_000)
    one, other = rules.layout(["SG", "DE"], DAY), rules.layout(["DE", "SG", "DE"], DAY)
    assert one == other
    # Other days of the same rules share the beginning, too.
    assert rules.layout(["SG", "DE"], date(2026, 11, 2)) == one
    assert rules.layout(["SG"], DAY).prefix != one.prefix


def test_the_digest_is_of_what_is_rendered(library: PolicyLibrary, prompt: Prompt) -> None:
    rules = standing(library, prompt, 90_000)
    found = [RetrievedRule(jurisdiction="SG", rule=one, score=0.5) for one in reversed(library.rulebook("SG", DAY).rules)]
    assert rules.layout(["SG"], DAY).prefix == prefix_digest(prompt, found, rules.layout(["SG"], DAY))


def test_the_rulebooks_that_ship_share_their_first_rules(library: PolicyLibrary, prompt: Prompt) -> None:
    rules = standing(library, prompt, 90_000)
    one, other = (text(rules.prefix([region], DAY)) for region in ("SG", "DE"))
    shared = next(place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    assert one[:shared].count("\n[") >= 40


def test_a_prompt_without_a_place_for_it_has_no_rulebook_at_its_beginning(library: PolicyLibrary) -> None:
    first = PromptRegistry(Settings(workspace=None).prompts_dir).get("judge", 1)
    assert standing(library, first, 90_000).layout(["SG"], DAY).form is RulebookForm.FOUND
