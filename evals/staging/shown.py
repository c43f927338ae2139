"""Scenes in which a thing shows the text: on a wall, on a body, in a hand, in the street."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from livesteward.evals.staging.backdrops import BOARDS, PAPERS, SHIRTS, anyone, hand, mirrored, placed, room, speaking, street
from livesteward.evals.staging.canvas import HEIGHT, WIDTH, Canvas, person
from livesteward.evals.staging.lettering import Box, line_boxes, row_width, write


def poster(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a poster on the wall beside somebody."""
    c = room(rng)
    left = rng.random() < 0.5
    usual = Box(44, 36, 372, 286)
    box, lettering = placed(lines, usual if left else mirrored(usual), Box(24, 18, 616, 342), margin=22)
    speaking(c, 500 if left else 140, 230, 96, anyone(rng), rng)
    ground, ink = rng.choice(PAPERS + BOARDS)
    c.rect(box.x0 + 4, box.y0 + 5, box.x1 + 4, box.y1 + 5, "#00000055")
    c.rect(box.x0, box.y0, box.x1, box.y1, rng.choice(SHIRTS))
    c.rect(box.x0 + 7, box.y0 + 7, box.x1 - 7, box.y1 - 7, ground)
    write(c, lettering, box.inset(22), ink)
    return c


def phone(lines: Sequence[str], rng: Random) -> Canvas:
    """Return somebody who holds a phone up to the camera, with each line as a message on it."""
    c = room(rng)
    look = anyone(rng)
    left = rng.random() < 0.5
    usual = Box(52, 24, 322, 338)
    box, lettering = placed(lines, usual if left else mirrored(usual), Box(60, 14, 580, 346), margin=30, largest=26, bold=False)
    speaking(c, 480 if left else 160, 230, 100, look, rng)
    c.line([((box.x0 + box.x1) / 2, 400), ((box.x0 + box.x1) / 2, 330)], look.shirt, 70)
    c.rect(box.x0, box.y0, box.x1, box.y1, "#0b0c10", radius=20)
    dark = rng.random() < 0.4
    c.rect(box.x0 + 8, box.y0 + 14, box.x1 - 8, box.y1 - 14, "#20263a" if dark else "#eef1f6", radius=8)
    bubble, ink = ("#33405f", "#ffffff") if dark else (rng.choice(("#ffffff", "#d5f5d0", "#dbe9ff")), "#14161c")
    inner = box.inset(30)
    for line, place in zip(lettering.lines, line_boxes(lettering, inner), strict=True):
        width = max(row_width(row, lettering.size, bold=False) for row in line)
        pad = 0.17 * lettering.size
        c.rect(place.x0 - 10, place.y0 - pad, min(place.x1, place.x0 + width) + 10, place.y1 + pad, bubble, radius=7)
    write(c, lettering, inner, ink, centred=False)
    hand(c, box.x0, box.y1 - 120, look)
    hand(c, box.x1, box.y1 - 96, look)
    return c


def note(lines: Sequence[str], rng: Random) -> Canvas:
    """Return somebody who holds a sheet of paper before the chest."""
    c = room(rng)
    look = anyone(rng)
    x = 320 + 60 * (rng.random() - 0.5)
    box, lettering = placed(lines, Box(x - 160, 142, x + 160, 330), Box(44, 22, 596, 338), margin=24, bold=rng.random() < 0.5)
    speaking(c, x, 122, 104, look, rng)
    ground, ink = rng.choice(PAPERS)
    c.rect(box.x0 + 3, box.y0 + 4, box.x1 + 3, box.y1 + 4, "#00000044")
    c.rect(box.x0, box.y0, box.x1, box.y1, ground)
    c.line([(box.x0 + 13, box.y0), (box.x0 + 13, box.y1)], "#e3a0a0", 1)
    write(c, lettering, box.inset(24), ink, centred=rng.random() < 0.6)
    hand(c, box.x0, box.y1 - 70, look)
    hand(c, box.x1, box.y1 - 70, look)
    return c


def price_list(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a list on the wall of a shop, with a rule under each line, and the seller behind the counter."""
    c = room(rng)
    left = rng.random() < 0.6
    usual = Box(30, 26, 412, 280)
    box, lettering = placed(lines, usual if left else mirrored(usual), Box(24, 14, 616, 346), margin=24)
    speaking(c, 526 if left else 114, 220, 92, anyone(rng), rng)
    c.rect(0, 300, WIDTH, HEIGHT, rng.choice(("#6f5238", "#4e5d52", "#5b4a6b")))
    ground, ink = rng.choice(BOARDS + PAPERS)
    c.rect(box.x0, box.y0, box.x1, box.y1, "#5f4a3a", radius=4)
    c.rect(box.x0 + 8, box.y0 + 8, box.x1 - 8, box.y1 - 8, ground)
    inner = box.inset(24)
    places = line_boxes(lettering, inner)
    for place in places[:-1]:
        y = place.y1 + 0.2 * lettering.size
        c.line([(place.x0, y), (place.x1, y)], "#8a8f98", 1)
    write(c, lettering, inner, ink, centred=False)
    return c


def tshirt(lines: Sequence[str], rng: Random) -> Canvas:
    """Return somebody with the text on the chest."""
    c = room(rng)
    ground, ink = rng.choice((*BOARDS, ("#f1f1f4", "#1c1c28"), ("#ffd23f", "#22252d")))
    look = anyone(rng)
    dressed = replace(look, shirt=ground, tie=False)
    usual = Box(190, 172, 450, 346)
    box, lettering = placed(lines, usual, Box(50, 62, 590, 356), margin=8)
    x, y, size = (320.0, 82.0, 175.0) if box is usual else (320.0, -104.0, 350.0)
    # The torso hides long hair; sleeves leave it at the sides.
    half = 0.82 * size
    for side in (-1, 1):
        c.line([(x + side * (half - 20), y + 0.5 * size), (x + side * (half + 26), 380)], ground, 0.34 * size)
    person(c, x, y, size, dressed, t=0.3, mouth=rng.choice((0.0, 0.4)))
    write(c, lettering, box.inset(8), ink)
    return c


def whiteboard(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a board on which somebody has written with a marker."""
    c = room(rng)
    left = rng.random() < 0.5
    usual = Box(26, 28, 430, 284)
    box, lettering = placed(lines, usual if left else mirrored(usual), Box(18, 12, 622, 340), margin=24)
    c.rect(box.x0, box.y0, box.x1, box.y1, "#9aa3ad", radius=6)
    c.rect(box.x0 + 7, box.y0 + 7, box.x1 - 7, box.y1 - 7, "#fbfcfd", radius=3)
    for marker, colour in enumerate(("#c0392b", "#1f5fa8", "#2e7d4f")):
        c.rect(box.x0 + 40 + 34 * marker, box.y1 - 4, box.x0 + 66 + 34 * marker, box.y1 + 3, colour, radius=3)
    if box.width < 500:
        speaking(c, 530 if left else 110, 240, 96, anyone(rng), rng)
    write(c, lettering, box.inset(24), rng.choice(("#a3271b", "#174a86", "#1f5c39", "#1c1c28")), centred=rng.random() < 0.5)
    return c


def parcel(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a parcel on a table with the text on its label."""
    c = room(rng)
    c.rect(0, 290, WIDTH, HEIGHT, rng.choice(("#8d6b4f", "#6f5238", "#a08a76")))
    usual = Box(196, 104, 516, 286)
    box, lettering = placed(lines, usual, Box(44, 40, 596, 328), margin=12, largest=26, bold=rng.random() < 0.5)
    x0, y0, x1, y1 = box.x0 - 46, box.y0 - 36, box.x1 + 46, box.y1 + 30
    brown = rng.choice(("#c69c6d", "#b98b5e", "#d3ab7d"))
    c.poly([(x0, y0), (x0 + 34, y0 - 26), (x1 + 24, y0 - 26), (x1, y0)], "#dcbb92")
    c.rect(x0, y0, x1, y1, brown)
    tape = x0 + (x1 - x0) * (0.2 + 0.6 * rng.random())
    c.rect(tape - 16, y0, tape + 16, y1, "#e8d8b8")
    c.rect(box.x0, box.y0, box.x1, box.y1, "#ffffff", radius=4)
    write(c, lettering, box.inset(12), "#1c1c28", centred=False)
    return c


def sign(lines: Sequence[str], rng: Random) -> Canvas:
    """Return a sign on two posts in a street."""
    c = street(rng)
    x = 320 + 120 * (rng.random() - 0.5)
    box, lettering = placed(lines, Box(x - 176, 52, x + 176, 226), Box(30, 20, 610, 316), margin=22)
    for post in (box.x0 + 40, box.x1 - 40):
        c.rect(post - 6, box.y1 - 10, post + 6, 320, "#4a4e55")
    ground, ink = rng.choice(BOARDS + PAPERS)
    c.rect(box.x0, box.y0, box.x1, box.y1, ink, radius=10)
    c.rect(box.x0 + 5, box.y0 + 5, box.x1 - 5, box.y1 - 5, ground, radius=7)
    write(c, lettering, box.inset(22), ink)
    return c
