"""Text that strangers wrote, made safe to show: no escape sequences, no control characters, nothing that turns the line around."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ESCAPES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor moves
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"  # OSC, DCS and their kin: titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
_TURNERS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SPACES: Final = re.compile(r"\s+")
_MARKS_KEPT: Final = 4
"""Combining marks on one letter: scripts need up to four; hundreds paint over the lines around."""


def plain(text: str, *, limit: int | None = None) -> str:
    """Return ``text`` on one line, without what could forge, hide or reorder what stands around it.

    Joiners inside emoji and Indic or Persian words stay; letters of every script stay as they are.

    Args:
        text: Any text.
        limit: The most characters; what is cut off is marked by an ellipsis.
    """
    kept: list[str] = []
    marks = 0
    for character in _ESCAPES.sub("", text):
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind in ("Zl", "Zp") or character in "\t\n\r\v\f\x85":
            kept.append(" ")
        elif kind in ("Cc", "Cs", "Cn") or character in _TURNERS or "\U000e0000" <= character <= "\U000e007f" or marks > _MARKS_KEPT:
            continue
        else:
            kept.append(character)
    cleaned = _SPACES.sub(" ", "".join(kept)).strip()
    return cleaned if limit is None or len(cleaned) <= limit else cleaned[: limit - 1].rstrip() + "…"
