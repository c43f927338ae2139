"""A rulebook in memory: its rules, the vectors of their records as read from the index, and their words."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from livesteward.contracts import Category, Rule, Rulebook
from livesteward.errors import RetrievalError
from livesteward.models.embedders import Vectors
from livesteward.retrieval.fusion import Floats, FusionWeights, by_meaning
from livesteward.retrieval.lexical import LexicalIndex
from livesteward.retrieval.records import RecordKind
from livesteward.retrieval.store import StoredRecords

_TEXTS_AT_ONCE: Final = 64


@dataclass(frozen=True)
class ExampleSimilarity:
    """How near texts come to a rule's examples: the highest cosine similarity to those that break it and to those that do not."""

    breaks: float
    allowed: float


@dataclass(frozen=True)
class _Part:
    """The records of one kind in the order of the rules; those of rule ``i`` begin at ``starts[i]``."""

    vectors: Floats
    starts: list[int]


class LoadedRulebook:
    """A rulebook that can be searched.

    Args:
        rulebook: The rules.
        stored: All of their records, in any order.

    Raises:
        RetrievalError: If a rule lacks records of a kind.
    """

    def __init__(self, rulebook: Rulebook, stored: StoredRecords) -> None:
        self.rulebook = rulebook
        self.rows = {rule.rule_id: row for row, rule in enumerate(rulebook.rules)}
        self.words = LexicalIndex([_text(rule) for rule in rulebook.rules])
        self._parts = {kind: self._part(stored, kind) for kind in RecordKind}

    def rows_of(self, categories: Collection[Category] | None) -> list[int]:
        """The rows of the rules of ``categories``; of all without."""
        return [row for row, rule in enumerate(self.rulebook.rules) if categories is None or rule.category in categories]

    def by_meaning(self, vectors: Vectors, weights: FusionWeights) -> Floats:
        """Return the similarity of each text (row) to each rule (column)."""
        if not self.rows or not len(vectors):
            return np.zeros((len(vectors), len(self.rows)), np.float32)
        blocks = [vectors[start : start + _TEXTS_AT_ONCE] for start in range(0, len(vectors), _TEXTS_AT_ONCE)]
        return np.concatenate(
            [
                by_meaning(
                    {kind: np.maximum.reduceat(block @ part.vectors.T, part.starts, axis=1) for kind, part in self._parts.items()}, weights
                )
                for block in blocks
            ]
        )

    def example_similarities(self, vectors: Vectors, rule_ids: Collection[str]) -> dict[str, ExampleSimilarity]:
        """Return, for each of ``rule_ids``, how near the nearest of ``vectors`` comes."""
        return {
            rule_id: ExampleSimilarity(
                breaks=self._nearest(RecordKind.BREAKS, self.rows[rule_id], vectors),
                allowed=self._nearest(RecordKind.ALLOWED, self.rows[rule_id], vectors),
            )
            for rule_id in rule_ids
        }

    def _nearest(self, kind: RecordKind, row: int, vectors: Vectors) -> float:
        part = self._parts[kind]
        end = part.starts[row + 1] if row + 1 < len(part.starts) else len(part.vectors)
        return float((vectors @ part.vectors[part.starts[row] : end].T).max())

    def _part(self, stored: StoredRecords, kind: RecordKind) -> _Part:
        found = [(self.rows[record.rule_id], row) for row, record in enumerate(stored.records) if record.kind is kind]
        found.sort()
        owners = np.array([owner for owner, _ in found], np.int64)
        if set(owners.tolist()) != set(range(len(self.rows))):
            ref = self.rulebook.ref
            raise RetrievalError(
                f"the index of {ref.jurisdiction} (version {ref.version}) lacks records of some rules; delete the index and build it anew"
            )
        vectors = stored.vectors[[row for _, row in found]] if found else np.zeros((0, 1), np.float32)
        return _Part(vectors=vectors, starts=np.searchsorted(owners, np.arange(len(self.rows))).tolist())


def _text(rule: Rule) -> str:
    return " ".join((rule.title, rule.text, *rule.exceptions, *rule.breaks, *rule.allowed))
