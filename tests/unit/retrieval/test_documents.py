from __future__ import annotations

from collections.abc import Callable

import pytest

from livesteward.contracts import ActionKind, Category, LayerEffect, Severity
from livesteward.errors import PolicyError
from livesteward.retrieval.documents import parse_document, read_document

Make = Callable[..., str]


def test_a_rule_is_read_with_all_its_parts(head: Make, rule: Make) -> None:
    raw = head() + rule("GOODS-2.1", title="Tobacco", text="Nobody may\nsell it.\n\nNot even once.")
    document = parse_document(raw, "global/goods.md")
    section = document.sections[0]
    assert (section.rule_id, section.title, section.effect) == ("GOODS-2.1", "Tobacco", LayerEffect.BASE)
    assert section.severity is Severity.MEDIUM
    assert section.category is Category.REGULATED_GOODS
    assert section.host == (ActionKind.WARN, ActionKind.PAUSE_STREAM)
    assert section.text == "Nobody may sell it.\n\nNot even once."
    assert section.breaks == ('Chat: "GOODS-2.1 first bad thing"', '"GOODS-2.1 second bad thing"')
    assert section.notice == "This broke GOODS-2.1."
    assert section.line == raw.split("\n").index("## GOODS-2.1 Tobacco") + 1
    assert document.intro == "What it protects."
    assert document.raw == raw


def test_windows_line_ends_and_a_byte_order_mark_do_not_matter_and_stay_in_the_raw_text(head: Make, rule: Make) -> None:
    raw = "\ufeff" + (head() + rule("GOODS-2.1")).replace("\n", "\r\n")
    document = parse_document(raw, "global/goods.md")
    assert document.raw == raw
    assert document.sections == parse_document(head() + rule("GOODS-2.1"), "global/goods.md").sections


def test_norway_unquoted_is_refused_with_its_line_and_the_remedy(head: Make, rule: Make) -> None:
    raw = head("NO").replace('"NO"', "NO") + rule("GOODS-NO-1", 'effect: "add"', 'severity: "low"', 'host: ["warn"]', 'norms: ["a"]')
    with pytest.raises(PolicyError, match=r'^NO/goods\.md:4: YAML reads `jurisdiction: NO` as a truth value; .*jurisdiction: "NO"'):
        parse_document(raw, "NO/goods.md")


def test_norway_quoted_is_norway(head: Make, rule: Make) -> None:
    raw = head("NO") + rule("GOODS-NO-1", 'effect: "add"', 'severity: "low"', 'host: ["warn"]', 'norms: ["a"]')
    assert parse_document(raw, "NO/goods.md").jurisdiction == "NO"


@pytest.mark.parametrize(
    ("wrong", "right", "code", "message"),
    [
        ("effective_from: 2026-01-01", 'effective_from: "2026-01-01"', "yaml-type", "as a date object"),
        ('effective_from: "2026-02-30"', 'effective_from: "2026-01-01"', "bad-date", "is not a date"),
        ('effective_from: "20260101"', 'effective_from: "2026-01-01"', "bad-date", "is not a date"),
        ('jurisdiction: "UK"', 'jurisdiction: "global"', "unknown-jurisdiction", "did you mean 'GB'"),
        ('category: "drugs"', 'category: "regulated_goods"', "unknown-category", "is no category"),
        ('policy: "goods"\npolicy: "more"', 'policy: "goods"', "duplicate-key", "stands here twice"),
        ('colour: "red"\npolicy: "goods"', 'policy: "goods"', "unknown-key", "no key `colour`"),
        ('title: ""', 'title: "A policy"', "empty-value", "`title` is empty"),
        ("title: null", 'title: "A policy"', "yaml-type", "as nothing"),
        ('title: "A', 'title: "A policy"', "yaml-syntax", "not valid YAML"),
        ('severity: "bad"', 'severity: "medium"', "unknown-severity", "is no severity"),
        ('host: ["ban_viewer"]', 'host: ["warn", "pause_stream"]', "unknown-action", "is no action for a host"),
        ('viewer: ["end_stream"]', 'viewer: ["remove_message"]', "unknown-action", "is no action for a viewer"),
        ('host: "warn"', 'host: ["warn", "pause_stream"]', "yaml-type", "is a single text"),
        ("host: []", 'host: ["warn", "pause_stream"]', "empty-value", "is empty"),
        ("# Big", "What it protects.", "heading", "level 1"),
        ("## goods-2 Title", "## GOODS-2.1 A title", "bad-id", "no rule id"),
        ("### Notices", "### Notice", "unknown-part", "no part 'Notices'"),
        ("no item", '- "GOODS-2.1 second bad thing"', "not-a-list", "no item of the list"),
        ("", '- "GOODS-2.1 second bad thing"', "few-examples", "has 1 of the examples"),
        ("", "Nobody may do this.", "missing-text", "has no text"),
        ("", "This broke GOODS-2.1.", "missing-notice", "no part 'Notice'"),
        ("", 'severity: "medium"\n', "missing-key", "`severity` is missing"),
        ("", 'disclaimer: "Illustrative. Not legal advice."\n', "missing-key", "`disclaimer` is missing"),
        ("x", "```yaml", "missing-yaml", "not followed by a block"),
    ],
)
def test_each_fault_is_found_and_named(head: Make, rule: Make, wrong: str, right: str, code: str, message: str) -> None:
    good = head() + rule("GOODS-2.1")
    assert read_document(good, "global/goods.md")[1] == []
    assert right in good
    _, problems = read_document(good.replace(right, wrong, 1), "global/goods.md")
    assert code in [problem.code for problem in problems]
    assert any(message in problem.message for problem in problems)
    assert all(problem.line >= 1 and problem.fix for problem in problems)


def test_an_overlay_needs_an_effect_and_a_norm(head: Make, rule: Make) -> None:
    _, problems = read_document(head("SG") + rule("GOODS-SG-1"), "SG/goods.md")
    assert {(problem.code, problem.message) for problem in problems} == {
        ("missing-key", "`effect` is missing"),
    }
    _, problems = read_document(head("SG") + rule("GOODS-SG-1", 'effect: "add"', 'severity: "low"', 'host: ["warn"]'), "SG/goods.md")
    assert [problem.message for problem in problems] == ["`norms` is missing"]


def test_an_overlay_may_leave_out_all_but_its_text(head: Make, overlay: Make) -> None:
    document = parse_document(head("SG") + overlay("GOODS-2.1", "tighten"), "SG/goods.md")
    assert document.sections[0].text == "Here it is otherwise."
    assert document.sections[0].category is None


def test_a_section_that_ends_before_it_starts_is_refused(head: Make, overlay: Make) -> None:
    raw = head("SG") + overlay("GOODS-2.1", "tighten", 'effective_from: "2026-05-01"', 'effective_to: "2026-04-30"')
    _, problems = read_document(raw, "SG/goods.md")
    assert [problem.code for problem in problems] == ["date-order"]


def test_a_heading_inside_a_fence_is_text(head: Make, rule: Make) -> None:
    raw = head() + rule("GOODS-2.1", text="Look:\n\n```\n## not a heading\n```")
    assert "## not a heading" in parse_document(raw, "global/goods.md").sections[0].text


@pytest.mark.parametrize(
    "raw", ["", "no front matter", "---\n---\n", "---\na: [\n---\n", "---\n&a [*a]\n---\n", "---\n? {a: b}\n: c\n---\n"]
)
def test_what_is_no_document_is_a_problem_and_not_a_crash(raw: str) -> None:
    document, problems = read_document(raw, "global/x.md")
    assert document is None
    assert problems
