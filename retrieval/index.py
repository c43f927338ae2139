"""The index of rulebooks: what is missing is built, what is there is read once, and nobody ever sees half of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

import numpy as np

from livesteward.contracts import Contract, Rulebook
from livesteward.errors import RetrievalError
from livesteward.models.embedders import Embedder
from livesteward.retrieval.records import embed_records, records_of
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.retrieval.store import RuleStore, StoredRecords
from livesteward.settings import Settings

_EMBEDDED_AT_ONCE: Final = 32


class IndexProgress(Contract):
    """How far the building has come: texts embedded of all texts of the rulebooks that are missing."""

    jurisdiction: str
    done: int
    total: int


ProgressCallback: TypeAlias = Callable[[IndexProgress], None]


class IndexedRulebook(Contract):
    """What :func:`ensure_index` did for one jurisdiction."""

    jurisdiction: str
    version: str
    rules: int
    records: int
    built: bool


@dataclass(frozen=True)
class RuleIndex:
    """The rule index of one place and one embedder.

    Attributes:
        store: Where the collections are.
        embedder: Who makes the vectors; its fingerprint is kept with each collection and checked.
        may_build: Whether a missing collection is built when it is asked for; without it that is an error that names the command.
    """

    store: RuleStore
    embedder: Embedder
    may_build: bool = True
    _building: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @classmethod
    def from_settings(cls, settings: Settings, embedder: Embedder, *, may_build: bool = True) -> RuleIndex:
        """Return the index that ``settings`` describe."""
        return cls(store=RuleStore(settings.index_dir, settings.chroma), embedder=embedder, may_build=may_build)

    async def load(self, rulebook: Rulebook) -> StoredRecords:
        """Return the records of a rulebook, built first if they are missing and may be.

        Raises:
            RetrievalError: If they are missing or of another embedder and must not be built, or if Chroma fails.
            ModelError: If the embedder fails.
        """
        fingerprint = await asyncio.to_thread(lambda: self.embedder.fingerprint)
        try:
            stored = await asyncio.to_thread(self.store.read, rulebook.ref, fingerprint)
        except RetrievalError:
            if not self.may_build:
                raise
            stored = None
        if stored is not None:
            return stored
        ref = rulebook.ref
        if not self.may_build:
            raise RetrievalError(
                f"there is no index of the rules of {ref.jurisdiction} on {ref.on} (version {ref.version}); "
                f"run 'livesteward policies index --region {ref.jurisdiction}'"
            )
        await self.build([rulebook])
        stored = await asyncio.to_thread(self.store.read, ref, fingerprint)
        if stored is None:
            raise RetrievalError(f"the index of {ref.jurisdiction} was built and is gone again; is another process deleting the cache?")
        return stored

    async def build(self, rulebooks: Iterable[Rulebook], *, progress: ProgressCallback | None = None) -> list[IndexedRulebook]:
        """Build the collections that are missing, one writer at a time over all processes.

        Texts that rulebooks share are embedded once, and a text that has not changed since it was last embedded not at all.

        Raises:
            RetrievalError: If Chroma fails or another process keeps the writer's lock.
            ModelError: If the embedder fails.
        """
        wanted = list(rulebooks)
        fingerprint = await asyncio.to_thread(lambda: self.embedder.fingerprint)
        async with self._building:
            records = {rulebook.ref: records_of(rulebook) for rulebook in wanted}
            missing = [one for one in wanted if not await asyncio.to_thread(self.store.has, one.ref, fingerprint)]
            # Embedding comes before the lock: it is what takes long, and two processes that do it at once only waste work.
            total, done = sum(len(records[one.ref]) for one in missing), 0
            vectors = {}
            for one in missing:
                parts = []
                for start in range(0, len(records[one.ref]), _EMBEDDED_AT_ONCE):
                    some = records[one.ref][start : start + _EMBEDDED_AT_ONCE]
                    parts.append(await embed_records(self.embedder, some))
                    done += len(some)
                    if progress is not None:
                        progress(IndexProgress(jurisdiction=one.ref.jurisdiction, done=done, total=total))
                vectors[one.ref] = np.concatenate(parts) if parts else np.empty((0, 1), np.float32)

            def write() -> None:
                with self.store.writing():
                    for one in missing:
                        if not self.store.has(one.ref, fingerprint):
                            self.store.write(one.ref, fingerprint, records[one.ref], vectors[one.ref])
                    self.store.prune()

            if missing:
                await asyncio.to_thread(write)
        return [
            IndexedRulebook(
                jurisdiction=one.ref.jurisdiction,
                version=one.ref.version,
                rules=len(one.rules),
                records=len(records[one.ref]),
                built=one in missing,
            )
            for one in wanted
        ]

    async def aclose(self) -> None:
        """Close the connection to Chroma; the embedder belongs to whoever made it."""
        await asyncio.to_thread(self.store.close)


async def ensure_index(
    index: RuleIndex,
    library: PolicyLibrary,
    jurisdictions: Iterable[str],
    on: date,
    *,
    progress: ProgressCallback | None = None,
) -> list[IndexedRulebook]:
    """Build what is missing of the rulebooks in force in ``jurisdictions`` on the day ``on``.

    Raises:
        InputError: If a jurisdiction is unknown.
        RetrievalError: If Chroma fails or another process keeps the writer's lock.
        ModelError: If the embedder fails.
    """
    return await index.build([library.rulebook(name, on) for name in dict.fromkeys(jurisdictions)], progress=progress)
