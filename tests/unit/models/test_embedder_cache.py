from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from livesteward.errors import ModelAnswerError
from livesteward.models.embedder_cache import CachedEmbedder, VectorFile, vector_key
from livesteward.models.embedders import Vectors, clean, normalised
from livesteward.models.frozen_vectors import FrozenVectors, write_frozen


class Counting:
    """Embeds by length and remembers what it was asked."""

    def __init__(self, fingerprint: str = "one") -> None:
        self.fingerprint = fingerprint
        self.dimensions = 3
        self.asked: list[list[str]] = []

    async def queries(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        return normalised([[len(text) + 1, 1, 0] for text in texts], expected=len(texts), source="test")

    async def passages(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        return normalised([[len(text) + 1, 0, 1] for text in texts], expected=len(texts), source="test")

    async def aclose(self) -> None:
        pass


async def test_a_text_is_embedded_once_in_a_batch_and_never_again(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "v.sqlite")
    rows = await cached.queries(["a", "bb", "a"])
    assert inner.asked == [["a", "bb"]]
    assert (rows[0] == rows[2]).all()
    assert not (rows[0] == rows[1]).all()
    assert (await cached.queries(["bb", "ccc"])).shape == (2, 3)
    assert inner.asked == [["a", "bb"], ["ccc"]]
    await cached.aclose()


async def test_queries_passages_and_embedders_do_not_mix(tmp_path: Path) -> None:
    inner, other = Counting(), Counting("two")
    cached = CachedEmbedder(inner, tmp_path / "v.sqlite")
    await cached.queries(["a"])
    await cached.passages(["a"])
    second = CachedEmbedder(other, tmp_path / "v.sqlite")
    await second.queries(["a"])
    assert (len(inner.asked), len(other.asked)) == (2, 1)
    await cached.aclose()
    await second.aclose()


async def test_another_process_finds_what_was_embedded(tmp_path: Path) -> None:
    first = CachedEmbedder(Counting(), tmp_path / "v.sqlite")
    rows = await first.queries(["a"])
    await first.aclose()
    inner = Counting()
    second = CachedEmbedder(inner, tmp_path / "v.sqlite")
    assert (await second.queries(["a"]) == rows).all()
    assert inner.asked == []
    await second.aclose()


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\x00" + b"\xff" * 4_000])
async def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "v.sqlite"
    file.write_bytes(damage)
    first = CachedEmbedder(Counting(), file)
    await first.queries(["a"])
    await first.aclose()
    inner = Counting()
    second = CachedEmbedder(inner, file)
    await second.queries(["a"])
    assert inner.asked == []
    await second.aclose()


async def test_without_a_place_for_the_file_it_works_from_memory(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be", encoding="utf-8")
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "taken" / "v.sqlite")
    await cached.queries(["a"])
    await cached.queries(["a"])
    assert len(inner.asked) == 1
    await cached.aclose()


async def test_memory_and_file_are_bounded(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "v.sqlite", memory_items=2, file_items=3)
    for text in "abcdef":
        await cached.queries([text])
    assert len(cached._memory) == 2
    found = VectorFile(tmp_path / "v.sqlite", items=3).read([vector_key("one", "query", text) for text in "abcdef"])
    assert len(found) == 3
    await cached.aclose()


WRITER = """
import sys
from pathlib import Path
import numpy as np
from livesteward.models.embedder_cache import VectorFile, vector_key

file = VectorFile(Path(sys.argv[1]), items=10_000)
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 50):
    file.write({vector_key("one", "query", str(number)): np.ones(3, np.float32)})
file.close()
"""


def test_many_processes_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "v.sqlite"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(start)]) for start in (0, 50, 100)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    file = VectorFile(path, items=10_000)
    assert len(file.read([vector_key("one", "query", str(number)) for number in range(150)])) == 150
    file.close()


async def test_many_tasks_at_once_get_their_own_rows(tmp_path: Path) -> None:
    cached = CachedEmbedder(Counting(), tmp_path / "v.sqlite")
    texts = ["x" * number for number in range(40)]
    rows = await asyncio.gather(*(cached.queries([text]) for text in texts))
    assert (np.concatenate(rows) == await Counting().queries(texts)).all()
    await cached.aclose()


async def test_frozen_vectors_are_used_and_stale_ones_ignored(tmp_path: Path) -> None:
    rows = await Counting().queries(["a", "b"])
    file = tmp_path / "vectors.npz"
    write_frozen(file, {vector_key("one", "query", "a"): rows[0], vector_key("older", "query", "b"): rows[1]})
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "v.sqlite", frozen=FrozenVectors(file))
    found = await cached.queries(["a", "b"])
    assert inner.asked == [["b"]]
    assert np.allclose(found, rows, atol=1e-3)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    await cached.aclose()


def test_the_same_vectors_freeze_to_the_same_file(tmp_path: Path) -> None:
    vectors = {vector_key("one", "query", text): np.ones(3, np.float32) for text in "abc"}
    write_frozen(tmp_path / "one.npz", vectors)
    write_frozen(tmp_path / "two.npz", dict(reversed(vectors.items())))
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


@pytest.mark.parametrize("damage", [None, b"", b"PK\x03\x04 no archive"])
def test_frozen_vectors_that_cannot_be_read_are_none(tmp_path: Path, damage: bytes | None) -> None:
    file = tmp_path / "vectors.npz"
    if damage is not None:
        file.write_bytes(damage)
    assert FrozenVectors(file).read([vector_key("one", "query", "a")]) == {}


@pytest.mark.parametrize("rows", [[[0.0, 0.0]], [[float("nan"), 1.0]], [[1.0], [1.0]], [], "text", [[1, 2], [3]]])
def test_rows_that_are_no_directions_are_refused(rows: object) -> None:
    with pytest.raises(ModelAnswerError):
        normalised(rows, expected=1, source="test")


def test_text_is_made_safe_for_engines_in_c() -> None:
    assert clean("a\x00b\ud800c") == "a b?c"
