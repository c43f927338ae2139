"""Which rules of several jurisdictions come before the judge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from unit.agents.parts import rule, said, segment

from livesteward.agents.nodes.retrieve import retrieve_rules
from livesteward.agents.state import Screened
from livesteward.contracts import RetrievedRule
from livesteward.models.embedders import Embedder
from livesteward.retrieval.search import RuleSearch

SCORES = {"SG": {"FRAUD-1.1": 0.9, "FRAUD-1.2": 0.5, "FRAUD-1.3": 0.1}, "DE": {"FRAUD-1.2": 0.9, "FRAUD-DE-1": 0.8, "FRAUD-1.1": 0.2}}
"""How near the rules of each are; there is one that holds in Germany only and one that does not hold there."""


class Embedding:
    async def queries(self, texts: list[str]) -> Any:
        return np.zeros((len(texts), 4), dtype=np.float32)


class Search:
    library = SimpleNamespace(rulebook=lambda region, on: SimpleNamespace(ref=region))

    async def search_vectors(self, queries: Sequence[str], vectors: Any, region: str, **how: Any) -> list[list[RetrievedRule]]:
        return [[RetrievedRule(jurisdiction=region, rule=rule(name), score=score) for name, score in SCORES[region].items()]]


async def retrieved(*regions: str, limit: int) -> list[tuple[str, str]]:
    _, rules = await retrieve_rules(
        segment(said("u1", "hello")),
        Screened(cleared=False),
        regions,
        date(2026, 1, 1),
        cast(RuleSearch, Search()),
        cast(Embedder, Embedding()),
        before="",
        limit=limit,
        each_category=0,
    )
    return [(one.jurisdiction, one.rule.rule_id) for one in rules]


async def test_the_nearest_rules_of_a_jurisdiction_come_best_first() -> None:
    assert await retrieved("SG", limit=2) == [("SG", "FRAUD-1.1"), ("SG", "FRAUD-1.2")]


async def test_a_rule_that_is_near_in_one_jurisdiction_comes_wherever_it_holds() -> None:
    assert await retrieved("SG", "DE", limit=1) == [("SG", "FRAUD-1.1"), ("SG", "FRAUD-1.2"), ("DE", "FRAUD-1.2"), ("DE", "FRAUD-1.1")]
