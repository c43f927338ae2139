"""Whether the rules that a good verdict cites were among those that the judge was given."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from livesteward.evals.judgements import Judgement
from livesteward.evals.scorecard import Figures
from livesteward.evals.stats.intervals import mean_shares, rate, share

DEPTHS: Final = (5, 10, 20)
GAIN_DEPTH: Final = 10


def retrieval_figures(rows: Sequence[Judgement]) -> Figures:
    """Return recall at 5, 10 and 20, MRR and nDCG of the gold rules.

    Any rule of a gold finding is a right one; labels that name no rule, as those of imported sets, count nowhere. Recall and MRR are per
    finding, nDCG per row, over broken rows for which rules were
    retrieved; how many of the broken rows those are is ``rule_reach``, so that what the screen let go is not blamed on retrieval.
    Manning, Raghavan and Schuetze, "Introduction to Information Retrieval", 2008, chapter 8.
    """
    broken = [row for row in rows if row.broken and all(finding.rules for finding in row.gold.findings)]
    if not broken:
        return {}
    reached = [row for row in broken if row.record.retrieved.get(row.region)]
    found: Figures = {"rule_reach": share([(row.cluster, bool(row.record.retrieved.get(row.region))) for row in broken])}
    ranks = [(row.cluster, first_rank(row.record.retrieved[row.region], finding.rules)) for row in reached for finding in row.gold.findings]
    if not ranks:
        return found
    clusters = [cluster for cluster, _ in ranks]
    for depth in DEPTHS:
        found[f"rule_recall_at_{depth}"] = rate([rank is not None and rank <= depth for _, rank in ranks], clusters)
    # Mean reciprocal rank, 1 / rank of the first right rule: Voorhees, "The TREC-8 question answering track report", 1999.
    found["rule_mrr"] = mean_shares([[1 / rank if rank else 0.0 for _, rank in ranks]], clusters)[0]
    gains = [
        ndcg(row.record.retrieved[row.region], {rule for finding in row.gold.findings for rule in finding.rules}, depth=GAIN_DEPTH)
        for row in reached
    ]
    found["rule_ndcg_at_10"] = mean_shares([gains], [row.cluster for row in reached])[0]
    return found


def first_rank(retrieved: Sequence[str], right: Collection[str]) -> int | None:
    """Return the place, from 1, of the first right rule; None where there is none."""
    return next((place for place, rule in enumerate(retrieved, start=1) if rule in right), None)


def ndcg(retrieved: Sequence[str], right: Collection[str], *, depth: int) -> float:
    """Return the normalised discounted cumulative gain of right rules among the first ``depth``.

    ``DCG = sum of 1 / log2(place + 1)`` over right rules, divided by that of the best order, which has ``min(depth, |right|)`` right rules
    in front. Jaervelin and Kekaelaeinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20, 2002.
    """
    gain = sum(1 / math.log2(place + 1) for place, rule in enumerate(retrieved[:depth], start=1) if rule in right)
    best = sum(1 / math.log2(place + 1) for place in range(1, min(depth, len(right)) + 1))
    return gain / best
