"""The pictures of a case as a model is shown them."""

from __future__ import annotations

import io

from PIL import Image

from livesteward.agents.judges.case import Case
from livesteward.agents.perception.store import FrameStore
from livesteward.models.protocol import ImagePart


def shown_images(case: Case, frames: FrameStore, *, most: int, side: int) -> tuple[ImagePart, ...]:
    """Return at most ``most`` pictures, each no longer than ``side`` pixels, with the frame's id as ``item_id``."""
    known = {frame.frame_id for frame in case.segment.frames}
    parts = []
    for ref in case.frames[:most]:
        data = frames.get(ref.sha256)
        if data is not None and ref.frame_id in known:
            parts.append(ImagePart(data=_scaled(data, side), item_id=ref.frame_id))
    return tuple(parts)


def _scaled(data: bytes, side: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        if max(picture.size) <= side:
            return data
        picture.thumbnail((side, side))
        out = io.BytesIO()
        picture.convert("RGB").save(out, "JPEG", quality=85)
        return out.getvalue()
