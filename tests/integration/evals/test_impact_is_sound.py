"""What `policies impact` leaves out comes out the same: real golden cases, judged in full by the rules before and after an edit."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from livesteward.agents.perception.perceive import Perceiver
from livesteward.agents.perception.perceived import Perceived
from livesteward.agents.tools import make_tools
from livesteward.evals.cases import Entry, Split, StreamCase
from livesteward.evals.dataset import SHIPPED, load_dataset
from livesteward.evals.impact.rule_changes import RuleChanges, asked_for, compare_libraries
from livesteward.evals.impact.touching import Reach
from livesteward.models.protocol import ChatModel, ModelRequest
from livesteward.retrieval.rulebook import load_library
from livesteward.sdk import Steward
from livesteward.settings import Settings, load_settings
from livesteward.testing import ScriptedModel

pytestmark = pytest.mark.slow

RULES = Settings(workspace=None).policies_dir
MEDIA = Path("no-media")
REGIONS = {"DE", "SG", "US", "GB"}
MOST = 30
ALLOW = {"findings": [], "decision": "allow", "reason": "fine"}

ADDED = """---
policy: "stalls-sg"
title: "Stalls"
jurisdiction: "SG"
effective_from: "2026-01-01"
disclaimer: "Illustrative. Not legal advice."
---

What it protects.

## GOODS-SG-9 Selling from a stall without saying the price

```yaml
effect: "add"
category: "regulated_goods"
severity: "medium"
host: ["warn"]
viewer: ["remove_message"]
norms: ["A law"]
```

Whoever offers goods on a stream, whatever they are, says what they cost. An offer to message the host for the price is not enough.

### Breaks the rule

- "New stock is in, message me for the price and I bring it to the station."
- "Who wants one? Write me privately, I tell you what it costs."

### Does not break the rule

- "One bag is five dollars, two are nine."
- "The price is on the label."

### Notice

Say the price.
"""


def reworded(rules: Path) -> None:
    """One example of one rule is put in other words."""
    file = rules / "global" / "regulated-goods.md"
    text = file.read_text(encoding="utf-8")
    first = text.index("\n- ", text.index("### Breaks the rule", text.index("## GOODS-2.2")))
    end = text.index("\n", first + 1)
    file.write_text(f'{text[:first]}\n- "Pods are back, twenty each, write me which taste you want."{text[end:]}', encoding="utf-8")


def deleted(rules: Path) -> None:
    """A rule is taken out."""
    file = rules / "global" / "fraud-and-scams.md"
    text = file.read_text(encoding="utf-8")
    start = text.index("## FRAUD-1.2")
    file.write_text(text[:start] + text[text.index("\n## ", start) + 1 :], encoding="utf-8")


def added(rules: Path) -> None:
    """A rule is added in one country."""
    (rules / "SG" / "stalls.md").write_text(ADDED, encoding="utf-8")


def entries() -> list[Entry]:
    """Cases of a few regions, with all there is in text; most of them single segments."""
    found = [
        entry
        for entry in load_dataset(SHIPPED).select(splits=[Split.DEV, Split.GOLDEN]).entries
        if set(entry.regions) <= REGIONS and not any(segment.frames or segment.media for segment in entry.segments)
    ]
    streams = [entry for entry in found if isinstance(entry, StreamCase)]
    return [*streams[:1], *(entry for entry in found if not isinstance(entry, StreamCase))][:MOST]


async def verdicts(rules: Path, cases: Sequence[Entry], model: ChatModel | None = None) -> dict[str, list[dict[str, Any]]]:
    """Judge in full; what differs between two runs of the same thing is left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with Steward.from_settings(load_settings(policies=rules, judge="heads"), model=model) as steward:
        for entry in cases:
            memory = None
            for step in entry.steps:
                examined = await steward.examine(step.segment, regions=entry.regions, media_root=MEDIA, memory=memory)
                memory = examined.memory
                verdict = examined.verdict.model_dump(mode="json", exclude={"verdict_id", "decided_at", "provenance"})
                found.setdefault(entry.case_id, []).append(verdict)
    return found


async def reach(cases: Sequence[Entry], after: Path, model: ChatModel | None = None) -> tuple[RuleChanges, set[str]]:
    libraries = load_library(RULES), load_library(after)
    changes = compare_libraries(*libraries, asked_for(cases))
    tools = make_tools(load_settings(judge="heads"), model=model)
    try:
        looked = Reach(tools, *libraries, changes.judged)
        return changes, {entry.case_id for entry in cases if await looked.of(entry, MEDIA) is not None}
    finally:
        await tools.aclose()


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    return {case_id for case_id in one if one[case_id] != other[case_id]}


def asked(model: ScriptedModel, names: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """What the model was asked about each case, told by the name in its prompt, without the nonces of fences."""
    found: dict[str, list[tuple[str, str]]] = {case_id: [] for case_id in names}
    for request in model.requests:
        text = "\n".join(part.text for message in request.messages for part in message.parts if hasattr(part, "text"))
        stream = next(case_id for case_id, name in names.items() if name in text)
        found[stream].append((re.sub(r"[0-9a-f]{8,}", "NONCE", text), str(request.answer_schema)))
    return found


async def test_what_is_left_out_comes_out_the_same_by_the_embedded_judge(tmp_path: Path) -> None:
    cases = entries()
    assert len(cases) >= 20
    before = await verdicts(RULES, cases)
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for edit in (reworded, deleted, added):
        after = tmp_path / edit.__name__
        shutil.copytree(RULES, after)
        edit(after)
        changes, touched = await reach(cases, after)
        assert changes.rules, edit.__name__
        seen[edit.__name__] = touched, differing(before, await verdicts(after, cases))
    for name, (touched, changed) in seen.items():
        assert changed <= touched, f"{name}: {sorted(changed - touched)} came out differently and were left out"
    assert any(changed for _, changed in seen.values()), "no edit changed anything: the test says nothing"
    assert all(len(touched) < len(cases) / 2 for touched, _ in seen.values()), "hardly anything was left out"


async def test_what_is_left_out_makes_the_same_prompt_for_a_model(tmp_path: Path) -> None:
    cases, names = [], {}
    for number, entry in enumerate(case for case in entries() if not isinstance(case, StreamCase)):
        names[entry.case_id] = f"stream number {number:03}."
        segment = entry.segment.model_copy(update={"title": f"{entry.segment.title} {names[entry.case_id]}".strip()})
        cases.append(entry.model_copy(update={"segment": segment}))
    after = tmp_path / "rules"
    shutil.copytree(RULES, after)
    deleted(after)
    models = ScriptedModel(_fine), ScriptedModel(_fine)
    await verdicts(RULES, cases, models[0])
    await verdicts(after, cases, models[1])
    old, new = (asked(model, names) for model in models)
    _, touched = await reach(cases, after, ScriptedModel(_fine))
    changed = differing(old, new)
    assert changed <= touched
    assert changed, "the deleted rule was shown for no case: the test says nothing"
    assert any(old.values()) and len(touched) < len(cases)


async def test_a_case_that_could_not_be_looked_at_counts_as_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = entries()[:1]
    after = tmp_path / "rules"
    shutil.copytree(RULES, after)
    deleted(after)

    async def broken(*_: object) -> Perceived:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(Perceiver, "perceive", broken)
    _, touched = await reach(cases, after)
    assert touched == {cases[0].case_id}


def _fine(request: ModelRequest) -> dict[str, Any]:
    return ALLOW
