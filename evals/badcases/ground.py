"""What the causes of mistakes are found in: the rules and thresholds, the other rows of the run, and which examples a text is like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from livesteward.agents.thresholds import Band, Thresholds
from livesteward.contracts import Category, Decision, Finding, Rule
from livesteward.evals.badcases.mistakes import HARM, Mistake, MistakeKind, acted_on, kind_of, wrongly_accused
from livesteward.evals.judgements import Judgement
from livesteward.evals.linting.decisive_texts import words_of
from livesteward.evals.linting.likeness import Told, embedded, whitened
from livesteward.models.embedders import Embedder, Vectors
from livesteward.retrieval.rulebook import PolicyLibrary

REASON_SHARE: Final = 0.6
"""How much the reason of a case counts where mistakes are grouped; what decides counts for the rest. Reasons are in one language."""
KEPT_SUBJECT: Final = 0.25
"""Strength of whitening that keeps what texts are about, see :func:`livesteward.evals.linting.likeness.whitened`."""


@dataclass(frozen=True)
class Ground:
    """Everything besides a mistake itself.

    Attributes:
        library: Of the rules that were judged by.
        thresholds: That were decided with.
        rows: All of the run.
        likeness: Vectors of decisive texts and examples, whitened, by text.
    """

    library: PolicyLibrary
    thresholds: Thresholds
    rows: Sequence[Judgement]
    likeness: dict[str, Vectors] = field(default_factory=dict)

    @cached_property
    def by_place(self) -> dict[tuple[str, int, str, int], Judgement]:
        """Rows by case, step, region and trial."""
        return {(row.entry.case_id, row.record.step, row.region, row.record.trial): row for row in self.rows}

    @cached_property
    def wrong(self) -> dict[tuple[Decision, str, str], tuple[int, int]]:
        """How many rows of a slice are wrong, and how many there are, by gold decision, dimension and name; of all rows under ``""``."""
        found: dict[tuple[Decision, str, str], tuple[int, int]] = {}
        for row in self.rows:
            mistaken = kind_of(row) is not None
            slices = [("", ""), *((name, one) for name in ("language", "kind") for one in row.slices[name])]
            for dimension, name in slices:
                before = found.get((row.gold.decision, dimension, name), (0, 0))
                found[row.gold.decision, dimension, name] = (before[0] + mistaken, before[1] + 1)
        return found

    def rule(self, rule_id: str, row: Judgement) -> Rule | None:
        """Return a rule as it holds in the region and on the day of a row."""
        return next((rule for rule in self.rules(row.region, row) if rule.rule_id == rule_id), None)

    def rules(self, region: str, row: Judgement) -> tuple[Rule, ...]:
        """Return the rules in force in a region on the day of a row."""
        return self.library.rulebook(region, row.segment.starts_at.date()).rules

    def band(self, category: Category, region: str) -> Band:
        """Return the thresholds of a category in a region."""
        return self.thresholds.band(category, region)

    def nearest(self, text: str, examples: Sequence[str]) -> tuple[float, str]:
        """Return how like a text the nearest of some examples is, and which."""
        known = [example for example in examples if words_of(example) in self.likeness]
        if text not in self.likeness or not known:
            return 0.0, ""
        near = np.stack([self.likeness[words_of(example)] for example in known]) @ self.likeness[text]
        best = int(near.argmax())
        return float(near[best]), known[best]


def blamed(mistake: Mistake) -> Finding | None:
    """Return the finding that disturbs somebody, or the one that a person was asked about."""
    row = mistake.row
    if mistake.kind is MistakeKind.WRONG_SUBJECT:
        return wrongly_accused(row)[0]
    if mistake.kind in HARM:
        return next((finding for finding in row.findings if finding.category in row.gold.categories), None)
    return next(iter(acted_on(row) or row.findings), None)


def category_of(mistake: Mistake) -> Category | None:
    """Return the harm that was missed or wrongly seen."""
    if mistake.kind in HARM and mistake.row.gold.findings:
        worst = max(mistake.row.gold.findings, key=lambda finding: finding.severity.rank)
        return worst.category
    finding = blamed(mistake)
    return finding.category if finding else None


def rule_id_of(mistake: Mistake) -> str | None:
    """Return the rule that should have been applied, or was applied wrongly; None where none is named."""
    if mistake.kind in HARM:
        worst = max(mistake.row.gold.findings, key=lambda finding: finding.severity.rank, default=None)
        return worst.rules[0] if worst and worst.rules else None
    finding = blamed(mistake)
    return finding.rule_id if finding else None


async def compare_texts(
    found: Sequence[Mistake], ground: Ground, embedder: Embedder, *, told: Told | None = None
) -> tuple[Ground, Vectors]:
    """Embed what decides, and the examples of the rules concerned.

    Returns:
        The ground with likenesses, and a vector for each mistake to group them by.

    Raises:
        ModelError: If the embedder cannot embed.
    """
    examples = _examples(found, ground)
    texts = [mistake.text for mistake in found]
    reasons = [mistake.row.entry.reason for mistake in found]
    vectors = await embedded([*texts, *examples, *reasons], embedder, told=told)
    decisive, why = vectors[: len(texts) + len(examples)], vectors[len(texts) + len(examples) :]
    white = whitened(decisive)
    likeness = {text: white[row] for row, text in enumerate((*texts, *examples))}
    subjects = np.concatenate(
        [
            (1 - REASON_SHARE) ** 0.5 * whitened(decisive, strength=KEPT_SUBJECT)[: len(texts)],
            REASON_SHARE**0.5 * whitened(why, strength=KEPT_SUBJECT),
        ],
        axis=1,
    )
    return Ground(ground.library, ground.thresholds, ground.rows, likeness), subjects


def _examples(found: Iterable[Mistake], ground: Ground) -> list[str]:
    examples: dict[str, None] = {}
    for mistake in found:
        name = rule_id_of(mistake)
        rule = ground.rule(name, mistake.row) if name else None
        examples |= dict.fromkeys(map(words_of, (*rule.breaks, *rule.allowed) if rule else ()))
    return list(examples)


def decided_in(mistake: Mistake, ground: Ground) -> dict[str, Decision]:
    """Return what was decided on the same segment in each of its regions, in the same trial."""
    row = mistake.row
    places = ((region, (row.entry.case_id, row.record.step, region, row.record.trial)) for region in row.entry.regions)
    return {region: ground.by_place[place].decision for region, place in places if place in ground.by_place}
