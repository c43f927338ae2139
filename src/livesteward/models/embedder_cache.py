"""Vectors of texts that were seen before: in memory, and in one SQLite file that many processes share.

The file holds digests and vectors, no texts. It is a cache: it is bounded, a damaged file is begun anew, and where it cannot be read or
written the embedder works without it.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from livesteward.models.embedders import Embedder, Vectors
from livesteward.models.frozen_vectors import FrozenVectors

_log = structlog.get_logger(__name__)
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS vectors (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, vector BLOB NOT NULL)"
_WAIT_MS: Final = 5_000
_ASKED_AT_ONCE: Final = 500


class CachedEmbedder:
    """An embedder that asks another one only for what it has not seen; a text that repeats within a batch is embedded once.

    Args:
        inner: Who embeds.
        file: The SQLite file; its folder is made when needed.
        memory_items: Vectors kept in memory, the least recently used dropped first.
        file_items: Vectors kept in the file, the oldest dropped first.
        frozen: Vectors made beforehand, looked up before the file.
    """

    def __init__(
        self, inner: Embedder, file: Path, *, memory_items: int = 20_000, file_items: int = 200_000, frozen: FrozenVectors | None = None
    ) -> None:
        self._inner = inner
        self._memory: OrderedDict[bytes, Vectors] = OrderedDict()
        self._memory_items = memory_items
        self._lock = threading.Lock()
        self._file = VectorFile(file, items=file_items)
        self._frozen = frozen

    @property
    def fingerprint(self) -> str:
        """The inner embedder's."""
        return self._inner.fingerprint

    @property
    def dimensions(self) -> int:
        """The inner embedder's."""
        return self._inner.dimensions

    async def queries(self, texts: Sequence[str]) -> Vectors:
        """Embed texts that are looked up."""
        return await self._embed("query", texts, self._inner.queries)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        """Embed texts that are found."""
        return await self._embed("passage", texts, self._inner.passages)

    async def aclose(self) -> None:
        """Close the file and the inner embedder."""
        await asyncio.to_thread(self._file.close)
        await self._inner.aclose()

    async def _embed(self, kind: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Awaitable[Vectors]]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        fingerprint = await asyncio.to_thread(lambda: self._inner.fingerprint)
        wanted = {vector_key(fingerprint, kind, text): text for text in texts}
        known = self._recall(wanted)
        missing = [key for key in wanted if key not in known]
        if missing:
            found = await asyncio.to_thread(self._look_up, missing)
            known |= found
            self._remember(found)
            missing = [key for key in missing if key not in found]
        if missing:
            rows = await embed([wanted[key] for key in missing])
            new = dict(zip(missing, rows, strict=True))
            known |= new
            self._remember(new)
            await asyncio.to_thread(self._file.write, new)
        return np.stack([known[vector_key(fingerprint, kind, text)] for text in texts])

    def _look_up(self, keys: list[bytes]) -> dict[bytes, Vectors]:
        found = self._frozen.read(keys) if self._frozen is not None else {}
        rest = [key for key in keys if key not in found]
        return found | (self._file.read(rest) if rest else {})

    def _recall(self, keys: dict[bytes, str]) -> dict[bytes, Vectors]:
        with self._lock:
            found = {key: self._memory[key] for key in keys if key in self._memory}
            for key in found:
                self._memory.move_to_end(key)
        return found

    def _remember(self, vectors: dict[bytes, Vectors]) -> None:
        with self._lock:
            self._memory |= vectors
            while len(self._memory) > self._memory_items:
                self._memory.popitem(last=False)


class VectorFile:
    """A SQLite file of vectors by digest, for many threads and processes; every failure means "not there"."""

    def __init__(self, file: Path, *, items: int) -> None:
        self._path = file
        self._items = items
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._usable = True

    def read(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return the vectors that are there."""
        found: dict[bytes, Vectors] = {}

        def select(connection: sqlite3.Connection) -> None:
            for start in range(0, len(keys), _ASKED_AT_ONCE):
                some = keys[start : start + _ASKED_AT_ONCE]
                marks = ",".join("?" * len(some))
                for key, blob in connection.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some):
                    if len(blob) % 4 == 0 and len(blob) > 0:
                        found[key] = np.frombuffer(blob, np.float32)

        self._do(select)
        return found

    def write(self, vectors: dict[bytes, Vectors]) -> None:
        """Add ``vectors`` and drop the oldest beyond the bound."""

        def insert(connection: sqlite3.Connection) -> None:
            rows = [(key, np.ascontiguousarray(vector, np.float32).tobytes()) for key, vector in vectors.items()]
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)
                connection.execute("DELETE FROM vectors WHERE id <= (SELECT max(id) FROM vectors) - ?", (self._items,))

        self._do(insert)

    def close(self) -> None:
        """Close the file; it is opened again when next used."""
        with self._lock:
            self._drop()

    def _do(self, work: Callable[[sqlite3.Connection], None]) -> None:
        with self._lock:
            for attempt in (1, 2):
                if not self._usable:
                    return
                try:
                    work(self._open())
                    return
                except sqlite3.OperationalError as error:
                    # Locked by another process for long, read-only, or the disk is full: this call goes without.
                    _log.warning("embedding_cache_unavailable", file=str(self._path), error=str(error))
                    self._drop()
                    return
                except sqlite3.DatabaseError as error:
                    _log.warning("embedding_cache_damaged", file=str(self._path), error=str(error), attempt=attempt)
                    self._begin_anew()
                except OSError as error:
                    _log.warning("embedding_cache_unavailable", file=str(self._path), error=str(error))
                    self._usable = False

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self._path, timeout=_WAIT_MS / 1000, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(_SCHEMA)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _begin_anew(self) -> None:
        self._drop()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def vector_key(fingerprint: str, kind: str, text: str) -> bytes:
    """The digest under which the vector of ``text`` is kept; ``kind`` is ``query`` or ``passage``."""
    return hashlib.sha256(f"{fingerprint}\0{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()
