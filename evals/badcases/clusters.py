"""Mistakes of a run in groups: what they share, why they were likely made, what to try and which cases to write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from livesteward.agents.thresholds import Thresholds
from livesteward.contracts import Category
from livesteward.evals.badcases.advice import advice
from livesteward.evals.badcases.causes import likely_cause
from livesteward.evals.badcases.clustering import grouped
from livesteward.evals.badcases.drafts import drafts
from livesteward.evals.badcases.ground import Ground, category_of, compare_texts
from livesteward.evals.badcases.mistakes import Mistake, MistakeKind, mistakes
from livesteward.evals.badcases.report import BadCaseCluster, Exemplar, Shared
from livesteward.evals.judgements import Judgement
from livesteward.evals.linting.likeness import Told
from livesteward.models.embedders import Embedder
from livesteward.retrieval.rulebook import PolicyLibrary

DISTANCE: Final = 0.90
"""Average cosine distance up to which mistakes of one kind and category are one group. Read on the golden set: below 0.85 most mistakes
stay alone, from 0.92 on groups take in what only shares its category."""

_EXEMPLARS: Final = 3
_SHARED: Final = ("region", "language", "kind")


async def cluster_badcases(
    rows: Sequence[Judgement],
    embedder: Embedder,
    *,
    library: PolicyLibrary,
    thresholds: Thresholds,
    told: Told | None = None,
) -> tuple[BadCaseCluster, ...]:
    """Return the mistakes of a run in groups, those that cost most first.

    Mistakes of one kind and category are grouped by what decides and why: the embeddings of decisive texts, in their many languages, and of
    the cases' reasons.

    Args:
        rows: All of a run, right and wrong ones.
        embedder: Compares texts.
        library: The rules that were judged by.
        thresholds: That were decided with.
        told: Told how many texts are embedded.

    Raises:
        ModelError: If the embedder cannot embed.
        PolicyError: If the rules cannot be resolved for a region.
    """
    found = mistakes(rows)
    if not found:
        return ()
    ground, vectors = await compare_texts(found, Ground(library, thresholds, rows), embedder, told=told)
    alike: dict[tuple[MistakeKind, Category | None], list[int]] = {}
    for place, mistake in enumerate(found):
        alike.setdefault((mistake.kind, category_of(mistake)), []).append(place)
    groups = [
        (kind, category, [found[places[row]] for row in rows_of_group])
        for (kind, category), places in alike.items()
        for rows_of_group in grouped(vectors[places], distance=DISTANCE)
    ]
    groups.sort(key=lambda group: -sum(mistake.cost for mistake in group[2]))
    taken: Counter[str] = Counter()
    return tuple(_cluster(kind, category, group, ground, taken) for kind, category, group in groups)


def _cluster(kind: MistakeKind, category: Category | None, group: list[Mistake], ground: Ground, taken: Counter[str]) -> BadCaseCluster:
    cause = likely_cause(group, ground)
    return BadCaseCluster(
        kind=kind,
        category=category,
        size=len(group),
        rows=sum(len(mistake.rows) for mistake in group),
        cost=sum(mistake.cost for mistake in group),
        shared=_shared(group),
        exemplars=tuple(map(_exemplar, group[:_EXEMPLARS])),
        cause=cause,
        advice=advice(group, cause, ground),
        drafts=drafts(group, ground, taken),
    )


def _shared(group: Sequence[Mistake]) -> dict[str, Shared]:
    """Return what at least half of a group have in common; one mistake alone shares nothing with itself."""
    found = {}
    for dimension in _SHARED:
        names = Counter(name for mistake in group for name in {name for row in mistake.rows for name in row.slices[dimension]})
        if names:
            name, n = max(names.items(), key=lambda item: (item[1], item[0]))
            if n > 1 and 2 * n >= len(group):
                found[dimension] = Shared(name=name, n=n)
    return found


def _exemplar(mistake: Mistake) -> Exemplar:
    row = mistake.row
    return Exemplar(
        case_id=row.entry.case_id,
        step=row.record.step,
        regions=mistake.regions,
        gold=row.gold.decision,
        decided=row.decision,
        text=mistake.text,
        reason=row.entry.reason,
    )
