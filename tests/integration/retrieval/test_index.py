from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from livesteward.errors import RetrievalError
from livesteward.models.embedder_cache import CachedEmbedder
from livesteward.models.embedders import Embedder
from livesteward.retrieval.index import IndexProgress, RuleIndex, ensure_index
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.retrieval.search import RuleSearch
from livesteward.retrieval.store import KEPT, RuleStore
from livesteward.settings import Settings

DAY = date(2026, 11, 22)
MakeLibrary = Callable[..., PolicyLibrary]


def index_of(settings: Settings, embedder: Embedder, *, may_build: bool = True) -> RuleIndex:
    return RuleIndex.from_settings(settings, embedder, may_build=may_build)


async def test_what_is_built_is_found_by_another_process_that_may_not_build(
    settings: Settings, embedder: Any, library: PolicyLibrary
) -> None:
    events: list[IndexProgress] = []
    built = await ensure_index(index_of(settings, embedder), library, ["global", "SG"], DAY, progress=events.append)
    assert [(one.jurisdiction, one.built, one.rules) for one in built] == [("global", True, 2), ("SG", True, 2)]
    assert events[-1].done == events[-1].total == sum(one.records for one in built)
    search = RuleSearch(library, index_of(settings, embedder, may_build=False))
    assert (await search.search("cigarettes", "SG", on=DAY))[0].rule.title == "tobacco"
    again = await ensure_index(index_of(settings, embedder), library, ["global"], DAY)
    assert not again[0].built


async def test_a_missing_index_names_the_command(settings: Settings, embedder: Any, library: PolicyLibrary) -> None:
    search = RuleSearch(library, index_of(settings, embedder, may_build=False))
    with pytest.raises(RetrievalError, match="livesteward policies index --region SG"):
        await search.search("cigarettes", "SG", on=DAY)
    assert not settings.index_dir.exists()


async def test_an_index_of_another_embedder_is_refused_and_rebuilt_only_where_that_is_allowed(
    settings: Settings, embedder: Any, other_embedder: Any, library: PolicyLibrary
) -> None:
    await ensure_index(index_of(settings, embedder), library, ["SG"], DAY)
    refusing = RuleSearch(library, index_of(settings, other_embedder, may_build=False))
    with pytest.raises(RetrievalError, match="built by the embedder letters-1 and this one is letters-2"):
        await refusing.search("cigarettes", "SG", on=DAY)
    building = RuleSearch(library, index_of(settings, other_embedder))
    assert await building.search("cigarettes", "SG", on=DAY)


async def test_only_changed_texts_are_embedded(settings: Settings, embedder: Any, make_library: MakeLibrary, tmp_path: Path) -> None:
    cached = CachedEmbedder(embedder, tmp_path / "vectors.sqlite")
    first = make_library(tobacco="Nobody may sell cigarettes.", alcohol="Nobody may offer beer.")
    await ensure_index(index_of(settings, cached), first, ["global", "SG"], DAY)
    assert len(embedder.embedded) == len(set(embedder.embedded)) == 12
    embedder.embedded.clear()
    second = make_library(tobacco="Nobody may sell cigarettes.", alcohol="Nobody may offer wine.")
    await ensure_index(index_of(settings, cached), second, ["global"], DAY)
    assert embedder.embedded == ["alcohol. Nobody may offer wine."]
    await cached.aclose()


async def test_a_long_open_reader_keeps_its_rules_and_finds_new_ones_of_another_writer(
    settings: Settings, embedder: Any, make_library: MakeLibrary
) -> None:
    old = make_library(tobacco="Nobody may sell cigarettes.")
    new = make_library(tobacco="Nobody may sell cigarettes.", alcohol="Nobody may offer beer.")
    await ensure_index(index_of(settings, embedder), old, ["SG"], DAY)
    reader = RuleSearch(old, index_of(settings, embedder, may_build=False))
    assert len(await reader.search("beer", "SG", on=DAY)) == 1
    await ensure_index(index_of(settings, embedder), new, ["SG"], DAY)
    assert len(await reader.search("beer", "SG", on=DAY)) == 1
    fresh = RuleSearch(old, index_of(settings, embedder, may_build=False))
    assert len(await fresh.search("beer", "SG", on=DAY)) == 1
    reader.library = new
    assert len(await reader.search("beer", "SG", on=DAY)) == 2


async def test_old_indexes_are_removed_and_the_one_before_is_kept(settings: Settings, embedder: Any, make_library: MakeLibrary) -> None:
    libraries = [make_library(tobacco=f"Version {number}.") for number in range(KEPT + 2)]
    index = index_of(settings, embedder)
    for library in libraries:
        await ensure_index(index, library, ["SG"], DAY)
    has = [index.store.has(library.rulebook("SG", DAY).ref, embedder.fingerprint) for library in libraries]
    assert has == [False, False] + [True] * KEPT


WRITER = """
    import sys, time
    from datetime import date
    from pathlib import Path
    import numpy as np
    from livesteward.contracts import RulebookRef
    from livesteward.retrieval.records import RecordKind, RuleRecord
    from livesteward.retrieval.store import RuleStore
    from livesteward.settings import ChromaSettings

    store = RuleStore(Path(sys.argv[1]), ChromaSettings())
    records = [RuleRecord(record_id=str(n), rule_id="GOODS-1.1", kind=RecordKind.TEXT, text="t") for n in range(1000)]

    class Slow(np.ndarray):
        pass

    rows = np.ones((1000, 64), np.float32)
    real = store._client.create_collection

    def create(*args, **kwargs):
        collection = real(*args, **kwargs)
        add = collection.add
        def slow(**kwargs):
            add(**kwargs)
            print("half written", flush=True)
            time.sleep(60)
        object.__setattr__(collection, "add", slow)
        return collection

    store._client.create_collection = create
    ref = RulebookRef(jurisdiction="SG", on=date(2026, 11, 22), version="x", digest=sys.argv[2])
    with store.writing():
        store.write(ref, "letters-1", records, rows)
"""


async def test_a_writer_killed_in_the_middle_leaves_the_old_index_and_no_half_one(
    settings: Settings, embedder: Any, library: PolicyLibrary, make_library: MakeLibrary
) -> None:
    await ensure_index(index_of(settings, embedder), library, ["SG"], DAY)
    newer = make_library(tobacco="Something new.", alcohol="Something else.")
    ref = newer.rulebook("SG", DAY).ref
    writer = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", textwrap.dedent(WRITER), str(settings.index_dir), ref.digest], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        line = await asyncio.wait_for(asyncio.to_thread(writer.stdout.readline), 60)
        assert line == "half written\n"
        # During the write a reader sees the old rulebook and not the new one.
        reader = RuleStore(settings.index_dir, settings.chroma)
        assert reader.read(library.rulebook("SG", DAY).ref, embedder.fingerprint) is not None
        assert reader.read(ref, embedder.fingerprint) is None
        reader.close()
    finally:
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(10)
        writer.stdout.close()
    reading = RuleSearch(library, index_of(settings, embedder, may_build=False))
    assert (await reading.search("cigarettes", "SG", on=DAY))[0].rule.title == "tobacco"
    # The next writer is not held up by the dead one's lock, and clears away what it left.
    rebuilt = await ensure_index(index_of(settings, embedder), newer, ["SG"], DAY)
    assert rebuilt[0].built
    names = [collection.name for collection in RuleStore(settings.index_dir, settings.chroma)._client.list_collections()]
    assert len(names) == 2
    assert not any(name.startswith("building") for name in names)


async def test_writers_of_two_processes_take_turns(settings: Settings, embedder: Any, library: PolicyLibrary) -> None:
    first, second = index_of(settings, embedder), index_of(settings, embedder)
    done = await asyncio.gather(ensure_index(first, library, ["SG", "MY"], DAY), ensure_index(second, library, ["MY", "SG"], DAY))
    assert all(len(built) == 2 for built in done)
    assert len(first.store._client.list_collections()) == 2


async def test_a_rulebook_without_rules_is_indexed_and_finds_nothing(settings: Settings, embedder: Any, library: PolicyLibrary) -> None:
    search = RuleSearch(library, index_of(settings, embedder))
    assert await search.search("cigarettes", "SG", on=date(2020, 1, 1)) == []


async def test_a_damaged_database_is_an_error_that_says_what_to_do(settings: Settings, embedder: Any, library: PolicyLibrary) -> None:
    settings.index_dir.mkdir(parents=True)
    (settings.index_dir / "chroma.sqlite3").write_bytes(b"no database at all" * 100)
    search = RuleSearch(library, index_of(settings, embedder, may_build=False))
    with pytest.raises(RetrievalError, match="delete the folder to begin anew"):
        await search.search("cigarettes", "SG", on=DAY)
