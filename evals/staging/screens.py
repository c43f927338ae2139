"""Scenes in which a screen shows the text, and the host at a desk."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from livesteward.evals.staging.backdrops import BOARDS, PAPERS, SHIRTS, anyone, inset, mirrored, placed, room, speaking
from livesteward.evals.staging.canvas import HEIGHT, WIDTH, Canvas
from livesteward.evals.staging.lettering import Box, fit, write


def slide(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a slide of a talk, with the speaker in a corner if there is room."""
    ground, ink = rng.choice(PAPERS + BOARDS)
    c = Canvas(ground, ground)
    usual = Box(34, 18, 616, 250)
    box, lettering = placed(lines, usual, Box(24, 10, 628, 350), margin=18)
    colour = rng.choice([shirt for shirt in SHIRTS if shirt != ground])
    c.rect(0, 0, 16, HEIGHT, colour)
    if box is usual:
        c.rect(0, 272, WIDTH, HEIGHT, colour)
        inset(c, Box(492, 258, 622, 348), anyone(rng), "#cfd6df", rng)
    write(c, lettering, box.inset(18), ink, centred=rng.random() < 0.3)
    return c


def webpage(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a page in a browser, without an address."""
    c = Canvas("#dde1e7", "#dde1e7")
    for button, colour in enumerate(("#e06c65", "#e8bf58", "#70b86b")):
        c.oval(20 + 22 * button, 20, 7, 7, colour)
    c.rect(96, 8, 624, 32, "#f7f8fa", radius=12)
    c.rect(8, 40, 632, HEIGHT, "#ffffff")
    accent = rng.choice(SHIRTS)
    usual, close = Box(20, 92, 420, 350), Box(12, 44, 628, 352)
    box, lettering = placed(lines, usual, close, margin=16, bold=rng.random() < 0.5)
    if box is usual:
        c.rect(8, 40, 632, 84, accent)
        for block in range(3):
            y = 102 + 82 * block
            c.rect(446, y, 616, y + 70, rng.choice(("#e3e7ee", "#eee6dc", "#e2eee6")), radius=5)
            c.oval(530, y + 35, 18, 18, rng.choice(SHIRTS))
    write(c, lettering, box.inset(16), rng.choice(("#14161c", "#1a3c6e", "#3a1216")), centred=False)
    return c


def caption(lines: Sequence[str], rng: Random) -> Canvas:
    """Return somebody at home, with the text on a bar over the lower part of the picture."""
    c = room(rng)
    space = Box(0, 60, WIDTH, 352)
    lettering = fit(lines, space.inset(16), largest=26)
    # The bar is as high as its text needs.
    box = Box(0, space.y1 - max(44.0, lettering.height + 24), WIDTH, space.y1)
    size = 0.46 * max(150.0, box.y0)
    speaking(c, 320 + 200 * (rng.random() - 0.5), 12 + 1.15 * size, size, anyone(rng), rng)
    ground, ink = rng.choice((*BOARDS, *PAPERS, ("#ffd23f", "#1c1c28")))
    c.rect(box.x0, box.y0, box.x1, box.y1, ground)
    write(c, lettering, box, ink)
    return c


def game(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a game of platforms and coins that shows the text on a plate, with the player in a corner if there is room."""
    c = Canvas(*rng.choice((("#2a2149", "#4b3b86"), ("#12343b", "#2d6a73"), ("#3a1c32", "#7a3b5e"))))
    for _ in range(9):
        x, y = 620 * rng.random(), 240 + 80 * rng.random()
        c.rect(x, y, x + 70, y + 14, rng.choice(("#6bcb77", "#c68b59", "#8d99ae")), radius=4)
        c.oval(x + 35, y - 14, 8, 8, "#ffd93d")
    c.rect(0, 326, WIDTH, HEIGHT, "#3d2b1f")
    hero = 60 + 300 * rng.random()
    c.rect(hero, 290, hero + 26, 326, rng.choice(SHIRTS), radius=6)
    c.oval(hero + 13, 280, 13, 13, "#f2c9a8")
    usual = Box(30, 24, 440, 226)
    usual = usual if rng.random() < 0.5 else mirrored(usual)
    box, lettering = placed(lines, usual, Box(20, 12, 620, 322), margin=18)
    if box is usual:
        corner = Box(466, 24, 616, 140)
        inset(c, corner if box.x0 < 100 else mirrored(corner), anyone(rng), "#cfc3f5", rng, headset=True)
    if lines:
        c.rect(box.x0, box.y0, box.x1, box.y1, "#0e0b1c", radius=12)
        write(c, lettering, box.inset(18), rng.choice(("#ffffff", "#ffe066", "#b8f2e6")))
    return c


def desk(lines: Sequence[str], rng: Random) -> Canvas:
    """Return the host at a desk; if there is text, a monitor shows it."""
    c = room(rng)
    left = rng.random() < 0.5
    usual = Box(34, 40, 374, 236)
    box, lettering = placed(lines, usual if left else mirrored(usual), Box(30, 16, 610, 306), margin=22)
    host = 320 + 120 * (rng.random() - 0.5) if not lines else 500 if left else 140
    speaking(c, host, 226, 108, anyone(rng), rng)
    c.rect(0, 296, WIDTH, HEIGHT, rng.choice(("#8d6b4f", "#3a2a22", "#b08968", "#4a4e69")))
    c.rect(60, 268, 92, 304, rng.choice(SHIRTS), radius=5)
    c.arc(94, 284, 9, 10, 270, 90, "#e9ecef", 4)
    for leaf in range(5):
        c.line([(590, 276), (566 + 12 * leaf, 226 + 4 * abs(leaf - 2))], "#4f8f5a", 8)
    c.rect(572, 270, 608, 306, "#b5651d", radius=5)
    if lines:
        middle = (box.x0 + box.x1) / 2
        c.rect(middle - 14, box.y1, middle + 14, 310, "#2b2f38")
        c.rect(middle - 60, 304, middle + 60, 312, "#2b2f38", radius=4)
        c.rect(box.x0, box.y0, box.x1, box.y1, "#15171c", radius=8)
        ground, ink = rng.choice(PAPERS + BOARDS)
        c.rect(box.x0 + 9, box.y0 + 9, box.x1 - 9, box.y1 - 9, ground)
        write(c, lettering, box.inset(22), ink)
    return c
