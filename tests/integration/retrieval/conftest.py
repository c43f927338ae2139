from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from livesteward.models.embedders import Vectors
from livesteward.retrieval.documents import parse_document
from livesteward.retrieval.rulebook import PolicyLibrary
from livesteward.settings import Settings, load_settings

DAY = date(2026, 11, 22)

DOCUMENT = """---
policy: "goods"
title: "Goods"
jurisdiction: "global"
category: "regulated_goods"
effective_from: "2026-01-01"
disclaimer: "Illustrative. Not legal advice."
---

What it protects.
"""

SECTION = """
## {rule_id} {title}

```yaml
severity: "medium"
host: ["warn"]
```

{text}

### Breaks the rule

- Chat: "{title} one"
- "{title} two"

### Does not break the rule

- "not {title} one"
- "not {title} two"

### Notice

This broke a rule.
"""


class WordEmbedder:
    """Vectors from the letters of a text, made at once: for tests in which what is near to what does not matter. Counts its work."""

    def __init__(self, fingerprint: str = "letters-1") -> None:
        self.fingerprint = fingerprint
        self.dimensions = 64
        self.embedded: list[str] = []

    async def queries(self, texts: Sequence[str]) -> Vectors:
        return self._rows(texts)

    async def passages(self, texts: Sequence[str]) -> Vectors:
        return self._rows(texts)

    async def aclose(self) -> None:
        pass

    def _rows(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        rows = np.ones((len(texts), self.dimensions), np.float32) * 0.01
        for row, text in enumerate(texts):
            for first, second in pairwise(text):
                rows[row, (ord(first) * 31 + ord(second)) % self.dimensions] += 1
        unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def other_embedder() -> WordEmbedder:
    return WordEmbedder("letters-2")


@pytest.fixture
def make_library() -> Callable[..., PolicyLibrary]:
    """A library of global rules by title: ``make(tobacco="Nobody may ...")``."""

    def make(**rules: str) -> PolicyLibrary:
        sections = [
            SECTION.format(rule_id=f"GOODS-{number}.1", title=title, text=text) for number, (title, text) in enumerate(rules.items(), 1)
        ]
        return PolicyLibrary([parse_document(DOCUMENT + "".join(sections), "global/goods.md")])

    return make


@pytest.fixture
def library(make_library: Callable[..., PolicyLibrary]) -> PolicyLibrary:
    return make_library(tobacco="Nobody may sell cigarettes.", alcohol="Nobody may offer beer or wine.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(cache_dir=tmp_path / "cache")


@pytest.fixture
def shared_settings() -> Settings:
    """Settings with the cache that all tests of a run share, as one installation would: for those with the real embedder."""
    return load_settings()
