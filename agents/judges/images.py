"""The pictures of a case as a model is shown them: chosen by what they tell, and cut to the grid that its tokens are made of."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from livesteward.agents.judges.case import Case
from livesteward.agents.judges.frames import choose_frames
from livesteward.agents.perception.store import FrameStore
from livesteward.models.profiles.images import Patches
from livesteward.models.profiles.registry import profile_for
from livesteward.models.protocol import ImagePart
from livesteward.settings import ModelSettings

ANY_PATCH = 28
"""Pixels on a side of what becomes a token, where nothing is known of the model."""


@dataclass(frozen=True)
class Shown:
    """Pictures for a model.

    Attributes:
        images: In the order of time, each with the frame's id as ``item_id``.
        lost: Ids of those that cannot be shown: they are no longer kept, or cannot be read.
    """

    images: tuple[ImagePart, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Frames that the images are of."""
        return tuple(image.item_id for image in self.images if image.item_id)


def shown_images(case: Case, frames: FrameStore, settings: ModelSettings, *, most: int | None = None) -> Shown:
    """Return the pictures that tell most.

    Args:
        case: What is judged.
        frames: Where the pictures are.
        settings: How many at most and how large, and of which model.
        most: A smaller number than ``model.max_frames``, where the model's format allows no more.
    """
    limit = settings.max_frames if most is None else min(most, settings.max_frames)
    patch = patch_side(settings)
    choice = choose_frames(case, frames, most=limit)
    parts, lost = [], list(choice.lost)
    for ref in choice.frames:
        data = frames.get(ref.sha256)
        if data is None:
            lost.append(ref.frame_id)
        else:
            parts.append(ImagePart(data=_fitted(data, settings.max_image_side, patch), item_id=ref.frame_id))
    return Shown(tuple(parts), tuple(lost))


def patch_side(settings: ModelSettings) -> int:
    """Return the side of a token in pixels: ``model.image_patch``, or that of the model's profile."""
    if settings.image_patch is not None:
        return settings.image_patch
    images = profile_for(settings.profile, settings.name).images
    return images.side if isinstance(images, Patches) else ANY_PATCH


def fit_to_grid(size: tuple[int, int], side: int, patch: int) -> tuple[int, int]:
    """Return the size, in pixels, at which a picture is sent.

    A model cuts a picture into squares of ``patch`` pixels, each of which becomes a token, and scales by itself what does not come out
    even. Sizes that do come out even cost exactly the tokens that were counted, and nothing is blurred twice.

    Args:
        size: Width and height of the picture.
        side: The most pixels that the longest side may have.
        patch: Pixels on a side of what becomes a token.

    Returns:
        Width and height, both multiples of ``patch`` and at least one patch. Proportions are kept but for half a patch, and a picture is
        never enlarged by more than a patch.
    """
    scale = min(1.0, side / max(size))
    most = max(1, side // patch)
    width, height = (min(most, max(1, round(length * scale / patch))) * patch for length in size)
    return width, height


@lru_cache(maxsize=64)
def _fitted(data: bytes, side: int, patch: int) -> bytes:
    """Return the picture on the grid; the same bytes for the same picture, for servers keep what they made of it by its bytes."""
    with Image.open(io.BytesIO(data)) as picture:
        size = fit_to_grid(picture.size, side, patch)
        if size == picture.size:
            return data
        out = io.BytesIO()
        picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=88)
        return out.getvalue()
