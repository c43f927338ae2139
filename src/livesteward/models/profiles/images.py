"""How many tokens a picture becomes, from its size in pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class ImageMaths(Protocol):
    """Counts the tokens of one picture."""

    def tokens(self, width: int, height: int) -> int:
        """Return the tokens of a picture of ``width`` by ``height`` pixels, rather too many than too few."""
        ...

    def words(self) -> str:
        """Say in a few words how it counts, for people."""
        ...


@dataclass(frozen=True, kw_only=True)
class Patches:
    """A token for each square of the picture, which is scaled only where it would have too few or too many.

    Attributes:
        side: Of the square in pixels, the merging of patches included (``28 = patch 14 x merge 2``).
        least: Tokens of the smallest picture: a smaller one is scaled up.
        most: Tokens of the largest picture: a larger one is scaled down.
        around: Marks before and after the picture.
        each_row: Marks at the end of each row.
        longest: The longest side in pixels that is not scaled down, where the family bounds that.
    """

    side: int
    least: int = 1
    most: int = 16_384
    around: int = 2
    each_row: int = 0
    longest: int | None = None

    def tokens(self, width: int, height: int) -> int:
        """Return the squares that cover the picture, within the bounds, and the marks."""
        if self.longest is not None and max(width, height) > self.longest:
            scale = self.longest / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        rows, columns = math.ceil(height / self.side), math.ceil(width / self.side)
        return min(self.most, max(self.least, rows * columns)) + rows * self.each_row + self.around

    def words(self) -> str:
        """Say the side of the square."""
        return f"1 per {self.side}x{self.side} px"


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Every picture is scaled to the same number of tokens."""

    each: int

    def tokens(self, width: int, height: int) -> int:
        """Return the fixed number."""
        return self.each

    def words(self) -> str:
        """Say the number."""
        return f"{self.each} each"


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """The picture is cut into square tiles, each of which becomes the same number of tokens, with an overview of it beside them.

    Attributes:
        side: Of a tile in pixels.
        each: Tokens of a tile, its marks included.
        most: Tiles at most, without the overview.
        scaled_to: The longest side is scaled to this many pixels first, up or down.
        closest: Whether the grid is the one whose shape is closest to the picture's (InternVL), and not the one that covers it.
    """

    side: int
    each: int
    most: int
    scaled_to: int | None = None
    closest: bool = False

    def tokens(self, width: int, height: int) -> int:
        """Return the tokens of the tiles, and of the overview where there is more than one."""
        if self.scaled_to is not None:
            scale = self.scaled_to / max(width, height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        tiles = self._closest(width, height) if self.closest else self._covering(width, height)
        return self.each * (tiles + 1 if tiles > 1 else 1)

    def words(self) -> str:
        """Say the tokens and the side of a tile."""
        return f"{self.each} per tile of {self.side} px, at most {self.most} tiles"

    def _covering(self, width: int, height: int) -> int:
        return min(self.most, math.ceil(width / self.side) * math.ceil(height / self.side))

    def _closest(self, width: int, height: int) -> int:
        # A picture takes the larger of two grids of one shape only where it fills more than half of it.
        best, distance = 1, math.inf
        grids = [(across, down) for across in range(1, self.most + 1) for down in range(1, self.most // across + 1)]
        for across, down in sorted(grids, key=lambda grid: grid[0] * grid[1]):
            off = abs(width / height - across / down)
            if off < distance or (off == distance and width * height > 0.5 * self.side**2 * across * down):
                best, distance = across * down, off
        return best


ANY_FAMILY = Patches(side=28)
"""For families that are not known: as Qwen2.5-VL counts, which is more than most others do."""
