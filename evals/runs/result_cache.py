"""Results that were computed before, in one SQLite file: a case that nothing has changed for is not judged again.

It is a cache: it is bounded, a damaged file is begun anew, and where it cannot be read or written the run goes without it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from livesteward.evals.runs.folder import Judged

_log = structlog.get_logger(__name__)
_JUDGED: Final = TypeAdapter(Judged)
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS results (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL)"
_ITEMS: Final = 50_000
_MAX_BYTES: Final = 64_000_000


class ResultCache:
    """Judged cases by the digest of everything that they depend on; see :func:`livesteward.evals.runs.fingerprint.entry_key`.

    Args:
        file: The SQLite file; its folder is made when needed.
        items: Results that are kept; the oldest are dropped first.
    """

    def __init__(self, file: Path, *, items: int = _ITEMS) -> None:
        self._file = file
        self._items = items

    def read(self, keys: Sequence[str]) -> dict[str, Judged]:
        """Return what is there, by key."""
        found: dict[str, Judged] = {}
        if not self._file.exists():
            return found
        try:
            with contextlib.closing(self._open()) as connection:
                for key in keys:
                    row = connection.execute("SELECT body FROM results WHERE key = ?", (key,)).fetchone()
                    judged = _unpacked(row[0]) if row else None
                    if judged is not None:
                        found[key] = judged
        except sqlite3.Error as error:
            self._lost(error)
        return found

    def write(self, key: str, judged: Judged) -> None:
        """Keep a result."""
        body = zlib.compress(judged.model_dump_json().encode())
        try:
            with contextlib.closing(self._open()) as connection, connection:
                connection.execute("INSERT OR REPLACE INTO results (key, body) VALUES (?, ?)", (key, body))
                connection.execute("DELETE FROM results WHERE id <= (SELECT max(id) FROM results) - ?", (self._items,))
        except (sqlite3.Error, OSError) as error:
            self._lost(error)

    def _open(self) -> sqlite3.Connection:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._file, timeout=5)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_SCHEMA)
        return connection

    def _lost(self, error: Exception) -> None:
        _log.warning("result_cache_unavailable", file=str(self._file), error=str(error))
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            for suffix in ("", "-wal", "-shm"):
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)


def _unpacked(body: bytes) -> Judged | None:
    try:
        unpacker = zlib.decompressobj()
        return _JUDGED.validate_json(unpacker.decompress(body, _MAX_BYTES))
    except (zlib.error, ValidationError):
        # Of an older version, or damaged: it is judged again.
        return None
