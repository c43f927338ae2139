"""Which rules changed, where, and which of it a judge can notice."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from livesteward.evals.impact.rule_changes import TOLD, RuleChanges, compare_libraries
from livesteward.retrieval.documents import parse_document
from livesteward.retrieval.rulebook import PolicyLibrary

DAY = date(2026, 10, 1)
ROOT = Path(__file__).resolve().parents[3]

HEAD = """---
policy: "goods-{region}"
title: "Goods"
jurisdiction: "{region}"
effective_from: "2026-01-01"
disclaimer: "Illustrative. Not legal advice."
---

What it protects.
"""

RULE = """
## {rule_id} {title}

```yaml
{effect}severity: "medium"
category: "regulated_goods"
host: [{host}]
```

{text}

### Breaks the rule

- "{breaks}"
- "sell two"

### Does not break the rule

- "keep one"
- "keep two"

### Notice

{notice}
"""

PLAIN = {"title": "Goods", "host": '"warn"', "text": "Nothing is sold.", "breaks": "sell one", "notice": "Do not.", "effect": ""}
EXTRA = {"effect": 'effect: "add"\nnorms: ["A law"]\n'}


def library(rules: Mapping[str, Mapping[str, Mapping[str, str]]]) -> PolicyLibrary:
    """Rules by jurisdiction and id, each with what differs from the plain one."""
    documents = [
        parse_document(
            HEAD.format(region=region) + "".join(RULE.format(rule_id=rule_id, **(PLAIN | dict(more))) for rule_id, more in own.items()),
            f"{region}/goods.md",
        )
        for region, own in rules.items()
    ]
    return PolicyLibrary(documents, digest=repr(rules))


BASE = {"global": {"GOODS-1.1": {}, "GOODS-1.2": {}}}


def changes(after: Mapping[str, Mapping[str, Mapping[str, str]]], *regions: str) -> RuleChanges:
    return compare_libraries(library(BASE), library(after), [(region, DAY) for region in regions])


def test_a_change_of_a_global_rule_is_one_change_in_all_regions() -> None:
    found = changes({"global": {"GOODS-1.1": {"breaks": "sell three"}, "GOODS-1.2": {}}}, "SG", "DE")
    assert [(rule.rule_id, rule.change, rule.fields, rule.regions) for rule in found.rules] == [
        ("GOODS-1.1", "changed", ("breaks",), ("DE", "SG", "global"))
    ]
    assert found.judged == {("SG", DAY): {"GOODS-1.1"}, ("DE", DAY): {"GOODS-1.1"}}


def test_what_is_added_in_one_country_is_a_change_there_alone() -> None:
    found = changes({**BASE, "SG": {"GOODS-SG-1": EXTRA}}, "SG", "DE")
    assert [(rule.rule_id, rule.change, rule.regions) for rule in found.rules] == [("GOODS-SG-1", "added", ("SG",))]
    assert set(found.judged) == {("SG", DAY)}


def test_a_rule_that_goes_is_a_change() -> None:
    found = changes({"global": {"GOODS-1.1": {}}}, "SG")
    assert [(rule.rule_id, rule.change) for rule in found.rules] == [("GOODS-1.2", "removed")]


def test_changes_that_no_case_asks_for_are_named() -> None:
    found = changes({**BASE, "SG": {"GOODS-SG-1": EXTRA}}, "DE")
    assert (found.unseen, found.judged) == (("SG",), {})
    everywhere = changes({"global": {"GOODS-1.1": {"text": "No."}, "GOODS-1.2": {}}, "EU": {"GOODS-EU-1": EXTRA}}, "SG")
    assert everywhere.unseen == ("EU",)


@pytest.mark.parametrize(
    ("more", "judged"),
    [({"notice": "Please do not."}, False), ({"host": '"pause_stream"'}, True), ({"title": "Wares"}, True), ({"text": "No."}, True)],
)
def test_what_only_people_read_touches_no_verdict(more: Mapping[str, str], judged: bool) -> None:
    found = changes({"global": {"GOODS-1.1": more, "GOODS-1.2": {}}}, "SG")
    assert len(found.rules) == 1
    assert bool(found.judged) is judged


def test_documents_that_differ_without_a_change_in_force_say_so() -> None:
    later = HEAD.replace("2026-01-01", "2027-01-01")
    document = parse_document(later.format(region="SG") + RULE.format(rule_id="GOODS-SG-1", **(PLAIN | EXTRA)), "SG/goods.md")
    after = PolicyLibrary([*library(BASE).documents, document], digest="other")
    found = compare_libraries(library(BASE), after, [("SG", DAY)])
    assert (found.rules, found.judged, found.documents_differ) == ((), {}, True)


def test_no_part_of_the_agent_reads_what_is_left_out_as_only_told() -> None:
    read = {
        (path.name, node.lineno)
        for area in ("agents", "prompts")
        for path in (ROOT / area).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {*TOLD, "layers"}
        # Which documents had part in a rule orders a rulebook that stands whole in a model's prompt. It changes no word of a rule.
        and path.name != "rulebook_layout.py"
    }
    assert not read, "a verdict hangs on it now: take it out of TOLD"
