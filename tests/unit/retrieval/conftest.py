from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = """---
policy: "{policy}"
title: "A policy"
jurisdiction: "{jurisdiction}"
category: "regulated_goods"
effective_from: "2026-01-01"
disclaimer: "Illustrative. Not legal advice."
---

What it protects.
"""

RULE = """
## {rule_id} {title}

```yaml
{yaml}
```

{text}

### Breaks the rule

- Chat: "{rule_id} first bad thing"
- "{rule_id} second bad thing"

### Does not break the rule

- "{rule_id} first fine thing"
- "{rule_id} second fine thing"

### Notice

This broke {rule_id}.
"""

OVERLAY = """
## {rule_id} {title}

```yaml
{yaml}
```

{text}
"""


@pytest.fixture
def head() -> Callable[..., str]:
    def make(jurisdiction: str = "global", policy: str = "goods") -> str:
        return HEAD.format(jurisdiction=jurisdiction, policy=policy)

    return make


@pytest.fixture
def rule() -> Callable[..., str]:
    """A complete rule section."""

    def make(rule_id: str, *yaml: str, title: str = "A title", text: str = "Nobody may do this.") -> str:
        lines = yaml or ('severity: "medium"', 'host: ["warn", "pause_stream"]', 'viewer: ["remove_message"]')
        return RULE.format(rule_id=rule_id, title=title, text=text, yaml="\n".join(lines))

    return make


@pytest.fixture
def overlay() -> Callable[..., str]:
    """A section that tightens, relaxes or takes off."""

    def make(rule_id: str, effect: str, *yaml: str, title: str = "A title", text: str = "Here it is otherwise.") -> str:
        return OVERLAY.format(rule_id=rule_id, title=title, text=text, yaml="\n".join((f'effect: "{effect}"', 'norms: ["A law"]', *yaml)))

    return make


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes documents, ``{"global/goods.md": text}``, and returns their folder."""

    def make(documents: dict[str, str], folder: str = "policies") -> Path:
        for name, text in documents.items():
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path / folder

    return make
