"""The digest that says what exactly was judged."""

from __future__ import annotations

import hashlib
from pathlib import Path

from livesteward.agents.perception.paths import inside, open_bounded
from livesteward.contracts import Segment
from livesteward.errors import PerceptionError


def segment_digest(segment: Segment, media_root: Path | None, *, max_bytes: int) -> str:
    """Return the SHA-256 of a segment: its canonical JSON, and the bytes of the files that it refers to.

    A file that cannot be read, has more than ``max_bytes`` or lies outside counts by its name alone; perception says what is wrong with it.
    """
    digest = hashlib.sha256(segment.model_dump_json().encode())
    paths = [segment.media.path if segment.media else None, *(frame.path for frame in segment.frames)]
    for path in paths:
        if path is None or media_root is None:
            continue
        try:
            with open_bounded(inside(media_root, path), max_bytes=max_bytes, name=path) as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except (OSError, PerceptionError):
            digest.update(b"unreadable")
    return digest.hexdigest()
