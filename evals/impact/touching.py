"""Which cases a change of rules can touch at all, found without judging any of them.

A verdict depends on the rules only through what the search over them answers. So the search is asked, under the rules before and after,
everything that the agent may ask it about a segment. Where both answer alike, and with rules that read alike, both verdicts are the same:

* A segment that the screen clears is let go before any rule is looked up.
* A model is shown the rules that retrieval chose for any of the regions, as each has them, ordered by id. The same ids with the same
  content make the same prompt, and verification and decision look at nothing else. Where the whole rulebook stands in the prompt, every
  rule of it was chosen, so a change of one touches all. An overlay that only begins to tell something else (a notice, a norm) may move
  its rule there without a change of words; that is taken for no change.
* The embedded judge takes up a category only where a passage reaches a share of the lowest review threshold, which no rule has part in.
  Of these categories it asks which of the retrieved rules comes first for the passage, and how near the rule's examples come. All retrieved
  rules of the category, their order and, but for :data:`ROUNDING`, these similarities must be the same, for every passage that might be
  taken up: an edit of one rule moves the word statistics of all, and so may change the order of others.
* The memory of a stream carries speech, which no rule has part in, and strikes, which are those of the same verdicts.

Whatever could not be looked at counts as touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final, cast

import structlog

from livesteward.agents import flow
from livesteward.agents.judges.heads import RANKED, TAKEN_UP
from livesteward.agents.judges.passages import passages
from livesteward.agents.state import GraphState, Screened, StreamMemory
from livesteward.agents.tools import Tools
from livesteward.contracts import Category, Contract, RetrievedRule, Segment
from livesteward.contracts.base import Jurisdiction, RuleId
from livesteward.evals.cases import CaseId, Entry
from livesteward.evals.impact.rule_changes import Asked, asked_for
from livesteward.models.embedders import Vectors
from livesteward.retrieval.loaded import ExampleSimilarity
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.retrieval.search import RuleSearch

log = structlog.get_logger(__name__)

LEEWAY: Final = 0.93
"""A category counts as taken up a little below where the embedded judge takes it up."""

ROUNDING: Final = 1e-3
"""How far similarities to the same examples may be apart.

Vectors that ship are stored as half-precision numbers, and those made on the spot are not, so two indexes of one text that were built at
different times differ by some 1e-4. That is not what the rules do, and moves a probability by less than 0.01.
"""

_BEFORE_RULES: Final = ("ingest", "perceive", "screen")


class Touched(Contract):
    """A case whose verdict can change.

    Attributes:
        case_id: The case or stream.
        regions: Where.
        rules: Through which rules: those changed that are considered for it or, where none is, those whose place changed.
        detail: Why it counts as touched where it could not be looked at.
    """

    case_id: CaseId
    regions: tuple[Jurisdiction, ...]
    rules: tuple[RuleId, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class _Answer:
    """What the search says of one passage and category in one region."""

    order: tuple[str, ...]
    near: Mapping[str, ExampleSimilarity]


class Reach:
    """Says which cases can come out differently under two libraries.

    Args:
        tools: Of the agent; their own rules do not matter.
        before: The rules before.
        after: The rules after.
        judged: By region and day, the rules that a judge would read differently; see
            :attr:`livesteward.evals.impact.rule_changes.RuleChanges.judged`.
    """

    def __init__(self, tools: Tools, before: PolicyLibrary, after: PolicyLibrary, judged: Mapping[Asked, frozenset[str]]) -> None:
        self._tools = tools
        self._searches = tuple(RuleSearch(library, tools.search.index) for library in (before, after))
        self._judged = judged

    async def of(self, entry: Entry, media: Path) -> Touched | None:
        """Return how the change can touch a case; None where it cannot.

        Args:
            entry: The case or stream.
            media: The folder of its pictures and recordings.
        """
        changed = sorted(region for region, _ in self._judged.keys() & asked_for([entry]))
        if not changed:
            return None
        try:
            found = await self._of_steps(entry, replace(self._tools, media_root=media))
        except Exception as error:
            log.warning("a case could not be looked at", case=entry.case_id, error=f"{type(error).__name__}: {error}")
            regions = tuple(dict.fromkeys(changed))
            return Touched(case_id=entry.case_id, regions=regions, detail=f"It could not be looked at ({type(error).__name__}).")
        if not found:
            return None
        rules = sorted({rule_id for ids in found.values() for rule_id in ids})
        return Touched(case_id=entry.case_id, regions=tuple(region for region in entry.regions if region in found), rules=tuple(rules))

    async def _of_steps(self, entry: Entry, tools: Tools) -> dict[str, set[str]]:
        """Walk through a stream as the agent would, and return the rules that matter by region."""
        found: dict[str, set[str]] = {}
        memory = StreamMemory()
        for number, step in enumerate(entry.steps):
            day = step.segment.starts_at.date()
            state: GraphState = {
                "verdict_id": entry.case_id,
                "segment": step.segment,
                "regions": entry.regions,
                "on": day,
                "memory": memory,
            }
            for name in _BEFORE_RULES:
                state = cast(GraphState, {**state, **await flow.STEPS[name](state, tools)})
            if not state["screened"].cleared:
                for region, rules in (await self._of_segment(state, tools)).items():
                    found.setdefault(region, set()).update(rules)
            if number + 1 < len(entry.steps):
                # What the step remembers of the speech hangs on no rule; what it makes of the missing judgement is of no interest.
                memory = (await flow.decide_step(state, tools))["memory"]
        return found

    async def _of_segment(self, state: GraphState, tools: Tools) -> dict[str, set[str]]:
        if not any(self._judged.get((region, state["on"])) for region in state["regions"]):
            return {}
        # Of all regions, since what is near in one is shown in the others too.
        shown = [(await flow.retrieve(state, replace(tools, search=search)))["rules"] for search in self._searches]
        live = {} if tools.judge_is_model else await self._live(state["segment"], state["screened"], state["memory"], state["regions"])
        found: dict[str, set[str]] = {}
        for region in state["regions"]:
            before, after = ([one for one in rules if one.jurisdiction == region] for rules in shown)
            changed = self._judged.get((region, state["on"]), frozenset())
            if tools.judge_is_model:
                moved = _differing([one.rule.rule_id for one in before], [one.rule.rule_id for one in after], changed)
            else:
                moved = await self._for_heads(region, before, after, live, changed, state["on"])
            if moved or bool(before) != bool(after):
                found[region] = moved
        return found

    async def _for_heads(
        self,
        region: str,
        before: Sequence[RetrievedRule],
        after: Sequence[RetrievedRule],
        live: Mapping[Category, Sequence[str]],
        changed: frozenset[str],
        on: date,
    ) -> set[str]:
        moved: set[str] = set()
        for category, texts in live.items():
            mine = [[one.rule.rule_id for one in rules if one.rule.category is category] for rules in (before, after)]
            moved |= _differing(mine[0], mine[1], changed)
            for text in texts:
                vectors = await self._tools.embedder.queries([text])
                old, new = [
                    await self._answer(search, text, vectors, region, category, ids, on)
                    for search, ids in zip(self._searches, mine, strict=True)
                ]
                if old.order != new.order:
                    moved |= {one for pair in zip(old.order, new.order, strict=False) if pair[0] != pair[1] for one in pair}
                moved |= {rule_id for rule_id in old.near.keys() & new.near.keys() if _apart(old.near[rule_id], new.near[rule_id])}
        return moved & changed or moved

    @staticmethod
    async def _answer(
        search: RuleSearch, text: str, vectors: Vectors, region: str, category: Category, rule_ids: Sequence[str], on: date
    ) -> _Answer:
        ranked = (await search.search_vectors([text], vectors, region, on=on, limit=RANKED, categories=[category]))[0]
        places = {one.rule.rule_id: place for place, one in enumerate(ranked)}
        # Those that are not ranked come after the others, as they were retrieved.
        order = tuple(sorted(rule_ids, key=lambda rule_id: places.get(rule_id, len(places))))
        return _Answer(order=order, near=await search.example_similarities(vectors, region, rule_ids, on=on))

    async def _live(
        self, segment: Segment, screened: Screened, memory: StreamMemory, regions: tuple[str, ...]
    ) -> dict[Category, list[str]]:
        """Return the passages that the embedded judge may take up, by category."""
        suspects = frozenset(suspect.item_id for suspect in screened.suspects)
        texts = list(dict.fromkeys(passage.text for passage in passages(segment, suspects, before=memory.recent_speech)))
        support = await self._tools.heads.support({str(place): text for place, text in enumerate(texts)})
        live: dict[Category, list[str]] = {}
        for category in Category:
            bar = self._tools.thresholds.lowest_review(category, regions) * TAKEN_UP * LEEWAY
            taken = [text for place, text in enumerate(texts) if support[category.value, str(place)] >= bar]
            if taken:
                live[category] = taken
        return live


def _apart(one: ExampleSimilarity, other: ExampleSimilarity) -> bool:
    return max(abs(one.breaks - other.breaks), abs(one.allowed - other.allowed)) > ROUNDING


def _differing(before: Sequence[str], after: Sequence[str], changed: frozenset[str]) -> set[str]:
    """Return the rules that only one side shows, and those of both that read differently."""
    old, new = set(before), set(after)
    return (old ^ new) | (old & new & changed)
