"""Hashed character n-grams, computed with numpy at the speed that a first tier needs.

Source of the technique: feature hashing (Weinberger et al. 2009) with signs left out, since weights are fitted per bucket.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from livesteward.agents.screen.normalise import normalise

BITS: Final = 16
"""Buckets are 2 to this power."""

SIZES: Final = (1, 2, 3, 4, 5)
"""Lengths of n-grams in characters; single characters matter in Chinese and for emoji."""

_MULTIPLIER: Final = np.uint32(0x01000193)
_MASK: Final = np.uint32((1 << BITS) - 1)


def buckets(text: str) -> npt.NDArray[np.uint32]:
    """Return the distinct buckets of the n-grams of ``text`` after :func:`normalise`, sorted; empty for no text."""
    folded = normalise(text)
    if not folded:
        return np.empty(0, dtype=np.uint32)
    codes = np.frombuffer(f" {folded} ".encode("utf-32-le", "replace"), dtype=np.uint32)
    found = []
    running = np.zeros(0, dtype=np.uint32)
    with np.errstate(over="ignore"):
        for size in SIZES:
            if codes.size < size:
                break
            # FNV-1a over code points, grown by one character a round.
            start = running[: codes.size - size + 1] if size > 1 else np.full(codes.size, 0x811C9DC5, dtype=np.uint32)
            running = (start ^ codes[size - 1 :]) * _MULTIPLIER
            mixed = running ^ (running >> np.uint32(15)) ^ np.uint32(size * 0x9E3779B1 & 0xFFFFFFFF)
            found.append(mixed & _MASK)
    return np.unique(np.concatenate(found))
