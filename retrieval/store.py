"""The rule index in Chroma: one collection a rulebook, complete before anybody can see it under its name.

A collection is written under a name of its own that no reader looks for, and renamed and marked complete in one step at the end. A writer
that dies leaves a half-written collection under that other name, which the next writer removes.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import numpy as np
import structlog
from filelock import FileLock, Timeout

from livesteward.contracts import RulebookRef
from livesteward.errors import RetrievalError
from livesteward.models.embedders import Vectors
from livesteward.retrieval.records import LAYOUT, RecordKind, RuleRecord
from livesteward.settings import ChromaSettings

_log = structlog.get_logger(__name__)

KEPT: Final = 4
"""Complete collections kept for a jurisdiction, the newest first: readers of the one before must not lose it under their feet."""

_BUILDING: Final = "building"
_ABANDONED_S: Final = 3_600.0
"""On a server, where the lock file of one machine does not bind the next, an unfinished collection of this age has no writer."""
_LOCK_WAIT_S: Final = 600.0
_BATCH: Final = 250


class StoredRecords(NamedTuple):
    """A collection as read: row ``i`` of ``vectors`` is record ``i``."""

    records: list[RuleRecord]
    vectors: Vectors


class RuleStore:
    """Reads and writes the collections; every method blocks, so call it from a worker thread.

    Args:
        folder: Of the embedded database, and of the lock file in both cases.
        server: Where a Chroma server is, when ``server.host`` is set.
    """

    def __init__(self, folder: Path, server: ChromaSettings) -> None:
        self._folder = folder
        self._server = server
        self._opened: Any = None
        self._opening = threading.Lock()

    def read(self, ref: RulebookRef, fingerprint: str) -> StoredRecords | None:
        """Return the complete collection of a rulebook, or ``None`` where there is none.

        Raises:
            RetrievalError: If there is one, but built by another embedder; or if Chroma fails.
        """
        with self._errors(f"reading the index of {ref.jurisdiction}"):
            if self._server.host is None and not (self._folder / "chroma.sqlite3").is_file():
                return None
            try:
                collection = self._client.get_collection(collection_name(ref, fingerprint), embedding_function=None)
            except _not_found():
                self._refuse_other_embedder(ref, fingerprint)
                return None
            metadata = collection.metadata or {}
            if not metadata.get("complete") or metadata.get("digest") != ref.digest:
                return None
            if metadata.get("fingerprint") != fingerprint:
                raise RetrievalError(_other_embedder(ref, str(metadata.get("fingerprint")), fingerprint))
            found = collection.get(include=["embeddings", "metadatas", "documents"])
            if len(found["ids"]) != metadata.get("records"):
                return None
        return _stored(found)

    def has(self, ref: RulebookRef, fingerprint: str) -> bool:
        """Whether a rulebook has a complete collection by this embedder."""
        with self._errors(f"looking for the index of {ref.jurisdiction}"):
            if self._server.host is None and not (self._folder / "chroma.sqlite3").is_file():
                return False
            try:
                collection = self._client.get_collection(collection_name(ref, fingerprint), embedding_function=None)
            except _not_found():
                return False
            metadata = collection.metadata or {}
            return bool(metadata.get("complete")) and metadata.get("records") == collection.count()

    def write(self, ref: RulebookRef, fingerprint: str, records: Sequence[RuleRecord], vectors: Vectors) -> None:
        """Write the collection of a rulebook and make it visible; the caller holds :meth:`writing`.

        Raises:
            RetrievalError: If Chroma fails.
        """
        with self._errors(f"writing the index of {ref.jurisdiction}"):
            facts = {
                "jurisdiction": ref.jurisdiction,
                "on": ref.on.isoformat(),
                "version": ref.version,
                "digest": ref.digest,
                "fingerprint": fingerprint,
                "layout": LAYOUT,
                "records": len(records),
                "built_at": time.time(),
            }
            collection = self._client.create_collection(
                f"{_BUILDING}-{uuid.uuid4().hex}",
                metadata={**facts, "complete": False},
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
            )
            for start in range(0, len(records), _BATCH):
                some = records[start : start + _BATCH]
                collection.add(
                    ids=[record.record_id for record in some],
                    embeddings=vectors[start : start + _BATCH],
                    documents=[record.text for record in some],
                    metadatas=[{"rule_id": record.rule_id, "kind": record.kind.value} for record in some],
                )
            self._delete(collection_name(ref, fingerprint))
            collection.modify(name=collection_name(ref, fingerprint), metadata={**facts, "complete": True})

    def prune(self) -> None:
        """Remove what no reader needs: half-written collections without a writer, and all but the newest of each jurisdiction.

        Raises:
            RetrievalError: If Chroma fails.
        """
        with self._errors("removing old indexes"):
            complete: dict[str, list[tuple[float, str]]] = {}
            for collection in self._client.list_collections():
                metadata = collection.metadata or {}
                if "digest" not in metadata or "fingerprint" not in metadata:
                    continue  # not ours: the server may hold other people's collections
                built_at = float(metadata.get("built_at", 0.0))
                if metadata.get("complete"):
                    complete.setdefault(str(metadata["jurisdiction"]), []).append((built_at, collection.name))
                elif self._server.host is None or time.time() - built_at > _ABANDONED_S:
                    self._delete(collection.name)
            for built in complete.values():
                for _, name in sorted(built, reverse=True)[KEPT:]:
                    self._delete(name)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock that lets one process write at a time.

        Raises:
            RetrievalError: If another process holds it for ten minutes.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._folder / "writer.lock", timeout=_LOCK_WAIT_S)
        try:
            with lock:
                yield
        except Timeout as error:
            raise RetrievalError(
                f"another process has been writing the index in {self._folder} for {_LOCK_WAIT_S:.0f} s; wait for it or end it"
            ) from error

    def close(self) -> None:
        """Close the connection; it is opened again when next used."""
        if self._opened is not None:
            self._opened.close()
            for session in _sessions(self._opened):
                session.close()
            self._opened = None

    def _forget(self) -> None:
        """After a failure: the next call opens the connection anew."""
        try:
            self.close()
        except Exception as error:
            _log.warning("index_connection_not_closed", error=str(error))
            self._opened = None

    @property
    def _client(self) -> Any:
        with self._opening:
            if self._opened is None:
                self._opened = self._open()
            return self._opened

    def _open(self) -> Any:
        import chromadb
        from chromadb.config import Settings as ChromaOptions

        options = ChromaOptions(anonymized_telemetry=False)
        if self._server.host is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(path=str(self._folder), settings=options)
        address = f"{'https' if self._server.ssl else 'http'}://{self._server.host}:{self._server.port}"
        # Chroma's client waits for ever: ask first whether anybody is there, then give its session a limit.
        httpx2.get(f"{address}/api/v2/heartbeat", timeout=self._server.timeout_s).raise_for_status()
        client = chromadb.HttpClient(host=self._server.host, port=self._server.port, ssl=self._server.ssl, settings=options)
        for session in _sessions(client):
            session.timeout = self._server.timeout_s
        return client

    def _delete(self, name: str) -> None:
        try:
            self._client.delete_collection(name)
        except _not_found():
            pass

    def _refuse_other_embedder(self, ref: RulebookRef, fingerprint: str) -> None:
        for collection in self._client.list_collections():
            metadata = collection.metadata or {}
            if metadata.get("digest") == ref.digest and metadata.get("complete") and metadata.get("fingerprint") != fingerprint:
                raise RetrievalError(_other_embedder(ref, str(metadata.get("fingerprint")), fingerprint))

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        try:
            yield
        except RetrievalError:
            raise
        except Exception as error:
            # Chroma raises errors of its own, of httpx, of Rust and plain ValueErrors: all mean that there is no index to be had.
            self._forget()
            where = str(self._folder) if self._server.host is None else f"http://{self._server.host}:{self._server.port}"
            fix = "delete the folder to begin anew" if self._server.host is None else "check that the Chroma server runs there"
            raise RetrievalError(f"{where}: {doing} failed ({type(error).__name__}: {error}); {fix}") from error


def _sessions(client: Any) -> list[Any]:
    """The HTTP sessions of a client of a server, which it neither limits nor closes by itself; none of an embedded one."""
    owners = (client._server, client._admin_client._server)
    return [owner._session for owner in owners if hasattr(owner, "_session")]


def collection_name(ref: RulebookRef, fingerprint: str) -> str:
    """The name under which readers look for a rulebook's collection."""
    made_by = hashlib.sha256(f"{LAYOUT}\0{fingerprint}".encode()).hexdigest()[:8]
    return f"rules-{ref.jurisdiction}-{ref.digest[:32]}-{made_by}"


def _other_embedder(ref: RulebookRef, theirs: str, ours: str) -> str:
    return (
        f"the index of {ref.jurisdiction} was built by the embedder {theirs} and this one is {ours}; "
        f"run 'livesteward policies index --region {ref.jurisdiction}' with these settings"
    )


def _not_found() -> type[Exception]:
    from chromadb.errors import NotFoundError

    return NotFoundError  # type: ignore[no-any-return]


def _stored(found: Any) -> StoredRecords:
    rows = sorted(range(len(found["ids"])), key=lambda row: found["ids"][row])
    records = [
        RuleRecord(
            record_id=found["ids"][row],
            rule_id=str(found["metadatas"][row]["rule_id"]),
            kind=RecordKind(found["metadatas"][row]["kind"]),
            text=found["documents"][row],
        )
        for row in rows
    ]
    vectors = np.asarray(found["embeddings"], np.float32)[rows]
    return StoredRecords(records=records, vectors=vectors)
