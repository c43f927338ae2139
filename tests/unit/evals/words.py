"""An embedder that needs no model: texts are alike as far as they share words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from livesteward.models.embedders import Vectors

SAME = {"bucks": "dollars", "fifty": "50", "quit": "stop", "automobile": "car"}
"""Words that mean the same to it."""


class WordsEmbedder:
    """Each word points somewhere; a text points where its words do. ``asked`` counts the texts."""

    fingerprint = "words"
    dimensions = 128

    def __init__(self) -> None:
        self.asked = 0

    async def queries(self, texts: Sequence[str]) -> Vectors:
        self.asked += len(texts)
        return np.stack([self._vector(text) for text in texts]).astype(np.float32)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        return await self.queries(texts)

    async def aclose(self) -> None:
        return None

    def _vector(self, text: str) -> Vectors:
        words = [SAME.get(word, word) for word in text.casefold().replace(".", " ").replace(",", " ").split()]
        total = np.zeros(self.dimensions, np.float32)
        for word in words or ["-"]:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
            total += np.random.default_rng(seed).normal(size=self.dimensions).astype(np.float32)
        unit: Vectors = total / np.linalg.norm(total)
        return unit
