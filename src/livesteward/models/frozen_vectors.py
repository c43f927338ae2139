"""Vectors made beforehand and shipped as a file, so that the first use need not wait for them.

A ``.npz`` of two arrays: ``keys``, the first 16 bytes of the cache's digests, and ``vectors`` in half precision. A vector whose embedder or
text has changed since has another key and is simply not found.
"""

from __future__ import annotations

import threading
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

_log = structlog.get_logger(__name__)
_KEY_BYTES: Final = 16


class FrozenVectors:
    """The vectors of one file, read when first needed; a file that is missing or damaged holds none.

    Args:
        file: The ``.npz``.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._rows: dict[bytes, int] | None = None
        self._vectors: NDArray[np.float32] = np.empty((0, 1), np.float32)

    def read(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Return those of ``keys`` (SHA-256 digests) that are there."""
        with self._lock:
            if self._rows is None:
                self._rows = self._load()
            rows = self._rows
        return {key: self._vectors[rows[key[:_KEY_BYTES]]] for key in keys if key[:_KEY_BYTES] in rows}

    def _load(self) -> dict[bytes, int]:
        try:
            with self._file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                keys, vectors = arrays["keys"], arrays["vectors"].astype(np.float32)
        except FileNotFoundError:
            return {}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            _log.warning("frozen_vectors_unreadable", file=str(self._file), error=str(error))
            return {}
        if keys.ndim != 2 or keys.shape != (len(vectors), _KEY_BYTES) or keys.dtype != np.uint8 or not np.isfinite(vectors).all():
            _log.warning("frozen_vectors_unreadable", file=str(self._file), error="not the arrays that belong here")
            return {}
        # Half precision rounds the length too.
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return {key.tobytes(): row for row, key in enumerate(keys)}


def write_frozen(file: Path, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
    """Write ``vectors`` by their digests; the same vectors give the same file."""
    keys = sorted(vectors)
    rows = np.stack([vectors[key] for key in keys]).astype(np.float16)
    names = np.frombuffer(b"".join(key[:_KEY_BYTES] for key in keys), np.uint8).reshape(-1, _KEY_BYTES)
    # Under a name of its own first: a reader must not meet half a file.
    unfinished = file.with_name(f".{file.stem}-unfinished.npz")
    np.savez_compressed(unfinished, keys=names, vectors=rows)
    unfinished.replace(file)
