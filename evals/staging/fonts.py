"""Fonts of this machine, found by file name in the folders where systems keep them, and which of them has a letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import ImageFont

from livesteward.errors import ConfigurationError

FOLDERS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("~/.fonts"),
    Path("/Library/Fonts"),
    Path("~/Library/Fonts"),
)
"""Where fonts are looked for, those of the system first."""
_UNASSIGNED: Final = "\U0010ffff"
"""A letter that no font has: fonts show their sign for a missing one."""
_TRIED_AT: Final = 32


@dataclass(frozen=True)
class Face:
    """A font that may be there under one of some file names, the preferred one first, and the Debian package that brings it."""

    files: tuple[str, ...]
    package: str


_PLAIN: Final = Face(("DejaVuSans.ttf",), "fonts-dejavu-core")
_BOLD: Final = Face(("DejaVuSans-Bold.ttf",), "fonts-dejavu-core")
EAST_ASIAN: Final = Face(
    ("DroidSansFallbackFull.ttf", "DroidSansFallback.ttf", "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf"), "fonts-droid-fallback"
)
_SYMBOLS: Final = Face(("Symbola_hint.ttf", "Symbola.ttf"), "fonts-symbola")
_INDIC: Final = {
    "\u0900-\u097f": "Devanagari",
    "\u0980-\u09ff": "Bengali",
    "\u0a00-\u0a7f": "Gurmukhi",
    "\u0a80-\u0aff": "Gujarati",
    "\u0b80-\u0bff": "Tamil",
    "\u0c00-\u0c7f": "Telugu",
    "\u0c80-\u0cff": "Kannada",
    "\u0d00-\u0d7f": "Malayalam",
    "\u0d80-\u0dff": "Sinhala",
    "\u0e00-\u0e7f": "Thai",
    "\u0e80-\u0eff": "Lao",
    "\u1000-\u109f": "Myanmar",
    "\u1780-\u17ff": "Khmer",
}
_SCRIPTS: Final = (
    # Hangul, Han, kana, Bopomofo, their punctuation, and letters of full width.
    (re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"), EAST_ASIAN),
    *((re.compile(f"[{letters}]"), Face((f"NotoSans{name}-Regular.ttf",), "fonts-noto-core")) for letters, name in _INDIC.items()),
)


def font(path: Path, pixels: int) -> ImageFont.FreeTypeFont:
    """Return a font at a size in pixels; loaded once."""
    return _loaded(path, pixels)


def runs(text: str, *, bold: bool) -> list[tuple[Path, str]]:
    """Cut a text into pieces, each with the font file that has all its letters.

    Raises:
        ConfigurationError: If no font on this machine has one of the letters; names the Debian package that brings one.
    """
    main = _found(_BOLD if bold else _PLAIN)
    pieces: list[tuple[Path, str]] = []
    for letter in text:
        # Spaces, marks that combine and invisible letters go with what they stand in.
        path = pieces[-1][0] if pieces and _is_dependent(letter) else _font_of(letter, main)
        if pieces and pieces[-1][0] == path:
            pieces[-1] = (path, pieces[-1][1] + letter)
        else:
            pieces.append((path, letter))
    return pieces


def _is_dependent(letter: str) -> bool:
    return letter == " " or unicodedata.category(letter) in ("Mn", "Mc", "Me", "Cf")


def _font_of(letter: str, main: Path) -> Path:
    if _is_dependent(letter):
        return main
    face = next((face for letters, face in _SCRIPTS if letters.match(letter)), None)
    if face is None and _has(main, letter):
        return main
    path = _found(face or _SYMBOLS, missing=letter)
    if not _has(path, letter):
        raise ConfigurationError(f"no font on this machine has {_named(letter)}; {path.name} has not. Write it with other letters")
    return path


@lru_cache(maxsize=4_096)
def _has(path: Path, letter: str) -> bool:
    tried = font(path, _TRIED_AT)
    shape, none = tried.getmask(letter), tried.getmask(_UNASSIGNED)
    return shape.size != none.size or bytes(shape) != bytes(none)


def _found(face: Face, *, missing: str = "") -> Path:
    path = find(face.files, FOLDERS)
    if path is None:
        reason = f" to draw {_named(missing)}" if missing else ""
        raise ConfigurationError(f"there is no {face.files[0]} on this machine{reason}; on Debian: apt-get install {face.package}")
    return path


def _named(letter: str) -> str:
    return f"{letter!r} (U+{ord(letter):04X} {unicodedata.name(letter, 'without a name')})"


@lru_cache(maxsize=64)
def find(files: tuple[str, ...], folders: tuple[Path, ...]) -> Path | None:
    """Return the first of some font files that is in or under one of some folders, or None."""
    for name in files:
        for path in _under(folders, name):
            return path
    return None


def _under(folders: Iterable[Path], name: str) -> Iterator[Path]:
    for folder in folders:
        try:
            # Sorted, so that of two copies always the same is taken.
            yield from sorted(folder.expanduser().rglob(name))
        except (OSError, RuntimeError):
            # A folder that may not be read, or no home: the next one.
            continue


@lru_cache(maxsize=256)
def _loaded(path: Path, pixels: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(path, pixels)
    except OSError as error:
        raise ConfigurationError(f"{path} is no font that can be read ({error}); install its package again") from error
