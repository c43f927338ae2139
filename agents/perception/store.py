"""What perception keeps on disk: pictures by their digest, and results by what they were made from. Both are safe to delete."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from livesteward.contracts import Contract

ModelT = TypeVar("ModelT", bound=Contract)

_PRUNE_EVERY = 200


class FrameStore:
    """Encoded pictures by the SHA-256 of their bytes, so that no bytes travel in the agent's state.

    The last ones are kept in memory; with a folder, all are also written there, where other processes and later runs find them. The folder
    is held to a size by deleting the files that were written longest ago.
    """

    def __init__(self, folder: Path | None = None, *, memory_bytes: int = 64_000_000, disk_bytes: int = 2_000_000_000) -> None:
        """Open the store; ``folder`` is made when the first picture is put."""
        self._folder = folder
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._held_bytes = 0
        self._puts = 0
        self._lock = threading.Lock()

    def put(self, data: bytes) -> str:
        """Keep an encoded picture and return its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self._remember(digest, data)
        if self._folder is not None:
            path = self._path(digest)
            if not path.exists():
                write_atomically(path, data)
            self._puts += 1
            if self._puts % _PRUNE_EVERY == 0:
                prune(self._folder, self._disk_bytes)
        return digest

    def get(self, digest: str) -> bytes | None:
        """Return the picture with this digest, or ``None`` if it is not (or no longer, or not intact) here."""
        with self._lock:
            if digest in self._held:
                self._held.move_to_end(digest)
                return self._held[digest]
        if self._folder is None:
            return None
        try:
            data = self._path(digest).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != digest:
            return None
        self._remember(digest, data)
        return data

    def _path(self, digest: str) -> Path:
        assert self._folder is not None
        return self._folder / digest[:2] / f"{digest}.jpg"

    def _remember(self, digest: str, data: bytes) -> None:
        with self._lock:
            if digest not in self._held:
                self._held[digest] = data
                self._held_bytes += len(data)
            self._held.move_to_end(digest)
            while self._held_bytes > self._memory_bytes and len(self._held) > 1:
                self._held_bytes -= len(self._held.popitem(last=False)[1])


class ResultCache:
    """Results of perception models as JSON files, named for a digest of everything that they depend on.

    A damaged, foreign or older file counts as absent, and so does a folder that cannot be written.
    """

    def __init__(self, folder: Path | None, *, disk_bytes: int = 500_000_000) -> None:
        """Open the cache; without a folder it keeps nothing."""
        self._folder, self._disk_bytes, self._writes = folder, disk_bytes, 0

    def get(self, kind: str, key: str, model: type[ModelT]) -> ModelT | None:
        """Return what was kept, or ``None``."""
        if self._folder is None:
            return None
        try:
            return model.model_validate_json(self._path(kind, key).read_bytes())
        except (OSError, ValidationError):
            return None

    def put(self, kind: str, key: str, result: Contract) -> None:
        """Keep a result."""
        if self._folder is None:
            return
        # A full or read-only disk costs time at the next run, never a verdict.
        with contextlib.suppress(OSError):
            write_atomically(self._path(kind, key), result.model_dump_json().encode())
            self._writes += 1
            if self._writes % _PRUNE_EVERY == 0:
                prune(self._folder, self._disk_bytes)

    def _path(self, kind: str, key: str) -> Path:
        assert self._folder is not None
        return self._folder / kind / key[:2] / f"{key}.json"


def cache_key(*parts: object) -> str:
    """Return one digest of several values, by their ``repr`` in order."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see either nothing or all of it, also with several writers at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def prune(folder: Path, most_bytes: int) -> None:
    """Delete the files of a folder that were written longest ago until the rest fits into ``most_bytes``."""
    files = []
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file():
                found = path.stat()
                files.append((found.st_mtime, found.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files, key=lambda file: file[0]):
        if total <= most_bytes:
            return
        with contextlib.suppress(OSError):
            path.unlink()
        total -= size
