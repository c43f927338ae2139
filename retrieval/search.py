"""The search that finds the few rules that matter for a text, in the rulebook of a jurisdiction."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Final

import numpy as np

from livesteward.contracts import Category, RetrievedRule, Rulebook
from livesteward.errors import InputError
from livesteward.models.embedders import Embedder, Vectors, embedder_from_settings
from livesteward.retrieval.fusion import FusionWeights, fused
from livesteward.retrieval.index import RuleIndex
from livesteward.retrieval.loaded import ExampleSimilarity, LoadedRulebook
from livesteward.retrieval.rulebook import PolicyLibrary, load_library
from livesteward.settings import Settings

_LOADED: Final = 64
"""Rulebooks kept in memory: about 2 MB each."""


class RuleSearch:
    """Searches the rulebooks of a library; what it has read from the index stays in memory.

    Args:
        library: The rule documents.
        index: Where their vectors are.
        weights: What counts how much.
    """

    def __init__(self, library: PolicyLibrary, index: RuleIndex, *, weights: FusionWeights | None = None) -> None:
        self.library = library
        self.index = index
        self._weights = weights or FusionWeights()
        self._loaded: OrderedDict[str, LoadedRulebook] = OrderedDict()
        self._loading: dict[str, asyncio.Task[LoadedRulebook]] = {}

    @classmethod
    def from_settings(cls, settings: Settings, *, embedder: Embedder | None = None, may_build: bool = True) -> RuleSearch:
        """Return the search over ``settings.policies_dir``.

        Raises:
            PolicyError: If a rule document has a fault.
            ConfigurationError: If the embedder cannot be made.
        """
        embedder = embedder or embedder_from_settings(settings)
        index = RuleIndex.from_settings(settings, embedder, may_build=may_build)
        return cls(load_library(settings.policies_dir), index)

    async def search(
        self,
        question: str,
        jurisdiction: str,
        *,
        on: date | None = None,
        limit: int = 8,
        categories: Collection[Category] | None = None,
    ) -> list[RetrievedRule]:
        """Return the rules that matter most for ``question``, best first.

        Args:
            question: A question, or a text from a stream, in any language.
            jurisdiction: ``global``, a group or a country.
            on: The day whose rules hold; today (UTC) unless given.
            limit: At most so many.
            categories: Only rules of these.

        Raises:
            InputError: If the question is empty or the jurisdiction unknown.
            RetrievalError: If the index is missing and must not be built, is of another embedder, or Chroma fails.
            ModelError: If the embedder fails.
        """
        if not question.strip():
            raise InputError("the question is empty; ask something, or paste a text", field="question")
        vectors = await self.index.embedder.queries([question])
        found = await self.search_vectors([question], vectors, jurisdiction, on=on, limit=limit, categories=categories)
        return found[0]

    async def search_vectors(
        self,
        texts: Sequence[str],
        vectors: Vectors,
        jurisdiction: str,
        *,
        on: date | None = None,
        limit: int = 8,
        categories: Collection[Category] | None = None,
    ) -> list[list[RetrievedRule]]:
        """Search for several texts whose query vectors are at hand already; one list a text, in order.

        Args:
            texts: For the search by words.
            vectors: Of shape ``[texts, dimensions]``, from this search's embedder's ``queries``.
            jurisdiction: ``global``, a group or a country.
            on: The day whose rules hold; today (UTC) unless given.
            limit: At most so many for each text.
            categories: Only rules of these.

        Raises:
            InputError: If the jurisdiction is unknown, or texts and vectors are not of one number.
            RetrievalError: If the index is missing and must not be built, is of another embedder, or Chroma fails.
        """
        if len(texts) != len(vectors):
            raise InputError(f"there are {len(texts)} texts and {len(vectors)} vectors; give one vector a text", field="vectors")
        loaded = await self._load(jurisdiction, on)
        return await asyncio.to_thread(self._ranked, loaded, jurisdiction, list(texts), vectors, limit, categories)

    async def example_similarities(
        self, vectors: Vectors, jurisdiction: str, rule_ids: Collection[str], *, on: date | None = None
    ) -> dict[str, ExampleSimilarity]:
        """Say how near the nearest of ``vectors`` comes to each rule's examples.

        Args:
            vectors: Of shape ``[texts, dimensions]``, from the embedder's ``queries``; at least one.
            jurisdiction: ``global``, a group or a country.
            rule_ids: The rules that are asked about.
            on: The day whose rules hold; today (UTC) unless given.

        Raises:
            InputError: If there are no vectors, or a rule is not in the rulebook.
            RetrievalError: If the index is missing and must not be built, is of another embedder, or Chroma fails.
        """
        if not len(vectors):
            raise InputError("there are no vectors to compare; give at least one", field="vectors")
        loaded = await self._load(jurisdiction, on)
        unknown = [rule_id for rule_id in rule_ids if rule_id not in loaded.rows]
        if unknown:
            raise InputError(f"{', '.join(unknown)} is not in the rulebook of {jurisdiction}", field="rule_ids")
        return loaded.example_similarities(vectors, rule_ids)

    async def warm(self, jurisdictions: Collection[str], *, on: date | None = None) -> None:
        """Read the rulebooks of ``jurisdictions`` into memory, so that the first search does not wait for it."""
        for jurisdiction in jurisdictions:
            await self._load(jurisdiction, on)

    async def aclose(self) -> None:
        """Close the connection to Chroma; the embedder belongs to whoever made it."""
        await self.index.aclose()

    async def _load(self, jurisdiction: str, on: date | None) -> LoadedRulebook:
        rulebook = self.library.rulebook(jurisdiction, on or datetime.now(UTC).date())
        digest = rulebook.ref.digest
        if digest in self._loaded:
            self._loaded.move_to_end(digest)
            return self._loaded[digest]
        task = self._loading.get(digest)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._read(rulebook))
            self._loading[digest] = task
            task.add_done_callback(lambda _: self._loading.pop(digest, None))
        # Shielded: a caller that gives up must not end the reading for the others who wait for it.
        return await asyncio.shield(task)

    async def _read(self, rulebook: Rulebook) -> LoadedRulebook:
        stored = await self.index.load(rulebook)
        loaded = await asyncio.to_thread(LoadedRulebook, rulebook, stored)
        self._loaded[rulebook.ref.digest] = loaded
        while len(self._loaded) > _LOADED:
            self._loaded.popitem(last=False)
        return loaded

    def _ranked(
        self,
        loaded: LoadedRulebook,
        jurisdiction: str,
        texts: list[str],
        vectors: Vectors,
        limit: int,
        categories: Collection[Category] | None,
    ) -> list[list[RetrievedRule]]:
        rows = loaded.rows_of(categories)
        if not len(rows):
            return [[] for _ in texts]
        found = []
        for text, meaning in zip(texts, loaded.by_meaning(vectors, self._weights)[:, rows], strict=True):
            words = loaded.words.scores(text)[rows]
            scores = fused(meaning, words, self._weights)
            found.append(
                [
                    RetrievedRule(
                        jurisdiction=jurisdiction,
                        rule=loaded.rulebook.rules[rows[place]],
                        score=float(scores[place]),
                        dense=float(meaning[place]),
                        lexical=float(words[place]) if words[place] > 0 else None,
                    )
                    for place in np.argsort(-scores, kind="stable")[:limit]
                ]
            )
        return found
