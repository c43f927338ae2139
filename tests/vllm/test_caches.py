"""What the server need not compute again: the rules that prompts begin with, and pictures that come again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from pictures import ROOT, example, jpeg, with_frames
from quick import PERCEIVE_LITTLE, quick
from rules import breaking
from served import OpenSteward, Served

from livesteward.agents.judges.standing import StandingRules
from livesteward.models.protocol import Message, TextPart
from livesteward.prompts.registry import PromptRegistry
from livesteward.prompts.rulebook_layout import RulebookForm
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import RetrievalSettings

LEAST_SHARE = 0.85
"""Of the tokens of the rules, for the second segment and every later one."""
RULES = "retrieval/policies/global/self-harm.md"
HITS, PICTURES_ASKED, PICTURE_HITS = "vllm:prefix_cache_hits_total", "vllm:mm_cache_queries_total", "vllm:mm_cache_hits_total"
REGION, DAY = "SG", date(2026, 11, 1)


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A rulebook of about 3,000 tokens."""
    (tmp_path / "policies/global").mkdir(parents=True)
    shutil.copy(ROOT / RULES, tmp_path / "policies/global")
    return tmp_path / "policies"


def text_of(messages: Iterable[Message]) -> str:
    return "\n".join(part.text for message in messages for part in message.parts if isinstance(part, TextPart))


async def test_later_segments_of_a_rulebook_find_its_rules_in_the_prefix_cache(
    open_steward: OpenSteward, served: Served, policies: Path
) -> None:
    retrieval = RetrievalSettings(rulebook_tokens=6_000)
    settings = served.settings(policies=policies, retrieval=retrieval, perception=PERCEIVE_LITTLE)
    prompt = PromptRegistry(settings.prompts_dir).named(settings.prompt)
    library = load_library(policies)
    standing = StandingRules(library, prompt, settings.model, retrieval)
    none = StandingRules(library, prompt, settings.model, RetrievalSettings(rulebook_tokens=0))
    assert standing.layout([REGION], DAY).form is RulebookForm.WHOLE
    rule_tokens = served.count(text_of(standing.prefix([REGION], DAY))) - served.count(text_of(none.prefix([REGION], DAY)))
    assert 2_000 < rule_tokens < 4_500

    steward = open_steward(policies=policies, retrieval=retrieval, perception=PERCEIVE_LITTLE)
    hits = []
    for segment in breaking(4):
        before = served.counters()[HITS]
        await steward.moderate(segment, regions=[REGION], on=DAY)
        hits.append(served.counters()[HITS] - before)
    assert all(found >= LEAST_SHARE * rule_tokens for found in hits[1:]), (rule_tokens, hits)


async def test_frames_that_come_again_are_not_prepared_again(open_steward: OpenSteward, served: Served, tmp_path: Path) -> None:
    steward = open_steward(**quick(tmp_path), model={"max_frames": 4})
    shown = {at: jpeg(200 + at, 336, 252) for at in (1, 2, 3)}
    first = served.counters()
    await steward.moderate(with_frames(example("scam"), shown), regions=[REGION])
    second = served.counters()
    await steward.moderate(with_frames(example("vape"), {**shown, 4: jpeg(250, 336, 252)}), regions=[REGION])
    third = served.counters()
    assert (second[PICTURES_ASKED] - first[PICTURES_ASKED], second[PICTURE_HITS] - first[PICTURE_HITS]) == (3, 0)
    assert (third[PICTURES_ASKED] - second[PICTURES_ASKED], third[PICTURE_HITS] - second[PICTURE_HITS]) == (4, 3)
