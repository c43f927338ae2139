from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from livesteward.errors import PolicyError
from livesteward.retrieval.lint import lint

Make = Callable[..., str]
Write = Callable[..., Path]


def codes(folder: Path) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in lint(folder)]


def test_good_documents_have_no_finding(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    assert lint(write({"global/a.md": head() + rule("GOODS-1.1"), "SG/a.md": head("SG") + overlay("GOODS-1.1", "tighten")})) == []


def test_all_findings_come_at_once_with_file_and_line(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    folder = write(
        {
            "global/a.md": head() + rule("GOODS-1.1") + rule("GOODS-1.1", text="Again."),
            "SG/a.md": head("SG") + overlay("GOODS-9.9", "tighten"),
            "NO/a.md": head("NO").replace('"NO"', "NO") + overlay("GOODS-1.1", "off"),
            "MY/a.md": head("SG", policy="other") + overlay("GOODS-1.1", "tighten"),
        }
    )
    found = codes(folder)
    for expected in [
        ("NO/a.md", "yaml-type"),
        ("SG/a.md", "no-such-rule"),
        ("MY/a.md", "folder"),
        ("global/a.md", "duplicate-id"),
    ]:
        assert expected in found
    assert [problem.line for problem in lint(folder) if problem.code == "yaml-type"] == [4]


def test_overlays_of_one_rule_may_follow_each_other_but_not_overlap(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    first = overlay("GOODS-1.1", "tighten", 'effective_to: "2026-06-30"')
    base = {"global/a.md": head() + rule("GOODS-1.1")}
    after = overlay("GOODS-1.1", "relax", 'effective_from: "2026-07-01"', text="Later.")
    same_day = overlay("GOODS-1.1", "relax", 'effective_from: "2026-06-30"', text="Later.")
    assert codes(write(base | {"SG/a.md": head("SG") + first + after}, "apart")) == []
    assert codes(write(base | {"SG/a.md": head("SG") + first + same_day}, "overlapping")) == [("SG/a.md", "overlapping-overlays")]


def test_a_country_cannot_lie_on_the_rule_of_another_country(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    added = rule("GOODS-SG-1", 'effect: "add"', 'severity: "low"', 'host: ["warn"]', 'norms: ["A law"]')
    folder = write(
        {
            "global/a.md": head() + rule("GOODS-1.1"),
            "SG/a.md": head("SG") + added,
            "MY/a.md": head("MY") + overlay("GOODS-SG-1", "tighten"),
        }
    )
    assert codes(folder) == [("MY/a.md", "no-such-rule")]


def test_an_added_rule_carries_its_jurisdiction_in_its_id(head: Make, rule: Make, write: Write) -> None:
    yaml = ('effect: "add"', 'severity: "low"', 'host: ["warn"]', 'norms: ["A law"]')
    folder = write({"global/a.md": head() + rule("GOODS-1.1"), "MY/a.md": head("MY") + rule("GOODS-SG-1", *yaml)})
    assert codes(folder) == [("MY/a.md", "id-jurisdiction")]
    assert "GOODS-MY-1" in lint(folder)[0].fix


def test_an_overlay_that_never_meets_its_rule_is_found(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    base = rule("GOODS-1.1", 'severity: "low"', 'host: ["warn"]', 'effective_to: "2026-03-01"')
    late = overlay("GOODS-1.1", "tighten", 'effective_from: "2026-04-01"')
    assert codes(write({"global/a.md": head() + base, "SG/a.md": head("SG") + late})) == [("SG/a.md", "dates-apart")]


def test_an_example_on_both_sides_blocks_and_one_under_two_rules_is_advice(head: Make, rule: Make, write: Write) -> None:
    both = rule("GOODS-1.1").replace('- "GOODS-1.1 first fine thing"', '- "goods-1.1, SECOND bad thing!"')
    problems = lint(write({"global/a.md": head() + both}, "both"))
    assert [(problem.code, problem.blocks) for problem in problems] == [("contradiction", True)]
    shared = rule("GOODS-1.2").replace("GOODS-1.2 first fine thing", "GOODS-1.1 first fine thing")
    problems = lint(write({"global/a.md": head() + rule("GOODS-1.1") + shared}, "shared"))
    assert [(problem.code, problem.blocks) for problem in problems] == [("repeated-example", False)]


def test_a_rule_that_its_overlays_make_too_long_is_found(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    folder = write(
        {
            "global/a.md": head() + rule("GOODS-1.1", text="Long. " * 500),
            "SG/a.md": head("SG") + overlay("GOODS-1.1", "tighten", text="Longer. " * 400),
        }
    )
    assert codes(folder) == [("SG/a.md", "unresolvable")]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_documents_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PolicyError):
        lint(tmp_path / name)
