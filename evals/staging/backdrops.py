"""What stands around the text in a picture: people, rooms, a street. None of it holds letters: only what a case says is to be read."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from livesteward.evals.staging.canvas import HEIGHT, WIDTH, Canvas, Colour, Look, person
from livesteward.evals.staging.lettering import LARGEST, Box, Lettering, fit, try_fit

SKINS: Final = ("#f2c9a8", "#e0a87e", "#c98f68", "#a9714b", "#8d5a3c", "#6b4226", "#f0c39d")
HAIRS: Final = ("#2a1d16", "#1d1714", "#6b4423", "#b5651d", "#20202a", "#8a8a8f", "#d9b26f", "#7a2e1f")
SHIRTS: Final = ("#27304a", "#2f6f73", "#3c6e47", "#b3577a", "#4a4e69", "#5b4bb7", "#a63d40", "#c7772e", "#31572c", "#457b9d")
WALLS: Final = (
    ("#e9f1f4", "#bcd3da"),
    ("#f5efe6", "#e3d5c0"),
    ("#e6e2f0", "#bdb4d6"),
    ("#dfe9df", "#b4cbb4"),
    ("#f3e1dc", "#d9b5aa"),
    ("#5c6378", "#343a4d"),
    ("#4f6367", "#2c3b3e"),
)
PAPERS: Final = (("#ffffff", "#1c1c28"), ("#fff7d6", "#2b2118"), ("#e8f4ff", "#12263f"), ("#fdeaea", "#3a1216"), ("#edf7ea", "#14301a"))
"""Light grounds with their dark inks."""
BOARDS: Final = (("#1d3557", "#ffffff"), ("#264d3b", "#fdfcf0"), ("#3b2b52", "#ffffff"), ("#7b1e2b", "#fff7e6"), ("#22252d", "#ffe9a8"))
"""Dark grounds with their light inks."""

_LEGIBLE: Final = 17.0
"""Pixels; text that would be smaller in the usual layout is shown from nearby."""


def anyone(rng: Random) -> Look:
    """Return somebody, with dots for eyes and no glasses: text recognition reads the one as 00 and the other as 0-0."""
    return Look(
        skin=rng.choice(SKINS),
        hair=rng.choice(HAIRS),
        shirt=rng.choice(SHIRTS),
        long_hair=rng.random() < 0.45,
        tie=rng.random() < 0.12,
        dots_for_eyes=True,
    )


def speaking(c: Canvas, x: float, y: float, size: float, look: Look, rng: Random) -> None:
    """Draw somebody with the chin at a place, in the middle of a sentence or silent."""
    # A body reaches down to the edge of the picture, or to what is drawn over it.
    c.rect(x - 0.76 * size, y + size, x + 0.76 * size, max(HEIGHT, y + size), look.shirt)
    # Time moves a person by a little; eyes are open after the first tenth of a second.
    person(c, x, y, size, look, t=0.2 + 3.2 * rng.random(), mouth=rng.choice((0.0, 0.3, 0.6)))


def placed(
    lines: Sequence[str], usual: Box, close: Box, *, margin: float = 14, largest: float = LARGEST, bold: bool = True
) -> tuple[Box, Lettering]:
    """Return where the text goes, and how: in the usual place, or, if it is long, in a larger one as if seen from nearby.

    Raises:
        InputError: If it does not fit from nearby either.
        ConfigurationError: If no font here has the letters.
    """
    lettering = try_fit(lines, usual.inset(margin), largest=largest, bold=bold)
    if lettering is not None and lettering.size >= _LEGIBLE:
        return usual, lettering
    bold = bold and try_fit(lines, close.inset(margin), largest=largest) is not None
    return close, fit(lines, close.inset(margin), largest=largest, bold=bold)


def mirrored(box: Box) -> Box:
    """Return the place on the other side of the picture."""
    return Box(WIDTH - box.x1, box.y0, WIDTH - box.x0, box.y1)


def room(rng: Random) -> Canvas:
    """Return a wall with some of what people have at home."""
    c = Canvas(*rng.choice(WALLS))
    things = [_window, _shelf, _lamp, _painting]
    rng.shuffle(things)
    for thing, x in zip(things[:2], (30 + 40 * rng.random(), 440 + 60 * rng.random()), strict=True):
        thing(c, x, rng)
    return c


def street(rng: Random) -> Canvas:
    """Return houses, trees and a road under the sky."""
    c = Canvas(*rng.choice((("#9fd0ea", "#dff0f7"), ("#f6c89f", "#fbe9d7"), ("#aebfcc", "#e1e6ea"))))
    x = -20.0
    while x < WIDTH:
        width, height = 60 + 60 * rng.random(), 90 + 110 * rng.random()
        c.rect(x, 290 - height, x + width, 290, rng.choice(("#b08968", "#9a8c98", "#c9ada7", "#8a9a8b", "#a5a58d")))
        for row in range(int(height // 44)):
            # Faint: dark windows in bright walls look like letters.
            c.rect(x + 14, 304 - height + row * 44, x + width - 14, 322 - height + row * 44, "#ffffff33")
        x += width + 6
    c.rect(0, 290, WIDTH, HEIGHT, "#6c757d")
    c.rect(0, 286, WIDTH, 296, "#adb5bd")
    for tree in (40 + 60 * rng.random(), 540 + 60 * rng.random()):
        c.rect(tree - 5, 230, tree + 5, 292, "#6b4a33")
        c.oval(tree, 214, 34, 40, "#3f7d4b")
    return c


def hand(c: Canvas, x: float, y: float, look: Look) -> None:
    """Draw fingers around the edge of something that is held."""
    for finger in range(3):
        c.oval(x, y + 11 * finger, 15, 7, look.skin)


def inset(c: Canvas, box: Box, look: Look, ground: Colour, rng: Random, *, headset: bool = False) -> None:
    """Draw somebody's face in a corner, as a second camera sees it."""
    inner = Canvas(ground, "#5f6675")
    speaking(inner, 320, 236, 180, look, rng)
    if headset:
        inner.arc(320, 150, 84, 100, 180, 360, "#20202a", 14)
        inner.rect(228, 132, 254, 190, "#20202a", radius=10)
        inner.rect(386, 132, 412, 190, "#20202a", radius=10)
    c.rect(box.x0 - 3, box.y0 - 3, box.x1 + 3, box.y1 + 3, "#ffffff", radius=6)
    c.paste(inner.image, box.x0, box.y0, box.width, box.height)


def _window(c: Canvas, x: float, rng: Random) -> None:
    c.rect(x, 40, x + 130, 180, "#ffffff", radius=3)
    sky = rng.choice(("#bfe3f5", "#22304f", "#f7d9b8"))
    c.rect(x + 8, 48, x + 61, 172, sky)
    c.rect(x + 69, 48, x + 122, 172, sky)


def _shelf(c: Canvas, x: float, rng: Random) -> None:
    for y in (96.0, 176.0):
        c.rect(x, y, x + 140, y + 8, "#8d6b4f")
        at = x + 6
        while at < x + 120:
            width, height = 8 + 10 * rng.random(), 30 + 26 * rng.random()
            c.rect(at, y - height, at + width, y, rng.choice(SHIRTS), radius=1)
            at += width + 2


def _lamp(c: Canvas, x: float, rng: Random) -> None:
    c.rect(x + 57, 110, x + 63, 330, "#5a5048")
    c.poly([(x + 30, 120), (x + 90, 120), (x + 76, 60), (x + 44, 60)], rng.choice(("#f6d88f", "#f2b880", "#f7ede2")))


def _painting(c: Canvas, x: float, rng: Random) -> None:
    c.rect(x, 44, x + 136, 140, "#5f4a3a", radius=2)
    c.rect(x + 8, 52, x + 128, 132, rng.choice(("#cfe8ef", "#f6e3c5", "#e3d9f0")))
    c.poly([(x + 8, 132), (x + 50, 80), (x + 84, 132)], rng.choice(("#7b9e87", "#98a1c9", "#c98f68")))
    c.oval(x + 100, 74, 11, 11, rng.choice(("#f2b134", "#e76f51", "#ffffff")))
