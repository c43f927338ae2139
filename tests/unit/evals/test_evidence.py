from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.evals.making import ALLOW, REVIEW, SAID, VIOLATION, case, expected, finding, judged, read_from_picture, record

from livesteward.contracts import ActionKind, ActionLadder, Category, Finding, LayerEffect, Rule, RuleLayer, Severity, TextItem
from livesteward.errors import PolicyError
from livesteward.evals.cases import Case, Span
from livesteward.evals.judgements import Judgement
from livesteward.evals.metrics.evidence import citations, evidence_figures, evidence_spans, faithfulness
from livesteward.evals.metrics.spans import overlap
from livesteward.evals.outcomes import Probe, ProbeKind
from livesteward.evals.scorecard import Figures

RETRIEVED = {"SG": ["FRAUD-1.1", "HATE-1.1"]}


def rule(rule_id: str, category: str) -> Rule:
    layer = RuleLayer(jurisdiction="SG", effect=LayerEffect.BASE, document="d.md", line=1, effective_from=date(2026, 1, 1))
    return Rule(
        rule_id=rule_id,
        title="A rule",
        category=Category(category),
        severity=Severity.HIGH,
        text="Do not.",
        breaks=("one", "two"),
        allowed=("three", "four"),
        ladder=ActionLadder(host=(ActionKind.WARN,)),
        notice="You did.",
        layers=(layer,),
    )


def rules(region: str, day: date) -> Mapping[str, Rule]:
    if region == "DE":
        raise PolicyError("there are no rules for DE")
    return {"FRAUD-1.1": rule("FRAUD-1.1", "fraud_scam"), "HATE-1.1": rule("HATE-1.1", "hate_harassment")}


def decided(
    made: Case, *findings: Finding, retrieved: Mapping[str, Sequence[str]] = RETRIEVED, perceived: Sequence[TextItem] = ()
) -> list[Judgement]:
    return judged((made, record(made, VIOLATION, findings=findings, retrieved=retrieved, perceived=perceived)))


def validity(*quotes: tuple[str, str], perceived: Sequence[TextItem] = (), **claim: str) -> float | None:
    made = case("a", expected())
    rows = decided(made, finding(made.segment, quotes=quotes or [("u1", "guaranteed")], **claim), perceived=perceived)
    return citations(rows, rules=rules)["citation_validity"].value


def test_a_retrieved_rule_of_its_category_with_a_verbatim_quote_is_validly_cited() -> None:
    assert validity() == 1.0


def test_a_rule_that_was_not_retrieved_is_not_validly_cited() -> None:
    assert validity(rule="FRAUD-1.2") == 0.0


def test_a_rule_of_another_category_is_not_validly_cited() -> None:
    assert validity(category="hate_harassment") == 0.0
    made = case("a", expected())
    rows = decided(made, finding(made.segment, category="hate_harassment"))
    assert citations(rows)["citation_validity"].value == 1.0, "without rules there is no category to compare with"


def test_a_quote_must_stand_verbatim_in_its_item() -> None:
    assert validity(("u1", "Guaranteed")) == 0.0
    assert validity(("c1", "guaranteed")) == 0.0
    assert validity(("u1", "guaranteed"), ("c1", "hello")) == 1.0
    assert validity(("u1", "guaranteed"), ("c1", "never said")) == 0.0


def test_a_quote_may_come_from_what_perception_read() -> None:
    read = [read_from_picture("ocr-1", "DOUBLE YOUR MONEY")]
    assert validity(("ocr-1", "YOUR MONEY"), perceived=read) == 1.0
    assert validity(("ocr-1", "MY MONEY"), perceived=read) == 0.0
    assert validity(("ocr-2", "YOUR MONEY"), perceived=read) == 0.0


def test_a_picture_is_cited_without_words_and_a_text_is_not() -> None:
    assert validity(("frame-7", "")) == 1.0
    assert validity(("frame-7", "words")) == 0.0
    assert validity(("u1", "")) == 0.0


def test_quotes_are_compared_in_the_form_that_the_agent_gives_to_texts() -> None:
    made = case("a", expected(evidence=[("u1", "caf")]), segment={"utterances": ["the cafe\u0301\u0007bar"]})
    rows = decided(made, finding(made.segment, quotes=[("u1", "café bar")]))
    assert citations(rows)["citation_validity"].value == 1.0


def test_validity_is_asked_for_in_each_region() -> None:
    made = case("a", expected(regions=["SG", "MY"]))
    both = finding(made.segment, regions=["SG", "MY"])
    assert citations(decided(made, both))["citation_validity"].value == 0.5
    retrieved = {"SG": ["FRAUD-1.1"], "MY": ["FRAUD-1.1"]}
    assert citations(decided(made, both, retrieved=retrieved))["citation_validity"].value == 1.0


def test_a_region_without_rules_makes_nothing_valid() -> None:
    made = case("a", expected(regions=["DE"]))
    rows = decided(made, finding(made.segment, regions=["DE"]), retrieved={"DE": ["FRAUD-1.1"]})
    assert citations(rows, rules=rules)["citation_validity"].value == 0.0


def test_a_citation_is_accurate_where_the_label_names_the_rule() -> None:
    made = case("a", expected(rules=["FRAUD-2.1", "FRAUD-1.1"]))
    rows = decided(made, finding(made.segment), finding(made.segment, category="hate_harassment", rule="HATE-1.1"))
    found = citations(rows)["citation_accuracy"]
    assert (found.hits, found.n) == (1, 2)


def test_citations_on_innocents_are_not_asked_for_accuracy() -> None:
    made = case("a")
    assert set(citations(decided(made, finding(made.segment)))) == {"citation_validity"}


def spans_of(
    *quotes: tuple[str, str], gold: Sequence[tuple[str, str]] = (("u1", "guaranteed"),), perceived: Sequence[TextItem] = ()
) -> Figures:
    made = case("a", expected(evidence=gold))
    return evidence_spans(decided(made, finding(made.segment, quotes=quotes), perceived=perceived))


def values(figures: Figures) -> list[float]:
    return [figures[f"evidence_{name}"].value or 0.0 for name in ("precision", "recall", "f1")]


def test_evidence_is_compared_character_by_character() -> None:
    # "Friday, guaranteed" are 18 characters, "guaranteed" 10 of them.
    assert values(spans_of(("u1", "Friday, guaranteed"))) == pytest.approx([10 / 18, 1.0, 20 / 28])
    assert values(spans_of(("u1", "guar"))) == pytest.approx([1.0, 0.4, 8 / 14])
    assert values(spans_of(("u1", "I will"))) == [0, 0, 0]


def test_the_same_words_elsewhere_are_not_the_same_evidence() -> None:
    assert values(spans_of(("c1", "hello"), gold=[("u1", "guaranteed")])) == [0, 0, 0]
    assert values(spans_of(("u1", "guaranteed"), ("c1", "hello"), gold=[("u1", "guaranteed")])) == pytest.approx([10 / 15, 1, 20 / 25])


def test_overlapping_quotes_count_their_characters_once() -> None:
    assert values(spans_of(("u1", "guaranteed"), ("u1", "guaranteed."))) == pytest.approx([10 / 11, 1, 20 / 21])


def test_a_figure_of_evidence_is_the_mean_over_rows() -> None:
    one, two = case("a", expected()), case("b", expected())
    rows = decided(one, finding(one.segment)) + decided(two, finding(two.segment, quotes=[("u1", "I will")]))
    found = evidence_spans(rows)
    assert values(found) == [0.5, 0.5, 0.5]
    assert found["evidence_f1"].n == 2


def test_only_findings_of_the_broken_category_are_compared() -> None:
    made = case("a", expected())
    other = finding(made.segment, category="hate_harassment", quotes=[("c1", "hello")])
    assert evidence_spans(decided(made, other)) == {}
    assert values(evidence_spans(decided(made, other, finding(made.segment)))) == [1, 1, 1]
    innocent = case("b")
    assert evidence_spans(decided(innocent, finding(innocent.segment))) == {}


def test_the_label_of_a_category_that_was_not_found_is_not_asked_for() -> None:
    wanted = expected()
    wanted["findings"] = [*wanted["findings"], *expected(category="hate_harassment", evidence=[("c1", "hello")])["findings"]]
    made = case("a", wanted)
    assert values(evidence_spans(decided(made, finding(made.segment)))) == [1, 1, 1]


def drawn(gold: str, *read: str, quotes: Sequence[tuple[str, str]]) -> tuple[int, int, int]:
    perceived = [read_from_picture(f"ocr-{number}", text) for number, text in enumerate(read, start=1)]
    found = overlap([Span(item="f1", quote=gold)], quotes, case("a").segment, perceived)
    return found.both, found.cited, found.gold


def test_text_in_pictures_is_compared_by_words() -> None:
    assert drawn("double your money", "DOUBLE YOUR MONEY NOW", quotes=[("ocr-1", "DOUBLE YOUR MONEY NOW")]) == (15, 18, 15)
    assert drawn("double your money", "triple your money", quotes=[("ocr-1", "triple your money")]) == (9, 15, 15)


def test_words_are_found_where_ocr_lost_the_spaces() -> None:
    assert drawn("double your money", "DOUBLEYOURMONEY", quotes=[("ocr-1", "DOUBLEYOURMONEY")]) == (15, 15, 15)


def test_a_script_without_spaces_is_compared_by_letters() -> None:
    assert drawn("保证翻倍", "保正翻倍", quotes=[("ocr-1", "保正翻倍")]) == (3, 4, 4)


def test_a_word_counts_once_for_each_time_it_stands_there() -> None:
    assert drawn("buy buy buy", "buy", quotes=[("ocr-1", "buy")]) == (3, 3, 9)
    assert drawn("buy", "buy", quotes=[("ocr-1", "buy"), ("ocr-1", "buy")]) == (3, 3, 3)


def test_sound_is_compared_with_speech_and_pictures_with_what_was_read() -> None:
    segment = case("a").segment
    perceived = [read_from_picture("asr-1", "send me money"), read_from_picture("ocr-1", "send me money")]
    heard = overlap([Span(item="sound", quote="send me money")], [("asr-1", "send me money")], segment, perceived)
    read = overlap([Span(item="sound", quote="send me money")], [("ocr-1", "send me money")], segment, perceived)
    assert (heard.precision, heard.recall) == (1.0, 1.0)
    assert (read.precision, read.recall) == (0.0, 0.0)


def test_evidence_without_words_has_neither_precision_nor_recall() -> None:
    found = overlap([Span(item="f1", quote="money")], [("f1", "")], case("a").segment, [])
    assert (found.precision, found.recall, found.f1, found.gold) == (0.0, 0.0, 0.0, 5)


@settings(deadline=None)
@given(st.integers(0, len(SAID) - 1), st.integers(1, 30), st.integers(0, len(SAID) - 1), st.integers(1, 30))
def test_overlap_is_symmetric_and_bounded(gold_at: int, gold_size: int, cited_at: int, cited_size: int) -> None:
    segment = case("a").segment
    one, other = SAID[gold_at : gold_at + gold_size], SAID[cited_at : cited_at + cited_size]
    found = overlap([Span(item="u1", quote=one)], [("u1", other)], segment, [])
    turned = overlap([Span(item="u1", quote=other)], [("u1", one)], segment, [])
    assert (found.precision, found.recall, found.f1) == (turned.recall, turned.precision, turned.f1)
    assert 0 <= found.both <= min(found.cited, found.gold)
    same = overlap([Span(item="u1", quote=one)], [("u1", one)], segment, [])
    assert same.f1 == 1.0


def probe(kind: ProbeKind, *, still: bool) -> Probe:
    return Probe(kind=kind, removed=("u1",), still=still)


def test_actions_are_faithful_where_they_fall_with_their_evidence_and_hold_without_the_rest() -> None:
    one, two = case("a", expected(regions=["SG", "MY"])), case("b", expected())
    without, other = ProbeKind.WITHOUT_EVIDENCE, ProbeKind.WITHOUT_OTHER
    rows = judged(
        (one, record(one, VIOLATION, probes=[probe(without, still=False), probe(other, still=True)])),
        (two, record(two, VIOLATION, probes=[probe(without, still=True), probe(other, still=True)])),
    )
    found = faithfulness(rows)
    # The two regions of the first case are one judgement, probed once.
    assert (found["comprehensiveness"].hits, found["comprehensiveness"].n) == (1, 2)
    assert (found["stability"].hits, found["stability"].n) == (2, 2)


def test_a_run_that_was_not_probed_says_nothing_of_faithfulness() -> None:
    made = case("a", expected())
    assert faithfulness(judged((made, record(made, VIOLATION)))) == {}
    assert set(evidence_figures(judged((made, record(made, ALLOW))))) == set()
    assert "evidence_f1" in evidence_figures(judged((made, record(made, REVIEW))))
