"""retrieve: the few rules of each jurisdiction that the suspicious passages may break."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from livesteward.agents.judges.passages import passages
from livesteward.agents.state import Screened
from livesteward.contracts import Category, RetrievedRule, RulebookRef, Segment
from livesteward.models.embedders import Embedder
from livesteward.retrieval.search import RuleSearch

MAX_QUERIES: Final = 12
"""The most passages that are searched with, the most suspicious first."""

ALL_RULES: Final = 1_000
"""More than any rulebook has."""


async def retrieve_rules(
    segment: Segment,
    screened: Screened,
    regions: Sequence[str],
    on: date,
    search: RuleSearch,
    embedder: Embedder,
    *,
    before: str,
    limit: int,
    each_category: int,
) -> tuple[tuple[RulebookRef, ...], tuple[RetrievedRule, ...]]:
    """Return the rulebooks of ``regions`` and the rules of each that matter, best first.

    Args:
        segment: After perception.
        screened: What the screen flagged.
        regions: Jurisdictions.
        on: The day whose rules hold.
        search: Over the rulebooks.
        embedder: The search's.
        before: What the host said in the segments before.
        limit: Rules for each jurisdiction, and where they hold, those of the others.
        each_category: So many of every category come on top of the limit where they were left out; 0 for none.

    Raises:
        RetrievalError: If the index cannot be used.
        ModelError: If the embedder fails.
    """
    queries = _queries(segment, screened, before)
    vectors = await embedder.queries(queries)
    ranks: list[list[RetrievedRule]] = []
    for region in regions:
        best: dict[str, RetrievedRule] = {}
        for ranked in await search.search_vectors(queries, vectors, region, on=on, limit=ALL_RULES):
            for one in ranked:
                if one.rule.rule_id not in best or best[one.rule.rule_id].score < one.score:
                    best[one.rule.rule_id] = one
        ranks.append(sorted(best.values(), key=lambda one: -one.score))
    # A rule that is near in one jurisdiction is judged wherever it holds: it must not count in one and be out of sight in another.
    chosen = {rule_id for ranked in ranks for rule_id in _chosen(ranked, limit, each_category)}
    found = [one for ranked in ranks for one in ranked if one.rule.rule_id in chosen]
    return tuple(search.library.rulebook(region, on).ref for region in regions), tuple(found)


def _queries(segment: Segment, screened: Screened, before: str) -> list[str]:
    highest = {suspect.item_id: max(suspect.scores) for suspect in screened.suspects}
    found = passages(segment, frozenset(highest), before=before)
    found.sort(key=lambda passage: -max(highest.get(item.item_id, 0.0) for item in passage.items))
    texts = [passage.text for passage in found]
    if screened.visual or not texts:
        # Pictures speak for themselves, but what is said around them tells which rules to have at hand.
        about = " ".join([segment.title, segment.stream_category, *(utterance.text for utterance in segment.utterances)]).strip()
        texts.insert(0, about[:300] or "live stream")
    return list(dict.fromkeys(texts))[:MAX_QUERIES]


def _chosen(ranked: list[RetrievedRule], limit: int, each_category: int) -> set[str]:
    kept = {one.rule.rule_id for one in ranked[:limit]}
    for category in Category:
        kept.update([one.rule.rule_id for one in ranked if one.rule.category is category][:each_category])
    return kept
