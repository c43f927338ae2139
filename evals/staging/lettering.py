"""Fitting lines of text into a place: as large as they can be, wrapped where they must be, and never cut."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from livesteward.errors import InputError
from livesteward.evals.staging.canvas import Canvas, Colour
from livesteward.evals.staging.fonts import font, runs

SMALLEST: Final = 11.0
"""Pixels; smaller letters are not read with any certainty in a picture of 640 x 360."""
LARGEST: Final = 28.0
"""Pixels; the spaces between still larger letters are taken for gaps between columns."""

_LEADING: Final = 1.3
"""Height of a row, in sizes of its letters."""
_GAP: Final = 0.4
"""Between the rows of one line and those of the next, in sizes."""
_SPACE: Final = 1.35
"""Width of a space, in those of the font. Text recognition drops narrow spaces, and takes words that stand far apart for columns."""
_COMFORTABLE: Final = 20.0
_MEASURED_AT: Final = 64
_SLACK: Final = 1.03
"""Widths are measured at one size and scaled, which is off by a little at others."""
_EAST_ASIAN: Final = "\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_WORDS: Final = re.compile(f"[{_EAST_ASIAN}]|[^{_EAST_ASIAN}\\s]+|\\s+")
_NOT_FIRST: Final = frozenset("、。，．！？：；）」』】》％ー…!?,.:;)%")
"""East Asian rows do not begin with these."""


@dataclass(frozen=True)
class Box:
    """A place on the canvas: left, top, right and bottom in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """In pixels."""
        return self.y1 - self.y0

    def inset(self, x: float, y: float | None = None) -> Box:
        """Return the place without a margin, of ``y`` above and below if given."""
        y = x if y is None else y
        return Box(self.x0 + x, self.y0 + y, self.x1 - x, self.y1 - y)


@dataclass(frozen=True)
class Lettering:
    """Lines of text at a size in pixels, each broken into the rows that fit."""

    size: float
    lines: tuple[tuple[str, ...], ...]
    bold: bool

    @property
    def height(self) -> float:
        """Of all rows together, in pixels."""
        return _height(self.lines, self.size)


def fit(lines: Sequence[str], box: Box, *, largest: float = LARGEST, bold: bool = True) -> Lettering:
    """Return how lines of text fill a place.

    A line is kept in one row as long as its letters stay large; otherwise it is wrapped between words (East Asian text between letters).

    Raises:
        InputError: If they do not fit even in the smallest letters that can be read.
        ConfigurationError: If no font here has the letters.
    """
    fitted = try_fit(lines, box, largest=largest, bold=bold)
    if fitted is None:
        raise InputError(
            f"{sum(map(len, lines))} letters in {len(lines)} lines are too much for {box.width:.0f} x {box.height:.0f} pixels, "
            f"beginning with {lines[0][:40]!r}; say it in fewer words, or draw a slide"
        )
    return fitted


def try_fit(lines: Sequence[str], box: Box, *, largest: float = LARGEST, bold: bool = True) -> Lettering | None:
    """Return what :func:`fit` does, or None where it raises for want of space."""
    flat, wrapped = _one_row_each(lines, box, largest, bold), _wrapped(lines, box, largest, bold)
    if flat is not None and (wrapped is None or flat.size >= min(_COMFORTABLE, 0.85 * wrapped.size)):
        return flat
    return wrapped


def write(c: Canvas, lettering: Lettering, box: Box, ink: Colour, *, centred: bool = True) -> None:
    """Draw lettering into the middle of a place; rows begin at its left unless they are centred."""
    y = (box.y0 + box.y1 - lettering.height) / 2
    for line in lettering.lines:
        for row in line:
            x = (box.x0 + box.x1 - row_width(row, lettering.size, bold=lettering.bold)) / 2 if centred else box.x0
            for piece, ems in _pieces(row, lettering.bold):
                c.text(x, y + _LEADING * lettering.size / 2, piece, lettering.size, ink, bold=lettering.bold)
                x += ems * lettering.size
            y += _LEADING * lettering.size
        y += _GAP * lettering.size


def line_boxes(lettering: Lettering, box: Box) -> list[Box]:
    """Return the place that :func:`write` gives each line, over the whole width."""
    y = (box.y0 + box.y1 - lettering.height) / 2
    places = []
    for line in lettering.lines:
        bottom = y + _LEADING * lettering.size * len(line)
        places.append(Box(box.x0, y, box.x1, bottom))
        y = bottom + _GAP * lettering.size
    return places


def row_width(text: str, size: float, *, bold: bool) -> float:
    """Return how wide a row of text is, in pixels."""
    return _ems(text, bold) * size


def _pieces(row: str, bold: bool) -> list[tuple[str, float]]:
    """Return what is drawn one after the other, and how far the next one is from it: words, or a row from right to left as a whole."""
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in row):
        return [(row, _natural_ems(row, bold))]
    space = _SPACE * _natural_ems(" ", bold)
    return [(word, _natural_ems(word, bold) + space) for word in row.split(" ")]


def _ems(text: str, bold: bool) -> float:
    return _SLACK * (_natural_ems(text, bold) + text.count(" ") * (_SPACE - 1) * _natural_ems(" ", bold))


@lru_cache(maxsize=8_192)
def _natural_ems(text: str, bold: bool) -> float:
    return sum(font(path, _MEASURED_AT).getlength(piece) for path, piece in runs(text, bold=bold)) / _MEASURED_AT


def _height(lines: Sequence[Sequence[str]], size: float) -> float:
    return size * (_LEADING * sum(map(len, lines)) + _GAP * max(0, len(lines) - 1))


def _sizes(largest: float) -> list[float]:
    return [largest - step / 2 for step in range(int(2 * (largest - SMALLEST)) + 1)]


def _one_row_each(lines: Sequence[str], box: Box, largest: float, bold: bool) -> Lettering | None:
    rows = tuple((line,) for line in lines)
    widest = max((_ems(line, bold) for line in lines), default=0.0)
    fits = (size for size in _sizes(largest) if widest * size <= box.width and _height(rows, size) <= box.height)
    return next((Lettering(size, rows, bold) for size in fits), None)


def _wrapped(lines: Sequence[str], box: Box, largest: float, bold: bool) -> Lettering | None:
    for size in _sizes(largest):
        rows = tuple(_balanced(line, box.width / size, bold) for line in lines)
        # A word is broken only where even the smallest letters leave it too wide, such as a long address.
        if _height(rows, size) <= box.height and (
            size == SMALLEST or all(_ems(row, bold) * size <= box.width for line in rows for row in line)
        ):
            whole = tuple(tuple(part for row in line for part in _broken(row, box.width / size, bold)) for line in rows)
            return Lettering(size, whole, bold) if _height(whole, size) <= box.height else None
    return None


def _balanced(line: str, ems: float, bold: bool) -> tuple[str, ...]:
    """Wrap a line into rows of like width: a lone letter in a last row is not read."""
    rows = _wrap(line, ems, bold)
    if len(rows) > 1:
        narrow = _ems(line, bold) / len(rows)
        widths = (narrow + step / 2 for step in range(int(2 * (ems - narrow)) + 1))
        tried = (_wrap(line, width, bold) for width in widths)
        return next((one for one in tried if len(one) == len(rows) and all(_ems(row, bold) <= ems for row in one)), rows)
    return rows


def _wrap(line: str, ems: float, bold: bool) -> tuple[str, ...]:
    rows = [""]
    for word in _WORDS.findall(line):
        if rows[-1] and word not in _NOT_FIRST and not word.isspace() and _ems((rows[-1] + word).rstrip(), bold) > ems:
            rows.append("")
        if rows[-1] or not word.isspace():
            rows[-1] += word
    return tuple(row.rstrip() for row in rows if row.strip())


def _broken(row: str, ems: float, bold: bool) -> list[str]:
    """Break a row that is one word too wide, such as an address: behind a sign if there is one, else between letters."""
    parts = [""]
    for letter in row:
        if parts[-1] and _ems(parts[-1] + letter, bold) > ems:
            cut = 1 + max(parts[-1].rfind(sign) for sign in "/?&=-_.")
            cut = cut if cut > len(parts[-1]) // 2 else len(parts[-1])
            parts[-1:] = [parts[-1][:cut], parts[-1][cut:]]
        parts[-1] += letter
    return parts
