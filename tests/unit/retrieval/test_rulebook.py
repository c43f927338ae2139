from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livesteward.contracts import ActionKind, LayerEffect, Severity
from livesteward.errors import InputError, PolicyError
from livesteward.retrieval.comparison import diff_rulebooks
from livesteward.retrieval.documents import parse_document
from livesteward.retrieval.rulebook import PolicyLibrary, load_library

Make = Callable[..., str]
Write = Callable[..., Path]
DAY = date(2026, 11, 22)
ADD = ('effect: "add"', 'severity: "low"', 'host: ["warn"]', 'norms: ["A law"]')


@pytest.fixture
def library(head: Make, rule: Make, overlay: Make, write: Write) -> PolicyLibrary:
    return load_library(
        write(
            {
                "global/goods.md": head()
                + rule("GOODS-1.1")
                + rule("GOODS-2.1")
                + rule("GOODS-3.1", 'severity: "low"', 'host: ["warn"]', 'effective_from: "2027-01-01"'),
                "EU/goods.md": head("EU")
                + overlay("GOODS-2.1", "tighten", 'severity: "high"', text="In the EU.")
                + rule("GOODS-EU-1", *ADD),
                "DE/goods.md": head("DE")
                + overlay("GOODS-2.1", "relax", 'severity: "low"', 'host: ["educate"]', title="Tobacco in Germany", text="In Germany.")
                + overlay("GOODS-EU-1", "tighten", 'severity: "critical"', text="German part."),
                "FR/goods.md": head("FR") + overlay("GOODS-1.1", "off") + overlay("GOODS-2.1", "tighten", 'effective_from: "2026-12-01"'),
                "SG/goods.md": head("SG")
                + overlay("GOODS-2.1", "tighten", 'severity: "high"', 'effective_to: "2026-06-30"', text="Until June.")
                + overlay("GOODS-2.1", "tighten", 'severity: "critical"', 'effective_from: "2026-07-01"', text="From July."),
            }
        )
    )


def test_the_nearest_document_wins_and_the_layers_say_so(library: PolicyLibrary) -> None:
    rules = {rule.rule_id: rule for rule in library.rulebook("DE", DAY).rules}
    tobacco = rules["GOODS-2.1"]
    assert tobacco.severity is Severity.LOW
    assert tobacco.title == "Tobacco in Germany"
    assert tobacco.text == "Nobody may do this.\n\nIn the EU.\n\nIn Germany."
    assert tobacco.ladder.host == (ActionKind.EDUCATE,)
    assert tobacco.ladder.viewer == (ActionKind.REMOVE_MESSAGE,)
    assert [(layer.jurisdiction, layer.effect) for layer in tobacco.layers] == [
        ("global", LayerEffect.BASE),
        ("EU", LayerEffect.TIGHTEN),
        ("DE", LayerEffect.RELAX),
    ]
    assert tobacco.layers[1].changed == ("severity", "text", "norms")
    assert tobacco.layers[2].changed == ("title", "severity", "text", "ladder.host", "norms")
    assert tobacco.norms == ("A law",)


def test_a_rule_that_a_group_adds_can_be_tightened_by_its_country(library: PolicyLibrary) -> None:
    german = {rule.rule_id: rule for rule in library.rulebook("DE", DAY).rules}["GOODS-EU-1"]
    austrian = {rule.rule_id: rule for rule in library.rulebook("AT", DAY).rules}["GOODS-EU-1"]
    assert (german.severity, austrian.severity) == (Severity.CRITICAL, Severity.LOW)


def test_a_country_without_documents_gets_what_is_wider(library: PolicyLibrary) -> None:
    assert library.rulebook("AT", DAY).rules == library.rulebook("EU", DAY).rules
    assert library.rulebook("NZ", DAY).rules == library.rulebook("global", DAY).rules
    assert library.rulebook("NZ", DAY).ref.digest == library.rulebook("global", DAY).ref.digest


def test_off_takes_a_rule_away(library: PolicyLibrary) -> None:
    assert [rule.rule_id for rule in library.rulebook("FR", DAY).rules] == ["GOODS-2.1", "GOODS-EU-1"]
    explained = library.explain("GOODS-1.1", "FR", DAY)
    assert explained.rule is None
    assert [one.layer.effect for one in explained.layers] == [LayerEffect.BASE, LayerEffect.OFF]


@pytest.mark.parametrize(
    ("day", "severity", "text"),
    [
        (date(2026, 1, 1), "high", "Until June."),
        (date(2026, 6, 30), "high", "Until June."),
        (date(2026, 7, 1), "critical", "From July."),
    ],
)
def test_a_rule_is_what_is_in_force_on_the_day_first_and_last_included(library: PolicyLibrary, day: date, severity: str, text: str) -> None:
    rule = {rule.rule_id: rule for rule in library.rulebook("SG", day).rules}["GOODS-2.1"]
    assert (rule.severity, rule.text.split("\n\n")[1]) == (severity, text)


def test_a_rule_does_not_hold_before_its_first_day(library: PolicyLibrary) -> None:
    assert "GOODS-3.1" not in [rule.rule_id for rule in library.rulebook("global", date(2026, 12, 31)).rules]
    assert "GOODS-3.1" in [rule.rule_id for rule in library.rulebook("global", date(2027, 1, 1)).rules]
    assert library.rulebook("global", date(2025, 12, 31)).rules == ()


def test_explain_lists_what_is_not_in_force_and_says_so(library: PolicyLibrary) -> None:
    explained = library.explain("GOODS-2.1", "FR", DAY)
    assert [(one.layer.jurisdiction, one.in_force) for one in explained.layers] == [("global", True), ("EU", True), ("FR", False)]
    assert explained.layers[1].text == "In the EU."
    assert explained.layers[1].layer.document == "EU/goods.md"


def test_a_rule_off_in_the_group_holds_again_where_the_country_tightens_it(head: Make, rule: Make, overlay: Make, write: Write) -> None:
    library = load_library(
        write(
            {
                "global/goods.md": head() + rule("GOODS-1.1"),
                "EU/goods.md": head("EU") + overlay("GOODS-1.1", "off"),
                "DE/goods.md": head("DE") + overlay("GOODS-1.1", "tighten", 'severity: "high"'),
            }
        )
    )
    assert library.rulebook("AT", DAY).rules == ()
    assert library.rulebook("DE", DAY).rules[0].severity is Severity.HIGH


def test_an_unknown_rule_is_refused_with_a_proposal(library: PolicyLibrary) -> None:
    with pytest.raises(InputError, match=r"GOODS-2\.1"):
        library.explain("goods-2.1", "DE", DAY)


@pytest.mark.parametrize("name", ["UK", "Germany", "eu", "", "../x", "GLOBAL"])
def test_an_unknown_jurisdiction_is_refused(library: PolicyLibrary, name: str) -> None:
    with pytest.raises(InputError, match="jurisdiction"):
        library.rulebook(name, DAY)


def test_the_digest_does_not_know_where_a_rule_stands(head: Make, rule: Make, write: Write) -> None:
    together = load_library(write({"global/a.md": head() + rule("GOODS-1.1") + rule("GOODS-2.1")}, "together"))
    apart = load_library(
        write({"global/z.md": head(policy="z") + rule("GOODS-1.1"), "global/b.md": head(policy="b") + rule("GOODS-2.1")}, "apart")
    )
    assert together.rulebook("SG", DAY).ref.digest == apart.rulebook("SG", DAY).ref.digest


def test_the_digest_changes_with_every_word(head: Make, rule: Make, write: Write) -> None:
    first = load_library(write({"global/a.md": head() + rule("GOODS-1.1", text="One.")}, "first"))
    second = load_library(write({"global/a.md": head() + rule("GOODS-1.1", text="Two.")}, "second"))
    assert first.rulebook("SG", DAY).ref.digest != second.rulebook("SG", DAY).ref.digest


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(order=st.permutations(range(4)), sections=st.permutations(["GOODS-1.1", "GOODS-2.1", "GOODS-2.10"]))
def test_no_order_of_documents_or_rules_changes_the_rulebook(
    order: list[int], sections: list[str], head: Make, rule: Make, overlay: Make
) -> None:
    def documents(ids: list[str]) -> list[tuple[str, str]]:
        return [
            ("global/a.md", head(policy="a") + "".join(rule(rule_id) for rule_id in ids)),
            ("global/b.md", head(policy="b") + rule("GOODS-3.1")),
            ("EU/a.md", head("EU") + overlay("GOODS-1.1", "tighten", 'severity: "high"') + overlay("GOODS-3.1", "off")),
            ("DE/a.md", head("DE") + overlay("GOODS-1.1", "relax", 'severity: "low"')),
        ]

    parsed = [parse_document(text, path) for path, text in documents(sections)]
    shuffled = PolicyLibrary([parsed[i] for i in order]).rulebook("DE", DAY)
    plain = PolicyLibrary([parse_document(text, path) for path, text in documents(sorted(sections))]).rulebook("DE", DAY)
    assert shuffled.ref == plain.ref
    assert [rule.rule_id for rule in shuffled.rules] == ["GOODS-1.1", "GOODS-2.1", "GOODS-2.10"]


def test_faulty_documents_are_refused_and_all_of_them_counted(head: Make, rule: Make, write: Write) -> None:
    folder = write({"global/a.md": head() + rule("GOODS-1.1", 'severity: "bad"', 'host: ["shout"]')})
    with pytest.raises(PolicyError, match=r"^global/a\.md:1\d: .*1 more: run 'livesteward policies lint'"):
        load_library(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="holds no rule documents"):
        load_library(tmp_path)


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(write: Write, head: Make, rule: Make) -> None:
    folder = write({"global/a.md": head() + rule("GOODS-1.1")})
    file = folder / "global/a.md"
    file.write_bytes(file.read_bytes() + b"caf\xe9\n")
    with pytest.raises(PolicyError, match=r"a\.md:\d+: byte 0xe9 is not UTF-8"):
        load_library(folder)


def test_the_same_contents_are_read_once_and_new_contents_anew(write: Write, head: Make, rule: Make) -> None:
    folder = write({"global/a.md": head() + rule("GOODS-1.1")})
    first = load_library(folder)
    assert load_library(folder) is first
    write({"global/a.md": head() + rule("GOODS-1.2")})
    assert load_library(folder).rulebook("global", DAY).rules[0].rule_id == "GOODS-1.2"


def test_a_diff_names_what_was_added_removed_and_changed(library: PolicyLibrary) -> None:
    found = diff_rulebooks(library.rulebook("FR", DAY), library.rulebook("DE", DAY))
    assert [rule.rule_id for rule in found.added] == ["GOODS-1.1"]
    assert found.removed == ()
    assert [(change.rule_id, [field.field for field in change.fields]) for change in found.changed] == [
        ("GOODS-2.1", ["title", "severity", "text", "ladder"]),
        ("GOODS-EU-1", ["severity", "text"]),
    ]
    assert found.changed[0].fields[1].before == "high"
    assert diff_rulebooks(library.rulebook("NZ", DAY), library.rulebook("global", DAY)).empty
