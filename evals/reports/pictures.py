"""Pictures of cases, small enough to stand inside a report."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from livesteward.contracts import Frame

LARGEST: Final = 320
"""Pixels of the longer side."""

_MOST_BYTES: Final = 20_000_000


class Pictures:
    """Makes thumbnails of frames as data URLs, up to a number and a size of all together.

    Args:
        media: The folder of the dataset's pictures.
        most: Pictures.
        most_chars: Characters of all data URLs.
    """

    def __init__(self, media: Path, *, most: int = 60, most_chars: int = 1_500_000) -> None:
        self._media = media.resolve()
        self._left = most
        self._chars = most_chars
        self._made: dict[bytes, str] = {}

    def urls(self, frames: Iterable[Frame]) -> dict[str, str]:
        """Return the data URLs of frames by their ids, as long as there is room for more."""
        return {frame.frame_id: url for frame in frames if (url := self._url(frame))}

    def _url(self, frame: Frame) -> str:
        data = self._bytes(frame)
        if data is None or self._left <= 0:
            return ""
        if data not in self._made:
            url = thumbnail(data)
            if not url or len(url) > self._chars:
                return ""
            self._made[data] = url
            self._left -= 1
            self._chars -= len(url)
        return self._made[data]

    def _bytes(self, frame: Frame) -> bytes | None:
        if frame.image is not None:
            return frame.image
        if frame.path is None:
            return None
        file = (self._media / frame.path).resolve()
        if not file.is_relative_to(self._media) or not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return None
        return file.read_bytes()


def thumbnail(data: bytes) -> str:
    """Return a picture, encoded anew, as a JPEG data URL; nothing where it cannot be read.

    What a stranger made does not reach a report as it is.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            picture.draft("RGB", (LARGEST * 2, LARGEST * 2))
            small = picture.convert("RGB")
            small.thumbnail((LARGEST, LARGEST))
            encoded = io.BytesIO()
            small.save(encoded, "JPEG", quality=72, optimize=True)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")
