"""The shipped rules' vectors as a file, for a first use that need not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from livesteward.models.embedder_cache import vector_key
from livesteward.models.embedders import Embedder
from livesteward.models.frozen_vectors import write_frozen
from livesteward.retrieval.records import RuleRecord, embed_records, records_of
from livesteward.retrieval.rulebook import PolicyLibrary


async def freeze(library: PolicyLibrary, jurisdictions: Iterable[str], on: date, embedder: Embedder, file: Path) -> int:
    """Write the vectors of all records of ``jurisdictions`` on the day ``on`` to ``file``; return how many there are.

    Raises:
        InputError: If a jurisdiction is unknown.
        ModelError: If the embedder fails.
    """
    keys = record_keys(library, jurisdictions, on, embedder.fingerprint)
    rows = await embed_records(embedder, list(keys.values()))
    await asyncio.to_thread(write_frozen, file, dict(zip(keys, rows, strict=True)))
    return len(keys)


def record_keys(library: PolicyLibrary, jurisdictions: Iterable[str], on: date, fingerprint: str) -> dict[bytes, RuleRecord]:
    """The records of the rulebooks of ``jurisdictions``, those of one text and use once, by the key that the cache gives them."""
    return {
        vector_key(fingerprint, "query" if record.kind.is_example else "passage", record.text): record
        for jurisdiction in jurisdictions
        for record in records_of(library.rulebook(jurisdiction, on))
    }
