"""Pictures and segments with pictures, each other than the next."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from livesteward.contracts import Frame, Segment
from livesteward.models.protocol import ImagePart

ROOT = Path(__file__).resolve().parents[2]


def jpeg(number: int, width: int = 224, height: int = 168) -> bytes:
    """A picture of two colours that no other number has."""
    picture = Image.new("RGB", (width, height), ((40 + 61 * number) % 256, (90 + 37 * number) % 256, (150 + 17 * number) % 256))
    picture.paste((number % 256, 255 - number % 256, 128), (0, 0, width // 2, height // 2))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def part(number: int, width: int = 224, height: int = 168) -> ImagePart:
    """The picture as a part of a message."""
    return ImagePart(data=jpeg(number, width, height))


def example(name: str) -> Segment:
    """One of the example segments."""
    return Segment.model_validate_json((ROOT / f"examples/segments/{name}.json").read_bytes())


def with_frames(segment: Segment, frames: dict[int, bytes]) -> Segment:
    """The segment with these pictures, by the second at which they were shown."""
    import base64

    shown = [{"frame_id": f"picture-{at}", "at_s": at, "image": base64.b64encode(data).decode()} for at, data in frames.items()]
    return segment.model_copy(update={"frames": tuple(Frame.model_validate(frame) for frame in shown)})
