"""A canvas for staged pictures: shapes in a 640 x 360 grid, drawn at twice the size and scaled down, and a person who speaks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image, ImageDraw

from livesteward.errors import ConfigurationError
from livesteward.evals.staging.fonts import font, runs

WIDTH, HEIGHT = 640, 360
_DETAIL = 2

Colour = str | tuple[int, int, int]
"""A name or ``#rrggbb[aa]`` of Pillow's, or red, green and blue from 0 to 255."""
Point = tuple[float, float]


class Canvas:
    """A picture in the making, of one colour that fades into another from top to bottom.

    All places and lengths are in pixels of the finished picture, from its upper left corner.
    """

    def __init__(self, top: Colour, bottom: Colour) -> None:
        column = Image.linear_gradient("L").resize((1, HEIGHT * _DETAIL))
        ground = Image.composite(Image.new("RGB", column.size, bottom), Image.new("RGB", column.size, top), column)
        self.image = ground.resize((WIDTH * _DETAIL, HEIGHT * _DETAIL))
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    def finished(self) -> Image.Image:
        """Return the picture at its final size."""
        return self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)

    def rect(self, x0: float, y0: float, x1: float, y1: float, fill: Colour, *, radius: float = 0) -> None:
        """Draw a filled rectangle."""
        self._draw.rounded_rectangle([v * _DETAIL for v in (x0, y0, x1, y1)], radius * _DETAIL, fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        """Draw a filled ellipse around a point."""
        self._draw.ellipse([v * _DETAIL for v in (x - rx, y - ry, x + rx, y + ry)], fill=fill)

    def poly(self, points: list[Point], fill: Colour) -> None:
        """Draw a filled polygon."""
        self._draw.polygon([(x * _DETAIL, y * _DETAIL) for x, y in points], fill=fill)

    def line(self, points: list[Point], fill: Colour, width: float) -> None:
        """Draw a line through points."""
        self._draw.line([(x * _DETAIL, y * _DETAIL) for x, y in points], fill=fill, width=round(width * _DETAIL), joint="curve")

    def arc(self, x: float, y: float, rx: float, ry: float, start: float, end: float, fill: Colour, width: float) -> None:
        """Draw a part of an ellipse; ``start`` and ``end`` are degrees, clockwise from the right."""
        self._draw.arc([v * _DETAIL for v in (x - rx, y - ry, x + rx, y + ry)], start, end, fill=fill, width=round(width * _DETAIL))

    def text(self, x: float, y: float, text: str, size: float, fill: Colour, *, bold: bool = True, anchor: str = "lm") -> None:
        """Draw one line of text in whatever letters; ``anchor`` is one of Pillow's, such as ``lm`` for left and middle.

        Raises:
            ConfigurationError: If no font here has the letters.
        """
        pieces = [(font(path, round(size * _DETAIL)), piece) for path, piece in runs(text, bold=bold)]
        x, y = x * _DETAIL, y * _DETAIL
        if len(pieces) == 1:
            self._draw.text((x, y), text, font=pieces[0][0], fill=fill, anchor=anchor)
        elif pieces:
            lengths = [one.getlength(piece) for one, piece in pieces]
            x -= {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]] * sum(lengths)
            if anchor[1] == "m":
                # Fonts differ in their middles: all pieces stand on the base line of the first.
                ascent, descent = pieces[0][0].getmetrics()
                y, anchor = y + (ascent - descent) / 2, "ls"
            for (one, piece), length in zip(pieces, lengths, strict=True):
                self._draw.text((x, y), piece, font=one, fill=fill, anchor=f"l{anchor[1]}")
                x += length

    def paste(self, picture: Image.Image, x: float, y: float, width: float, height: float) -> None:
        """Place the middle of a picture, cut to the shape of the place."""
        size = (round(width * _DETAIL), round(height * _DETAIL))
        kept = picture.height * size[0] / size[1]
        picture = picture.crop((round((picture.width - kept) / 2), 0, round((picture.width + kept) / 2), picture.height))
        self.image.paste(picture.resize(size, Image.Resampling.LANCZOS), (round(x * _DETAIL), round(y * _DETAIL)))

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """Draw a QR code.

        Raises:
            ConfigurationError: If segno, which only developers of the example streams need, is not installed.
        """
        try:
            import segno
        except ModuleNotFoundError as error:
            raise ConfigurationError("segno is not installed, which draws QR codes: pip install segno") from error

        code = segno.make(text, error="m", micro=False)
        rows = [bytes(row) for row in code.matrix_iter(border=3)]
        picture = Image.frombytes("L", (len(rows), len(rows)), b"".join(bytes(0 if module else 255 for module in row) for row in rows))
        picture = picture.resize((round(side * _DETAIL),) * 2, Image.Resampling.NEAREST)
        self.image.paste(picture.convert("RGB"), (round(x * _DETAIL), round(y * _DETAIL)))

    def live(self) -> None:
        """Draw the sign that a stream is live."""
        self.rect(14, 12, 62, 32, "#e5344f", radius=5)
        self.text(38, 22, "LIVE", 12, "white", anchor="mm")

    def banner(self, text: str, *, y: float = 318, fill: Colour = "#ffd23f", ink: Colour = "#1c1c28", size: float = 22) -> None:
        """Draw a line of text on a bar over the whole width."""
        self.rect(0, y, WIDTH, y + 42, fill)
        self.text(WIDTH / 2, y + 21, text, size, ink, anchor="mm")


@dataclass(frozen=True)
class Look:
    """What a person looks like."""

    skin: Colour
    hair: Colour
    shirt: Colour
    long_hair: bool = False
    glasses: bool = False
    tie: bool = False
    dots_for_eyes: bool = False


def person(c: Canvas, x: float, y: float, size: float, look: Look, *, t: float, mouth: float) -> None:
    """Draw head and shoulders; ``x, y`` is the chin, ``size`` the height of the head, ``mouth`` how far it is open (0-1)."""
    x += math.sin(t * 1.3) * size * 0.02
    y += math.sin(t * 2.1) * size * 0.012
    u = size
    if look.long_hair:
        c.oval(x, y - 0.40 * u, 0.50 * u, 0.66 * u, look.hair)
        c.rect(x - 0.50 * u, y - 0.4 * u, x + 0.50 * u, y + 0.28 * u, look.hair, radius=0.2 * u)
    c.rect(x - 0.82 * u, y + 0.16 * u, x + 0.82 * u, y + 2.2 * u, look.shirt, radius=0.38 * u)
    c.rect(x - 0.15 * u, y - 0.2 * u, x + 0.15 * u, y + 0.28 * u, look.skin, radius=0.1 * u)
    c.poly([(x - 0.2 * u, y + 0.16 * u), (x + 0.2 * u, y + 0.16 * u), (x, y + 0.46 * u)], look.skin)
    if look.tie:
        c.poly(
            [(x - 0.06 * u, y + 0.4 * u), (x + 0.06 * u, y + 0.4 * u), (x + 0.1 * u, y + 1.2 * u), (x - 0.1 * u, y + 1.2 * u)], "#b3263a"
        )
    c.oval(x, y - 0.46 * u, 0.38 * u, 0.50 * u, look.skin)
    c.oval(x - 0.38 * u, y - 0.44 * u, 0.07 * u, 0.1 * u, look.skin)
    c.oval(x + 0.38 * u, y - 0.44 * u, 0.07 * u, 0.1 * u, look.skin)
    # The hair is a cap: the upper part of an ellipse, cut by the forehead.
    c.poly(
        [(x + 0.41 * u * math.cos(a), y - 0.56 * u - 0.46 * u * math.sin(a)) for a in [i * math.pi / 20 for i in range(21)]]
        + [(x - 0.30 * u, y - 0.72 * u), (x, y - 0.80 * u), (x + 0.32 * u, y - 0.70 * u)],
        look.hair,
    )
    closed = (t % 3.7) < 0.14
    for side in (-1, 1):
        ex = x + side * 0.15 * u
        if closed:
            c.line([(ex - 0.06 * u, y - 0.5 * u), (ex + 0.06 * u, y - 0.5 * u)], "#2b2b33", 0.025 * u)
        elif look.dots_for_eyes:
            c.oval(ex, y - 0.5 * u, 0.04 * u, 0.05 * u, "#2b2b33")
        else:
            c.oval(ex, y - 0.5 * u, 0.065 * u, 0.05 * u, "white")
            c.oval(ex, y - 0.5 * u, 0.032 * u, 0.042 * u, "#2b2b33")
        c.line([(ex - 0.08 * u, y - 0.61 * u), (ex + 0.08 * u, y - 0.62 * u)], look.hair, 0.03 * u)
        if look.glasses:
            c.arc(ex, y - 0.5 * u, 0.11 * u, 0.09 * u, 0, 360, "#2b2b33", 0.02 * u)
    if look.glasses:
        c.line([(x - 0.04 * u, y - 0.5 * u), (x + 0.04 * u, y - 0.5 * u)], "#2b2b33", 0.02 * u)
    c.arc(x, y - 0.38 * u, 0.05 * u, 0.05 * u, 20, 160, "#00000055", 0.02 * u)
    if mouth < 0.12:
        c.arc(x, y - 0.27 * u, 0.12 * u, 0.08 * u, 20, 160, "#8c3b3b", 0.03 * u)
    else:
        c.oval(x, y - 0.2 * u, 0.10 * u, (0.02 + 0.075 * mouth) * u, "#7a2c34")
