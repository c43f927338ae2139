"""Pictures: decoded only once their header is known to be within limits, and compared."""

from __future__ import annotations

import io
import itertools
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from livesteward.errors import PerceptionError

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""Height x width x 3, red green blue."""

FORMATS = ("JPEG", "PNG", "WEBP")
STORED_SIDE = 1_280
DIFFERENT = 0.03
"""Two pictures whose most different part differs by less than this show the same."""

_GRID = (9, 16)


def read_picture(data: bytes, *, max_pixels: int, name: str) -> Pixels:
    """Decode a JPEG, PNG or WebP picture, turned as its EXIF data say.

    Args:
        data: The encoded picture, from a stranger.
        max_pixels: The most pixels that its header may announce; a larger one is never decoded.
        name: How messages call it.

    Raises:
        PerceptionError: If it is of another format, too large, or damaged.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise PerceptionError(f"{name}: {width}x{height} are more than the {max_pixels:,} pixels allowed (perception.max_pixels)")
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PerceptionError(f"{name}: more than the {max_pixels:,} pixels allowed (perception.max_pixels)") from error
    except UnidentifiedImageError as error:
        raise PerceptionError(f"{name}: no JPEG, PNG or WebP picture") from error
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError) as error:
        # Pillow's plug-ins answer damaged files with many kinds of error.
        raise PerceptionError(f"{name}: the picture is damaged ({str(error)[:200]})") from error


def to_jpeg(pixels: Pixels) -> bytes:
    """Encode a picture for keeping: JPEG, at most :data:`STORED_SIDE` pixels on its longest side."""
    image = Image.fromarray(pixels)
    image.thumbnail((STORED_SIDE, STORED_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def difference(one: Pixels, other: Pixels) -> float:
    """Return how much the most different part of two pictures differs, from 0 (the same) to 1.

    The pictures are compared in a grid of 16 x 9 parts, so that a banner that appears counts although most of the picture stays.
    """
    return _distance(_grid(one), _grid(other))


def choose(pictures: list[Pixels], most: int) -> list[tuple[int, float]]:
    """Choose the pictures that differ most from each other, so that together they show what there was to see.

    The first is always taken; then again and again the one that differs most from all taken, until ``most`` are taken or the rest
    shows nothing new (farthest-point sampling).

    Returns:
        Indices in rising order, each with its difference from the one taken before it in time.
    """
    if not pictures:
        return []
    grids = [_grid(picture) for picture in pictures]
    taken = [0]
    nearest = np.array([_distance(grids[0], grid) for grid in grids])
    while len(taken) < most:
        farthest = int(nearest.argmax())
        if nearest[farthest] < DIFFERENT:
            break
        taken.append(farthest)
        nearest = np.minimum(nearest, [_distance(grids[farthest], grid) for grid in grids])
    taken.sort()
    steps = [0.0, *(_distance(grids[a], grids[b]) for a, b in itertools.pairwise(taken))]
    return list(zip(taken, steps, strict=True))


def _grid(pixels: Pixels) -> npt.NDArray[np.float32]:
    rows, columns = _GRID
    small = Image.fromarray(pixels).resize((columns * 8, rows * 8), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def _distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    rows, columns = _GRID
    parts = np.abs(one - other).mean(axis=2).reshape(rows, 8, columns, 8)
    return float(parts.mean(axis=(1, 3)).max())
